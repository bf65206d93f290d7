package arvados_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
)

// TestPlacesOfTokens: a token counts wherever the format carries it.
func TestPlacesOfTokens(t *testing.T) {
	w := newWorld(t)
	v2 := "v2/" + w.uuidOf(w.ann) + "/" + w.ann
	for _, token := range []string{w.ann, v2} {
		cookie := base64.RawURLEncoding.EncodeToString([]byte(token))
		for what, q := range map[string]request{
			"Bearer":                 {header: http.Header{"Authorization": {"Bearer " + token}}},
			"OAuth2":                 {header: http.Header{"Authorization": {"OAuth2 " + token}}},
			"Basic":                  {header: http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("whoever:"+token))}}},
			"query":                  {query: url.Values{"api_token": {token}}},
			"query, the second":      {query: url.Values{"api_token": {"nonsense", token}}},
			"query, oauth_token":     {query: url.Values{"oauth_token": {token}}},
			"cookie":                 {header: http.Header{"Cookie": {"other=1; arvados_api_token=" + cookie}}},
			"cookie, padded":         {header: http.Header{"Cookie": {"arvados_api_token=" + base64.URLEncoding.EncodeToString([]byte(token))}}},
			"after a bad header":     {header: http.Header{"Authorization": {"Bearer nonsense"}}, query: url.Values{"api_token": {token}}},
			"after another's scheme": {header: http.Header{"Authorization": {"AWS4-HMAC-SHA256 x"}}, query: url.Values{"api_token": {token}}},
		} {
			q.method, q.path = "GET", users+"/current"
			if a := w.send(q); a.Status != 200 || a.string("username") != "ann" {
				t.Errorf("%s: %d %s", what, a.Status, a.Body)
			}
		}
		w.want(200, w.send(request{method: "POST", path: tokens, form: url.Values{"api_token": {token}}}))
		if a := w.want(200, w.get(tokens+"/current", token)); a.string("api_token") != w.ann {
			t.Error("current does not give the bare secret")
		}
		w.want(200, w.send(request{method: "POST", path: tokens, header: http.Header{"Cookie": {"arvados_api_token=" + cookie}}}))
	}
	limited := w.Secret(people.NewToken{User: w.annID, Scopes: []keyhatch.Scope{}})
	for what, q := range map[string]request{
		"two headers":          {header: http.Header{"Authorization": {"Bearer " + w.ann, "Bearer " + w.ann}}},
		"another's uuid":       {token: "v2/" + w.uuidOf(w.admin) + "/" + w.ann},
		"another's uuid, none": {token: "v2/" + w.uuidOf(w.admin) + "/" + limited},
		"an empty secret":      {token: "v2/" + w.uuidOf(w.ann) + "/"},
		"no uuid":              {token: "v2//" + w.ann},
		"v1":                   {token: "v1/" + w.uuidOf(w.ann) + "/" + w.ann},
		"too many":             {query: url.Values{"api_token": append(slices.Repeat([]string{"x"}, 10), w.ann)}},
		"salted":               {token: "v2/" + w.uuidOf(w.ann) + "/7fd31b61f39c0e82a4155592163218272cedacdc"},
		"in JSON":              {body: `{"api_token":"` + w.ann + `"}`},
	} {
		q.method, q.path = "GET", users+"/current"
		if a := w.send(q); a.Status != 401 {
			t.Errorf("%s: %d %s", what, a.Status, a.Body)
		}
	}
}
