package deliver_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/deliver"
)

// hanging lends leases of an hour, until it hangs: then it says nothing until who
// asks gives up.
type hanging struct {
	lender
	hangs atomic.Bool
	given atomic.Int64 // up
}

func (h *hanging) lend(ctx context.Context) (api.Lent, error) {
	if !h.hangs.Load() {
		return h.lender.lend(ctx)
	}
	h.calls.Add(1)
	<-ctx.Done()
	h.given.Add(1)
	return api.Lent{}, ctx.Err()
}

// took is how long a call of lend takes, and the lease that it brings.
func took(t *testing.T, lend deliver.Lend) (time.Duration, api.Lent, error) {
	t.Helper()
	begun := time.Now()
	lent, err := lend(t.Context())
	return time.Since(begun), lent, err
}

// A server that hangs costs who has a lease that lives a second, once, and never the
// lease: it cost a minute.
func TestKeepAndAServerThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hanging{lender: lender{life: time.Hour}}
		lend := deliver.Keep(h.lend)
		first := mustLend(t, lend)
		time.Sleep(51 * time.Minute)
		h.hangs.Store(true)
		for i, want := range []time.Duration{time.Second, 0, 0} {
			if after, lent, err := took(t, lend); err != nil || lent.ID != first.ID || after != want {
				t.Errorf("call %d: %s after %v, want %v: %v", i, lent.ID, after, want, err)
			}
		}
		if n := h.calls.Load(); n != 2 {
			t.Errorf("asked %d times", n-1)
		}
		// The call ends by itself; the server is left alone for a while, and asked again.
		time.Sleep(time.Minute)
		if n := h.given.Load(); n != 1 {
			t.Errorf("%d calls were given up after a minute", n)
		}
		time.Sleep(5 * time.Second)
		h.hangs.Store(false)
		if after, lent, err := took(t, lend); err != nil || lent.ID == first.ID || after != 0 {
			t.Errorf("when the server is back: %s after %v: %v", lent.ID, after, err)
		}
	})
}

// A renewal that takes longer than its callers wait is theirs when it comes.
func TestKeepAndAServerThatIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lender{life: time.Hour}
		lend := deliver.Keep(func(ctx context.Context) (api.Lent, error) {
			if l.calls.Load() > 0 {
				time.Sleep(20 * time.Second)
			}
			return l.lend(ctx)
		})
		first := mustLend(t, lend)
		time.Sleep(51 * time.Minute)
		if after, lent, err := took(t, lend); err != nil || lent.ID != first.ID || after != time.Second {
			t.Errorf("%s after %v: %v", lent.ID, after, err)
		}
		time.Sleep(20 * time.Second)
		if after, lent, err := took(t, lend); err != nil || lent.ID == first.ID || after != 0 {
			t.Errorf("then %s after %v: %v", lent.ID, after, err)
		}
		if n := l.calls.Load(); n != 2 {
			t.Errorf("lent %d times", n)
		}
	})
}

// Without a lease that lives there is nothing to hand out but the error, after a
// minute.
func TestKeepWaitsForItsFirstLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hanging{lender: lender{life: time.Hour}}
		lend := deliver.Keep(h.lend)
		mustLend(t, lend)
		time.Sleep(time.Hour)
		h.hangs.Store(true)
		if after, _, err := took(t, lend); !errors.Is(err, context.DeadlineExceeded) || after != time.Minute {
			t.Errorf("after %v: %v", after, err)
		}
	})
}

// The program under exec gets the lease that lives within a second, and the status that
// means so.
func TestContainerAndAServerThatHangs(t *testing.T) {
	h := &hanging{lender: lender{life: time.Hour}}
	c, uri, token := serveContainer(t, h.lend) // which listens, so it is made outside
	synctest.Test(t, func(t *testing.T) {
		ask := func() (answer api.ContainerCredentials, status int, after time.Duration) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, uri, nil)
			r.Header.Set("Authorization", token)
			w := httptest.NewRecorder()
			begun := time.Now()
			c.ServeHTTP(w, r)
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
				t.Error(err)
			}
			return answer, w.Code, time.Since(begun)
		}
		first, _, _ := ask()
		time.Sleep(51 * time.Minute)
		h.hangs.Store(true)
		for _, want := range []time.Duration{time.Second, 0} {
			if got, status, after := ask(); got != first || status != 200 || after != want {
				t.Errorf("%d after %v, want 200 after %v", status, after, want)
			}
		}
		time.Sleep(9 * time.Minute) // it is over now
		if _, status, after := ask(); status != 503 || after > time.Minute {
			t.Errorf("without a lease: %d after %v", status, after)
		}
	})
}

