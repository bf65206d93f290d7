package accesskeys_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/broker/record"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/jobs"
)

// keeper is a store that keeps keys. It does what it is asked, which takes a moment, and
// can fail before or after it has done that. Calls about one key that run at a time are
// noted: RGW would lose what one of them has done.
type keeper struct {
	mu       sync.Mutex
	orders   map[string]driver.KeyOrder
	pairs    map[string][]string // by key
	issued   int
	puts     int
	refuses  func(driver.KeyOrder) bool
	busy     map[string]string // what is being done with a key
	together []string
	breaks   func(ctx context.Context, what string, done bool) error
}

func newKeeper() *keeper {
	return &keeper{
		orders: map[string]driver.KeyOrder{}, pairs: map[string][]string{}, busy: map[string]string{},
		breaks: func(context.Context, string, bool) error { return nil },
	}
}

func (k *keeper) do(ctx context.Context, what, key string, act func() error) error {
	k.mu.Lock()
	if other := k.busy[key]; other != "" && key != "" {
		k.together = append(k.together, other+" and "+what)
	}
	k.busy[key] = what
	breaks := k.breaks
	k.mu.Unlock()
	defer func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.busy[key] = ""
	}()
	time.Sleep(10 * time.Millisecond)
	if err := breaks(ctx, what, false); err != nil {
		return err
	}
	k.mu.Lock()
	err := act()
	breaks = k.breaks
	k.mu.Unlock()
	return errors.Join(err, breaks(ctx, what, true))
}

func (k *keeper) Put(ctx context.Context, _ keyhatch.Store, o driver.KeyOrder) error {
	return k.do(ctx, "put", o.Key, func() error {
		if k.puts++; k.refuses != nil && k.refuses(o) {
			return tooLong
		}
		k.orders[o.Key] = o
		return nil
	})
}

