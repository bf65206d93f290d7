package bounded_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/driver/bounded"
)

type answering struct {
	body   *body
	failed error
}

type body struct {
	io.Reader
	closed bool
}

func (b *body) Close() error { b.closed = true; return nil }

func (a answering) RoundTrip(*http.Request) (*http.Response, error) {
	if a.failed != nil {
		return nil, a.failed
	}
	return &http.Response{Body: a.body}, nil
}

// TestS9_AnswersAreBounded: of an answer without an end so much is read, and no more;
// one that is as long is whole.
func TestS9_AnswersAreBounded(t *testing.T) {
	for sent, want := range map[int]int{0: 0, 5: 5, bounded.MaxAnswer: bounded.MaxAnswer, 3 * bounded.MaxAnswer: bounded.MaxAnswer} {
		b := &body{Reader: strings.NewReader(strings.Repeat("x", sent))}
		response, err := bounded.Transport{RoundTripper: answering{body: b}}.RoundTrip(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(response.Body)
		if err != nil || len(got) != want {
			t.Errorf("of %d bytes %d are read, %v", sent, len(got), err)
		}
		if err := response.Body.Close(); err != nil || !b.closed {
			t.Errorf("the connection is kept: %v", err)
		}
	}
	gone := errors.New("gone")
	if _, err := (bounded.Transport{RoundTripper: answering{failed: gone}}).RoundTrip(nil); !errors.Is(err, gone) {
		t.Errorf("it is %v", err)
	}
}
