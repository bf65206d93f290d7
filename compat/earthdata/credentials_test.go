package earthdata_test

import (
	"encoding/base64"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/compat/earthdata"
)

// grantOn lets somebody read an address inside a location.
func (w *world) grantOn(at string, to keyhatch.Caller) {
	w.T.Helper()
	_, err := w.Broker.Places.GiveGrant(w.T.Context(), w.Admin, places.NewGrant{
		Workspace: w.lab.ID, Location: w.alpha.ID, Prefix: strings.TrimPrefix(at, w.alpha.URL().String()), Subject: keyhatch.SubjectUser, Name: to.User.ID, Access: keyhatch.Read,
	})
	w.must(err)
}

// TestWhatIsShown: each way to say who one is, and what comes of one that does not work.
func TestWhatIsShown(t *testing.T) {
	w := newWorld(t)
	c := w.client(false, false)
	for what, show := range map[string]func(*http.Request){
		"bearer":         with("Authorization", "Bearer "+w.token),
		"bearer, small":  with("Authorization", "bearer "+w.token),
		"basic":          basic("ann", password),
		"basic, a token": basic("x", w.token),
		"EDL-Token": func(r *http.Request) {
			r.Header.Set("EDL-Client-Id", "anything")
			r.Header.Set("EDL-Token", w.token)
			r.Header.Set("Authorization", "Bearer wrong") // it counts first
		},
		"from a page elsewhere, with a token": func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+w.token)
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", "cors")
		},
	} {
		l := w.keys(what, c.get("/s3credentials", show))
		if l.User != w.ann.User.ID || l.Access != keyhatch.Read || !slices.Equal(l.URLs(), []string{"s3://lab-data/alpha/", "s3://lab-data/beta/"}) {
			t.Errorf("%s: the lease is %+v", what, l)
		}
	}
	for what, tc := range map[string]struct {
		show   func(*http.Request)
		status int
		code   string
	}{
		"an unknown token":    {with("Authorization", "Bearer "+keyhatch.NewTokenSecret().Reveal()), 401, "invalid_token"},
		"no token":            {with("Authorization", "Bearer nonsense"), 401, "invalid_token"},
		"a made-up JWT":       {with("Authorization", "Bearer eyJhbGciOiJSUzI1NiJ9.eyJ1aWQiOiJhbm4ifQ.d3Jvbmc"), 401, "invalid_token"},
		"a wrong password":    {basic("ann", "wrong"), 401, "invalid_token"},
		"nobody's name":       {basic("nobody", password), 401, "invalid_token"},
		"a header cut":        {with("Authorization", "Bearer"), 400, "invalid_request"},
		"three words":         {with("Authorization", "Bearer a b"), 400, "invalid_request"},
		"another scheme":      {with("Authorization", "Digest abc"), 401, "invalid_token"},
		"a token that cannot": {with("Authorization", "Bearer "+w.cannot), 403, "scope_not_granted"},
		"a bad name": {func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+w.token)
			r.Header.Set("EDL-Client-Name", "a b")
		}, 400, "invalid_client_name"},
		"a long name": {func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+w.token)
			r.Header.Set("App-Name", strings.Repeat("a", 65))
		}, 400, "invalid_client_name"},
		"EDL-Token that does not work": {func(r *http.Request) {
			r.Header.Set("EDL-Client-Id", "anything")
			r.Header.Set("EDL-Token", "wrong")
		}, 403, "invalid_token"},
		"an image of another page": {func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", "no-cors")
			r.Header.Set("Sec-Fetch-Dest", "image")
		}, 403, "from_elsewhere"},
		"a password that the browser of another's page remembers": {func(r *http.Request) {
			r.SetBasicAuth("ann", password)
			r.Header.Set("Sec-Fetch-Site", "same-site")
		}, 403, "from_elsewhere"},
	} {
		a := c.get("/s3credentials", tc.show)
		w.refused(what, a, tc.status, tc.code)
		if (a.Header.Get("WWW-Authenticate") != "") != (a.StatusCode == 401) {
			t.Errorf("%s: it does not say how to authenticate", what)
		}
	}
	if a := c.get("/s3credentials", with("EDL-Token", w.token)); a.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("a token without a client's id counts: %d", a.StatusCode)
	}
	if a := c.send("POST", "/s3credentials", ""); a.StatusCode != 405 || a.Header.Get("Allow") != "GET, OPTIONS" {
		t.Errorf("POST: %d %v", a.StatusCode, a.Header)
	}
	if a := c.send("OPTIONS", "/s3credentials", ""); a.StatusCode != 204 || a.Header.Get("Access-Control-Allow-Origin") != "*" || a.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("OPTIONS: %d %v", a.StatusCode, a.Header)
	}
	for _, secret := range []string{w.token, password} {
		if strings.Contains(w.Log.String(), secret) {
			t.Error("S5: the log holds a secret")
		}
	}
}

