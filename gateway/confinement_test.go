package gateway_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch"
	bucketcases "github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/drivertest"
	"github.com/keyhatch/keyhatch/driver/drivertest/matrix"
	ourdriver "github.com/keyhatch/keyhatch/driver/own"
	"github.com/keyhatch/keyhatch/gateway"
	"github.com/keyhatch/keyhatch/gateway/upstream"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/internal/peers"
	"github.com/keyhatch/keyhatch/server"
)

// lacking is what a store behind the endpoint does not have.
var lacking = map[string]map[drivertest.Feature]string{
	"minio": {
		drivertest.UploadLists: "MinIO lists the uploads of a key, not of a prefix",
	},
	"rgw": {
		drivertest.ObjectAttributes: "RGW 16 does not have it",
		drivertest.QuietUntagging:   "RGW 16 forgets an object's ETag in lists when its tags go",
		drivertest.MissingUploads:   "RGW says of an upload that is not there that its completion is in progress, by a 500",
	},
}

// TestS3_Confinement holds the leases of our own endpoint, with the whole core
// before each kind of store and over TCP, to the confinement matrix.
func TestS3_Confinement(t *testing.T) {
	confine := func(name string, open opening) {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each waits for leases to end
			core := coretest.New(t)
			log := slog.New(slog.DiscardHandler)
			backends := gateway.NewBackends([]string{core.Root}, upstream.NewClient(core.Broker.Credentials, http.DefaultTransport, log), log)
			t.Cleanup(func() { backends.Close() })
			store, admin := open(t, core, backends)
			e := serve(t, core, backends, store, "lab-data", "lab-other")
			matrix.Run(t, drivertest.Site{
				Store: admin, Buckets: bucketsOf(store), UploadID: uploadIDOf(core, store), Bucket: "lab-data", Other: "lab-other", Lend: e.lend, Capabilities: e.lender.Capabilities(),
				ShortestLife: 3 * time.Second, ExpiryCode: "ExpiredToken", Lacks: lacking[name],
			})
		})
	}
	confine("directory", openDirectory)
	for _, p := range peers.All {
		confine(p.Name, openPeer(p, "lab-data", "lab-other"))
	}
}

// openPeer makes buckets in a real store, which is reached past the endpoint with its
// own keys.
func openPeer(p peers.Peer, buckets ...string) opening {
	return func(t *testing.T, core *coretest.Core, _ *gateway.Backends) (keyhatch.Store, *s3.Client) {
		t.Helper()
		store := p.Start(t)
		client := store.Client(t)
		for _, bucket := range buckets {
			if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
				t.Fatal(err)
			}
		}
		return register(t, core, store), client
	}
}

// opening makes a store with the buckets of a test, and reaches it past the endpoint.
type opening func(*testing.T, *coretest.Core, *gateway.Backends) (keyhatch.Store, *s3.Client)

// uploadIDOf marks the ids of an S3 store as the endpoint does.
func uploadIDOf(core *coretest.Core, s keyhatch.Store) func(bucket, id string) string {
	if s.Kind != keyhatch.S3Store {
		return nil
	}
	return func(bucket, id string) string {
		return id + "." + core.Broker.Credentials.Mark("upload", s.ID, bucket, id)
	}
}

// bucketsOf names the folders of a directory, and leaves other stores to name
// their own.
func bucketsOf(s keyhatch.Store) func(context.Context) ([]string, error) {
	if s.Kind != keyhatch.DirectoryStore {
		return nil
	}
	return func(context.Context) (names []string, err error) {
		entries, err := os.ReadDir(s.Path)
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names, err
	}
}

