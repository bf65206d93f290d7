package upstream

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"
)

const (
	// patience is how long a transfer may stand still.
	patience = time.Minute
	// thought is how long a store may take to begin its answer.
	thought = 10 * time.Minute
)

// errStill is the end of a request that makes no progress.
var errStill = errors.New("nothing happened for too long")

// watch ends a request that makes no progress.
type watch struct {
	timer  *time.Timer
	cancel context.CancelCauseFunc
	heard  atomic.Bool   // the store has said something
	asked  chan struct{} // closed when it has asked for the body
}

func startWatch(ctx context.Context) (context.Context, *watch) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(thought, func() { cancel(errStill) })
	return ctx, &watch{timer: timer, cancel: cancel, asked: make(chan struct{})}
}

// expect gives the request so long to make its next step.
func (w *watch) expect(d time.Duration) { w.timer.Reset(d) }

// stop ends the request.
func (w *watch) stop() {
	w.timer.Stop()
	w.cancel(nil)
}

// watchedBody is the body of an answer, whose end ends the watch.
type watchedBody struct {
	io.ReadCloser
	watch *watch
	// whole is until when all of it must have come; zero: it may be slow. A document
	// is held in memory meanwhile.
	whole time.Time
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	left := patience
	if !b.whole.IsZero() {
		left = min(left, time.Until(b.whole))
	}
	b.watch.expect(left)
	return n, err
}

func (b *watchedBody) Close() error {
	defer b.watch.stop()
	return b.ReadCloser.Close()
}
