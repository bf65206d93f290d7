package accesskeys_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/storekeys"
)

// When a pair that a store has issued cannot be handed out, because something happened
// meanwhile, it ends in the store, and another one is issued as soon as may be.
func TestIssueThatComesToNothing(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(ctx context.Context, w *world, gone context.CancelFunc)
		again   func(w *world) // so that another can be issued
		ready   time.Duration
	}{
		"the caller goes": {func(_ context.Context, _ *world, gone context.CancelFunc) { gone() }, nil, 5 * time.Second},
		"the caller is no admin any more": {
			func(_ context.Context, w *world, _ context.CancelFunc) {
				_, err := w.Broker.People.PutWorkspaceMember(w.t.Context(), w.Admin, w.lab.ID, w.bob.User.ID, keyhatch.MemberRole)
				w.must(err)
			}, nil, 5 * time.Second,
		},
		"the caller is inactive": {
			func(_ context.Context, w *world, _ context.CancelFunc) {
				no := false
				_, err := w.Broker.People.UpdateUser(w.t.Context(), w.Admin, w.bob.User.ID, people.UserChange{Active: &no})
				w.must(err)
			}, nil, 5 * time.Second,
		},
		"the key is changed": {
			func(_ context.Context, w *world, _ context.CancelFunc) {
				_, err := w.Broker.AccessKeys.Update(w.t.Context(), w.ann, "lab", "key", accesskeys.Change{Rights: &accesskeys.Rights{Read: []string{"xxx"}}})
				w.must(err)
			}, nil, 5 * time.Second,
		},
		"the account is suspended": {
			func(_ context.Context, w *world, _ context.CancelFunc) {
				_, err := w.Broker.Accounts.Suspend(w.t.Context(), w.Admin, "lab", "theirs")
				w.must(err)
			},
			func(w *world) {
				_, _, err := w.Broker.AccessKeys.Issue(w.t.Context(), w.ann, "lab", "key", 0)
				if code(err) != keyhatch.CodeAccountSuspended {
					w.t.Errorf("another one, while it is: %v", err)
				}
				_, err = w.Broker.Accounts.Resume(w.t.Context(), w.Admin, "lab", "theirs")
				w.must(err)
			}, 5 * time.Second,
		},
		"it cannot be recorded": {
			func(_ context.Context, w *world, _ context.CancelFunc) {
				w.mend = w.BreakCommits(w.t, "access_key_pairs")
			},
			func(w *world) { w.mend() }, 5 * time.Second,
		},
		"nothing can be recorded": {
			func(_ context.Context, w *world, _ context.CancelFunc) { w.mend = w.BreakCommits(w.t, "changes") },
			func(w *world) { w.mend() }, 2 * time.Minute,
		},
		"the store answers too late": {
			func(ctx context.Context, _ *world, _ context.CancelFunc) { <-ctx.Done() }, nil, time.Minute,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
				w.Member(t, w.lab, w.bob, keyhatch.AdminRole)
				key := w.theirs("key", accesskeys.Rights{Read: []string{"xxx"}})
				settled()
				first := w.issue("key", 0)
				settled()
				ctx, gone := context.WithCancel(t.Context())
				defer gone()
				k.mu.Lock()
				k.breaks = func(ctx context.Context, what string, done bool) error {
					if what == "issue" && done {
						c.happens(ctx, w, gone)
						return ctx.Err()
					}
					return nil
				}
				k.mu.Unlock()
				_, pair, err := w.Broker.AccessKeys.Issue(ctx, w.bob, "lab", "key", 0)
				if err == nil || pair.SecretAccessKey != "" {
					t.Fatalf("it was handed out: %v", err)
				}
				k.mu.Lock()
				k.breaks = func(context.Context, string, bool) error { return nil }
				k.mu.Unlock()
				if c.again != nil {
					c.again(w)
				}
				time.Sleep(c.ready)
				wantHas(t, k, "in the end", key.ID, "xxx:r[] ["+first+"]")
				w.same(k, "in the end", "key")
				w.wantGivenUp(key.ID, "THEIRS2")
				w.issue("key", 0)
				settled()
				w.same(k, "after another one", "key")
			})
		})
	}
}

