package idp

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/policy"
)

// inactive is all that is told of what does not work.
type inactive struct {
	Active bool `json:"active"` // false
}

// introspection is what is told of a token that works.
//
// Source: RFC 7662, section 2.2; scopes, workspace and networks are ours.
type introspection struct {
	Active    bool     `json:"active"`
	Scope     string   `json:"scope"`  // percent-encoded each, see scopeToken
	Scopes    []string `json:"scopes"` // the same as they are
	TokenType string   `json:"token_type"`
	Subject   string   `json:"sub"`
	Username  string   `json:"username"`
	ID        string   `json:"jti,omitempty"` // of the token, which is no secret; a signed one has one once it was used
	Issuer    string   `json:"iss,omitempty"` // of a signed one
	IssuedAt  int64    `json:"iat"`
	ExpiresAt int64    `json:"exp,omitempty"` // without it, when it is revoked
	Workspace string   `json:"workspace,omitempty"`
	// Networks are those from which alone the token works: whoever asks knows where it was
	// shown from, and we do not.
	Networks []string `json:"networks,omitempty"`
}

// introspect tells the owner of a resource what the token may that was shown to him.
func (d *Door) introspect(w http.ResponseWriter, r *http.Request) error {
	caller, err := d.guard.Admit(r.Context(), r.Header, policy.Route{Method: r.Method, Path: r.URL.Path, Noun: "tokens", Reads: true})
	auth.TellAllowance(w.Header(), caller.Allowance)
	if err != nil {
		return err
	}
	f, err := readForm(r)
	if err != nil {
		return err
	}
	if f["token"] == "" {
		return errNoToken
	}
	inspect := d.people.Inspect
	if keyhatch.LooksSigned(f["token"]) {
		inspect = d.bearers.Inspect
	}
	seen, err := inspect(r.Context(), caller, keyhatch.Secret(f["token"]))
	if err != nil {
		return err
	}
	if !seen.Active {
		d.writeJSON(w, r, http.StatusOK, inactive{})
		return nil
	}
	d.writeJSON(w, r, http.StatusOK, encodeInspection(seen))
	return nil
}

func encodeInspection(seen people.Inspection) introspection {
	t := seen.Token
	out := introspection{
		Active: true, TokenType: "Bearer", Subject: seen.User.ID, Username: seen.User.Name, ID: t.ID, Issuer: t.Bearer.Issuer,
		IssuedAt: seen.IssuedAt.Unix(), Workspace: t.Workspace, Scopes: make([]string, len(t.Scopes)),
	}
	tokens := make([]string, len(t.Scopes))
	for i, s := range t.Scopes {
		out.Scopes[i], tokens[i] = string(s), scopeToken(s)
	}
	out.Scope = strings.Join(tokens, " ")
	if !seen.ExpiresAt.IsZero() {
		out.ExpiresAt = seen.ExpiresAt.Unix()
	}
	for _, n := range t.Networks {
		out.Networks = append(out.Networks, n.String())
	}
	return out
}

// scopeToken writes a scope so that it can stand in a list with spaces between: what
// cannot be in it is percent-encoded, and so is the percent sign. None is left out: one
// that narrows, such as "s3:read s3://bucket/", would be missed by who reads the list.
//
// Source: RFC 6749, section 3.3.
func scopeToken(s keyhatch.Scope) string {
	var out strings.Builder
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' || strings.IndexByte(`"\%`, c) >= 0 {
			fmt.Fprintf(&out, "%%%02X", c)
		} else {
			out.WriteByte(c)
		}
	}
	return out.String()
}
