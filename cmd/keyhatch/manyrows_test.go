package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/audit"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/internal/figures"
	"github.com/keyhatch/keyhatch/internal/pgcluster"
)

// scale is how much an installation has. Every user has as many tokens, and every location as
// many grants, at each scale.
type scale struct{ users, locations, tokens, grants, events int }

// scaled has so many tokens and grants, and ten times as many events.
func scaled(n int) scale { return scale{n / 100, n / 10, n, n, 10 * n} }

// TestManyRows serves from an installation with few rows and from one with many, on both
// engines: a token is checked, a lease is lent, grants and events are listed, a token is
// revoked, and the whole record is verified. make millions has it load 1,000,000 tokens,
// 1,000,000 grants and 10,000,000 events, and write what it has measured into docs/many-rows.md.
func TestManyRows(t *testing.T) {
	many, asks, file := 2_000, 20, os.Getenv("KEYHATCH_MILLIONS")
	if file != "" {
		many, asks = 1_000_000, 1_000 // a token may ask 6,000 times a minute
	}
	var out strings.Builder
	for _, engine := range []struct {
		name    string
		address func(*testing.T) string
	}{
		{"SQLite", func(*testing.T) string { return "" }},
		{"PostgreSQL", func(t *testing.T) string { return pgcluster.Start(t).New(t) }},
	} {
		t.Run(engine.name, func(t *testing.T) {
			few := measured(t, engine.address(t), scaled(1_000), asks)
			lots := measured(t, engine.address(t), scaled(many), asks)
			fmt.Fprintf(&out, "| %s | 1,000 | %s | ratio |\n|---|---|---|---|\n", engine.name, figures.Grouped(many))
			for n, m := range few {
				fmt.Fprintf(&out, "| %s | %s | %s | %s |\n", m.what, m.shown(), lots[n].shown(), lots[n].ratio(m))
			}
			out.WriteString("\n")
		})
	}
	t.Logf("\n%s", &out)
	if file != "" && !t.Failed() {
		if err := figures.Write(file, "make millions", out.String()); err != nil {
			t.Fatal(err)
		}
	}
}

// figure is one thing that was measured: a time, with that of the slowest hundredth, or a size.
type figure struct {
	what         string
	median, p99  time.Duration
	bytes        uint64
	once, noRate bool
}

func (f figure) shown() string {
	switch {
	case f.bytes > 0:
		return fmt.Sprintf("%d MiB", f.bytes>>20)
	case f.once:
		return fmt.Sprint(f.median.Round(time.Millisecond))
	}
	return fmt.Sprintf("%v (p99 %v)", f.median.Round(time.Microsecond), f.p99.Round(time.Microsecond))
}

func (f figure) ratio(to figure) string {
	if f.noRate {
		return ""
	}
	return fmt.Sprintf("%.2f", float64(f.median)/float64(to.median))
}

