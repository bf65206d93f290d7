package idp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
)

// hostile are addresses to which nobody may be led.
var hostile = []string{
	"https://evil.example/", "http://evil.example", "//evil.example/", "///evil.example/", "////evil.example", `\\evil.example`, `/\evil.example`, `\/evil.example`,
	"/\t/evil.example", "/\n/evil.example", "/%09/evil.example", "/%2f/evil.example", "/%5cevil.example", "https:evil.example", "https:/evil.example",
	"javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "/profile/../../evil.example", "/profile/..//evil.example", "/profile@evil.example",
	"/terms/", "/terms/loc_0mz3k8q2a7c4f9d/../../evil", "/terms//evil.example", "/terms/loc_evil",
	"/profile//evil.example", "/oauth/authorize/../..//evil.example", "/oauth/authorizeevil", "profile", "?next=//evil.example", "#//evil.example",
	"/device#@evil.example", "/login?next=//evil.example", "/logout", "/api/v1/tokens", "/profile?a=b\r\nSet-Cookie: x=y", "/profile?<script>", " /profile", "/profile ",
	"/profile;x", "https://127.0.0.1@evil.example/profile", "/\u2215evil.example", "/device?x=\x00",
}

// TestS11_LoginLeadsNowhereElse: whatever next says, a login leads to a page of ours.
func TestS11_LoginLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, next := range hostile {
		b := s.browser()
		b.Client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		page := b.get("/login?" + url.Values{"next": {next}}.Encode())
		if got := page.field("next"); got != "/profile" {
			t.Errorf("%q: the page leads to %q", next, got)
		}
		a := b.post("/login", url.Values{"form": {page.field("form")}, "next": {next}, "name": {"ann"}, "password": {password}})
		if got := a.Header.Get("Location"); a.StatusCode != http.StatusSeeOther || got != "/profile" {
			t.Errorf("%q: the login leads to %q, %d", next, got, a.StatusCode)
		}
		if got := b.get("/login?" + url.Values{"next": {next}}.Encode()).Header.Get("Location"); got != "/profile" {
			t.Errorf("%q: who is logged in already is led to %q", next, got)
		}
		a = b.post("/logout", url.Values{"return_to": {next}})
		if u, err := url.Parse(a.Header.Get("Location")); err != nil || u.Host != "" || u.Scheme != "" || strings.HasPrefix(a.Header.Get("Location"), "//") {
			t.Errorf("%q: the logout leads to %q", next, a.Header.Get("Location"))
		}
	}
}

// TestS11_NothingIsSentToStrangers: where the client or its address is not right, the user is
// told, and nothing is sent anywhere, whether anybody is logged in or not.
func TestS11_NothingIsSentToStrangers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	in, out := s.signedIn("ann"), s.browser()
	addresses := []string{
		"", "https://evil.example/back", "https://app.example.org/back", "https://app.example.org/back?from=there&x=1", "https://app.example.org/back?from=there#",
		"https://app.example.org:443/back?from=there", "https://APP.example.org/back?from=there", "https://app.example.org@evil.example/back?from=there",
		"https://app.example.org.evil.example/back?from=there", "http://app.example.org/back?from=there", "https://app.example.org/../back?from=there",
		"http://127.0.0.1:4711/back", "https://own.example.org/back", back + "%20", back + "\r\nX: y", "//app.example.org/back?from=there",
	}
	for _, address := range append(addresses, hostile...) {
		for who, b := range map[string]*browser{"logged in": in, "not logged in": out} {
			a := b.get("/oauth/authorize?" + wanted("redirect_uri", address).Encode())
			if a.StatusCode != http.StatusBadRequest || a.Header.Get("Location") != "" || !strings.Contains(a.body, "This did not work") {
				t.Errorf("%q, %s: %d, to %q", address, who, a.StatusCode, a.Header.Get("Location"))
			}
			if strings.Contains(a.body, "evil") {
				t.Errorf("S13: %q, %s: the page repeats it", address, who)
			}
		}
	}
	for _, client := range []string{"", "nobody", "keyhatch", "app", "trusted", "client_000000000000000"} {
		if a := in.get("/oauth/authorize?" + wanted("client_id", client).Encode()); a.StatusCode < 400 || a.Header.Get("Location") != "" {
			t.Errorf("client %q: %d, to %q", client, a.StatusCode, a.Header.Get("Location"))
		}
	}
	if a := in.get("/oauth/authorize?" + wanted().Encode() + "&redirect_uri=" + url.QueryEscape("https://evil.example/")); a.StatusCode != http.StatusBadRequest {
		t.Errorf("two addresses: %d", a.StatusCode)
	}
}

