package katapult_test

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/keyhatch/keyhatch/internal/doortest"
)

// TestTranscripts: in requests words in braces are the tokens of those who are in the
// world, its workspaces, the id and secret of the newest token, and the id of
// the newest access key.
func TestTranscripts(t *testing.T) {
	doortest.Transcripts(t, 4, func(t *testing.T) doortest.Replay {
		w := newWorld(t)
		words := map[string]string{"{lab}": w.lab.ID, "{shop}": w.shop.ID}
		for who, key := range w.key {
			words["{"+who+"}"] = key
		}
		return doortest.Replay{URL: w.URL, Words: words, Shown: shown, Changing: changing, Do: func(r *http.Request) doortest.Answer {
			a := w.do(r)
			for word, id := range newest {
				if found := id.FindStringSubmatch(a.Body); found != nil {
					words[word] = found[1]
				}
			}
			if secret := secrets.FindString(a.Body); secret != "" {
				words["{secret}"] = secret
			}
			return a.Answer
		}}
	})
}

// shown are the headers that transcripts have; the others are checked everywhere.
var shown = []string{"Cache-Control", "Etag", "Retry-After", "X-Api-Schema", "X-Ratelimit-Permitted", "X-Ratelimit-Remaining", "X-Request-Id"}

var (
	newest = map[string]*regexp.Regexp{
		"{token}": regexp.MustCompile(`"(?:id|api_token_id)":"(tok_[0-9a-z]{15})"`),
		"{key}":   regexp.MustCompile(`"id":"(objkey_[0-9a-z]{15})"`),
	}
	secrets = regexp.MustCompile(`kh_[0-9A-Za-z]{49}`)
)

var changing = []doortest.Changing{
	{What: secrets, Word: "<secret>"},
	{What: regexp.MustCompile(`"(ws|tok|user|objkey)_0[0-9a-z]{14}"`), Word: `"<$1>"`},
	{What: regexp.MustCompile(`"KHAK[A-Z2-7]{16}"`), Word: `"<access key id>"`},
	{What: regexp.MustCompile(`"s3_secret_access_key": "[A-Za-z0-9_-]{40}"`), Word: `"s3_secret_access_key": "<secret>"`},
	{What: regexp.MustCompile(`W/"[0-9a-f]{32}"`), Word: "<tag>"},
	{What: regexp.MustCompile(`"created_at": [0-9]{10}`), Word: `"created_at": "<time>"`},
	{What: regexp.MustCompile(`(Retry-After|X-Ratelimit-Remaining): [0-9]+`), Word: "$1: <n>"},
	{What: regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}`), Word: "<request>"},
}
