package providers_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/providers"
)

const issuer = "https://login.example.org"

// silent is a provider that answers nothing, for as long as it is waited for, unless it speaks.
type silent struct {
	speaks atomic.Bool
	asked  atomic.Int32
}

func (s *silent) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked.Add(1)
	if !s.speaks.Load() {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	document := strings.NewReplacer("ISSUER", issuer).Replace(`{"issuer": "ISSUER", "authorization_endpoint": "ISSUER/authorize", "token_endpoint": "ISSUER/token",
		"jwks_uri": "ISSUER/keys", "end_session_endpoint": "ISSUER/leave"}`)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(document)), Request: r}, nil
}

func at(t *testing.T, s *silent) *providers.Providers {
	t.Helper()
	p, err := providers.New([]providers.Provider{{
		Name: "school", Title: "The school", Issuer: issuer, ClientID: "keyhatch", Secret: "a secret", Users: map[string]string{"1": "ann"},
	}}, s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func send(ctx context.Context, p *providers.Providers) error {
	_, err := p.Send(ctx, "school", keyhatch.LoginRequest{Redirect: "https://keys.example.org/login/school/back"})
	return err
}

// TestSilentProvider: of all who wait for a provider that says nothing one has asked it, and who goes away
// waits no longer. Once each of them asked again when the one before had given up, and a browser that
// logged out stood in the same line.
func TestSilentProvider(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &silent{}
		p := at(t, s)
		errs := make(chan error, 10)
		for range cap(errs) {
			go func() { errs <- send(t.Context(), p) }()
		}
		synctest.Wait()
		gone, stop := context.WithCancel(t.Context())
		stop()
		begun := time.Now()
		if err := send(gone, p); !errors.Is(err, context.Canceled) {
			t.Errorf("who goes away: %v", err)
		}
		if to := p.Leave(issuer, "https://keys.example.org/login"); to != "" {
			t.Errorf("who leaves is led to %s", to)
		}
		if d := time.Since(begun); d != 0 {
			t.Errorf("both waited for %s", d)
		}
		for range cap(errs) {
			if err := <-errs; err == nil {
				t.Error("a provider that says nothing is known")
			}
		}
		if err := send(t.Context(), p); err == nil || s.asked.Load() != 1 {
			t.Errorf("it was asked %d times: %v", s.asked.Load(), err)
		}
		s.speaks.Store(true)
		time.Sleep(10 * time.Second)
		if err := send(t.Context(), p); err != nil || s.asked.Load() != 2 {
			t.Errorf("it speaks again: asked %d times: %v", s.asked.Load(), err)
		}
	})
}

// TestProviderFallsSilent: what a provider has said holds on while it is asked again, and nobody waits for that.
func TestProviderFallsSilent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &silent{}
		s.speaks.Store(true)
		p := at(t, s)
		if err := send(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		s.speaks.Store(false)
		time.Sleep(time.Hour)
		begun := time.Now()
		for range 3 {
			if err := send(t.Context(), p); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			if to := p.Leave(issuer, "https://keys.example.org/login"); !strings.HasPrefix(to, issuer+"/leave?") {
				t.Errorf("who leaves is led to %q", to)
			}
		}
		if d := time.Since(begun); d != 0 || s.asked.Load() != 2 {
			t.Errorf("it was waited for %s, and asked %d times", d, s.asked.Load())
		}
		time.Sleep(time.Minute) // the one that asks gives up
	})
}
