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

	disturbances []func(context.Context, *pgcluster.Proxy) // still to come; disturb alone looks here
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

// disturb does to the database, or to what lies between it and a server, what happens. Of each seven
// times it does everything, so that none is left out of a short run.
func (f *fleet) disturb(ctx context.Context) {
	if len(f.disturbances) == 0 {
		f.disturbances = []func(context.Context, *pgcluster.Proxy){f.restart, f.cut, f.hang, f.slow, f.loseCommits, f.loseCommits, f.loseCommits}
		rand.Shuffle(len(f.disturbances), func(i, j int) {
			f.disturbances[i], f.disturbances[j] = f.disturbances[j], f.disturbances[i]
		})
	}
	next := f.disturbances[0]
	f.disturbances = f.disturbances[1:]
	proxy := f.any().proxy
	defer proxy.Mend()
	next(ctx, proxy)
}

func (f *fleet) restart(context.Context, *pgcluster.Proxy) {
	f.happened("database restarted")
	if err := f.database.Restart(); err != nil {
		f.t.Error(err)
	}
}

func (f *fleet) cut(ctx context.Context, p *pgcluster.Proxy) {
	f.happened("connections cut for a while")
	p.Cut()
	waits(ctx, 200, 3000)
}

func (f *fleet) hang(ctx context.Context, p *pgcluster.Proxy) {
	f.happened("network silent")
	p.Hang()
	waits(ctx, 1000, 4000)
}

func (f *fleet) slow(ctx context.Context, p *pgcluster.Proxy) {
	f.happened("network slow")
	for range 10 {
		p.Hang()
		waits(ctx, 20, 200)
		p.Mend()
		waits(ctx, 20, 200)
	}
}

// loseCommits loses connections in the middle of a commit, half closed or wholly.
func (f *fleet) loseCommits(ctx context.Context, p *pgcluster.Proxy) {
	f.happened("connection lost in a commit")
	for range 5 {
		p.AtCommit([]pgcluster.Cut{pgcluster.BeforeCommit, pgcluster.AfterCommit, pgcluster.LateCommit, pgcluster.LateEnd}[rand.IntN(4)])
		waits(ctx, 100, 500)
	}
}
