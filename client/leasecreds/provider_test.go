package leasecreds_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/client"
	"github.com/keyhatch/keyhatch/client/leasecreds"
)

var _ leasecreds.Lender = (*client.Client)(nil)

// lender lends leases of a life, each with its number.
type lender struct {
	life  time.Duration
	calls int
	err   error
}

func (l *lender) CreateLease(_ context.Context, r api.LeaseRequest) (api.Lent, error) {
	l.calls++
	if l.err != nil {
		return api.Lent{}, l.err
	}
	return api.Lent{
		ID: fmt.Sprint("lease_", l.calls), AccessKeyID: fmt.Sprint("KHLE", l.calls), SecretAccessKey: "secret", SessionToken: "token",
		ExpiresAt: time.Now().Add(l.life), Endpoint: "http://s3.invalid", Region: "local", Access: r.Access, Prefixes: []string{r.Location},
	}, nil
}

// The SDK's cache keeps a lease until it is due, and no longer.
func TestCacheRenewsByTheRule(t *testing.T) {
	for _, life := range []time.Duration{time.Minute, 15 * time.Minute, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			l := &lender{life: life}
			cache := aws.NewCredentialsCache(leasecreds.New(l, api.LeaseRequest{Location: "s3://demo/alpha/", Access: "read"}))
			due := api.RenewAt(time.Now(), time.Now().Add(life))
			want := func(id string) {
				t.Helper()
				if c, err := cache.Retrieve(t.Context()); err != nil || c.AccessKeyID != id || c.SecretAccessKey != "secret" || c.SessionToken != "token" {
					t.Errorf("%v: %s %v, want %s", life, c.AccessKeyID, err, id)
				}
			}
			want("KHLE1")
			time.Sleep(time.Until(due) - time.Second)
			want("KHLE1")
			time.Sleep(time.Second)
			want("KHLE2")
			if l.calls != 2 {
				t.Errorf("%v: lent %d times", life, l.calls)
			}
		})
	}
}

// A lease that could not be renewed is used to its end, unless the server refuses.
func TestServerIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away, refused := errors.New("connection refused"), &api.Problem{Status: 403, Code: "access_not_granted"}
		l := &lender{life: time.Hour}
		cache := aws.NewCredentialsCache(leasecreds.New(l, api.LeaseRequest{}))
		want := func(what, id string, wantErr error) {
			t.Helper()
			if c, err := cache.Retrieve(t.Context()); !errors.Is(err, wantErr) || c.AccessKeyID != id {
				t.Errorf("%s: %q %v, want %q %v", what, c.AccessKeyID, err, id, wantErr)
			}
		}
		l.err = away
		want("without a lease", "", away)
		l.err = nil
		want("the first", "KHLE2", nil)
		time.Sleep(55 * time.Minute)
		l.err = away
		calls := l.calls
		for range 10 {
			want("away", "KHLE2", nil)
		}
		if n := l.calls - calls; n != 1 {
			t.Errorf("a server that is away was asked %d times at once", n)
		}
		time.Sleep(6 * time.Second)
		l.err = &api.Problem{Status: 503}
		want("busy", "KHLE2", nil)
		time.Sleep(5 * time.Minute)
		want("after its end", "", l.err)
		l.err = nil
		want("back", fmt.Sprint("KHLE", l.calls+1), nil)
		time.Sleep(55 * time.Minute)
		l.err = refused
		want("refused", "", refused)
	})
}

// slow is a lender that does not answer before it is let go, and then lends.
type slow struct {
	lender
	gate chan struct{}
}

func (s *slow) CreateLease(ctx context.Context, r api.LeaseRequest) (api.Lent, error) {
	if s.gate != nil {
		select {
		case <-s.gate:
		case <-ctx.Done():
			return api.Lent{}, ctx.Err()
		}
	}
	return s.lender.CreateLease(ctx, r)
}

