package conformance

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	keyhatch "github.com/keyhatch/keyhatch/client"
	"github.com/keyhatch/keyhatch/internal/devserver"
	"github.com/keyhatch/keyhatch/internal/pgcluster"
)

// fleet is servers that share a PostgreSQL.
type fleet struct {
	t        *testing.T
	database *pgcluster.Cluster
	replicas []*replica
	faults   map[string]int // how often each happened
	mu       sync.Mutex
}

// replica is a server with a network of its own to the database.
type replica struct {
	server *devserver.Server // only who kills it looks in here
	proxy  *pgcluster.Proxy
	now    atomic.Pointer[devserver.Ready] // where it is
}

func newFleet(t *testing.T, size int) *fleet {
	t.Helper()
	f := &fleet{t: t, database: pgcluster.Start(t), faults: map[string]int{}}
	address := f.database.New(t)
	for n := range size {
		r := &replica{proxy: f.database.Proxy(t)}
		i := devserver.Installation{OutboundNetworks: loopback, Settings: "database: '" + r.proxy.Address(address) + "'\n" +
			"tokens:\n  requests_per_minute: 1000000\n  failures_per_minute: 1000000\n"}
		if n == 0 {
			r.server = ownServer(t, i)
		} else {
			var err error
			if i.Binary, err = binary(); err != nil {
				t.Fatal(err)
			}
			if r.server, err = f.replicas[0].server.Beside(context.Background(), i); err != nil {
				t.Fatal(err)
			}
			stopAtEnd(t, r.server)
		}
		r.moved()
		f.replicas = append(f.replicas, r)
	}
	return f
}

// any is one of them.
func (f *fleet) any() *replica { return f.replicas[rand.IntN(len(f.replicas))] }

// moved has others know where it is now.
func (r *replica) moved() {
	now := r.server.Ready
	r.now.Store(&now)
}

// client asks as the administrator does.
func (r *replica) client() *keyhatch.Client {
	now := r.now.Load()
	return keyhatch.New(now.API, now.Token).In("lab")
}

func (f *fleet) happened(fault string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults[fault]++
}

// suffer has faults happen until the context ends, then mends everything and returns when
// all servers serve.
func (f *fleet) suffer(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() {
		for waits(ctx, 1500, 3500) {
			f.kill(f.any())
		}
	})
	all.Go(func() {
		for waits(ctx, 1000, 4000) {
			f.disturb(ctx)
		}
	})
	all.Wait()
	for _, r := range f.replicas {
		r.proxy.Mend()
	}
}

// waits lets between so many milliseconds pass, and tells whether the context still lasts.
func waits(ctx context.Context, least, most int) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Duration(least+rand.IntN(most-least)) * time.Millisecond):
		return true
	}
}

// kill kills a server, and starts it again as often as it takes, as who runs it would.
func (f *fleet) kill(r *replica) {
	f.happened("server killed")
	if err := r.server.Die(); err != nil { // it had ended by itself
		f.t.Error(err)
	}
	var err error
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if err = r.server.Rise(context.Background()); err == nil {
			r.moved()
			return
		}
	}
	f.t.Errorf("a server does not come back: %v\n%s", err, r.server.Output())
}

// disturb does to the database, or to what lies between it and a server, what happens.
func (f *fleet) disturb(ctx context.Context) {
	r := f.any()
	defer r.proxy.Mend()
	switch rand.IntN(7) {
	case 0:
		f.happened("database restarted")
		if err := f.database.Restart(); err != nil {
			f.t.Error(err)
		}
	case 1:
		f.happened("connections cut for a while")
		r.proxy.Cut()
		waits(ctx, 200, 3000)
	case 2:
		f.happened("network silent")
		r.proxy.Hang()
		waits(ctx, 1000, 4000)
	case 3:
		f.happened("network slow")
		for range 10 {
			r.proxy.Hang()
			waits(ctx, 20, 200)
			r.proxy.Mend()
			waits(ctx, 20, 200)
		}
	default:
		f.happened("connection lost in a commit")
		for range 5 {
			r.proxy.AtCommit([]pgcluster.Cut{pgcluster.BeforeCommit, pgcluster.AfterCommit, pgcluster.LateCommit, pgcluster.LateEnd}[rand.IntN(4)])
			waits(ctx, 100, 500)
		}
	}
}
