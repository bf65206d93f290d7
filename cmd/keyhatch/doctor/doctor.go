// Package doctor looks at an installation and says what is wrong with it, and what to do. It
// changes nothing and takes no address, so that it can be asked beside servers.
package doctor

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/seal"
)

// State is how something is.
type State string

// The states.
const (
	OK        State = "ok"
	Warning   State = "warning"
	Failed    State = "failed"
	NotLooked State = "not looked at" // what it needs has failed
)

// Finding is what was found about one thing.
type Finding struct {
	Check string `json:"check"`
	About string `json:"about,omitempty"` // one of several that are checked alike: a store's name
	State State  `json:"state"`
	Found string `json:"found"`
	Next  string `json:"next,omitempty"` // what to do, where it is not OK
}

// check is one thing that is looked at.
type check struct {
	name  string
	needs string // another check, which must not have failed; that one needs what it needs
	look  func(context.Context, *patient) []Finding
}

// checks are all, in the order in which they are made.
var checks = []check{
	{"configuration", "", configuration},
	{"listener", "configuration", listeners},
	{"folder", "configuration", folders},
	{"database", "configuration", database},
	{"schema", "database", schema},
	{"key", "schema", keys},
	{"audit record", "key", auditRecord},
	{"store", "key", stores},
	{"issuer", "configuration", trusted},
	{"login", "configuration", logins},
	{"clock", "configuration", clocks}, // last: it compares with whom was asked before
}

// timeout is how long each thing may take: a database, a store.
const timeout = 10 * time.Second

// patient is what is looked at, as far as that was opened.
type patient struct {
	path      string // of the configuration
	config    config.Config
	transport http.RoundTripper
	db        *db.Looking
	keys      *seal.Keyring
	clocks    differences
}

// Examine looks at the installation of a configuration file. told hears what is looked at
// next.
func Examine(ctx context.Context, path string, told func(string)) (findings []Finding, err error) {
	p := &patient{path: path}
	defer func() {
		if p.db != nil {
			err = errors.Join(err, p.db.Close())
		}
	}()
	lost := map[string]string{} // why checks were of no use to those that need them
	for _, c := range checks {
		if why := lost[c.needs]; why != "" {
			lost[c.name] = why
			findings = append(findings, Finding{Check: c.name, State: NotLooked, Found: why})
			continue
		}
		told("looking at: " + c.name)
		for _, f := range c.look(ctx, p) {
			f.Check = c.name
			if f.State == Failed {
				lost[c.name] = "the " + c.name + " has failed"
			}
			findings = append(findings, f)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return findings, nil
}

// What is found, in short.
func ok(about, found string) Finding { return Finding{About: about, State: OK, Found: found} }

func warning(about, found, next string) Finding {
	return Finding{About: about, State: Warning, Found: found, Next: next}
}

func failed(about, found, next string) Finding {
	return Finding{About: about, State: Failed, Found: found, Next: next}
}

func one(f Finding) []Finding { return []Finding{f} }
