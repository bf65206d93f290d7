package arvados_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
)

// canary is in what is sent, and in no answer and no log.
const canary = "Canary0Submitted7"

// TestBadInput is what a request can have wrong, with its status and what it is told;
// nothing is stored.
func TestBadInput(t *testing.T) {
	w := newWorld(t)
	uuid := w.uuidOf(w.ann)
	member := tokens + "/" + uuid
	post := func(body string) request { return request{method: "POST", path: tokens, body: body} }
	list := func(pairs ...string) request {
		q := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			q.Add(pairs[i], pairs[i+1])
		}
		return request{method: "GET", path: tokens, query: q}
	}
	deep := strings.Repeat("[", 1000) + strings.Repeat("]", 1000)
	for _, row := range []struct {
		what    string
		q       request
		status  int
		message string // its beginning
	}{
		{"unknown attribute", post(`{"api_client_authorization":{"colour":"x"}}`), 422, "#<ActiveModel::UnknownAttributeError: unknown attribute 'colour' for ApiClientAuthorization.>"},
		{"unknown attribute, not wrapped", post(`{"colour":1}`), 422, "#<ActiveModel::UnknownAttributeError: unknown attribute 'colour'"},
		{"an attribute that is no word", post(`{"` + canary + `":1}`), 422, "#<ActiveModel::UnknownAttributeError: unknown attribute (not repeated) for"},
		{"attributes that are none", post(`{"api_client_authorization":["scopes"]}`), 422, "#<ArgumentError: Invalid value for api_client_authorization parameter"},
		{"attributes that are text", post(`{"api_client_authorization":"` + canary + `"}`), 422, "#<ArgumentError: Invalid value for api_client_authorization parameter"},
		{"attributes beside", post(`{"api_client_authorization":{},"scopes":["GET /"]}`), 422, "#<ArgumentError: Attributes belong into"},
		{"attributes beside null", post(`{"api_client_authorization":null,"scopes":["GET /"]}`), 422, "#<ArgumentError: Attributes belong into"},
		{"attributes in the query", request{method: "POST", path: tokens, query: url.Values{"scopes": {`["GET /"]`}}}, 422, "#<ArgumentError: Attributes belong into"},
		{"attributes in a form", request{method: "POST", path: tokens, form: url.Values{"expires_at": {"2100-01-01"}}}, 422, "#<ArgumentError: Attributes belong into"},
		{"attributes in brackets", request{method: "POST", path: tokens, form: url.Values{"api_client_authorization[scopes][]": {"GET /"}}}, 422, "#<ArgumentError: Attributes belong into"},
		{"attributes in brackets, in the query", request{method: "POST", path: tokens, query: url.Values{"api_client_authorization[expires_at]": {"2100-01-01"}}}, 422, "#<ArgumentError: Attributes belong into"},
		{"attributes in brackets, beside others", post(`{"api_client_authorization":{},"api_client_authorization[scopes]":["GET /"]}`), 422, "#<ArgumentError: Attributes belong into"},
		{"a list in brackets", request{method: "POST", path: tokens, form: url.Values{"scopes[]": {"GET /"}}}, 422, "#<ArgumentError: Attributes belong into"},
		{"a list in brackets, not wrapped", post(`{"scopes[]":["GET /"]}`), 422, "#<ArgumentError: Attributes belong into"},
		{"attributes in two places", request{method: "POST", path: tokens, query: url.Values{"api_client_authorization": {`{"scopes":[]}`}}, body: `{"api_client_authorization":{}}`}, 422, "#<ArgumentError: Attributes belong into"},
		{"an attribute in two places", request{method: "POST", path: tokens, query: url.Values{"scopes": {`[]`}}, body: `{"scopes":["all"]}`}, 422, "#<ArgumentError: Attributes belong into"},
		{"a chosen secret", post(`{"api_token":"` + canary + `"}`), 422, "#<ArgumentError: The api_token attribute cannot be chosen"},
		{"a chosen uuid", post(`{"uuid":"zzzzz-gj3su-aaaaaaaaaaaaaaa"}`), 422, "#<ArgumentError: The uuid attribute cannot be chosen"},
		{"scopes that are text", post(`{"scopes":"all"}`), 422, "#<ArgumentError: Invalid value for scopes attribute"},
		{"a scope that is a number", post(`{"scopes":[1]}`), 422, "#<ArgumentError: Invalid value for scopes attribute"},
		{"a scope of three parts", post(`{"scopes":[["GET","/a","/b"]]}`), 422, "#<ArgumentError: Invalid value for scopes attribute"},
		{"a scope that there is not", post(`{"scopes":["` + canary + `"]}`), 422, "a scope is"},
		{"a scope with a dot segment", post(`{"scopes":["GET /arvados/v1/../v1/users"]}`), 422, "a scope is"},
		{"too many scopes", post(`{"scopes":["all"` + strings.Repeat(`,"all"`, 100) + `]}`), 422, "#<ArgumentError: Invalid value for scopes attribute"},
		{"an expiry that is no time", post(`{"expires_at":"` + canary + `"}`), 422, "#<ArgumentError: Invalid value for expires_at attribute"},
		{"an expiry that is empty", post(`{"api_client_authorization":{"expires_at":""}}`), 422, "#<ArgumentError: Invalid value for expires_at attribute"},
		{"an expiry that is a number", post(`{"expires_at":4102444800}`), 422, "#<ArgumentError: Invalid value for expires_at attribute"},
		{"an expiry that has passed", post(`{"expires_at":"2001-01-01T00:00:00Z"}`), 422, "it must expire in the future"},
		{"the zero time", post(`{"expires_at":"0001-01-01T00:00:00Z"}`), 422, "it must expire in the future"},
		{"an owner that is a number", post(`{"owner_uuid":1}`), 422, "#<ArgumentError: Invalid value for owner_uuid attribute"},
		{"a bad select, at create", request{method: "POST", path: tokens, query: url.Values{"select": {`["colour"]`}}, body: "{}"}, 422, "#<ArgumentError: Invalid attribute 'colour' of ApiClientAuthorization in select parameter"},

		{"an unknown attribute, at update", request{method: "PUT", path: member, body: `{"colour":1,"scopes":[]}`}, 422, "#<ActiveModel::UnknownAttributeError"},
		{"another owner", request{method: "PUT", path: member, body: `{"owner_uuid":"zzzzz-tpzed-000000000000000","scopes":[]}`}, 422, "#<ActiveModel::UnknownAttributeError"},
		{"a number of a user", request{method: "PUT", path: member, body: `{"user_id":1,"scopes":[]}`}, 422, "#<ActiveModel::UnknownAttributeError"},
		{"a bad select, at update", request{method: "PUT", path: member, query: url.Values{"select": {`["colour"]`}}, body: `{"scopes":[]}`}, 422, "#<ArgumentError: Invalid attribute"},
		{"a uuid that is none", request{method: "PUT", path: tokens + "/nonsense", body: `{"scopes":[]}`}, 404, "Path not found"},
		{"a uuid of another kind", request{method: "DELETE", path: tokens + "/" + strings.Replace(uuid, "gj3su", "tpzed", 1)}, 404, "Path not found"},
		{"a uuid in capitals", request{method: "DELETE", path: tokens + "/" + strings.ToUpper(uuid)}, 404, "Path not found"},

		{"limit, no number", list("limit", "ten"), 422, "#<ArgumentError: Invalid value for limit parameter"},
		{"limit, below", list("limit", "-2"), 422, "#<ArgumentError: Invalid value for limit parameter"},
		{"limit, too large a number", list("limit", "99999999999999999999"), 422, "#<ArgumentError: Invalid value for limit parameter"},
		{"limit, not whole", list("limit", "1.5"), 422, "#<ArgumentError: Invalid value for limit parameter"},
		{"offset, no number", list("offset", canary), 422, "#<ArgumentError: Invalid value for offset parameter"},
		{"offset, a list", list("offset", "[1]"), 422, "#<ArgumentError: Invalid value for offset parameter"},
		{"count", list("count", canary), 422, "#<ArgumentError: Invalid value for count parameter"},
		{"order, an object", list("order", "{}"), 422, "#<ArgumentError: Invalid value for order parameter"},
		{"order, much", list("order", strings.Repeat("uuid,", 30)), 422, "#<ArgumentError: Invalid value for order parameter"},
		{"select, a word", list("select", "uuid"), 422, "#<ArgumentError: Invalid value for select parameter"},
		{"select, unknown", list("select", `["`+canary+`"]`), 422, "#<ArgumentError: Invalid attribute (not repeated) of ApiClientAuthorization in select parameter"},
		{"where, a list", list("where", "[]"), 422, "#<ArgumentError: Invalid value for where parameter"},
		{"where, unknown", list("where", `{"colour":"x"}`), 422, "#<ArgumentError: Invalid attribute 'colour' in filter"},
		{"another cluster", list("cluster_id", "yyyyy"), 422, "#<ArgumentError: Invalid value for cluster_id parameter"},
		{"filters, not JSON", list("filters", `[["uuid"`), 422, "#<ArgumentError: Invalid value for filters parameter: it is not JSON"},
		{"filters, text", list("filters", canary), 422, "#<ArgumentError: Invalid value for filters parameter"},
		{"filters, deep", list("filters", deep), 422, "#<ArgumentError: Invalid value for filters parameter: it is nested too deeply"},
		{"filters, bad operator", list("filters", `[["uuid","matches","x"]]`), 422, "#<ArgumentError: Invalid operator 'matches' in filter"},
		{"filters, unknown attribute", list("filters", `[["colour","=","x"]]`), 422, "#<ArgumentError: Invalid attribute 'colour' in filter"},
		{"filters, many", list("filters", `[["uuid","=","x"]`+strings.Repeat(`,["uuid","=","x"]`, 50)+"]"), 422, "#<ArgumentError: Invalid value for filters parameter: it must be"},
		{"filters by part of a secret", list("filters", `[["api_token","like","kh_%"]]`), 422, "#<ArgumentError: Invalid operator for attribute 'api_token'"},
		{"filters by the order of secrets", list("filters", `[["api_token",">","kh_a"]]`), 422, "#<ArgumentError: Invalid operator for attribute 'api_token'"},
		{"filters by many secrets", list("filters", `[["api_token","=","x"]`+strings.Repeat(`,["api_token","=","x"]`, 10)+"]"), 422, "#<ArgumentError: Invalid operand for api_token"},

		{"no JSON", post(`{"scopes":`), 400, "The body cannot be read: it is not JSON"},
		{"more than one", post(`{} {}`), 400, "The body cannot be read: it is not JSON"},
		{"a name twice", post(`{"scopes":["all"],"scopes":[]}`), 400, "The body cannot be read: an object has a name twice"},
		{"a name twice, inside", post(`{"api_client_authorization":{"scopes":["all"],"scopes":[]}}`), 400, "The body cannot be read: an object has a name twice"},
		{"deep JSON", post(`{"scopes":` + deep + `}`), 400, "The body cannot be read: it is nested too deeply"},
		{"a list", post(`["all"]`), 400, "The body must be one JSON object"},
		{"bytes", post("{\"a\":\"\xff\"}"), 400, "The body must be UTF-8"},
		{"another type", request{method: "POST", path: tokens, body: `{"scopes":[]}`, header: http.Header{"Content-Type": {"text/plain"}}}, 400, "The body must be JSON or a form"},
		{"no type", request{method: "POST", path: tokens, body: `{"scopes":[]}`, header: http.Header{"Content-Type": {";;"}}}, 400, "The header Content-Type cannot be read"},
		{"multipart without a boundary", request{method: "POST", path: tokens, body: "x", header: http.Header{"Content-Type": {"multipart/form-data"}}}, 400, "The body cannot be read"},
		{"a parameter twice", list("limit", "1", "limit", "2"), 400, "A parameter is given twice"},
		{"a form with a parameter twice", request{method: "POST", path: tokens, body: "api_client_authorization=%7B%7D&api_client_authorization=%7B%22scopes%22:[]%7D", header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}}, 400, "A parameter is given twice"},
		{"many parameters", request{method: "GET", path: tokens + "?" + strings.Repeat("a&", 200)}, 400, "A request has at most 200 parameters"},
		{"half a character", request{method: "GET", path: tokens + "?a=%cd"}, 400, "The parameters must be UTF-8"},
		{"a character in two halves", request{method: "GET", path: tokens + "?%cd=%83"}, 400, "The parameters must be UTF-8"},
		{"a bad escape", request{method: "GET", path: tokens + "?a=%zz"}, 400, "The parameters cannot be read"},
		{"two methods", request{method: "POST", path: tokens, header: http.Header{"X-Http-Method-Override": {"GET"}}, query: url.Values{"_method": {"DELETE"}}}, 400, "The request says in two places"},
		{"a method that there is not", request{method: "POST", path: tokens, header: http.Header{"X-Http-Method-Override": {"HEAD"}}}, 400, "A POST can mean"},
	} {
		row.q.token = w.ann
		before := w.stored()
		a := w.send(row.q)
		if a.Status != row.status || !strings.HasPrefix(a.failure(), row.message) {
			t.Errorf("%s: %d %s, want %d %s", row.what, a.Status, a.Body, row.status, row.message)
		}
		if strings.Contains(a.Body, canary) {
			t.Errorf("%s: it is echoed", row.what)
		}
		if w.stored() != before {
			t.Errorf("%s: something was stored", row.what)
		}
	}
	if strings.Contains(w.Log.String(), canary) {
		t.Error("the log has what was sent")
	}
}

