package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
)

// life holds the driver to what it says of being called again.
func (s Site) life(t *testing.T) {
	for _, part := range []struct {
		name string
		try  func(Site, *testing.T)
	}{
		{"twice", Site.twice},
		{"halves", Site.halves},
		{"others", Site.others},
		{"too much", Site.tooMuch},
		{"no key", Site.noKey},
	} {
		t.Run(part.name, func(t *testing.T) { part.try(s, t) })
	}
}

func (s Site) driver() driver.KeyProvisioner { return s.New(s.Transport, cluster) }

var someOrder = []driver.BucketRight{
	{Bucket: "life-of-keys", Read: true, Write: true, Locked: []keyhatch.Prefix{"a/"}},
	{Bucket: "life-of-keys-2", Read: true},
}

// expect looks what the store has of a key.
func (s Site) expect(t *testing.T, d driver.KeyProvisioner, key string, there bool, pairs ...keyhatch.KeyPair) {
	t.Helper()
	all, err := d.Keys(t.Context(), s.Store)
	if err != nil {
		t.Fatalf("Keys: %v", err)
	}
	has, found := all[key]
	slices.Sort(has)
	listed, err := d.Pairs(t.Context(), s.Store, key)
	if err != nil {
		t.Fatalf("Pairs: %v", err)
	}
	if slices.Sort(listed); !slices.Equal(listed, has) {
		t.Fatalf("Pairs tells %q, and Keys %q", listed, has)
	}
	if found != there || !slices.Equal(has, ids(pairs...)) {
		t.Fatalf("the store has the key: %v, with the pairs %q; want %v, %q", found, has, there, ids(pairs...))
	}
}

