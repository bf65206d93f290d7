package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"

	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/db"
)

type migrateCommand struct {
	Config string `default:"keyhatch.yaml" type:"path" help:"Configuration file of the installation."`
}

// Run brings the schema up. It may be run again: what is done is not done twice.
func (m migrateCommand) Run(ctx context.Context, s ask.Streams) error {
	c, err := config.Read(m.Config)
	if err != nil {
		return err
	}
	address, err := c.DatabaseAddress()
	if err != nil {
		return err
	}
	from, to, err := db.Migrate(ctx, address, sync.OnceFunc(func() {
		fmt.Fprintln(s.Err, "keyhatch: others read what is to be changed, a backup perhaps: it is tried again until they have ended")
	}))
	if err != nil {
		return err
	}
	if from == to {
		_, err = fmt.Fprintf(s.Out, "the schema has version %d already\n", to)
	} else {
		_, err = fmt.Fprintf(s.Out, "the schema went from version %d to %d\n", from, to)
	}
	return err
}
