package arvados_test

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
)

// The rows are those of the list of behaviours that Arvados' own tests assert of this
// resource; what a row is about stands above its test. Those about federation (22, 42,
// 48), collections (25), containers but for their tokens (32) and clients of before 3.0
// (49) have no place here.

// Row 1: a list with a token that works.
func TestRow01_ListWithToken(t *testing.T) {
	w := newWorld(t)
	a := w.want(200, w.get(tokens, w.ann))
	if a.string("kind") != "arvados#apiClientAuthorizationList" || len(a.items()) < 1 {
		t.Errorf("got %s", a.Body)
	}
}

// Row 2: an expired token is nobody's.
func TestRow02_ListWithExpiredToken(t *testing.T) {
	w := newWorld(t)
	made := w.create(w.ann, map[string]any{})
	w.want(200, w.get(tokens, made.string("api_token")))
	ended := w.want(200, w.update(w.ann, made.string("uuid"), map[string]any{"expires_at": "2001-02-03T04:05:06Z"}))
	if ended.string("expires_at") != "2001-02-03T04:05:06.000000000Z" {
		t.Errorf("it ended at %s", ended.string("expires_at"))
	}
	if a := w.want(401, w.get(tokens, made.string("api_token"))); !strings.HasPrefix(a.failure(), "Not logged in") {
		t.Errorf("got %s", a.Body)
	}
}

// Rows 3 and 4: create_system_auth is for administrators.
func TestRow03_CreateSystemAuth(t *testing.T) {
	w := newWorld(t)
	for _, query := range []string{`["GET /arvados/v1/users"]`, `["all"]`, ""} {
		a := w.want(200, w.send(request{method: "POST", path: tokens + "/create_system_auth", token: w.admin, query: url.Values{"scopes": {query}}}))
		if a.string("uuid") == "" || a.string("owner_uuid") != "zzzzz-tpzed-000000000000000" {
			t.Errorf("got %s", a.Body)
		}
		w.want(200, w.get(users, a.string("api_token")))
	}
	// Arvados' test asks for the scope "test", which could never match.
	before := w.stored()
	w.want(422, w.send(request{method: "POST", path: tokens + "/create_system_auth", token: w.admin, form: url.Values{"scopes": {`["test"]`}}}))
	if w.stored() != before {
		t.Error("a token was stored")
	}
}

func TestRow04_CreateSystemAuthByOthers(t *testing.T) {
	w := newWorld(t)
	w.want(403, w.send(request{method: "POST", path: tokens + "/create_system_auth", token: w.ann, query: url.Values{"scopes": {`["all"]`}}}))
}

// Rows 5, 6 and 11: lists by scopes, in both parameters; the offset leaves the number of
// what there is as it was.
func TestRow05_06_11_ListByScopes(t *testing.T) {
	w := newWorld(t)
	const one, two = `["GET /arvados/v1/users"]`, `["POST /arvados/v1/api_client_authorizations","GET /arvados/v1/users"]`
	mine := w.uuidOf(w.ann)
	made := map[string][]string{"[]": {}, one: {}, two: {}}
	for scopes, n := range map[string]int{"[]": 1, one: 2, two: 1} {
		for range n {
			a := w.want(200, w.send(request{method: "POST", path: tokens, token: w.ann, form: url.Values{"api_client_authorization": {`{"scopes":` + scopes + `}`}}}))
			made[scopes] = append(made[scopes], a.string("uuid"))
		}
	}
	w.create(w.admin, map[string]any{"scopes": []string{"GET /arvados/v1/users"}}) // somebody else's
	otherOrder := `["GET /arvados/v1/users","POST /arvados/v1/api_client_authorizations"]`
	for asked, want := range map[string][]string{"[]": made["[]"], one: made[one], two: made[two], otherOrder: made[two], `["all"]`: {mine}, `["GET /"]`: {}} {
		for _, query := range [][]string{{"where", `{"scopes":` + asked + `}`}, {"filters", `[["scopes","=",` + asked + `]]`}} {
			a := w.want(200, w.get(tokens, w.ann, query...))
			got, want := a.uuids(), slices.Clone(want)
			slices.Sort(got)
			slices.Sort(want)
			if asked == `["all"]` { // and the token that coretest made of her
				got = slices.DeleteFunc(got, func(u string) bool { return u != mine })
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", query, got, want)
			}
			n := a.record["items_available"].(float64)
			a = w.want(200, w.get(tokens, w.ann, append(query, "offset", strconv.Itoa(int(n)))...))
			if len(a.items()) != 0 || a.record["items_available"] != n {
				t.Errorf("%s, behind the end: %s", query, a.Body)
			}
		}
	}
}

