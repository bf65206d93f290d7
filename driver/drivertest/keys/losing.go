package keys

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

// losing is a network that loses one request, or the answer to it when the store has
// acted.
type losing struct {
	http.RoundTripper
	at     int // which; zero: none
	answer bool
	mu     sync.Mutex
	seen   int
	lost   bool
}

var errLost = errors.New("the connection broke")

func (l *losing) RoundTrip(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	l.seen++
	now := l.seen == l.at
	l.lost = l.lost || now
	l.mu.Unlock()
	if !now {
		return l.RoundTripper.RoundTrip(r)
	}
	if !l.answer {
		return nil, errLost
	}
	response, err := l.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	_, _ = io.Copy(io.Discard, response.Body)
	response.Body.Close()
	return nil, errLost
}
