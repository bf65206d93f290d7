package tiledb

import (
	"slices"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/people"
)

// token is one as answers have it. The format has fifteen words for what a token may,
// of which ours know three: see scopesOf.
type token struct {
	TokenID     string    `json:"token_id"`
	Name        string    `json:"name"`
	CreatedAt   time.Time `json:"created_at"`
	ExpiresAt   time.Time `json:"expires_at"`
	APIKey      string    `json:"api_key"` // empty but at its making
	WorkspaceID string    `json:"workspace_id,omitempty"`
	Scope       string    `json:"scope"`
}

// never is when a token ends that does not: the format knows no other way to say it.
var never = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

func encodeToken(t keyhatch.Token) token {
	out := token{TokenID: t.ID, Name: t.Name, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt, WorkspaceID: t.Workspace, Scope: wordOf(t.Scopes)}
	if out.ExpiresAt.IsZero() {
		out.ExpiresAt = never
	}
	return out
}

// words are the format's for scopes of ours.
var words = []struct {
	word   string
	scopes []keyhatch.Scope
}{
	{"user:read", []keyhatch.Scope{"users:read"}},
	{"user:read-write", []keyhatch.Scope{"users"}},
}

// scopesOf are the scopes that a word asks for. The word for everything asks for all
// that the token has which asks.
func scopesOf(word string) ([]keyhatch.Scope, error) {
	if word == "*" {
		return nil, nil
	}
	for _, w := range words {
		if w.word == word {
			return w.scopes, nil
		}
	}
	return nil, invalid(`a token's scope is "*", "user:read" or "user:read-write" here: what it may otherwise is said with keyhatch token create`, "scope")
}

// wordOf is the format's word for scopes. Those for which it has none are shown as
// everything, so that nobody thinks less of a token than it may.
func wordOf(scopes []keyhatch.Scope) string {
	for _, w := range words {
		if slices.Equal(w.scopes, scopes) {
			return w.word
		}
	}
	return "*"
}

// sessions is how the names of tokens begin that clients make for themselves, when
// somebody logs in.
const sessions = "login-session-"

func (d *Door) listTokens(c *call) (any, error) {
	list, err := everything(func(p kernel.Page) (kernel.List[keyhatch.Token], error) {
		return d.people.Tokens(c.ctx, c.caller, "", p)
	})
	if err != nil {
		return nil, err
	}
	all := []token{}
	for _, t := range list {
		session := strings.HasPrefix(t.Name, sessions)
		switch kind := c.query.Get("type"); kind {
		case "", "api", "session":
			if kind == "" || session == (kind == "session") {
				all = append(all, encodeToken(t))
			}
		default:
			return nil, invalid("type is api or session", "type")
		}
	}
	return paged(c.query, all)
}

type newToken struct {
	Name      *string    `json:"name"`
	Scope     *string    `json:"scope"`
	Workspace *string    `json:"workspace_id"` // id or name
	ExpiresAt *time.Time `json:"expires_at"`
}

// How long a token lives for which no end is asked: one that a client makes when
// somebody logs in, and others. Either lives no longer than tokens may.
//
// Source: the documentation of tiledb.client.tokens.create_token; of sessions, that of
// the first version's sessions with remember_me.
const (
	sessionLife = 30 * 24 * time.Hour
	tokenLife   = 30 * time.Minute
)

// createToken makes a token. One of a workspace is spelled so that clients read the
// workspace from it.
func (d *Door) createToken(c *call) (any, error) {
	n, err := decode[newToken](c)
	if err != nil {
		return nil, err
	}
	scopes, err := scopesOf(value(n.Scope))
	if err != nil {
		return nil, err
	}
	want := people.NewToken{Name: value(n.Name), Scopes: scopes, Workspace: value(n.Workspace)}
	switch {
	case n.ExpiresAt != nil:
		want.ExpiresAt = *n.ExpiresAt
	case strings.HasPrefix(want.Name, sessions):
		want.ExpiresAt = d.people.WithinLongest(c.caller, sessionLife)
	default:
		want.ExpiresAt = d.people.WithinLongest(c.caller, tokenLife)
	}
	t, secret, err := d.people.CreateToken(c.ctx, c.caller, want)
	if err != nil {
		return nil, err
	}
	made := encodeToken(t)
	made.APIKey = keyhatch.SpellWithin(secret, t.Workspace).Reveal()
	return data[token]{made}, nil
}

func (d *Door) revokeToken(c *call) (any, error) {
	return nil, d.people.RevokeToken(c.ctx, c.caller, c.name)
}
