package keyhatch

import (
	"context"
	"net/netip"
	"sync/atomic"
	"time"
)

// Caller is who asks, as told by a token that was checked. Every use case of
// the core takes one and decides for itself what it may do.
type Caller struct {
	User   User
	Token  Token
	Secret TokenHash // of which of the token's secrets was shown
	Lease  string    // id of what was shown instead of a secret: a lease of the token
	// Pair is the access key id of what was shown, or what such a lease was borrowed with,
	// instead of a token: a pair of an access key. Then the Token is KeyToken.
	Pair string
	// Password is the id of what was shown instead of a token: the user's password. Then
	// the Token is PasswordToken.
	Password string
	// Session is the id of what was shown instead of a token: a session. Then the Token is
	// PasswordToken.
	Session string
	// Within is the workspace that the spelling of the secret confines the caller to;
	// the Token's is the same. Empty: the token is as it is kept.
	Within string
	// Roles are what the signed token that was shown says of them (Assertion.Roles).
	Roles  []string
	Origin Origin
	// Allowance is what is left of the token's request limit.
	Allowance Allowance
}

// Confine lets the caller's token work in the workspace only, and tells whether it works
// there: it does not when it is confined to another one.
func (c *Caller) Confine(workspace string) bool {
	if own := c.Token.Workspace; own != "" && own != workspace {
		return false
	}
	c.Token.Workspace, c.Within = workspace, workspace
	return true
}

// HasToken tells whether the caller has a token that is kept, which what it makes can name and
// end with. Who has shown a password or a session has none.
func (c Caller) HasToken() bool { return c.Password == "" && c.Session == "" }

// PasswordToken is the token of a caller who has shown a password or a session: what the user may, and
// no token that is kept, so it has no id, and nothing can be borrowed or made that would
// name it.
func PasswordToken(user string) Token { return Token{User: user, Scopes: []Scope{"all"}} }

// KeyToken is the token of a caller who has shown a pair of an access key. It may nothing: what
// such a caller gets lies in what the key opens. Its id is of the one that the key was made with, for the record, which
// may have ended since.
func KeyToken(k AccessKey) Token {
	return Token{ID: k.Token, User: k.Owner, Workspace: k.Workspace, Networks: k.Networks}
}

// Allowance is what may still be asked in a short time.
type Allowance struct {
	PerMinute int           // on average, and at once
	Remaining int           // at once, now
	Full      time.Duration // until as many may be asked at once as ever
}

// Origin is where a request came from and what it is called in the logs.
type Origin struct {
	Address   netip.Addr // of the client, after trusted proxies; may be invalid
	RequestID string
	Trace     Trace // that the client says the request is a part of
}

// AddressText is the address, or "" when it is not known.
func (o Origin) AddressText() string {
	if !o.Address.IsValid() {
		return ""
	}
	return o.Address.String()
}

type originKey struct{}

// WithOrigin notes the origin for everything that is done under ctx.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// Asker is who turns out to have made a request, for its line in the log. Its zero value is
// nobody, and it is safe for concurrent use.
type Asker struct{ user atomic.Pointer[string] }

// User is the id, empty for nobody.
func (a *Asker) User() string {
	if id := a.user.Load(); id != nil {
		return *id
	}
	return ""
}

type askerKey struct{}

// WithAsker has NoteAsker note in a who it is under ctx.
func WithAsker(ctx context.Context, a *Asker) context.Context {
	return context.WithValue(ctx, askerKey{}, a)
}

// NoteAsker notes, where somebody wants to know, the id of the user who asks; empty does nothing.
func NoteAsker(ctx context.Context, user string) {
	if a, ok := ctx.Value(askerKey{}).(*Asker); ok && user != "" {
		a.user.Store(&user)
	}
}

// OriginOf returns what WithOrigin noted.
func OriginOf(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	return o
}
