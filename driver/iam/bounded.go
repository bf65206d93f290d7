package iam

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/keyhatch/keyhatch/driver/bounded"
)

// maxTime is as long as a request may take, with all of its answer.
const maxTime = 15 * time.Second

// Bounded makes a transport for stores that nobody here answers for: it cuts off answers
// that are longer than any that means something (a page of a thousand users is half of
// bounded.MaxAnswer), and waits for none for longer than a store takes that works.
func Bounded(transport http.RoundTripper) http.RoundTripper {
	return inTime{bounded.Transport{RoundTripper: transport}}
}

// inTime ends a request, and the reading of its answer, after maxTime.
type inTime struct{ http.RoundTripper }

func (t inTime) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, stop := context.WithTimeout(r.Context(), maxTime)
	response, err := t.RoundTripper.RoundTrip(r.WithContext(ctx))
	if err != nil {
		stop()
		return nil, err
	}
	response.Body = body{response.Body, stop}
	return response, nil
}

// body ends the request's time when it is closed.
type body struct {
	io.ReadCloser
	stop context.CancelFunc
}

func (b body) Close() error {
	defer b.stop()
	return b.ReadCloser.Close()
}
