package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch/audit"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/cmd/keyhatch/agefile"
	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dump"
	"github.com/keyhatch/keyhatch/seal"
)

type restoreCommand struct {
	ask.Format
	File     string `arg:"" type:"path" help:"What keyhatch backup has written."`
	Identity string `required:"" type:"path" placeholder:"FILE" help:"File with the age identity of one of its recipients."`
	Config   string `default:"keyhatch.yaml" type:"path" help:"Configuration file. Its database must be empty, its key the one of the installation."`
	Admin    string `default:"admin" help:"Name of the installation admin who is let in; made if there is none."`
}

// Help is what --help says beside the flags.
func (restoreCommand) Help() string {
	return `What was revoked since the backup is not known, so nothing in it lets anybody in: tokens, passwords, sessions, leases and access keys have ended, and users are inactive until an admin lets them in again. The token of the one admin who is let in is printed. See docs/backup.md.`
}

// Run puts an installation back. All of it happens, or nothing.
func (r restoreCommand) Run(ctx context.Context, s ask.Streams) error {
	with, err := agefile.Identities(r.Identity)
	if err != nil {
		return err
	}
	c, err := config.Read(r.Config)
	if err != nil {
		return err
	}
	file, err := agefile.Open(r.File, with)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer file.Close()
	if err := makeRoots(c); err != nil { // before: what is told at the end is told once
		return fmt.Errorf("restore: %w", err)
	}
	told, end := tables(s, "restored")
	summary, done, err := putBack(ctx, c, file, r.Admin, told)
	end()
	if err != nil {
		return fmt.Errorf("restore %s: %w", r.File, err)
	}
	return r.Write(s.Out, restored{
		Installation: summary.Cluster, TakenAt: summary.TakenAt, Schema: summary.Schema, Rows: summary.Rows(),
		RestoredAt: done.At, Ended: done.Ended, Admin: done.Admin.Name, Token: done.Secret.Reveal(),
	}, func(out io.Writer) error {
		_, err := fmt.Fprintf(out, `Installation %s is back, as it was at %s: rows %d.

  ended  %s

Nobody is let in but the admin %q, whose token is shown this once:

  %s

Next: keyhatch serve --config %s, and for each user who is to come back: keyhatch user update NAME --active
`, summary.Cluster, summary.TakenAt.Format(time.RFC3339), summary.Rows(), counts(done.Ended), done.Admin.Name, done.Secret.Reveal(), ask.Printable(r.Config))
		return err
	})
}

// restored is what a program is told of a restore.
type restored struct {
	Installation string           `json:"installation"`
	TakenAt      time.Time        `json:"taken_at"`
	Schema       int              `json:"schema"`
	Rows         int64            `json:"rows"`
	RestoredAt   time.Time        `json:"restored_at"`
	Ended        map[string]int64 `json:"ended"`
	Admin        string           `json:"admin"`
	Token        string           `json:"token"`
}

// putBack fills the database of a configuration, which must be empty.
func putBack(ctx context.Context, c config.Config, from io.Reader, admin string, told func(string, int64)) (s dump.Summary, done broker.Restored, err error) {
	address, err := c.DatabaseAddress()
	if err != nil {
		return s, done, err
	}
	if err := absent(databaseFiles(c)...); err != nil {
		return s, done, err
	}
	root, err := c.Arvados.RootSecret()
	if err != nil {
		return s, done, err
	}
	var keys *seal.Keyring
	err = db.Restore(ctx, address, db.Restoring{
		Dump: from,
		Told: told,
		Key: func(ctx context.Context, r db.Reader) (audit.MAC, error) {
			if keys, err = c.OpenKeys(ctx, r); err != nil {
				return nil, err
			}
			return keys.AuditMAC, nil
		},
		Then: func(tx *db.Tx, of dump.Summary) (err error) {
			s = of
			done, err = broker.Restore(ctx, tx, keys, admin, root, of.TakenAt)
			return err
		},
	})
	return s, done, err
}

// databaseFiles are those of an SQLite database; one on a server has none.
func databaseFiles(c config.Config) []string {
	if db.OnServer(c.Database) {
		return nil
	}
	return []string{c.Database, c.Database + "-wal", c.Database + "-shm"}
}

// absent refuses what is there.
func absent(paths ...string) error {
	for _, path := range paths {
		if _, err := os.Lstat(path); path != "" && err == nil {
			return fmt.Errorf("%s exists already: an installation is never overwritten", path)
		} else if path != "" && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

func counts(of map[string]int64) string {
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(of)) {
		parts = append(parts, fmt.Sprintf("%s %d", strings.ReplaceAll(what, "_", " "), of[what]))
	}
	return strings.Join(parts, ", ")
}
