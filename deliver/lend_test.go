package deliver_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/deliver"
	"github.com/keyhatch/keyhatch/deliver/snippets"
)

// A lease is handed out again until it is due, and no longer.
func TestKeepRenewsByTheRule(t *testing.T) {
	for _, life := range []time.Duration{time.Minute, 15 * time.Minute, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			l := &lender{life: life}
			lend := deliver.Keep(l.lend)
			begun := time.Now()
			due := api.RenewAt(begun, begun.Add(life))
			first := mustLend(t, lend)
			time.Sleep(time.Until(due) - time.Second)
			if again := mustLend(t, lend); again.ID != first.ID {
				t.Errorf("%v: renewed a second before it was due", life)
			}
			time.Sleep(time.Second)
			if next := mustLend(t, lend); next.ID == first.ID {
				t.Errorf("%v: handed out when it was due", life)
			}
			if n := l.calls.Load(); n != 2 {
				t.Errorf("%v: lent %d times", life, n)
			}
		})
	}
}

func TestKeepSharesOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lender{life: time.Hour}
		lend := deliver.Keep(func(ctx context.Context) (api.Lent, error) {
			time.Sleep(2 * time.Second)
			if ctx.Err() != nil {
				t.Error("the call was ended with the caller who began it")
			}
			return l.lend(ctx)
		})
		// The first gives up, the others wait.
		hurried, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := lend(hurried); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("who gave up got %v", err)
			}
		})
		synctest.Wait()
		for range 50 {
			all.Go(func() { mustLend(t, lend) })
		}
		all.Wait()
		if n := l.calls.Load(); n != 1 {
			t.Errorf("51 callers had %d leases lent", n)
		}
	})
}

// An error is told and not remembered; while the lease still lives, one that may
// pass is not even told; a refusal is.
func TestKeepAndErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lender{life: time.Hour}
		lend := deliver.Keep(l.lend)
		l.fails(errAway)
		if _, err := lend(t.Context()); !errors.Is(err, errAway) {
			t.Fatalf("without a lease: %v", err)
		}
		l.fails(nil)
		first := mustLend(t, lend) // at once
		time.Sleep(55 * time.Minute)
		l.fails(errAway)
		calls := l.calls.Load()
		for range 10 {
			if again := mustLend(t, lend); again.ID != first.ID {
				t.Error("another lease while the server was away")
			}
		}
		if n := l.calls.Load() - calls; n != 1 {
			t.Errorf("a server that is away was asked %d times at once", n)
		}
		time.Sleep(6 * time.Second)
		l.fails(nil)
		second := mustLend(t, lend)
		if second.ID == first.ID {
			t.Error("not renewed when the server was back")
		}
		time.Sleep(55 * time.Minute)
		l.fails(errRefused)
		if _, err := lend(t.Context()); !errors.Is(err, errRefused) {
			t.Errorf("a refusal was kept back: %v", err)
		}
		l.fails(errAway)
		if _, err := lend(t.Context()); !errors.Is(err, errAway) {
			t.Errorf("a lease was handed out after a refusal: %v", err)
		}
		l.fails(nil)
		mustLend(t, lend)
		time.Sleep(time.Hour)
		l.fails(errAway)
		if _, err := lend(t.Context()); !errors.Is(err, errAway) {
			t.Errorf("a lease was handed out after its end: %v", err)
		}
	})
}

func TestFinal(t *testing.T) {
	for status, final := range map[int]bool{401: true, 403: true, 404: true, 422: true, 408: false, 429: false, 500: false, 503: false} {
		if got := deliver.Final(&api.Problem{Status: status}); got != final {
			t.Errorf("%d: %v", status, got)
		}
	}
	if deliver.Final(errAway) || deliver.Final(context.DeadlineExceeded) {
		t.Error("no answer is taken for a refusal")
	}
}

// hostile are values that no server of ours sends, and that would mean something
// elsewhere.
var hostile = map[string]string{
	"a new line": "x\ny", "a return": "x\ry", "a NUL": "x\x00y", "an escape": "x\x1b[2Jy", "a space": "x y",
	"a quote that some shells know": "x\u2019y", "no UTF-8": "x\xffy", "nothing": "",
}

func eachField(l *api.Lent) map[string]*string {
	return map[string]*string{
		"access key": &l.AccessKeyID, "secret": &l.SecretAccessKey, "token": &l.SessionToken, "endpoint": &l.Endpoint, "region": &l.Region,
	}
}

// What a server answers is looked at before it goes anywhere.
func TestHostileAnswersAreRefused(t *testing.T) {
	try := func(what string, l api.Lent) {
		t.Helper()
		_, envErr := deliver.Env(l)
		_, snippetErr := snippets.Of("boto3", "", l)
		_, keepErr := deliver.Keep(func(context.Context) (api.Lent, error) { return l, nil })(t.Context())
		for way, err := range map[string]error{
			"env": envErr, "shell": deliver.WriteShell(nil, deliver.POSIX, l), "process": deliver.WriteProcess(nil, l),
			"snippet": snippetErr, "keep": keepErr,
		} {
			if err == nil || !deliver.Final(err) {
				t.Errorf("%s: %s takes it, or would have it again: %v", what, way, err)
			}
		}
	}
	for what, value := range hostile {
		for field := range eachField(&api.Lent{}) {
			l := aLease(1, time.Hour)
			*eachField(&l)[field] = value
			try(field+" with "+what, l)
		}
	}
	for _, endpoint := range []string{"ftp://h", "http://", "//h", "http://user@h", "http://h/path", "http://h?q", "http://h#f", "javascript:1"} {
		l := aLease(1, time.Hour)
		l.Endpoint = endpoint
		try(endpoint, l)
	}
	l := aLease(1, time.Hour)
	l.ExpiresAt = time.Time{}
	try("no end", l)
}

func mustLend(t *testing.T, lend deliver.Lend) api.Lent {
	t.Helper()
	l, err := lend(t.Context())
	if err != nil {
		t.Error(err)
	}
	return l
}
