package storekeys

import (
	"context"
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
	f := follower{svc: svc}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := f.look(ctx); err != nil && ctx.Err() == nil {
			svc.log.WarnContext(ctx, "it cannot be told what stores are to have of access keys", "error", err)
		}
	}
}

// follower remembers until where it has looked: nothing is computed while nothing
// changes.
type follower struct {
	svc    *Service
	looked bool
	seq    int64     // of the newest change that was looked at
	next   time.Time // when the first key ends; zero: none does
}

// look asks for jobs for the keys of which stores have something else than they are to
// have, and of which none waits.
func (f *follower) look(ctx context.Context) error {
	svc, now, seq := f.svc, f.svc.k.Now(), f.svc.k.Mirror.Seq()
	if f.looked && seq == f.seq && (f.next.IsZero() || now.Before(f.next)) {
		return nil
	}
	keys, err := svc.keptKeys(ctx)
	if err != nil {
		return err
	}
	var stale []keyhatch.AccessKey
	var next time.Time
	for _, k := range keys {
		if k.ExpiresAt.After(now) && (next.IsZero() || k.ExpiresAt.Before(next)) {
			next = k.ExpiresAt
		}
		if k.State == keyhatch.AccessKeyPending {
			continue // its job will look
		}
		wanted := ""
		err := svc.k.Mirror.View(ctx, func(image *mirror.Image) error { // each by itself: others wait meanwhile
			order, err := orderOf(k, image, now)
			wanted = digest(order)
			return err
		})
		if err != nil {
			return err
		}
		if wanted != k.Applied {
			stale = append(stale, k)
		}
	}
	if err := svc.askFor(ctx, stale); err != nil {
		return err
	}
	f.looked, f.seq, f.next = true, seq, next
	return nil
}

// keptKeys are the keys of stores that keep them.
func (svc *Service) keptKeys(ctx context.Context) (keys []keyhatch.AccessKey, err error) {
	err = svc.k.Mirror.View(ctx, func(image *mirror.Image) error {
		for k := range image.AccessKeys() {
			if s, err := image.Store(k.Store); err == nil && s.Keys.Kept() {
				keys = append(keys, k)
			}
		}
		return nil
	})
	return keys, err
}

// askFor notes that the stores of keys have to follow, unless they do so already.
func (svc *Service) askFor(ctx context.Context, stale []keyhatch.AccessKey) error {
	if len(stale) == 0 {
		return nil
	}
	defer svc.kick()
	return svc.k.DB.Write(ctx, func(tx *db.Tx) error {
		for _, k := range stale {
			now, err := tx.AccessKey(ctx, k.ID)
			if err != nil || now.Revision != k.Revision || now.Applied != k.Applied || now.State == keyhatch.AccessKeyPending {
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
