package shield

import (
	"context"
	"math"
	"time"

	"github.com/keyhatch/keyhatch"
	"golang.org/x/time/rate"
)

// budget is what may be asked as one credential.
type budget struct {
	queue  time.Duration
	pace   *rate.Limiter
	room   chan struct{}
	waited func(time.Duration)
}

// spent is that a budget is.
type spent struct{}

func (*spent) Error() string { return "the budget of requests as the store's credential is spent" }

func tooMany(wait time.Duration) error {
	wait = time.Duration(math.Ceil(max(wait.Seconds(), 1))) * time.Second
	return keyhatch.Fail(keyhatch.TooMany, keyhatch.CodeTooManyRequests,
		"too many credentials of this store are asked for at the moment: ask again after %d seconds", int(wait.Seconds())).After(wait).Because(&spent{})
}

// budget is that of a credential. One that nobody has asked for a while is like new.
func (s *Shield) budget(credential string) *budget {
	b, _ := s.budgets.ComputeIfAbsent(credential, func() (*budget, bool) {
		burst := max(2, int(s.config.PerSecond/10)) // a session may take two: one is of what it is had through
		return &budget{s.config.Queue, rate.NewLimiter(rate.Limit(s.config.PerSecond), burst), make(chan struct{}, s.config.AtATime), s.config.Watch.Waited}, false
	})
	return b
}

// enter waits for room, for a moment. Who is let in calls leave.
func (b *budget) enter(ctx context.Context) (leave func(), err error) {
	patience := time.NewTimer(b.queue)
	defer patience.Stop()
	select {
	case b.room <- struct{}{}:
		return func() { <-b.room }, nil
	case <-patience.C:
	case <-ctx.Done():
	}
	return nil, tooMany(time.Second)
}

// spend waits for a request's turn, for a moment. Who would wait longer is refused at
// once and takes nothing: a turn that is reserved and given back again is lost where
// others have reserved theirs in between.
func (b *budget) spend(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, b.queue)
	defer cancel()
	if b.waited != nil {
		begun := time.Now()
		defer func() { b.waited(time.Since(begun)) }()
	}
	if b.pace.Wait(ctx) == nil {
		return nil
	}
	missing := 1 - b.pace.Tokens()
	return tooMany(time.Duration(missing / float64(b.pace.Limit()) * float64(time.Second)))
}