// TestS11_StateLeadsNowhere: whatever state says, it comes back as it was, as one parameter at the
// client's address, with a code and with a refusal, and a page that carries it runs none of it.
func TestS11_StateLeadsNowhere(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.signedIn("ann")
	for _, state := range append([]string{`"><script>alert(1)</script>`, "x&redirect_uri=https://evil.example/", "x#y", "a\r\nLocation: https://evil.example/"}, hostile...) {
		page := b.get("/oauth/authorize?" + wanted("state", state).Encode())
		if strings.Contains(state, "\x00") {
			continue // a page cannot carry it
		}
		for what, sent := range map[string]url.Values{
			"allowed": b.decide(page, "allow").sentBack(t, back+"&"), "refused": b.decide(page, "deny").sentBack(t, back+"&"),
			"wrong": b.get("/oauth/authorize?"+wanted("state", state, "response_type", "x").Encode()).sentBack(t, back+"&"),
		} {
			if len(sent["state"]) != 1 || sent.Get("state") != state || len(sent["from"]) != 1 || sent.Get("redirect_uri") != "" {
				t.Errorf("%q, %s: it is sent %v", state, what, sent)
			}
		}
	}
}

// TestErrorsAreSentBack: what a client did wrong is sent to it, with its state.
func TestErrorsAreSentBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	for what, c := range map[string]struct {
		change []string
		want   string
	}{
		"another response type": {[]string{"response_type", "token"}, "unsupported_response_type"},
		"no response type":      {[]string{"response_type", ""}, "unsupported_response_type"},
		"a fragment":            {[]string{"response_mode", "fragment"}, "invalid_request"},
		"no challenge":          {[]string{"code_challenge", "", "code_challenge_method", ""}, "invalid_request"},
		"a plain challenge":     {[]string{"code_challenge_method", "plain"}, "invalid_request"},
		"no method":             {[]string{"code_challenge_method", ""}, "invalid_request"},
		"a short challenge":     {[]string{"code_challenge", "x"}, "invalid_request"},
		"a broader scope":       {[]string{"scope", "all"}, "invalid_scope"},
		"no scope":              {[]string{"scope", "tokens%zz"}, "invalid_scope"},
		"a request object":      {[]string{"request", "x.y.z"}, "request_not_supported"},
		"a request elsewhere":   {[]string{"request_uri", "https://evil.example/"}, "request_uri_not_supported"},
		"nobody, quietly":       {[]string{"prompt", "none"}, "login_required"},
		"quietly, and asked":    {[]string{"prompt", "none login"}, "invalid_request"},
		"another prompt":        {[]string{"prompt", "create"}, "invalid_request"},
		"an age of no number":   {[]string{"max_age", "-1"}, "invalid_request"},
	} {
		sent := b.get("/oauth/authorize?"+wanted(c.change...).Encode()).sentBack(t, back)
		if sent.Get("error") != c.want || sent.Get("state") != "s&= ?#/%" || sent.Get("iss") != s.url || sent.Get("code") != "" || sent.Get("from") != "there" || sent.Get("error_description") == "" {
			t.Errorf("%s: it is sent %v", what, sent)
		}
	}
	in := s.signedIn("ann")
	if sent := in.get("/oauth/authorize?"+wanted("prompt", "none").Encode()).sentBack(t, back); sent.Get("error") != "consent_required" {
		t.Errorf("quietly: %v", sent)
	}
	if sent := in.decide(in.get("/oauth/authorize?"+wanted().Encode()), "deny").sentBack(t, back); sent.Get("error") != "access_denied" || sent.Get("code") != "" {
		t.Errorf("she says no: %v", sent)
	}
	own := wanted("client_id", "trusted", "redirect_uri", "https://own.example.org/back").Encode()
	if sent := in.get("/oauth/authorize?"+own).sentBack(t, "https://own.example.org/back?"); !keyhatch.AuthorizationCode.Is(keyhatch.Secret(sent.Get("code"))) {
		t.Errorf("one that need not ask is sent %v", sent)
	}
}

