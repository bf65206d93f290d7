package past

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// Service does the use cases.
type Service struct {
	k *kernel.Kernel
	// replays has a place for each replay that runs: one reads all changes of rights
	// and holds what they lead to in memory.
	replays chan struct{}
}

const (
	// maxReplays is how many run at a time.
	maxReplays = 2
	// replayWithin is how long a question waits for others to be answered.
	replayWithin = 10 * time.Second
)

// New makes the service.
func New(k *kernel.Kernel) *Service {
	return &Service{k: k, replays: make(chan struct{}, maxReplays)}
}

// turn waits for a place among the replays, which done gives back.
func (svc *Service) turn(ctx context.Context) (done func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, replayWithin)
	defer cancel()
	select {
	case svc.replays <- struct{}{}:
		return func() { <-svc.replays }, nil
	case <-ctx.Done():
		return nil, keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable,
			"others are asking about the past, and each answer takes its time: try again").Because(ctx.Err())
	}
}
