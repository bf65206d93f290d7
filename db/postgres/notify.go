package postgres

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// channel is the name by which notifications go.
const channel = "keyhatch_changes"

// quietFor is after how long without a notification a listener looks whether its
// connection is still there.
const quietFor = 10 * time.Second

func notify(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "select pg_notify($1, '')", channel)
	return err
}

// listener listens on a connection of its own.
func listener(address string) func(context.Context, func()) error {
	return func(ctx context.Context, heard func()) error {
		config, err := settings(address)
		if err != nil {
			return err
		}
		c, err := pgx.ConnectConfig(ctx, config)
		if err != nil {
			return err
		}
		defer func() {
			closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_ = c.Close(closing)
		}()
		if _, err := c.Exec(ctx, "listen "+channel); err != nil {
			return err
		}
		heard() // of what was before
		for {
			waiting, cancel := context.WithTimeout(ctx, quietFor)
			_, err := c.WaitForNotification(waiting)
			cancel()
			switch {
			case err == nil:
				heard()
			case ctx.Err() != nil:
				return ctx.Err()
			case errors.Is(err, context.DeadlineExceeded):
				asking, cancel := context.WithTimeout(ctx, quietFor)
				err = c.Ping(asking)
				cancel()
				if err != nil {
					return err
				}
			default:
				return err
			}
		}
	}
}
