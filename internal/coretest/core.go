package coretest

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/broker/bearers"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/keys"
	"github.com/keyhatch/keyhatch/broker/logins"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/own"
	"github.com/keyhatch/keyhatch/internal/emptydb"
	"github.com/keyhatch/keyhatch/mirror"
	"github.com/keyhatch/keyhatch/seal"
)

// Endpoint is where the leases of a Core say that they can be used; nothing
// listens there.
const Endpoint = "http://s3.invalid"

// Core is a core over a database of its own. It is closed when the test ends.
// Nothing refreshes its memory in the background.
type Core struct {
	DB     *db.DB
	Keys   *seal.Keyring
	Mirror *mirror.Mirror
	Broker *broker.Broker

	Admin keyhatch.Caller // the installation admin, with its first token
	Store keyhatch.Store  // the one that all workspaces share
	Path  string          // of the database file, beside which the key file is
	Root  string          // the folder inside which directory stores may lie
	Log   *slog.Logger    // of the brokers that With makes; discards what is written

	AdminSecret keyhatch.Secret // of the admin's token, for another process's Open

	Tokens  people.Limits   // of the brokers that With and Restart make
	Issuers bearers.Issuers // of the same; at first none
	// Providers are those at which people log in, of the same; at first none.
	Providers   logins.Providers
	NoPasswords bool
	ConsentLife time.Duration   // of the same
	Prober      driver.Prober   // of the same; at first one that finds nothing
	PublicURL   string          // of the same
	Confiner    driver.Confiner // of the same; at first none
	// WebIdentity is the server's, of the same; at first none.
	WebIdentity func(context.Context) (keyhatch.Secret, error)
	Reach       func(ctx context.Context, host string) error // nil: every host may be connected to
	KeysPace    keys.Pace                                    // of the same
	Buckets     *Buckets                                     // at the stores, of the same
	Keepers     map[keyhatch.KeysOf]driver.KeyProvisioner    // of the same; at first there are none
	Kick        func()                                       // of the same; nil: nobody is told of jobs

	keyFile   string
	notBefore time.Time
	outside   *sql.DB // past the core
}

// New makes an installation and opens it.
func New(t testing.TB) *Core {
	t.Helper()
	c := in(t.TempDir())
	kek, err := seal.CreateKeyFile(c.keyFile)
	check(t, err)
	keysets, err := seal.NewKeysets(kek)
	check(t, err)
	ring, err := seal.OpenKeyring(kek, keysets)
	check(t, err)
	d, err := emptydb.Create(context.Background(), c.Path)
	check(t, err)
	d.UseAuditKey(ring.AuditMAC)
	_, c.AdminSecret, err = broker.Install(context.Background(), d, keysets, ring, "admin")
	check(t, err)
	check(t, d.Close())
	c.outside, err = sql.Open("sqlite", "file:"+c.Path+"?_pragma=busy_timeout(5000)")
	check(t, err)
	c.outside.SetMaxOpenConns(1)
	t.Cleanup(func() { c.outside.Close() })
	c.open(t)
	c.Admin, err = c.Broker.People.Authenticate(context.Background(), c.AdminSecret)
	check(t, err)
	c.Store, err = c.Broker.Places.CreateStore(context.Background(), c.Admin, places.NewStore{
		Name: "disk", Kind: keyhatch.DirectoryStore, Path: filepath.Join(c.Root, "disk"),
	})
	check(t, err)
	return c
}

func in(dir string) *Core {
	return &Core{
		Path: filepath.Join(dir, "keyhatch.db"), Root: filepath.Join(dir, "objects"), keyFile: filepath.Join(dir, "keyhatch.key"),
		Log: slog.New(slog.DiscardHandler), Prober: Found(nil), Buckets: NewBuckets(),
	}
}

// Open opens the installation whose database has that path, which another process
// has made, at a pace.
func Open(t testing.TB, path string, admin keyhatch.Secret, p keys.Pace) *Core {
	t.Helper()
	c := in(filepath.Dir(path))
	c.KeysPace, c.AdminSecret = p, admin
	c.open(t)
	var err error
	c.Admin, err = c.Broker.People.Authenticate(context.Background(), admin)
	check(t, err)
	return c
}

