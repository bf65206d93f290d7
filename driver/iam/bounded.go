package iam

import (
	"context"
	"io"
	"net/http"
	"time"
)

const (
	// maxAnswer bounds what is read of an answer: a page of a thousand users is half of it.
	maxAnswer = 1 << 20
	// maxTime is as long as a request may take, with all of its answer.
	maxTime = 15 * time.Second
)

// Bounded makes a transport for stores that nobody here answers for: it cuts off answers
// that are longer than any that means something, and waits for none for longer than a
// store takes that works.
func Bounded(transport http.RoundTripper) http.RoundTripper { return bounded{transport, maxTime} }

type bounded struct {
	http.RoundTripper
	time time.Duration
}

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, stop := context.WithTimeout(r.Context(), b.time)
	response, err := b.RoundTripper.RoundTrip(r.WithContext(ctx))
	if err != nil {
		stop()
		return nil, err
	}
	response.Body = body{io.LimitReader(response.Body, maxAnswer), response.Body, stop}
	return response, nil
}

type body struct {
	io.Reader
	whole io.Closer
	stop  context.CancelFunc
}

func (b body) Close() error {
	defer b.stop()
	return b.whole.Close()
}