// TestNames: the lease is called after its user and the program, in what its store records too.
func TestNames(t *testing.T) {
	w := newWorld(t)
	c := w.client(false, false)
	token := with("Authorization", "Bearer "+w.token)
	for header, name := range map[string]string{"EDL-Client-Name": "icesat,2+x=y", "App-Name": "opendap.1", "X-None": ""} {
		l := w.keys(header, c.get("/s3credentials", token, with(header, name)))
		if name == "" {
			name = "s3credentials"
		}
		if l.SessionName != "ann@"+name {
			t.Errorf("%s: it is called %q", header, l.SessionName)
		}
	}
	long := strings.Repeat("a", 64)
	called := map[string]bool{}
	for _, name := range []string{long, long[1:] + "b"} { // two that begin alike were called the same
		l := w.keys("a long one", c.get("/s3credentials", token, with("App-Name", name)))
		if len(l.SessionName) != 64 || !strings.HasPrefix(l.SessionName, "ann@"+long[:40]) || called[l.SessionName] {
			t.Errorf("it is called %q", l.SessionName)
		}
		called[l.SessionName] = true
	}
}

// TestWhatIsAsked: all that one may read is opened where nothing is said, what was asked else, and
// nothing that is not granted.
func TestWhatIsAsked(t *testing.T) {
	w := newWorld(t)
	c := w.client(false, false)
	for _, tc := range []struct {
		who, query string
		opens      string // or the code of the refusal
		status     int
	}{
		{"ann", "", "s3://lab-data/alpha/ s3://lab-data/beta/", 200},
		{"bob", "", "s3://lab-data/alpha/in/", 200},
		{"cas", "", "s3://lab-data/alpha/", 200},
		{"eve", "", "access_not_granted", 403},
		{"ann", "?location=" + w.beta.Name, "s3://lab-data/beta/", 200},
		{"cas", "?location=" + w.alpha.Name, "s3://lab-data/alpha/", 200}, // is in no workspace
		{"ann", "?location=" + w.beta.ID, "s3://lab-data/beta/", 200},
		{"bob", "?location=" + w.alpha.ID, "s3://lab-data/alpha/in/", 200},
		{"ann", "?prefix=s3://lab-data/beta/x/", "s3://lab-data/beta/x/", 200},
		{"ann", "?location=" + w.beta.Name + "&prefix=x/", "s3://lab-data/beta/x/", 200},
		{"cas", "?prefix=x/", "s3://lab-data/alpha/x/", 200}, // in the only location that it has
		{"ann", "?prefix=x/", "location_required", 400},
		{"bob", "?prefix=s3://lab-data/alpha/", "access_not_granted", 403},
		{"bob", "?prefix=s3://lab-data/alpha/inside/", "access_not_granted", 403}, // S3
		{"bob", "?location=" + w.beta.ID, "location_not_found", 404},
		{"ann", "?location=none", "location_not_found", 404},
		{"ann", "?workspace=none", "location_not_found", 404},
		{"ann", "?location=" + w.beta.Name + "&prefix=../alpha/", "invalid_prefix", 400},
	} {
		what := tc.who + " " + tc.query
		a := c.get("/s3credentials"+tc.query, basic(tc.who, password))
		if tc.status != 200 {
			w.refused(what, a, tc.status, tc.opens)
			continue
		}
		if got := strings.Join(w.keys(what, a).URLs(), " "); got != tc.opens {
			t.Errorf("%s opens %s, not %s", what, got, tc.opens)
		}
	}
	narrow := w.Secret(people.NewToken{User: w.ann.User.ID, Workspace: w.lab.ID, Scopes: []keyhatch.Scope{"s3:read s3://lab-data/beta/"}})
	if l := w.keys("a token with s3 scopes", c.get("/s3credentials", with("Authorization", "Bearer "+narrow))); !slices.Equal(l.URLs(), []string{"s3://lab-data/beta/"}) {
		t.Errorf("S2: it opens %v", l.URLs())
	}
	a := c.get("/locate?bucket_name=lab-data", basic("ann", password))
	if a.StatusCode != 200 || a.body != `["alpha/","beta/"]`+"\n" {
		t.Errorf("locate: %d %s", a.StatusCode, a.body)
	}
	w.refused("nobody's bucket", c.get("/locate?bucket_name=none", basic("ann", password)), 404, "bucket_not_found")
	w.refused("a bucket with nothing to read", c.get("/locate?bucket_name=lab-data", basic("eve", password)), 404, "bucket_not_found")
	w.refused("no bucket", c.get("/locate", basic("ann", password)), 400, "invalid_request")
	if a := c.get("/version"); a.body != `{"response_version":"v1","api_version":"1.2.3"}`+"\n" {
		t.Errorf("version: %s", a.body)
	}
}

