package storekeys

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/driver"
)

// The events of what a store has done with a key.
const (
	Configured keyhatch.Action = "access_key.configured"
	Failed     keyhatch.Action = "access_key.failed"
	// Withdrawn: a pair has ended; the reason says why.
	Withdrawn keyhatch.Action = "access_key.withdraw"
	// NotIssued: a pair was to be issued, and nobody got one; the reason says why.
	NotIssued keyhatch.Action = "access_key.not_issued"
	// Surplus: the store has a pair that is not on record, and is told to end it.
	Surplus keyhatch.Action = "access_key.surplus"
	// Removed: the store has a key no more that is not on record; the reason says why.
	Removed keyhatch.Action = "access_key.removed"
)

// IssueFor is how long nobody else does anything with a key in its store while that issues
// a pair.
const IssueFor = time.Minute

// Service does what there is to do.
type Service struct {
	k       *kernel.Kernel
	keepers map[keyhatch.KeysOf]driver.KeyProvisioner
	kick    func()
	log     *slog.Logger
}

// New makes the service. keepers keep the keys of stores, and kick has jobs done that were
// asked for.
func New(k *kernel.Kernel, keepers map[keyhatch.KeysOf]driver.KeyProvisioner, kick func(), log *slog.Logger) *Service {
	return &Service{k, keepers, kick, log}
}

// Keeps tells whether this process can reach stores whose keys are kept so.
func (svc *Service) Keeps(of keyhatch.KeysOf) bool { return svc.keepers[of] != nil }

// EndPair removes a pair of a key from the record, and says why in an event.
func EndPair(w *kernel.Work, key keyhatch.AccessKey, accessKeyID, why string) error {
	if err := w.Tx.DeletePair(w.Ctx, key, accessKeyID); err != nil {
		return err
	}
	if err := w.Tx.PairTold(w.Ctx, key, accessKeyID); err != nil {
		return err
	}
	return w.Record(Withdrawn, key.Workspace, key.ID, kernel.Detail("name", key.Name, "access_key_id", accessKeyID, "reason", why))
}

// NoteSurplus puts on record that pairs of a key which its store has, and the record has
// not, are ended there. It comes before the store is told: of what was ended and not noted
// nobody would learn any more. A pair of which an event tells already is not told again. Of a
// key that was deleted nothing is put on record: it is keyhatch.NotFound.
func (svc *Service) NoteSurplus(ctx context.Context, key keyhatch.AccessKey, pairs []string) error {
	untold := map[string]string{} // why they are ended
	for _, id := range pairs {
		known, told, err := svc.k.DB.EndedPair(ctx, key.ID, id)
		switch {
		case err != nil:
			return err
		case told:
		case known:
			untold[id] = "it had ended on record"
		default:
			untold[id] = "nobody was handed it out"
		}
	}
	if len(untold) == 0 {
		return nil
	}
	return svc.k.ByItself(ctx, func(w *kernel.Work) error {
		if _, err := w.AccessKey(ctx, key.ID); err != nil { // deleted meanwhile, it goes from its store with all its pairs
			return err
		}
		for _, id := range slices.Sorted(maps.Keys(untold)) {
			if err := w.Tx.PairTold(ctx, key, id); err != nil {
				return err
			}
			if err := w.Record(Surplus, key.Workspace, key.ID, kernel.Detail("name", key.Name, "store", key.Store, "access_key_id", id, "reason", untold[id])); err != nil {
				return err
			}
		}
		return nil
	})
}
