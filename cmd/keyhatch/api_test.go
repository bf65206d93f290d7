package main

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/api"
)

// canary is put wherever a caller can put something; no answer may hold it.
const canary = "canary0submitted7"

// Everything a caller can get wrong is a problem with a code and a sentence,
// without what was submitted (S13).
func TestS13_BadInput(t *testing.T) {
	r := start(t)
	admin := r.admin.Reveal()
	reader := r.token(`{"name":"reader","workspace":"demo","scopes":["s3:read s3://demo/alpha/"]}`).Secret
	expired, expires := r.shortToken()
	revoked := r.token(`{}`)
	must[struct{}](r, admin, "DELETE", "/api/v1/tokens/"+revoked.ID, "")
	_, stranger := r.user("stranger")
	must[api.Grant](r, admin, "POST", "/api/v1/grants", `{"location":"alpha","to":"user","subject":"`+
		must[api.User](r, admin, "GET", "/api/v1/users/stranger", "").ID+`","access":"read","prefix":"2024/"}`)
	time.Sleep(time.Until(expires))

	const leases = "/api/v1/leases"
	bearer := func(token string) []string {
		return []string{"Authorization", "Bearer " + token, "Content-Type", "application/json"}
	}
	for _, test := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		code, field              string
	}{
		{"no token", "POST", leases, `{}`, nil, 401, "token_missing", ""},
		{"another scheme", "GET", leases, "", []string{"Authorization", "Digest " + canary}, 401, "token_malformed", ""},
		{"malformed token", "GET", leases, "", bearer("kh_" + canary), 401, "token_malformed", ""},
		{"mistyped token", "GET", leases, "", bearer(flip(admin)), 401, "token_malformed", ""},
		{"two tokens", "GET", leases, "", append(bearer(admin), bearer(admin)...), 401, "token_malformed", ""},
		{"unknown token", "GET", leases, "", bearer("kh_00000000000000000000000000000000000000000000gXzsc"), 401, "token_malformed", ""},
		{"expired token", "GET", leases, "", bearer(expired), 401, "token_invalid", ""},
		{"revoked token", "GET", leases, "", bearer(revoked.Secret), 401, "token_invalid", ""},

		{"not JSON", "POST", leases, `{"location": ` + canary, bearer(admin), 400, "invalid_request", ""},
		{"no body", "POST", leases, ``, bearer(admin), 400, "invalid_request", ""},
		{"another media type", "POST", leases, `location: ` + canary, []string{"Authorization", "Bearer " + admin, "Content-Type", "application/" + canary}, 415, "unsupported_media_type", ""},
		{"body too large", "POST", leases, `{"location":"` + strings.Repeat("x", 1<<20) + `"}`, bearer(admin), 413, "body_too_large", ""},
		{"unknown field", "POST", leases, `{"location":"alpha","access":"read","` + canary + `":1}`, bearer(admin), 422, "invalid_request", ""},
		{"unknown parameter", "GET", leases + "?" + canary + "=1", "", bearer(admin), 422, "invalid_request", ""},
		{"wrong type", "POST", leases, `{"location":["` + canary + `"],"access":"read"}`, bearer(admin), 422, "invalid_request", ""},
		{"missing field", "POST", leases, `{"location":"alpha"}`, bearer(admin), 422, "invalid_request", ""},
		{"unknown access", "POST", leases, `{"location":"alpha","access":"` + canary + `"}`, bearer(admin), 422, "invalid_request", ""},
		{"wrong page", "GET", leases + "?limit=" + canary, "", bearer(admin), 422, "invalid_request", ""},
		{"page too large", "GET", leases + "?limit=1001", "", bearer(admin), 422, "invalid_request", ""},
		{"wrong cursor", "GET", leases + "?cursor=" + canary, "", bearer(admin), 422, "invalid_cursor", "cursor"},

		{"unknown location", "POST", leases, `{"location":"` + canary + `","access":"read"}`, bearer(admin), 404, "location_not_found", "location"},
		{"unknown location id", "POST", leases, `{"location":"loc_000000000000000","access":"read"}`, bearer(admin), 404, "location_not_found", "location"},
		{"outside any location", "POST", leases, `{"location":"s3://demo/` + canary + `/","access":"read"}`, bearer(admin), 404, "location_not_found", "location"},
		{"outside any store", "POST", leases, `{"location":"s3://` + canary + `/alpha/","access":"read"}`, bearer(admin), 404, "location_not_found", "location"},
		{"above the location", "POST", leases, `{"location":"s3://demo/","access":"read"}`, bearer(admin), 404, "location_not_found", "location"},
		{"a name that begins alike", "POST", leases, `{"location":"s3://demo/alpha-evil/","access":"read"}`, bearer(admin), 404, "location_not_found", "location"},
		{"climbing prefix", "POST", leases, `{"location":"alpha","access":"read","prefixes":["../` + canary + `/"]}`, bearer(admin), 422, "invalid_prefix", "prefixes"},
		{"climbing URL", "POST", leases, `{"location":"s3://demo/alpha/../beta/","access":"read"}`, bearer(admin), 422, "invalid_prefix", "location"},
		{"empty segment", "POST", leases, `{"location":"s3://demo/alpha//` + canary + `","access":"read"}`, bearer(admin), 422, "invalid_prefix", "location"},
		{"NUL", "POST", leases, `{"location":"alpha","access":"read","prefixes":["a\u0000` + canary + `"]}`, bearer(admin), 422, "invalid_prefix", "prefixes"},
		{"unknown workspace", "POST", leases + "?workspace=" + canary, `{"location":"alpha","access":"read"}`, bearer(admin), 404, "location_not_found", "location"},
		{"no workspace", "POST", leases, `{"location":"alpha","access":"read"}`, bearer(stranger), 422, "workspace_required", "workspace"},

		{"too short", "POST", leases, `{"location":"alpha","access":"read","duration_seconds":899}`, bearer(admin), 422, "invalid_duration", "duration_seconds"},
		{"zero", "POST", leases, `{"location":"alpha","access":"read","duration_seconds":0}`, bearer(admin), 422, "invalid_duration", "duration_seconds"},
		{"below zero", "POST", leases, `{"location":"alpha","access":"read","duration_seconds":-9223372036854775808}`, bearer(admin), 422, "invalid_duration", "duration_seconds"},
		{"too long", "POST", leases, `{"location":"alpha","access":"read","duration_seconds":43201}`, bearer(admin), 422, "life_exceeds_limit", "duration_seconds"},
		{"far too long", "POST", leases, `{"location":"alpha","access":"read","duration_seconds":9223372036854775807}`, bearer(admin), 422, "life_exceeds_limit", "duration_seconds"},
		{"not a whole number", "POST", leases, `{"location":"alpha","access":"read","duration_seconds":900.5}`, bearer(admin), 422, "invalid_request", ""},

		{"a policy that is none", "POST", leases, `{"location":"alpha","access":"read","policy":"` + canary + `"}`, bearer(admin), 422, "invalid_policy", "policy"},
		{"a policy that is not understood", "POST", leases, `{"location":"alpha","access":"read","policy":"{\"Version\":\"` + canary + `\"}"}`, bearer(admin), 422, "invalid_policy", "policy"},
		{"a policy too long", "POST", leases, `{"location":"alpha","access":"read","policy":"` + strings.Repeat("x", 2049) + `"}`, bearer(admin), 422, "policy_too_large", "policy"},
		{"a session's name", "POST", leases, `{"location":"alpha","access":"read","session_name":"` + canary + ` "}`, bearer(admin), 422, "invalid_name", "session_name"},

		{"access that one has in part", "POST", leases + "?workspace=demo", `{"location":"alpha","access":"read"}`, bearer(stranger), 403, "access_not_granted", ""},
		{"a location that one may not see", "POST", leases + "?workspace=demo", `{"location":"beta","access":"read"}`, bearer(stranger), 404, "location_not_found", "location"},
		{"access outside the token's scopes", "POST", leases, `{"location":"alpha","access":"write"}`, bearer(reader), 403, "scope_not_granted", ""},
		{"prefix outside the token's scopes", "POST", leases, `{"location":"beta","access":"read"}`, bearer(reader), 403, "scope_not_granted", ""},
		{"call outside the token's scopes", "GET", leases, "", bearer(reader), 403, "scope_not_granted", ""},
		{"broader token", "POST", "/api/v1/tokens", `{"scopes":["` + canary + `"]}`, bearer(admin), 422, "invalid_scope", "scopes"},

		{"unknown call", "GET", "/api/v1/" + canary, "", bearer(admin), 404, "route_not_found", ""},
		{"unknown method", "PUT", leases, "", bearer(admin), 405, "method_not_allowed", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := r.send(test.method, test.path, test.body, test.header...)
			p := a.problem(t)
			if a.status != test.status || p.Code != test.code || p.Field != test.field {
				t.Errorf("got %d %s %q, want %d %s %q: %s", a.status, p.Code, p.Field, test.status, test.code, test.field, a.text)
			}
			if p.Status != a.status || p.Detail == "" || p.Title == "" || p.RequestID == "" || !strings.HasSuffix(p.Type, "#"+p.Code) {
				t.Errorf("the problem is not whole: %s", a.text)
			}
			if got := a.header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("it is %s", got)
			}
			if strings.Contains(a.text, canary) || strings.Contains(a.text, admin) {
				t.Errorf("it repeats what was submitted: %s", a.text)
			}
			if (a.status == 401) != (a.header.Get("WWW-Authenticate") != "") {
				t.Errorf("status %d with WWW-Authenticate %q", a.status, a.header.Get("WWW-Authenticate"))
			}
		})
	}
	const narrow = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}`
	asked, err := json.Marshal(api.LeaseRequest{Location: "alpha", Access: "read", Policy: narrow, SessionName: "nightly-job"})
	if err != nil {
		t.Fatal(err)
	}
	lent := must[api.Lent](r, admin, "POST", leases, string(asked))
	if l := must[api.Lease](r, admin, "GET", leases+"/"+lent.ID, ""); !slices.Equal(l.Policies, []string{narrow}) || l.SessionName != "nightly-job" || l.Ancestors != nil {
		t.Errorf("a lease under a policy is shown as %+v", l)
	}
	nearest := r.call(stranger, "POST", leases+"?workspace=demo", `{"location":"alpha","access":"read"}`).problem(t)
	if !strings.Contains(nearest.Detail, "read on s3://demo/alpha/2024/") {
		t.Errorf("the nearest grant is not named: %s", nearest.Detail)
	}
}

// operation is one call of the served description.
type operation struct {
	method, path string
	noun         string
	open         bool // without any token
}

func operations(t *testing.T, r *running) []operation {
	t.Helper()
	var described struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			Tags     []string
			Security []map[string][]string
		}
	}
	a := r.send("GET", "/api/v1/openapi.json", "")
	if err := json.Unmarshal([]byte(a.text), &described); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(described.OpenAPI, "3.1") {
		t.Errorf("OpenAPI %s", described.OpenAPI)
	}
	var out []operation
	for path, methods := range described.Paths {
		for method, o := range methods {
			filled := path
			for _, name := range []string{"user", "workspace", "group", "token", "store", "bucket", "location", "grant", "lease", "event"} {
				filled = strings.ReplaceAll(filled, "{"+name+"}", "none")
			}
			out = append(out, operation{strings.ToUpper(method), filled, o.Tags[0], len(o.Security) == 0})
		}
	}
	slices.SortFunc(out, func(a, b operation) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	if len(out) < 40 {
		t.Fatalf("only %d calls are described", len(out))
	}
	return out
}

// S14: no answer of any call may be stored, whether it holds a secret or a
// refusal.
func TestS14_NoAnswerIsStored(t *testing.T) {
	r := start(t)
	for _, o := range operations(t, r) {
		for _, token := range []string{r.token(`{}`).Secret, "none"} { // its own: one call replaces it
			a := r.call(token, o.method, o.path, `{}`)
			if got := a.header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("%s %s: %d says Cache-Control %q", o.method, o.path, a.status, got)
			}
		}
	}
	for path, body := range map[string]string{"/api/v1/leases": `{"location":"alpha","access":"read"}`, "/api/v1/tokens": `{}`} {
		a := r.call(r.admin.Reveal(), "POST", path, body)
		if a.status != http.StatusCreated || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d with Cache-Control %q", path, a.status, a.header.Get("Cache-Control"))
		}
	}
}

// S4: each form of a scope opens its calls and no others, whatever the call.
func TestS4_ScopesOpenTheirCalls(t *testing.T) {
	r := start(t)
	for _, test := range []struct {
		scopes string
		opens  func(operation) bool
	}{
		{`["all"]`, func(operation) bool { return true }},
		{`["leases"]`, func(o operation) bool { return o.noun == "leases" }},
		{`["grants:read"]`, func(o operation) bool { return o.noun == "grants" && o.method == "GET" }},
		{`["GET /api/v1/users"]`, func(o operation) bool { return o.method == "GET" && o.path == "/api/v1/users" }},
		{`["GET /api/v1/users/"]`, func(o operation) bool {
			return o.method == "GET" && strings.HasPrefix(o.path, "/api/v1/users/")
		}},
		{`["DELETE /api/v1/"]`, func(o operation) bool { return o.method == "DELETE" }},
		{`["GET /api/v1/"]`, func(o operation) bool { return o.method == "GET" && o.path != containerPath }}, // it lends
		{`["HEAD /api/v1/"]`, func(operation) bool { return false }},
		{`["s3:write s3://demo/alpha/"]`, func(o operation) bool {
			return o == operation{"POST", "/api/v1/leases", "leases", false} || strings.HasSuffix(o.path, "/presigned-url") || o.path == containerPath || o == operation{"GET", "/api/v1/tokens/current", "tokens", false}
		}},
		{`["users","s3:read s3://demo/alpha/"]`, func(o operation) bool { return o.noun == "users" }},
	} {
		secret := r.token(`{"workspace":"demo","scopes":` + test.scopes + `}`).Secret
		for _, o := range operations(t, r) {
			a := r.call(secret, o.method, o.path, `{}`)
			refused := a.status == http.StatusForbidden && strings.Contains(a.text, "scope_not_granted")
			if refused == (o.open || test.opens(o)) {
				t.Errorf("scopes %s: %s %s: %d %s", test.scopes, o.method, o.path, a.status, a.text)
			}
		}
	}
}

// An encoding does not take a call out of its scope or into another one's.
func TestS4_EncodedPathsMeanWhatTheyAre(t *testing.T) {
	r := start(t)
	secret := r.token(`{"scopes":["GET /api/v1/users/admin"]}`).Secret
	for path, status := range map[string]int{
		"/api/v1/users/admin":             200,
		"/api/v1/users/%61dmin":           200,
		"/api/v1/%75sers/admin":           200,
		"/api/v1/users/admin%2f..%2fx":    403,
		"/api/v1/tokens%2f..%2fusers%2f":  404,
		"/api/v1/users/admin/":            404,
		"/api/v1/users/admi%6e%00":        403,
		"/api/v1/users/%2e%2e/tokens/all": 404,
	} {
		if a := r.call(secret, "GET", path, ""); a.status != status {
			t.Errorf("%s: %d, want %d: %s", path, a.status, status, a.text)
		}
	}
}

// The answer that other work relies on has these fields and no others.
func TestLeaseAnswer(t *testing.T) {
	r := start(t)
	admin := r.admin.Reveal()
	before := time.Now()
	lent := must[map[string]any](r, admin, "POST", "/api/v1/leases", `{"location":"s3://demo/alpha/","access":"read"}`)
	for name, want := range map[string]any{"endpoint": r.in.s3URL, "region": "us-east-1", "store": "local", "access": "read", "revocation": "immediate"} {
		if lent[name] != want {
			t.Errorf("%s is %v, want %v", name, lent[name], want)
		}
	}
	if p, _ := lent["prefixes"].([]any); len(p) != 1 || p[0] != "s3://demo/alpha/" {
		t.Errorf("prefixes are %v", lent["prefixes"])
	}
	want := []string{"access", "access_key_id", "endpoint", "expires_at", "grants", "id", "prefixes", "region", "revocation", "secret_access_key", "session_token", "store", "workspace"}
	var got []string
	for name := range lent {
		got = append(got, name)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("fields %v, want %v", got, want)
	}
	expires, err := time.Parse(time.RFC3339, lent["expires_at"].(string))
	if err != nil || expires.Before(before.Add(time.Hour-time.Second)) || expires.After(time.Now().Add(time.Hour)) {
		t.Errorf("it expires at %v (%v), want an hour from now", expires, err)
	}

	// Get and list give the record, never the secret.
	id := lent["id"].(string)
	for _, a := range []answered{
		r.call(admin, "GET", "/api/v1/leases/"+id, ""), r.call(admin, "GET", "/api/v1/leases?live=true", ""),
	} {
		if a.status != 200 || !strings.Contains(a.text, id) {
			t.Errorf("%d %s", a.status, a.text)
		}
		if strings.Contains(a.text, lent["secret_access_key"].(string)) || strings.Contains(a.text, "session_token") {
			t.Errorf("it tells the secret: %s", a.text)
		}
	}
	if a := r.call(admin, "DELETE", "/api/v1/leases/"+id, ""); a.status != 204 || a.text != "" {
		t.Errorf("revoke: %d %q", a.status, a.text)
	}
	if l := must[api.Lease](r, admin, "GET", "/api/v1/leases/"+id, ""); l.RevokedAt == nil {
		t.Error("the record does not say that it was revoked")
	}
	if page := must[api.Page[api.Lease]](r, admin, "GET", "/api/v1/leases?live=true", ""); len(page.Items) != 0 {
		t.Errorf("a revoked lease is listed as live: %v", page.Items)
	}
}

// Lists come in pages that hold everything once.
func TestPages(t *testing.T) {
	r := start(t)
	for range 7 {
		r.token(`{"name":"page"}`)
	}
	seen := map[string]bool{}
	path, pages := "/api/v1/tokens?limit=3", 0
	for path != "" {
		page := must[api.Page[api.Token]](r, r.admin.Reveal(), "GET", path, "")
		for _, token := range page.Items {
			if seen[token.ID] {
				t.Errorf("%s comes twice", token.ID)
			}
			seen[token.ID] = true
		}
		path = ""
		if page.Next != "" {
			path = "/api/v1/tokens?limit=3&cursor=" + page.Next
		}
		pages++
	}
	if len(seen) != 8 || pages != 3 {
		t.Errorf("%d tokens in %d pages, want 8 in 3", len(seen), pages)
	}
}

// S5: after a day's work no secret can be found in the data folder or the log,
// except in the file that holds it on purpose.
func TestS5_NoSecretLiesAround(t *testing.T) {
	r := start(t)
	token := r.token(`{"name":"planted"}`)
	lent := must[api.Lent](r, token.Secret, "POST", "/api/v1/leases", `{"location":"alpha","access":"write"}`)
	if _, err := get(t.Context(), s3Client(lent), "alpha/README.txt"); err != nil {
		t.Fatal(err)
	}
	tampered := lent
	tampered.SessionToken = flip(lent.SessionToken)
	if _, err := get(t.Context(), s3Client(tampered), "alpha/README.txt"); err == nil {
		t.Error("a tampered session token works")
	}
	r.send("GET", "/api/v1/leases?cursor="+token.Secret, "", "Authorization", "Bearer "+token.Secret)
	r.send("GET", "/api/v1/leases", "", "Authorization", "Nonsense "+token.Secret)
	events := r.call(r.admin.Reveal(), "GET", "/api/v1/events?limit=1000", "").text
	if !strings.Contains(events, lent.ID) {
		t.Fatal("the lease is not on record")
	}
	places := map[string]string{"the log": r.log.String(), "the events": events}
	for _, name := range []string{"keyhatch.db", "keyhatch.db-wal", "requests.jsonl"} {
		text, err := os.ReadFile(r.folder + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		places[name] = string(text)
	}
	if !strings.Contains(places["requests.jsonl"], lent.ID) || !strings.Contains(places["keyhatch.db"]+places["keyhatch.db-wal"], lent.AccessKeyID) {
		t.Fatal("the places that are searched do not hold what they should")
	}
	secrets := map[string]string{
		"the token": token.Secret, "the admin's token": r.admin.Reveal(), "the secret key": lent.SecretAccessKey, "the session token": lent.SessionToken,
	}
	for place, text := range places {
		for what, secret := range secrets {
			for _, spelling := range spellings(secret) {
				if strings.Contains(text, spelling) {
					t.Errorf("%s holds %s", place, what)
				}
			}
		}
	}
}

// S6: who does not know a token learns nothing of what it was, and who may not
// see a thing learns nothing of whether it is there.
func TestS6_InvisibleAnswersLikeMissing(t *testing.T) {
	r := start(t)
	admin := r.admin.Reveal()
	_, stranger := r.user("stranger")
	lent := must[api.Lent](r, admin, "POST", "/api/v1/leases", `{"location":"alpha","access":"read"}`)
	ids := map[string]string{"leases": lent.ID, "tokens": must[api.Token](r, admin, "GET", "/api/v1/tokens/current", "").ID}
	for _, noun := range []string{"buckets", "locations", "grants", "events"} {
		page := must[api.Page[struct{ ID string }]](r, admin, "GET", "/api/v1/"+noun+"?limit=1", "")
		ids[noun] = page.Items[0].ID
	}
	ids["workspaces"], ids["users"] = "demo", "admin"
	for noun, id := range ids {
		missing := "none"
		if i := strings.IndexByte(id, '_'); i > 0 {
			missing = id[:i+1] + "000000000000000"
		}
		for _, method := range []string{"GET", "PATCH", "DELETE"} {
			body := `{}`
			if noun == "workspaces" {
				body = `{"name":"x"}`
			}
			there := r.call(stranger, method, "/api/v1/"+noun+"/"+id, body)
			gone := r.call(stranger, method, "/api/v1/"+noun+"/"+missing, body)
			if there.status == http.StatusMethodNotAllowed {
				continue
			}
			a, b := there.problem(t), gone.problem(t)
			a.RequestID, b.RequestID = "", ""
			if a.Status != http.StatusNotFound || a.Code != b.Code || a.Detail != b.Detail || a.Field != b.Field {
				t.Errorf("%s %s: %+v, but %+v for one that does not exist", method, noun, a, b)
			}
		}
	}
}
