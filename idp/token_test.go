package idp_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/record"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

func recordOf(a keyhatch.Action) record.EventFilter { return record.EventFilter{Action: a} }

// token asks for tokens: as web, unless the form names a client.
func (s *site) token(form url.Values, changes ...func(*http.Request)) map[string]any {
	s.t.Helper()
	if !form.Has("client_id") {
		changes = append([]func(*http.Request){func(r *http.Request) { r.SetBasicAuth("web", s.web.Secret.Reveal()) }}, changes...)
	}
	a := s.browser().post("/oauth/token", form, changes...)
	out := map[string]any{"status": a.StatusCode, "challenge": a.Header.Get("WWW-Authenticate")}
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		s.t.Fatalf("%d %s: %v", a.StatusCode, a.body, err)
	}
	return out
}

func (s *site) works(access string) bool {
	_, err := s.Broker.People.Authenticate(s.t.Context(), keyhatch.Secret(access))
	return err == nil
}

// TestTokenRefused: every refusal of the token endpoint, in the words of OAuth 2. None repeats
// what was sent.
func TestTokenRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	code := url.Values{"grant_type": {"authorization_code"}, "code": {keyhatch.AuthorizationCode.New().Reveal()}, "redirect_uri": {back}, "code_verifier": {verifier}}
	device, err := s.Broker.OAuth.StartDevice(t.Context(), appProof, wantedByDevice)
	s.must(err)
	poll := url.Values{"grant_type": {deviceGrant}, "client_id": {"app"}, "device_code": {device.Secret.Reveal()}}
	basic := func(name, secret string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(name, secret) }
	}
	form := func(pairs ...string) url.Values {
		v := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			v.Add(pairs[i], pairs[i+1])
		}
		return v
	}
	for _, c := range []struct {
		what   string
		form   url.Values
		change func(*http.Request)
		status int
		want   string
	}{
		{"no grant type", form("x", "y"), nil, 400, "unsupported_grant_type"},
		{"a password", form("grant_type", "password", "username", "ann", "password", canary), nil, 400, "unsupported_grant_type"},
		{"a client's own", form("grant_type", "client_credentials"), nil, 400, "unsupported_grant_type"},
		{"no such code", code, nil, 400, "invalid_grant"},
		{"no code", form("grant_type", "authorization_code"), nil, 400, "invalid_grant"},
		{"no refresh token", form("grant_type", "refresh_token", "refresh_token", canary), nil, 400, "invalid_grant"},
		{"a broken scope", form("grant_type", "refresh_token", "scope", "%zz"), nil, 400, "invalid_scope"},
		{"no device", form("grant_type", deviceGrant, "client_id", "app", "device_code", canary), nil, 400, "invalid_grant"},
		{"a device that waits", poll, nil, 400, "authorization_pending"},
		{"a device that asks at once", poll, nil, 400, "slow_down"},
		{"a wrong secret", code, basic("web", canary), 401, "invalid_client"},
		{"an unknown client", code, basic("nobody", canary), 401, "invalid_client"},
		{"a secret of a public one", code, basic("app", canary), 401, "invalid_client"},
		{"no secret", form("grant_type", "authorization_code", "client_id", "web"), nil, 401, "invalid_client"},
		{"a token in its place", code, with("Authorization", "Bearer "+canary), 401, "invalid_client"},
		{"no base64", code, with("Authorization", "Basic "+canary), 401, "invalid_client"},
		{"bad encoding", code, basic("%zz", canary), 401, "invalid_client"},
		{"two proofs", form("grant_type", "x", "client_id", "web", "client_secret", canary), basic("web", canary), 401, "invalid_client"},
		{"two clients", form("grant_type", "x", "client_id", "app"), basic("web", canary), 401, "invalid_client"},
		{"twice", form("grant_type", "authorization_code", "grant_type", "authorization_code"), nil, 400, "invalid_request"},
		{"JSON", code, with("Content-Type", "application/json"), 400, "invalid_request"},
	} {
		var changes []func(*http.Request)
		if c.change != nil {
			changes = append(changes, c.change)
		}
		got := s.token(c.form, changes...)
		if got["status"] != c.status || got["error"] != c.want || got["error_description"] == "" || got["access_token"] != nil {
			t.Errorf("%s: %v, want %d %s", c.what, got, c.status, c.want)
		}
		if (c.status == 401) != (got["challenge"] != "") {
			t.Errorf("%s: WWW-Authenticate %q", c.what, got["challenge"])
		}
		if text, _ := json.Marshal(got); strings.Contains(string(text), canary) {
			t.Errorf("S13: %s: the answer repeats what was sent: %s", c.what, text)
		}
	}
	if a := s.browser().get("/oauth/token"); a.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", a.StatusCode)
	}
	if a := s.browser().post("/oauth/token?client_id=app", code); a.StatusCode != http.StatusBadRequest {
		t.Errorf("in the URL: %d", a.StatusCode)
	}
	if strings.Contains(s.log.String(), canary) {
		t.Errorf("S5: the log has what was sent:\n%s", s.log)
	}
}

