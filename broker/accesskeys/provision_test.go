package accesskeys_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/driver"
)

// keeper is a store that keeps keys. It does what it is asked, and can fail before or
// after it has done that.
type keeper struct {
	mu     sync.Mutex
	orders map[string]driver.KeyOrder
	pairs  map[string][]string // by key
	issued int
	breaks func(what string, done bool) error
}

func newKeeper() *keeper {
	return &keeper{orders: map[string]driver.KeyOrder{}, pairs: map[string][]string{}, breaks: func(string, bool) error { return nil }}
}

func (k *keeper) do(what string, act func() error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.breaks(what, false); err != nil {
		return err
	}
	return errors.Join(act(), k.breaks(what, true))
}

func (k *keeper) Put(_ context.Context, _ keyhatch.Store, o driver.KeyOrder) error {
	return k.do("put", func() error { k.orders[o.Key] = o; return nil })
}

func (k *keeper) Issue(_ context.Context, _ keyhatch.Store, key string) (pair keyhatch.KeyPair, err error) {
	err = k.do("issue", func() error {
		if _, there := k.orders[key]; !there || len(k.pairs[key]) >= keyhatch.MaxPairs {
			return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeKeyNotReady, "no key, or no room")
		}
		k.issued++
		pair = keyhatch.KeyPair{AccessKeyID: fmt.Sprint("THEIRS", k.issued), SecretAccessKey: "secret"}
		k.pairs[key] = append(k.pairs[key], pair.AccessKeyID)
		return nil
	})
	return pair, err
}

func (k *keeper) Withdraw(_ context.Context, _ keyhatch.Store, key string, kept []string) error {
	return k.do("withdraw", func() error {
		k.pairs[key] = slices.DeleteFunc(k.pairs[key], func(id string) bool { return !slices.Contains(kept, id) })
		return nil
	})
}

func (k *keeper) Drop(_ context.Context, _ keyhatch.Store, key string) error {
	return k.do("drop", func() error { delete(k.orders, key); delete(k.pairs, key); return nil })
}

func (k *keeper) Keys(context.Context, keyhatch.Store) (map[string][]string, error) {
	out := map[string][]string{}
	err := k.do("keys", func() error {
		for id := range k.orders {
			out[id] = slices.Clone(k.pairs[id])
		}
		return nil
	})
	return out, err
}

// has tells what the store has of a key, in words.
func (k *keeper) has(key string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	o, there := k.orders[key]
	if !there {
		return "nothing"
	}
	var out []string
	for _, b := range o.Buckets {
		text := b.Bucket + ":"
		for _, right := range []struct {
			is   bool
			word string
		}{{b.Read, "r"}, {b.Write, "w"}} {
			if right.is {
				text += right.word
			}
		}
		out = append(out, text+fmt.Sprint(b.Locked))
	}
	return strings.Join(out, " ") + " " + fmt.Sprint(k.pairs[key])
}

// inKeepersWorld runs a test in a world with a store "theirs" that keeps its keys, on which
// the lab has the buckets "xxx" and "yyy".
func inKeepersWorld(t *testing.T, test func(t *testing.T, w *world, k *keeper)) {
	synctest.Test(t, func(t *testing.T) {
		w, k := newWorld(t), newKeeper()
		w.Keepers = map[keyhatch.KeysOf]driver.KeyProvisioner{keyhatch.KeysIAM: k}
		w.Broker = w.With(nil)
		made, err := w.Broker.Credentials.Create(t.Context(), w.Admin, credentials.NewCredential{Name: "theirs", Authority: keyhatch.AWSKeys("AKIA", "secret")})
		w.must(err)
		_, err = w.Broker.Places.CreateStore(t.Context(), w.Admin, places.NewStore{
			Name: "theirs", Kind: keyhatch.S3Store, Endpoint: "https://s3.example", Credential: made.ID, Keys: keyhatch.KeysIAM, KeysEndpoint: "https://iam.example",
		})
		w.must(err)
		for _, name := range []string{"xxx", "yyy"} {
			_, err := w.Broker.Places.CreateBucket(t.Context(), w.Admin, places.NewBucket{Workspace: w.lab.ID, Store: "theirs", Name: name})
			w.must(err)
		}
		w.run(t)
		test(t, w, k)
	})
}

// run does what a process does beside answering.
func (w *world) run(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, run := range []func(context.Context){w.Mirror.Run, w.Broker.Jobs.Run, w.Broker.AccessKeys.Follow} {
		all.Go(func() { run(ctx) })
	}
	t.Cleanup(func() { stop(); all.Wait() })
}

func (w *world) theirs(name string, r accesskeys.Rights) keyhatch.AccessKey {
	w.t.Helper()
	key, err := w.Broker.AccessKeys.Create(w.t.Context(), w.ann, accesskeys.NewKey{Workspace: "lab", Store: "theirs", Name: name, Rights: r})
	w.must(err)
	return key
}

func (w *world) key(name string) keyhatch.AccessKey {
	w.t.Helper()
	key, err := w.Broker.AccessKeys.Key(w.t.Context(), w.ann, "lab", name)
	w.must(err)
	return key
}

