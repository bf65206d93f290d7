package probe

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/bounded"
)

// Prober implements driver.Prober.
type Prober struct {
	client   *http.Client
	room     chan struct{} // for those who ask at a time
	identity aws.CredentialsProvider
	region   string
	sts      string
}

// Config is how a Prober goes to AWS.
type Config struct {
	// Transport makes the connections, to addresses that users give too.
	Transport http.RoundTripper
	// Identity is what Keyhatch itself is at AWS; nil: nothing.
	Identity aws.CredentialsProvider
	// Region is where STS is asked; empty: us-east-1. Of another partition a role
	// says itself where.
	Region string
	// STSEndpoint is asked instead of the region's own; empty: that.
	STSEndpoint string
}

// New makes a prober.
func New(c Config) *Prober {
	p := &Prober{
		client: &http.Client{
			Transport:     bounded.Transport{RoundTripper: c.Transport},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		room: make(chan struct{}, atATime), identity: c.Identity, region: c.Region, sts: c.STSEndpoint,
	}
	if p.region == "" {
		p.region = "us-east-1"
	}
	return p
}

// Probe tells how an authority fares. The names of its checks: endpoint (something
// answers there), identity (the key is known and its secret right), base (what a role
// is assumed through works), assume_role, external_id (the role asks for it), expiry,
// and use (some store can be reached with it).
func (p *Prober) Probe(ctx context.Context, a keyhatch.Authority, base *keyhatch.Authority) []keyhatch.Check {
	r := &driver.Report{}
	select {
	case p.room <- struct{}{}:
		defer func() { <-p.room }()
	case <-ctx.Done():
		r.Check("identity", func() driver.Finding {
			return driver.Failed("others are being verified, and it took too long: ask again")
		})
		return r.Checks
	}
	switch {
	case a.Provider == keyhatch.AWS && a.Kind == keyhatch.RoleCredential:
		p.role(ctx, r, a, base)
	case a.Provider == keyhatch.AWS:
		p.keys(ctx, r, a)
	default:
		elsewhere(r, a)
	}
	return r.Checks
}

const noUse = "the check before it failed"

const atATime = 8 // verifications
