package accesskeys_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
)

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
				_, err := w.Broker.Buckets.Register(ctx, w.Admin, buckets.Existing{Workspace: w.lab.ID, Store: "theirs", Name: "zzz"})
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
			}, " [THEIRS1]"},
			{"one who is active again", func() error {
				yes := true
				_, err := w.Broker.People.UpdateUser(ctx, w.Admin, w.ann.User.ID, people.UserChange{Active: &yes})
				return err
			}, "yyy:w[] [THEIRS1]"},
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
		wantHas(t, k, "expired", key.ID, " [THEIRS5]")
	})
}

// Whatever call of a store fails, before it has done anything or after, in the end the
// store has what is on record and nothing else: no pair is handed out twice, none is left
// of which nobody knows.
func TestStoreFails(t *testing.T) {
	away := keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "the store does not answer")
	for _, what := range []string{"put", "pairs", "issue", "withdraw", "drop"} {
		for _, done := range []bool{false, true} {
			for nth := range 2 {
				inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
					var calls atomic.Int64
					k.mu.Lock()
					k.breaks = func(_ context.Context, call string, after bool) error {
						if call == what && after == done {
							if calls.Add(1) == int64(nth+1) {
								return away
							}
						}
						return nil
					}
					k.mu.Unlock()
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