// TestMoreThanOneLease: what lies in two workspaces is no one lease. It is said what there is, or
// the configured location is read.
func TestMoreThanOneLease(t *testing.T) {
	for _, configured := range []bool{false, true} {
		t.Run("", func(t *testing.T) {
			w := newWorld(t, func(c *earthdata.Config) {
				if configured {
					c.Workspace, c.Location = "lab", "s3://lab-data/beta/"
				}
			})
			other := w.Location(t, w.Workspace(t, "other"), "s3://other-data/x/")
			w.Grant(t, other, w.ann, keyhatch.Read)
			c := w.client(false, false)
			a := c.get("/s3credentials", basic("ann", password))
			if configured {
				if l := w.keys("the configured one", a); !slices.Equal(l.URLs(), []string{"s3://lab-data/beta/"}) {
					t.Errorf("it opens %v", l.URLs())
				}
				return
			}
			w.refused("two workspaces", a, 400, "location_required")
			for _, url := range []string{"s3://lab-data/alpha/", "s3://lab-data/beta/", "s3://other-data/x/"} {
				if !strings.Contains(a.body, url) {
					t.Errorf("%s is not listed: %s", url, a.body)
				}
			}
			if l := w.keys("one of them", c.get("/s3credentials?workspace=other", basic("ann", password))); l.Workspace != other.Workspace {
				t.Errorf("it opens %v", l.URLs())
			}
		})
	}
}

// TestWhatEnds: keys end with the token of the password that they were got for.
func TestWhatEnds(t *testing.T) {
	w := newWorld(t)
	c := w.client(false, false)
	first := w.keys("first", c.get("/s3credentials", basic("ann", password)))
	again := w.keys("again", c.get("/s3credentials", basic("ann", password)))
	if first.Token != again.Token {
		t.Error("each time it is another token")
	}
	token, err := w.Broker.People.Token(t.Context(), w.ann, first.Token)
	w.must(err)
	if !slices.Equal(token.Scopes, []keyhatch.Scope{"GET /s3credentials"}) {
		t.Errorf("S4: it may %v", token.Scopes)
	}
	w.must(w.Broker.People.RevokeToken(t.Context(), w.ann, first.Token))
	if third := w.keys("after that", c.get("/s3credentials", basic("ann", password))); third.Token == first.Token {
		t.Error("a token that was revoked is lent with")
	}
}