// withdrawAll ends all pairs that the store tells of.
func (s Site) withdrawAll(ctx context.Context, d driver.KeyProvisioner, key string) error {
	all, err := d.Pairs(ctx, s.Store, key)
	if err != nil {
		return err
	}
	return d.Withdraw(ctx, s.Store, key, all)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// twice does everything twice.
func (s Site) twice(t *testing.T) {
	d, key, ctx := s.driver(), newKey(), t.Context()
	order := driver.KeyOrder{Key: key, Buckets: someOrder}
	issue := func() keyhatch.KeyPair {
		t.Helper()
		pair, err := d.Issue(ctx, s.Store, key)
		must(t, err)
		if pair.AccessKeyID == "" || pair.SecretAccessKey == "" {
			t.Fatalf("the pair is %+v", pair)
		}
		return pair
	}
	if _, err := d.Issue(ctx, s.Store, key); !errors.Is(err, keyhatch.NotFound) {
		t.Errorf("issuing for a key that is not there: %v", err)
	}
	for range 2 { // and once it was dropped
		must(t, d.Put(ctx, s.Store, order))
		must(t, d.Put(ctx, s.Store, order))
		s.expect(t, d, key, true)
		first := issue()
		must(t, d.Put(ctx, s.Store, driver.KeyOrder{Key: key})) // leaves its pairs alone
		second := issue()
		s.expect(t, d, key, true, first, second)
		if first.AccessKeyID == second.AccessKeyID || first.SecretAccessKey == second.SecretAccessKey {
			t.Error("both pairs have the same id or secret")
		}
		if _, err := d.Issue(ctx, s.Store, key); !errors.Is(err, keyhatch.Conflict) {
			t.Errorf("issuing a third pair: %v", err)
		}
		s.expect(t, d, key, true, first, second)
		for range 2 {
			must(t, d.Withdraw(ctx, s.Store, key, ids(first)))
			s.expect(t, d, key, true, second)
		}
		third := issue()
		s.expect(t, d, key, true, second, third)
		for range 2 {
			must(t, d.Withdraw(ctx, s.Store, key, ids(first, second, third)))
			s.expect(t, d, key, true)
		}
		issue()
		for range 2 {
			must(t, d.Drop(ctx, s.Store, key))
			s.expect(t, d, key, false)
		}
		must(t, d.Withdraw(ctx, s.Store, key, ids(second)))
		s.expect(t, d, key, false)
	}
}

// halves loses each request of each call, and the answer to it, and calls again.
func (s Site) halves(t *testing.T) {
	for _, lost := range []string{"request", "answer"} {
		for _, call := range []struct {
			name  string
			pairs int // that are there before
			do    func(ctx context.Context, d driver.KeyProvisioner, key string) error
			check func(t *testing.T, d driver.KeyProvisioner, key string)
		}{
			{"Put", 0, func(ctx context.Context, d driver.KeyProvisioner, key string) error {
				return d.Put(ctx, s.Store, driver.KeyOrder{Key: key, Buckets: someOrder})
			}, func(t *testing.T, d driver.KeyProvisioner, key string) { s.expect(t, d, key, true) }},
			{"Issue", 0, func(ctx context.Context, d driver.KeyProvisioner, key string) error {
				_, err := d.Issue(ctx, s.Store, key)
				return err
			}, func(t *testing.T, d driver.KeyProvisioner, key string) {
				all, err := d.Keys(t.Context(), s.Store)
				must(t, err)
				if n := len(all[key]); n == 0 || n > 2 {
					t.Errorf("%d pairs are there", n)
				}
				must(t, s.withdrawAll(t.Context(), d, key))
				s.expect(t, d, key, true)
			}},
			{"Withdraw", 2, func(ctx context.Context, d driver.KeyProvisioner, key string) error {
				return s.withdrawAll(ctx, d, key)
			}, func(t *testing.T, d driver.KeyProvisioner, key string) { s.expect(t, d, key, true) }},
			{"Drop", 2, func(ctx context.Context, d driver.KeyProvisioner, key string) error {
				return d.Drop(ctx, s.Store, key)
			}, func(t *testing.T, d driver.KeyProvisioner, key string) { s.expect(t, d, key, false) }},
			{"Keys", 1, func(ctx context.Context, d driver.KeyProvisioner, key string) error {
				_, err := d.Keys(ctx, s.Store)
				return err
			}, func(*testing.T, driver.KeyProvisioner, string) {}},
		} {
			for at := 1; ; at++ {
				name := fmt.Sprintf("%s without %s %d", call.name, lost, at)
				d, key := s.driver(), newKey()
				if call.name != "Put" {
					must(t, d.Put(t.Context(), s.Store, driver.KeyOrder{Key: key, Buckets: someOrder}))
				}
				for range call.pairs {
					_, err := d.Issue(t.Context(), s.Store, key)
					must(t, err)
				}
				broken := &losing{RoundTripper: s.Transport, at: at, answer: lost == "answer"}
				err := call.do(t.Context(), s.New(broken, cluster), key)
				switch {
				case !broken.lost: // it takes no more requests than that
					must(t, err)
				case !errors.Is(err, keyhatch.Unavailable):
					t.Errorf("%s: it says %v", name, err)
				}
				if err := call.do(t.Context(), d, key); err != nil {
					t.Errorf("%s: the next time it says %v", name, err)
				} else {
					t.Run(name, func(t *testing.T) { call.check(t, d, key) })
				}
				must(t, d.Drop(t.Context(), s.Store, key))
				if !broken.lost {
					break
				}
			}
		}
	}
}

// others looks whether what is not this installation's stays as it was.
func (s Site) others(t *testing.T) {
	ctx, key := t.Context(), newKey()
	ours, theirs := s.driver(), s.New(s.Transport, neighbour)
	var strangers []func() string
	for _, name := range []string{
		"stranger-" + key[len(key)-6:],
		"keyhatch-" + cluster + "-" + key[len(key)-6:], // is called nearly so
	} {
		strangers = append(strangers, s.Stranger(t, name))
	}
	var before []string
	for _, look := range strangers {
		before = append(before, look())
	}
	order := driver.KeyOrder{Key: key, Buckets: someOrder}
	must(t, theirs.Put(ctx, s.Store, order))
	pair, err := theirs.Issue(ctx, s.Store, key)
	must(t, err)
	s.expect(t, ours, key, false)

	must(t, ours.Put(ctx, s.Store, order))
	_, err = ours.Issue(ctx, s.Store, key)
	must(t, err)
	s.expect(t, theirs, key, true, pair)
	must(t, s.withdrawAll(ctx, ours, key))
	s.expect(t, theirs, key, true, pair)
	must(t, ours.Drop(ctx, s.Store, key))
	s.expect(t, theirs, key, true, pair)

	all, err := ours.Keys(ctx, s.Store)
	must(t, err)
	for id := range all {
		if _, ok := keyhatch.IDPayload(keyhatch.KeyID, id); !ok {
			t.Errorf("Keys names %q, which is no key", id)
		}
	}
	must(t, theirs.Drop(ctx, s.Store, key))
	for i, look := range strangers {
		if after := look(); after != before[i] {
			t.Errorf("a stranger was %s and is %s", before[i], after)
		}
	}
}

// tooMuch orders more than the store's policies hold: nothing of it is done.
func (s Site) tooMuch(t *testing.T) {
	key, ctx := newKey(), t.Context()
	order := driver.KeyOrder{Key: key}
	for i := range s.TooMuch {
		order.Buckets = append(order.Buckets, driver.BucketRight{Bucket: fmt.Sprintf("one-of-too-many-%d", i), Read: true})
	}
	counted := &losing{RoundTripper: s.Transport}
	err := s.New(counted, cluster).Put(ctx, s.Store, order)
	if !errors.Is(err, keyhatch.Conflict) || counted.seen != 0 {
		t.Errorf("it says %v after %d requests", err, counted.seen)
	}
	s.expect(t, s.driver(), key, false)
}

// noKey asks for what is no key of ours by its id: the store never hears of it.
func (s Site) noKey(t *testing.T) {
	ctx := t.Context()
	for _, id := range []string{"", "admin", "objkey_", "objkey_0mz3k8q2a7c4f9d/../x", "objkey_0MZ3K8Q2A7C4F9D", "tok_0mz3k8q2a7c4f9d", strings.Repeat("a", 100)} {
		counted := &losing{RoundTripper: s.Transport}
		d := s.New(counted, cluster)
		_, issued := d.Issue(ctx, s.Store, id)
		_, listed := d.Pairs(ctx, s.Store, id)
		for _, err := range []error{
			d.Put(ctx, s.Store, driver.KeyOrder{Key: id}), issued, listed, d.Withdraw(ctx, s.Store, id, nil), d.Drop(ctx, s.Store, id),
		} {
			if err == nil {
				t.Errorf("%q is taken for a key", id)
			}
		}
		if counted.seen != 0 {
			t.Errorf("%q: %d requests were sent", id, counted.seen)
		}
	}
}
