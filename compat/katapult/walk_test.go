package katapult_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/compat/katapult/wiretest"
)

// TestOrder: of several things that are wrong with a call, the first in the format's order
// is told.
func TestOrder(t *testing.T) {
	w := newWorld(t)
	w.refused("route_not_found", "", "POST", "nonsense", "{")
	w.refused("missing_api_token", "", "POST", orgTokens, "{")
	w.refused("invalid_api_token", "unknown", "POST", orgTokens, "{")
	w.refused("unauthorized_network_for_api_token", "elsewhere", "POST", orgTokens, "{")
	w.want(200, "slow", "GET", "users/current", "")
	w.refused("rate_limit_reached", "slow", "POST", orgTokens, "{")
	w.refused("scope_not_granted", "reader", "POST", orgTokens, "{")
	w.refused("invalid_json_body", "ann", "POST", orgTokens, "{")
	w.refused("invalid_argument", "ann", "POST", orgTokens, `{"organization":{}}`)
	w.refused("missing_required_argument", "ann", "POST", orgTokens, `{"organization":{"id":"none"}}`)
	w.refused("organization_not_found", "ann", "POST", orgTokens, `{"organization":{"id":"none"},"properties":{"scopes":["nonsense"]}}`)
	w.refused("validation_error", "ann", "POST", orgTokens, inLab(`{"scopes":["nonsense"]}`, ""))
	if n := len(w.listed("ann")); n != 1 { // that of the world
		t.Errorf("%d tokens are there now", n)
	}
}

func (w *world) listed(who string) []token {
	w.T.Helper()
	return into[manyTokens](w.T, w.want(200, who, "GET", orgTokens+"?organization[sub_domain]=lab", "")).Tokens
}

// TestFailuresOfGenerating: what the API's documentation says of the call that generates
// credentials, in the format's order where several are wrong.
//
// Source: Katapult's documentation, "Generate object storage S3 access key credentials".
func TestFailuresOfGenerating(t *testing.T) {
	w := newWorld(t)
	made, without := w.madeKey("ann", `{"name":"backup","all_objects_read":true}`), w.madeKey("ann", `{"name":"without"}`)
	w.key["narrow"] = w.Secret(people.NewToken{User: w.ann.User.ID, Workspace: w.lab.ID, Scopes: []keyhatch.Scope{"object_storage", "s3:read s3://lab-data/x/"}})
	w.key["ending"] = w.Secret(people.NewToken{User: w.ann.User.ID, Workspace: w.lab.ID, Scopes: []keyhatch.Scope{"object_storage"}, ExpiresAt: time.Now().Add(time.Hour)})
	w.key["scoped"] = w.scoped("object_storage:read")
	before := w.Dump(t, "access_key_pairs")
	w.want(200, "slow", "GET", "users/current", "")
	for _, tc := range []struct {
		code, who, body string
		status          int
	}{
		{"missing_api_token", "", `{`, 400},
		{"invalid_api_token", "unknown", `{`, 403},
		{"unauthorized_network_for_api_token", "elsewhere", `{`, 403},
		{"invalid_capabilities_token", "signed", `{`, 403},
		{"rate_limit_reached", "slow", `{`, 429},
		{"scope_not_granted", "scoped", `{`, 403},
		{"invalid_json_body", "ann", `{`, 400},
		{"invalid_argument", "ann", `{"access_key":{}}`, 400},
		{"object_storage_access_key_not_found", "ann", aboutKey("objkey_000000000000000", ""), 404},
		{"object_storage_access_key_not_found", "bob", aboutKey(made.ID, ""), 404},
		{"permission_denied", "narrow", aboutKey(made.ID, ""), 403},
		{"permission_denied", "ending", aboutKey(without.ID, ""), 403}, // which ends later than the token
	} {
		if a := w.refused(tc.code, tc.who, "POST", wiretest.GenerateKey, tc.body); a.Status != tc.status {
			t.Errorf("%s is %d, want %d", tc.code, a.Status, tc.status)
		}
	}
	mend := w.BreakCommits(t, "access_key_pairs")
	a := w.refused("service_unavailable", "ann", "POST", wiretest.GenerateKey, aboutKey(made.ID, ""))
	if a.Status != 503 || a.Header.Get("Retry-After") == "" {
		t.Errorf("%d %v", a.Status, a.Header)
	}
	mend()
	w.mustBe(before)
}