// TestFromOtherNetworks: who asks for what is for other networks is told so instead of being given keys
// that open nothing; who names nothing is given the rest.
func TestFromOtherNetworks(t *testing.T) {
	w := newWorld(t)
	confine := func(to string) {
		t.Helper()
		networks := []netip.Prefix{netip.MustParsePrefix(to)}
		_, err := w.Broker.Places.UpdateLocation(t.Context(), w.Admin, "", w.beta.ID, places.LocationChange{Networks: &networks})
		w.must(err)
	}
	c, token := w.client(false, false), with("Authorization", "Bearer "+w.token)
	confine("10.0.0.0/8")
	w.refused("by its name", c.get("/s3credentials?location="+w.beta.Name, token), 403, "outside_networks")
	w.refused("by its address", c.get("/s3credentials?prefix=s3://lab-data/beta/x/", token), 403, "outside_networks")
	if l := w.keys("all", c.get("/s3credentials", token)); strings.Join(l.URLs(), " ") != "s3://lab-data/alpha/" {
		t.Errorf("all is %v", l.URLs())
	}
	confine("127.0.0.0/8")
	w.keys("from there", c.get("/s3credentials?location="+w.beta.Name, token))
}

// TestReadme: the page says how to get keys and what is in them, with the server's own address.
func TestReadme(t *testing.T) {
	w := newWorld(t)
	a := w.client(false, false).get("/s3credentialsREADME")
	for _, text := range []string{
		w.URL + "/s3credentials", w.URL + "/api/users/find_or_create_token", "accessKeyId", "secretAccessKey", "sessionToken", "expiration", "2026-01-27 00:50:09+00:00", "error_description",
		"resolution_url", "EARTHDATA_TOKEN", "VSIS3_EARTHDATA_CREDENTIALS_URL", "NasaEarthdataCredentialProvider",
	} {
		if !strings.Contains(a.body, text) {
			t.Errorf("it does not say %s", text)
		}
	}
	if a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
}

// TestWithoutLogin: a server on which nobody logs in takes tokens, and says so.
func TestWithoutLogin(t *testing.T) {
	w := newWorld(t, func(c *earthdata.Config) { c.Login = false })
	c := w.client(false, false)
	w.keys("a token", c.get("/s3credentials", with("Authorization", "Bearer "+w.token)))
	w.refused("nothing", c.get("/s3credentials"), 401, "invalid_token")
	w.refused("a password", c.get("/s3credentials", basic("ann", password)), 401, "invalid_token")
	for _, path := range []string{"/redirect", "/api/users/tokens"} {
		if a := c.get(path); a.StatusCode != 404 {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
	if a := c.get("/s3credentialsREADME"); a.StatusCode != 200 || !strings.Contains(a.body, w.URL+"/s3credentials") || strings.Contains(a.body, "find_or_create_token") {
		t.Errorf("README: %d", a.StatusCode)
	}
}

// TestByTheForm: the sample of Cumulus' documentation logs in with a form at the authorization
// endpoint, and follows two redirects by hand.
func TestByTheForm(t *testing.T) {
	w := newWorld(t)
	c := w.client(true, false)
	at := c.get("/s3credentials").location(t).String()
	form := url.Values{"credentials": {base64.StdEncoding.EncodeToString([]byte("ann:" + password))}}
	back := c.send("POST", at, form.Encode(), with("Origin", w.URL)).location(t).String()
	to := c.get(back).location(t).String()
	w.keys("the sample", c.get(to))
	if a := c.send("POST", at, form.Encode(), with("Sec-Fetch-Site", "cross-site")); a.StatusCode != 400 {
		t.Errorf("a page of somebody else logs in: %d", a.StatusCode)
	}
	wrong := url.Values{"credentials": {base64.StdEncoding.EncodeToString([]byte("ann:wrong"))}}
	if a := c.send("POST", at, wrong.Encode()); a.StatusCode != 401 {
		t.Errorf("a wrong password: %d", a.StatusCode)
	}
}
