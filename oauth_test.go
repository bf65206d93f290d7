package keyhatch

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestCheckRedirect is where codes may be sent.
func TestCheckRedirect(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"https://app.example.org/back": true, "https://app.example.org": true, "https://app.example.org/back?x=1": true, "http://127.0.0.1/back": true,
		"http://127.0.0.1:4711/back": true, "http://[::1]/back": true, "http://localhost:80/": true, "org.example.app:/back": true,

		"": false, "/back": false, "app.example.org/back": false, "//app.example.org/back": false, "http://app.example.org/back": false,
		"https://app.example.org/back#": false, "https://app.example.org/#x": false, "https://ann@app.example.org/": false, "https://*.example.org/": false,
		"https:///back": false, "https:app.example.org": false, "javascript:alert(1)": false, "data:text/html,x": false, "app:/back": false,
		`https://app.example.org\@evil.example/`: false, "https://app.example.org/ x": false, "https://app.example.org/\n": false, "https://app.ex\u00e4mple.org/": false,
		"http://127.0.0.1.evil.example/": false, "http://localhost.evil.example/": false, "http://10.0.0.1/": false, "file:///etc/passwd": false,
		"https://app.example.org/" + strings.Repeat("x", MaxRedirectBytes): false, "org.example.app://host/back": false,
	} {
		if err := CheckRedirect(address); (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// TestSendsTo: an address is one of the client's to the letter; only the port of the machine
// itself is free.
func TestSendsTo(t *testing.T) {
	t.Parallel()
	c := OAuthClient{Redirects: []string{"https://app.example.org/back", "http://127.0.0.1/back", "http://[::1]:1/back", "http://localhost/back"}}
	for address, ok := range map[string]bool{
		"https://app.example.org/back": true, "http://127.0.0.1/back": true, "http://127.0.0.1:4711/back": true, "http://[::1]:4711/back": true,
		"http://[::1]/back": true, "http://localhost/back": true,

		"": false, "https://app.example.org/back/": false, "https://app.example.org/back?": false, "https://app.example.org/back?x=1": false,
		"https://app.example.org/back#": false, "https://app.example.org:443/back": false, "https://APP.example.org/back": false, "HTTPS://app.example.org/back": false,
		"https://app.example.org/b%61ck": false, "https://app.example.org/x/../back": false, "https://app.example.org//back": false,
		"https://app.example.org@evil.example/back": false, "https://app.example.org.evil.example/back": false, "https://evil.example/https://app.example.org/back": false,
		`https://app.example.org\back`: false, "http://app.example.org/back": false, "http://localhost:4711/back": false, "http://127.0.0.2/back": false,
		"http://127.0.0.1:4711/back/x": false, "http://127.0.0.1:4711/back?x": false, "http://x@127.0.0.1:4711/back": false, "https://127.0.0.1:4711/back": false,
		"http://127.0.0.1:4711@evil.example/back": false, "http://127.0.0.1:x/back": false, "http://[::1]:4711/other": false, " https://app.example.org/back": false,
	} {
		if got := c.SendsTo(address); got != ok {
			t.Errorf("%q: %v", address, got)
		}
	}
}

// FuzzSendsTo: whatever is accepted leads a browser to the host and the path of a registered
// address, with what stands in it.
func FuzzSendsTo(f *testing.F) {
	c := OAuthClient{Redirects: []string{"https://app.example.org/back?a=b", "http://127.0.0.1/back", "http://[::1]:1/back"}}
	for _, seed := range append([]string{"http://127.0.0.1:4711/back", "http://[::1]:/back", "http://127.0.0.1:4711@evil/back", "https://app.example.org\\@evil/"}, c.Redirects...) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		if !c.SendsTo(address) {
			return
		}
		for _, registered := range c.Redirects {
			r, err := url.Parse(registered)
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(address)
			if err == nil && u.Scheme == r.Scheme && u.Hostname() == r.Hostname() && u.EscapedPath() == r.EscapedPath() && u.RawQuery == r.RawQuery &&
				u.User == nil && u.Fragment == "" && (registered == address || u.Scheme == "http") {
				return
			}
		}
		t.Errorf("%q is accepted", address)
	})
}

// TestOAuthClientCheck is what can be registered.
func TestOAuthClientCheck(t *testing.T) {
	t.Parallel()
	good := func() OAuthClient {
		return OAuthClient{
			Name: "web", Flows: []OAuthFlow{CodeFlow}, Redirects: []string{"https://app.example.org/back"}, Scopes: []Scope{"all"}, AccessLife: time.Hour,
		}
	}
	if err := good().Check(); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*OAuthClient){
		"no name": func(c *OAuthClient) { c.Name = "" }, "the command line's name": func(c *OAuthClient) { c.Name = "keyhatch" },
		"a title of two lines": func(c *OAuthClient) { c.Title = "a\nb" }, "no flow": func(c *OAuthClient) { c.Flows = nil },
		"an unknown flow": func(c *OAuthClient) { c.Flows = []OAuthFlow{CodeFlow, "password"} }, "no address": func(c *OAuthClient) { c.Redirects = nil },
		"an address for a device": func(c *OAuthClient) { c.Flows = []OAuthFlow{DeviceFlow} }, "a bad address": func(c *OAuthClient) { c.Redirects = []string{"x"} },
		"too many addresses": func(c *OAuthClient) {
			c.Redirects = strings.Fields(strings.Repeat("https://a.example ", MaxRedirects+1))
		},
		"no scope": func(c *OAuthClient) { c.Scopes = nil }, "no life": func(c *OAuthClient) { c.AccessLife = 0 },
		"too long a life":        func(c *OAuthClient) { c.AccessLife = MaxAccessLife + time.Second },
		"too long a signed life": func(c *OAuthClient) { c.Signed, c.AccessLife = true, MaxSignedLife+time.Second },
		"refreshed too shortly":  func(c *OAuthClient) { c.RefreshLife = time.Minute },
		"refreshed too long":     func(c *OAuthClient) { c.RefreshLife = MaxRefreshLife + time.Second },
	} {
		c := good()
		change(&c)
		if err := c.Check(); err == nil {
			t.Errorf("%s can be registered", what)
		}
	}
}

// TestOAuthSecret: no secret passes for one of another kind.
func TestOAuthSecret(t *testing.T) {
	t.Parallel()
	kinds := []OAuthSecret{AuthorizationCode, DeviceCode, RefreshToken, ClientSecret}
	for _, made := range kinds {
		s := made.New()
		for _, kind := range kinds {
			if kind.Is(s) != (kind == made) {
				t.Errorf("one of %s is one of %s: %v", made, kind, kind.Is(s))
			}
		}
		if IsTokenSecret(s.Reveal()) || IsResetSecret(s.Reveal()) || IsSessionSecret(s.Reveal()) || made.Is(s[:len(s)-1]) || made.Is(s+"x") {
			t.Errorf("one of %s passes for something else", made)
		}
	}
}
