package katapult_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
)

func secretOf(w *world, who string) keyhatch.Secret { return keyhatch.Secret(w.key[who]) }

// TestTokenOfAnOrganization: it works there and nowhere else, and one for which nothing is
// said may nothing.
func TestTokenOfAnOrganization(t *testing.T) {
	w := newWorld(t)
	w.Member(t, w.shop, w.ann, keyhatch.AdminRole)
	made := w.made("ann", "new", `{"name":"new","scopes":["organizations:read","api_tokens"]}`, "")
	if made.Org == nil || *made.Org != w.lab.ID || made.Expires != nil || len(made.Networks) != 0 || made.RateLimit != people.DefaultRequestsPerMinute {
		t.Errorf("made %+v", made)
	}
	w.want(200, "new", "GET", "organizations/_?organization[sub_domain]=lab", "")
	w.refused("organization_not_found", "new", "GET", "organizations/_?organization[sub_domain]=shop", "")
	w.refused("organization_not_found", "new", "POST", orgTokens, `{"organization":{"sub_domain":"shop"},"properties":{}}`)
	w.want(200, "ann", "GET", "organizations/_?organization[sub_domain]=shop", "")
	orgs := into[struct{ Organizations []struct{ Name string } }](t, w.want(200, "new", "GET", "organizations", ""))
	if len(orgs.Organizations) != 1 || orgs.Organizations[0].Name != "lab" {
		t.Errorf("it sees %+v", orgs)
	}

	none := w.made("ann", "none", `{}`, "")
	if len(none.Scopes) != 0 || none.Name != "" {
		t.Errorf("made %+v", none)
	}
	for _, path := range []string{"organizations", orgTokens + "?organization[sub_domain]=lab"} {
		w.refused("scope_not_granted", "none", "GET", path, "")
	}
	w.want(200, "none", "GET", "users/current", "")
}

// TestS4_NoBroaderTokens: nothing that is made or changed here may more than what makes it.
func TestS4_NoBroaderTokens(t *testing.T) {
	w := newWorld(t)
	w.made("ann", "narrow", `{"scopes":["api_tokens"],"authorized_ip_addresses":["127.0.0.0/8"],"expires_at":4102444800}`, "")
	before := w.Dump(t, "tokens")["tokens"]
	for properties, code := range map[string]string{
		`{"scopes":["all"]}`:                                                  "permission_denied",
		`{"scopes":["tokens"]}`:                                               "permission_denied",
		`{"scopes":["api_tokens","object_storage"]}`:                          "permission_denied",
		`{"scopes":["api_tokens:read"]}`:                                      "permission_denied", // a word of its own
		`{"scopes":["api_tokens"],"authorized_ip_addresses":[]}`:              "permission_denied",
		`{"scopes":["api_tokens"],"authorized_ip_addresses":["127.0.0.0/7"]}`: "validation_error",
		`{"scopes":["api_tokens"],"authorized_ip_addresses":["10.0.0.0/8"]}`:  "permission_denied",
		`{"scopes":["api_tokens"],"expires_at":4102444801}`:                   "validation_error",
	} {
		w.refused(code, "narrow", "POST", orgTokens, inLab(properties, ""))
	}
	if after := w.Dump(t, "tokens")["tokens"]; len(after) != len(before) {
		t.Errorf("%d tokens became %d", len(before), len(after))
	}
	child := w.made("narrow", "child", `{"scopes":["api.katapult.io/core/v1/api_tokens"]}`, "")
	if !slices.Equal(child.Networks, []string{"127.0.0.0/8"}) || child.Expires == nil || *child.Expires != 4102444800 {
		t.Errorf("made %+v", child)
	}
	w.refused("permission_denied", "narrow", "PATCH", "api_tokens/"+child.ID, `{"properties":{"scopes":["all"]}}`)
	w.refused("validation_error", "narrow", "PATCH", "api_tokens/"+child.ID, `{"properties":{"expires_at":null}}`)
	// Nor is another one's token anybody's, or a broader one of one's own taken over.
	id := into[struct {
		ID string `json:"api_token_id"`
	}](t, w.want(200, "confined", "GET", "users/current", "")).ID
	w.refused("permission_denied", "narrow", "POST", "api_tokens/"+id+"/regenerate_secret", "")
	for _, call := range []string{"PATCH api_tokens/%s", "DELETE api_tokens/%s", "POST api_tokens/%s/regenerate_secret"} {
		method, path, _ := strings.Cut(fmt.Sprintf(call, child.ID), " ")
		w.refused("api_token_not_found", "bob", method, path, `{"properties":{}}`)
	}
}

// TestRegenerate: the secret before is dead at once.
func TestRegenerate(t *testing.T) {
	w := newWorld(t)
	made := w.made("ann", "x", `{"scopes":["api_tokens"]}`, "")
	again := into[oneToken](t, w.want(200, "ann", "POST", "api_tokens/api_token/regenerate_secret", `{"api_token":{"id":"`+made.ID+`"}}`)).Token
	if again.ID != made.ID || again.Secret == made.Secret || again.Secret == "" {
		t.Error("it has no other secret")
	}
	w.refused("invalid_api_token", "x", "GET", "users/current", "")
	w.key["x"] = again.Secret
	w.want(200, "x", "GET", "users/current", "")
	// It may do so itself, and end itself.
	itself := into[oneToken](t, w.want(200, "x", "POST", "api_tokens/"+made.ID+"/regenerate_secret", "")).Token
	w.key["x"] = itself.Secret
	w.want(200, "x", "DELETE", "api_tokens/"+made.ID, "")
	w.refused("invalid_api_token", "x", "GET", "users/current", "")
}

