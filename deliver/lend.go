package deliver

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/keyhatch/keyhatch/api"
)

// Lend borrows a lease. It is what the rest of the package gets leases from:
// usually a call of the server, with Cache.Keep or Keep around it.
type Lend func(context.Context) (api.Lent, error)

// held is a lease and when it was lent, by the clock of this machine.
type held struct {
	Lent   api.Lent
	Since  time.Time
	Failed time.Time // when it could not be renewed, the last time
}

// fresh tells whether it is handed out again. One from the future was kept before
// the clock was put back: how long it still lives cannot be told.
func (h held) fresh(now time.Time) bool {
	return h.alive(now) && !h.Since.After(now) && now.Before(api.RenewAt(h.Since, h.Lent.ExpiresAt))
}

// goesOn tells whether it is handed out without asking the server: it is fresh, or it
// lives and the server failed less than a pause ago.
func (h held) goesOn(now time.Time, pause time.Duration) bool {
	return h.fresh(now) || h.alive(now) && !h.Failed.After(now) && now.Before(h.Failed.Add(pause))
}

// alive tells whether it still opens something.
func (h held) alive(now time.Time) bool { return now.Before(h.Lent.ExpiresAt) }

// lendTime bounds one call of the server.
const lendTime = time.Minute

// waitForNext is how long who has a lease that lives waits for the next one: clients
// wait for little longer.
const waitForNext = time.Second

// askAgain is how long a server that failed is left alone while there is a lease
// to go on with.
const askAgain = 5 * time.Second

// Keep remembers the lease in memory and hands it out again until it is due to be
// renewed. Calls that come together share one of lend, which goes on when a caller
// gives up. An error is not remembered. One that may pass (see Final) is not even
// told while the lease that is there still lives.
func Keep(lend Lend) Lend {
	k := &keeper{lend: lend}
	return k.get
}

type keeper struct {
	lend Lend

	mu      sync.Mutex
	held    held
	pending *pending
}

// pending is a call of lend that has not ended.
type pending struct {
	begun time.Time
	done  chan struct{}
	lent  api.Lent
	err   error
}

func (k *keeper) get(ctx context.Context) (api.Lent, error) {
	p, before := k.join(ctx)
	var late <-chan time.Time
	if before.alive(time.Now().Add(waitForNext)) {
		late = time.After(time.Until(p.begun.Add(waitForNext))) // once for all who ask
	}
	select {
	case <-p.done:
		return p.lent, p.err
	case <-late: // the renewal goes on, for those who ask next
		return before.Lent, nil
	case <-ctx.Done():
		return api.Lent{}, context.Cause(ctx)
	}
}

// join returns the call whose outcome is the caller's, beginning one if need be, and
// the lease before it.
func (k *keeper) join(ctx context.Context) (*pending, held) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	if k.held.goesOn(now, askAgain) {
		p := &pending{begun: now, done: make(chan struct{}), lent: k.held.Lent}
		close(p.done)
		return p, k.held
	}
	if k.pending == nil {
		k.pending = &pending{begun: now, done: make(chan struct{})}
		go k.renew(context.WithoutCancel(ctx), k.pending)
	}
	return k.pending, k.held
}

func (k *keeper) renew(ctx context.Context, p *pending) {
	ctx, cancel := context.WithTimeout(ctx, lendTime)
	defer cancel()
	h, err := borrow(ctx, k.lend)
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	switch {
	case err == nil:
		k.held = h
	case !ends(err) && k.held.alive(now):
		k.held.Failed, err = now, nil
	default:
		k.held = held{}
	}
	p.lent, p.err = k.held.Lent, err
	k.pending = nil
	close(p.done)
}

// borrow gets a lease and looks at it.
func borrow(ctx context.Context, lend Lend) (held, error) {
	since := time.Now()
	lent, err := lend(ctx)
	if err != nil {
		return held{}, err
	}
	return held{Lent: lent, Since: since}, CheckLent(lent)
}

// Final tells whether an error will be the same however often one asks: the server
// has understood and refused. Anything else, such as no answer, may pass.
func Final(err error) bool {
	var p *api.Problem
	return errors.As(err, &p) && p.Final() || errors.Is(err, ErrUnfit)
}

// ends tells whether an error says that what was lent before has ended too.
func ends(err error) bool {
	var p *api.Problem
	if errors.As(err, &p) {
		return p.EndsLeases()
	}
	return Final(err)
}

// ErrUnfit is the error of an answer that no server of ours gives.
var ErrUnfit = errors.New("the server's answer is no lease that can be used: is it a Keyhatch server?")

// maxValue bounds a lease's values, in bytes. Session tokens are the longest: they
// must fit into a header.
const maxValue = 8 << 10

// CheckLent looks at what a server answered. Its values go to shells, configuration
// files and headers: visible ASCII only, and an endpoint that is one.
func CheckLent(l api.Lent) error {
	for name, value := range map[string]string{
		"access_key_id": l.AccessKeyID, "secret_access_key": l.SecretAccessKey, "session_token": l.SessionToken,
		"endpoint": l.Endpoint, "region": l.Region,
	} {
		if value == "" || len(value) > maxValue || strings.ContainsFunc(value, func(r rune) bool { return r < '!' || r > '~' }) {
			return fmt.Errorf("%s: %w", name, ErrUnfit)
		}
	}
	if err := checkEndpoint(l.Endpoint); err != nil {
		return err
	}
	if l.ExpiresAt.IsZero() {
		return fmt.Errorf("expires_at: %w", ErrUnfit)
	}
	return nil
}

func checkEndpoint(endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil ||
		u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("endpoint: %w", ErrUnfit)
	}
	return nil
}
