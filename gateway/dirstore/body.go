package dirstore

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/rclone/gofakes3"
)

// body is an object's body on its way into the tree: what gofakes3 hands over,
// then the true end of the request's body. gofakes3 stops at the last byte,
// before the end at which a verifying reader reports what it found. Every error
// of a body is an answer.
type body struct {
	from    io.Reader
	request io.Reader // nil if there is none
}

func bodyOf(ctx context.Context, from io.Reader) io.Reader {
	return &body{from, requestOf(ctx).body}
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if err == io.EOF {
		err = b.end()
	}
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, bodyAnswer(err)
}

// end reads on to the end of the request's body, and returns io.EOF if that is
// where it is.
func (b *body) end() error {
	if b.request == nil {
		return io.EOF
	}
	var one [1]byte
	n, err := io.ReadFull(b.request, one[:])
	if n > 0 {
		return gofakes3.ErrorMessage(gofakes3.ErrIncompleteBody, "The body is longer than its length says; nothing was stored.")
	}
	return err
}

// bodyAnswer is the answer to a body that could not be read to its end. Whoever
// verifies the body may pass a gofakes3 error to choose its own.
func bodyAnswer(err error) error {
	var known gofakes3.Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &known):
		return answer(err)
	case errors.As(err, &tooLarge):
		return gofakes3.ErrorMessage(gofakes3.ErrEntityTooLarge, "The body is larger than is allowed.")
	}
	return gofakes3.ErrorMessage(gofakes3.ErrIncompleteBody, "The body could not be read to its end; nothing was stored.")
}
