// Package sessions lends sessions that stores mint and confine themselves: the store's
// token service is asked, and no request of a borrower passes through us.
package sessions

import (
	"context"
	"errors"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/presigned"
	"github.com/keyhatch/keyhatch/policy"
	"github.com/keyhatch/keyhatch/policy/sessionpolicy"
)

// Lender implements driver.Lender, driver.Presigner and driver.Consoler.
type Lender struct{ Config }

// Config is what a Lender works with.
type Config struct {
	Vender driver.Vender
	// Acting is what acts for us on a store.
	Acting func(context.Context, keyhatch.Store) (driver.Acting, error)
	// Console is where people see what vended credentials open; empty: nowhere.
	Console func(ctx context.Context, store keyhatch.Store, as driver.Acting, v driver.Vended, part keyhatch.Part) (keyhatch.Secret, error)
}

// New makes a Lender.
func New(c Config) *Lender { return &Lender{c} }

// maxPrefixes bounds what is written into one session policy, which has room for fewer: how
// many depends on how long they are.
const maxPrefixes = 100

// Capabilities implements driver.Lender. How long a session can last is the store's and its
// credential's, and refused when it is asked for.
func (l *Lender) Capabilities() driver.Capabilities {
	return driver.Capabilities{
		Revocation: keyhatch.RevokeNone, MinLife: keyhatch.LeastSession, MaxLife: keyhatch.LongestSession, MaxPrefixes: maxPrefixes,
	}
}

// Lend implements driver.Lender. Nothing is asked of a store that was not proven to confine
// what acts for us there (S8).
func (l *Lender) Lend(ctx context.Context, r driver.LendRequest) (driver.Vended, error) {
	as, err := l.Acting(ctx, r.Store)
	if err != nil {
		return driver.Vended{}, err
	}
	if err := r.Store.Proof.MayLend(as.With, as.AsksExternalID()); err != nil {
		return driver.Vended{}, err
	}
	if len(r.Networks)+len(r.From) > 0 {
		if err := r.Store.Proof.MayConfine(); err != nil {
			return driver.Vended{}, err
		}
	}
	policies, err := sessionpolicy.ParseAll(r.Lease.Policies)
	if err != nil {
		return driver.Vended{}, err
	}
	set, err := open(r)
	if err != nil {
		return driver.Vended{}, err
	}
	v := driver.VendRequest{
		ID: keyhatch.NewID(keyhatch.VendID, r.Lease.IssuedAt), Store: r.Store, As: as, User: r.User, UserID: r.Lease.User, Client: r.Client,
		Open: set, Policies: policies, Keys: r.KMSKeys, Latest: r.Latest, Shared: r.Shared,
	}
	lives := l.Vender.Lives(r.Store, as)
	v.Life, v.Least = lasts(r, lives)
	if r.Lease.Presigned { // its keys stay here, and the URL ends by itself
		v.Latest = time.Time{}
	}
	takesSure := lives.Sure < v.Life && shortens(r, lives.Sure)
	sure := v
	sure.Life, sure.Least = lives.Sure, min(lives.Sure, r.Least)
	if takesSure && lives.Refused != 0 && v.Life >= lives.Refused { // it would be refused once more
		return l.Vender.Vend(ctx, sure)
	}
	vended, err := l.Vender.Vend(ctx, v)
	if tooLong(err) && takesSure { // the store gives less than is known of it
		return l.Vender.Vend(ctx, sure)
	}
	return vended, err
}

func tooLong(err error) bool {
	var failed *keyhatch.Error
	return errors.As(err, &failed) && failed.Code == keyhatch.CodeLifeExceedsLimit
}

// shortens tells whether a session that lasts so long will do, too: how long was nobody's
// wish, or that much is accepted.
func shortens(r driver.LendRequest, life time.Duration) bool {
	return !r.Lease.Presigned && r.Least <= life && (r.Unasked || r.Least > 0)
}

// open is what the session is to open, and from where. What is for some networks is refused
// to a token that works from others alone.
func open(r driver.LendRequest) (policy.Set, error) {
	out := policy.Lent(r.Lease)
	for i, p := range r.Lease.Parts {
		networks, some := keyhatch.NetworksInCommon(r.Networks[p], r.From)
		if !some {
			return nil, keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeOutsideNetworks,
				"the token works from none of the networks that %s is for: ask with another token", keyhatch.S3URL{Bucket: p.Bucket, Prefix: p.Prefix})
		}
		if len(networks) > 0 {
			out[i].Confined = []policy.Confined{{Prefix: p.Prefix, Networks: networks}}
		}
	}
	return out, nil
}

// End implements driver.Ender: the session itself lives to its end.
func (l *Lender) End(lease keyhatch.Lease) {
	if keeper, keeps := l.Vender.(driver.Keeper); keeps {
		keeper.Forget(lease.Vend)
	}
}

// lasts is how long a session is to last, and how long it has to, in whole seconds as
// token services count.
func lasts(r driver.LendRequest, lives driver.Lives) (life, least time.Duration) {
	life = r.Lease.ExpiresAt.Sub(r.Lease.IssuedAt).Truncate(time.Second)
	switch {
	case r.Lease.Presigned:
		life = max(life, lives.Least)
	case shortens(r, lives.Longest):
		life = min(life, lives.Longest)
	}
	return life, min(life, r.Least)
}

// ConsoleURL implements driver.Consoler.
func (l *Lender) ConsoleURL(ctx context.Context, store keyhatch.Store, v driver.Vended, part keyhatch.Part) (keyhatch.Secret, error) {
	as, err := l.Acting(ctx, store)
	if err != nil {
		return "", err
	}
	return l.Console(ctx, store, as, v, part)
}

// Presign implements driver.Presigner: the URL is the store's own, and nothing but its end
// ends it.
func (*Lender) Presign(ctx context.Context, c keyhatch.Credentials, bucket, key, disposition string, life time.Duration) (string, error) {
	return presigned.URL(ctx, c, bucket, key, disposition, life)
}