// Rows 7, 14, 15 and 20: current is the token that is used, with its secret.
func TestRow07_14_15_20_Current(t *testing.T) {
	w := newWorld(t)
	for token, owner := range map[string]string{w.admin: "admin", w.ann: "ann", w.root: "system-root"} {
		a := w.want(200, w.get(tokens+"/current", token))
		if a.string("api_token") != token || !strings.HasPrefix(a.string("uuid"), "zzzzz-gj3su-") || len(a.record["scopes"].([]any)) != 1 {
			t.Errorf("%s: got %v", owner, strings.ReplaceAll(a.Body, token, "SECRET"))
		}
		u := w.want(200, w.get(users+"/current", token))
		if u.string("username") != owner || u.string("uuid") != a.string("owner_uuid") {
			t.Errorf("%s: got %s", owner, u.Body)
		}
	}
	if got := w.uuidOf(w.root); got != "zzzzz-gj3su-000000000000000" {
		t.Errorf("the system root's token is %s", got)
	}
	if a := w.get(tokens+"/current", w.ann, "remote", "abcde"); a.Status != 200 || a.record["api_token"] != nil {
		t.Errorf("for another cluster: %d with a secret", a.Status)
	}
}

// Row 8: one's own token, by its uuid. An update of nothing is one.
func TestRow08_OwnToken(t *testing.T) {
	w := newWorld(t)
	for _, token := range []string{w.ann, w.admin} {
		made := w.create(token, map[string]any{})
		uuid := made.string("uuid")
		for what, a := range map[string]answer{"get": w.get(tokens+"/"+uuid, token), "update": w.update(token, uuid, map[string]any{}), "delete": w.delete(token, uuid)} {
			if a.Status != 200 || a.string("kind") != "arvados#apiClientAuthorization" || what != "delete" && a.string("uuid") != uuid {
				t.Errorf("%s: %d %s", what, a.Status, a.Body)
			}
		}
		w.want(404, w.get(tokens+"/"+uuid, token))
		w.want(401, w.get(tokens, made.string("api_token")))
	}
	self := w.create(w.ann, map[string]any{}) // the token that is used may go
	w.want(200, w.delete(self.string("api_token"), self.string("uuid")))
	w.want(401, w.get(tokens, self.string("api_token")))
}

// Row 9: somebody else's token is not there, for administrators too.
func TestRow09_OthersToken(t *testing.T) {
	w := newWorld(t)
	for from, of := range map[string]string{w.ann: w.admin, w.admin: w.ann} {
		uuid := w.uuidOf(of)
		before := w.stored()
		w.want(404, w.get(tokens+"/"+uuid, from))
		w.want(404, w.update(from, uuid, map[string]any{"scopes": []string{}}))
		w.want(404, w.delete(from, uuid))
		for _, filter := range []string{`[["uuid","=","` + uuid + `"]]`, `[["api_token","=","` + of + `"]]`, `[["owner_uuid","!=",""],["uuid","in",["` + uuid + `"]]]`} {
			a := w.want(200, w.get(tokens, from, "filters", filter))
			if len(a.items()) != 0 || a.record["items_available"] != 0.0 {
				t.Errorf("a list has it: %s", a.Body)
			}
		}
		if w.stored() != before {
			t.Error("it was changed")
		}
	}
}

// Row 10: the system root token sees and changes everybody's.
func TestRow10_SystemRootOnOthersTokens(t *testing.T) {
	w := newWorld(t)
	for _, of := range []string{w.ann, w.admin} {
		uuid := w.uuidOf(of)
		w.want(200, w.get(tokens+"/"+uuid, w.root))
		w.want(200, w.update(w.root, uuid, map[string]any{}))
		for _, filter := range []string{`[["uuid","=","` + uuid + `"]]`, `[["api_token","=","` + of + `"]]`} {
			a := w.want(200, w.get(tokens, w.root, "filters", filter))
			if a.record["items_available"] != 1.0 || len(a.items()) != 1 || a.items()[0]["api_token"] != nil {
				t.Errorf("%d items of %v", len(a.items()), a.record["items_available"])
			}
		}
		if a := w.want(200, w.get(tokens, w.root, "where", `{"api_token":"`+of+`"}`)); !slices.Equal(a.uuids(), []string{uuid}) {
			t.Errorf("by where: %v", a.uuids())
		}
		w.want(200, w.delete(w.root, uuid))
		w.want(401, w.get(tokens, of))
	}
}

// Row 12: a scoped token does not widen itself. (S4)
func TestRow12_ScopedTokenOnItself(t *testing.T) {
	w := newWorld(t)
	token := w.scoped("PUT /arvados/v1/api_client_authorizations/", "GET /arvados/v1/users")
	uuid := w.uuidOf(token)
	before := w.stored()
	for _, scopes := range [][]string{{"all"}, {"GET /arvados/v1/users", "DELETE /arvados/v1/api_client_authorizations/"}, {"GET /"}} {
		w.want(403, w.update(token, uuid, map[string]any{"scopes": scopes}))
	}
	w.want(403, w.update(w.scoped("GET /arvados/v1/"), uuid, map[string]any{"scopes": []string{}}))
	if strings.Contains(w.stored(), "DELETE /arvados") || !strings.HasPrefix(w.stored(), before) {
		t.Error("the token was changed")
	}
}