// settled waits until everything was done that there was to do.
func settled() { time.Sleep(10 * time.Second) }

func wantHas(t *testing.T, k *keeper, what, key, want string) {
	t.Helper()
	if got := k.has(key); got != want {
		t.Errorf("%s: the store has %q, want %q", what, got, want)
	}
}

// A key is pending until its store has it, and the store follows the present: rights,
// locks, buckets, owners, ends.
func TestStoreFollows(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		ctx := t.Context()
		key := w.theirs("key", accesskeys.Rights{ReadAll: true, Write: []string{"xxx"}})
		if key.State != keyhatch.AccessKeyPending {
			t.Errorf("a new key is %s", key.State)
		}
		settled()
		if now := w.key("key"); now.State != keyhatch.AccessKeyConfigured {
			t.Errorf("when it is in its store it is %+v", now)
		}
		wantHas(t, k, "new", key.ID, "xxx:rw[] yyy:r[] []")
		_, pair, err := w.Broker.AccessKeys.Issue(ctx, w.ann, "lab", "key", 0)
		if err != nil || pair.AccessKeyID != "THEIRS1" || pair.Endpoint != "https://s3.example" {
			t.Fatalf("issued is %+v, %v", pair, err)
		}
		wantHas(t, k, "with a pair", key.ID, "xxx:rw[] yyy:r[] [THEIRS1]")

		for _, c := range []struct {
			what string
			do   func() error
			want string
		}{
			{"another bucket", func() error {
				_, err := w.Broker.Places.CreateBucket(ctx, w.Admin, places.NewBucket{Workspace: w.lab.ID, Store: "theirs", Name: "zzz"})
				return err
			}, "xxx:rw[] yyy:r[] zzz:r[] [THEIRS1]"},
			{"a lock", func() error {
				l, err := w.Broker.Places.CreateLocation(ctx, w.Admin, places.NewLocation{Workspace: "lab", Name: "raw", URL: "s3://xxx/raw/"})
				if err != nil {
					return err
				}
				yes := true
				_, err = w.Broker.Places.UpdateLocation(ctx, w.Admin, "", l.ID, places.LocationChange{Locked: &yes})
				return err
			}, "xxx:rw[raw/] yyy:r[] zzz:r[] [THEIRS1]"},
			{"other rights", func() error {
				_, err := w.Broker.AccessKeys.Update(ctx, w.ann, "lab", "key", accesskeys.Change{Rights: &accesskeys.Rights{Write: []string{"yyy"}}})
				return err
			}, "yyy:w[] [THEIRS1]"},
			{"an owner who is no admin any more", func() error {
				_, err := w.Broker.People.PutWorkspaceMember(ctx, w.Admin, w.lab.ID, w.ann.User.ID, keyhatch.MemberRole)
				return err
			}, " [THEIRS1]"},
			{"one who is again", func() error {
				_, err := w.Broker.People.PutWorkspaceMember(ctx, w.Admin, w.lab.ID, w.ann.User.ID, keyhatch.AdminRole)
				return err
			}, "yyy:w[] [THEIRS1]"},
			{"an inactive owner", func() error {
				no := false
				_, err := w.Broker.People.UpdateUser(ctx, w.Admin, w.ann.User.ID, people.UserChange{Active: &no})
				return err
			}, " []"},
		} {
			w.must(c.do())
			settled()
			wantHas(t, k, c.what, key.ID, c.want)
		}
		w.must(w.Broker.AccessKeys.Delete(ctx, w.Admin, "lab", "key"))
		settled()
		wantHas(t, k, "deleted", key.ID, "nothing")
	})
}

// A pair that was replaced works on in its store for the grace, and ends there by itself;
// so does a key that expires.
func TestStoreEndsPairs(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		key := w.theirs("key", accesskeys.Rights{Read: []string{"xxx"}})
		settled()
		for _, c := range []struct {
			grace time.Duration
			want  []string
		}{{0, []string{"THEIRS1"}}, {time.Hour, []string{"THEIRS1", "THEIRS2"}}, {2 * time.Hour, []string{"THEIRS2", "THEIRS3"}}, {0, []string{"THEIRS4"}}, {time.Hour, []string{"THEIRS4", "THEIRS5"}}} {
			_, _, err := w.Broker.AccessKeys.Issue(t.Context(), w.ann, "lab", "key", c.grace)
			w.must(err)
			settled()
			wantHas(t, k, fmt.Sprint("with a grace of ", c.grace), key.ID, "xxx:r[] "+fmt.Sprint(c.want))
		}
		time.Sleep(time.Hour)
		wantHas(t, k, "after the grace", key.ID, "xxx:r[] [THEIRS5]")
		soon := time.Now().Add(time.Hour)
		_, err := w.Broker.AccessKeys.Update(t.Context(), w.ann, "lab", "key", accesskeys.Change{ExpiresAt: &soon})
		w.must(err)
		time.Sleep(time.Hour + 10*time.Second)
		wantHas(t, k, "expired", key.ID, " []")
	})
}

