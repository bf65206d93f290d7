package earthdata_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
)

type token struct {
	Access     string `json:"access_token"`
	Type       string `json:"token_type"`
	Expiration string `json:"expiration_date"`
}

func (w *world) read(a answer, v any) {
	w.T.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil || a.StatusCode != http.StatusOK {
		w.T.Fatalf("%s: %d %s %v", a.Request.URL.Path, a.StatusCode, a.body, err)
	}
}

// TestTokensOfUsers: the same token comes back each time, though only its hash is kept; there are two
// at most, also in another process and after the signing key was changed; one that was revoked
// does not work.
func TestTokensOfUsers(t *testing.T) {
	w := newWorld(t)
	c := w.client(false, false)
	ann := basic("ann", password)
	var first, again, second token
	w.read(c.send("POST", "/api/users/find_or_create_token", "", ann), &first)
	w.read(c.send("POST", "/api/users/find_or_create_token", "", ann), &again)
	ends, err := time.Parse("01/02/2006", first.Expiration)
	if first != again || first.Type != "Bearer" || err != nil || time.Until(ends) > 60*24*time.Hour || time.Until(ends) < 58*24*time.Hour {
		t.Fatalf("%+v, %+v, %v", first, again, err)
	}
	w.keys("with the token", c.get("/s3credentials", with("Authorization", "Bearer "+first.Access)))
	w.must(w.Broker.OAuth.RotateKey(t.Context(), w.Admin, false))
	w.read(c.send("POST", "/api/users/find_or_create_token", "", ann), &again)
	if again != first {
		t.Error("after the key was changed it is another token")
	}
	w.read(c.send("POST", "/api/users/token", "", ann), &second)
	w.refused("a third", c.send("POST", "/api/users/token", "", ann), 403, "max_token_limit")
	var all []token
	w.read(c.get("/api/users/tokens", ann), &all)
	if len(all) != 2 || all[0] != second || all[1] != first || second == first {
		t.Fatalf("there are %v", all)
	}
	w.must(w.Broker.OAuth.Prune(t.Context()))
	w.read(c.get("/api/users/tokens", ann), &all)
	if len(all) != 2 {
		t.Error("the key of a token is gone before the token")
	}
	w.refused("a token of somebody else", c.send("POST", "/api/users/revoke_token?token="+first.Access, "", basic("bob", password)), 403, "invalid_token")
	if a := c.send("POST", "/api/users/revoke_token?token="+second.Access, "", ann); a.StatusCode != 200 {
		t.Errorf("it is not revoked: %d %s", a.StatusCode, a.body)
	}
	w.refused("a revoked one", c.get("/s3credentials", with("Authorization", "Bearer "+second.Access)), 401, "invalid_token")
	w.read(c.send("POST", "/api/users/find_or_create_token", "", ann), &again)
	if again != first {
		t.Error("it is another token than the one that is left")
	}
	var none []token
	if a := c.get("/api/users/tokens", basic("bob", password)); a.body != "[]\n" {
		t.Errorf("bob has %s %v", a.body, none)
	}
	if strings.Contains(string(w.DatabaseBytes(t)), first.Access[strings.LastIndex(first.Access, ".")+1:]) || strings.Contains(w.Log.String(), first.Access) {
		t.Error("S5: the token is kept or logged")
	}
}

// TestTokensThatEnd: a token with little time left is given to nobody who logs in, while there may be
// another one. It was given until its last second, and the keys lived no longer.
func TestTokensThatEnd(t *testing.T) {
	w := newWorld(t)
	c := w.client(false, false)
	find := func() string {
		t.Helper()
		var out token
		w.read(c.send("POST", "/api/users/find_or_create_token", "", basic("ann", password)), &out)
		return out.Access
	}
	idOf := func(which string) string {
		t.Helper()
		return w.keys("with it", c.get("/s3credentials", with("Authorization", "Bearer "+which))).Token
	}
	ends := func(id string, in time.Duration) {
		t.Helper()
		at := time.Now().Add(in)
		_, err := w.Broker.People.UpdateToken(t.Context(), w.ann, id, people.TokenChange{ExpiresAt: &at})
		w.must(err)
	}
	first := find()
	firstID := idOf(first)
	ends(firstID, 25*time.Hour)
	if find() != first {
		t.Error("one with a day left is another")
	}
	ends(firstID, 23*time.Hour)
	second := find()
	if second == first {
		t.Error("one with less than a day left is given")
	}
	secondID := idOf(second)
	if find() != second {
		t.Error("the one that ends later is not found")
	}
	ends(secondID, 2*time.Hour)
	if find() != first {
		t.Error("of two that end soon it is not the one that ends later: a third, or none")
	}
	ends(firstID, 30*time.Minute)
	if find() != second {
		t.Error("one that outlives the keys is ended for a third")
	}
	ends(secondID, 40*time.Minute)
	third := find()
	idOf(third)
	if third == first || third == second {
		t.Error("one is given that ends before the keys do")
	}
	w.refused("the one that ended first", c.get("/s3credentials", with("Authorization", "Bearer "+first)), 401, "invalid_token")
	var all []token
	w.read(c.get("/api/users/tokens", basic("ann", password)), &all)
	if len(all) != 2 {
		t.Errorf("there are %d", len(all))
	}
	w.keys("by name and password, for all of the hour", c.get("/s3credentials", basic("ann", password)))
}

