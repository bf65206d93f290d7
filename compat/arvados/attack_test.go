package arvados_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
)

// route is a call of this door.
type route struct{ method, path string }

// routes are all of them that take a token, with the id of a token and of a user.
func (w *world) routes(token, user string) []route {
	return []route{
		{"GET", tokens},
		{"HEAD", tokens},
		{"POST", tokens},
		{"GET", tokens + "/current"},
		{"HEAD", tokens + "/current"},
		{"POST", tokens + "/create_system_auth"},
		{"GET", tokens + "/" + token},
		{"HEAD", tokens + "/" + token},
		{"PUT", tokens + "/" + token},
		{"PATCH", tokens + "/" + token},
		{"DELETE", tokens + "/" + token},
		{"GET", users},
		{"HEAD", users},
		{"GET", users + "/current"},
		{"HEAD", users + "/current"},
		{"GET", users + "/" + user},
		{"HEAD", users + "/" + user},
	}
}

// opens says without the product's rules whether a scope opens a call.
func opens(scope string, r route) bool {
	if scope == "all" || strings.HasSuffix(r.path, "/current") && strings.HasPrefix(r.path, tokens) {
		return true
	}
	method, path, isRoute := strings.Cut(scope, " ")
	if !isRoute || strings.HasPrefix(method, "s3:") {
		return false
	}
	if r.path != path && !(strings.HasSuffix(path, "/") && strings.HasPrefix(r.path, path)) {
		return false
	}
	update := func(m string) bool { return m == "PUT" || m == "PATCH" }
	return method == r.method || method == "GET" && r.method == "HEAD" || update(method) && update(r.method)
}

// TestEveryScopeOnEveryRoute drives each form of a scope against each route, asked for as
// it is and by every detour: as a POST that means another method, with a slash or .json at
// the end, with escapes in the path.
func TestEveryScopeOnEveryRoute(t *testing.T) {
	w := newWorld(t)
	self := w.want(200, w.get(users+"/current", w.ann)).string("uuid")
	uuid := w.create(w.ann, map[string]any{}).string("uuid")
	lab := w.Workspace(t, "lab")
	ann, err := w.Broker.People.User(t.Context(), w.Admin, "ann")
	if err != nil {
		t.Fatal(err)
	}
	w.Member(t, lab, keyhatch.Caller{User: ann}, keyhatch.MemberRole)
	scopes := []string{"all", "", "tokens", "tokens:read", "users", "leases", "GET /", "POST /", "GET /arvados/v1/", "GET /arvados/", "DELETE /arvados/v1/", "GET /api/v1/", "PUT /discovery/"}
	for _, r := range w.routes(uuid, self) {
		scopes = append(scopes, r.method+" "+r.path, r.method+" "+r.path+"/")
	}
	for _, scope := range scopes {
		var token string
		if scope == "" {
			token = w.scoped()
		} else {
			token = w.scoped(keyhatch.Scope(scope))
		}
		for _, r := range w.routes(uuid, self) {
			// What changes is asked for so that it is refused after the scopes are: 422 or 404.
			want := opens(scope, r)
			for what, q := range detours(r) {
				if _, path, _ := strings.Cut(scope, " "); what != "as it is" && strings.Contains(path, "/v1/") && !strings.HasPrefix(path, r.path) {
					continue // of a scope for one path, the detours to that one are enough
				}
				q.token = token
				if q.method != http.MethodGet && q.method != http.MethodHead {
					q.query = with(orNew(q.query), "select", `["colour"]`)
				}
				if r.method == "DELETE" {
					q.path = strings.Replace(q.path, uuid[6:], "gj3su-aaaaaaaaaaaaaaa", 1)
				}
				want := want
				if r.method == "DELETE" {
					want = opens(scope, route{r.method, tokens + "/zzzzz-gj3su-aaaaaaaaaaaaaaa"})
				}
				a := w.send(q)
				if a.Status == 401 || a.Status == 400 || a.Status == 405 || a.Status >= 500 {
					t.Fatalf("%s %s, %s: %d %s", r.method, r.path, what, a.Status, a.Body)
				}
				admins := r.path == tokens+"/create_system_auth" // 403 for another reason
				if got := a.Status != 403; got != want && !(admins && !got) {
					t.Errorf("scope %q, %s %s, %s: %d, want it open: %t", scope, r.method, r.path, what, a.Status, want)
				}
			}
		}
	}
}

func orNew(v url.Values) url.Values {
	if v == nil {
		return url.Values{}
	}
	return v
}

// detours are the ways to ask for a call.
func detours(r route) map[string]request {
	below := r.path[len("/arvados/v1/"):]
	out := map[string]request{
		"as it is":              {method: r.method, path: r.path},
		"with a slash":          {method: r.method, path: r.path + "/"},
		"with .json":            {method: r.method, path: r.path + ".json"},
		"with an escape":        {method: r.method, path: fmt.Sprintf("/arvados/v1/%%%02x%s", below[0], below[1:])},
		"with an escaped slash": {method: r.method, path: "/arvados/v1%2f" + below},
	}
	if r.method != "HEAD" && r.method != "POST" {
		out["_method in the query"] = request{method: "POST", path: r.path, query: url.Values{"_method": {r.method}}}
		out["_method in a form"] = request{method: "POST", path: r.path, form: url.Values{"_method": {r.method}}}
		out["the override header"] = request{method: "POST", path: r.path, header: http.Header{"X-Http-Method-Override": {strings.ToLower(r.method)}}}
	}
	return out
}

