package arvados

import (
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/compat/arvados/listing"
)

// The kinds of the wire, and the middle of their ids: the last five characters of the
// class name's MD5 in base 36.
const (
	tokenKind, tokenInfix = "arvados#apiClientAuthorization", "gj3su"
	userKind, userInfix   = "arvados#user", "tpzed"
)

var infixes = map[string]string{tokenKind: tokenInfix, userKind: userInfix}

func (d *Door) uuid(infix string, kind keyhatch.IDKind, id string) string {
	payload, ok := keyhatch.IDPayload(kind, id)
	if !ok {
		return ""
	}
	return d.cluster + "-" + infix + "-" + payload
}

// id reads a uuid of this installation; one of another shape or place is of nothing.
func (d *Door) id(infix string, kind keyhatch.IDKind, uuid string) (string, error) {
	payload, ok := strings.CutPrefix(uuid, d.cluster+"-"+infix+"-")
	id := string(kind) + "_" + payload
	if _, whole := keyhatch.IDPayload(kind, id); !ok || !whole {
		return "", errNotFound
	}
	return id, nil
}

func (d *Door) tokens() listing.Resource[keyhatch.Token] {
	return listing.Resource[keyhatch.Token]{
		Class: "ApiClientAuthorization", Kind: tokenKind, Infixes: infixes, Columns: []listing.Column[keyhatch.Token]{
			listing.TextOrNull("uuid", func(t keyhatch.Token) string { return d.uuid(tokenInfix, keyhatch.TokenID, t.ID) }),
			listing.TextOrNull("owner_uuid", func(t keyhatch.Token) string { return d.uuid(userInfix, keyhatch.UserID, t.User) }),
			listing.Time("created_at", func(t keyhatch.Token) time.Time { return t.CreatedAt }),
			listing.TextOrNull("modified_by_user_uuid", never[keyhatch.Token, string]),
			listing.Time("modified_at", never[keyhatch.Token, time.Time]),
			listing.TextOrNull("api_token", never[keyhatch.Token, string]),
			listing.TextOrNull("created_by_ip_address", func(t keyhatch.Token) string { return t.CreatedFrom }),
			listing.Time("expires_at", func(t keyhatch.Token) time.Time { return t.ExpiresAt }),
			listing.Time("last_used_at", func(t keyhatch.Token) time.Time { return t.LastUsedAt }),
			listing.TextOrNull("last_used_by_ip_address", func(t keyhatch.Token) string { return t.LastUsedFrom }),
			listing.Set("scopes", func(t keyhatch.Token) []string { return scopeTexts(t.Scopes) }),
			// Of the older versions, in which they were numbers of rows.
			listing.Opaque[keyhatch.Token]("api_client_id", nil),
			listing.Opaque[keyhatch.Token]("user_id", nil),
		},
	}
}

// never is what no record has.
func never[T, V any](T) (none V) { return none }

func scopeTexts(scopes []keyhatch.Scope) []string {
	out := make([]string, len(scopes))
	for i, s := range scopes {
		out[i] = string(s)
	}
	return out
}

// token is the answer that is one token; its secret is in it when it is not empty.
func (d *Door) token(c *call, t keyhatch.Token, secret keyhatch.Secret) (any, error) {
	selected, err := listing.ParseSelect(d.tokens(), c.values)
	if err != nil {
		return nil, err
	}
	out := d.tokens().Encode(t, selected)
	if secret != "" {
		for i := range out {
			if out[i].Name == "api_token" {
				out[i].Value = secret.Reveal()
			}
		}
	}
	return out, nil
}