// TestTokenWithAnotherSecret: a token that was given another secret is a token like every other, and
// no more what is found.
func TestTokenWithAnotherSecret(t *testing.T) {
	w := newWorld(t)
	c := w.client(false, false)
	var first, second token
	w.read(c.send("POST", "/api/users/find_or_create_token", "", basic("ann", password)), &first)
	l := w.keys("with it", c.get("/s3credentials", with("Authorization", "Bearer "+first.Access)))
	if _, _, err := w.Broker.People.RotateToken(t.Context(), w.ann, l.Token, 0); err != nil {
		t.Fatal(err)
	}
	w.read(c.send("POST", "/api/users/find_or_create_token", "", basic("ann", password)), &second)
	if second == first {
		t.Error("a text is given that does not work")
	}
	w.keys("with the new one", c.get("/s3credentials", with("Authorization", "Bearer "+second.Access)))
}

// TestWhoGetsTokens: a name and a password do, and nothing else: no token makes another.
func TestWhoGetsTokens(t *testing.T) {
	w := newWorld(t)
	c := w.client(false, false)
	for _, at := range []struct{ method, path string }{
		{"POST", "/api/users/find_or_create_token"}, {"POST", "/api/users/token"}, {"GET", "/api/users/tokens"}, {"POST", "/api/users/revoke_token"},
	} {
		for what, show := range map[string]func(*http.Request){
			"nothing": func(*http.Request) {}, "a wrong password": basic("ann", "wrong"), "nobody": basic("nobody", password), "a token": with("Authorization", "Bearer "+w.token),
			"a token by Basic": basic("ann", w.token),
		} {
			a := c.send(at.method, at.path, "", show)
			w.refused(at.path+", "+what, a, 401, "invalid_credentials")
			if !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Basic ") {
				t.Errorf("%s: it does not ask for Basic", at.path)
			}
		}
		w.refused(at.path+", a page elsewhere", c.send(at.method, at.path, "", basic("ann", password), with("Sec-Fetch-Site", "cross-site")), 403, "from_elsewhere")
	}
}

// TestUserOfToken: a token tells of its own user, and a client that was made for Earthdata Login is
// told whose token it was shown.
func TestUserOfToken(t *testing.T) {
	w := newWorld(t)
	c := w.client(false, false)
	full := "Ann of the Lab"
	if _, err := w.Broker.People.UpdateUser(t.Context(), w.Admin, w.ann.User.ID, people.UserChange{FullName: &full}); err != nil {
		t.Fatal(err)
	}
	var who struct {
		UID   string
		First string `json:"first_name"`
		Last  string `json:"last_name"`
	}
	bearer := with("Authorization", "Bearer "+w.token)
	w.read(c.get("/api/users/ann?client_id=portal", bearer), &who)
	if who.UID != "ann" || who.First != "Ann" || who.Last != "of the Lab" {
		t.Errorf("%+v", who)
	}
	w.refused("somebody else", c.get("/api/users/bob", bearer), 403, "invalid_token")
	w.refused("without a token", c.get("/api/users/ann"), 401, "invalid_token")

	client := basic("portal", w.portalSecret)
	for what, a := range map[string]answer{
		"in a form":  c.send("POST", "/oauth/tokens/user", url.Values{"client_id": {"portal"}, "token": {w.token}, "on_behalf_of": {"x"}}.Encode(), client),
		"in the URL": c.send("POST", "/oauth/tokens/user?client_id=portal&token="+w.token, "", client),
	} {
		if a.body != `{"uid":"ann"}`+"\n" {
			t.Errorf("%s: %d %s", what, a.StatusCode, a.body)
		}
	}
	w.refused("no token", c.send("POST", "/oauth/tokens/user", "token=wrong", client), 403, "invalid_token")
	w.refused("twice", c.send("POST", "/oauth/tokens/user?token=a", "token=b", client), 400, "invalid_request")
	w.refused("a wrong secret", c.send("POST", "/oauth/tokens/user", "token="+w.token, basic("portal", "wrong")), 401, "invalid_client")
	w.refused("another's id", c.send("POST", "/oauth/tokens/user", "client_id=other&token="+w.token, client), 401, "invalid_client")
	other := portal
	other.Name, other.Earthdata = "other", false
	_, secret, err := w.Broker.OAuth.CreateClient(t.Context(), w.Admin, other)
	w.must(err)
	w.refused("a client of another kind", c.send("POST", "/oauth/tokens/user", "token="+w.token, basic("other", secret.Reveal())), 403, "unauthorized_client")
	var set struct{ Keys []struct{ Kid, Alg string } }
	w.read(c.get("/.well-known/edl_ops_jwks.json"), &set)
	if len(set.Keys) != 1 || set.Keys[0].Alg != "RS256" {
		t.Errorf("the keys are %+v", set)
	}
}