// TestNothingIsMissedOfASystemToken: what is said of a token of the system user where it is
// not read is refused, and does not make one for everything.
func TestNothingIsMissedOfASystemToken(t *testing.T) {
	w := newWorld(t)
	narrow := `["GET /arvados/v1/users"]`
	for what, q := range map[string]request{
		"in brackets":          {form: url.Values{"scopes[]": {"GET /arvados/v1/users"}}},
		"wrapped":              {body: `{"api_client_authorization":{"scopes":` + narrow + `}}`},
		"wrapped, in a form":   {form: url.Values{"api_client_authorization": {`{"scopes":` + narrow + `}`}}},
		"wrapped, in brackets": {form: url.Values{"api_client_authorization[scopes][]": {"GET /arvados/v1/users"}}},
		"in two places":        {query: url.Values{"scopes": {narrow}}, body: `{"scopes":["all"]}`},
		"an expiry":            {query: url.Values{"scopes": {narrow}, "expires_at": {"2100-01-01T00:00:00Z"}}},
		"an owner":             {body: `{"owner_uuid":"` + cluster + `-tpzed-000000000000000"}`},
	} {
		q.method, q.path, q.token = "POST", tokens+"/create_system_auth", w.admin
		before := w.stored()
		if a := w.send(q); a.Status != 422 || !strings.HasPrefix(a.failure(), "#<ArgumentError: ") {
			t.Errorf("%s: %d %s", what, a.Status, a.Body)
		}
		if w.stored() != before {
			t.Errorf("%s: something was stored", what)
		}
	}
}