// TestChangeIsPartial: what is not said stays, null is nothing said, but of the expiry.
func TestChangeIsPartial(t *testing.T) {
	w := newWorld(t)
	made := w.made("ann", "x", `{"name":"x","scopes":["api_tokens"],"expires_at":"4102444800","authorized_ip_addresses":["127.0.0.1","2001:db8::/32"]}`, `,"annotations":[{"key":"a","value":"1"},{"key":"b"}]`)
	change := func(properties, more string) oneToken {
		t.Helper()
		return into[oneToken](t, w.want(200, "ann", "PATCH", "api_tokens/"+made.ID, `{"properties":`+properties+more+`}`))
	}
	for _, nothing := range []string{`{}`, `{"name":null,"scopes":null,"authorized_ip_addresses":null}`, `{"color":"red"}`} {
		got := change(nothing, "")
		if got.Token.Name != "x" || *got.Token.Expires != 4102444800 || len(got.Token.Scopes) != 1 || len(got.Token.Networks) != 2 || len(got.Annotations) != 2 || got.Token.Secret != "" {
			t.Errorf("%s made %+v", nothing, got)
		}
	}
	if got := change(`{"name":"","expires_at":null,"scopes":[],"authorized_ip_addresses":[]}`, `,"annotations":[{"key":"c","value":"3"}]`); got.Token.Name != "" || got.Token.Expires != nil ||
		len(got.Token.Scopes) != 0 || len(got.Token.Networks) != 0 || len(got.Annotations) != 1 || got.Annotations[0].Key != "c" {
		t.Errorf("got %+v", got)
	}
	for _, at := range []string{"-1", "253402300800", "9223372036854775807"} {
		w.refused("validation_error", "ann", "PATCH", "api_tokens/"+made.ID, `{"properties":{"expires_at":`+at+`}}`)
	}
}

// TestPagesAndFilters: parts of a list, and those of it that have what is asked for.
func TestPagesAndFilters(t *testing.T) {
	w := newWorld(t)
	var want []string
	for i := range 7 {
		want = append(want, w.made("bob", "x", `{}`, fmt.Sprintf(`,"annotations":[{"key":"n","value":"%d"},{"key":"odd","value":"%t"}]`, i, i%2 == 1)).ID)
	}
	list := func(who, query string) manyTokens {
		t.Helper()
		return into[manyTokens](t, w.want(200, who, "GET", orgTokens+"?organization[sub_domain]=lab&"+query, ""))
	}
	var got []string
	for page, n := range []int{3, 3, 1, 0} {
		l := list("bob", fmt.Sprintf("per_page=3&page=%d", page+1))
		p := l.Pagination
		if len(l.Tokens) != n || p.CurrentPage != page+1 || p.PerPage != 3 || *p.Total != 7 || *p.TotalPages != 3 || p.LargeSet {
			t.Errorf("page %d is %+v", page+1, l)
		}
		for _, token := range l.Tokens {
			got = append(got, token.ID)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("listed %v, made %v", got, want)
	}
	for query, n := range map[string]int{
		"": 7, "page=4611686018427387904&per_page=200": 0, "page=&x": -1, "page=one": -1, "page=-1": -1, "per_page=0": -1, "per_page=201": -1, "per_page=200": 7,
		"annotations[][key]=odd&annotations[][value]=true": 3,
		"annotations[][key]=odd":                           7,
		"annotations[][value]=true":                        3,
		"annotations[][key]=odd&annotations[][value]=true&annotations[][key]=n&annotations[][value]=1": 1,
		"annotations[][key]=odd&annotations[][value]=true&annotations[][key]=n&annotations[][value]=2": 0,
		"annotations[][key]=none": 0, "annotations[][x]=1": 7, "annotations[]=x": -1, "annotations=x": -1, url.QueryEscape("annotations[][key]") + "=n": 7,
	} {
		if n < 0 {
			w.refused("invalid_argument", "bob", "GET", orgTokens+"?organization[sub_domain]=lab&"+query, "")
		} else if l := list("bob", query); len(l.Tokens) != n {
			t.Errorf("%q lists %d, want %d", query, len(l.Tokens), n)
		}
	}
	// Others see their own, and who installs all.
	if n := len(list("ann", "").Tokens); n != 1 {
		t.Errorf("ann sees %d", n)
	}
	if n := len(list("admin", "").Tokens); n != 8 {
		t.Errorf("the admin sees %d", n)
	}
	// For the list of one organization all tokens of the installation used to be read.
	w.Secret(people.NewToken{User: w.ann.User.ID})
	w.SQL(t, "update tokens set scopes = 'unreadable' where workspace is null or workspace <> $1", w.lab.ID)
	if n := len(list("admin", "").Tokens); n != 8 {
		t.Errorf("where others' tokens cannot be read the admin sees %d", n)
	}
}

// TestSecretsStayHere: a secret is in the answer that makes it and nowhere else.
func TestSecretsStayHere(t *testing.T) {
	w := newWorld(t)
	made := w.made("ann", "x", `{"scopes":["all"]}`, "")
	w.ask("x", "GET", "kh_"+strings.TrimPrefix(made.Secret, "kh_"), "")
	w.ask("", "GET", "organizations", `{"x":"`+made.Secret+`"}`)
	w.refused("invalid_argument", "x", "POST", orgTokens, inLab(`{"expires_at":"`+made.Secret+`"}`, ""))
	w.refused("validation_error", "x", "POST", orgTokens, inLab(`{"scopes":["`+made.Secret+`"]}`, ""))
	w.refused("invalid_json_body", "x", "POST", orgTokens, made.Secret)
	if strings.Contains(w.Log.String(), made.Secret) {
		t.Error("it is in the log")
	}
	if strings.Contains(string(w.DatabaseBytes(t)), made.Secret) {
		t.Error("it is in the database")
	}
}