// wantGivenUp wants it on record, once, that a pair was not issued, and that this one was
// ended in the store: what was done by itself used to be on no record.
func (w *world) wantGivenUp(key, pair string) {
	w.t.Helper()
	if all := w.events(key, storekeys.NotIssued); len(all) != 1 || all[0]["reason"] == "" {
		w.t.Errorf("that no pair was issued is told as %v", all)
	}
	if all := w.events(key, storekeys.Surplus); len(all) != 1 || all[0]["access_key_id"] != pair || all[0]["reason"] != "nobody was handed it out" {
		w.t.Errorf("that %s was ended is told as %v", pair, all)
	}
}

// A process that is killed after the store has issued a pair leaves none: the next one
// ends it.
func TestKilledWhileIssuing(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		key := w.theirs("key", accesskeys.Rights{Read: []string{"xxx"}})
		settled()
		first := w.issue("key", 0)
		settled()
		k.mu.Lock()
		k.breaks = func(_ context.Context, what string, done bool) error {
			if what == "issue" && done {
				w.must(w.DB.Close()) // nothing of this process is written any more
			}
			return nil
		}
		k.mu.Unlock()
		if _, _, err := w.Broker.AccessKeys.Issue(t.Context(), w.ann, "lab", "key", 0); err == nil {
			t.Fatal("it was handed out")
		}
		w.stop()
		k.mu.Lock()
		k.breaks = func(context.Context, string, bool) error { return nil }
		k.mu.Unlock()
		wantHas(t, k, "when it was killed", key.ID, "xxx:r[] ["+first+" THEIRS2]")
		w.Restart(t)
		w.stop = w.run(t)
		time.Sleep(2 * time.Minute)
		wantHas(t, k, "in the next process", key.ID, "xxx:r[] ["+first+"]")
		w.wantGivenUp(key.ID, "THEIRS2")
		w.issue("key", 0)
		settled()
		w.same(k, "after another one", "key")
	})
}

// Whoever issues pairs of a key beside each other, and whatever else is done with it
// meanwhile: what was handed out last works, calls come one after the other, and in the
// end the store has what is on record.
func TestIssuedByMany(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		w.theirs("key", accesskeys.Rights{Read: []string{"xxx"}})
		settled()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go w.Broker.StoreKeys.Reconcile(ctx)
		var mu sync.Mutex
		var handed []string
		var all sync.WaitGroup
		for i := range 12 {
			all.Go(func() {
				time.Sleep(time.Duration(i%4) * 20 * time.Millisecond)
				_, pair, err := w.Broker.AccessKeys.Issue(t.Context(), w.ann, "lab", "key", time.Duration(i%3)*time.Minute)
				if err != nil && code(err) != keyhatch.CodeKeyNotReady {
					t.Errorf("issuing: %v", err)
				}
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					if slices.Contains(handed, pair.AccessKeyID) {
						t.Errorf("%s was handed out twice", pair.AccessKeyID)
					}
					handed = append(handed, pair.AccessKeyID)
				}
			})
		}
		all.Wait()
		settled()
		now := w.key("key")
		if len(handed) < 2 || len(now.Pairs) == 0 || !slices.Contains(handed, now.Pairs[0].AccessKeyID) {
			t.Errorf("handed out are %q, on record %+v", handed, now.Pairs)
		}
		w.same(k, "in the end", "key")
	})
}

// Of all who wait for a pair of a busy key one looks whether it is ready, and has its job run
// for that: each used to. The queue alone was tried, which nobody need have stood in.
func TestOneOfManyLooks(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		var looks atomic.Int64
		kick := w.Kick
		w.Kick = func() { looks.Add(1); kick() }
		w.Broker = w.With(nil)
		free := make(chan struct{})
		k.mu.Lock()
		k.breaks = func(_ context.Context, what string, done bool) error {
			if what == "put" && !done {
				<-free
			}
			return nil
		}
		k.mu.Unlock()
		w.theirs("key", accesskeys.Rights{Read: []string{"xxx"}})
		synctest.Wait()
		looks.Store(0)
		var handed atomic.Int64
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				_, _, err := w.Broker.AccessKeys.Issue(t.Context(), w.ann, "lab", "key", 0)
				if err == nil {
					handed.Add(1)
				} else if code(err) != keyhatch.CodeKeyNotReady {
					t.Errorf("issuing: %v", err)
				}
			})
		}
		time.Sleep(5 * time.Second)
		if looks.Load() != 1 {
			t.Errorf("%d look, of 20 who wait", looks.Load())
		}
		close(free)
		all.Wait()
		if handed.Load() == 0 {
			t.Error("nobody was handed out a pair")
		}
		settled()
		w.same(k, "in the end", "key")
	})
}

