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
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/drivertest"
	"github.com/keyhatch/keyhatch/driver/own"
	"github.com/keyhatch/keyhatch/gateway"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/server"
)

// region is what clients of the endpoint sign for.
const region = "keyhatch"

// behind are the stores that the endpoint stands in front of. open makes the
// store with the buckets lab-data and lab-other, and reaches it past the
// endpoint.
var behind = []struct {
	name  string
	open  func(*testing.T, *coretest.Core, *gateway.Backends) (keyhatch.Store, *s3.Client)
	lacks map[drivertest.Feature]string
}{
	{"directory", openDirectory, map[drivertest.Feature]string{
		drivertest.ObjectVersions:   "the endpoint's table of operations does not have it yet",
		drivertest.ObjectAttributes: "the endpoint's table of operations does not have it yet",
	}},
}

// TestS3_Confinement holds the leases of our own endpoint, with the whole core
// behind it and over TCP, to the confinement matrix.
func TestS3_Confinement(t *testing.T) {
	for _, b := range behind {
		t.Run(b.name, func(t *testing.T) {
			core := coretest.New(t)
			backends := gateway.NewBackends([]string{core.Root}, slog.New(slog.DiscardHandler))
			t.Cleanup(func() { backends.Close() })
			store, admin := b.open(t, core, backends)
			e := serve(t, core, backends, store)
			drivertest.Run(t, drivertest.Site{
				Store: admin, Bucket: "lab-data", Other: "lab-other", Lend: e.lend, Capabilities: e.lender.Capabilities(),
				ShortestLife: 3 * time.Second, ExpiryCode: "ExpiredToken", Lacks: b.lacks,
			})
		})
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
		Credentials: credentials.NewStaticCredentialsProvider("any", "any", ""),
	})
}

// endpoint is a core whose leases can be used.
type endpoint struct {
	lending  *lending.Service
	lender   *own.Lender
	store    keyhatch.Store
	borrower keyhatch.Caller
}

// serve puts the endpoint in front of the store until the test ends, and gives a
// user the right to write to all of two buckets there.
func serve(t *testing.T, core *coretest.Core, backends *gateway.Backends, store keyhatch.Store) *endpoint {
	t.Helper()
	listener, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lender := own.New(core.Keys, "http://"+listener.Addr().String(), region)
	b := core.With(map[keyhatch.Lending]driver.Lender{keyhatch.LendsOwn: lender})
	log := slog.New(slog.DiscardHandler)
	s3 := server.New(server.Options{
		Listener: listener, Log: log,
		Handler: server.Origin(nil, http.Handler(gateway.New(b.Lending, backends, region, []string{"localhost"}, log))),
	})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go core.Mirror.Run(ctx)
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
	for _, bucket := range []string{"lab-data", "lab-other"} {
		if _, err := b.Places.CreateBucket(ctx, core.Admin, places.NewBucket{Workspace: lab.ID, Store: store.ID, Name: bucket}); err != nil {
			t.Fatal(err)
		}
		core.Grant(t, core.Location(t, lab, "s3://"+bucket+"/"), ann, keyhatch.Write)
	}
	return &endpoint{lending: b.Lending, lender: lender, store: store, borrower: ann}
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
		if lent.Credentials, err = e.lender.Lend(ctx, e.store, lent.Lease); err != nil {
			return drivertest.Lent{}, err
		}
	}
	return drivertest.Lent{
		Credentials: lent.Credentials,
		End:         func(ctx context.Context) error { return e.lending.RevokeLease(ctx, e.borrower, lent.Lease.ID) },
	}, nil
}
