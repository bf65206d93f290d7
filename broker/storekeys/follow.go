package storekeys

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/mirror"
)

// followEvery is how often it is looked whether stores have what they are to have.
const followEvery = time.Second

// Follow has stores that keep keys themselves follow the present, until ctx ends: what an
// owner loses, a new bucket, the end of a key.
func (svc *Service) Follow(ctx context.Context) {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	f := newFollower(svc)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := f.look(ctx); err != nil && ctx.Err() == nil {
			svc.log.WarnContext(ctx, "stores could not be told to follow what was changed of access keys: it is tried again", "error", err)
		}
	}
}

// follower remembers until where it has looked, and what is left to look at: a change
// costs what it may concern, however many keys there are.
type follower struct {
	svc    *Service
	looked bool                 // at the changes, once: until then at all keys
	mark   db.FeedMark          // of the newest change that was looked at
	due    map[string]bool      // keys that may be to have something else than their stores have
	ends   map[string]time.Time // when keys end that do
	next   time.Time            // the first of these; zero: none does
}

func newFollower(svc *Service) *follower {
	return &follower{svc: svc, due: map[string]bool{}, ends: map[string]time.Time{}}
}

// look asks for jobs for the keys of which stores have something else than they are to
// have, and of which none waits. What goes wrong with the keys of one workspace keeps
// nobody else's: those are looked at again.
func (f *follower) look(ctx context.Context) error {
	now := f.svc.k.Now()
	if err := f.note(ctx); err != nil {
		return err
	}
	f.noteEnded(now)
	stale, err := f.stale(ctx, now)
	failed := []error{err}
	for workspace, keys := range stale {
		for some := range slices.Chunk(keys, askAtOnce) {
			if err := f.svc.askFor(ctx, some); err != nil {
				failed = append(failed, fmt.Errorf("workspace %s: %w", workspace, err))
				continue
			}
			for _, k := range some {
				delete(f.due, k.ID)
			}
		}
	}
	return errors.Join(failed...)
}

// note makes those keys due that the changes since the last look may concern: all where
// these are not known any more.
func (f *follower) note(ctx context.Context) error {
	mark := f.svc.k.Mirror.Mark()
	if f.looked && mark == f.mark {
		return nil
	}
	var changes []db.Change
	followed := false
	if f.looked {
		err := f.svc.k.DB.Snapshot(ctx, func(r db.Reader) (err error) {
			changes, _, followed, err = r.ChangesSince(ctx, f.mark)
			return err
		})
		if err != nil {
			return err
		}
	}
	return f.svc.k.Mirror.View(ctx, func(image *mirror.Image) error {
		if !followed {
			for k := range image.AccessKeys() {
				f.due[k.ID] = true
			}
		}
		for _, c := range changes {
			if c.Seq > mark.Seq { // memory may not have it yet
				break
			}
			for id := range concerned(image, c) {
				f.due[id] = true
			}
		}
		f.looked, f.mark = true, mark
		return nil
	})
}

// concerned yields the keys that a change may have open something else.
func concerned(image *mirror.Image, c db.Change) iter.Seq[string] {
	switch c.Kind {
	case db.AccessKeyChanged:
		return slices.Values([]string{c.ID})
	case db.UserChanged:
		return image.AccessKeysOf(c.ID)
	case db.WorkspaceMemberChanged:
		_, user, _ := strings.Cut(c.ID, db.PairSeparator)
		return image.AccessKeysOf(user)
	case db.BucketChanged, db.LocationChanged, db.StoreAccountChanged:
		return image.AccessKeysIn(c.Workspace)
	case db.StoreChanged: // whose keys it keeps, which is settled while it has none
		return func(yield func(string) bool) {
			for k := range image.AccessKeys() {
				if k.Store == c.ID && !yield(k.ID) {
					return
				}
			}
		}
	}
	return func(func(string) bool) {}
}

// noteEnded makes those keys due that have ended.
func (f *follower) noteEnded(now time.Time) {
	if f.next.IsZero() || now.Before(f.next) {
		return
	}
	f.next = time.Time{}
	for id, end := range f.ends {
		if end.After(now) {
			f.endsAt(id, end)
			continue
		}
		f.due[id] = true
		delete(f.ends, id)
	}
}

func (f *follower) endsAt(id string, end time.Time) {
	f.ends[id] = end
	if f.next.IsZero() || end.Before(f.next) {
		f.next = end
	}
}

// stale are those of the due keys, by workspace, for which a job has to be asked; others
// are due no more.
func (f *follower) stale(ctx context.Context, now time.Time) (map[string][]keyhatch.AccessKey, error) {
	stale, failed := map[string][]keyhatch.AccessKey{}, []error(nil)
	for _, id := range slices.Sorted(maps.Keys(f.due)) {
		var k keyhatch.AccessKey
		is := false
		err := f.svc.k.Mirror.View(ctx, func(image *mirror.Image) (err error) { // each by itself: others wait meanwhile
			k, is, err = staleIn(image, id, now)
			return err
		})
		switch {
		case errors.Is(err, keyhatch.Unavailable): // so would be the next ones
			return stale, errors.Join(append(failed, err)...)
		case err != nil:
			failed = append(failed, fmt.Errorf("key %s: %w", id, err))
			continue
		case is:
			stale[k.Workspace] = append(stale[k.Workspace], k)
		default:
			delete(f.due, id)
		}
		if delete(f.ends, id); k.ExpiresAt.After(now) {
			f.endsAt(id, k.ExpiresAt)
		}
	}
	return stale, errors.Join(failed...)
}

// staleIn tells whether a key's store has something else than it is to have, and no job
// waits that will look. The key is zero when no store keeps it.
func staleIn(image *mirror.Image, id string, now time.Time) (k keyhatch.AccessKey, is bool, err error) {
	k, err = image.AccessKey(id)
	if err != nil { // it was deleted
		return keyhatch.AccessKey{}, false, nil
	}
	if s, err := image.Store(k.Store); err != nil || !s.Keys.Kept() {
		return keyhatch.AccessKey{}, false, nil
	}
	if k.State == keyhatch.AccessKeyPending {
		return k, false, nil
	}
	order, err := orderOf(k, image, now)
	return k, err == nil && digest(order) != k.Applied, err
}

// askFor notes that the stores of keys have to follow, unless they do so already.
func (svc *Service) askFor(ctx context.Context, stale []keyhatch.AccessKey) error {
	defer svc.kick()
	return svc.k.DB.Write(ctx, func(tx *db.Tx) error {
		for _, k := range stale {
			now, err := tx.AccessKey(ctx, k.ID)
			if errors.Is(err, keyhatch.NotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if now.Revision != k.Revision || now.Applied != k.Applied || now.State == keyhatch.AccessKeyPending {
				continue // it was changed since: the next look tells
			}
			now.State, now.Reason = keyhatch.AccessKeyPending, ""
			now.Revision++
			if err := tx.UpdateAccessKeyState(ctx, now); err != nil {
				return err
			}
			if err := tx.AskJob(ctx, Job(now, svc.k.Now(), time.Time{})); err != nil {
				return err
			}
		}
		return nil
	})
}