func (k *keeper) Issue(ctx context.Context, _ keyhatch.Store, key string) (pair keyhatch.KeyPair, err error) {
	err = k.do(ctx, "issue", key, func() error {
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

func (k *keeper) Pairs(ctx context.Context, _ keyhatch.Store, key string) (ids []string, err error) {
	err = k.do(ctx, "pairs", key, func() error { ids = slices.Clone(k.pairs[key]); return nil })
	return ids, err
}

func (k *keeper) Withdraw(ctx context.Context, _ keyhatch.Store, key string, ended []string) error {
	return k.do(ctx, "withdraw", key, func() error {
		k.pairs[key] = slices.DeleteFunc(k.pairs[key], func(id string) bool { return slices.Contains(ended, id) })
		return nil
	})
}

func (k *keeper) Drop(ctx context.Context, _ keyhatch.Store, key string) error {
	return k.do(ctx, "drop", key, func() error { delete(k.orders, key); delete(k.pairs, key); return nil })
}

func (k *keeper) Keys(ctx context.Context, _ keyhatch.Store) (map[string][]string, error) {
	out := map[string][]string{}
	err := k.do(ctx, "keys", "", func() error {
		for id := range k.orders {
			out[id] = slices.Clone(k.pairs[id])
		}
		return nil
	})
	return out, err
}

// pit is a store that takes requests and answers none.
type pit struct{ longest atomic.Int64 }

func (p *pit) wait(ctx context.Context) error {
	begun := time.Now()
	<-ctx.Done()
	p.longest.Store(max(p.longest.Load(), int64(time.Since(begun))))
	return ctx.Err()
}

func (p *pit) Put(ctx context.Context, _ keyhatch.Store, _ driver.KeyOrder) error { return p.wait(ctx) }

func (p *pit) Issue(ctx context.Context, _ keyhatch.Store, _ string) (keyhatch.KeyPair, error) {
	return keyhatch.KeyPair{}, p.wait(ctx)
}

func (p *pit) Pairs(ctx context.Context, _ keyhatch.Store, _ string) ([]string, error) {
	return nil, p.wait(ctx)
}

func (p *pit) Withdraw(ctx context.Context, _ keyhatch.Store, _ string, _ []string) error {
	return p.wait(ctx)
}
func (p *pit) Drop(ctx context.Context, _ keyhatch.Store, _ string) error { return p.wait(ctx) }

func (p *pit) Keys(ctx context.Context, _ keyhatch.Store) (map[string][]string, error) {
	return nil, p.wait(ctx)
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
		text += fmt.Sprint(b.Locked)
		for _, c := range b.Confined {
			text += fmt.Sprint(c.Prefix, c.Networks)
		}
		out = append(out, text)
	}
	return strings.Join(out, " ") + " " + fmt.Sprint(k.pairs[key])
}

// inKeepersWorld runs a test in a world with a store "theirs" that keeps its keys, on which
// the lab has the buckets "xxx" and "yyy".
func inKeepersWorld(t *testing.T, test func(t *testing.T, w *world, k *keeper)) {
	synctest.Test(t, func(t *testing.T) {
		w, k := newWorld(t), newKeeper()
		w.Keepers = map[keyhatch.KeysOf]driver.KeyProvisioner{keyhatch.KeysIAM: k, keyhatch.KeysRGW: &w.pit}
		w.Kick = func() {
			if runner := w.runner.Load(); runner != nil {
				runner.Kick()
			}
		}
		w.Broker = w.With(nil)
		made, err := w.Broker.Credentials.Create(t.Context(), w.Admin, credentials.NewCredential{Name: "theirs", Authority: keyhatch.AWSKeys("AKIA", "secret")})
		w.must(err)
		_, err = w.Broker.Places.CreateStore(t.Context(), w.Admin, places.NewStore{
			Name: "theirs", Kind: keyhatch.S3Store, Endpoint: "https://s3.example", Credential: made.ID, Keys: keyhatch.KeysIAM, KeysEndpoint: "https://iam.example",
		})
		w.must(err)
		for _, name := range []string{"xxx", "yyy"} {
			_, err := w.Broker.Buckets.Register(t.Context(), w.Admin, buckets.Existing{Workspace: w.lab.ID, Store: "theirs", Name: name})
			w.must(err)
		}
		w.stop = w.run(t)
		test(t, w, k)
		if len(k.together) > 0 {
			t.Errorf("at a time about one key: %q", k.together)
		}
	})
}

// run does what a process does beside answering, until it is stopped. Memory is not
// refreshed in the background, which no other process changes: four times a second, for
// hours, that was most of what these tests did.
func (w *world) run(t *testing.T, more ...func(context.Context)) (stop func()) {
	runner := jobs.New(w.DB, w.Broker.Jobs(), jobs.Pace{}, w.Log)
	w.runner.Store(runner)
	ctx, end := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, run := range append(more, runner.Run, w.Broker.StoreKeys.Follow) {
		all.Go(func() { run(ctx) })
	}
	stop = func() { end(); all.Wait() }
	t.Cleanup(stop)
	return stop
}

// events are those of a key, the oldest first.
func (w *world) events(key string, what keyhatch.Action) (details []map[string]string) {
	w.t.Helper()
	list, err := w.Broker.Record.Events(w.t.Context(), w.Admin, record.EventFilter{Target: key, Action: what}, kernel.Page{})
	w.must(err)
	for _, e := range slices.Backward(list.Items) {
		details = append(details, e.Detail)
	}
	return details
}

// issue issues a pair, which must be possible.
func (w *world) issue(name string, grace time.Duration) string {
	w.t.Helper()
	_, pair, err := w.Broker.AccessKeys.Issue(w.t.Context(), w.ann, "lab", name, grace)
	w.must(err)
	return pair.AccessKeyID
}

// same wants the store to have the pairs of a key that are on record.
func (w *world) same(k *keeper, what, name string) {
	w.t.Helper()
	var here []string
	key := w.key(name)
	for _, p := range key.Pairs {
		here = append(here, p.AccessKeyID)
	}
	k.mu.Lock()
	there := slices.Sorted(slices.Values(k.pairs[key.ID]))
	k.mu.Unlock()
	if slices.Sort(here); !slices.Equal(here, there) {
		w.t.Errorf("%s: on record are %q, in the store %q", what, here, there)
	}
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

func fields(text string) []string { return strings.Fields(text) }
