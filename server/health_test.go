package server_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch/server"
)

func TestHealth(t *testing.T) {
	for _, test := range []struct {
		path   string
		ready  error
		status int
		text   string
	}{
		{"/healthz", nil, 200, "ok\n"},
		{"/healthz", errBroken, 200, "ok\n"},
		{"/readyz", nil, 200, "ready\n"},
		{"/readyz", errBroken, 503, "not ready: the database\n"},
	} {
		w := httptest.NewRecorder()
		api(t, &probe{}, io.Discard, test.ready).ServeHTTP(w, httptest.NewRequest(http.MethodGet, test.path, nil))
		if w.Code != test.status || w.Body.String() != test.text {
			t.Errorf("%s, ready %v: %d %q", test.path, test.ready, w.Code, w.Body)
		}
		if w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be kept by a cache", test.path)
		}
	}
}

// TestProbesAreNotLogged: who asks every second whether all is well fills no log; that it
// is not is told.
func TestProbesAreNotLogged(t *testing.T) {
	for _, test := range []struct {
		path  string
		ready error
		lines int
	}{{"/healthz", nil, 0}, {"/readyz", nil, 0}, {"/readyz", errBroken, 1}, {"/nothing", nil, 1}} {
		var log bytes.Buffer
		api(t, &probe{}, &log, test.ready).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, test.path, nil))
		if got := strings.Count(log.String(), "\n"); got != test.lines {
			t.Errorf("%s, ready %v: the log has %s", test.path, test.ready, log.String())
		}
	}
}

// TestReadinessIsLookedAtOnce: however many ask, the database is asked once a second, also
// while it hangs; what is lacking is told in the log when it begins to be, and when it ends.
func TestReadinessIsLookedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var looks, after atomic.Int64
		var lacking error
		var log bytes.Buffer
		r := server.NewReadiness(slog.New(slog.NewTextHandler(&log, nil)),
			server.Check{Name: "database", Try: func(ctx context.Context) error {
				looks.Add(1)
				if lacking == nil {
					return nil
				}
				<-ctx.Done() // it hangs
				return lacking
			}},
			server.Check{Name: "memory", Try: func(context.Context) error { after.Add(1); return nil }})
		ask := func() (answers []string) {
			answers = make([]string, 50)
			var all sync.WaitGroup
			for i := range answers {
				all.Go(func() {
					ctx, leave := context.WithCancel(t.Context())
					leave() // who asks has left already
					answers[i] = r.Lacks(ctx)
				})
			}
			all.Wait()
			return answers
		}
		for step, want := range []string{"", "database", "database", ""} {
			lacking = nil
			if want != "" {
				lacking = errors.New("canary-cause")
			}
			before := looks.Load()
			for _, got := range ask() {
				if got != want {
					t.Fatalf("step %d: lacks %q, want %q", step, got, want)
				}
			}
			if n := looks.Load() - before; n != 1 {
				t.Errorf("step %d: it was looked %d times", step, n)
			}
			time.Sleep(time.Second)
		}
		if after.Load() != 2 {
			t.Errorf("memory was looked at %d times, which rests on the database", after.Load())
		}
		if strings.Count(log.String(), "canary-cause") != 1 || strings.Count(log.String(), "ready again") != 1 {
			t.Errorf("the log has %s", log.String())
		}
		r.Withdraw()
		r.Withdraw()
		if got := r.Lacks(t.Context()); got != "the server stops" {
			t.Errorf("it stops, and lacks %q", got)
		}
	})
}
