package awssts

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
)

// ours remembers whether what we are ourselves is a session: it is asked several times for
// each lease, and where it is had from may be slow, or away.
type ours struct {
	mu      sync.Mutex
	until   time.Time
	first   chan struct{} // closed when it was asked once
	asking  bool
	session bool
}

const (
	oursRemembered = time.Minute
	oursMissed     = 5 * time.Second // that it could not be told
)

// isSession tells so. Who asks first waits; then it is what it was last, and is looked up
// beside that. While it could not be told ever it is a session, of which less is right.
func (o *ours) isSession(l *Lender) bool {
	o.mu.Lock()
	if o.first == nil {
		o.first, o.session = make(chan struct{}), true
	}
	if !o.asking && !time.Now().Before(o.until) {
		o.asking = true
		go o.look(l)
	}
	first := o.first
	o.mu.Unlock()
	<-first
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.session
}

// look has one at a time ask where our identity comes from.
func (o *ours) look(l *Lender) {
	ctx, stop := context.WithTimeout(context.Background(), l.within)
	defer stop()
	c, err := l.identity.Retrieve(ctx)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.asking, o.until = false, time.Now().Add(oursMissed); err == nil {
		o.session, o.until = c.SessionToken != "", time.Now().Add(oursRemembered)
	}
	select {
	case <-o.first:
	default:
		close(o.first)
	}
}

// bases keeps the sessions of roles through which others are assumed: each vend would
// cost two requests else, and both count.
type bases struct {
	mu    sync.Mutex
	known map[baseKey]keptBase
}

// baseKey is a role with its external id, as one asks for it in a region.
type baseKey [sha256.Size]byte

const (
	maxBases = 1000
	// baseRenewed is how long before its end a base's session is replaced.
	baseRenewed = 5 * time.Minute
	baseName    = "keyhatch-base"
)

// through is a session of the base, which is a role of AWS.
func (b *bases) through(l *Lender, base keyhatch.Authority, r driver.VendRequest) aws.CredentialsProvider {
	key := baseKey(sha256.Sum256([]byte(base.Principal + "\x00" + base.Secret.Reveal() + "\x00" + r.Store.Region)))
	b.mu.Lock()
	defer b.mu.Unlock()
	if kept, there := b.known[key]; there {
		return kept
	}
	if b.known == nil || len(b.known) >= maxBases {
		b.known = map[baseKey]keptBase{}
	}
	r.As.Authority, r.Spend = base, nil // what is kept outlives the request
	kept := keptBase{aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		in := &sts.AssumeRoleInput{RoleArn: &base.Principal, RoleSessionName: aws.String(baseName)}
		if base.Secret != "" {
			in.ExternalId = aws.String(base.Secret.Reveal())
		}
		r := r
		r.Spend = payerOf(ctx).pay // who has it renewed
		return l.ask(ctx, l.identity, r, func(service *sts.Client) (*types.Credentials, error) {
			out, err := service.AssumeRole(ctx, in)
			if err != nil {
				return nil, err
			}
			return out.Credentials, nil
		})
	}), func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = baseRenewed })}
	b.known[key] = kept
	return kept
}

// payer is from whose budget it is spent what is asked on the way.
type payer struct{ spend func(context.Context) error }

// spender is where a context has its payer.
type spender struct{}

func withSpend(ctx context.Context, spend func(context.Context) error) context.Context {
	return context.WithValue(ctx, spender{}, &payer{spend})
}

func payerOf(ctx context.Context) *payer {
	p, _ := ctx.Value(spender{}).(*payer)
	return p
}

func (p *payer) pay(ctx context.Context) error {
	if p == nil || p.spend == nil {
		return nil
	}
	if err := p.spend(ctx); err != nil {
		return &unpaid{p, err}
	}
	return nil
}

// unpaid is that the budget of a payer is spent. All who wait for what it was to pay are
// told so.
type unpaid struct {
	by *payer
	error
}

func (u *unpaid) Unwrap() error { return u.error }

// keptBase is the session of a base. Who waits for one that another could not pay has it
// renewed itself: a budget refuses those whose it is, each of them once.
type keptBase struct{ *aws.CredentialsCache }

func (b keptBase) Retrieve(ctx context.Context) (aws.Credentials, error) {
	for {
		c, err := b.CredentialsCache.Retrieve(ctx)
		var others *unpaid
		if !errors.As(err, &others) || others.by == payerOf(ctx) || ctx.Err() != nil {
			return c, err
		}
	}
}
