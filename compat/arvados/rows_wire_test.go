package arvados_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
)

// Rows 23 and 24: a scope without a slash is the list, alone; a reader token, which
// nobody knows here, changes nothing.
func TestRow23_24_ScopeOfAList(t *testing.T) {
	w := newWorld(t)
	token := w.scoped("GET /arvados/v1/users")
	for _, query := range [][]string{nil, {"reader_tokens", `["` + w.scoped("GET /") + `"]`}, {"reader_tokens", `["anonymous"]`}} {
		if a := w.want(200, w.get(users, token, query...)); a.string("kind") != "arvados#userList" || len(a.items()) != 1 || a.items()[0]["username"] != "ann" {
			t.Errorf("got %s", a.Body)
		}
		w.want(200, w.get(users+"/", token, query...))
		w.want(200, w.get(users+".json", token, query...))
		w.want(403, w.get(users+"/current", token, query...))
		w.want(403, w.get(tokens, token, query...))
	}
}

// Row 26: a token that may list and make tokens. What it makes is no more than itself.
func TestRow26_ScopesOfTheCollection(t *testing.T) {
	w := newWorld(t)
	token := w.scoped("GET /arvados/v1/api_client_authorizations", "POST /arvados/v1/api_client_authorizations")
	before := w.want(200, w.get(tokens, token)).record["items_available"].(float64)
	made := w.create(token, map[string]any{"owner_uuid": w.want(200, w.get(users+"/current", w.ann)).string("uuid")})
	if after := w.get(tokens, token).record["items_available"].(float64); after != before+1 {
		t.Errorf("%v tokens after %v", after, before)
	}
	if scopes := made.record["scopes"].([]any); len(scopes) != 2 {
		t.Errorf("it may %v", scopes)
	}
	w.want(403, w.get(tokens+"/"+made.string("uuid"), token))
	stored := w.stored()
	w.want(403, w.send(request{method: "POST", path: tokens, token: token, json: map[string]any{"scopes": []string{"all"}}}))
	if w.stored() != stored {
		t.Error("a token for everything was stored")
	}
}

// Row 27: no scopes, nothing.
func TestRow27_NoScopes(t *testing.T) {
	w := newWorld(t)
	token := w.scoped()
	before := w.stored()
	w.want(403, w.get(tokens, token))
	w.want(403, w.get(tokens+"/"+w.uuidOf(token), token))
	w.want(403, w.send(request{method: "POST", path: tokens, token: token, json: map[string]any{}}))
	w.want(403, w.delete(token, w.uuidOf(token)))
	if w.stored() != before {
		t.Error("something was stored")
	}
}

// Row 28: a scope of one member.
func TestRow28_ScopeOfAMember(t *testing.T) {
	w := newWorld(t)
	one, other := w.create(w.ann, map[string]any{}).string("uuid"), w.create(w.ann, map[string]any{}).string("uuid")
	token := w.scoped(keyhatch.Scope("GET " + tokens + "/" + one))
	w.want(200, w.get(tokens+"/"+one, token))
	w.want(200, w.send(request{method: "HEAD", path: tokens + "/" + one, token: token}))
	w.want(403, w.get(tokens+"/"+other, token))
	w.want(403, w.get(tokens, token))
}

