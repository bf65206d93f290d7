package conformance

import (
	"bytes"
	"encoding/json"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/api"
	keyhatch "github.com/keyhatch/keyhatch/client"
	"github.com/keyhatch/keyhatch/internal/devserver"
)

// provenaSaid is what a step of the script with Provena's own client tells.
type provenaSaid struct {
	Message, ID, URI, Name, Release, Expiry, Key, URL, Error, Says string
	Console                                                        *string
	Roles, Keys                                                    []string
	Locked, Renewed                                                bool
	Refusals                                                       map[string]string // codes, by what was tried
}

// provenaLogin is what Provena's client prints for its user, who has no browser that it can open.
var provenaLogin = regexp.MustCompile(`^Verification URL: (\S+)`)

// client is Provena's own: it takes a step as a user of the realm. Where the server is the
// realm, the client logs in by the device flow, and its user lets it, once.
func (p provena) client(t *testing.T) func(who, step string) provenaSaid {
	t.Helper()
	run := newRunner(t, program(t, "KEYHATCH_PROVENA_PYTHON", "python3 with provenaclient"))
	var flow, at string
	var pending <-chan struct{}
	if p.realm == nil {
		flow = "device"
		at, pending = asksForDevice(t, p.API)
		at += provenaRealm
	} else {
		flow, at = "offline", p.realm.url
	}
	run.env = append(run.env, "PROVENA_DATA_STORE="+p.API, "PROVENA_REALM="+at, "PROVENA_FLOW="+flow, "PROVENA_DATASET="+p.dataset, "PROVENA_BESIDE="+siblingPrefix+"README.txt",
		"PROVENA_S3="+p.endpoint, "PROVENA_REGION="+p.region, "BROWSER=true", "PYTHONUNBUFFERED=1", "PYTHONWARNINGS=default")
	a := startAnswering(pythonLibrary{runner: run, script: testdataFile(t, "use_provena.py")}, devserver.Lease{})
	t.Cleanup(func() {
		if t.Failed() { // it may wait for its user
			a.Kill()
		}
	})
	let := false
	return func(who, step string) (out provenaSaid) {
		t.Helper()
		patience := time.AfterFunc(commandTime, a.Kill)
		defer patience.Stop()
		if _, err := io.WriteString(a.lines, who+" "+step+"\n"); err != nil {
			t.Fatalf("%s by %s: %v\n%s", step, who, err, a.errors)
		}
		for {
			line, err := a.answers.ReadString('\n')
			if err != nil {
				t.Fatalf("%s by %s: there is no answer: %v\n%s", step, who, err, a.errors)
			}
			if login := provenaLogin.FindStringSubmatch(line); login != nil {
				if let {
					t.Fatalf("%s by %s: it logs in once more\n%s", step, who, a.errors)
				}
				let = true
				select {
				case <-pending: // it asks again and again, as RFC 8628 has it, until somebody lets it
				case <-time.After(commandTime):
					t.Fatal("it was never told authorization_pending")
				}
				p.letDevice(t, who, login[1])
			}
			if !strings.HasPrefix(line, "{") {
				continue
			}
			if err := json.Unmarshal([]byte(line), &out); err != nil {
				t.Fatalf("%s by %s: %s, %v", step, who, line, err)
			}
			return out
		}
	}
}

// asksForDevice leads to a server, and tells when a device was told by it that nobody has let it
// yet.
func asksForDevice(t *testing.T, server string) (address string, pending <-chan struct{}) {
	t.Helper()
	to, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan struct{})
	tell := sync.OnceFunc(func() { close(told) })
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ModifyResponse: func(r *http.Response) error {
			if r.StatusCode != http.StatusBadRequest {
				return nil
			}
			text, err := io.ReadAll(r.Body)
			if strings.Contains(string(text), `"authorization_pending"`) {
				tell()
			}
			r.Body = io.NopCloser(bytes.NewReader(text))
			return err
		},
	})
	t.Cleanup(proxy.Close)
	return proxy.URL, told
}