// A process that has a lease that lives waits five seconds for the next, and the
// processes after it, for half a minute, do not: each of them waited for a minute.
func TestCacheAndAServerThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "c")
		h := &hanging{lender: lender{life: time.Hour}}
		process := func() deliver.Lend { return cached(t, folder, "http://s", "t", "l", h.lend) }
		first := mustLend(t, process())
		time.Sleep(51 * time.Minute)
		h.hangs.Store(true)
		var all sync.WaitGroup
		for range 10 {
			lend := process()
			all.Go(func() {
				if after, lent, err := took(t, lend); err != nil || lent.ID != first.ID || after > 5*time.Second {
					t.Errorf("%s after %v: %v", lent.ID, after, err)
				}
			})
		}
		all.Wait()
		if after, lent, err := took(t, process()); err != nil || lent.ID != first.ID || after != 0 {
			t.Errorf("the next process: %s after %v: %v", lent.ID, after, err)
		}
		if n := h.calls.Load() - 1; n != 1 {
			t.Errorf("a server that hangs was asked %d times at once", n)
		}
		time.Sleep(30 * time.Second)
		h.hangs.Store(false)
		if after, lent, err := took(t, process()); err != nil || lent.ID == first.ID || after != 0 {
			t.Errorf("when the server is back: %s after %v: %v", lent.ID, after, err)
		}
		// One that has nothing waits as long as a server may take.
		time.Sleep(time.Hour)
		h.hangs.Store(true)
		if after, _, err := took(t, process()); !errors.Is(err, context.DeadlineExceeded) || after != time.Minute {
			t.Errorf("without a lease: after %v: %v", after, err)
		}
	})
}

// errTooLong is what a server says when a grant ends too soon for another lease.
var errTooLong = &api.Problem{Status: 422, Code: "life_exceeds_limit", Detail: "a lease lasts at least 900 seconds, and at most 600 now"}

// errWhere is what a server says when the user is in a second workspace.
var errWhere = &api.Problem{Status: 422, Code: "workspace_required", Detail: "say which workspace is meant"}

// Near the end of a grant there is no other lease; the one at hand is good until the
// grant ends. It was taken away, as if the server had ended it.
func TestLastLeaseOfAGrant(t *testing.T) {
	for name, keep := range map[string]func(*testing.T, deliver.Lend) deliver.Lend{
		"memory": func(_ *testing.T, lend deliver.Lend) deliver.Lend { return deliver.Keep(lend) },
		"disk": func(t *testing.T, lend deliver.Lend) deliver.Lend {
			return cached(t, filepath.Join(t.TempDir(), "c"), "http://s", "t", "l", lend)
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := &lender{life: time.Hour}
			lend := keep(t, l.lend)
			first := mustLend(t, lend)
			time.Sleep(50 * time.Minute)
			l.fails(errTooLong)
			for range 9 {
				if lent := mustLend(t, lend); lent.ID != first.ID {
					t.Errorf("%s: got %q", name, lent.ID)
				}
				time.Sleep(time.Minute)
			}
			l.fails(errWhere)
			if lent := mustLend(t, lend); lent.ID != first.ID {
				t.Errorf("%s: got %q when the server only asks where", name, lent.ID)
			}
			time.Sleep(30 * time.Second)
			l.fails(errRefused) // the grant ends a moment before the lease
			if _, err := lend(t.Context()); !errors.Is(err, errRefused) {
				t.Errorf("%s: a refusal is kept back: %v", name, err)
			}
			l.fails(errAway)
			if _, err := lend(t.Context()); !errors.Is(err, errAway) {
				t.Errorf("%s: a lease was handed out after a refusal: %v", name, err)
			}
		})
	}
}