// TestPortal: a client that was made for Earthdata Login gets tokens for a code without PKCE, and is told
// the path of the user. Others get none, and neither does it with a verifier that belongs to nothing.
func TestPortal(t *testing.T) {
	w := newWorld(t)
	c := w.client(false, false)
	asks := url.Values{"client_id": {"portal"}, "redirect_uri": {portal.Redirects[0]}, "response_type": {"code"}, "state": {"s"}}
	code := func() string {
		back := c.get("/oauth/authorize?"+asks.Encode(), basic("ann", password)).location(t)
		if !strings.HasPrefix(back.String(), portal.Redirects[0]+"?") || back.Query().Get("code") == "" {
			t.Fatalf("it is sent to %s", back)
		}
		return back.Query().Get("code")
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code()}, "redirect_uri": {portal.Redirects[0]}}
	client := basic("portal", w.portalSecret)
	var got struct {
		Access   string `json:"access_token"`
		Refresh  string `json:"refresh_token"`
		Endpoint string
	}
	w.read(c.send("POST", "/oauth/token", form.Encode(), client), &got)
	if got.Endpoint != "/api/users/ann" || got.Refresh == "" {
		t.Fatalf("%+v", got)
	}
	if a := c.get(got.Endpoint, with("Authorization", "Bearer "+got.Access)); a.StatusCode != 200 {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	form.Set("code", code())
	form.Set("code_verifier", strings.Repeat("v", 43))
	if a := c.send("POST", "/oauth/token", form.Encode(), client); a.StatusCode != 400 {
		t.Errorf("a verifier of nothing: %d %s", a.StatusCode, a.body)
	}
	for name, change := range map[string]func(*keyhatch.OAuthClient){
		"public":    func(c *keyhatch.OAuthClient) { c.Confidential = false },
		"device":    func(c *keyhatch.OAuthClient) { c.Flows = append(c.Flows, keyhatch.DeviceFlow) },
		"addresses": func(c *keyhatch.OAuthClient) { c.Redirects = append(c.Redirects, "https://portal.example.org/other") },
	} {
		bad := portal
		bad.Name, bad.Flows, bad.Redirects = name, append([]keyhatch.OAuthFlow{}, portal.Flows...), append([]string{}, portal.Redirects...)
		change(&bad)
		if _, _, err := w.Broker.OAuth.CreateClient(t.Context(), w.Admin, bad); err == nil {
			t.Errorf("%s: it is registered", name)
		}
	}
	other := portal
	other.Name, other.Earthdata = "other", false
	_, _, err := w.Broker.OAuth.CreateClient(t.Context(), w.Admin, other)
	w.must(err)
	asks.Set("client_id", "other")
	if back := c.get("/oauth/authorize?"+asks.Encode(), basic("ann", password)).location(t); back.Query().Get("code") != "" || back.Query().Get("error") != "invalid_request" {
		t.Errorf("another client needs no PKCE: %s", back)
	}
	asking := portal
	asking.Name, asking.Trusted = "asking", false
	_, _, err = w.Broker.OAuth.CreateClient(t.Context(), w.Admin, asking)
	w.must(err)
	asks.Set("client_id", "asking")
	if back := c.get("/oauth/authorize?"+asks.Encode(), basic("ann", password)).location(t); back.Query().Get("error") != "consent_required" {
		t.Errorf("nobody was asked: %s", back)
	}
}
