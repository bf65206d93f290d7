package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"
	"github.com/keyhatch/keyhatch/internal/logged"
	"github.com/keyhatch/keyhatch/internal/pgcluster"
)

// beside opens another server on the database of the first, at an address of its own.
func (r *running) beside(database string) *running {
	r.t.Helper()
	c := r.in.config
	c.Database, c.S3.RequestLog = database, ""
	c.DirectoryRoots = []string{r.t.TempDir()} // a folder is served by one process
	other := &running{t: r.t, folder: r.folder, admin: r.admin, log: &logged.Text{}}
	var err error
	if other.in, err = open(r.t.Context(), c, slog.New(slog.NewTextHandler(other.log, nil))); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		if err := other.in.Close(); err != nil {
			r.t.Errorf("close: %v", err)
		}
	})
	return other
}

// serves has a server that was opened serve until the test ends.
func (r *running) serves() *running {
	ctx, stop := context.WithCancel(r.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.in.run(ctx) }()
	r.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			r.t.Errorf("serve: %v", err)
		}
	})
	return r
}

// takes asks the core whether it takes a token: doors count how often one is refused.
func (r *running) takes(token string) error {
	_, err := r.in.broker.People.Authenticate(r.t.Context(), keyhatch.Secret(token))
	return err
}

// until asks until the answer is the wanted one.
func (r *running) until(token string, want error, when string) {
	r.t.Helper()
	var got error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(25 * time.Millisecond) {
		if got = r.takes(token); errors.Is(got, want) {
			return
		}
	}
	r.t.Fatalf("%s: %v, want %v", when, got, want)
}

// refusesForNow checks what a server answers that cannot reach its database: 503, and when to
// come again, also to who wants something recorded; and to clients of TileDB, which ask a
// hundred times again after a 503, something else.
func (r *running) refusesForNow(when string) {
	r.t.Helper()
	for _, method := range []string{"GET", "POST"} {
		if a := r.call(r.admin.Reveal(), method, "/api/v1/tokens", "{}"); a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
			r.t.Errorf("%s: %s is answered %d, Retry-After %q", when, method, a.status, a.header.Get("Retry-After"))
		}
	}
	if a := r.send("GET", "/v4/tokens", "", "X-TILEDB-REST-API-KEY", r.admin.Reveal()); a.status != http.StatusBadGateway || a.header.Get("Retry-After") != "" {
		r.t.Errorf("%s: TileDB is answered %d, Retry-After %q", when, a.status, a.header.Get("Retry-After"))
	}
}

// TestReplicas: two servers share a PostgreSQL. What one does the other learns; what was
// revoked at one is refused by the other a second after the acknowledgement, also while it
// cannot reach the database; and it goes on when that is back.
func TestReplicas(t *testing.T) {
	t.Parallel()
	cluster := pgcluster.Start(t)
	address, proxy := cluster.New(t), cluster.Proxy(t)
	one := startWith(t, func(c *config.Config) { c.Database = address })
	two := one.beside(proxy.Address(address)).serves()

	revoked := func(token api.CreatedToken, when string) {
		t.Helper()
		if a := one.call(one.admin.Reveal(), "DELETE", "/api/v1/tokens/"+token.ID, ""); a.status >= 300 {
			t.Fatalf("%s: %d %s", when, a.status, a.text)
		}
		acknowledged := time.Now()
		for {
			begun := time.Now()
			late := begun.Sub(acknowledged) > time.Second // S7's bound
			if err := two.takes(token.Secret); err != nil && late {
				return
			} else if err == nil && late {
				t.Fatalf("S7: %s: the token works %v after it was revoked", when, begun.Sub(acknowledged))
			}
			time.Sleep(25 * time.Millisecond)
		}
	}
	for _, cut := range []struct {
		name string
		how  func()
		then error
	}{
		{"connected", func() {}, keyhatch.Unauthenticated},
		{"cut off", proxy.Cut, keyhatch.Unavailable},
		{"hanging", proxy.Hang, keyhatch.Unavailable},
	} {
		token := one.token("{}")
		two.until(token.Secret, nil, cut.name+": a new token")
		cut.how()
		revoked(token, cut.name)
		if err := two.takes(token.Secret); !errors.Is(err, cut.then) {
			t.Errorf("%s: %v, want %v", cut.name, err, cut.then)
		}
		if cut.then == keyhatch.Unavailable {
			two.refusesForNow(cut.name)
		}
		proxy.Mend()
		two.until(token.Secret, keyhatch.Unauthenticated, cut.name+", and back: the revoked token")
		two.until(two.admin.Reveal(), nil, cut.name+", and back: another token")
	}
	two.token("{}")
	report, err := broker.VerifyAudit(t.Context(), one.in.db, one.in.keys)
	if err != nil || len(report.Findings) > 0 || report.Chains < 2 {
		t.Errorf("the record has %d chains and the findings %v, %v", report.Chains, report.Findings, err)
	}
}

// TestDatabaseLostAtTheStart: a server that has opened its database and loses it before it
// serves goes on, and takes requests when the database is back. It ended, since it wanted to
// clean up first.
func TestDatabaseLostAtTheStart(t *testing.T) {
	t.Parallel()
	cluster := pgcluster.Start(t)
	address, proxy := cluster.New(t), cluster.Proxy(t)
	one := startWith(t, func(c *config.Config) { c.Database = address })
	two := one.beside(proxy.Address(address))
	proxy.Cut()
	two.serves()
	two.refusesForNow("without its database")
	proxy.Mend()
	two.until(one.token("{}").Secret, nil, "when the database is back")
}
