package deliver_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/api"
)

// fakeServer lends like a server, and counts.
type fakeServer struct {
	*httptest.Server
	calls atomic.Int64
	asked chan struct{} // one for each call, when it is set
	hold  chan struct{} // calls wait for it, when it is set
}

func newFakeServer(t *testing.T, life time.Duration) *fakeServer {
	t.Helper()
	return (&fakeServer{}).start(t, life)
}

func (f *fakeServer) start(t *testing.T, life time.Duration) *fakeServer {
	t.Helper()
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := f.calls.Add(1)
		if f.asked != nil {
			f.asked <- struct{}{}
		}
		if f.hold != nil {
			select {
			case <-f.hold:
			case <-r.Context().Done():
				return
			}
		}
		if r.Method != http.MethodPost || r.URL.Path != "/api/v1/leases" || r.Header.Get("Authorization") != "Bearer "+fakeToken {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusUnauthorized)
			_ = json.NewEncoder(w).Encode(api.Problem{Status: 401, Code: "token_invalid", Detail: "the token is not known"})
			return
		}
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(aLease(int(n), life))
	}))
	t.Cleanup(f.Close)
	return f
}

const fakeToken = "kh_canary-token"

func (f *fakeServer) call(t *testing.T) call {
	t.Helper()
	return call{Server: f.URL, Token: fakeToken, Location: "s3://demo/alpha/", Cache: t.TempDir() + "/leases"}
}