// While a pair is being issued, nothing that compares the store with the record ends it.
func TestComparedWhileIssuing(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		key := w.theirs("key", accesskeys.Rights{Read: []string{"xxx"}})
		settled()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		k.mu.Lock()
		k.breaks = func(_ context.Context, what string, done bool) error {
			if what == "issue" && done {
				go w.Broker.StoreKeys.Reconcile(ctx)
				settled()
			}
			return nil
		}
		k.mu.Unlock()
		pair := w.issue("key", 0)
		settled()
		wantHas(t, k, "in the end", key.ID, "xxx:r[] ["+pair+"]")
		w.same(k, "in the end", "key")
	})
}

// A key that is deleted while its store issues a pair leaves nothing there, also where
// the pair brings its user back, or where a pair is found there that is not on record:
// who issues used to be told that something still belonged to the key.
func TestDeletedWhileIssuing(t *testing.T) {
	for at, there := range map[string][]string{"issue": nil, "pairs": {"STRAY"}} {
		t.Run(at, func(t *testing.T) {
			inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
				key := w.theirs("key", accesskeys.Rights{Read: []string{"xxx"}})
				settled()
				var deleted sync.Once
				k.mu.Lock()
				k.pairs[key.ID] = there
				k.breaks = func(_ context.Context, what string, done bool) error {
					if what == at && done {
						deleted.Do(func() { w.must(w.Broker.AccessKeys.Delete(t.Context(), w.ann, "lab", "key")) })
					}
					return nil
				}
				k.mu.Unlock()
				if _, _, err := w.Broker.AccessKeys.Issue(t.Context(), w.ann, "lab", "key", 0); !errors.Is(err, keyhatch.NotFound) {
					t.Errorf("issuing: %v", err)
				}
				settled()
				wantHas(t, k, "in the end", key.ID, "nothing")
				if all := w.events(key.ID, storekeys.NotIssued); len(all) != 1 {
					t.Errorf("that no pair was issued is told as %v", all)
				}
				if all := w.events(key.ID, storekeys.Removed); len(all) == 0 || all[0]["reason"] != "it was deleted" {
					t.Errorf("that the store has it no more is told as %v", all)
				}
				k.together = nil // dropping does not wait for a pair
			})
		})
	}
}

// Each pair that ends is named in an event: one that is replaced, one whose grace is
// over, and those of a key that is deleted.
func TestEndedPairsAreInEvents(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, _ *keeper) {
		key := w.theirs("key", accesskeys.Rights{})
		settled()
		var pairs []string
		for _, grace := range []time.Duration{0, 0, time.Hour, 2 * time.Hour} {
			pairs = append(pairs, w.issue("key", grace))
			settled()
		}
		time.Sleep(3 * time.Hour)
		pairs = append(pairs, w.issue("key", time.Hour))
		settled()
		w.must(w.Broker.AccessKeys.Delete(t.Context(), w.ann, "lab", "key"))
		var named []string
		for _, d := range w.events(key.ID, accesskeys.Issued) {
			named = append(named, fields(d["ended"])...)
		}
		for _, d := range w.events(key.ID, storekeys.Withdrawn) {
			named = append(named, d["access_key_id"])
		}
		for _, d := range w.events(key.ID, accesskeys.Deleted) {
			named = append(named, fields(d["pairs"])...)
		}
		slices.Sort(named)
		if !slices.Equal(named, pairs) {
			t.Errorf("issued were %q, and the events name %q", pairs, named)
		}
	})
}

// A process that stood still for longer than a pair may take, and then goes on as if
// nothing had been, hands out none: its pair was ended meanwhile.
func TestIssueThatComesTooLate(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		key := w.theirs("key", accesskeys.Rights{Read: []string{"xxx"}})
		settled()
		first := w.issue("key", 0)
		settled()
		k.mu.Lock()
		k.breaks = func(_ context.Context, what string, done bool) error {
			if what == "issue" && done {
				time.Sleep(90 * time.Second)
			}
			return nil
		}
		k.mu.Unlock()
		if _, pair, err := w.Broker.AccessKeys.Issue(t.Context(), w.ann, "lab", "key", 0); code(err) != keyhatch.CodeKeyNotReady || pair.SecretAccessKey != "" {
			t.Errorf("it was handed out: %v", err)
		}
		settled()
		wantHas(t, k, "in the end", key.ID, "xxx:r[] ["+first+"]")
		w.same(k, "in the end", "key")
		k.together = nil // that is what was tried
	})
}
