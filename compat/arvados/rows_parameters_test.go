package arvados_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Rows 33 and 41: parameters, in every form in which they come.
func TestRow33_41_Parameters(t *testing.T) {
	w := newWorld(t)
	const attributes = `{"scopes":["GET /arvados/v1/users"],"expires_at":"2100-01-02T03:04:05Z"}`
	multi, boundary := parts(t, "api_client_authorization", attributes)
	for what, q := range map[string]request{
		"JSON, wrapped":               {body: `{"api_client_authorization":` + attributes + `}`},
		"JSON, wrapped, as a string":  {body: `{"api_client_authorization":` + quote(attributes) + `}`},
		"JSON, unwrapped":             {body: attributes},
		"JSON, unwrapped, as strings": {body: `{"scopes":"[\"GET /arvados/v1/users\"]","expires_at":"2100-01-02T03:04:05Z"}`},
		"JSON, with other parameters": {body: `{"select":["uuid","scopes","expires_at"],"ensure_unique_name":false,"api_client_authorization":` + attributes + `}`},
		"JSON without a type":         {body: attributes, header: http.Header{"Content-Type": nil}},
		"JSON with a charset":         {body: attributes, header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}},
		"a form":                      {form: url.Values{"api_client_authorization": {attributes}, "cluster_id": {""}}},
		"the query":                   {query: url.Values{"api_client_authorization": {attributes}}},
		"the query, unread form":      {query: url.Values{"api_client_authorization": {attributes}}, form: url.Values{}},
		"multipart":                   {body: multi, header: http.Header{"Content-Type": {"multipart/form-data; boundary=" + boundary}}},
		"pairs":                       {body: `{"scopes":[["GET","/arvados/v1/users"]],"expires_at":"2100-01-02T03:04:05.000000000Z"}`},
	} {
		q.method, q.path, q.token = "POST", tokens, w.ann
		a := w.want(200, w.send(q))
		if scopes, _ := a.record["scopes"].([]any); len(scopes) != 1 || scopes[0] != "GET /arvados/v1/users" || a.string("expires_at") != "2100-01-02T03:04:05.000000000Z" {
			t.Errorf("%s: %s", what, a.Body)
		}
	}
	for _, q := range []request{{form: url.Values{"_method": {"GET"}, "api_token": {w.ann}}}, {form: url.Values{"_method": {"get"}, "api_token": {"x", "v2/" + w.uuidOf(w.ann) + "/" + w.ann}}}} {
		q.method, q.path = "POST", users+"/current"
		if a := w.want(200, w.send(q)); a.string("username") != "ann" { // row 41
			t.Errorf("got %s", a.Body)
		}
	}
}

