package earthdata_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/internal/doortest"
)

// TestTranscripts: {jwt} is the token that was answered before.
func TestTranscripts(t *testing.T) {
	doortest.Transcripts(t, 3, func(t *testing.T) doortest.Replay {
		w := newWorld(t)
		basic := func(name, password string) string {
			return base64.StdEncoding.EncodeToString([]byte(name + ":" + password))
		}
		words := map[string]string{
			"{ann}": w.token, "{unknown}": keyhatch.NewTokenSecret().Reveal(),
			"{basic ann}": basic("ann", password), "{basic wrong}": basic("ann", "wrong"), "{basic portal}": basic("portal", w.portalSecret),
		}
		return doortest.Replay{
			URL: w.URL, Words: words, Changing: append(changing,
				doortest.Changing{What: regexp.MustCompile(regexp.QuoteMeta(w.URL)), Word: "<url>"},
				doortest.Changing{What: regexp.MustCompile(regexp.QuoteMeta(url.QueryEscape(w.URL))), Word: "<url>"}),
			Shown: []string{"Access-Control-Allow-Headers", "Access-Control-Allow-Methods", "Access-Control-Allow-Origin", "Allow", "Cache-Control", "Content-Type", "Location", "Set-Cookie", "WWW-Authenticate"},
			Meanwhile: map[string]func() func(){"what is readable lies in two workspaces": func() func() {
				g := w.Grant(t, w.Location(t, w.Workspace(t, "other"), "s3://other-data/x/"), w.ann, keyhatch.Read)
				return func() { w.must(w.Broker.Places.TakeGrant(t.Context(), w.Admin, g.ID)) }
			}},
			Do: func(r *http.Request) doortest.Answer {
				a := w.Do(r)
				var got token
				if json.Unmarshal([]byte(a.Body), &got) == nil && got.Access != "" {
					words["{jwt}"] = got.Access
				}
				return a
			},
		}
	})
}

var changing = []doortest.Changing{
	{What: regexp.MustCompile(`"KHLE[A-Z0-9]{15}"`), Word: `"<access key id>"`},
	{What: regexp.MustCompile(`"secretAccessKey": "[A-Za-z0-9_-]{40}"`), Word: `"secretAccessKey": "<secret>"`},
	{What: regexp.MustCompile(`"sessionToken": "[A-Za-z0-9_-]{300,}"`), Word: `"sessionToken": "<session token>"`},
	{What: regexp.MustCompile(`"expiration": "\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00:00"`), Word: `"expiration": "<date> <time>+00:00"`},
	{What: regexp.MustCompile(`"access_token": "[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"`), Word: `"access_token": "<jwt>"`},
	{What: regexp.MustCompile(`"\d\d/\d\d/\d{4}"`), Word: `"<MM/DD/YYYY>"`},
	{What: regexp.MustCompile(`(state|code_challenge)=[A-Za-z0-9_.-]+`), Word: `$1=<$1>`},
}
