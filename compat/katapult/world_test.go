package katapult_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/compat/katapult"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/internal/doortest"
	"github.com/keyhatch/keyhatch/server"
)

// world is a core behind the door, with a workspace "lab" that ann administers, of which
// bob is a member, and one "shop" that is nobody's business.
type world struct {
	*doortest.World
	keeper    *keeper // of stores that keep keys, of which there is none yet
	lab, shop keyhatch.Workspace
	ann, bob  keyhatch.Caller
	key       map[string]string // secrets of tokens by who has them
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	c, k := coretest.New(t), newKeeper()
	c.Keepers = map[keyhatch.KeysOf]driver.KeyProvisioner{keyhatch.KeysIAM: k}
	c.Restart(t)
	w := &world{keeper: k, World: doortest.Serve(t, c, func(log *slog.Logger) server.Door { return katapult.New(c.Broker, log) })}
	w.lab, w.shop = w.Workspace(t, "lab"), w.Workspace(t, "shop")
	w.ann, w.bob = w.User(t, "ann"), w.User(t, "bob")
	w.Member(t, w.lab, w.ann, keyhatch.AdminRole)
	w.Member(t, w.lab, w.bob, keyhatch.MemberRole)
	ann := w.ann.User.ID
	w.key = map[string]string{
		"ann": w.Secret(people.NewToken{User: ann}), "bob": w.Secret(people.NewToken{User: w.bob.User.ID}), "admin": w.Secret(people.NewToken{}),
		"confined":  w.Secret(people.NewToken{User: ann, Workspace: w.lab.ID}),
		"reader":    w.scoped("api_tokens:read"),
		"elsewhere": w.Secret(people.NewToken{User: ann, Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}),
		"slow":      w.Secret(people.NewToken{User: ann, RequestsPerMinute: 1}),
		"unknown":   keyhatch.NewTokenSecret().Reveal(),
		"signed":    "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbm4ifQ.c2ln",
	}
	return w
}

// scoped makes a token of ann's.
func (w *world) scoped(scopes ...keyhatch.Scope) string {
	w.T.Helper()
	return w.Secret(people.NewToken{User: w.ann.User.ID, Scopes: append([]keyhatch.Scope{}, scopes...)})
}

// answer is what came back.
type answer struct{ doortest.Answer }

func (w *world) do(r *http.Request) answer {
	w.T.Helper()
	a := answer{w.Do(r)}
	if r.Method != http.MethodOptions && r.Method != http.MethodHead {
		w.check(r, a)
	}
	return a
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$`)

// check holds what is true of every answer.
func (w *world) check(r *http.Request, a answer) {
	w.T.Helper()
	wrong := func(what string) {
		w.T.Helper()
		w.T.Errorf("%s %s: %s: %d %v %s", r.Method, r.URL, what, a.Status, a.Header, a.Body)
	}
	if a.Header.Get("Access-Control-Allow-Origin") != "*" || a.Header.Get("Access-Control-Allow-Methods") == "" || a.Header.Get("Access-Control-Allow-Headers") == "" {
		wrong("pages of other sites cannot read it")
	}
	if !uuid.MatchString(a.Header.Get("X-Request-Id")) {
		wrong("it has no id")
	}
	if a.Header.Get("Content-Type") != "application/json" {
		wrong("it is no JSON")
	}
	schema, secret := "failure", strings.Contains(a.Body, "kh_") || strings.Contains(a.Body, `"s3_secret_access_key":"`) || strings.Contains(a.Body, "X-Amz-Signature")
	cache := a.Header.Get("Cache-Control")
	if a.Status < 400 {
		schema = lineOf(answers, r.Method, r.URL.Path)
		tagged := strings.HasPrefix(a.Header.Get("Etag"), `W/"`)
		if secret && (cache != "no-store" || tagged) || !secret && (cache != "max-age=0, private, must-revalidate" || !tagged) {
			wrong("it is kept, or not, against the rule")
		}
		if a.Header.Get("X-Ratelimit-Permitted") == "" || a.Header.Get("X-Ratelimit-Remaining") == "" || a.Header.Get("X-Api-Schema") != "" {
			wrong("its headers are another's")
		}
	} else if cache != "no-cache" || a.Header.Get("X-Api-Schema") != "json-error" || secret {
		wrong("it is no failure as they are")
	} else if c := a.code(w.T); c != "route_not_found" && !slices.Contains(strings.Fields(ofAll+" "+lineOf(failures, r.Method, r.URL.Path)), c) {
		wrong("its route has no such failure")
	}
	if err := schemas.Check(schema, []byte(a.Body)); err != nil {
		wrong(err.Error())
	}
}

// ask sends what somebody asks. A body is JSON.
func (w *world) ask(who, method, path, body string, headers ...string) answer {
	w.T.Helper()
	r, err := http.NewRequestWithContext(w.T.Context(), method, w.URL+"/core/v1/"+path, strings.NewReader(body))
	if err != nil {
		w.T.Fatal(err)
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
	w.T.Helper()
	a := w.ask(who, method, path, body, headers...)
	if a.Status != status {
		w.T.Fatalf("%s %s by %s: %d %s, want %d", method, path, who, a.Status, a.Body, status)
	}
	return a
}

// refused demands a failure's code.
func (w *world) refused(code, who, method, path, body string, headers ...string) answer {
	w.T.Helper()
	a := w.ask(who, method, path, body, headers...)
	if got := a.code(w.T); got != code {
		w.T.Errorf("%s %s by %s with %s: %d %s, want %s", method, path, who, body, a.Status, a.Body, code)
	}
	return a
}

func (a answer) code(t testing.TB) string {
	t.Helper()
	return into[struct{ Code string }](t, a).Code
}

func into[T any](t testing.TB, a answer) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Body), &v); err != nil {
		t.Fatalf("%s: %v", a.Body, err)
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
	w.T.Helper()
	t := into[oneToken](w.T, w.want(200, who, "POST", orgTokens, inLab(properties, more))).Token
	w.key[name] = t.Secret
	return t
}

const orgTokens = "organizations/organization/api_tokens"
