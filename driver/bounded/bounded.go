// Package bounded keeps who answers us from filling our memory: whom we ask is whom
// users name.
package bounded

import (
	"cmp"
	"io"
	"net/http"
)

// MaxAnswer is how much is read of an answer, in bytes: many times the longest that
// means something where no object is read.
const MaxAnswer = 1 << 20

// Transport cuts off answers that are longer than Most, or MaxAnswer where that is zero.
type Transport struct {
	http.RoundTripper
	Most int64
}

// RoundTrip implements http.RoundTripper.
func (t Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(response.Body, cmp.Or(t.Most, MaxAnswer)), response.Body}
	}
	return response, err
}
