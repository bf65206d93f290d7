package keys_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/keys"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/seal"
)

// TestSecretsSetDuringRotation: while two processes on one database rotate as fast as
// they can, secrets are set, read, made and removed through both. The last that was
// set is what opens; nothing is unreadable at any moment.
func TestSecretsSetDuringRotation(t *testing.T) {
	t.Parallel()
	const writers, rounds = 4, 25
	// What is open in one process may be older than a key that another has dropped,
	// by the second that memory may be: no key is dropped before that.
	g := newGround(t, keys.Pace{Batch: 2, Grace: 3 * time.Second})
	processes := []*ground{g, g.beside()}
	ctx, stop := context.WithCancel(t.Context())
	var background, work sync.WaitGroup
	for _, p := range processes {
		background.Go(func() { p.Mirror.Run(ctx) })
		background.Go(func() { p.Broker.Keys.Run(ctx) })
	}
	background.Go(func() {
		for ctx.Err() == nil { // at most MaxKeys: then it is refused until some are gone
			_, err := g.Broker.Keys.Rotate(ctx, g.Admin, []string{seal.ColumnsKeyset, seal.TokensKeyset})
			if err != nil && !errors.Is(err, keyhatch.Conflict) && ctx.Err() == nil {
				t.Errorf("rotate: %v", err)
			}
		}
	})
	ids, last := make([]string, writers), make([]string, writers)
	for i := range writers {
		ids[i] = g.credential(fmt.Sprint("c", i), "first")
	}
	g.must(processes[1].Mirror.CatchUp(ctx))
	for i := range writers {
		work.Go(func() {
			for n := range rounds {
				p := processes[rand.IntN(len(processes))]
				last[i] = secretOf(i, n)
				if err := p.set(ids[i], last[i]); err != nil {
					t.Errorf("set: %v", err)
				}
				if got, err := p.secret(ids[i]); got != last[i] || err != nil {
					t.Errorf("%q was set, %q is read: %v", last[i], got, err)
				}
				if _, err := processes[n%2].secret(ids[(i+1)%writers]); err != nil {
					t.Errorf("another's secret: %v", err)
				}
				token, secret, err := p.Broker.People.CreateToken(ctx, p.Admin, people.NewToken{})
				if err != nil {
					t.Errorf("token: %v", err)
				}
				if _, err := p.Broker.People.Authenticate(ctx, secret); err != nil {
					t.Errorf("a token that was just made: %v", err)
				}
				if err := p.Broker.People.RevokeToken(ctx, p.Admin, token.ID); err != nil {
					t.Errorf("revoke: %v", err)
				}
			}
		})
	}
	work.Wait()
	stop()
	background.Wait()
	if n := len(g.events(keys.Used)); n < 3 {
		t.Errorf("only %d keys were put to use meanwhile", n)
	}
	for _, p := range append(processes, g.beside()) {
		p.must(p.Mirror.CatchUp(t.Context()))
		for i, id := range ids {
			if got, err := p.secret(id); got != last[i] || err != nil {
				t.Errorf("credential %d: %q was set last, %q is read: %v", i, last[i], got, err)
			}
		}
	}
}