// letDevice does what somebody does in a browser at the address that a device shows: logs in,
// goes on with the code that is typed there already, and lets the device act.
func (p provena) letDevice(t *testing.T, who, address string) {
	t.Helper()
	if !strings.HasPrefix(address, p.API+"/device?user_code=") {
		t.Fatalf("the device shows %s", address)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := http.Client{Jar: jar}
	page := shownTo(t, func() (*http.Response, error) { return browser.Get(address) })
	for _, step := range []struct {
		title string
		typed url.Values
	}{
		{"Log in", url.Values{"name": {who}, "password": {personPassword}}},
		{"Log in a device", nil},
		{"Is this your device?", url.Values{"decision": {"allow"}}},
	} {
		if page.title != step.title {
			t.Fatalf("the page is %q, want %q", page.title, step.title)
		}
		maps.Copy(page.fields, step.typed)
		page = shownTo(t, func() (*http.Response, error) { return browser.PostForm(p.API+page.action, page.fields) })
	}
	if page.title != "The device is logged in" {
		t.Fatalf("in the end the page is %q", page.title)
	}
}

// shown is a page with a form, as a browser has it.
type shown struct {
	title, action string
	fields        url.Values // as they are filled in
}

var (
	pageTitle = regexp.MustCompile(`<h1>([^<]*)</h1>`)
	pageForm  = regexp.MustCompile(`<form method="post" action="([^"]*)">`)
	pageField = regexp.MustCompile(`<input[^>]* name="([^"]*)"(?:[^>]* value="([^"]*)")?`)
)

func shownTo(t *testing.T, load func() (*http.Response, error)) shown {
	t.Helper()
	response, err := load()
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	first := func(of *regexp.Regexp) string {
		if m := of.FindSubmatch(text); m != nil {
			return html.UnescapeString(string(m[1]))
		}
		return ""
	}
	page := shown{title: first(pageTitle), action: first(pageForm), fields: url.Values{}}
	for _, m := range pageField.FindAllSubmatch(text, -1) {
		page.fields.Set(string(m[1]), html.UnescapeString(string(m[2])))
	}
	return page
}

// TestProvenaLogsIn: Provena's own client logs in by its device flow at the server's own realm,
// for a program that is registered as docs/provena.md says, and somebody lets it. It gets credentials to
// read and to write a dataset, which open that and nothing else. Started again with an access
// token that is over, it gets another one without its user.
func TestProvenaLogsIn(t *testing.T) {
	t.Parallel()
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	s := ownServer(t, devserver.Installation{})
	p := holdDatasets(t, s)
	ada := newPerson(t, s, "ada")
	if _, err := keyhatch.New(s.API, s.Token).PutWorkspaceMember(t.Context(), workspace, ada, api.MemberRole{Role: "member"}); err != nil {
		t.Fatal(err)
	}
	newRunner(t, program).run(devserver.Lease{SecretAccessKey: s.Token}, []string{"KEYHATCH_SERVER=" + s.API, "KEYHATCH_TOKEN=" + s.Token},
		"oauth-client", "create", "client-tools", "--device", "--signed", "--scope", "leases", "--scope", "locations:read", "--life", "8h", "--refresh", "720h").must(t)

	step := p.client(t)
	if got := step("ada", "write"); got.Key != p.own+"from-provena.txt" {
		t.Errorf("write: %+v", got)
	}
	if got := step("ada", "read"); !slices.Contains(got.Keys, p.own+"from-provena.txt") || !strings.HasSuffix(got.Expiry, "+00:00") {
		t.Errorf("read: %+v", got)
	}
	got := step("ada", "exceed")
	if len(got.Refusals) != 5 {
		t.Errorf("more than they are for: %+v", got)
	}
	for what, code := range got.Refusals {
		if code != "AccessDenied" {
			t.Errorf("%s: %s", what, code)
		}
	}
	if got := step("ada", "restart"); !got.Renewed || !slices.Contains(got.Keys, p.own+"from-provena.txt") {
		t.Errorf("with an access token that is over: %+v", got)
	}
}

// TestProvenaClient: Provena's own client logs in at its realm, and gets what its roles and
// the grants give.
func TestProvenaClient(t *testing.T) {
	t.Parallel()
	p := serveProvena(t)
	step := p.client(t)
	if got := step("ann", "health"); got.Message != "Health check successful." {
		t.Errorf("health: %+v", got)
	}
	at := "s3://" + p.bucket + "/" + p.own
	if got := step("ann", "fetch"); got.URI != at || got.Name != p.dataset || got.Release != "NOT_RELEASED" || got.Locked ||
		!slices.Equal(got.Roles, []string{"dataset-data-read", "dataset-data-write", "metadata-read"}) {
		t.Errorf("the dataset: %+v", got)
	}
	if got := step("ann", "write"); got.Key != p.own+"from-provena.txt" {
		t.Errorf("write: %+v", got)
	}
	if got := step("bob", "read"); got.Console != nil || !slices.Contains(got.Keys, p.own+"from-provena.txt") || !strings.HasSuffix(got.Expiry, "+00:00") {
		t.Errorf("read: %+v", got)
	}
	got := step("bob", "url")
	response, err := http.Get(got.URL)
	if err != nil {
		t.Fatalf("its URL cannot be used: %s %s", got.Error, got.Says)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Disposition") != "attachment; filename=README.txt" {
		t.Errorf("the URL answers %d, %q", response.StatusCode, response.Header.Get("Content-Disposition"))
	}
	for who, want := range map[string]struct{ step, says string }{
		"bob": {"write", "correct role"}, "cas": {"read", "correct role"}, "dan": {"read", "incorrect structure"},
	} {
		if got := step(who, want.step); got.Error != "AuthException" || !strings.Contains(got.Says, want.says) {
			t.Errorf("%s by %s: %+v", want.step, who, got)
		}
	}
	locked := true
	if _, err := keyhatch.New(p.API, p.Token).UpdateLocation(t.Context(), p.dataset, api.LocationChange{Locked: &locked}); err != nil {
		t.Fatal(err)
	}
	if got := step("ann", "write"); got.Error != "AuthException" || !strings.Contains(got.Says, "This dataset is locked") {
		t.Errorf("write what is locked: %+v", got)
	}
}