// measured fills an installation, serves it, and asks it so many times for each thing.
func measured(t *testing.T, address string, n scale, asks int) (out []figure) {
	t.Helper()
	folder := t.TempDir()
	d := devCommand{Data: folder, Listen: "127.0.0.1:0", S3Listen: "127.0.0.1:0", ShortestLease: keyhatch.MinLeaseLife}
	c, _, err := d.config()
	if err != nil {
		t.Fatal(err)
	}
	if address != "" {
		c.Database = address
	}
	if err := d.install(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	token, err := os.ReadFile(d.path("admin-token"))
	if err != nil {
		t.Fatal(err)
	}
	admin := keyhatch.Secret(strings.TrimSpace(string(token)))
	_, stop := serving(t, folder, admin, c, d.seed)
	stop()
	l := fill(t, c, n)

	before := heap()
	begun := time.Now()
	r, stop := serving(t, folder, admin, c, func(context.Context, *instance, keyhatch.Secret) error { return nil })
	defer stop()
	out = append(out, figure{what: "start, until all is in memory", median: time.Since(begun), once: true, noRate: true})
	out = append(out, figure{what: "memory for it", bytes: heap() - min(before, heap()-1), noRate: true})
	ask := func(what, method, path, body string, at func() (token, of string)) {
		t.Helper()
		var took []time.Duration
		for range asks {
			token, of := at()
			begun := time.Now()
			a := r.call(token, method, strings.ReplaceAll(path, "{}", of), strings.ReplaceAll(body, "{}", of))
			took = append(took, time.Since(begun))
			if a.status >= 300 {
				t.Fatalf("%s: %d %s", what, a.status, a.text)
			}
		}
		slices.Sort(took)
		out = append(out, figure{what: what, median: took[len(took)/2], p99: took[len(took)*99/100]})
	}
	random := rand.New(rand.NewPCG(1, 2))
	some := func() loadedToken { return l.known[random.IntN(len(l.known))] }
	by := admin.Reveal()
	ask("check a token", "GET", "/api/v1/tokens/current", "", func() (string, string) { return some().secret.Reveal(), "" })
	ask("lend", "POST", "/api/v1/leases", `{"location":"{}","access":"read"}`, func() (string, string) {
		k := some()
		return k.secret.Reveal(), l.grantedTo(k.user, random)
	})
	ask("list a location's grants", "GET", "/api/v1/grants?location={}", "", func() (string, string) { return by, l.locations[random.IntN(len(l.locations))] })
	ask("list the newest events", "GET", "/api/v1/events?limit=100", "", func() (string, string) { return by, "" })
	ask("list a location's events", "GET", "/api/v1/events?limit=100&target={}", "", func() (string, string) { return by, l.locations[random.IntN(len(l.locations))] })
	ask("show an event", "GET", "/api/v1/events/{}", "", func() (string, string) { return by, l.events[random.IntN(len(l.events))] })
	revoked := 0
	asks = min(asks, len(l.toRevoke))
	ask("revoke a token", "DELETE", "/api/v1/tokens/{}", "", func() (string, string) {
		revoked++
		return by, l.toRevoke[revoked-1]
	})

	begun = time.Now()
	report, err := broker.VerifyAudit(t.Context(), r.in.db, r.in.keys)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Findings) > 0 || report.Events < int64(n.events) {
		t.Errorf("the record: %+v", report)
	}
	out = append(out, figure{what: "verify the whole record", median: time.Since(begun), once: true, noRate: true})
	got := must[api.Token](r, l.known[0].secret.Reveal(), "GET", "/api/v1/tokens/current", "")
	if got.ID != l.known[0].id {
		t.Errorf("the token is %s, want %s", got.ID, l.known[0].id)
	}
	return out
}

// heap is what is in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// loadedToken is one whose secret is known.
type loadedToken struct {
	id, user string
	secret   keyhatch.Secret
}

// loaded is what an installation was filled with.
type loaded struct {
	users, locations, events []string // of the events some
	known                    []loadedToken
	toRevoke                 []string // tokens
	perLocation              int      // grants
}

// grantedTo is a location that is granted to a user.
func (l *loaded) grantedTo(user string, random *rand.Rand) string {
	n := slices.Index(l.users, user)
	round := random.IntN(len(l.locations) * l.perLocation / len(l.users)) // each hands out as many locations
	at := (round/l.perLocation*len(l.users) + n) / l.perLocation
	return l.locations[at%len(l.locations)]
}

// known is how many tokens have a secret that is known, and how many can be revoked.
const known = 2_500