// Row 13: nobody changes a uuid.
func TestRow13_UUIDStays(t *testing.T) {
	w := newWorld(t)
	for _, token := range []string{w.ann, w.admin, w.root} {
		made := w.create(token, map[string]any{}).string("uuid")
		w.want(403, w.update(token, made, map[string]any{"uuid": "zzzzz-gj3su-aaaaaaaaaaaaaaa"}))
		w.want(200, w.update(token, made, map[string]any{"uuid": made}))
	}
}

// Rows 16 and 17: current is open whatever the scopes, and to nobody without a token.
func TestRow16_17_CurrentWithWhateverScopes(t *testing.T) {
	w := newWorld(t)
	for _, scopes := range [][]keyhatch.Scope{{}, {"GET /arvados/v1/users"}, {"leases:read"}, {"GET /arvados/v1/collections/"}} {
		token := w.scoped(scopes...)
		w.want(200, w.get(tokens+"/current", token))
		w.want(200, w.send(request{method: "HEAD", path: tokens + "/current", token: token}))
		w.want(403, w.get(users+"/current", token))
	}
	for _, token := range []string{"", "kh_", "nonsense", keyhatch.NewTokenSecret().Reveal()} {
		a := w.want(401, w.get(tokens+"/current", token))
		if !strings.HasPrefix(a.failure(), "Not logged in") {
			t.Errorf("got %s", a.Body)
		}
	}
}

// Row 18: select.
func TestRow18_Select(t *testing.T) {
	w := newWorld(t)
	uuid := w.uuidOf(w.ann)
	a := w.want(200, w.get(tokens+"/"+uuid, w.ann, "select", `["uuid"]`))
	if len(a.record) != 3 || a.string("uuid") != uuid || a.string("kind") == "" || a.string("etag") == "" {
		t.Errorf("got %s", a.Body)
	}
}

// Row 19: tokens for others.
func TestRow19_CreateForAnother(t *testing.T) {
	w := newWorld(t)
	bob := w.User(t, "bob").User.ID
	owner := "zzzzz-tpzed-" + strings.TrimPrefix(bob, "user_")
	before := w.stored()
	w.want(403, w.send(request{method: "POST", path: tokens, token: w.ann, json: map[string]any{"owner_uuid": owner}}))
	w.want(403, w.send(request{method: "POST", path: tokens, token: w.admin, json: map[string]any{"owner_uuid": "zzzzz-tpzed-aaaaaaaaaaaaaaa"}}))
	w.want(403, w.send(request{method: "POST", path: tokens, token: w.admin, json: map[string]any{"owner_uuid": "yyyyy-tpzed-" + owner[12:]}}))
	if w.stored() != before {
		t.Error("a token was stored")
	}
	for _, token := range []string{w.admin, w.root} {
		a := w.create(token, map[string]any{"owner_uuid": owner, "scopes": []string{"all"}})
		if u := w.want(200, w.get(users+"/current", a.string("api_token"))); u.string("uuid") != owner || a.string("owner_uuid") != owner {
			t.Errorf("it is %s, of %s", u.Body, a.string("owner_uuid"))
		}
	}
}

// Row 21: the longest life. An administrator may exceed it, and not by asking for none.
func TestRow21_LongestLife(t *testing.T) {
	t.Parallel()
	w := newLimitedWorld(t, people.Limits{LongestToken: time.Hour})
	for _, who := range []struct {
		token string
		later time.Duration // given to who asks for two hours
	}{{w.ann, time.Hour}, {w.admin, 2 * time.Hour}} {
		for _, asked := range []struct {
			expires any
			want    time.Duration
		}{
			{nil, time.Hour},
			{time.Now().Add(2 * time.Hour).UTC().Format(time.RFC3339Nano), who.later},
			{time.Now().Add(time.Minute).UTC().Format(time.RFC3339Nano), time.Minute},
		} {
			made := w.create(who.token, map[string]any{"expires_at": asked.expires})
			w.near(made, asked.want)
			if asked.expires == nil {
				w.near(w.create(who.token, map[string]any{}), time.Hour)
			}
			for _, method := range []string{"PUT", "PATCH"} {
				a := w.send(request{method: method, path: tokens + "/" + made.string("uuid"), token: who.token, json: map[string]any{"expires_at": asked.expires}})
				w.near(w.want(200, a), asked.want)
			}
		}
	}
}

func (w *world) near(a answer, want time.Duration) {
	w.T.Helper()
	at, err := time.Parse(time.RFC3339Nano, a.string("expires_at"))
	if d := time.Until(at); err != nil || d > want || d < want-time.Minute {
		w.T.Errorf("it ends in %s, want %s; %v", d, want, err)
	}
}
