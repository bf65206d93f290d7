package leasecreds

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/client"
)

// Lender lends; a client.Client does.
type Lender interface {
	CreateLease(context.Context, api.LeaseRequest) (api.Lent, error)
}

// Provider borrows a lease whenever the SDK asks for credentials. Put it into an
// aws.CredentialsCache, as NewS3 does: by itself it keeps nothing. It is safe for
// concurrent use.
//
// All leases are of the workspace of the first, when the Lender is a client.Client: the
// one that is implied may be another, or none, by the time of the next.
type Provider struct {
	lender  Lender
	request api.LeaseRequest

	mu      sync.Mutex
	last    api.Lent
	pending *pending
}

// pending is a call of the server, until somebody has what came of it.
type pending struct {
	begun time.Time
	done  chan struct{} // closed when the rest is there
	lent  api.Lent
	err   error
}

var (
	_ aws.CredentialsProvider                       = (*Provider)(nil)
	_ aws.HandleFailRefreshCredentialsCacheStrategy = (*Provider)(nil)
)

// New makes a provider of leases for the request.
func New(l Lender, r api.LeaseRequest) *Provider { return &Provider{lender: l, request: r} }

// source is what the SDK calls the provider in its messages.
const source = "KeyhatchLease"

const (
	// lendTime bounds one call of the server.
	lendTime = time.Minute
	// waitForNext is how long who has a lease that lives waits for the next one.
	waitForNext = time.Second
	// askAgain is how long a lease that could not be renewed is gone on with before the
	// server is asked again.
	askAgain = 5 * time.Second
)

// Retrieve borrows a lease. The credentials say that they expire when the lease is
// due to be renewed, which is before its end.
//
// While the last lease lives, the error comes after a second: so the cache goes on
// with that one (see HandleFailToRefresh). The call goes on too, and what comes of it
// is the next answer.
func (p *Provider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	call, before := p.join(ctx)
	var late <-chan time.Time
	if time.Now().Add(waitForNext).Before(before.ExpiresAt) {
		late = time.After(time.Until(call.begun.Add(waitForNext)))
	}
	select {
	case <-call.done:
		return p.had(call)
	case <-late:
		return aws.Credentials{}, &lateError{call}
	case <-ctx.Done():
		return aws.Credentials{}, context.Cause(ctx)
	}
}

// join returns the call whose outcome is the caller's, beginning one if need be, and
// the lease before it.
func (p *Provider) join(ctx context.Context) (*pending, api.Lent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pending == nil || p.pending.stale(time.Now()) {
		p.pending = &pending{begun: time.Now(), done: make(chan struct{})}
		go p.borrow(context.WithoutCancel(ctx), p.pending)
	}
	return p.pending, p.last
}

func (p *Provider) borrow(ctx context.Context, call *pending) {
	ctx, cancel := context.WithTimeout(ctx, lendTime)
	defer cancel()
	call.lent, call.err = p.lender.CreateLease(ctx, p.request)
	p.mu.Lock()
	defer p.mu.Unlock()
	var refusal *api.Problem
	switch {
	case call.err == nil:
		p.last = call.lent
		if c, ok := p.lender.(*client.Client); ok && call.lent.Workspace != "" { // older servers do not tell
			p.lender = c.In(call.lent.Workspace)
		}
	case errors.As(call.err, &refusal) && refusal.EndsLeases():
		p.last = api.Lent{}
	}
	close(call.done)
}

// had is what came of a call, for who waited for it: who comes next asks anew.
func (p *Provider) had(call *pending) (aws.Credentials, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pending == call {
		p.pending = nil
	}
	if call.err != nil {
		return aws.Credentials{}, call.err
	}
	return credentials(call.lent, api.RenewAt(call.begun, call.lent.ExpiresAt)), nil
}

// stale tells whether the call has ended so that nobody wants its outcome now.
func (c *pending) stale(now time.Time) bool {
	select {
	case <-c.done:
		return c.err != nil || !now.Before(api.RenewAt(c.begun, c.lent.ExpiresAt))
	default:
		return false
	}
}

// lateError is of a call that goes on.
type lateError struct{ call *pending }

func (*lateError) Error() string { return "the Keyhatch server has not answered yet" }

func credentials(l api.Lent, until time.Time) aws.Credentials {
	return aws.Credentials{
		AccessKeyID: l.AccessKeyID, SecretAccessKey: l.SecretAccessKey, SessionToken: l.SessionToken,
		Source: source, CanExpire: true, Expires: until,
	}
}

// HandleFailToRefresh lets the cache go on with a lease that still lives when it
// could not be renewed, unless the server refused to. A cache that was told to forget
// its lease (aws.CredentialsCache.Invalidate) waits for the next one.
func (p *Provider) HandleFailToRefresh(ctx context.Context, before aws.Credentials, err error) (aws.Credentials, error) {
	var late *lateError
	if before.AccessKeyID == "" {
		if !errors.As(err, &late) {
			return aws.Credentials{}, err
		}
		select {
		case <-late.call.done:
			return p.had(late.call)
		case <-ctx.Done():
			return aws.Credentials{}, context.Cause(ctx)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if !now.Before(p.last.ExpiresAt) {
		return aws.Credentials{}, err
	}
	until := now.Add(askAgain)
	if p.last.ExpiresAt.Before(until) {
		until = p.last.ExpiresAt
	}
	return credentials(p.last, until), nil
}

// Lease returns the lease that was borrowed last, or borrows the first: it tells
// where the credentials can be used.
func (p *Provider) Lease(ctx context.Context) (api.Lent, error) {
	p.mu.Lock()
	lent := p.last
	p.mu.Unlock()
	if lent.ID != "" {
		return lent, nil
	}
	if _, err := p.Retrieve(ctx); err != nil {
		return api.Lent{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last, nil
}

// Configure sets an S3 client's options to the place of a lease: its endpoint and
// region, and the bucket in the path, for an endpoint need not have a host name for
// each bucket. It is an option for s3.New and s3.NewFromConfig.
func Configure(l api.Lent) func(*s3.Options) {
	return func(o *s3.Options) {
		o.BaseEndpoint = aws.String(l.Endpoint)
		o.Region = l.Region
		o.UsePathStyle = true
	}
}

// NewS3 makes an S3 client that uses the provider's leases, where they can be used.
// It borrows the first. Further options come after its own.
func NewS3(ctx context.Context, p *Provider, options ...func(*s3.Options)) (*s3.Client, error) {
	cache := aws.NewCredentialsCache(p)
	if _, err := cache.Retrieve(ctx); err != nil {
		return nil, err
	}
	lent, err := p.Lease(ctx)
	if err != nil {
		return nil, err
	}
	return s3.New(s3.Options{Credentials: cache}, append([]func(*s3.Options){Configure(lent)}, options...)...), nil
}
