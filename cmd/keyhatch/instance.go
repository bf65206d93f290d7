package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/broker/credentials"
	datakeys "github.com/keyhatch/keyhatch/broker/keys"
	"github.com/keyhatch/keyhatch/compat/earthdata"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/confine"
	"github.com/keyhatch/keyhatch/driver/iam"
	"github.com/keyhatch/keyhatch/driver/own"
	"github.com/keyhatch/keyhatch/driver/rgw"
	"github.com/keyhatch/keyhatch/driver/s3buckets"
	"github.com/keyhatch/keyhatch/gateway"
	"github.com/keyhatch/keyhatch/gateway/upstream"
	"github.com/keyhatch/keyhatch/issuers"
	"github.com/keyhatch/keyhatch/jobs"
	"github.com/keyhatch/keyhatch/metrics"
	"github.com/keyhatch/keyhatch/mirror"
	"github.com/keyhatch/keyhatch/outbound"
	"github.com/keyhatch/keyhatch/seal"
	"github.com/keyhatch/keyhatch/server"
)

// instance is a running Keyhatch: everything is wired here and nowhere else.
type instance struct {
	config    config.Config
	log       *slog.Logger
	db        *db.DB
	keys      *seal.Keyring
	mirror    *mirror.Mirror
	backends  *gateway.Backends
	broker    *broker.Broker
	jobs      *jobs.Runner
	issuers   *issuers.Verifier
	datalogin *earthdata.Elsewhere // nil: people log in here
	cluster   string               // id, in the foreign spellings of ids

	metrics *metrics.Metrics // counted in any case; nobody is told where there is no listener

	api, s3       net.Listener
	scrapes       net.Listener // nil: none
	apiURL, s3URL string
	servers       []*server.Server
	ready         *server.Readiness
	requestLog    *slog.Logger // of the S3 endpoint; nil for none
	requestFile   *os.File
}

// create makes the database and the key file of a new installation and returns
// its cluster id and the first admin's token. What exists already stays as it
// is, and when it cannot be done nothing is left behind.
func create(ctx context.Context, c config.Config, admin string) (cluster string, secret keyhatch.Secret, err error) {
	address, err := c.DatabaseAddress()
	if err != nil {
		return "", "", err
	}
	files := databaseFiles(c) // a server has an empty database ready, and takes no other
	if err := absent(append(files, c.KeyFile)...); err != nil {
		return "", "", err
	}
	var made []string
	defer func() {
		if err != nil {
			for _, path := range made {
				os.Remove(path)
			}
		}
	}()
	kek, path, err := c.NewKEK(ctx)
	if err != nil {
		return "", "", err
	}
	if path != "" {
		made = append(made, path)
	}
	keysets, err := seal.NewKeysets(kek)
	if err != nil {
		return "", "", err
	}
	keys, err := seal.OpenKeyring(kek, keysets)
	if err != nil {
		return "", "", err
	}
	d, err := db.Create(ctx, address)
	if err != nil {
		return "", "", err
	}
	made = append(made, files...)
	d.UseAuditKey(keys.AuditMAC)
	cluster, secret, err = broker.Install(ctx, d, keysets, keys, admin)
	return cluster, secret, errors.Join(err, d.Close())
}

// makeRoots makes the folders in which directory stores may lie.
func makeRoots(c config.Config) error {
	for _, root := range c.DirectoryRoots {
		if err := os.MkdirAll(root, 0o700); err != nil {
			return err
		}
	}
	return nil
}

// openStore opens the database and the keys.
func openStore(ctx context.Context, c config.Config) (*db.DB, *seal.Keyring, error) {
	address, err := c.DatabaseAddress()
	if err != nil {
		return nil, nil, err
	}
	limits, err := c.DatabaseLimits()
	if err != nil {
		return nil, nil, err
	}
	d, err := db.OpenWithin(ctx, address, limits)
	if err != nil {
		return nil, nil, err
	}
	keys, err := c.OpenKeys(ctx, d)
	if err != nil {
		return nil, nil, errors.Join(err, d.Close())
	}
	d.UseAuditKey(keys.AuditMAC)
	return d, keys, nil
}