func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` }

func parts(t *testing.T, pairs ...string) (body, boundary string) {
	t.Helper()
	var out bytes.Buffer
	m := multipart.NewWriter(&out)
	for i := 0; i < len(pairs); i += 2 {
		if err := m.WriteField(pairs[i], pairs[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String(), m.Boundary()
}

// Row 34: truth values, told by a parameter that only administrators may set.
func TestRow34_Booleans(t *testing.T) {
	w := newWorld(t)
	for value, yes := range map[string]bool{"false": false, "0": false, "": false, "null": false, "true": true, "1": true, "yes": true} {
		want := map[bool]int{false: 200, true: 403}[yes]
		a := w.want(want, w.get(tokens, w.ann, "bypass_federation", value))
		if yes && !strings.HasPrefix(a.failure(), "The bypass_federation parameter is only permitted when current user is admin") {
			t.Errorf("got %s", a.Body)
		}
		w.want(200, w.get(tokens, w.admin, "bypass_federation", value))
	}
	for body, want := range map[string]int{`{"bypass_federation":false}`: 200, `{"bypass_federation":0}`: 200, `{"bypass_federation":"0"}`: 200, `{"bypass_federation":""}`: 200, `{"bypass_federation":null}`: 200, `{"bypass_federation":true}`: 403, `{"bypass_federation":1}`: 403, `{"bypass_federation":"true"}`: 403} {
		w.want(want, w.send(request{method: "POST", path: tokens, token: w.ann, body: body, header: http.Header{"X-Http-Method-Override": {"GET"}, "Content-Type": {"application/json"}}}))
	}
}

// Row 35: order.
func TestRow35_Order(t *testing.T) {
	w := newWorld(t)
	for _, scope := range []string{"GET /a", "GET /b", "GET /a"} {
		w.create(w.ann, map[string]any{"scopes": []string{scope}})
	}
	byScope := w.get(tokens, w.ann, "order", "scopes,created_at desc").uuids()
	newest := w.get(tokens, w.ann).uuids()
	if len(byScope) != 5 || slices.Equal(byScope, newest) {
		t.Fatalf("by scope %v, newest first %v", byScope, newest)
	}
	for _, order := range []string{"scopes, created_at desc", `["scopes","created_at desc"]`, `["scopes asc","nonsense desc","created_at DESC"]`, "api_client_authorizations.scopes,created_at desc", "scopes"} {
		if got := w.want(200, w.get(tokens, w.ann, "order", order)).uuids(); !slices.Equal(got, byScope) {
			t.Errorf("%s: %v, want %v", order, got, byScope)
		}
	}
	a := w.send(request{method: "POST", path: tokens, token: w.ann, json: map[string]any{"order": []string{"scopes", "created_at desc"}}, header: http.Header{"X-Http-Method-Override": {"GET"}}})
	if got := w.want(200, a).uuids(); !slices.Equal(got, byScope) {
		t.Errorf("as JSON: %v, want %v", got, byScope)
	}
	oldest := w.want(200, w.get(tokens, w.ann, "order", "created_at")).uuids()
	slices.Reverse(oldest)
	if !slices.Equal(oldest, newest) {
		t.Errorf("backwards: %v, want %v", oldest, newest)
	}
}

// Row 36: a POST that means a GET.
func TestRow36_MethodOverride(t *testing.T) {
	w := newWorld(t)
	before := w.stored()
	for _, q := range []request{
		{query: url.Values{"_method": {"GET"}}, json: map[string]any{"limit": 1}},
		{query: url.Values{"_method": {"GET"}, "limit": {"1"}}},
		{form: url.Values{"_method": {"GET"}, "limit": {"1"}}},
		{header: http.Header{"X-Http-Method-Override": {"GET"}}, form: url.Values{"limit": {"1"}}},
		{header: http.Header{"X-Http-Method-Override": {"GET"}}, json: map[string]any{"limit": 1}},
		{header: http.Header{"X-Http-Method-Override": {"get"}}, query: url.Values{"_method": {"GET"}}, form: url.Values{"_method": {"GET"}, "limit": {"1"}}},
	} {
		q.method, q.path, q.token = "POST", tokens, w.ann
		if a := w.want(200, w.send(q)); a.string("kind") != "arvados#apiClientAuthorizationList" || len(a.items()) != 1 {
			t.Errorf("got %s", a.Body)
		}
	}
	if w.stored() != before {
		t.Error("a token was stored")
	}
}

// Row 37: what a path does not take.
func TestRow37_MethodNotAllowed(t *testing.T) {
	w := newWorld(t)
	for _, q := range []request{
		{method: "PATCH", path: tokens},
		{method: "PUT", path: tokens},
		{method: "DELETE", path: tokens},
		{method: "POST", path: tokens + "/current"},
		{method: "POST", path: tokens + "/" + w.uuidOf(w.ann)},
		{method: "DELETE", path: tokens + "/current"},
		{method: "GET", path: tokens + "/create_system_auth"},
		{method: "POST", path: users},
		{method: "PROPFIND", path: users},
		{method: "PUT", path: "/arvados/v1/config"},
		{method: "DELETE", path: "/discovery/v1/apis/arvados/v1/rest"},
	} {
		q.token = w.ann
		if a := w.want(405, w.send(q)); a.failure() != "API endpoint not found" || a.Header.Get("Allow") == "" {
			t.Errorf("%s %s: %s", q.method, q.path, a.Body)
		}
	}
}

// Row 38: select in every method.
func TestRow38_SelectKeepsKind(t *testing.T) {
	w := newWorld(t)
	uuid := w.create(w.ann, map[string]any{}).string("uuid")
	for _, q := range []request{{method: "GET", path: tokens}, {method: "GET", path: tokens + "/" + uuid}, {method: "POST", path: tokens}, {method: "PUT", path: tokens + "/" + uuid}} {
		q.token, q.query = w.ann, url.Values{"select": {`["uuid","uuid","scopes","kind"]`}}
		a := w.want(200, w.send(q))
		record := a.record
		if items := a.items(); len(items) > 0 {
			record = items[0]
		}
		if len(record) != 4 || record["kind"] != "arvados#apiClientAuthorization" || record["uuid"] == nil || record["scopes"] == nil {
			t.Errorf("%s: %s", q.method, a.Body)
		}
	}
}

// Row 39: nine digits, of which six are ours.
func TestRow39_Times(t *testing.T) {
	w := newWorld(t)
	a := w.create(w.ann, map[string]any{"expires_at": "2100-01-02T03:04:05.123456Z"})
	nine := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}000Z$`)
	if a.string("expires_at") != "2100-01-02T03:04:05.123456000Z" || !nine.MatchString(a.string("created_at")) {
		t.Errorf("got %s", a.Body)
	}
	if got := w.get(tokens, w.ann, "filters", `[["created_at","=","`+a.string("created_at")+`"]]`).uuids(); !slices.Equal(got, []string{a.string("uuid")}) {
		t.Errorf("by its time it is %v", got)
	}
}
