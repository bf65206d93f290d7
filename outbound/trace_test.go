package outbound_test

import (
	"net/http"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/outbound"
)

type seen struct{ header http.Header }

func (s *seen) RoundTrip(r *http.Request) (*http.Response, error) {
	s.header = r.Header
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

// TestTraceGoesOn: what is asked for a request is part of its trace, and of none where that is of none.
func TestTraceGoesOn(t *testing.T) {
	for _, trace := range []keyhatch.Trace{"", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"} {
		through := &seen{}
		ctx := keyhatch.WithOrigin(t.Context(), keyhatch.Origin{Trace: trace})
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://store.example.org/", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := outbound.Traced(through).RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if got := through.header.Get("Traceparent"); got != string(trace) {
			t.Errorf("%q goes on as %q", trace, got)
		}
		if len(r.Header) != 0 {
			t.Errorf("the request itself was changed: %v", r.Header)
		}
	}
}
