package people

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// Service does the use cases.
type Service struct {
	k        *kernel.Kernel
	limits   Limits
	failures *kernel.Meter // by address
	uses     *kernel.Uses
	endKeys  EndKeys
	log      *slog.Logger
}

// Limits are what tokens may at most. Each has its default where it is zero, but
// for LongestToken.
type Limits struct {
	// LongestToken is how long a token lives at most that is no installation admin's
	// to make or change; zero: until it is revoked.
	LongestToken time.Duration
	// RequestsPerMinute is how often a token may ask that says nothing else, on
	// average and at once. It holds for each process that serves.
	RequestsPerMinute int
	// FailuresPerMinute is how often an address may show what is no token that works.
	FailuresPerMinute int
}

// The defaults of Limits.
const (
	DefaultRequestsPerMinute = 6000
	DefaultFailuresPerMinute = 60
)

// mostFailing bounds the addresses whose failures are counted each by itself.
const mostFailing = 100_000

// New makes the service.
func New(k *kernel.Kernel, l Limits, endKeys EndKeys, log *slog.Logger) *Service {
	return &Service{k: k, limits: l.OrDefault(), failures: kernel.NewMeter(mostFailing), uses: kernel.NewUses("tokens", k.DB, log), endKeys: endKeys, log: log}
}

// OrDefault are the limits with their defaults.
func (l Limits) OrDefault() Limits {
	l.RequestsPerMinute = cmp.Or(l.RequestsPerMinute, DefaultRequestsPerMinute)
	l.FailuresPerMinute = cmp.Or(l.FailuresPerMinute, DefaultFailuresPerMinute)
	return l
}

// Limits are those of the installation.
func (svc *Service) Limits() Limits { return svc.limits }

// LongestToken is how long a token lives at most that is no installation admin's to
// make or change; zero: until it is revoked.
func (svc *Service) LongestToken() time.Duration { return svc.limits.LongestToken }

// WithinLongest is when a token ends that the caller makes now for so long, or for as
// long as tokens may live, or as its own does, when that is less.
func (svc *Service) WithinLongest(c keyhatch.Caller, life time.Duration) time.Time {
	if longest := svc.limits.LongestToken; longest > 0 {
		life = min(life, longest)
	}
	end := svc.k.Now().Add(life)
	if own := c.Token.ExpiresAt; !own.IsZero() && own.Before(end) {
		return own
	}
	return end
}

// EndKeys ends the access keys that were made with a token.
type EndKeys func(w *kernel.Work, token string) error

// RunUses writes when tokens were last used, until ctx ends and then once more.
func (svc *Service) RunUses(ctx context.Context) {
	svc.uses.Run(ctx, svc.k.Now, func(ctx context.Context, tx *db.Tx, u kernel.Use) error { return tx.TokenUsed(ctx, u.ID, u.At, u.From) })
}
