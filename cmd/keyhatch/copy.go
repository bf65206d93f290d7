package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"
	"github.com/keyhatch/keyhatch/db"
)

type copyCommand struct {
	From         string `required:"" placeholder:"sqlite:FILE" help:"The SQLite file of the installation. Its server must be stopped."`
	To           string `required:"" placeholder:"postgres://USER@HOST/DATABASE" help:"An empty PostgreSQL database."`
	PasswordFile string `type:"path" placeholder:"FILE" help:"Holds the password of PostgreSQL's user, readable by its owner only."`
}

// Run copies an installation. What is there already is left as it is.
func (c copyCommand) Run(ctx context.Context, s ask.Streams) error {
	address, err := config.AddressOf(c.To, c.PasswordFile)
	if err != nil {
		return err
	}
	progress := ask.NewProgress(s, time.Second)
	tables, rows, err := db.Copy(ctx, strings.TrimPrefix(c.From, "sqlite:"), address, func(table string, rows int64) {
		progress.Tell(fmt.Sprintf("copying %s: %d rows", table, rows))
	})
	progress.End()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "%d rows of %d tables were copied, and compared with what has arrived.\nName that database in the configuration, as database and database_password_file, then run keyhatch audit verify.\nThe file is as it was: never serve from it again.\n", rows, tables)
	return err
}
