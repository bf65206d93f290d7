package accesskeys_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/past"
	"github.com/keyhatch/keyhatch/broker/storekeys"
)

// Who-can tells of a key what it was, until its store has confirmed that it is that no more:
// it used to tell that nobody could, while the store still let the key in.
func TestWhoCanUntilTheStoreConfirms(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		told := func(bucket string) string {
			t.Helper()
			time.Sleep(time.Second)
			a, err := w.Broker.Past.WhoCan(t.Context(), w.Admin, past.WhoCanRequest{Workspace: "lab", Location: "s3://" + bucket + "/", Access: keyhatch.Read})
			w.must(err)
			var out []string
			for _, key := range a.Keys {
				out = append(out, fmt.Sprintf("%s%d%t", key.Key.Name, len(key.Pairs), key.Unconfirmed))
			}
			return strings.Join(append(out, a.Doubts...), " ")
		}
		want := func(what, xxx, yyy string) {
			t.Helper()
			if x, y := told("xxx"), told("yyy"); x != xxx || y != yyy {
				t.Errorf("%s: %q in xxx, want %q; %q in yyy, want %q", what, x, xxx, y, yyy)
			}
		}
		var silent error
		say := func(err error) {
			k.mu.Lock()
			defer k.mu.Unlock()
			silent = err
			k.breaks = func(context.Context, string, bool) error { return silent }
		}
		key := w.theirs("key", accesskeys.Rights{Read: []string{"xxx"}})
		settled()
		w.issue("key", 0)
		settled()
		want("at first", "key1false", "")
		say(errors.New("no answer"))
		read := func(bucket string) {
			_, err := w.Broker.AccessKeys.Update(t.Context(), w.ann, "lab", "key", accesskeys.Change{Rights: &accesskeys.Rights{Read: []string{bucket}}})
			w.must(err)
		}
		read("yyy")
		settled()
		want("changed, and the store is silent", "key1true", "key1false")
		say(nil)
		time.Sleep(15 * time.Minute)
		want("changed, and the store has followed", "", "key1false")
		confirmed := len(w.events(key.ID, storekeys.Configured))
		// What is changed while the store is told is not confirmed with what was before.
		k.mu.Lock()
		once := false
		k.breaks = func(_ context.Context, what string, done bool) error {
			if what == "put" && done && !once {
				once = true
				read("xxx")
			}
			return nil
		}
		k.mu.Unlock()
		_, err := w.Broker.AccessKeys.Update(t.Context(), w.ann, "lab", "key", accesskeys.Change{Rights: &accesskeys.Rights{}})
		w.must(err)
		settled()
		want("changed twice", "key1false", "")
		if n := len(w.events(key.ID, storekeys.Configured)); n != confirmed+1 {
			t.Errorf("two changes that came to one were confirmed %d times", n-confirmed)
		}
		say(errors.New("no answer"))
		w.must(w.Broker.AccessKeys.Delete(t.Context(), w.ann, "lab", "key"))
		settled()
		want("deleted, and the store is silent", "key1true", "")
		say(nil)
		time.Sleep(15 * time.Minute)
		want("deleted, and the store has followed", "", "")
	})
}
