package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/cmd/keyhatch/agefile"
	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"
	"github.com/keyhatch/keyhatch/db/dump"
)

type backupCommand struct {
	ask.Format
	Config         string   `default:"keyhatch.yaml" type:"path" help:"Configuration file of the installation."`
	To             string   `required:"" type:"path" placeholder:"FILE" help:"New file (0600) to write."`
	Recipient      []string `placeholder:"age1…" help:"Who can read it: the public key of an age identity. May be given again."`
	RecipientsFile []string `type:"path" placeholder:"FILE" help:"File of recipients, one a line. May be given again."`
}

// Help is what --help says beside the flags.
func (backupCommand) Help() string {
	return `It may run beside servers: all tables are written as they were at one moment. Objects are not in it, nor the key file, without which nobody can restore it: keep a copy of that elsewhere. See docs/backup.md.`
}

// progressAfter is how long nobody asks what a command does.
const progressAfter = time.Second

// Run writes a backup. Nothing is left when it cannot be done.
func (b backupCommand) Run(ctx context.Context, s ask.Streams) error {
	to, err := agefile.Recipients(b.Recipient, b.RecipientsFile)
	if err != nil {
		return ask.UsageError{Err: err}
	}
	c, err := config.Read(b.Config)
	if err != nil {
		return err
	}
	d, _, err := openStore(ctx, c)
	if err != nil {
		return err
	}
	defer d.Close()
	file, err := agefile.Create(b.To, to)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	told, end := tables(s, "written")
	summary, err := d.Dump(ctx, file, told)
	end()
	if err != nil {
		return errors.Join(fmt.Errorf("backup: %w", err), file.Abandon())
	}
	size, err := file.Commit()
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return b.Write(s.Out, backedUp{
		File: b.To, Bytes: size, Installation: summary.Cluster, TakenAt: summary.TakenAt, Schema: summary.Schema, Rows: summary.Rows(), Tables: summary.Tables,
	}, func(out io.Writer) error {
		if _, err := fmt.Fprintf(out, "Installation %s is in %s (%d bytes), as it was at %s.\n\n", summary.Cluster, ask.Printable(b.To), size,
			summary.TakenAt.Format(time.RFC3339)); err != nil {
			return err
		}
		rows := [][]string{{"TABLE", "ROWS"}}
		for _, t := range summary.Tables {
			if t.Rows > 0 {
				rows = append(rows, []string{t.Name, strconv.FormatInt(t.Rows, 10)})
			}
		}
		if err := ask.Columns(out, rows); err != nil {
			return err
		}
		_, err := fmt.Fprintln(out, "\nIt can be restored with the key-encryption key of this installation alone, which is not in it.")
		return err
	})
}

// backedUp is what a program is told of a backup.
type backedUp struct {
	File         string         `json:"file"`
	Bytes        int64          `json:"bytes"`
	Installation string         `json:"installation"`
	TakenAt      time.Time      `json:"taken_at"`
	Schema       int            `json:"schema"`
	Rows         int64          `json:"rows"`
	Tables       []dump.Counted `json:"tables"`
}

// tables tells a person how far it is.
func tables(s ask.Streams, done string) (told func(string, int64), end func()) {
	progress := ask.NewProgress(s, progressAfter)
	return func(table string, rows int64) {
		progress.Tell(fmt.Sprintf("table %s: rows %s %d", table, done, rows))
	}, progress.End
}
