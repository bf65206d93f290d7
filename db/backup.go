package db

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/keyhatch/keyhatch/audit"
	"github.com/keyhatch/keyhatch/db/dump"
	"github.com/keyhatch/keyhatch/db/engine"
	"github.com/keyhatch/keyhatch/db/schema"
)

// Dump writes all tables as they were at one moment, signed with the key of the audit
// record. Others go on writing meanwhile. told may be nil.
func (d *DB) Dump(ctx context.Context, to io.Writer, told func(table string, rows int64)) (s dump.Summary, err error) {
	if d.mac == nil {
		return s, errors.New("back up: no audit key")
	}
	version, err := schema.Current()
	if err != nil {
		return s, err
	}
	sign := func(digest []byte) []byte { return audit.SignBackup(digest, d.mac) }
	err = d.Snapshot(ctx, func(r Reader) error {
		// Who reads a table has it stay as it is: after this none is changed, and what was
		// changed before it is told by the version, which is not that of the snapshot.
		tables, err := dump.Read(ctx, r.q)
		if err != nil {
			return err
		}
		if err := schema.CheckOwn(ctx, d.pools.Reads); err != nil {
			return err
		}
		cluster, err := r.ClusterID(ctx)
		if err != nil {
			return err
		}
		s, err = dump.Write(ctx, r.q, tables, to, dump.Header{Schema: version, Cluster: cluster, TakenAt: time.Now().UTC()}, sign, told)
		return err
	})
	return s, err
}

// ErrOtherBackup is the cause of the refusal of a backup that was not made with the keys of
// the installation that is in it.
var ErrOtherBackup = errors.New("the backup was not made by who had the keys of the installation that is in it: it is not restored")

// Restoring is how a database is made from a dump.
type Restoring struct {
	Dump io.Reader
	Told func(table string, rows int64) // may be nil
	// Key opens the keys that the tables have, and returns that of the audit record.
	Key func(context.Context, Reader) (audit.MAC, error)
	// Then is the first write to the tables, part of the restore.
	Then func(*Tx, dump.Summary) error
}

// Restore makes a new database, as Create does, and fills it from a dump. One that fails leaves
// nothing; one that is killed may leave a file, which the next one refuses, and which may be deleted.
func Restore(ctx context.Context, address string, r Restoring) (err error) {
	pools, err := create(ctx, address, engine.Limits{Unhurried: true})
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, pools.Close())
		if err != nil {
			err = errors.Join(err, discard(address))
		}
	}()
	return r.fill(ctx, pools)
}

func (r Restoring) fill(ctx context.Context, pools engine.Pools) error {
	tx, err := pools.Writes.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	if pools.Turn != nil {
		if err := pools.Turn(ctx, tx); err != nil {
			return err
		}
	}
	s, err := dump.Load(ctx, tx, r.Dump, func(h dump.Header) error { return schema.Make(ctx, pools, tx, h.Schema) }, r.Told)
	if err != nil {
		return err
	}
	if err := schema.Raise(ctx, pools, tx, s.Schema); err != nil {
		return fmt.Errorf("bring the backup up from version %d of the schema: %w", s.Schema, err)
	}
	key, err := r.Key(ctx, Reader{tx})
	if err != nil {
		return err
	}
	if !audit.GenuineBackup(s.SHA256, s.Sign, key) {
		return ErrOtherBackup
	}
	var c chain
	if err := r.Then(&Tx{Reader: Reader{tx}, mac: key, chain: &c}, s); err != nil {
		return err
	}
	if err := saveHead(ctx, tx, chain{}, c); err != nil {
		return err
	}
	return tx.Commit()
}