// open wires an instance and takes its addresses. Close it.
func open(ctx context.Context, c config.Config, log *slog.Logger) (in *instance, err error) {
	in = &instance{config: c, log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, in.Close())
		}
	}()
	if in.db, in.keys, err = openStore(ctx, c); err != nil {
		return in, err
	}
	if err := datakeys.Rewrap(ctx, in.db, in.keys, log); err != nil {
		return in, err
	}
	root, err := c.Arvados.RootSecret()
	if err != nil {
		return in, err
	}
	if err := broker.SetRoot(ctx, in.db, in.keys, root); errors.Is(err, broker.ErrRootEnded) {
		log.WarnContext(ctx, err.Error(), "file", c.Arvados.SystemRootTokenFile)
	} else if err != nil {
		return in, err
	}
	if in.cluster, err = in.db.ClusterID(ctx); err != nil {
		return in, err
	}
	if in.mirror, err = mirror.Load(ctx, in.db, log); err != nil {
		return in, err
	}
	usable, err := c.MemoryUsable()
	if err != nil {
		return in, err
	}
	in.mirror.UseFor(usable)
	if in.api, err = server.Listen(c.API.Listen); err != nil {
		return in, err
	}
	if in.s3, err = server.Listen(c.S3.Listen); err != nil {
		return in, err
	}
	if c.Metrics.Listen != "" {
		if in.scrapes, err = server.Listen(c.Metrics.Listen); err != nil {
			return in, err
		}
	}
	in.metrics = in.newMetrics()
	in.apiURL = urlOf(in.api, c.API.TLSCert != "")
	if in.s3URL = c.S3.URL; in.s3URL == "" {
		in.s3URL = urlOf(in.s3, c.S3.TLSCert != "")
	}
	networks, err := config.Networks("outbound_networks", c.OutboundNetworks)
	if err != nil {
		return in, err
	}
	dialer := outbound.NewDialer(networks)
	transport := func() http.RoundTripper { return outbound.Traced(dialer.Transport()) }
	last, err := in.db.LastEventAt(ctx)
	if err != nil {
		return in, err
	}
	asks, err := c.AWS.Asker(ctx, transport(), in.watchVends())
	if err != nil {
		return in, err
	}
	tokens, err := c.Tokens.Limits()
	if err != nil {
		return in, err
	}
	if in.datalogin, err = c.Elsewhere(in.apiURL, transport()); err != nil {
		return in, err
	}
	if in.issuers, err = c.Trusted(in.apiURL, transport(), log); err != nil {
		return in, err
	}
	atOthers, err := c.LoginProviders(in.apiURL, transport())
	if err != nil {
		return in, err
	}
	consents, err := c.Login.ConsentLives()
	if err != nil {
		return in, err
	}
	buckets := driver.Keepers{
		keyhatch.S3Store: s3buckets.New(func(ctx context.Context, s keyhatch.Store) (keyhatch.KeyPair, error) {
			return in.broker.Credentials.KeysOf(ctx, s)
		}, transport()),
		keyhatch.DirectoryStore: gateway.Folders{Backends: func() *gateway.Backends { return in.backends }},
	}
	in.broker = broker.New(broker.Config{
		Buckets: buckets, Issuers: in.issuers, PublicURL: c.PublicURL(in.apiURL), Providers: atOthers, NoPasswords: !c.Login.HasPasswordForm(), ConsentLife: consents,
		Tokens: tokens, NotBefore: last, DB: in.db, Mirror: in.mirror, Keys: in.keys, DirectoryRoots: c.DirectoryRoots, Reach: dialer.Check, Log: log,
		ShortestLease: c.ShortestLease, Prober: asks.Prober, WebIdentity: c.AWS.WebIdentity(),
		Confiner: confine.Prover{Vender: asks.Vender, Transport: transport()},
		Lenders: map[keyhatch.Lending]driver.Lender{
			keyhatch.LendsOwn: own.New(in.keys, in.s3URL, c.S3.Region),
			keyhatch.LendsSTS: asks.Sessions(func(ctx context.Context, s keyhatch.Store) (driver.Acting, error) {
				return in.broker.Credentials.ActingOn(ctx, s)
			}, in.apiURL),
		},
		Endpoint: in.s3URL, Region: c.S3.Region,
		Keepers: func(acting *credentials.Service) map[keyhatch.KeysOf]driver.KeyProvisioner {
			return map[keyhatch.KeysOf]driver.KeyProvisioner{
				keyhatch.KeysIAM: iam.New(acting, transport(), in.cluster), keyhatch.KeysRGW: rgw.New(acting, transport(), in.cluster),
			}
		},
		Kick: func() { in.jobs.Kick() },
	})
	in.jobs = jobs.New(in.db, in.broker.Jobs(), jobs.Pace{}, log)
	in.jobs.Watch(func(kind keyhatch.JobKind, o jobs.Outcome) { in.metrics.JobRun(string(kind), string(o)) })
	in.issuers.Tell(ctx)
	if err := in.broker.Bearers.Begin(ctx); err != nil {
		return in, err
	}
	if err := in.broker.Logins.EndOthers(ctx); err != nil {
		return in, err
	}
	if err := in.openRequestLog(); err != nil {
		return in, err
	}
	s3 := upstream.NewClient(in.broker.Credentials, transport(), log)
	in.backends = gateway.NewBackends(c.DirectoryRoots, s3, log)
	if err := in.openStores(ctx); err != nil {
		return in, err
	}
	return in, in.serve()
}

