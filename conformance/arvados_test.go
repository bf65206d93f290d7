package conformance

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/internal/devserver"
)

// arvadosSDK is Arvados' SDK for Python, which finds the server and the token in its
// environment, asks for nothing but https, and is made from the discovery document.
type arvadosSDK struct {
	runner
	script string
	env    []string
	secret devserver.Lease
}

func newArvadosSDK(t *testing.T, settings ...string) arvadosSDK {
	t.Helper()
	run := newRunner(t, program(t, "KEYHATCH_ARVADOS_PYTHON", "python3 with arvados-python-client"))
	script, err := filepath.Abs(filepath.Join("testdata", "use_arvados.py"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile(script); err != nil { // go test must know of it: see devserver.Build
		t.Fatal(err)
	}
	s := overAPITLS.get(t)
	env := append(settings, "ARVADOS_API_HOST="+strings.TrimPrefix(s.API, "https://"), "ARVADOS_API_TOKEN="+s.Token)
	if len(settings) == 0 {
		env = append(env, "SSL_CERT_FILE="+s.APICAFile)
	}
	return arvadosSDK{run, script, env, devserver.Lease{SecretAccessKey: s.Token}}
}

// step runs a part of the script and reads what it prints.
func (a arvadosSDK) step(out any, args ...string) {
	a.t.Helper()
	r := a.run(a.secret, a.env, append([]string{"-B", a.script}, args...)...).must(a.t)
	if err := json.Unmarshal(r.stdout, out); err != nil {
		a.t.Fatalf("%s: %v\n%s", r.command, err, r.output)
	}
}

// arvadosToken is a record of the wire.
type arvadosToken struct {
	Kind, UUID string
	OwnerUUID  string  `json:"owner_uuid"`
	APIToken   *string `json:"api_token"`
	ExpiresAt  *string `json:"expires_at"`
	Scopes     []string
}

type arvadosRefusal struct {
	Status int
	Reason string
}

var arvadosUUID = regexp.MustCompile(`^[0-9a-z]{5}-gj3su-[0-9a-z]{15}$`)

// TestArvadosCreates: a token that the SDK makes, without a check of the certificate, is
// good for what was asked and for nothing else.
func TestArvadosCreates(t *testing.T) {
	t.Parallel()
	var out struct {
		Made    arvadosToken
		Users   struct{ Items []struct{ Username string } }
		Refused arvadosRefusal
	}
	newArvadosSDK(t, "ARVADOS_API_HOST_INSECURE=1").step(&out, "create")
	if !arvadosUUID.MatchString(out.Made.UUID) || out.Made.APIToken == nil || !slices.Equal(out.Made.Scopes, []string{"GET /arvados/v1/users"}) {
		t.Errorf("it made %s with %q", out.Made.UUID, out.Made.Scopes)
	}
	if len(out.Users.Items) == 0 || out.Users.Items[0].Username != "admin" {
		t.Errorf("it lists the users %+v", out.Users)
	}
	if out.Refused.Status != 403 || !strings.HasPrefix(out.Refused.Reason, "Forbidden (req-") {
		t.Errorf("it is refused with %+v", out.Refused)
	}
}

// TestArvadosMethods: every method of the resource, on one token.
func TestArvadosMethods(t *testing.T) {
	t.Parallel()
	var out struct {
		Made, Get, Selected, Updated, Again, Current, V2, System, Deleted arvadosToken
		User                                                              struct{ UUID, Username string }
		Config                                                            struct{ ClusterID string }
		Gone, Dead                                                        arvadosRefusal
	}
	newArvadosSDK(t).step(&out, "lives")
	uuid := out.Made.UUID
	if out.Made.APIToken == nil || out.Made.ExpiresAt == nil || *out.Made.ExpiresAt != "2100-01-01T00:00:00.000000000Z" || !slices.Equal(out.Made.Scopes, []string{"all"}) {
		t.Errorf("it made %s with %q", uuid, out.Made.Scopes)
	}
	narrow := []string{"GET /arvados/v1/"}
	for what, got := range map[string]struct {
		arvadosToken
		scopes []string
	}{
		"get": {out.Get, []string{"all"}}, "selected": {out.Selected, []string{"all"}},
		"updated": {out.Updated, narrow}, "again": {out.Again, narrow}, "v2": {out.V2, narrow}, "deleted": {out.Deleted, narrow},
	} {
		if got.UUID != uuid || got.Kind != "arvados#apiClientAuthorization" || !slices.Equal(got.Scopes, got.scopes) {
			t.Errorf("%s: %s of kind %s with %q", what, got.UUID, got.Kind, got.Scopes)
		}
		if shown := got.APIToken != nil; shown != (what == "v2") {
			t.Errorf("%s: its secret is there: %t", what, shown)
		}
		if what != "get" && got.ExpiresAt != nil {
			t.Errorf("%s: it ends at %s", what, *got.ExpiresAt)
		}
	}
	if out.Current.APIToken == nil || out.User.UUID != out.Current.OwnerUUID || out.User.Username != "admin" || out.Made.OwnerUUID != out.User.UUID {
		t.Errorf("the user is %+v, of the token of %s", out.User, out.Current.OwnerUUID)
	}
	if out.System.APIToken == nil || !arvadosUUID.MatchString(out.System.UUID) || out.Config.ClusterID != uuid[:5] {
		t.Errorf("create_system_auth made %s in cluster %s", out.System.UUID, out.Config.ClusterID)
	}
	if out.Gone.Status != 404 || !strings.HasPrefix(out.Gone.Reason, "Path not found (req-") || out.Dead.Status != 401 || !strings.HasPrefix(out.Dead.Reason, "Not logged in (req-") {
		t.Errorf("what is gone: %+v, with its secret: %+v", out.Gone, out.Dead)
	}
}

// TestArvadosRefusals: what is wrong is told at once, in the words of Arvados.
func TestArvadosRefusals(t *testing.T) {
	t.Parallel()
	out := map[string]arvadosRefusal{}
	newArvadosSDK(t).step(&out, "refuses")
	for what, want := range map[string]struct {
		status int
		words  string
	}{
		"attribute": {422, "#<ActiveModel::UnknownAttributeError: unknown attribute 'colour' for ApiClientAuthorization.>"},
		"secret":    {422, "#<ArgumentError: The api_token attribute cannot be chosen: the answer has a new one>"},
		"operator":  {422, "#<ArgumentError: Invalid operator (not repeated) in filter>"},
		"select":    {422, "#<ArgumentError: Invalid attribute 'colour' of ApiClientAuthorization in select parameter>"},
		"uuid":      {404, "Path not found"},
		"count":     {422, "#<ArgumentError: Invalid value for count parameter>"},
	} {
		if got := out[what]; got.Status != want.status || !strings.HasPrefix(got.Reason, want.words+" (req-") {
			t.Errorf("%s: %+v", what, got)
		}
	}
}

// TestArvadosLists: filters, order, select, distinct and paging.
func TestArvadosLists(t *testing.T) {
	t.Parallel()
	var out struct {
		Made                           []string
		ByScope                        []string `json:"by scope"`
		Newest, Since, In, Like, Where []string
		InMany                         []string `json:"in many"`
		Page                           struct {
			Kind          string
			Offset, Limit int
			Items         []map[string]any
			Available     int `json:"items_available"`
		}
		NotCounted, Distinct map[string]any
	}
	var text map[string]json.RawMessage
	newArvadosSDK(t).step(&text, "lists")
	whole, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(whole, &out); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text["not counted"], &out.NotCounted); err != nil {
		t.Fatal(err)
	}
	newest := slices.Clone(out.Made)
	slices.Reverse(newest)
	for what, got := range map[string]struct{ got, want []string }{
		"by scope": {out.ByScope, out.Made}, "newest": {out.Newest, newest}, "since": {out.Since, out.Made[3:]}, "in": {out.In, out.Made[:2]},
		"in many": {out.InMany, out.Made[3:4]}, "like": {out.Like, out.Made[4:]}, "where": {out.Where, out.Made[:1]},
	} {
		if !slices.Equal(got.got, got.want) {
			t.Errorf("%s: %v, want %v", what, got.got, got.want)
		}
	}
	if p := out.Page; p.Kind != "arvados#apiClientAuthorizationList" || p.Offset != 1 || p.Limit != 2 || p.Available != 5 || len(p.Items) != 2 || p.Items[0]["uuid"] != out.Made[1] || p.Items[0]["scopes"] != nil {
		t.Errorf("a page: %+v", p)
	}
	if _, counted := out.NotCounted["items_available"]; counted || len(out.NotCounted["items"].([]any)) != 0 {
		t.Errorf("not counted: %v", out.NotCounted)
	}
	if items, _ := out.Distinct["items"].([]any); len(items) != 1 || out.Distinct["items_available"] != 1.0 {
		t.Errorf("distinct: %v", out.Distinct)
	}
}

// TestArvadosManyTokens: keyset_list_all goes through 2,500 tokens, in whatever order,
// and ends.
func TestArvadosManyTokens(t *testing.T) {
	t.Parallel()
	out := map[string]any{}
	newArvadosSDK(t).step(&out, "many", "2500")
	for what, want := range map[string]any{
		"made": 2500.0, "up": 2500.0, "all of them": true, "once": true, "down": true, "by uuid": true, "same": true, "available": 2500.0,
	} {
		if out[what] != want {
			t.Errorf("%s: %v", what, out[what])
		}
	}
}
