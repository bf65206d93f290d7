package katapult_test

import (
	"context"
	"net/http"
	"regexp"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/internal/doortest"
)

// TestTranscripts: what stands in parentheses behind a request is the matter meanwhile. In requests words in braces are the tokens of those who are in the
// world, its workspaces, the id and secret of the newest token, and the id of
// the newest access key.
func TestTranscripts(t *testing.T) {
	doortest.Transcripts(t, 7, func(t *testing.T) doortest.Replay {
		w := newWorld(t)
		w.newOrganization()
		w.keptStore(t)
		w.Buckets.Put(w.Store.ID, "lab-data", "a/b c.txt", 7)
		words := map[string]string{"{lab}": w.lab.ID, "{shop}": w.shop.ID}
		jobsRun := true
		for who, key := range w.key {
			words["{"+who+"}"] = key
		}
		return doortest.Replay{URL: w.URL, Words: words, Shown: shown, Changing: changing, Meanwhile: w.matters(&jobsRun), Do: func(r *http.Request) doortest.Answer {
			a := w.do(r)
			if jobsRun {
				w.jobs()
			}
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

// matters are what can be the matter with the world. Jobs run after each request, or not.
func (w *world) matters(jobsRun *bool) map[string]func() (mend func()) {
	account := func(change func(context.Context, keyhatch.Caller, string, string) (keyhatch.StoreAccount, error)) {
		if _, err := change(w.T.Context(), w.Admin, "lab", "disk"); err != nil {
			w.T.Fatal(err)
		}
	}
	return map[string]func() func(){
		"no job runs": func() func() {
			*jobsRun = false
			return func() { *jobsRun = true }
		},
		"no job can be recorded": func() func() { return w.RefuseInserts(w.T, "jobs") },
		"nothing can be written": func() func() { return w.BreakCommits(w.T, "access_key_pairs") },
		"the account is suspended": func() func() {
			account(w.Broker.Accounts.Suspend)
			return func() { account(w.Broker.Accounts.Resume) }
		},
		"the store is silent": func() func() {
			*jobsRun = false
			w.Buckets.Before = func(context.Context, string, string) error {
				return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeStoreSilent, "the store does not answer")
			}
			return func() { *jobsRun, w.Buckets.Before = true, nil }
		},
		"the store of keys is silent": func() func() {
			*jobsRun = false
			w.keeper.set(keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeStoreSilent, "the store does not answer"), nil)
			return func() { *jobsRun = true; w.keeper.set(nil, nil) }
		},
		"the store refuses rights": func() func() {
			w.keeper.set(nil, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodePolicyTooLarge, "the policy has room for no bucket"))
			return func() { w.keeper.set(nil, nil) }
		},
		"the store has no keys": func() func() {
			w.SQL(w.T, "update stores set keys = 'none' where name = 'theirs'")
			return func() { w.SQL(w.T, "update stores set keys = 'iam' where name = 'theirs'") }
		},
		"a fault of ours": func() func() {
			w.SQL(w.T, "alter table access_key_pairs rename to lost")
			return func() { w.SQL(w.T, "alter table lost rename to access_key_pairs") }
		},
	}
}

// shown are the headers that transcripts have; the others are checked everywhere.
var shown = []string{"Cache-Control", "Etag", "Retry-After", "X-Api-Schema", "X-Ratelimit-Permitted", "X-Ratelimit-Remaining", "X-Request-Id"}

var (
	newest = map[string]*regexp.Regexp{
		"{token}": regexp.MustCompile(`"(?:id|api_token_id)":"(tok_[0-9a-z]{15})"`),
		"{trash}": regexp.MustCompile(`"id":"(trsh_[0-9a-z]{15})"`),
		"{key}":   regexp.MustCompile(`"id":"(objkey_[0-9a-z]{15})"`),
	}
	secrets = regexp.MustCompile(`kh_[0-9A-Za-z]{49}`)
)

var changing = []doortest.Changing{
	{What: secrets, Word: "<secret>"},
	{What: regexp.MustCompile(`"(ws|tok|user|objkey|objacc|trsh|task|store)_0[0-9a-z]{14}"`), Word: `"<$1>"`},
	{What: regexp.MustCompile(`"KHAK[A-Z2-7]{16}"`), Word: `"<access key id>"`},
	{What: regexp.MustCompile(`"s3_secret_access_key": "[A-Za-z0-9_-]{40}"`), Word: `"s3_secret_access_key": "<secret>"`},
	{What: regexp.MustCompile(`\?X-Amz-[^"]*"`), Word: `?<signed>"`},
	{What: regexp.MustCompile(`W/"[0-9a-f]{32}"`), Word: "<tag>"},
	{What: regexp.MustCompile(`"(created_at|started_at|finished_at|keep_until)": [0-9]{10}`), Word: `"$1": "<time>"`},
	{What: regexp.MustCompile(`(Retry-After|X-Ratelimit-Remaining): [0-9]+`), Word: "$1: <n>"},
	{What: regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}`), Word: "<request>"},
}