// TestTooLargeABody: 2 MiB, in whatever form and of whomever, is answered 413, and
// nothing is stored.
func TestTooLargeABody(t *testing.T) {
	w := newWorld(t)
	before := w.stored()
	large := strings.Repeat("x", 2<<20)
	multi, boundary := parts(t, "api_client_authorization", large)
	for media, body := range map[string]string{
		"application/json": `{"api_client_authorization":"` + large + `"}`, "application/x-www-form-urlencoded": "api_client_authorization=" + large,
		"multipart/form-data; boundary=" + boundary: multi,
	} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", w.URL+tokens, io.NopCloser(bytes.NewReader([]byte(body))))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", media)
		r.Header.Set("Authorization", "Bearer "+w.ann)
		if a := w.do(r); a.Status != 413 || !strings.HasPrefix(a.failure(), "Request body too large: it has at most 1 MiB (req-") {
			t.Errorf("%s: %d %.200s", media, a.Status, a.Body)
		}
	}
	if w.stored() != before {
		t.Error("something was stored")
	}
}

// TestS5_NoSecretIsKeptOrShown: a secret that the door has handled is in no log, no
// database page, and no answer but that of create and current.
func TestS5_NoSecretIsKeptOrShown(t *testing.T) {
	w := newWorld(t)
	made := w.create(w.ann, map[string]any{})
	secret, uuid := made.string("api_token"), made.string("uuid")
	if !keyhatch.IsTokenSecret(secret) || made.Header.Get("Cache-Control") != "no-store" {
		t.Error("create gave no secret, or lets it be stored")
	}
	for _, a := range []answer{
		w.get(tokens, w.ann), w.get(tokens, w.ann, "select", `["api_token","uuid"]`), w.get(tokens+"/"+uuid, w.ann),
		w.get(tokens, w.ann, "filters", `[["api_token","=","`+secret+`"]]`), w.update(w.ann, uuid, map[string]any{"expires_at": "2100-01-01"}),
		w.get(tokens, w.ann, "order", "api_token"), w.get(tokens, "", "api_token", secret), w.get("/arvados/v1/"+secret, w.ann),
		w.get(tokens+"/"+secret, w.ann), w.get(tokens, w.ann, secret, secret), w.get(tokens, w.ann, "filters", `[["`+secret+`","=",1]]`),
		w.update(w.ann, uuid, map[string]any{secret: 1}), w.get(users+"/current", secret), w.delete(secret, uuid),
		w.send(request{method: "GET", path: tokens, header: http.Header{"X-Request-Id": {secret}}}),
		w.send(request{method: "GET", path: tokens, token: secret + "x"}), w.send(request{method: "POST", path: tokens, token: secret, body: secret}),
	} {
		if strings.Contains(a.Body+fmt.Sprint(a.Header), secret) {
			t.Errorf("a secret is in %d %.300s", a.Status, strings.ReplaceAll(a.Body, secret, "SECRET"))
		}
		if a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("it may be stored: %v", a.Header)
		}
	}
	if strings.Contains(w.Log.String(), secret) || bytes.Contains(w.DatabaseBytes(t), []byte(secret)) {
		t.Error("a secret is in the log or in the database")
	}
}
