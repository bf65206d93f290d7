package keys

import (
	"context"
	"errors"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/seal"
)

// reseal seals with the primary key what is sealed with another one. What does not
// open is left as it is, and keeps its key.
func (svc *Service) reseal(ctx context.Context) error {
	key := primary(svc.k.Keys.Keys(seal.ColumnsKeyset))
	done, left := 0, 0
	for _, column := range db.SealedColumns {
		for after, more := "", true; more; {
			var b batch
			var err error
			if b, err = svc.resealSome(ctx, column, key, after); err != nil {
				return err
			}
			done, left, after, more = done+b.done, left+b.left, b.last, b.more
			if more {
				if err := rest(ctx, svc.pace.Pause); err != nil {
					return err
				}
			}
		}
	}
	if done > 0 {
		// What this process has in memory is still sealed with the old key.
		if err := svc.k.Mirror.CatchUp(ctx); err != nil {
			return err
		}
		svc.log.InfoContext(ctx, "secrets were sealed anew", "key", KeyText(key), "secrets", done, "left", left)
	}
	return nil
}

// batch is what a transaction did.
type batch struct {
	done, left int
	last       string // id of the last row that it looked at
	more       bool
}

// resealSome takes the rows behind an id, in a transaction in which nobody else
// writes: a secret that is set meanwhile is set before, and read here, or after.
func (svc *Service) resealSome(ctx context.Context, c db.SealedColumn, key uint32, after string) (b batch, err error) {
	look := func(r db.Reader) ([]db.SealedRow, error) {
		return r.SealedOtherwise(ctx, c, seal.Prefix(key), db.Page{After: after, Limit: svc.pace.Batch})
	}
	// It is looked first without keeping others from writing: mostly there is nothing.
	if rows, err := look(svc.k.DB.Reader); err != nil || len(rows) == 0 {
		return batch{}, err
	}
	err = svc.k.DB.Write(ctx, func(tx *db.Tx) error {
		b = batch{}
		rows, err := look(tx.Reader)
		if err != nil {
			return err
		}
		b.more = len(rows) == svc.pace.Batch
		for _, row := range rows {
			b.last = row.ID
			did, err := svc.resealRow(ctx, tx, c, row)
			if err != nil {
				return err
			}
			if did {
				b.done++
			} else {
				b.left++
			}
		}
		if b.done == 0 {
			return nil
		}
		now := svc.k.Now()
		return tx.Record(ctx, keyhatch.Event{
			ID: keyhatch.NewID(keyhatch.EventID, now), At: now, Action: Resealed, Target: c.Table,
			Detail: kernel.Detail("column", c.Column, "key", KeyText(key), "count", number(b.done), "left", number(b.left), "last", b.last),
		})
	})
	return b, err
}

func (svc *Service) resealRow(ctx context.Context, tx *db.Tx, c db.SealedColumn, row db.SealedRow) (done bool, err error) {
	secret, err := svc.k.Keys.OpenColumn(c.Table, row.ID, c.Column, row.Sealed)
	if errors.Is(err, keyhatch.Unavailable) {
		return false, err
	}
	if err != nil {
		if place := c.Table + " " + row.ID + " " + c.Column; !svc.run.stuck[place] {
			svc.run.stuck[place] = true
			svc.log.ErrorContext(ctx, "a secret cannot be sealed anew, so that its old key cannot go: set it again", "error", err)
		}
		return false, nil
	}
	sealed, err := svc.k.Keys.SealColumn(c.Table, row.ID, c.Column, secret)
	if err != nil {
		return false, err
	}
	return tx.Reseal(ctx, c, row, sealed)
}

func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