// fill writes rows into the tables of an installation that nobody serves.
func fill(t *testing.T, c config.Config, n scale) *loaded {
	t.Helper()
	d, keys, err := openStore(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ws, bucket, admin := sampleIDs(t, d)
	registry, err := d.AuditRegistry(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	driver, address := "sqlite", "file:"+c.Database+"?_pragma=synchronous(0)&_pragma=cache_size(-2000000)"
	if db.OnServer(c.Database) {
		driver, address = "pgx", c.Database
	}
	pool, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	w := tableWriter{t, pool, driver}
	// Filled at random, an index takes longer the more it holds: they are made when all is there.
	index := w.withoutIndexes()
	now := time.Now().UTC()
	made := now.AddDate(0, -1, 0)
	id := func(kind keyhatch.IDKind) string { // each of a time of its own: of one millisecond there are not that many
		made = made.Add(time.Millisecond)
		return keyhatch.NewID(kind, made)
	}
	l := &loaded{perLocation: n.grants / n.locations}

	w.rows("users", "id, name, full_name, email, admin, active, active_since, created_at", n.users, func(i int) []any {
		l.users = append(l.users, id(keyhatch.UserID))
		return []any{l.users[i], "user-" + strconv.Itoa(i), "", "", false, true, now.UnixMicro(), now.UnixMicro()}
	})
	w.rows("workspace_members", "workspace, user_id, role, since", n.users, func(i int) []any {
		return []any{ws, l.users[i], string(keyhatch.MemberRole), now.UnixMicro()}
	})
	w.rows("locations", "id, workspace, bucket, prefix, name, owner, locked, writable_since, max_lease_micros, created_at", n.locations, func(i int) []any {
		l.locations = append(l.locations, id(keyhatch.LocationID))
		name := "many-" + strconv.Itoa(i)
		return []any{l.locations[i], ws, bucket, "many/" + name + "/", name, admin, false, now.UnixMicro(), time.Hour.Microseconds(), now.UnixMicro()}
	})
	w.rows("grants", "id, workspace, location, prefix, subject_kind, subject, access, since, created_by, created_at", n.grants, func(i int) []any {
		return []any{id(keyhatch.GrantID), ws, l.locations[i/l.perLocation], "", string(keyhatch.SubjectUser), l.users[i%n.users], string(keyhatch.Read), now.UnixMicro(), admin, now.UnixMicro()}
	})
	w.rows("tokens", "id, user_id, name, scopes, pepper, hash, since, created_at, created_from", n.tokens, func(i int) []any {
		k := loadedToken{id(keyhatch.TokenID), l.users[i%n.users], keyhatch.NewTokenSecret()}
		hash, err := keys.HashToken(k.secret)
		if err != nil {
			t.Fatal(err)
		}
		if every := max(1, n.tokens/known); i%every == 0 && i%(2*every) == 0 {
			l.known = append(l.known, k)
		} else if i%every == 0 || n.tokens < known && i%2 == 1 {
			l.toRevoke = append(l.toRevoke, k.id)
		}
		return []any{k.id, k.user, "many", `["all"]`, int64(hash.Pepper), []byte(hash.Hash), now.UnixMicro(), now.UnixMicro(), ""}
	})
	chain := audit.NewChain(keyhatch.NewID(keyhatch.ChainID, now), registry.Chains+1, keys.AuditMAC)
	w.rows("events", "chain, seq, id, at, workspace, user_id, token, address, request_id, action, target, detail, hash", n.events, func(i int) []any {
		at := now.Add(-time.Duration(n.events-i) * time.Second)
		e := chain.Link(keyhatch.Event{
			ID: keyhatch.NewID(keyhatch.EventID, at), At: at.Truncate(time.Microsecond), Workspace: ws, User: l.users[i%n.users], Address: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}).String(),
			RequestID: "req_" + strconv.Itoa(i), Action: "location.create", Target: l.locations[i%n.locations], Detail: map[string]string{"name": "many"},
		})
		if i%max(1, n.events/known) == 0 {
			l.events = append(l.events, e.ID)
		}
		return []any{e.Chain, e.Seq, e.ID, e.At.UnixMicro(), e.Workspace, e.User, e.Token, e.Address, e.RequestID, string(e.Action), e.Target, `{"name":"many"}`, []byte(e.Hash)}
	})
	head, next := chain.Head(), audit.NewRegistry(registry.Chains+1, keys.AuditMAC)
	w.rows("audit_chains", "id, number, seq, hash, sign", 1, func(int) []any {
		return []any{head.Chain, head.Number, head.Seq, []byte(head.Hash), []byte(head.Sign)}
	})
	w.exec("update audit_registry set chains = $1, sign = $2", next.Chains, []byte(next.Sign))
	index()
	w.exec("analyze")
	return l
}

