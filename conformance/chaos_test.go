package conformance

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/api"
	keyhatch "github.com/keyhatch/keyhatch/client"
	"github.com/keyhatch/keyhatch/internal/figures"
)

// TestChaos: three servers on one PostgreSQL are asked by 32 clients for two minutes, while
// the servers are killed, the database is restarted at once, and connections are cut, lost in
// the middle of a commit, silent and slow. Afterwards everything that was acknowledged is
// there, with its event; what was ended worked nowhere a second after that was acknowledged;
// the histories of tokens and leases are linearizable; the store that keeps keys has those
// on record and nothing else; and the audit record is whole. make chaos takes an hour.
func TestChaos(t *testing.T) {
	t.Parallel()
	lasts, least, file := 2*time.Minute, 1, os.Getenv("KEYHATCH_CHAOS")
	if file != "" {
		lasts, least = time.Hour, 50
	}
	f := newFleet(t, 3)
	k := newKeptAt(t, f.replicas[0].server, "iam", "theirs")
	c := &crowd{fleet: f, riot: newRiot(&k), web: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 32}}, counts: map[string]int{}}
	c.prepare()

	ctx, stop := context.WithTimeout(t.Context(), lasts)
	defer stop()
	var all sync.WaitGroup
	for what, many := range map[*func(context.Context)]int{
		ptr(c.useTokens): 14, ptr(c.useLeases): 8, ptr(c.useGrants): 6, ptr(c.useKeys): 4,
	} {
		for range many {
			all.Go(func() {
				for waits(ctx, 5, 50) {
					(*what)(ctx)
				}
			})
		}
	}
	f.suffer(ctx)
	all.Wait()

	c.api = f.replicas[0].client()
	c.look()
	c.judge()
	c.settle()
	c.compare()
	c.tryAll()
	c.audit()
	t.Logf("faults %v; done %v; %d pairs of keys were handed out, %d keys deleted", f.faults, c.counts, len(c.handed), len(c.gone))
	for _, what := range []string{"server killed", "database restarted", "connections cut for a while", "network silent", "connection lost in a commit"} {
		if f.faults[what] < least {
			t.Errorf("%s: only %d times", what, f.faults[what])
		}
	}
	for what, many := range map[string]int{"token.create": 100, "token.revoke": 30, "lease.lend": 50, "lease.revoke": 10, "grant.give": 20, "grant.take": 10, "user.create": 5, "borrowing refused": 20} {
		if c.counts[what] < least*many {
			t.Errorf("%s happened only %d times", what, c.counts[what])
		}
	}
	if file != "" && !t.Failed() {
		if err := figures.Write(file, "make chaos", c.report()); err != nil {
			t.Error(err)
		}
	}
}

// report is what has happened and what was done, for the documentation.
func (c *crowd) report() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s, on %d processors:\n\n| What happened | times | What was acknowledged, or refused | times |\n|---|---|---|---|\n",
		time.Now().UTC().Format(time.DateOnly), runtime.NumCPU())
	counts := maps.Clone(c.counts)
	counts["pairs of keys issued"], counts["keys deleted"] = len(c.handed), len(c.gone)
	faults, done := slices.Sorted(maps.Keys(c.faults)), slices.Sorted(maps.Keys(counts))
	for n := range max(len(faults), len(done)) {
		cells := []string{"", "", "", ""}
		if n < len(faults) {
			cells[0], cells[1] = faults[n], figures.Grouped(c.faults[faults[n]])
		}
		if n < len(done) {
			cells[2], cells[3] = done[n], figures.Grouped(counts[done[n]])
		}
		fmt.Fprintf(&out, "| %s |\n", strings.Join(cells, " | "))
	}
	return out.String()
}

func ptr[T any](v T) *T { return &v }

// crowd is who asks a fleet, and what they were told.
type crowd struct {
	*fleet
	*riot
	web    *http.Client
	object string // that leases open

	// What follows is guarded as what the riot notes is.
	tokens []*history
	leases []*lending
	grants map[string]bool // those given → taken back
	people map[string]bool // users made → no more active
	told   []told
	counts map[string]int
}

// told is a change that was acknowledged: an event must say it.
type told struct{ action, target string }

// lending is a lease and how it was used.
type lending struct {
	history
	keys api.Lent
}

// look looks, now that nothing happens any more, at everything at each server, and once more
// a second later.
func (c *crowd) look() {
	ctx := c.riot.t.Context()
	for range 2 {
		time.Sleep(bound + 200*time.Millisecond)
		for _, at := range c.replicas {
			for _, h := range c.tokens {
				c.lookAt(ctx, at, h)
			}
			for _, l := range c.leases {
				c.readWith(ctx, at, l)
			}
		}
	}
}

// judge holds what is there against what was told.
func (c *crowd) judge() {
	t, ctx := c.riot.t, c.riot.t.Context()
	for _, h := range c.tokens {
		c.judgeHistory("token", h)
		if _, err := c.api.Token(ctx, h.id); err != nil && !h.ending {
			t.Errorf("token %s was made, and there is: %v", h.id, err)
		}
	}
	for _, l := range c.leases {
		c.judgeHistory("lease", &l.history)
		if lease, err := c.api.Lease(ctx, l.id); err != nil || !l.ended.IsZero() && lease.RevokedAt == nil {
			t.Errorf("lease %s was lent, its end acknowledged at %v, and there is: %+v, %v", l.id, l.ended, lease, err)
		}
	}
	for id, taken := range c.grants {
		if _, err := c.api.Grant(ctx, id); (err != nil) != taken {
			t.Errorf("grant %s, which was taken back: %t: %v", id, taken, err)
		}
	}
	for id, ended := range c.people {
		if user, err := c.api.User(ctx, id); err != nil || user.Active == ended {
			t.Errorf("user %s, who was ended: %t: %+v, %v", id, ended, user, err)
		}
	}
	events := map[told]int{}
	now := c.replicas[0].now.Load()
	for e, err := range keyhatch.New(now.API, now.Token).Events(ctx, keyhatch.EventFilter{}) {
		c.must(err)
		events[told{e.Action, e.Target}]++
	}
	for _, what := range c.told {
		// What makes something is never asked for twice; an end is, by who was not answered.
		once := what.action != "token.revoke" && what.action != "lease.revoke"
		if many := events[what]; many == 0 || once && many > 1 {
			t.Errorf("%s of %s was acknowledged, and has %d events", what.action, what.target, many)
		}
	}
}

func (c *crowd) judgeHistory(what string, h *history) {
	if !h.linearizable() {
		var lines strings.Builder
		for _, o := range h.done {
			fmt.Fprintf(&lines, "\n%v to %v: %v", time.Duration(o.Call), time.Duration(o.Return), [...]string{"given", "works", "is refused", "ended"}[o.Input.(act)])
		}
		c.riot.t.Errorf("S7: the history of %s %s has no order (each look may be a second old, and begins so much earlier here):%s", what, h.id, lines.String())
	}
}