func (in *instance) openRequestLog() (err error) {
	switch path := in.config.S3.RequestLog; path {
	case "":
		return nil
	case "-":
		in.requestLog = slog.New(slog.NewJSONHandler(os.Stdout, nil))
		return nil
	default:
		if in.requestFile, err = os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
			return fmt.Errorf("s3.request_log: %w", err)
		}
		in.requestLog = slog.New(slog.NewJSONHandler(in.requestFile, nil))
		return nil
	}
}

// openStores opens every store, so that a folder that another process serves is
// told at the start. One that cannot be opened for another reason is no reason
// not to serve the others.
func (in *instance) openStores(ctx context.Context) error {
	stores, err := in.db.Stores(ctx, "", "", db.Everything)
	if err != nil {
		return err
	}
	for _, s := range stores {
		in.broker.Places.WarnOf(s)
		_, err := in.backends.For(s)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("the folder of store %s, %s, is served by another process: stop that one", s.Name, s.Path)
		}
		if err != nil {
			in.log.Error("a store cannot be opened", "store", s.Name, "error", err)
		}
	}
	return nil
}

// run serves until ctx ends.
func (in *instance) run(ctx context.Context) error {
	keep, err := in.config.Audit.RequestsKept()
	if err != nil {
		return err
	}
	fresh, stop := context.WithCancel(context.WithoutCancel(ctx))
	go in.mirror.Run(fresh)
	go in.checkpoints(fresh)
	go in.expireUploads(fresh)
	var recording sync.WaitGroup
	recording.Go(func() { in.broker.Objects.Run(fresh) })
	recording.Go(func() { in.broker.People.RunUses(fresh) })
	recording.Go(func() { in.broker.AccessKeys.RunUses(fresh) })
	recording.Go(func() { in.broker.Keys.Run(fresh) })
	recording.Go(func() { in.jobs.Run(fresh) })
	recording.Go(func() { in.broker.Proofs.Run(fresh) })
	recording.Go(func() { in.broker.StoreKeys.Follow(fresh) })
	recording.Go(func() { in.broker.StoreKeys.Reconcile(fresh) })
	go in.prune(fresh)
	go in.issuers.Fetch(fresh)
	if keep > 0 {
		in.log.Info("object requests are pruned", "older_than", keep)
		recording.Go(func() { in.broker.Objects.RunPruning(fresh, keep) })
	}
	defer func() { // after the last request has ended
		stop()
		recording.Wait()
		in.tellLastHeads(context.WithoutCancel(ctx))
	}()
	serving, stopServing := context.WithCancel(fresh)
	defer stopServing()
	defer context.AfterFunc(ctx, func() { in.withdraw(stopServing) })()
	return server.Run(serving, in.servers...)
}

// withdraw has the server say that it stops, and stop when whoever shares out requests has
// had the time to hear it.
func (in *instance) withdraw(stop func()) {
	in.ready.Withdraw()
	if in.config.Drain > 0 {
		in.log.Info("told to stop: serving on for a while, so that requests are sent elsewhere", "drain", in.config.Drain)
		time.Sleep(in.config.Drain)
	}
	stop()
}

// Close lets go of everything.
func (in *instance) Close() error {
	var errs []error
	for _, l := range []net.Listener{in.api, in.s3, in.scrapes} {
		if l != nil {
			if err := l.Close(); !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
	}
	if in.backends != nil {
		errs = append(errs, in.backends.Close())
	}
	if in.requestFile != nil {
		errs = append(errs, in.requestFile.Close())
	}
	if in.db != nil {
		errs = append(errs, in.db.Close())
	}
	return errors.Join(errs...)
}

func urlOf(l net.Listener, secure bool) string {
	scheme := "http://"
	if secure {
		scheme = "https://"
	}
	return scheme + l.Addr().String()
}