// sampleIDs are those of the sample's workspace and bucket, and of the admin.
func sampleIDs(t *testing.T, d *db.DB) (ws, bucket, admin string) {
	t.Helper()
	locations, err := d.AllLocations(t.Context())
	if err != nil || len(locations) == 0 {
		t.Fatal(len(locations), err)
	}
	return locations[0].Workspace, locations[0].Bucket, locations[0].Owner
}

// tableWriter writes rows, many with one statement.
type tableWriter struct {
	t      *testing.T
	pool   *sql.DB
	driver string
}

func (w tableWriter) exec(statement string, args ...any) {
	w.t.Helper()
	if _, err := w.pool.ExecContext(w.t.Context(), statement, args...); err != nil {
		w.t.Fatalf("%.80s: %v", statement, err)
	}
}

// withoutIndexes removes the indexes that are no constraint, and returns what makes them again.
func (w tableWriter) withoutIndexes() func() {
	w.t.Helper()
	list := "select name, sql from sqlite_master where type = 'index' and sql is not null"
	if w.driver == "pgx" {
		list = "select indexname, indexdef from pg_indexes where schemaname = current_schema() and indexname not in (select conname from pg_constraint)"
	}
	found, err := w.pool.QueryContext(w.t.Context(), list)
	if err != nil {
		w.t.Fatal(err)
	}
	defer found.Close()
	var names, statements []string
	for found.Next() {
		var name, statement string
		if err := found.Scan(&name, &statement); err != nil {
			w.t.Fatal(err)
		}
		names, statements = append(names, name), append(statements, statement)
	}
	if err := found.Err(); err != nil || len(names) < 20 {
		w.t.Fatalf("%d indexes: %v", len(names), err)
	}
	for _, name := range names {
		w.exec("drop index " + name)
	}
	return func() {
		for _, statement := range statements {
			w.exec(statement)
		}
	}
}

// parameter is the n-th of a statement. To SQLite $n is a name, which it looks for among all.
func (w tableWriter) parameter(n int) string {
	if w.driver == "pgx" {
		return "$" + strconv.Itoa(n)
	}
	return "?"
}

func (w tableWriter) rows(table, columns string, n int, row func(i int) []any) {
	w.t.Helper()
	const atOnce = 500
	width := strings.Count(columns, ",") + 1
	statement := func(rows int) string {
		var out strings.Builder
		out.WriteString("insert into " + table + " (" + columns + ") values ")
		for i := range rows {
			out.WriteString(strings.Repeat(",", min(i, 1)) + "(")
			for k := range width {
				out.WriteString(strings.Repeat(",", min(k, 1)) + w.parameter(i*width+k+1))
			}
			out.WriteString(")")
		}
		return out.String()
	}
	whole := statement(atOnce)
	for i := 0; i < n; {
		tx, err := w.pool.BeginTx(w.t.Context(), nil)
		if err != nil {
			w.t.Fatal(err)
		}
		for end := min(n, i+200*atOnce); i < end; {
			var args []any
			rows := min(atOnce, end-i)
			for range rows {
				args = append(args, row(i)...)
				i++
			}
			text := whole
			if rows < atOnce {
				text = statement(rows)
			}
			if _, err := tx.ExecContext(w.t.Context(), text, args...); err != nil {
				w.t.Fatalf("%s: %v", table, errors.Join(err, tx.Rollback()))
			}
		}
		if err := tx.Commit(); err != nil {
			w.t.Fatal(err)
		}
	}
}
