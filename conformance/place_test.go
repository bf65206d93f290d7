package conformance

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch/internal/devserver"
	"github.com/keyhatch/keyhatch/internal/peers"
)

// place is where a test works: a bucket of a store behind a running keyhatch. The
// places in the bucket are those of the sample data of keyhatch dev.
type place struct {
	*devserver.Server
	bucket string
	own    string // the prefix that leases are borrowed for, with its slash

	behind *peers.Store // the store that holds the bucket, nil for a directory
	folder string       // of a directory store that a test has made
}

// The other places of the sample data, which a lease for the first opens not.
const (
	siblingPrefix  = "beta/"
	lookalikeStart = "alpha-evil/" // begins like the lease's prefix, but for the slash
)

// start gives the directory store of keyhatch dev, with its sample data.
func start(t *testing.T) place {
	t.Helper()
	s := dev.get(t)
	p := place{Server: s}
	var found bool
	p.bucket, p.own, found = strings.Cut(strings.TrimPrefix(s.Location, "s3://"), "/")
	if !found || p.own != "alpha/" {
		t.Fatalf("the location of the sample data is %q, want one that ends in /alpha/", s.Location)
	}
	return p
}

// kind is a kind of store that can be behind a server.
type kind struct {
	name string
	peer func(testing.TB) peers.Store // nil: a directory
}

var directory = kind{name: "directory"}

// upstreams are the kinds of S3 stores.
var upstreams = func() []kind {
	var all []kind
	for _, p := range peers.All {
		all = append(all, kind{p.Name, p.Start})
	}
	return all
}()

// placesBehind are the places of one server that Serve started, made when they
// are asked for.
type placesBehind struct {
	mu   sync.Mutex
	made map[string]place // by the name of the kind
}

// with gives the place on a store of the kind.
func (s *sharedServer) with(t *testing.T, k kind) place {
	t.Helper()
	server := s.get(t)
	s.places.mu.Lock()
	defer s.places.mu.Unlock()
	p, ok := s.places.made[k.name]
	if !ok {
		p = makePlace(t, server, k)
		if s.places.made == nil {
			s.places.made = map[string]place{}
			create(t, server, "/api/v1/workspaces", map[string]any{"name": workspace})
		}
		p.admit(t, k.name)
		s.places.made[k.name] = p
	}
	return p
}

const workspace = "tests"

// makePlace makes a bucket, in a directory or in a real store.
func makePlace(t *testing.T, s *devserver.Server, k kind) place {
	t.Helper()
	p := place{Server: s, own: "alpha/"}
	if k.peer == nil {
		p.bucket, p.folder = "tests", filepath.Join(s.Objects(), k.name)
		if err := os.MkdirAll(filepath.Join(p.folder, p.bucket), 0o700); err != nil {
			t.Fatal(err)
		}
		return p
	}
	store := k.peer(t)
	p.behind, p.bucket = &store, store.Bucket(t)
	return p
}

// admit makes the place known to the server, as an administrator does: what acts
// on the store, the store, the bucket, and the locations in it.
func (p place) admit(t *testing.T, name string) {
	t.Helper()
	store := map[string]any{"name": name, "kind": "directory", "path": p.folder}
	if p.behind != nil {
		create(t, p.Server, "/api/v1/credentials", map[string]any{
			"name": name, "aws_keys": map[string]string{"access_key_id": p.behind.AccessKeyID, "secret_access_key": p.behind.SecretAccessKey},
		})
		store = map[string]any{"name": name, "kind": "s3", "endpoint": p.behind.Endpoint, "region": p.behind.Region, "credential": name}
	}
	create(t, p.Server, "/api/v1/stores", store)
	create(t, p.Server, "/api/v1/buckets/register?workspace="+workspace, map[string]any{"store": name, "name": p.bucket})
	for _, prefix := range []string{p.own, siblingPrefix} {
		location := create(t, p.Server, "/api/v1/locations?workspace="+workspace, map[string]any{
			"name": name + "-" + strings.TrimSuffix(prefix, "/"), "url": "s3://" + p.bucket + "/" + prefix,
		})
		create(t, p.Server, "/api/v1/grants?workspace="+workspace, map[string]any{"location": location, "to": "everyone", "access": "write"})
	}
}

// ownServer runs one for this test alone.
func ownServer(t *testing.T, i devserver.Installation) *devserver.Server {
	t.Helper()
	var err error
	if i.Binary, err = binary(); err != nil {
		t.Fatal(err)
	}
	s, err := devserver.Serve(context.Background(), i)
	if err != nil {
		t.Fatal(err)
	}
	stopAtEnd(t, s)
	return s
}

// ownDev runs keyhatch dev for this test alone. A workspace that was made at the one that
// tests share would have its admin asked, in all of them, which workspace is meant.
func ownDev(t *testing.T, args ...string) *devserver.Server {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	s, err := devserver.Start(context.Background(), devserver.Config{Binary: path, Args: args})
	if err != nil {
		t.Fatal(err)
	}
	stopAtEnd(t, s)
	return s
}

func stopAtEnd(t *testing.T, s *devserver.Server) {
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
}

// create makes what a path of the API is for and returns its id.
func create(t *testing.T, s *devserver.Server, path string, what map[string]any) string {
	t.Helper()
	var made struct{ ID string }
	if err := s.Create(t.Context(), path, what, &made); err != nil {
		t.Fatal(err)
	}
	return made.ID
}

// lend borrows a lease for a prefix of the bucket.
func (p place) lend(t *testing.T, prefix, access string) devserver.Lease {
	t.Helper()
	l, err := p.Lease(t.Context(), "s3://"+p.bucket+"/"+prefix, access)
	if err != nil {
		t.Fatalf("borrowing a lease: %v", err)
	}
	return l
}

// mustLog gives what was asked with a lease, of a server with a request log.
func mustLog(t *testing.T, p place, lease string) []devserver.Request {
	t.Helper()
	requests, err := p.Requests(lease)
	if err != nil {
		t.Fatal(err)
	}
	return requests
}

// holds tells whether any object, or for a directory any file of the server's
// data, has content. It looks past every layer that a test could be fooled by.
func (p place) holds(t *testing.T, content []byte) bool {
	t.Helper()
	if p.behind != nil {
		return p.storeHolds(t, content)
	}
	found := false
	err := filepath.WalkDir(p.Data, func(path string, entry fs.DirEntry, err error) error {
		var text []byte
		if err == nil && entry.Type().IsRegular() {
			text, err = os.ReadFile(path)
		}
		// Other tests store and delete meanwhile. What is gone is no reason to
		// stop looking.
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		found = found || bytes.Contains(text, content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// storeHolds asks the store itself, with its own keys, for objects of that size.
func (p place) storeHolds(t *testing.T, content []byte) bool {
	t.Helper()
	client, bucket := p.behind.Client(t), aws.String(p.bucket)
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range page.Contents {
			if aws.ToInt64(object.Size) != int64(len(content)) {
				continue
			}
			got, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: object.Key})
			if err != nil {
				continue // another test has removed it meanwhile
			}
			text, err := io.ReadAll(got.Body)
			if err = errors.Join(err, got.Body.Close()); err != nil {
				t.Fatal(err)
			}
			if bytes.Equal(text, content) {
				return true
			}
		}
	}
	return false
}
