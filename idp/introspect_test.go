package idp_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
)

const introspect = "/oauth/introspect"

func (w *world) introspected(secret string) map[string]any {
	w.t.Helper()
	_, asker := w.token(people.NewToken{Scopes: []keyhatch.Scope{"tokens:read"}})
	a := w.call("POST", introspect, tokenForm(secret), bearer(asker))
	var got map[string]any
	if err := json.Unmarshal(a.Body.Bytes(), &got); err != nil || a.Code != http.StatusOK || a.Header().Get("Content-Type") != "application/json" {
		w.t.Fatalf("%d %s", a.Code, a.Body)
	}
	if a.Header().Get("X-RateLimit-Limit") == "" || strings.Contains(a.Body.String(), secret) {
		w.t.Errorf("answered %s with %v", a.Body, a.Header())
	}
	return got
}

// TestIntrospection is what is told of a token that works, in each spelling.
func TestIntrospection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ends := time.Now().Add(time.Hour).Truncate(time.Microsecond)
	token, secret := w.token(people.NewToken{
		Workspace: w.lab.ID, ExpiresAt: ends, Networks: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")},
		Scopes: []keyhatch.Scope{"leases", "GET /api/v1/tokens/", `s3:read s3://lab-data/50%/a "b" \c/é/`},
	})
	for name, spelled := range spellings(token.ID, w.lab.ID, secret) {
		want := map[string]any{
			"active": true, "token_type": "Bearer", "sub": w.ann.User.ID, "username": "ann", "jti": token.ID,
			"iat": float64(token.CreatedAt.Unix()), "exp": float64(ends.Unix()), "workspace": w.lab.ID,
			"scope":    "leases GET%20/api/v1/tokens/ s3:read%20s3://lab-data/50%25/a%20%22b%22%20%5Cc/%C3%A9/",
			"scopes":   []any{"leases", "GET /api/v1/tokens/", `s3:read s3://lab-data/50%/a "b" \c/é/`},
			"networks": []any{"198.51.100.0/24"},
		}
		got := w.introspected(spelled)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		for i, s := range strings.Split(got["scope"].(string), " ") {
			if plain, err := url.PathUnescape(s); err != nil || plain != got["scopes"].([]any)[i] {
				t.Errorf("%q is read as %q, %v", s, plain, err)
			}
		}
	}
	_, endless := w.token(people.NewToken{Scopes: []keyhatch.Scope{}})
	got := w.introspected(endless)
	if _, ends := got["exp"]; ends || got["scope"] != "" || len(got["scopes"].([]any)) != 0 || got["active"] != true {
		t.Errorf("a token that may nothing, and does not end: %v", got)
	}
	plain, secret := w.token(people.NewToken{})
	if got := w.introspected(spellings(plain.ID, w.lab.ID, secret)["with its lab"]); got["workspace"] != w.lab.ID {
		t.Errorf("spelled with a workspace: %v", got)
	}
	w.wantNoSecrets(secret, endless)
}

// TestS6_InactiveTokensLookAlike: of what does not work nothing else is told.
func TestS6_InactiveTokensLookAlike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		_, expired := w.token(people.NewToken{ExpiresAt: time.Now().Add(time.Minute)})
		gone, revoked := w.token(people.NewToken{})
		other, good := w.token(people.NewToken{})
		if err := w.Broker.People.RevokeToken(t.Context(), w.Admin, gone.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		for what, secret := range map[string]string{
			"expired": expired, "revoked": revoked, "unknown": keyhatch.NewTokenSecret().Reveal(), "no token": canary,
			"mistyped": good[:51] + "-", "long": strings.Repeat("x", 5000), "with the id of another": spellings(gone.ID, w.lab.ID, good)["as Arvados"],
			"in no workspace": spellings(other.ID, "ws_000000000000000", good)["with its lab"],
		} {
			if diff := cmp.Diff(map[string]any{"active": false}, w.introspected(secret)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		w.wantNoSecrets(expired, revoked, good)
	})
}

// TestS6_IntrospectionFromElsewhere: a token that works in other networks looks to others
// there as if it did not exist.
func TestS6_IntrospectionFromElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, asker, err := w.Broker.People.CreateToken(t.Context(), w.Admin, people.NewToken{User: w.User(t, "bob").User.ID})
	if err != nil {
		t.Fatal(err)
	}
	for network, told := range map[string]bool{"192.0.2.0/24": true, "198.51.100.0/24": false} { // w calls from 192.0.2.1
		token, secret := w.token(people.NewToken{Networks: []netip.Prefix{netip.MustParsePrefix(network)}})
		for name, spelled := range spellings(token.ID, w.lab.ID, secret) {
			a := w.call("POST", introspect, tokenForm(spelled), bearer(asker.Reveal()))
			if a.Code != http.StatusOK || told != strings.Contains(a.Body.String(), token.ID) || !told && a.Body.String() != "{\"active\":false}\n" {
				t.Errorf("of %s, %s: %d %s", network, name, a.Code, a.Body)
			}
		}
	}
}

