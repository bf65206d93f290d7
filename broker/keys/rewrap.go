package keys

import (
	"context"
	"errors"
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
// everything. Of two that start at once one finds it done.
func Rewrap(ctx context.Context, d *db.DB, ring *seal.Keyring, log *slog.Logger) error {
	for {
		changes, err := ring.Rewrapped()
		if err != nil {
			return err
		}
		if len(changes) == 0 {
			tellPrevious(ctx, ring, log)
			return nil
		}
		err = rewrap(ctx, d, changes)
		if err != nil && !errors.Is(err, keyhatch.Conflict) {
			return err
		}
		if err := ring.Reload(ctx); err != nil {
			return err
		}
	}
}

func rewrap(ctx context.Context, d *db.DB, changes []seal.Replacement) error {
	return d.Write(ctx, func(tx *db.Tx) error {
		at := kernel.Stored(time.Now())
		for _, c := range changes {
			if err := tx.RewrapKeyset(ctx, c.Old, c.New); err != nil {
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
}

func tellPrevious(ctx context.Context, ring *seal.Keyring, log *slog.Logger) {
	ids := ring.KEKs()
	for _, previous := range ids[1:] {
		log.InfoContext(ctx, "all keysets are wrapped with the current key-encryption key: the previous one may go, unless a backup that you would put back is wrapped with it",
			"previous", previous, "current", ids[0])
	}
}