// TestForeignForms: no form works that another site has made or sent, or that we have shown to
// another browser, to somebody else, or before the login.
func TestForeignForms(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ann, bob, nobody := s.signedIn("ann"), s.signedIn("bob"), s.browser()
	before := nobody.get("/login").field("form")
	device, err := s.Broker.OAuth.StartDevice(t.Context(), appProof, wantedByDevice)
	s.must(err)
	own := ann.get("/device").field("form")
	fields := map[string]url.Values{
		"/login":           {"name": {"bob"}, "password": {password}},
		"/device":          {"user_code": {device.Code}, "decision": {"allow"}},
		"/profile/end":     {"consent": {"consent_000000000000000"}},
		"/oauth/authorize": wanted("decision", "allow"),
	}
	for path, f := range fields {
		for what, c := range map[string]struct {
			form    string
			changes []func(*http.Request)
		}{
			"none": {"", nil}, "another browser's": {before, nil}, "somebody else's": {bob.get("/device").field("form"), nil}, "made up": {strings.Repeat("A", 43), nil},
			"her own, sent by another site":    {own, []func(*http.Request){with("Sec-Fetch-Site", "cross-site")}},
			"her own, sent by a neighbour":     {own, []func(*http.Request){with("Sec-Fetch-Site", "same-site")}},
			"her own, from another origin":     {own, []func(*http.Request){with("Origin", "https://evil.example")}},
			"her own, from another scheme":     {own, []func(*http.Request){with("Origin", strings.Replace(s.url, "http:", "https:", 1))}},
			"her own, from a page of no place": {own, []func(*http.Request){with("Origin", "null")}},
		} {
			f.Set("form", c.form)
			if a := ann.post(path, f, c.changes...); a.StatusCode != http.StatusForbidden || a.Header.Get("Location") != "" {
				t.Errorf("%s, %s: %d, to %q", path, what, a.StatusCode, a.Header.Get("Location"))
			}
		}
	}
	f := fields["/device"]
	f.Set("form", own)
	if a := ann.post("/device", f); a.StatusCode != http.StatusOK {
		t.Errorf("her own: %d %s", a.StatusCode, a.body)
	}
}

// TestSessionIsNotFixed: what a browser showed before a login signs nobody in, and a second
// login in the same browser ends the first.
func TestSessionIsNotFixed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	site, err := url.Parse(s.url)
	s.must(err)
	b := s.browser()
	planted := keyhatch.NewSessionSecret().Reveal()
	b.Jar.SetCookies(site, []*http.Cookie{{Name: "keyhatch", Value: planted, Path: "/"}})
	session := func() (value string) {
		for _, c := range b.Jar.Cookies(site) {
			if c.Name == "keyhatch" {
				value = c.Value
			}
		}
		return value
	}
	page := b.get("/login")
	b.login(page, "ann")
	first := session()
	if first == planted || first == "" {
		t.Fatal("the session is the one that was there before")
	}
	bob := s.browser()
	bob.Jar.SetCookies(site, []*http.Cookie{{Name: "keyhatch", Value: planted, Path: "/"}})
	if a := bob.get("/profile"); !strings.HasSuffix(a.Request.URL.Path, "/login") {
		t.Errorf("what was planted signs in: %s", a.body)
	}
	page = b.get("/device") // a page with a form, of who is signed in
	b.login(page, "bob")
	if _, err := s.Broker.Sessions.Of(t.Context(), keyhatch.Secret(first)); err == nil {
		t.Error("the first session lives on")
	}
	if second := session(); second == first {
		t.Error("the second session is the first")
	}
}
