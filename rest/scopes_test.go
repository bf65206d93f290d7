package rest_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/rest"
)

// route is a call of the API as its description says.
type route struct{ method, path, noun, id string }

// routes are those that need a token, read from the description of the API.
func routes(t *testing.T) (out []route) {
	t.Helper()
	text, err := rest.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string                `json:"operationId"`
			Tags        []string              `json:"tags"`
			Security    []map[string][]string `json:"security"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	for path, calls := range doc.Paths {
		for method, op := range calls {
			if len(op.Security) > 0 && op.OperationID != "lendToContainer" {
				out = append(out, route{strings.ToUpper(method), path, op.Tags[0], op.OperationID})
			}
		}
	}
	slices.SortFunc(out, func(a, b route) int { return strings.Compare(a.method+a.path, b.method+b.path) })
	return out
}

// TestEveryScopeOnEveryRoute: each form of a scope opens the calls that it is for, on
// whatever way they are spelled, and no other.
func TestEveryScopeOnEveryRoute(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.Workspace(t, "lab")
	all := routes(t)
	if len(all) < 60 {
		t.Fatalf("there are %d routes", len(all))
	}
	secretOf := map[string]string{}
	secret := func(scope string) string {
		if secretOf[scope] == "" {
			n := people.NewToken{Scopes: []keyhatch.Scope{}, Workspace: "lab"}
			if scope != "" {
				n.Scopes = []keyhatch.Scope{keyhatch.Scope(scope)}
			}
			_, made, err := s.Broker.People.CreateToken(t.Context(), s.Admin, n)
			if err != nil {
				t.Fatalf("%s: %v", scope, err)
			}
			secretOf[scope] = made.Reveal()
		}
		return secretOf[scope]
	}
	// Bodies and names are such that no call does anything: what is asked is who gets
	// as far as that.
	opens := func(scope string, r route, path string) bool {
		t.Helper()
		w := s.call(secret(scope), r.method, path, "")
		var p api.Problem
		_ = json.Unmarshal(w.Body.Bytes(), &p) // not every answer is one
		switch {
		case w.Code == http.StatusForbidden && p.Code == string(keyhatch.CodeScopeNotGranted):
			return false
		case w.Code == http.StatusUnauthorized:
			t.Fatalf("%s %s with %q: %s", r.method, path, scope, w.Body)
		}
		return true
	}
	for _, r := range all {
		path := strings.TrimPrefix(r.path, "/api/v1")
		for _, name := range []string{"{token}", "{user}", "{group}", "{workspace}", "{teamspace}", "{credential}", "{store}", "{account}", "{bucket}", "{key}", "{location}", "{grant}", "{lease}", "{event}", "{session}", "{client}", "{consent}"} {
			path = strings.ReplaceAll(path, name, "no-such-name")
		}
		if strings.Contains(path, "{") {
			t.Fatalf("%s has a part that is not filled in", path)
		}
		reads := r.method == http.MethodGet
		full := "/api/v1" + path
		below := full[:strings.LastIndex(full, "/")+1]
		lending := r.id == "createLease" || r.id == "presignURL" || r.id == "currentToken"
		other := "users"
		if r.noun == other {
			other = "grants"
		}
		for scope, want := range map[string]bool{
			"all":                         true,
			"":                            false,
			r.method + " " + full:         true,
			r.method + " " + full + "/":   false,
			r.method + " " + full + "x":   false,
			r.method + " " + below:        true,
			r.method + " /":               true,
			"PUT /":                       r.method == http.MethodPut,
			"GET /":                       reads,
			"HEAD " + full:                false,
			r.noun:                        true,
			r.noun + ":read":              reads,
			other:                         false,
			other + ":read":               false,
			"s3:read s3://lab-data/":      lending,
			"s3:write s3://lab-data/a/b/": lending,
		} {
			if got := opens(scope, r, path); got != want {
				t.Errorf("%s %s with %q: opens %v, want %v", r.method, full, scope, got, want)
			}
		}
		// Other spellings of the path are another path, or none.
		for _, spelled := range []string{"/no/../" + path[1:], "/%2e%2e/v1" + path, "/" + path, path + "/", strings.Replace(path, "/", "%2F", 1)} {
			if w := s.call(secret(r.method+" "+full), r.method, spelled, ""); w.Code < 300 {
				t.Errorf("%s %s is answered %d", r.method, spelled, w.Code)
			}
		}
	}
}
