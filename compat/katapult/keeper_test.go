package katapult_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/compat/katapult/wiretest"
	"github.com/keyhatch/keyhatch/driver"
)

// keeper is a store that keeps keys itself.
type keeper struct {
	mu      sync.Mutex
	orders  map[string]driver.KeyOrder
	pairs   map[string][]keyhatch.KeyPair // by key
	secrets map[string]keyhatch.Secret    // of all pairs that there ever were, by access key id
	fault   error                         // what the store answers instead
	refuses error                         // what it answers to orders that open something
}

func newKeeper() *keeper {
	return &keeper{orders: map[string]driver.KeyOrder{}, pairs: map[string][]keyhatch.KeyPair{}, secrets: map[string]keyhatch.Secret{}}
}

// set changes how the store answers.
func (k *keeper) set(fault, refuses error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fault, k.refuses = fault, refuses
}

func (k *keeper) do(act func() error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fault != nil {
		return k.fault
	}
	return act()
}

func (k *keeper) Put(_ context.Context, _ keyhatch.Store, o driver.KeyOrder) error {
	return k.do(func() error {
		if k.refuses != nil && len(o.Buckets) > 0 {
			return k.refuses
		}
		k.orders[o.Key] = o
		return nil
	})
}

func (k *keeper) Issue(_ context.Context, _ keyhatch.Store, key string) (pair keyhatch.KeyPair, err error) {
	return pair, k.do(func() error {
		n := len(k.secrets) + 1
		pair = keyhatch.KeyPair{AccessKeyID: fmt.Sprintf("THEIRS%014d", n), SecretAccessKey: keyhatch.Secret(fmt.Sprintf("%040d", n))}
		k.pairs[key] = append(k.pairs[key], pair)
		k.secrets[pair.AccessKeyID] = pair.SecretAccessKey
		return nil
	})
}

func (k *keeper) Pairs(_ context.Context, _ keyhatch.Store, key string) (ids []string, err error) {
	return ids, k.do(func() error { ids = k.idsOf(key); return nil })
}

func (k *keeper) idsOf(key string) (ids []string) {
	for _, p := range k.pairs[key] {
		ids = append(ids, p.AccessKeyID)
	}
	return ids
}

func (k *keeper) Withdraw(_ context.Context, _ keyhatch.Store, key string, ended []string) error {
	return k.do(func() error {
		k.pairs[key] = slices.DeleteFunc(k.pairs[key], func(p keyhatch.KeyPair) bool { return slices.Contains(ended, p.AccessKeyID) })
		return nil
	})
}

func (k *keeper) Drop(_ context.Context, _ keyhatch.Store, key string) error {
	return k.do(func() error { delete(k.orders, key); delete(k.pairs, key); return nil })
}

func (k *keeper) Keys(context.Context, keyhatch.Store) (map[string][]string, error) {
	out := map[string][]string{}
	return out, k.do(func() error {
		for id := range k.orders {
			out[id] = k.idsOf(id)
		}
		return nil
	})
}

// keptStore makes the store "theirs", which keeps its keys, with a bucket of lab.
func (w *world) keptStore(t *testing.T) {
	t.Helper()
	made, err := w.Broker.Credentials.Create(t.Context(), w.Admin, credentials.NewCredential{Name: "theirs", Authority: keyhatch.AWSKeys("AKIA", "secret")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Broker.Places.CreateStore(t.Context(), w.Admin, places.NewStore{
		Name: "theirs", Kind: keyhatch.S3Store, Endpoint: "https://s3.example", Credential: made.ID, Keys: keyhatch.KeysIAM, KeysEndpoint: "https://iam.example",
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Broker.Buckets.Register(t.Context(), w.Admin, buckets.Existing{Workspace: "lab", Store: "theirs", Name: "theirs-data"}); err != nil {
		t.Fatal(err)
	}
}

// TestPairsInFlight: whoever else generates meanwhile, the secret of an answer is that of its
// access key id, and no pair is told twice. An answer used to be able to have the secret of
// its own pair with the access key id of the next one.
func TestPairsInFlight(t *testing.T) {
	w := newWorld(t)
	w.keptStore(t)
	for region, secretOf := range map[string]func(id string) (keyhatch.Secret, bool){
		"theirs": func(id string) (keyhatch.Secret, bool) {
			w.keeper.mu.Lock()
			defer w.keeper.mu.Unlock()
			secret, ok := w.keeper.secrets[id]
			return secret, ok
		},
		"disk": func(id string) (keyhatch.Secret, bool) { // which knows the pair that works, and no other
			_, secret, err := w.Broker.AccessKeys.Open(t.Context(), id)
			return secret, err == nil
		},
	} {
		made := into[wiretest.OneAccessKey](t, w.want(201, "ann", "POST", wiretest.NewKeys,
			`{"organization":{"sub_domain":"lab"},"object_storage_cluster":{"region":"`+region+`"},"properties":{"name":"`+region+`","all_objects_read":true}}`)).Key
		w.jobs()
		const callers, calls = 8, 4
		answers := make(chan wiretest.AccessKey, callers*calls)
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				for range calls {
					a := w.ask("ann", "POST", wiretest.GenerateKey, aboutKey(made.ID, ""))
					if a.Status != 200 {
						t.Errorf("%s: %d %s", region, a.Status, a.Body)
					}
					answers <- into[wiretest.OneAccessKey](t, a).Key
				}
			})
		}
		all.Wait()
		close(answers)
		told := map[string]bool{}
		known := 0
		for k := range answers {
			if told[*k.AccessKeyID] {
				t.Errorf("%s: %s is told twice", region, *k.AccessKeyID)
			}
			told[*k.AccessKeyID] = true
			if strings.Contains(w.Log.String(), *k.Secret) {
				t.Errorf("%s: the secret of %s is in the log", region, *k.AccessKeyID)
			}
			secret, ok := secretOf(*k.AccessKeyID)
			if ok && secret.Reveal() != *k.Secret {
				t.Errorf("%s: the secret of %s is another's", region, *k.AccessKeyID)
			}
			if ok {
				known++
			}
		}
		if len(told) != callers*calls || known == 0 || region == "theirs" && known != callers*calls {
			t.Errorf("%s: %d pairs are known", region, known)
		}
	}
	kept := w.DatabaseBytes(t)
	for id, secret := range w.keeper.secrets {
		if bytes.Contains(kept, []byte(secret.Reveal())) {
			t.Errorf("the secret of %s, which its store keeps, is in the database", id)
		}
	}
}
