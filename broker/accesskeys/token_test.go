package accesskeys_test

import (
	"fmt"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/people"
)

// openToAll says what a bucket opens to all keys.
func (w *world) openToAll(bucket string, read, write bool) {
	w.t.Helper()
	_, err := w.Broker.Buckets.Update(w.t.Context(), w.ann, "lab", bucket, buckets.Change{AllKeysRead: &read, AllKeysWrite: &write})
	w.must(err)
}

// A bucket that is open to all keys is bounded by a token's s3: scopes too (S2, S4). Only the
// key's own rights were looked at: a token for aaa alone got a key without rights that wrote
// bbb.
func TestS4_ScopesBoundWhatIsOpenToAllKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	scoped := w.Token(t, w.ann, people.NewToken{Workspace: w.lab.ID, Scopes: []keyhatch.Scope{"access-keys", "s3:read s3://aaa/"}})
	for name, by := range map[string]keyhatch.Caller{"anns": w.ann, "bobs": w.bob} {
		_, err := w.create(by, accesskeys.NewKey{Name: name})
		w.must(err)
	}
	svc, ctx, n := w.Broker.AccessKeys, t.Context(), 0
	for _, c := range []struct {
		bucket      string
		read, write bool
		ann, bob    keyhatch.Code // of what the token does with keys of ann, who decides over all, and of bob
	}{
		{"bbb", false, true, keyhatch.CodeScopeTooBroad, keyhatch.CodeScopeTooBroad},
		{"bbb", true, false, keyhatch.CodeScopeTooBroad, keyhatch.CodeScopeTooBroad},
		{"ccc", false, true, keyhatch.CodeScopeTooBroad, ""}, // it opens nothing to bob's key
		{"aaa", false, true, keyhatch.CodeScopeTooBroad, ""},
		{"aaa", true, false, "", ""},
	} {
		w.openToAll(c.bucket, c.read, c.write)
		_, err := w.create(scoped, accesskeys.NewKey{Name: fmt.Sprint("new-", n)})
		created := code(err)
		_, err = svc.Update(ctx, scoped, "lab", "anns", accesskeys.Change{Rights: &accesskeys.Rights{}})
		updated := code(err)
		_, err = svc.SetOnBucket(ctx, scoped, "lab", "aaa", accesskeys.OnBucketChange{Read: &[]string{"anns"}})
		set := code(err)
		_, pair, err := svc.Issue(ctx, scoped, "lab", "anns", 0)
		issued := code(err)
		_, _, err = svc.Issue(ctx, scoped, "lab", "bobs", 0)
		bobs := code(err)
		n++
		for what, got := range map[string]keyhatch.Code{"create": created, "update": updated, "set on a bucket": set, "issue": issued} {
			if got != c.ann {
				t.Errorf("%+v: %s: %q", c, what, got)
			}
		}
		if bobs != c.bob || (c.ann == "") != (pair.SecretAccessKey != "") {
			t.Errorf("%+v: issue for bob's key: %q; a pair left: %t", c, bobs, pair.SecretAccessKey != "")
		}
		w.openToAll(c.bucket, false, false)
	}
}
