package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	"github.com/keyhatch/keyhatch/db/engine"
	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"
)

// OpenAlone is Open of a file that no other process has open.
func OpenAlone(ctx context.Context, path string, tables ...string) (engine.Pools, error) {
	if err := checkOurs(ctx, path, tables); err != nil {
		return engine.Pools{}, err
	}
	if err := checkAlone(ctx, path); err != nil {
		return engine.Pools{}, fmt.Errorf("database %s: %w", path, err)
	}
	return open(ctx, path)
}

// checkAlone takes the file for itself for a moment, which nobody can while another process
// has it open, whatever that does.
func checkAlone(ctx context.Context, path string) (err error) {
	p, err := sql.Open("sqlite", fileURL(path, url.Values{"_txlock": {"immediate"}, "_pragma": {"busy_timeout(0)", "locking_mode(exclusive)"}}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	tx, err := p.BeginTx(ctx, nil)
	var failed *driver.Error
	if errors.As(err, &failed) && failed.Code()&0xff == codes.SQLITE_BUSY {
		return errors.New("a server or another program has it open: stop that first")
	}
	if err != nil {
		return err
	}
	return tx.Rollback()
}