// Restart closes everything and opens it from its files, as a new process does.
func (c *Core) Restart(t testing.TB) {
	t.Helper()
	check(t, c.DB.Close())
	c.open(t)
}

// Beside is another process that works on the same files.
func (c *Core) Beside(t testing.TB) *Core {
	t.Helper()
	other := *c
	other.open(t)
	return &other
}

func (c *Core) open(t testing.TB) {
	t.Helper()
	ctx := context.Background()
	kek, err := seal.ReadKeyFile(c.keyFile)
	check(t, err)
	d, err := db.Open(ctx, c.Path)
	check(t, err)
	t.Cleanup(func() { d.Close() })
	keysets, err := d.Keysets(ctx)
	check(t, err)
	c.Keys, err = seal.OpenKeyring(kek, keysets)
	check(t, err)
	d.UseAuditKey(c.Keys.AuditMAC)
	c.Keys.Follow(d.Keysets)
	c.DB = d
	c.Mirror, err = mirror.Load(ctx, d, slog.New(slog.DiscardHandler))
	check(t, err)
	c.notBefore, err = d.LastEventAt(ctx)
	check(t, err)
	c.Broker = c.With(map[keyhatch.Lending]driver.Lender{keyhatch.LendsOwn: own.New(c.Keys, Endpoint, "local")})
}

// With is a broker over the same state that has other lenders.
func (c *Core) With(lenders map[keyhatch.Lending]driver.Lender) *broker.Broker {
	return broker.New(broker.Config{
		NotBefore: c.notBefore, DB: c.DB, Mirror: c.Mirror, Keys: c.Keys, Lenders: lenders, Endpoint: Endpoint, Region: "local", DirectoryRoots: []string{c.Root},
		Tokens: c.Tokens, KeysPace: c.KeysPace, Log: c.Log, Prober: c.Prober, Confiner: c.Confiner, WebIdentity: c.WebIdentity, Buckets: c.Buckets, Issuers: c.Issuers, CheapPasswords: true, PublicURL: c.PublicURL, Providers: c.Providers, NoPasswords: c.NoPasswords, ConsentLife: c.ConsentLife,
		Keepers: func(*credentials.Service) map[keyhatch.KeysOf]driver.KeyProvisioner { return c.Keepers }, Kick: c.Kick,
		Reach: func(ctx context.Context, host string) error {
			if c.Reach == nil {
				return nil
			}
			return c.Reach(ctx, host)
		},
	})
}

// DatabaseBytes is what a thief of the database files holds.
func (c *Core) DatabaseBytes(t testing.TB) []byte {
	t.Helper()
	var all []byte
	for _, suffix := range []string{"", "-wal", "-shm"} {
		b, err := os.ReadFile(c.Path + suffix)
		check(t, err)
		all = append(all, b...)
	}
	return all
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Jobs does the jobs that are due, and what they ask for at once, until none is. It returns
// what failed.
func (c *Core) Jobs(t testing.TB) (failed []error) {
	t.Helper()
	handlers := c.Broker.Jobs()
	var kinds []keyhatch.JobKind
	for kind := range handlers {
		kinds = append(kinds, kind)
	}
	for {
		var claimed []keyhatch.Job
		now := time.Now()
		check(t, c.DB.Write(context.Background(), func(tx *db.Tx) (err error) {
			claimed, err = tx.ClaimJobs(context.Background(), db.JobClaim{Kinds: kinds, Now: now, Until: now.Add(time.Minute), Limit: 1})
			return err
		}))
		if len(claimed) == 0 {
			return failed
		}
		j := claimed[0]
		err := handlers[j.Kind](context.Background(), j)
		check(t, c.DB.Write(context.Background(), func(tx *db.Tx) error {
			if err != nil {
				failed = append(failed, err)
				return tx.FailJob(context.Background(), j, now.Add(time.Second), err.Error())
			}
			return tx.FinishJob(context.Background(), j)
		}))
	}
}
