package keys

import (
	"errors"
	"io"
	"net/http"
)

// losing is a network that loses one request, or the answer to it when the store has
// acted.
type losing struct {
	http.RoundTripper
	at     int // which; zero: none
	answer bool
	seen   int
	lost   bool
}

var errLost = errors.New("the connection broke")

func (l *losing) RoundTrip(r *http.Request) (*http.Response, error) {
	l.seen++
	if l.seen != l.at {
		return l.RoundTripper.RoundTrip(r)
	}
	l.lost = true
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
