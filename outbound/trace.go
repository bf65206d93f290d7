package outbound

import (
	"net/http"

	"github.com/keyhatch/keyhatch"
)

// Traced tells each server that is asked for a request of ours, of which trace that is a part. Nothing is added where
// it is part of none. The header is not among those that signatures cover.
func Traced(through http.RoundTripper) http.RoundTripper { return traced{through} }

type traced struct{ through http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t traced) RoundTrip(r *http.Request) (*http.Response, error) {
	if trace := keyhatch.OriginOf(r.Context()).Trace; trace != "" {
		r = r.Clone(r.Context()) // the caller's stays as it is
		r.Header.Set("Traceparent", string(trace))
	}
	return t.through.RoundTrip(r)
}