// TestOverrideNeedsTheScopeOfWhatIsMeant: what is meant counts, and not what is sent.
func TestOverrideNeedsTheScopeOfWhatIsMeant(t *testing.T) {
	w := newWorld(t)
	uuid := w.create(w.ann, map[string]any{}).string("uuid")
	posts := w.scoped("POST /arvados/v1/", "GET /arvados/v1/")
	for _, q := range []request{
		{header: http.Header{"X-Http-Method-Override": {"DELETE"}}}, {query: url.Values{"_method": {"DELETE"}}}, {form: url.Values{"_method": {"delete"}}},
	} {
		q.method, q.path, q.token = "POST", tokens+"/"+uuid, posts
		w.want(403, w.send(q))
	}
	// A method that is not POST means nothing else.
	for _, method := range []string{"GET", "PUT"} {
		a := w.send(request{method: method, path: tokens + "/" + uuid, token: w.ann, header: http.Header{"X-Http-Method-Override": {"DELETE"}}, query: url.Values{"_method": {"DELETE"}}})
		w.want(200, a)
	}
	w.want(200, w.get(tokens+"/"+uuid, w.ann))
}

// TestTheFirstTokenThatWorksDecides: several tokens at once are not worth more than the
// first of them that works, wherever the others stand.
func TestTheFirstTokenThatWorksDecides(t *testing.T) {
	w := newWorld(t)
	none := w.scoped()
	cookie := func(token string) http.Header {
		return http.Header{"Cookie": {"arvados_api_token=" + base64.RawURLEncoding.EncodeToString([]byte(token))}}
	}
	for what, q := range map[string]request{
		"query after header":   {method: "GET", token: none, query: url.Values{"api_token": {w.admin}}},
		"cookie after header":  {method: "GET", token: none, header: cookie(w.admin)},
		"readers after header": {method: "GET", token: none, query: url.Values{"reader_tokens": {w.admin}}},
		"second in the query":  {method: "GET", query: url.Values{"api_token": {none, w.admin}}},
		"form after cookie":    {method: "POST", header: cookie(none), form: url.Values{"_method": {"GET"}, "api_token": {w.admin}}},
		"form after query":     {method: "POST", query: url.Values{"oauth_token": {none}}, form: url.Values{"_method": {"GET"}, "api_token": {w.admin}}},
		"a second reader":      {method: "GET", query: url.Values{"reader_tokens": {`["` + none + `","` + w.admin + `"]`}}},
	} {
		q.path = users
		if a := w.send(q); a.Status != 403 {
			t.Errorf("%s: %d", what, a.Status)
		}
	}
	a := w.want(200, w.send(request{method: "GET", path: users + "/current", token: w.ann, query: url.Values{"api_token": {w.admin}}, header: cookie(w.root)}))
	if a.string("username") != "ann" {
		t.Errorf("it is %s", a.string("username"))
	}
}

// TestCookieOfAnotherSite: what another site's page makes a browser ask changes nothing.
func TestCookieOfAnotherSite(t *testing.T) {
	w := newWorld(t)
	cookie := "arvados_api_token=" + base64.RawURLEncoding.EncodeToString([]byte(w.ann))
	before := w.stored()
	for _, from := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"https://example.com"}}, {"Origin": {"null"}},
	} {
		from.Set("Cookie", cookie)
		w.want(401, w.send(request{method: "POST", path: tokens, header: from, form: url.Values{}}))
		w.want(401, w.send(request{method: "POST", path: tokens, header: from, form: url.Values{"_method": {"GET"}}}))
		w.want(401, w.send(request{method: "DELETE", path: tokens + "/" + w.uuidOf(w.ann), header: from}))
		a := w.send(request{method: "GET", path: users + "/current", header: from})
		if a.Status == 200 && a.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Error("another site's page may read what the cookie opens")
		}
	}
	if w.stored() != before {
		t.Error("something was changed")
	}
}

// TestRequestLimit: too many requests are answered 429, with when to come again.
func TestRequestLimit(t *testing.T) {
	w := newWorld(t)
	caller := w.create(w.ann, map[string]any{})
	left := w.get(users, caller.string("api_token")).Header
	if left.Get("X-Ratelimit-Limit") == "" || left.Get("X-Ratelimit-Remaining") == "" || left.Get("X-Ratelimit-Reset") == "" {
		t.Errorf("no word of the limit: %v", left)
	}
	two := 2
	id := "tok_" + caller.string("uuid")[12:]
	if _, err := w.Broker.People.UpdateToken(t.Context(), w.Admin, id, people.TokenChange{RequestsPerMinute: &two}); err != nil {
		t.Fatal(err)
	}
	var a answer
	for range 4 {
		a = w.get(users, caller.string("api_token"))
	}
	if a.Status != 429 || a.Header.Get("Retry-After") == "" || a.failure() == "" || a.Header.Get("X-Ratelimit-Remaining") != "0" {
		t.Errorf("%d %s %v", a.Status, a.Body, a.Header)
	}
	// It works, and has used up its limit: nobody else's token takes its place.
	if a := w.get(users+"/current", caller.string("api_token"), "api_token", w.admin, "reader_tokens", `["`+w.admin+`"]`); a.Status != 429 {
		t.Errorf("with another token beside it: %d %s", a.Status, a.Body)
	}
}
