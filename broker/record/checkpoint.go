package record

import (
	"context"
	"slices"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/audit"
	"github.com/keyhatch/keyhatch/db"
)

// Checkpointed is the event that says how far the chains of other processes have come.
const Checkpointed keyhatch.Action = "audit.checkpoint"

const (
	// apart is how far the clocks of servers may be apart: a chain is seen once too often
	// and never too seldom.
	apart = time.Hour
	// maxSeen bounds an event, and so what one line of the record holds.
	maxSeen = 200
)

// Checkpoint records how far the chains of other processes have come that went on since the
// last checkpoint. It returns the heads of all chains that did, this process's too.
func (svc *Service) Checkpoint(ctx context.Context) (heads []audit.Head, err error) {
	err = svc.k.DB.Write(ctx, func(tx *db.Tx) error {
		last, _, err := tx.LastEventOf(ctx, Checkpointed)
		if err != nil {
			return err
		}
		if heads, err = tx.AuditHeadsSince(ctx, last.At.Add(-apart)); err != nil {
			return err
		}
		others := slices.DeleteFunc(slices.Clone(heads), func(h audit.Head) bool { return h.Chain == tx.OwnChain() })
		for part := range slices.Chunk(others, maxSeen) {
			now := svc.k.Now()
			e := keyhatch.Event{ID: keyhatch.NewID(keyhatch.EventID, now), At: now, Action: Checkpointed, Detail: audit.Checkpoint(part)}
			e.Target = e.ID
			if err := tx.Record(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
	return heads, err
}