// Row 29: reader_tokens.
func TestRow29_ReaderTokens(t *testing.T) {
	w := newWorld(t)
	expired := w.create(w.ann, map[string]any{})
	w.want(200, w.update(w.ann, expired.string("uuid"), map[string]any{"expires_at": "2001-01-01T00:00:00Z"}))
	none := w.scoped()
	for _, form := range []func(string) url.Values{
		func(s string) url.Values { return url.Values{"reader_tokens": {`["` + s + `"]`}} },
		func(s string) url.Values { return url.Values{"reader_tokens[]": {s}} },
		func(s string) url.Values { return url.Values{"reader_tokens": {s}} },
		func(s string) url.Values { return url.Values{"reader_tokens": {"[]", `["nonsense","` + s + `"]`}} },
	} {
		w.want(200, w.send(request{method: "GET", path: users, query: form(w.ann)}))
		w.want(200, w.send(request{method: "POST", path: users, form: with(form(w.ann), "_method", "GET")}))
		w.want(401, w.send(request{method: "POST", path: tokens, query: form(w.ann), json: map[string]any{}}))
		w.want(401, w.send(request{method: "PUT", path: tokens + "/" + w.uuidOf(w.ann), query: form(w.ann)}))
		w.want(403, w.send(request{method: "GET", path: users, token: none, query: form(w.ann)}))
		w.want(403, w.send(request{method: "POST", path: tokens, token: none, query: form(w.ann), json: map[string]any{}}))
		w.want(401, w.send(request{method: "GET", path: users, query: form(expired.string("api_token"))}))
		w.want(200, w.send(request{method: "GET", path: users, token: w.ann, query: form(expired.string("api_token"))}))
	}
	many := url.Values{}
	for range 99 {
		many.Add("reader_tokens", "x")
	}
	w.want(401, w.send(request{method: "GET", path: users, query: many}))
	many.Add("reader_tokens", w.ann)
	w.want(422, w.send(request{method: "GET", path: users, query: many}))
	w.want(422, w.get(users, "", "reader_tokens", `[1]`))
	w.want(422, w.get(users, "", "reader_tokens", `[`))
}

func with(v url.Values, name, value string) url.Values {
	v.Set(name, value)
	return v
}

var ownID = regexp.MustCompile(`^req-[0-9a-zA-Z]{20}$`)

// Rows 30, 40 and 45: what there is not, and what it is called.
func TestRow30_40_45_NotFound(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{
		"/arvados/v1/nonsense", "/arvados/v1/", "/arvados/", "/arvados/v2/users", users + "/current/more", "/discovery/v1/apis/arvados/v2/rest",
		tokens + "/a/b", tokens + "/create_system_auth/x", "/arvados/v1/containers",
	} {
		a := w.want(404, w.get(path, w.ann))
		if a.failure() != "API endpoint not found" || !ownID.MatchString(a.Header.Get("X-Request-Id")) || a.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %s %v", path, a.Body, a.Header)
		}
	}
	for _, path := range []string{
		tokens + "/zzzzz-gj3su-aaaaaaaaaaaaaaa", tokens + "/nonsense", tokens + "/zzzzz-tpzed-aaaaaaaaaaaaaaa", tokens + "/yyyyy" + w.uuidOf(w.ann)[5:],
		tokens + "/%2e%2e", tokens + "/zzzzz-gj3su-AAAAAAAAAAAAAAA", users + "/zzzzz-tpzed-aaaaaaaaaaaaaaa", users + "/" + w.uuidOf(w.ann), tokens + "/%00",
	} {
		a := w.want(404, w.get(path, w.ann))
		if id := a.Header.Get("X-Request-Id"); a.failure() != "Path not found ("+id+")" || !ownID.MatchString(id) {
			t.Errorf("%s: %s", path, a.Body)
		}
		if !regexp.MustCompile(`^\d+\+[0-9a-f]{8}$`).MatchString(a.string("error_token")) {
			t.Errorf("error_token is %q", a.string("error_token"))
		}
	}
}

// Row 31: what a client calls its request.
func TestRow31_RequestID(t *testing.T) {
	w := newWorld(t)
	for id, echoed := range map[string]bool{
		"req-abcdefghijklmnopqrst": true, "x": true, strings.Repeat("a", 1024): true,
		strings.Repeat("a", 1025): false, "": false, "with space": false, "req-" + w.ann: false, "ümlaut": false,
		"kh-ws_000000000000000-" + strings.TrimPrefix(w.ann, "kh_"): false,
	} {
		for _, token := range []string{w.ann, ""} {
			a := w.send(request{method: "GET", path: users, token: token, header: http.Header{"X-Request-Id": {id}}})
			got := a.Header.Get("X-Request-Id")
			if echoed && got != id || !echoed && !ownID.MatchString(got) {
				t.Errorf("%.30q is answered by %q", id, got)
			}
			if token == "" && !strings.HasSuffix(a.failure(), "("+got+")") {
				t.Errorf("got %s", a.Body)
			}
		}
	}
}