// TestSecretAsParameter: a client may also show its secret as a parameter, and its refresh
// token may be given up by who holds it.
func TestSecretAsParameter(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.signedIn("ann")
	code := b.decide(b.get("/oauth/authorize?"+wanted("scope", "openid tokens:read").Encode()), "allow").sentBack(t, back).Get("code")
	got := s.token(url.Values{
		"client_id": {"web"}, "client_secret": {s.web.Secret.Reveal()}, "grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {back}, "code_verifier": {verifier},
	})
	access, _ := got["access_token"].(string)
	refresh, _ := got["refresh_token"].(string)
	if got["scope"] != "openid tokens:read" || got["token_type"] != "Bearer" || got["expires_in"] != 3600.0 || got["id_token"] == nil || !s.works(access) {
		t.Errorf("it gets %v", got)
	}
	if a := s.browser().post("/oauth/revoke", url.Values{"token": {refresh}}); a.StatusCode != http.StatusOK || s.works(access) {
		t.Errorf("S7: given up: %d, the access token works: %v", a.StatusCode, s.works(access))
	}
	if a := s.browser().get("/oauth/userinfo", bearer(access)); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("who she is, afterwards: %d", a.StatusCode)
	}
}

// TestMetadata: what is told is there, under both names.
func TestMetadata(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	a := b.get("/.well-known/oauth-authorization-server")
	if other := b.get("/.well-known/openid-configuration"); other.body != a.body {
		t.Error("the two differ")
	}
	var m map[string]any
	s.must(json.Unmarshal([]byte(a.body), &m))
	if m["issuer"] != s.url {
		t.Errorf("the issuer is %v", m["issuer"])
	}
	n := 0
	for name, value := range m {
		address, _ := value.(string)
		if !strings.HasSuffix(name, "_endpoint") && name != "jwks_uri" {
			continue
		}
		n++
		if a := b.get(strings.TrimPrefix(address, s.url)); a.StatusCode == http.StatusNotFound {
			t.Errorf("%s: there is nothing at %s", name, address)
		}
	}
	if n != 7 {
		t.Errorf("it tells of %d addresses", n)
	}
}

// TestRealm: a client of Keycloak finds what it looks for: the key of the realm, with which the
// access token is signed that its device flow gives.
func TestRealm(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	var realm struct {
		Key string `json:"public_key"`
	}
	s.must(json.Unmarshal([]byte(b.get("/auth/realms/rrap").body), &realm))
	der, err := base64.StdEncoding.DecodeString(realm.Key)
	s.must(err)
	if _, err := x509.ParsePKIXPublicKey(der); err != nil {
		t.Error(err)
	}
	const at = "/auth/realms/rrap/protocol/openid-connect"
	var device struct {
		Device   string `json:"device_code"`
		User     string `json:"user_code"`
		Complete string `json:"verification_uri_complete"`
		Interval int    `json:"interval"`
	}
	s.must(json.Unmarshal([]byte(b.post(at+"/auth/device", url.Values{"client_id": {"app"}, "scopes": {""}}).body), &device))
	if device.Interval != 5 || device.Complete != s.url+"/device?user_code="+device.User {
		t.Errorf("the device is told %+v", device)
	}
	ann := s.signedIn("ann")
	form := ann.get("/device").field("form")
	ann.post("/device", url.Values{"form": {form}, "user_code": {device.User}, "decision": {"allow"}})
	var got struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	poll := url.Values{"grant_type": {deviceGrant}, "client_id": {"app"}, "device_code": {device.Device}, "scope": {""}}
	s.must(json.Unmarshal([]byte(b.post(at+"/token", poll).body), &got))
	if !keyhatch.LooksSigned(got.Access) || got.Refresh == "" {
		t.Errorf("it gets %+v", got)
	}
	if a := b.get("/auth/realms/%2e%2e"); a.StatusCode == http.StatusOK {
		t.Errorf("a realm of dots: %d", a.StatusCode)
	}
}
