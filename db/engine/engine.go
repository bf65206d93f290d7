// Package engine is what the tables need of a database engine: connections, and
// which rule of the tables a statement broke. It names no engine; db/sqlite is
// one.
package engine

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Pools are the connections to one open database.
type Pools struct {
	Reads  *sql.DB // cannot write
	Feed   *sql.DB // one connection for snapshots, which nothing else waits for; cannot write
	Writes *sql.DB // of the one writer

	// Turn begins a transaction that writes by waiting until no other process does. It is
	// nil where a transaction of Writes does so by itself; there, what fails to commit was
	// not kept.
	Turn func(context.Context, *sql.Tx) error
	// Brief has the statements of a transaction that follow wait for others, who read what
	// is to be changed, for a moment only; Held tells whether one has failed since these go on.
	// Nil, both: nobody is waited for.
	Brief func(context.Context, *sql.Tx) error
	Held  func(error) bool
	// Notify has those hear of the transaction, once it is committed, who are in Listen,
	// in any process. They may be told too often, and not at all. Nil, both: nobody is.
	Notify func(context.Context, *sql.Tx) error
	// Listen calls heard, which must not wait, until its connection is lost or ctx ends.
	Listen func(ctx context.Context, heard func()) error
	// Snapshots are the options of a transaction that reads what was there at one moment.
	Snapshots sql.TxOptions
	// Definition writes the definition of a table as the engine has it. Nil: as it is.
	Definition func(string) string
}

// Limits bound what a program asks of a server of databases. Zero is the engine's own choice.
type Limits struct {
	Connections int           // that read at a time
	Statement   time.Duration // that a statement may take, with what it waits for; others are less by it
	Unhurried   bool          // a statement may take as long as it needs, and waits as long
}

// Close closes the connections; a pool that is nil was not opened.
func (p Pools) Close() (err error) {
	for _, pool := range []*sql.DB{p.Writes, p.Feed, p.Reads} {
		if pool != nil {
			err = errors.Join(err, pool.Close())
		}
	}
	return err
}

// Constraint is a rule of the tables.
type Constraint int

// The rules that a request can break.
const (
	NoConstraint Constraint = iota // it broke none
	UniqueID                       // a row of the id exists
	UniqueName                     // something else that must be unique exists
	Reference                      // what the row names does not exist, or the row is named by another
)

// Server is how a server of databases is set up.
type Server struct {
	Version     string
	At          time.Time // by its clock
	Connections int       // that it takes
	Taken       int       // of them
	// What is not on the disk when it tells of a commit, or can be lost there when the machine stops: the
	// names of its settings that allow it.
	Forgetful []string
}
