package accesskeys_test

import (
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/places"
)

// A store that has no keys says so when one is made, and nothing is stored.
func TestStoreWithoutKeys(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		_, err := w.Broker.Places.CreateStore(t.Context(), w.Admin, places.NewStore{
			Name: "keyless", Kind: keyhatch.S3Store, Endpoint: "https://s3.keyless.example", Credential: "theirs", Keys: keyhatch.KeysNone,
		})
		w.must(err)
		before := len(w.Dump(t, "access_keys")["access_keys"])
		_, err = w.Broker.AccessKeys.Create(t.Context(), w.ann, accesskeys.NewKey{Workspace: "lab", Store: "keyless", Name: "key", Rights: accesskeys.Rights{ReadAll: true}})
		if code(err) != keyhatch.CodeStoreUnsupported {
			t.Errorf("it says %v", err)
		}
		settled()
		if n := len(w.Dump(t, "access_keys", "jobs")["access_keys"]); n != before || k.puts != 0 {
			t.Errorf("%d keys are on record, and %d were put", n-before, k.puts)
		}
	})
}

// A key that is refused when it is made leaves nothing at the store that would keep it.
func TestRefusedKeyIsNotPut(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		past := time.Now().Add(-time.Hour)
		for what, n := range map[string]accesskeys.NewKey{
			"no such bucket": {Name: "key", Rights: accesskeys.Rights{Read: []string{"none"}}},
			"no name":        {Rights: accesskeys.Rights{ReadAll: true}},
			"has ended":      {Name: "key", Rights: accesskeys.Rights{ReadAll: true}, ExpiresAt: past},
		} {
			n.Workspace, n.Store = "lab", "theirs"
			if _, err := w.Broker.AccessKeys.Create(t.Context(), w.ann, n); err == nil {
				t.Errorf("%s: it is made", what)
			}
		}
		mend := w.BreakCommits(t, "access_keys")
		if _, err := w.Broker.AccessKeys.Create(t.Context(), w.ann, accesskeys.NewKey{Workspace: "lab", Store: "theirs", Name: "key", Rights: accesskeys.Rights{ReadAll: true}}); err == nil {
			t.Error("one that cannot be recorded is made")
		}
		mend()
		settled()
		if n := len(w.Dump(t, "access_keys")["access_keys"]); n != 0 || k.puts != 0 || len(k.orders) != 0 {
			t.Errorf("%d keys are on record, %d were put, and the store has %v", n, k.puts, k.orders)
		}
	})
}
