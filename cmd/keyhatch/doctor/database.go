package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch/db"
)

// database opens the database, and looks at how it is set up.
func database(ctx context.Context, p *patient) (out []Finding) {
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	address, err := p.config.DatabaseAddress()
	if err != nil {
		return one(failed("", err.Error(), mend))
	}
	if p.db, err = db.Look(ctx, address); err != nil {
		next := "see that it runs, that this machine reaches it, and that database and database_password_file name it and its user's password"
		if !db.OnServer(address) {
			next = "name it as database, or put it back from a backup: docs/backup.md"
		}
		return one(failed("", err.Error(), next))
	}
	if !db.OnServer(address) {
		return databaseFile(address)
	}
	asked := time.Now()
	s, err := p.db.Server(ctx)
	if err != nil {
		return one(failed("", err.Error(), "run doctor again; then look at the log of PostgreSQL"))
	}
	p.clocks.note("the database", s.At, asked, time.Now())
	for _, setting := range s.Forgetful {
		out = append(out, warning("", setting+" is off: what was acknowledged is lost when its machine stops", "set "+setting+" = on in postgresql.conf"))
	}
	mine := p.config.DatabaseConnections
	if mine == 0 {
		mine = 4 * runtime.GOMAXPROCS(0)
	}
	mine += ownConnections
	if s.Taken+mine > s.Connections {
		out = append(out, warning("", fmt.Sprintf("it takes %d connections, %d are open, and a server opens up to %d", s.Connections, s.Taken, mine),
			"raise max_connections of PostgreSQL, or lower database_connections: docs/replicas.md"))
	}
	if len(out) == 0 {
		out = one(ok("", fmt.Sprintf("PostgreSQL %s, %d of %d connections are open", s.Version, s.Taken, s.Connections)))
	}
	return out
}

// ownConnections are those that a server opens besides database_connections: to write, to
// follow the change feed, and to hear of it.
const ownConnections = 3

func databaseFile(path string) (out []Finding) {
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		out = append(out, warning("", fmt.Sprintf("%s can be read by others (mode %04o)", path, info.Mode().Perm()), "chmod 600 "+path))
	}
	if name := networked(path); name != "" {
		out = append(out, failed("", path+" is on "+name+": SQLite's locks do not hold there, and it can be damaged", "move it to a local disk, or to PostgreSQL: docs/replicas.md"))
	}
	if folder := filepath.Dir(path); !writable(folder) {
		out = append(out, failed("", "this user may not write to "+folder+", in which SQLite makes files beside the database", "chown it to the user that the server runs as, and run doctor as that user"))
	}
	space := room(path, "nothing can be lent when it is full, since that is recorded")
	space.About, space.Found = "", strings.Join([]string{path, space.Found}, ": ")
	if space.State != OK || len(out) == 0 {
		out = append(out, space)
	}
	return out
}

func schema(ctx context.Context, p *patient) []Finding {
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	version, err := p.db.Schema(ctx)
	if err != nil {
		return one(failed("", err.Error(), "`keyhatch migrate` brings an earlier schema up; a later one wants a later program"))
	}
	return one(ok("", fmt.Sprintf("version %d", version)))
}

func keys(ctx context.Context, p *patient) []Finding {
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	ring, err := p.config.OpenKeys(ctx, p.db)
	if err != nil {
		return one(failed("", err.Error(), "docs/keys.md explains where the key may be, and how it is put back"))
	}
	p.keys = ring
	if old, err := ring.Rewrapped(); err == nil && len(old) > 0 {
		return one(warning("", "data keys are still wrapped with the key before", "start a server, which wraps them anew, and then take keys.previous away: docs/keys.md"))
	}
	return one(ok("", "it opens all data keys"))
}
