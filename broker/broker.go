package broker

import (
	"context"
	"log/slog"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/accounts"
	"github.com/keyhatch/keyhatch/broker/bearers"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/keys"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/logins"
	"github.com/keyhatch/keyhatch/broker/oauth"
	"github.com/keyhatch/keyhatch/broker/passwords"
	"github.com/keyhatch/keyhatch/broker/past"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/broker/proofs"
	"github.com/keyhatch/keyhatch/broker/record"
	"github.com/keyhatch/keyhatch/broker/sessions"
	"github.com/keyhatch/keyhatch/broker/storekeys"
	"github.com/keyhatch/keyhatch/broker/terms"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/jobs"
	"github.com/keyhatch/keyhatch/mirror"
	"github.com/keyhatch/keyhatch/seal"
)

// Broker does all use cases, each through the part that it belongs to.
type Broker struct {
	PublicURL   string               // as in Config
	People      *people.Service      // users, groups, teamspaces, workspaces, tokens
	Bearers     *bearers.Service     // signed tokens of issuers
	Passwords   *passwords.Service   // logins with a password
	Sessions    *sessions.Service    // people who are signed in with a browser
	Logins      *logins.Service      // people who log in at another provider
	OAuth       *oauth.Service       // programs that users let act for them
	Credentials *credentials.Service // what acts for us on stores
	Places      *places.Service      // stores, locations, grants
	Proofs      *proofs.Service      // whether stores confine their sessions
	Accounts    *accounts.Service    // workspaces' standing on stores
	Buckets     *buckets.Service     // buckets, at their stores too
	Terms       *terms.Service       // terms of use of locations
	Lending     *lending.Service     // leases
	AccessKeys  *accesskeys.Service  // long-lived keys
	StoreKeys   *storekeys.Service   // of them those that stores keep
	Record      *record.Service      // events
	Objects     *record.Objects      // what was done at our S3 endpoint
	Past        *past.Service        // who could, from the events
	Keys        *keys.Service        // the data keys
}

// Config is what a Broker works with.
type Config struct {
	DB      *db.DB
	Mirror  *mirror.Mirror
	Keys    *seal.Keyring
	Lenders map[keyhatch.Lending]driver.Lender
	// Keepers keep access keys in stores that enforce them themselves, with what acts for
	// us there. Nil: there are none.
	Keepers func(*credentials.Service) map[keyhatch.KeysOf]driver.KeyProvisioner
	// Kick has jobs done at once that were asked for. Nil: they wait for the next look.
	Kick func()
	// Endpoint and Region are where clients reach our own S3 endpoint, and sign for.
	Endpoint, Region string
	// Buckets makes and removes buckets at stores.
	Buckets driver.BucketKeeper
	// Prober asks the clouds whether credentials work.
	Prober driver.Prober
	// Confiner tries whether stores confine their sessions.
	Confiner driver.Confiner
	// WebIdentity is the token that tells clouds who the server is; nil: it has none.
	WebIdentity func(context.Context) (keyhatch.Secret, error)
	// ShortestLease is the least that a lease lasts. Zero: keyhatch.MinLeaseLife.
	// Only tests, which cannot wait for the end of a longer one, set it.
	ShortestLease time.Duration
	// CheapPasswords makes hashes of passwords that protect nobody. Only tests, which
	// make thousands, set it.
	CheapPasswords bool
	// NotBefore is when the newest event was recorded: time goes on from there,
	// also when the clock was put back.
	NotBefore time.Time
	// DirectoryRoots are the folders inside which directory stores may lie.
	DirectoryRoots []string
	// Tokens are what API tokens may at most.
	Tokens people.Limits
	// Issuers check signed tokens; nil: none is accepted.
	Issuers bearers.Issuers
	// Providers are those at which people log in; nil: at none. With NoPasswords the pages ask for
	// no password.
	Providers   logins.Providers
	NoPasswords bool
	// ConsentLife is how long what people let programs do lasts who have logged in at one of them.
	// Zero: oauth.LifeElsewhere.
	ConsentLife time.Duration
	// PublicURL is where clients reach the API: it stands in all that is signed for others.
	// Empty: nothing is.
	PublicURL string
	// Reach tells which hosts users' endpoints may have.
	Reach kernel.Reach
	// KeysPace is how fast data keys are rotated. Zero: keys.DefaultPace. Only tests,
	// which cannot wait, set it.
	KeysPace keys.Pace
	Log      *slog.Logger
}

// New makes a Broker.
func New(c Config) *Broker {
	c.Tokens = c.Tokens.OrDefault()
	k := kernel.New(c.DB, c.Mirror, c.Keys, c.Reach, c.Tokens.RequestsPerMinute)
	k.NotBefore(c.NotBefore)
	acting := credentials.New(k, c.Prober, c.WebIdentity)
	var keepers map[keyhatch.KeysOf]driver.KeyProvisioner
	if c.Keepers != nil {
		keepers = c.Keepers(acting)
	}
	if c.Kick == nil {
		c.Kick = func() {}
	}
	storeKeys := storekeys.New(k, keepers, c.Kick, c.Log)
	accessKeys := accesskeys.New(k, accesskeys.Config{Endpoint: c.Endpoint, Region: c.Region, Stores: storeKeys, Kick: c.Kick, Log: c.Log})
	where := places.New(k, c.DirectoryRoots, c.Log, c.ShortestLease, places.Locks{Changed: storekeys.Relock, Confined: storekeys.Reconfine, Durable: c.Kick})
	tokens := people.New(k, c.Tokens, accessKeys.EndMadeWith, c.Log)
	signedIn := sessions.New(k, c.Log)
	return &Broker{
		PublicURL:   c.PublicURL,
		People:      tokens,
		Bearers:     bearers.New(k, tokens, c.Issuers, c.Log),
		Passwords:   passwords.New(k, c.Log, c.CheapPasswords),
		Sessions:    signedIn,
		Logins:      logins.New(k, tokens, signedIn, logins.Config{Providers: c.Providers, NoPasswords: c.NoPasswords, PublicURL: c.PublicURL, Log: c.Log}),
		OAuth:       oauth.New(k, tokens, c.PublicURL, c.ConsentLife),
		Places:      where,
		Proofs:      proofs.New(k, acting, c.Confiner, c.Prober, c.Log),
		Accounts:    accounts.New(k, c.Buckets),
		Buckets:     buckets.New(k, where, accessKeys, c.Buckets, c.Log),
		Terms:       terms.New(k),
		Credentials: acting,
		Lending:     lending.New(k, c.Lenders, c.ShortestLease, accessKeys.Used),
		AccessKeys:  accessKeys,
		StoreKeys:   storeKeys,
		Record:      record.New(k),
		Objects:     record.NewObjects(k, c.Log),
		Past:        past.New(k),
		Keys:        keys.New(k, c.KeysPace, c.Log),
	}
}

// Jobs are the handlers of all jobs, by their kinds.
func (b *Broker) Jobs() map[keyhatch.JobKind]jobs.Handler {
	all := map[keyhatch.JobKind]jobs.Handler{}
	for kind, handle := range b.Accounts.Jobs() {
		all[kind] = handle
	}
	for kind, handle := range b.Buckets.Jobs() {
		all[kind] = handle
	}
	all[storekeys.Provisioning] = b.StoreKeys.Provision
	all[storekeys.Sweeping] = b.StoreKeys.Sweep
	return all
}