// A server that hangs costs who has a lease that lives a second, once; every request
// waited for a minute. What it lends at last is the next lease, and not lent again.
func TestServerHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{lender: lender{life: time.Hour}}
		cache := aws.NewCredentialsCache(leasecreds.New(s, api.LeaseRequest{}))
		want := func(what, id string, wantAfter time.Duration) {
			t.Helper()
			begun := time.Now()
			if c, err := cache.Retrieve(t.Context()); err != nil || c.AccessKeyID != id || time.Since(begun) != wantAfter {
				t.Errorf("%s: %q after %v: %v, want %q after %v", what, c.AccessKeyID, time.Since(begun), err, id, wantAfter)
			}
		}
		want("the first", "KHLE1", 0)
		time.Sleep(51 * time.Minute)
		s.gate = make(chan struct{})
		want("hanging", "KHLE1", time.Second)
		want("at once", "KHLE1", 0)
		time.Sleep(6 * time.Second)
		want("still hanging", "KHLE1", 0)
		close(s.gate)
		time.Sleep(6 * time.Second)
		want("answered", "KHLE2", 0)
		if s.calls != 2 {
			t.Errorf("lent %d times", s.calls)
		}
		// It hangs for good: the call ends, and another begins.
		time.Sleep(51 * time.Minute)
		s.gate = make(chan struct{})
		want("hanging again", "KHLE2", time.Second)
		time.Sleep(2 * time.Minute)
		want("another call", "KHLE2", time.Second)
		time.Sleep(7 * time.Minute)
		if _, err := cache.Retrieve(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after its end: %v", err)
		}
	})
}

// Who says that the lease is no good waits for another, however long that takes.
func TestInvalidated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{lender: lender{life: time.Hour}}
		cache := aws.NewCredentialsCache(leasecreds.New(s, api.LeaseRequest{}))
		if _, err := cache.Retrieve(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.gate = make(chan struct{})
		time.AfterFunc(20*time.Second, func() { close(s.gate) })
		cache.Invalidate()
		if c, err := cache.Retrieve(t.Context()); err != nil || c.AccessKeyID != "KHLE2" {
			t.Errorf("%q %v", c.AccessKeyID, err)
		}
		s.gate, s.err = nil, errors.New("connection refused")
		cache.Invalidate()
		if c, err := cache.Retrieve(t.Context()); !errors.Is(err, s.err) {
			t.Errorf("a lease that is no good is handed out: %q %v", c.AccessKeyID, err)
		}
	})
}

// Near the end of a grant there is no other lease, and the one at hand is good until
// then. A refusal ends it, also for who asks again.
func TestLastLeaseOfAGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lender{life: time.Hour}
		cache := aws.NewCredentialsCache(leasecreds.New(l, api.LeaseRequest{}))
		want := func(what, id string, wantErr error) {
			t.Helper()
			if c, err := cache.Retrieve(t.Context()); !errors.Is(err, wantErr) || c.AccessKeyID != id {
				t.Errorf("%s: %q %v, want %q %v", what, c.AccessKeyID, err, id, wantErr)
			}
		}
		want("the first", "KHLE1", nil)
		time.Sleep(51 * time.Minute)
		l.err = &api.Problem{Status: 422, Code: "life_exceeds_limit"}
		for range 8 {
			want("no longer than the grant", "KHLE1", nil)
			time.Sleep(time.Minute)
		}
		l.err = &api.Problem{Status: 422, Code: "workspace_required"}
		want("how it was asked", "KHLE1", nil)
		time.Sleep(6 * time.Second)
		l.err = &api.Problem{Status: 403, Code: "access_not_granted"}
		want("refused", "", l.err)
		l.err = errors.New("connection refused")
		want("after a refusal", "", l.err)
	})
}

// The next lease is asked for where the first one was lent: by then the user may be in a
// second workspace, where one that does not say where is refused.
func TestRenewalStaysInItsWorkspace(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("workspace"))
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(api.Lent{ID: "lease_1", AccessKeyID: "KHLE1", Workspace: "ws_1", ExpiresAt: time.Now().Add(time.Hour)})
	}))
	defer server.Close()
	p := leasecreds.New(client.New(server.URL, "kh_a"), api.LeaseRequest{Location: "alpha", Access: "read"})
	for range 3 {
		if _, err := p.Retrieve(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(asked, "|"); got != "|ws_1|ws_1" {
		t.Errorf("asked in the workspaces %q", got)
	}
}
