package keys

import (
	"context"
	"log/slog"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/seal"
)

// Rewrap wraps the keysets with the current key-encryption key that are wrapped with
// a previous one, all in one transaction, and says that the previous one may go. A
// process does it when it starts; nobody can be asked, who has both keys has
// everything.
func Rewrap(ctx context.Context, d *db.DB, ring *seal.Keyring, log *slog.Logger) error {
	current := ring.KEKs()[0]
	changes, err := ring.Rewrapped()
	if err != nil {
		return err
	}
	if len(changes) == 0 {
		for _, previous := range ring.KEKs()[1:] {
			log.InfoContext(ctx, "no keyset is wrapped with the previous key-encryption key: it may go, unless a backup that you would put back is", "key", previous, "current", current)
		}
		return nil
	}
	err = d.Write(ctx, func(tx *db.Tx) error {
		at := kernel.Stored(time.Now())
		for _, c := range changes {
			if err := tx.ReplaceKeyset(ctx, c.Old, c.New); err != nil {
				return err
			}
			err := tx.Record(ctx, keyhatch.Event{
				ID: keyhatch.NewID(keyhatch.EventID, at), At: at, Action: Rewrapped, Target: c.New.Name,
				Detail: kernel.Detail("key", c.New.KEK, "instead_of", c.Old.KEK),
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	log.InfoContext(ctx, "the keysets are wrapped with the current key-encryption key now: the previous one may go, unless a backup that you would put back is wrapped with it",
		"key", changes[0].Old.KEK, "current", current)
	return ring.Reload(ctx)
}