// openDirectory serves the folder of the core's own store past the endpoint, to
// whoever asks.
func openDirectory(t *testing.T, core *coretest.Core, backends *gateway.Backends) (keyhatch.Store, *s3.Client) {
	t.Helper()
	if err := os.MkdirAll(core.Store.Path, 0o700); err != nil {
		t.Fatal(err)
	}
	handler, err := backends.For(core.Store)
	if err != nil {
		t.Fatal(err)
	}
	past := httptest.NewServer(handler)
	t.Cleanup(past.Close)
	return core.Store, s3.New(s3.Options{
		BaseEndpoint: &past.URL, Region: region, UsePathStyle: true, Retryer: aws.NopRetryer{},
		Credentials: sdk.NewStaticCredentialsProvider("any", "any", ""),
	})
}

// endpoint is a core whose leases can be used.
type endpoint struct {
	lending  *lending.Service
	lender   *ourdriver.Lender
	store    keyhatch.Store
	borrower keyhatch.Caller
	url      string
}

// serve puts the endpoint in front of the store until the test ends, and gives a
// user the right to write to all of some buckets there.
func serve(t *testing.T, core *coretest.Core, backends *gateway.Backends, store keyhatch.Store, buckets ...string) *endpoint {
	t.Helper()
	listener, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lender := ourdriver.New(core.Keys, "http://"+listener.Addr().String(), region)
	b := core.With(map[keyhatch.Lending]driver.Lender{keyhatch.LendsOwn: lender})
	log := slog.New(slog.DiscardHandler)
	s3 := server.New(server.Options{Listener: listener, Log: log, Handler: server.Origin(nil, gateway.New(gateway.Config{
		Lending: b.Lending, AccessKeys: b.AccessKeys, Objects: b.Objects, Backends: backends, Region: region, Hosts: []string{"localhost"},
		Limits: gateway.Limits{Concurrent: 1000, PerSecond: 100_000}, Log: log,
	}))})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go core.Mirror.Run(ctx)
	go b.Objects.Run(ctx)
	go func() { ended <- server.Run(ctx, s3) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})

	lab, err := b.People.CreateWorkspace(ctx, core.Admin, "lab")
	if err != nil {
		t.Fatal(err)
	}
	ann := core.User(t, "ann")
	core.Member(t, lab, ann, keyhatch.MemberRole)
	for _, bucket := range buckets {
		if _, err := b.Buckets.Register(ctx, core.Admin, bucketcases.Existing{Workspace: lab.ID, Store: store.ID, Name: bucket}); err != nil {
			t.Fatal(err)
		}
		core.Grant(t, core.Location(t, lab, "s3://"+bucket+"/"), ann, keyhatch.Write)
	}
	return &endpoint{lending: b.Lending, lender: lender, store: store, borrower: ann, url: "http://" + listener.Addr().String()}
}

// lend borrows as a user does. The core lends for no less than fifteen minutes;
// for what must end sooner, the lender is asked itself.
func (e *endpoint) lend(ctx context.Context, ask drivertest.Ask) (drivertest.Lent, error) {
	r := lending.LeaseRequest{Location: keyhatch.S3URL{Bucket: ask.Bucket}.String(), Access: ask.Access, Life: max(ask.Life, keyhatch.MinLeaseLife)}
	for _, p := range ask.Prefixes {
		r.Prefixes = append(r.Prefixes, keyhatch.S3URL{Bucket: ask.Bucket, Prefix: p}.String())
	}
	lent, err := e.lending.Lease(ctx, e.borrower, r)
	if err != nil {
		return drivertest.Lent{}, err
	}
	if ask.Life < keyhatch.MinLeaseLife {
		lent.Lease.ExpiresAt = time.Now().Add(ask.Life)
		vended, err := e.lender.Lend(ctx, driver.LendRequest{Store: e.store, Lease: lent.Lease})
		if err != nil {
			return drivertest.Lent{}, err
		}
		lent.Credentials = vended.Credentials
	}
	return drivertest.Lent{
		Credentials: lent.Credentials,
		End:         func(ctx context.Context) error { return e.lending.RevokeLease(ctx, e.borrower, lent.Lease.ID) },
	}, nil
}
