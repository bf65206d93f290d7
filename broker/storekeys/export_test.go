package storekeys

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
)

// Follower is what Follow has look each second.
type Follower struct{ f *follower }

func NewFollower(svc *Service) Follower { return Follower{newFollower(svc)} }

// Look looks, and tells at how many keys.
func (f Follower) Look(ctx context.Context) (keys int, err error) {
	if err := f.f.note(ctx); err != nil {
		return 0, err
	}
	keys = len(f.f.due)
	return keys, f.f.look(ctx)
}

// Applied is what is written down of a key that its store has as it is to be.
func Applied(k keyhatch.AccessKey, facts policy.KeyFacts, now time.Time) (string, error) {
	order, err := orderOf(k, facts, now)
	return digest(order), err
}
