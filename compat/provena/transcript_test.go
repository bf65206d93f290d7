package provena_test

import (
	"regexp"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/internal/doortest"
)

// TestTranscripts: what stands in parentheses behind a request is the matter meanwhile.
// Words in braces are what is shown by those who are in the world.
func TestTranscripts(t *testing.T) {
	doortest.Transcripts(t, 8, func(t *testing.T) doortest.Replay {
		w := newWorld(t)
		words := map[string]string{"{alpha}": w.alpha.ID}
		for who, key := range w.key {
			words["{"+who+"}"] = key
		}
		return doortest.Replay{
			URL: w.URL, Words: words, Shown: []string{"Access-Control-Allow-Headers", "Access-Control-Allow-Methods", "Allow", "Cache-Control", "Content-Type", "Retry-After", "WWW-Authenticate"},
			Changing: changing, Meanwhile: w.matters(), Do: w.do,
		}
	})
}

// matters are what can be the matter with the world.
func (w *world) matters() map[string]func() (mend func()) {
	failing := func(err error) func() func() {
		return func() func() {
			w.fails = err
			return func() { w.fails = nil }
		}
	}
	return map[string]func() func(){
		"the token service is silent":  failing(keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeStoreSilent, "the store does not answer: try again")),
		"the token service refuses":    failing(keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported, "the store has refused")),
		"the token service has enough": failing(keyhatch.Fail(keyhatch.TooMany, keyhatch.CodeTooManyRequests, "the store is asked too often").After(7_000_000_000)),
		"the account is suspended": func() func() {
			if _, err := w.Broker.Accounts.Suspend(w.T.Context(), w.Admin, "lab", "disk"); err != nil {
				w.T.Fatal(err)
			}
			return func() {
				if _, err := w.Broker.Accounts.Resume(w.T.Context(), w.Admin, "lab", "disk"); err != nil {
					w.T.Fatal(err)
				}
			}
		},
	}
}

var changing = []doortest.Changing{
	{What: regexp.MustCompile(`"(loc|ws|user)_0[0-9a-z]{14}"`), Word: `"<$1>"`},
	{What: regexp.MustCompile(`"KHLE[A-Z0-9]{15}"`), Word: `"<access key id>"`},
	{What: regexp.MustCompile(`"aws_secret_access_key": "[A-Za-z0-9_-]{40}"`), Word: `"aws_secret_access_key": "<secret>"`},
	{What: regexp.MustCompile(`"aws_session_token": "[A-Za-z0-9_-]{300,}"`), Word: `"aws_session_token": "<session token>"`},
	{What: regexp.MustCompile(`"expiry": "\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00"`), Word: `"expiry": "<time>+00:00"`},
	{What: regexp.MustCompile(`_timestamp": [0-9]{10}`), Word: `_timestamp": "<time>"`},
	{What: regexp.MustCompile(`\?X-Amz-[^"]*"`), Word: `?<signed>"`},
	{What: regexp.MustCompile(`at most [0-9]+`), Word: `at most <n>`},
	{What: regexp.MustCompile(`Retry-After: [0-9]+`), Word: "Retry-After: <n>"},
}