// TestIntrospectionInGrace: a secret that was replaced is told to end with its grace, the
// newer one with its token.
func TestIntrospectionInGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ends := time.Now().Add(time.Hour)
		token, old := w.token(people.NewToken{ExpiresAt: ends})
		_, newer, err := w.Broker.People.RotateToken(t.Context(), w.Admin, token.ID, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.introspected(newer.Reveal()); got["exp"] != float64(ends.Unix()) {
			t.Errorf("the newer one ends at %v", got["exp"])
		}
		if got := w.introspected(old); got["exp"] != float64(time.Now().Add(time.Minute).Unix()) {
			t.Errorf("the replaced one ends at %v", got["exp"])
		}
		time.Sleep(time.Minute)
		if got := w.introspected(old); got["active"] != false {
			t.Errorf("after the grace: %v", got)
		}
	})
}

// TestIntrospectionByScope: which tokens may ask.
func TestIntrospectionByScope(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, shown := w.token(people.NewToken{})
	statuses := map[keyhatch.Scope]int{
		"all": 200, "tokens": 200, "tokens:read": 200, "POST /oauth/introspect": 200, "POST /oauth/": 200, "POST /": 200,
		"POST /oauth/revoke": 403, "POST /oauth/introspect/": 403, "POST /oauth": 403, "GET /oauth/introspect": 403, "GET /": 403, "POST /api/v1/": 403,
		"POST /api/v1/tokens": 403, "s3:read s3://lab-data/": 403, "s3:write s3://lab-data/a/": 403,
	}
	for _, noun := range keyhatch.ScopeNouns {
		for _, scope := range []keyhatch.Scope{keyhatch.Scope(noun), keyhatch.Scope(noun + ":read")} {
			if statuses[scope] == 0 {
				statuses[scope] = http.StatusForbidden
			}
		}
	}
	for scope, status := range statuses {
		_, asker := w.token(people.NewToken{Workspace: w.lab.ID, Scopes: []keyhatch.Scope{scope}})
		a := w.call("POST", introspect, tokenForm(shown), bearer(asker))
		if a.Code != status {
			t.Errorf("%s: %d, want %d: %s", scope, a.Code, status, a.Body)
		}
		if status == http.StatusForbidden {
			w.refused(string(scope), a, status, "insufficient_scope", shown, asker)
			if got := a.Header().Get("WWW-Authenticate"); got != `Bearer realm="keyhatch", error="insufficient_scope"` {
				t.Errorf("%s: WWW-Authenticate %q", scope, got)
			}
		}
	}
	basic := func(r *http.Request) { r.SetBasicAuth("resource", w.tokenOf("tokens:read")) }
	if a := w.call("POST", introspect, tokenForm(shown), basic); a.Code != http.StatusOK {
		t.Errorf("with Basic: %d %s", a.Code, a.Body)
	}
}

func (w *world) tokenOf(scopes ...keyhatch.Scope) string {
	w.t.Helper()
	_, secret := w.token(people.NewToken{Scopes: scopes})
	return secret
}

// TestS6_AskersLookAlike: who shows no token that works learns nothing, not even whether
// the request would have been well-formed.
func TestS6_AskersLookAlike(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gone, revoked := w.token(people.NewToken{})
	if err := w.Broker.People.RevokeToken(t.Context(), w.Admin, gone.ID); err != nil {
		t.Fatal(err)
	}
	_, shown := w.token(people.NewToken{})
	first := ""
	for what, asker := range map[string]string{"revoked": revoked, "unknown": keyhatch.NewTokenSecret().Reveal(), "malformed": canary} {
		for _, body := range []string{tokenForm(shown), "token=%zz"} {
			a := w.call("POST", introspect, body, bearer(asker))
			w.refused(what, a, http.StatusUnauthorized, "invalid_token", shown, asker)
			if got := a.Header().Get("WWW-Authenticate"); got != `Bearer realm="keyhatch", error="invalid_token"` {
				t.Errorf("%s: WWW-Authenticate %q", what, got)
			}
			if first == "" {
				first = a.Body.String()
			}
			if a.Body.String() != first {
				t.Errorf("%s: %s, and another %s", what, a.Body, first)
			}
		}
	}
	a := w.call("POST", introspect, tokenForm(shown))
	w.refused("without a token", a, http.StatusUnauthorized, "invalid_token")
	if got := a.Header().Get("WWW-Authenticate"); got != `Bearer realm="keyhatch"` {
		t.Errorf("without a token: WWW-Authenticate %q", got)
	}
	w.wantNoSecrets(shown, revoked)
}