// Whatever call of a store fails, before it has done anything or after, in the end the
// store has what is on record and nothing else: no pair is handed out twice, none is left
// of which nobody knows.
func TestStoreFails(t *testing.T) {
	away := keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "the store does not answer")
	for _, what := range []string{"put", "issue", "withdraw", "drop"} {
		for _, done := range []bool{false, true} {
			for nth := range 3 {
				inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
					calls := 0
					k.breaks = func(call string, after bool) error {
						if call == what && after == done {
							if calls++; calls == nth+1 {
								return away
							}
						}
						return nil
					}
					kept, gone := w.theirs("kept", accesskeys.Rights{Read: []string{"xxx"}}), w.theirs("gone", accesskeys.Rights{Write: []string{"yyy"}})
					settled()
					handed := map[string]bool{}
					for _, grace := range []time.Duration{0, time.Hour, 0} {
						for _, name := range []string{"kept", "gone"} {
							_, pair, err := w.Broker.AccessKeys.Issue(t.Context(), w.ann, "lab", name, grace)
							if err != nil && !errors.Is(err, keyhatch.Unavailable) && code(err) != keyhatch.CodeKeyNotReady {
								t.Errorf("issuing: %v", err)
							}
							if err == nil && handed[pair.AccessKeyID] {
								t.Errorf("%s was handed out twice", pair.AccessKeyID)
							}
							handed[pair.AccessKeyID] = err == nil
						}
						time.Sleep(2 * time.Minute)
					}
					w.must(w.Broker.AccessKeys.Delete(t.Context(), w.ann, "lab", "gone"))
					time.Sleep(10 * time.Minute)
					wantHas(t, k, fmt.Sprint(what, done, nth, ", deleted"), gone.ID, "nothing")
					now := w.key("kept")
					var pairs []string
					for _, p := range now.Pairs {
						pairs = append(pairs, p.AccessKeyID)
						if !handed[p.AccessKeyID] {
							t.Errorf("%s is on record and was never handed out", p.AccessKeyID)
						}
					}
					slices.Sort(pairs)
					wantHas(t, k, fmt.Sprint(what, done, nth, ", kept"), kept.ID, "xxx:r[] "+fmt.Sprint(pairs))
					if now.State != keyhatch.AccessKeyConfigured || len(slices.Collect(maps.Keys(k.orders))) != 1 {
						t.Errorf("%s %t %d: in the end it is %s", what, done, nth, now.State)
					}
				})
			}
		}
	}
}

// A store that refuses a key is not asked again before something else is wanted. The key
// tells why, and has no pair.
func TestStoreRefuses(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		asked := 0
		k.breaks = func(what string, done bool) error {
			if what == "put" && !done {
				if asked++; len(k.orders) == 0 {
					return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeLimitReached, "a policy of the store has room for one bucket")
				}
			}
			return nil
		}
		w.theirs("key", accesskeys.Rights{Read: []string{"xxx", "yyy"}})
		time.Sleep(time.Hour)
		if now := w.key("key"); now.State != keyhatch.AccessKeyFailed || now.Reason != "a policy of the store has room for one bucket" || asked != 1 {
			t.Errorf("it is %s: %s; the store was asked %d times", now.State, now.Reason, asked)
		}
		if _, _, err := w.Broker.AccessKeys.Issue(t.Context(), w.ann, "lab", "key", 0); code(err) != keyhatch.CodeKeyNotReady {
			t.Errorf("issuing: %v", err)
		}
		k.breaks = func(string, bool) error { return nil }
		_, err := w.Broker.AccessKeys.Update(t.Context(), w.ann, "lab", "key", accesskeys.Change{Rights: &accesskeys.Rights{Read: []string{"xxx"}}})
		w.must(err)
		settled()
		if now := w.key("key"); now.State != keyhatch.AccessKeyConfigured || now.Reason != "" {
			t.Errorf("with other rights it is %s: %s", now.State, now.Reason)
		}
	})
}

// What a store has lost, or has of a key that is not on record, is put right on a schedule.
func TestReconcile(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		key := w.theirs("key", accesskeys.Rights{Read: []string{"xxx"}})
		settled()
		_, _, err := w.Broker.AccessKeys.Issue(t.Context(), w.ann, "lab", "key", 0)
		w.must(err)
		settled()
		stray := keyhatch.NewID(keyhatch.KeyID, time.Now())
		k.mu.Lock()
		k.orders[stray], k.pairs[stray] = driver.KeyOrder{Key: stray}, []string{"STRAY"}
		k.orders[key.ID] = driver.KeyOrder{Key: key.ID}
		k.pairs[key.ID] = append(k.pairs[key.ID], "STRAY2")
		k.mu.Unlock()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go w.Broker.AccessKeys.Reconcile(ctx)
		settled()
		wantHas(t, k, "of a key that is not on record", stray, "nothing")
		wantHas(t, k, "of one that is", key.ID, "xxx:r[] [THEIRS1]")
		k.mu.Lock()
		delete(k.orders, key.ID)
		k.mu.Unlock()
		time.Sleep(time.Hour)
		wantHas(t, k, "an hour later", key.ID, "xxx:r[] [THEIRS1]")
	})
}
