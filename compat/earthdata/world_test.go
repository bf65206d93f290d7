package earthdata_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/compat/earthdata"
	"github.com/keyhatch/keyhatch/idp"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/internal/doortest"
	"github.com/keyhatch/keyhatch/internal/logged"
	"github.com/keyhatch/keyhatch/server"
)

const password = "of paper and glue, and some string"

// world is a core behind the door, and behind that of logins. ann may read the locations alpha
// and beta of the workspace lab, and write alpha; bob reads in alpha/in/ alone; cas, who is in no
// workspace, reads alpha; eve reads nothing. They all have the same password. portal is a client that was
// made for Earthdata Login.
type world struct {
	*doortest.World
	ann           keyhatch.Caller
	alpha, beta   keyhatch.Location
	lab           keyhatch.Workspace
	portalSecret  string
	token, cannot string // of ann; the second may not borrow
	// reopen serves what a new process does, with what is set of the core meanwhile.
	reopen  func()
	handler atomic.Pointer[http.Handler]
}

func (w *world) serve(on *httptest.Server, config earthdata.Config) {
	log := slog.New(slog.NewTextHandler(w.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	handler := server.API(server.Ground{Log: log}, earthdata.New(w.Broker, config, log), idp.NewServer(w.Broker, w.URL, log))
	w.handler.Store(&handler)
	if on.Config.Handler == nil {
		on.Config.Handler = http.HandlerFunc(func(a http.ResponseWriter, r *http.Request) { (*w.handler.Load()).ServeHTTP(a, r) })
	}
}

func newWorld(t *testing.T, change ...func(*earthdata.Config)) *world {
	t.Helper()
	t.Parallel()
	c := coretest.New(t)
	listening := httptest.NewUnstartedServer(nil)
	c.PublicURL = "http://" + listening.Listener.Addr().String()
	c.Restart(t)
	w := &world{World: &doortest.World{Core: c, T: t, URL: c.PublicURL, Log: &logged.Text{}}}
	config := earthdata.Config{URL: w.URL, Login: true, Version: "1.2.3"}
	for _, change := range change {
		change(&config)
	}
	w.reopen = func() {
		w.Restart(t)
		w.serve(listening, config)
	}
	w.serve(listening, config)
	listening.Start()
	t.Cleanup(listening.Close)

	w.lab = w.Workspace(t, "lab")
	w.ann = w.person("ann")
	w.Member(t, w.lab, w.ann, keyhatch.MemberRole)
	w.alpha, w.beta = w.Location(t, w.lab, "s3://lab-data/alpha/"), w.Location(t, w.lab, "s3://lab-data/beta/")
	w.Grant(t, w.alpha, w.ann, keyhatch.Write)
	w.Grant(t, w.beta, w.ann, keyhatch.Read)
	bob := w.person("bob")
	w.grantOn("s3://lab-data/alpha/in/", bob)
	w.Grant(t, w.alpha, w.person("cas"), keyhatch.Read)
	w.person("eve")
	_, secret, err := w.Broker.OAuth.CreateClient(t.Context(), w.Admin, portal)
	w.must(err)
	w.portalSecret = secret.Reveal()
	w.token = w.Secret(people.NewToken{User: w.ann.User.ID, Name: "mine"})
	w.cannot = w.Secret(people.NewToken{User: w.ann.User.ID, Scopes: []keyhatch.Scope{"locations:read"}})
	return w
}

var portal = keyhatch.OAuthClient{
	Name: "portal", Earthdata: true, Confidential: true, Trusted: true, Flows: []keyhatch.OAuthFlow{keyhatch.CodeFlow}, Redirects: []string{"https://portal.example.org/login"},
	Scopes: []keyhatch.Scope{"leases"}, AccessLife: time.Hour, RefreshLife: 24 * time.Hour,
}

func (w *world) must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

func (w *world) person(name string) keyhatch.Caller {
	w.T.Helper()
	c := w.User(w.T, name)
	w.must(w.Broker.Passwords.SetPassword(w.T.Context(), c, c.User.ID, "", password))
	return c
}

// client is a program that keeps cookies or not, and follows where it is led, or stops there.
type client struct {
	w *world
	http.Client
}

func (w *world) client(cookies, follows bool) *client {
	w.T.Helper()
	c := &client{w: w}
	if cookies {
		jar, err := cookiejar.New(nil)
		w.must(err)
		c.Jar = jar
	}
	c.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if !follows || !strings.HasPrefix(r.URL.String(), w.URL+"/") || len(via) > 5 {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return c
}

// answer is what came back, with its body.
type answer struct {
	*http.Response
	body string
}

func with(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func basic(name, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(name, password) }
}

func (c *client) send(method, at, body string, changes ...func(*http.Request)) answer {
	c.w.T.Helper()
	if strings.HasPrefix(at, "/") {
		at = c.w.URL + at
	}
	r, err := http.NewRequestWithContext(c.w.T.Context(), method, at, strings.NewReader(body))
	c.w.must(err)
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, change := range changes {
		change(r)
	}
	a, err := c.Do(r)
	c.w.must(err)
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	c.w.must(err)
	if a.StatusCode != http.StatusNotFound && a.Header.Get("Cache-Control") != "no-store" {
		c.w.T.Errorf("S14: %s %s may be kept", method, at)
	}
	return answer{a, string(text)}
}

func (c *client) get(at string, changes ...func(*http.Request)) answer {
	c.w.T.Helper()
	return c.send(http.MethodGet, at, "", changes...)
}

// ofKeys is how keys are written, to the letter: the order of the four, and the form of the time.
var ofKeys = regexp.MustCompile(`^\{"accessKeyId":"(KHLE[A-Z0-9]+)","secretAccessKey":"[A-Za-z0-9_-]{40}","sessionToken":"[A-Za-z0-9_-]{300,}","expiration":"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00:00)"\}\n$`)

// keys demands keys for an hour, and tells the lease that they are of.
func (w *world) keys(what string, a answer) keyhatch.Lease {
	w.T.Helper()
	found := ofKeys.FindStringSubmatch(a.body)
	if a.StatusCode != http.StatusOK || found == nil || a.Header.Get("Content-Type") != "application/json" {
		w.T.Fatalf("%s: no keys: %d %v %s", what, a.StatusCode, a.Header, a.body)
	}
	ends, err := time.Parse("2006-01-02 15:04:05-07:00", found[2])
	w.must(err)
	if left := time.Until(ends); left > time.Hour || left < 59*time.Minute {
		w.T.Errorf("%s: they end in %v", what, left)
	}
	all, err := w.Broker.People.Workspaces(w.T.Context(), w.Admin, kernel.Page{Limit: kernel.MaxPage})
	w.must(err)
	for _, ws := range all.Items {
		leases, err := w.Broker.Lending.Leases(w.T.Context(), w.Admin, lending.LeaseFilter{Workspace: ws.ID}, kernel.Page{Limit: kernel.MaxPage})
		w.must(err)
		for _, l := range leases.Items {
			if l.AccessKeyID == found[1] {
				return l
			}
		}
	}
	w.T.Fatalf("%s: the keys are of no lease", what)
	return keyhatch.Lease{}
}

var ofToken = regexp.MustCompile("kh_[A-Za-z0-9]{9}|eyJ")

// refused demands a refusal that says what to do, and repeats nothing.
func (w *world) refused(what string, a answer, status int, code string) {
	w.T.Helper()
	var f struct {
		Status      int `json:"status_code"`
		Error       string
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal([]byte(a.body), &f); err != nil || a.StatusCode != status || f.Status != status || f.Error != code || f.Description == "" {
		w.T.Errorf("%s: %d %s %v; want %d %s", what, a.StatusCode, a.body, err, status, code)
	}
	if strings.Contains(a.body, password) || ofToken.MatchString(a.body) {
		w.T.Errorf("S13: %s: %s", what, a.body)
	}
}

func (a answer) location(t testing.TB) *url.URL {
	t.Helper()
	u, err := url.Parse(a.Header.Get("Location"))
	if err != nil || u.Host == "" {
		t.Fatalf("it leads to %q, which is no whole address: %d %s", a.Header.Get("Location"), a.StatusCode, a.body)
	}
	return u
}