// TestS12_UnknownTokensAreLimited: who asks about many tokens that there are not is told
// to wait.
func TestS12_UnknownTokensAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		asker := w.tokenOf("tokens:read")
		_, good := w.token(people.NewToken{})
		for range people.DefaultFailuresPerMinute {
			if a := w.call("POST", introspect, tokenForm(keyhatch.NewTokenSecret().Reveal()), bearer(asker)); a.Code != http.StatusOK {
				t.Fatalf("%d %s", a.Code, a.Body)
			}
		}
		a := w.call("POST", introspect, tokenForm(keyhatch.NewTokenSecret().Reveal()), bearer(asker))
		w.refused("one more", a, http.StatusTooManyRequests, "temporarily_unavailable")
		if got := a.Header().Get("Retry-After"); got != "1" {
			t.Errorf("Retry-After %q", got)
		}
		if got := w.introspected(good); got["active"] != true {
			t.Errorf("one that works: %v", got)
		}
	})
}

// signed are the signed tokens that are good, by their text.
type signed map[keyhatch.Secret]keyhatch.Assertion

func (s signed) Verify(_ context.Context, jwt keyhatch.Secret, now time.Time) (keyhatch.Assertion, error) {
	a, ok := s[jwt]
	if !ok || !now.Before(a.ExpiresAt) {
		return keyhatch.Assertion{}, keyhatch.Fail(keyhatch.Unauthenticated, keyhatch.CodeTokenInvalid, "no")
	}
	return a, nil
}

func (signed) Rules() map[string]string { return map[string]string{"https://issuer.test": "r"} }

// TestIntrospectionOfSignedTokens: they are told like others, by the rules of their issuer;
// that makes no token of them. Of what is no good nothing is told.
func TestIntrospectionOfSignedTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := time.Now().Truncate(time.Second)
	good := keyhatch.Assertion{
		Issuer: "https://issuer.test", Rules: "r", Subject: "repo:acme", User: "ann", Workspaces: []string{"lab"}, Scopes: []keyhatch.Scope{"leases"},
		SignedAt: at.Add(-time.Minute), ExpiresAt: at.Add(time.Hour), Signed: "a.b",
	}
	elsewhere, nobodys := good, good
	elsewhere.Networks, elsewhere.Signed = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, "a.c"
	nobodys.User, nobodys.Signed = "nobody", "a.d"
	w.Issuers = signed{"a.b.x": good, "a.c.x": elsewhere, "a.d.x": nobodys}
	w.reopen()
	want := map[string]any{
		"active": true, "token_type": "Bearer", "sub": w.ann.User.ID, "username": "ann", "iss": "https://issuer.test",
		"iat": float64(at.Add(-time.Minute).Unix()), "exp": float64(at.Add(time.Hour).Unix()), "workspace": w.lab.ID,
		"scope": "leases", "scopes": []any{"leases"},
	}
	if diff := cmp.Diff(want, w.introspected("a.b.x")); diff != "" {
		t.Errorf("not used yet (-want +got):\n%s", diff)
	}
	if rows := w.Dump(t, "tokens")["tokens"]; slices.ContainsFunc(rows, func(r string) bool { return strings.Contains(r, "issuer.test") }) {
		t.Error("it counts as used")
	}
	c, err := w.Broker.Bearers.Authenticate(t.Context(), "a.b.x", "")
	if err != nil {
		t.Fatal(err)
	}
	want["jti"] = c.Token.ID
	if diff := cmp.Diff(want, w.introspected("a.b.x")); diff != "" {
		t.Errorf("used (-want +got):\n%s", diff)
	}
	if got := w.introspected("a.c.x"); got["active"] != true || !cmp.Equal(got["networks"], []any{"198.51.100.0/24"}) {
		t.Errorf("of other networks, asked by its user: %v", got)
	}
	if err := w.Broker.People.RevokeToken(t.Context(), w.Admin, c.Token.ID); err != nil {
		t.Fatal(err)
	}
	for _, jwt := range []string{"a.b.x", "a.d.x", "a.e.x", "a.b." + strings.Repeat("x", keyhatch.MaxSigned)} {
		if got := w.introspected(jwt); !cmp.Equal(got, map[string]any{"active": false}) {
			t.Errorf("%.10s: %v", jwt, got)
		}
	}
}
