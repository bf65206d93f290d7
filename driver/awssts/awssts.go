package awssts

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/bounded"
)

// Lender implements driver.Vender.
type Lender struct {
	client   *http.Client
	identity aws.CredentialsProvider
	sts      string
	signin   string
	within   time.Duration
	bases    bases
	ours     ours
}

// Config is how a Lender goes to the stores.
type Config struct {
	// Transport makes the connections; it decides to what addresses (S10).
	Transport http.RoundTripper
	// Identity is what Keyhatch itself is at AWS; nil: nothing.
	Identity aws.CredentialsProvider
	// STSEndpoint is asked at AWS instead of the region's own; empty: that.
	STSEndpoint string
	// SigninEndpoint is where sessions become logins at AWS; empty: the partition's.
	SigninEndpoint string
	// Within bounds how long a vend takes, with all tries; zero: 10 seconds.
	Within time.Duration
}

const (
	defaultWithin = 10 * time.Second
	tries         = 5
	firstPause    = 200 * time.Millisecond // doubled with each try
	longestPause  = 2 * time.Second
)

// New makes a lender.
func New(c Config) *Lender {
	l := &Lender{identity: c.Identity, sts: c.STSEndpoint, signin: c.SigninEndpoint, within: c.Within}
	if l.within == 0 {
		l.within = defaultWithin
	}
	l.client = &http.Client{
		Transport: bounded.Transport{RoundTripper: c.Transport},
		// An answer that does not come may be one that was lost: there is time to ask
		// again.
		Timeout:       l.within * 2 / 5,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return l
}

// Vend implements driver.Vender. What is asked wrongly, and what the store would refuse
// for sure, is refused before it is asked. Throttling, faults of the store and answers
// that do not come are tried again, until there is no time left.
func (l *Lender) Vend(ctx context.Context, r driver.VendRequest) (driver.Vended, error) {
	if len(r.Open.Buckets()) == 0 {
		return driver.Vended{}, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidPrefix, "there is nothing to open").In("prefixes")
	}
	if err := checkLife(r.Life, l.Lives(r.Store, r.As)); err != nil {
		return driver.Vended{}, err
	}
	document, err := dialectOf(r.Store).Write(r.Open, r.Policies, r.Keys)
	if err != nil {
		return driver.Vended{}, err
	}
	ask, err := l.way(r)
	if err != nil {
		return driver.Vended{}, err
	}
	var given aws.Credentials
	var begun time.Time
	err = l.tried(withSpend(ctx, r.Spend), func(ctx context.Context) (err error) {
		begun = time.Now()
		if given, err = ask(ctx, document); err != nil {
			err = translated(err, r, time.Now())
		}
		return err
	})
	if err != nil {
		return driver.Vended{}, err
	}
	return l.vended(given, begun, r)
}

// tried does what may fail for a while, and again until it does not, or there is no time
// left.
func (l *Lender) tried(ctx context.Context, do func(context.Context) error) error {
	ctx, stop := context.WithTimeout(ctx, l.within)
	defer stop()
	for try := 1; ; try++ {
		if err := do(ctx); err == nil || !again(err) || try == tries || !pauseBefore(ctx, try) {
			return err
		}
	}
}

// pauseBefore waits before a try is repeated, and tells whether there is time for it.
func pauseBefore(ctx context.Context, try int) bool {
	pause := min(firstPause<<(try-1), longestPause)
	pause = pause/2 + rand.N(pause/2)
	if end, bound := ctx.Deadline(); bound && time.Until(end) < pause {
		return false
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// vended looks at what was given.
func (l *Lender) vended(c aws.Credentials, begun time.Time, r driver.VendRequest) (driver.Vended, error) {
	if c.AccessKeyID == "" || c.SecretAccessKey == "" || c.SessionToken == "" || c.Expires.IsZero() {
		return driver.Vended{}, failure(NoCredentials, nil)
	}
	if err := checkEnd(c.Expires, begun, r); err != nil {
		return driver.Vended{}, err
	}
	return driver.Vended{
		Credentials: keyhatch.Credentials{
			AccessKeyID: c.AccessKeyID, SecretAccessKey: keyhatch.Secret(c.SecretAccessKey), SessionToken: keyhatch.Secret(c.SessionToken),
			Endpoint: r.Store.Endpoint, Region: r.Store.Region, ExpiresAt: c.Expires.UTC(),
		},
		ID: r.ID, Chained: r.As.Authority.Kind == keyhatch.RoleCredential && r.As.WebIdentity == nil && l.chained(r.As),
	}, nil
}