// TestQuestionsOfBrowsers: a question before a request is answered without a token.
func TestQuestionsOfBrowsers(t *testing.T) {
	w := newWorld(t)
	for path, status := range map[string]int{orgTokens: 200, "api_tokens/x": 200, "nonsense": 404} {
		a := w.ask("", "OPTIONS", path, "")
		if a.Status != status || status == 200 && (a.Body != "" || a.Header.Get("Access-Control-Allow-Methods") != "GET, POST, PUT, PATCH, DELETE, OPTIONS" ||
			a.Header.Get("Access-Control-Allow-Headers") != "Authorization, Content-Type" || a.Header.Get("Access-Control-Allow-Origin") != "*") {
			t.Errorf("%s: %d %v %s", path, a.Status, a.Header, a.Body)
		}
	}
	a := w.ask("", "HEAD", "organizations", "")
	if a.Status != 404 || a.Body != "" { // as there
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

// TestWaysOfArguments: the same call in all the ways in which arguments are sent.
func TestWaysOfArguments(t *testing.T) {
	w := newWorld(t)
	form := "application/x-www-form-urlencoded"
	send := func(method, path, media, body string) answer {
		t.Helper()
		return w.ask("ann", method, path, body, "Content-Type", media)
	}
	for what, a := range map[string]answer{
		"JSON":                          send("POST", orgTokens, "application/json", inLab(`{"name":"x"}`, "")),
		"JSON with a charset":           send("POST", orgTokens, "Application/JSON; charset=utf-8", inLab(`{"name":"x"}`, "")),
		"a form":                        send("POST", orgTokens, form, "organization[sub_domain]=lab&properties[name]=x"),
		"a form that does not say so":   send("POST", orgTokens, "", "organization%5Bsub_domain%5D=lab&properties%5Bname%5D=x"),
		"a form in parts":               send("POST", orgTokens, wiretest.InParts, wiretest.Parts("organization[sub_domain]", "lab", "properties[name]", "x")),
		"JSON in a part":                send("POST", orgTokens, wiretest.InParts, wiretest.Parts("_arguments", inLab(`{"name":"x"}`, ""))),
		"the query":                     send("POST", orgTokens+"?organization[sub_domain]=lab&properties[name]=x", "", ""),
		"JSON in the query":             send("POST", orgTokens+"?_arguments="+url.QueryEscape(inLab(`{"name":"x"}`, "")), "", ""),
		"JSON in a form":                send("POST", orgTokens, form, "_arguments="+url.QueryEscape(inLab(`{"name":"x"}`, ""))),
		"the path and a form":           send("POST", "organizations/"+w.lab.ID+"/api_tokens", form, "properties[name]=x"),
		"JSON over the query":           send("POST", orgTokens+"?organization[sub_domain]=shop&properties[name]=y&properties[expires_at]=4102444800", "application/json", inLab(`{"name":"x"}`, "")),
		"a form over the query":         send("POST", orgTokens+"?organization[sub_domain]=shop", form, "organization[sub_domain]=lab&properties[name]=x"),
		"JSON in a parameter over it":   send("POST", orgTokens+"?properties[name]=y&_arguments="+url.QueryEscape(inLab(`{"name":"x"}`, "")), "", ""),
		"more than there is to be said": send("POST", orgTokens, "application/json", inLab(`{"name":"x","color":"red"}`, `,"more":[1,{}]`)),
	} {
		if a.Status != 200 || into[oneToken](t, a).Token.Name != "x" {
			t.Errorf("%s: %d %s", what, a.Status, a.Body)
		}
	}
	// A DELETE with a body, whose word in the path stands for nothing then.
	id := w.made("ann", "x", `{"name":"x"}`, "").ID
	w.want(200, "ann", "DELETE", "api_tokens/_", `{"api_token":{"id":"`+id+`"}}`)
	for what, a := range map[string]answer{
		"text":                   send("POST", orgTokens, "text/plain", inLab(`{"name":"x"}`, "")),
		"JSON that is not said":  send("POST", orgTokens, form, inLab(`{"name":"x"}`, "")),
		"JSON in JSON":           send("POST", orgTokens, "application/json", `{"_arguments":"{\"properties\":{}}"}`),
		"a form with another":    send("PATCH", "api_tokens/x", "", "properties[name]=x"),
		"JSON that is no object": send("POST", orgTokens, "application/json", `"x"`),
	} {
		if a.Status != 400 || a.code(t) != "missing_required_argument" {
			t.Errorf("%s: %d %s", what, a.Status, a.Body)
		}
	}
	for what, a := range map[string]answer{
		"too long a body": send("POST", orgTokens, "application/json", `{"x":"`+strings.Repeat("x", 1<<20)+`"}`),
		"too long a form": send("POST", orgTokens, form, "x="+strings.Repeat("x", 1<<20)),
		"too many":        send("POST", orgTokens, form, strings.Repeat("a[]=1&", 2000)),
		"no parts":        send("POST", orgTokens, wiretest.InParts, inLab("{}", "")),
		"parts of what":   send("POST", orgTokens, "multipart/form-data", wiretest.Parts("a", "1")),
		"too many parts":  send("POST", orgTokens, wiretest.InParts, wiretest.Parts(strings.Split(strings.Repeat("a,1,", 1000)+"b,2", ",")...)),
		"too deep":        send("POST", orgTokens, form, "a"+strings.Repeat("[b]", 50)+"=1"),
		"both at once":    send("POST", orgTokens+"?a=1&a[b]=2", "application/json", inLab("{}", "")),
	} {
		if a.Status != 400 || a.code(t) != "invalid_json_body" {
			t.Errorf("%s: %d %.200s", what, a.Status, a.Body)
		}
	}
}

// TestWordsAreNoNames: a word of the path that only says what stands there is not taken
// for the name of something, whatever things are called.
func TestWordsAreNoNames(t *testing.T) {
	w := newWorld(t)
	w.Member(t, w.Workspace(t, "organization"), w.ann, keyhatch.AdminRole)
	w.refused("organization_not_found", "ann", "POST", orgTokens, `{"properties":{}}`)
	w.refused("organization_not_found", "ann", "GET", "organizations/lab", "")
	w.refused("organization_not_found", "ann", "GET", "organizations/_?organization[id]=lab", "")
	w.want(200, "ann", "GET", "organizations/_?organization[sub_domain]=organization", "")
	w.want(200, "ann", "GET", "organizations/_?organization[sub_domain]="+w.lab.ID, "") // as katapult-cli asks by id
}

// TestWhoCalls: a token is shown in one header, and in no other way.
func TestWhoCalls(t *testing.T) {
	w := newWorld(t)
	ann := w.key["ann"]
	w.want(200, "", "GET", "users/current", "", "Authorization", "bearer "+ann)
	w.want(200, "", "GET", "users/current", "", "Authorization", ann)
	w.refused("missing_api_token", "", "GET", "users/current?api_token="+ann, "", "X-TILEDB-REST-API-KEY", ann)
	w.refused("missing_api_token", "", "GET", "users/current", "", "Authorization", " ")
	w.refused("invalid_api_token", "", "GET", "users/current", "", "Authorization", "Bearer "+ann+" "+ann)
	w.refused("invalid_api_token", "", "GET", "users/current", "", "Authorization", "Basic "+ann)
	w.refused("invalid_capabilities_token", "", "GET", "users/current", "", "Authorization", "Bearer a.b-_.c")
	w.refused("invalid_capabilities_token", "", "GET", "users/current", "", "Authorization", "Bearer a.b.") // as one of the algorithm none is
	w.refused("invalid_api_token", "", "GET", "users/current", "", "Authorization", "Bearer a.b.c.d")
	r, err := http.NewRequestWithContext(t.Context(), "GET", w.URL+"/core/v1/users/current", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header["Authorization"] = []string{"Bearer " + ann, "Bearer " + ann}
	if a := w.do(r); a.code(t) != "invalid_api_token" {
		t.Errorf("two headers: %s", a.Body)
	}
	// A network tells nothing of a token that would not work anyway.
	if err := w.Broker.People.RevokeSecret(t.Context(), secretOf(w, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	w.refused("invalid_api_token", "elsewhere", "GET", "users/current", "")
}

// TestAddressesThatFail: too many tokens that do not work are answered 429, with the
// number that may.
func TestAddressesThatFail(t *testing.T) {
	w := newWorld(t)
	var a answer
	for range people.DefaultFailuresPerMinute + 2 {
		a = w.ask("unknown", "GET", "users/current", "")
	}
	permitted := into[struct {
		Detail struct {
			Total int `json:"total_permitted"`
		}
	}](t, a).Detail.Total
	if a.Status != 429 || permitted != people.DefaultFailuresPerMinute || a.Header.Get("Retry-After") == "" {
		t.Errorf("%d %v %s", a.Status, a.Header, a.Body)
	}
	w.want(200, "ann", "GET", "users/current", "") // who works is not held up
}

// TestUnavailable: without a database nobody is let in, and all may come again.
func TestUnavailable(t *testing.T) {
	w := newWorld(t)
	mend := w.BreakCommits(t, "tokens")
	w.refused("service_unavailable", "ann", "POST", orgTokens, inLab("{}", ""))
	mend()
	if err := w.DB.Close(); err != nil {
		t.Fatal(err)
	}
	a := w.ask("ann", "GET", "organizations", "")
	if a.Status < 500 || strings.Contains(a.Body, "sql") || strings.Contains(a.Body, "closed") {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if again := a.Header.Get("Retry-After") != ""; again != (a.Status == 503) {
		t.Errorf("%d %v", a.Status, a.Header)
	}
	w.refused("route_not_found", "ann", "GET", "nonsense", "")
}
