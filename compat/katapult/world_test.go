package katapult_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/compat/katapult"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/internal/logged"
	"github.com/keyhatch/keyhatch/server"
)

// world is a core behind the door, with a workspace "lab" that ann administers, of which
// bob is a member, and one "shop" that is nobody's business.
type world struct {
	*coretest.Core
	t         *testing.T
	url       string
	log       *logged.Text
	lab, shop keyhatch.Workspace
	ann, bob  keyhatch.Caller
	key       map[string]string // secrets of tokens by who has them
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	w := &world{Core: coretest.New(t), t: t, log: &logged.Text{}}
	w.lab, w.shop = w.Workspace(t, "lab"), w.Workspace(t, "shop")
	w.ann, w.bob = w.User(t, "ann"), w.User(t, "bob")
	w.Member(t, w.lab, w.ann, keyhatch.AdminRole)
	w.Member(t, w.lab, w.bob, keyhatch.MemberRole)
	ann := w.ann.User.ID
	w.key = map[string]string{
		"ann": w.secret(people.NewToken{User: ann}), "bob": w.secret(people.NewToken{User: w.bob.User.ID}), "admin": w.secret(people.NewToken{}),
		"confined":  w.secret(people.NewToken{User: ann, Workspace: w.lab.ID}),
		"reader":    w.scoped("api_tokens:read"),
		"elsewhere": w.secret(people.NewToken{User: ann, Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}),
		"slow":      w.secret(people.NewToken{User: ann, RequestsPerMinute: 1}),
		"unknown":   keyhatch.NewTokenSecret().Reveal(),
		"signed":    "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbm4ifQ.c2ln",
	}
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := httptest.NewServer(server.API(log, nil, nil, katapult.New(w.Broker, log)))
	t.Cleanup(s.Close)
	w.url = s.URL
	return w
}

func (w *world) secret(n people.NewToken) string {
	w.t.Helper()
	_, secret, err := w.Broker.People.CreateToken(w.t.Context(), w.Admin, n)
	if err != nil {
		w.t.Fatal(err)
	}
	return secret.Reveal()
}

// scoped makes a token of ann's.
func (w *world) scoped(scopes ...keyhatch.Scope) string {
	w.t.Helper()
	return w.secret(people.NewToken{User: w.ann.User.ID, Scopes: append([]keyhatch.Scope{}, scopes...)})
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func (w *world) do(r *http.Request) answer {
	w.t.Helper()
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	a := answer{response.StatusCode, response.Header, string(text)}
	if r.Method != http.MethodOptions && r.Method != http.MethodHead {
		w.check(r, a)
	}
	return a
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$`)

// check holds what is true of every answer.
func (w *world) check(r *http.Request, a answer) {
	w.t.Helper()
	wrong := func(what string) {
		w.t.Helper()
		w.t.Errorf("%s %s: %s: %d %v %s", r.Method, r.URL, what, a.status, a.header, a.body)
	}
	if a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Access-Control-Allow-Methods") == "" || a.header.Get("Access-Control-Allow-Headers") == "" {
		wrong("pages of other sites cannot read it")
	}
	if !uuid.MatchString(a.header.Get("X-Request-Id")) {
		wrong("it has no id")
	}
	if a.header.Get("Content-Type") != "application/json" {
		wrong("it is no JSON")
	}
	schema, secret := "failure", strings.Contains(a.body, "kh_")
	cache := a.header.Get("Cache-Control")
	if a.status < 400 {
		schema = schemaOf(r.Method, r.URL.Path)
		tagged := strings.HasPrefix(a.header.Get("Etag"), `W/"`)
		if secret && (cache != "no-store" || tagged) || !secret && (cache != "max-age=0, private, must-revalidate" || !tagged) {
			wrong("it is kept, or not, against the rule")
		}
		if a.header.Get("X-Ratelimit-Permitted") == "" || a.header.Get("X-Ratelimit-Remaining") == "" || a.header.Get("X-Api-Schema") != "" {
			wrong("its headers are another's")
		}
	} else if cache != "no-cache" || a.header.Get("X-Api-Schema") != "json-error" || secret {
		wrong("it is no failure as they are")
	}
	if err := strict(schema, []byte(a.body)); err != nil {
		wrong(err.Error())
	}
}

// ask sends what somebody asks. A body is JSON.
func (w *world) ask(who, method, path, body string, headers ...string) answer {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url+"/core/v1/"+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if key := w.key[who]; key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return w.do(r)
}

// want demands a status.
func (w *world) want(status int, who, method, path, body string, headers ...string) answer {
	w.t.Helper()
	a := w.ask(who, method, path, body, headers...)
	if a.status != status {
		w.t.Fatalf("%s %s by %s: %d %s, want %d", method, path, who, a.status, a.body, status)
	}
	return a
}

// refused demands a failure's code.
func (w *world) refused(code, who, method, path, body string, headers ...string) answer {
	w.t.Helper()
	a := w.ask(who, method, path, body, headers...)
	if got := a.code(w.t); got != code {
		w.t.Errorf("%s %s by %s with %s: %d %s, want %s", method, path, who, body, a.status, a.body, code)
	}
	return a
}

func (a answer) code(t *testing.T) string {
	t.Helper()
	return into[struct{ Code string }](t, a).Code
}

func into[T any](t *testing.T, a answer) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
	return v
}

// token is one in an answer.
type token struct {
	ID        string
	Name      string
	Org       *string  `json:"organization_id"`
	Networks  []string `json:"authorized_ip_addresses"`
	Expires   *int64   `json:"expires_at"`
	RateLimit int      `json:"rate_limit"`
	Scopes    []string
	Secret    string
}

type oneToken struct {
	Token       token `json:"api_token"`
	Annotations []struct{ Key, Value string }
}

type manyTokens struct {
	Tokens     []token `json:"api_tokens"`
	Pagination struct {
		CurrentPage int  `json:"current_page"`
		TotalPages  *int `json:"total_pages"`
		Total       *int
		PerPage     int  `json:"per_page"`
		LargeSet    bool `json:"large_set"`
	}
}

// inLab is a request about a token of lab.
func inLab(properties, more string) string {
	return `{"organization":{"sub_domain":"lab"},"properties":` + properties + more + `}`
}

// made makes a token of lab and keeps its secret.
func (w *world) made(who, name, properties, more string) token {
	w.t.Helper()
	t := into[oneToken](w.t, w.want(200, who, "POST", orgTokens, inLab(properties, more))).Token
	w.key[name] = t.Secret
	return t
}

const orgTokens = "organizations/organization/api_tokens"
