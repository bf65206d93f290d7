package leasecreds

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch/api"
)

// Lender lends; a client.Client does.
type Lender interface {
	CreateLease(context.Context, api.LeaseRequest) (api.Lent, error)
}

// Provider borrows a lease whenever the SDK asks for credentials. Put it into an
// aws.CredentialsCache, as NewS3 does: by itself it keeps nothing. It is safe for
// concurrent use.
type Provider struct {
	lender  Lender
	request api.LeaseRequest

	mu   sync.Mutex
	last api.Lent
}

var (
	_ aws.CredentialsProvider                       = (*Provider)(nil)
	_ aws.HandleFailRefreshCredentialsCacheStrategy = (*Provider)(nil)
)

// New makes a provider of leases for the request.
func New(l Lender, r api.LeaseRequest) *Provider { return &Provider{lender: l, request: r} }

// source is what the SDK calls the provider in its messages.
const source = "KeyhatchLease"

// Retrieve borrows a lease. The credentials say that they expire when the lease is
// due to be renewed, which is before its end.
func (p *Provider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	asked := time.Now()
	lent, err := p.lender.CreateLease(ctx, p.request)
	if err != nil {
		return aws.Credentials{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = lent
	return credentials(lent, api.RenewAt(asked, lent.ExpiresAt)), nil
}

func credentials(l api.Lent, until time.Time) aws.Credentials {
	return aws.Credentials{
		AccessKeyID: l.AccessKeyID, SecretAccessKey: l.SecretAccessKey, SessionToken: l.SessionToken,
		Source: source, CanExpire: true, Expires: until,
	}
}

// askAgain is how long a lease that could not be renewed is gone on with before the
// server is asked again.
const askAgain = 5 * time.Second

// HandleFailToRefresh lets the cache go on with a lease that still lives when it
// could not be renewed, unless the server refused to.
func (p *Provider) HandleFailToRefresh(_ context.Context, before aws.Credentials, err error) (aws.Credentials, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	var refusal *api.Problem
	if errors.As(err, &refusal) && refusal.EndsLeases() || before.AccessKeyID != p.last.AccessKeyID || !now.Before(p.last.ExpiresAt) {
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
