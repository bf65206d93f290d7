package arvados_test

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/keyhatch/keyhatch/internal/doortest"
)

// TestTranscripts: in requests TOKEN is ann's, SECRET and UUID are those of the newest
// token that was made.
func TestTranscripts(t *testing.T) {
	doortest.Transcripts(t, 4, func(t *testing.T) doortest.Replay {
		w := newWorld(t)
		words := map[string]string{"TOKEN": w.ann, "ADMIN": w.admin}
		return doortest.Replay{URL: w.URL, Words: words, Shown: []string{"X-Request-Id"}, Changing: changing, Do: func(r *http.Request) doortest.Answer {
			a := w.do(r)
			if secret := a.string("api_token"); secret != "" && a.Status == 200 {
				words["SECRET"], words["UUID"] = secret, a.string("uuid")
			}
			return a.Answer
		}}
	})
}

var changing = []doortest.Changing{
	{What: regexp.MustCompile(`kh_[0-9A-Za-z]{49}`), Word: "<secret>"},
	{What: regexp.MustCompile(`zzzzz-(gj3su|tpzed)-0m[0-9a-z]{13}`), Word: "<$1>"},
	{What: regexp.MustCompile(`"etag": "[0-9a-z]+"`), Word: `"etag": "<etag>"`},
	{What: regexp.MustCompile(`"20[0-9]{2}-[0-9-]{5}T[0-9:]{8}\.[0-9]{6}000Z"`), Word: `"<time>"`},
	{What: regexp.MustCompile(`"[0-9]{10}\+[0-9a-f]{8}"`), Word: `"<error token>"`},
	{What: regexp.MustCompile(`req-[0-9a-f]{20}`), Word: "<request>"},
}