// Row 32: there are no containers; a token that is tied to one is nobody's.
func TestRow32_ContainerTokens(t *testing.T) {
	w := newWorld(t)
	v2 := "v2/" + w.uuidOf(w.ann) + "/" + w.ann
	w.want(200, w.get(users, v2))
	w.want(401, w.get(users, v2+"/zzzzz-dz642-aaaaaaaaaaaaaaa"))
	w.want(401, w.get(users, v2+"/"))
}

// Row 40: OPTIONS, for every path.
func TestRow40_Options(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{tokens, tokens + "/current", "/arvados/v1/config", "/arvados/v1/nonsense", "/discovery/v1/apis/arvados/v1/rest"} {
		a := w.want(200, w.send(request{method: "OPTIONS", path: path, header: http.Header{"Origin": {"https://example.com"}}}))
		if a.Body != "" {
			t.Errorf("it says %s", a.Body)
		}
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin":      "*",
			"Access-Control-Allow-Methods":     "GET, HEAD, OPTIONS, PROPFIND, PUT, POST, PATCH, DELETE",
			"Access-Control-Allow-Headers":     "Authorization, Content-Type, Range, X-Http-Method-Override",
			"Access-Control-Expose-Headers":    "Content-Range",
			"Access-Control-Max-Age":           "86486400",
			"Access-Control-Allow-Credentials": "",
		} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s is %q", name, got)
			}
		}
	}
}

// Row 43: a token of another user, made with the system root token, under the token's
// own name and secret.
func TestRow43_CreatedByRoot(t *testing.T) {
	w := newWorld(t)
	owner := w.want(200, w.get(users+"/current", w.ann)).string("uuid")
	a := w.create(w.root, map[string]any{"owner_uuid": owner, "created_by_ip_address": "192.0.2.1", "last_used_by_ip_address": "192.0.2.2", "last_used_at": "2001-01-01T00:00:00Z"})
	if _, href := a.record["href"]; href || a.string("created_by_ip_address") != "127.0.0.1" || a.record["last_used_at"] != nil {
		t.Errorf("got %s", a.Body)
	}
	v2 := "v2/" + a.string("uuid") + "/" + a.string("api_token")
	if got := w.want(200, w.get(tokens+"/"+a.string("uuid"), v2)); got.string("owner_uuid") != owner || got.record["api_token"] != nil {
		t.Errorf("got %s", got.Body)
	}
}

// Row 44: an error of ours says nothing of where it happened.
func TestRow44_InternalErrors(t *testing.T) {
	w := newWorld(t)
	mend := w.BreakCommits(t, "tokens")
	a := w.send(request{method: "POST", path: tokens, token: w.ann, json: map[string]any{}})
	mend()
	if a.Status < 500 || strings.Contains(a.Body, "sql") || strings.Contains(a.Body, "constraint") || strings.Contains(a.Body, "/") || a.failure() == "" {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

// Rows 46 and 47: what anybody may read.
func TestRow46_47_Public(t *testing.T) {
	w := newWorld(t)
	for _, q := range []request{
		{method: "GET", path: "/arvados/v1/config"},
		{method: "GET", path: "/discovery/v1/apis/arvados/v1/rest"},
		{method: "POST", path: "/discovery/v1/apis/arvados/v1/rest"},
		{method: "GET", path: "/arvados/v1/config", query: url.Values{"alt": {"json"}}},
	} {
		a := w.want(200, w.send(q))
		if a.Header.Get("Cache-Control") != "max-age=86400, public" || a.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %v", q.path, a.Header)
		}
		for _, secret := range []string{"SystemRootToken", "ManagementToken", "kh_", w.root} {
			if strings.Contains(a.Body, secret) {
				t.Errorf("%s has %s", q.path, secret)
			}
		}
	}
	a := w.get("/arvados/v1/config", "")
	if a.string("ClusterID") != cluster || a.record["StorageClasses"] == nil {
		t.Errorf("got %s", a.Body)
	}
	if err := w.DB.Close(); err != nil { // row 47: it needs nothing else
		t.Fatal(err)
	}
	w.want(200, w.get("/discovery/v1/apis/arvados/v1/rest", ""))
}
