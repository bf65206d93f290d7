package conformance

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch/api"
	keyhatch "github.com/keyhatch/keyhatch/client"
	"github.com/keyhatch/keyhatch/internal/devserver"
	"github.com/keyhatch/keyhatch/internal/peers"
)

// TestKeptKeys: stores that keep access keys themselves hold them to their rights, at the
// store's own address. What is changed here is so there, soon; what is ended is ended.
func TestKeptKeys(t *testing.T) {
	for kind, of := range map[string]struct {
		start    func(testing.TB) peers.Store
		endpoint func(peers.Store) string
	}{
		"iam": {peers.VersityGW, func(s peers.Store) string { return s.IAM }},
		"rgw": {peers.RGW, func(peers.Store) string { return "" }},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			store := of.start(t)
			path, err := binary()
			if err != nil {
				t.Fatal(err)
			}
			server, err := devserver.Serve(context.Background(), devserver.Installation{Binary: path, OutboundNetworks: loopback})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := server.Stop(); err != nil {
					t.Error(err)
				}
			})
			create(t, server, "/api/v1/workspaces", map[string]any{"name": "lab"})
			create(t, server, "/api/v1/credentials", map[string]any{
				"name": "theirs", "aws_keys": map[string]string{"access_key_id": store.AccessKeyID, "secret_access_key": store.SecretAccessKey},
			})
			create(t, server, "/api/v1/stores", map[string]any{
				"name": "theirs", "kind": "s3", "endpoint": store.Endpoint, "region": store.Region, "credential": "theirs", "keys": kind, "keys_endpoint": of.endpoint(store),
			})
			k := kept{t, server, store, keyhatch.New(server.API, server.Token).In("lab"), map[string]string{}, kind != "rgw"}
			for _, name := range []string{"one", "two", "other"} {
				k.buckets[name] = store.Bucket(t)
				create(t, server, "/api/v1/buckets?workspace=lab", map[string]any{"store": "theirs", "name": k.buckets[name]})
			}
			k.live()
		})
	}
}

type kept struct {
	t       *testing.T
	server  *devserver.Server
	store   peers.Store
	api     *keyhatch.Client
	buckets map[string]string
	// shared tells whether what a key has put is the bucket's owner's too. On Ceph it is
	// the key's user's alone: docs/access-keys.md tells of it.
	shared bool
}

// with is a client of the store with an issued pair.
func (k kept) with(pair api.IssuedKey) *s3.Client {
	return k.store.ClientWith(k.t, aws.Credentials{AccessKeyID: pair.AccessKeyID, SecretAccessKey: pair.SecretAccessKey})
}

func (k kept) put(c *s3.Client, bucket, key string) error {
	_, err := c.PutObject(k.t.Context(), &s3.PutObjectInput{Bucket: aws.String(k.buckets[bucket]), Key: &key, Body: strings.NewReader("data")})
	return err
}

func (k kept) get(c *s3.Client, bucket, key string) error {
	_, err := c.HeadObject(k.t.Context(), &s3.HeadObjectInput{Bucket: aws.String(k.buckets[bucket]), Key: &key})
	return err
}

// soon wants something to be allowed, or not to be, within a minute.
func (k kept) soon(what string, allowed bool, try func() error) {
	k.t.Helper()
	var err error
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if err = try(); err == nil == allowed {
			return
		}
	}
	k.t.Errorf("%s: allowed is %t, want %t: %v", what, err == nil, allowed, err)
}

func (k kept) must(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

func (k kept) live() {
	ctx := k.t.Context()
	one, two := k.buckets["one"], k.buckets["two"]
	key, err := k.api.CreateAccessKey(ctx, api.NewAccessKey{Store: "theirs", Name: "key", Rights: api.KeyRights{Read: []string{one, two}, Write: []string{one}}})
	k.must(err)
	var first api.IssuedKey
	k.soon("issue", true, func() error { first, err = k.api.IssueAccessKey(ctx, key.ID, api.IssueRequest{}); return err })
	c := k.with(first)
	k.soon("put", true, func() error { return k.put(c, "one", "a") })
	k.must(k.get(c, "one", "a"))
	admin := k.store.Client(k.t)
	if err := k.get(admin, "one", "a"); err == nil != k.shared {
		k.t.Errorf("what a key has put, with the store's credential: %v", err)
	}
	for _, bucket := range []string{"one", "two", "other"} {
		k.must(k.put(admin, bucket, "theirs"))
	}
	k.must(k.get(c, "two", "theirs"))
	for what, err := range map[string]error{
		"put into what it reads": k.put(c, "two", "b"), "get from another": k.get(c, "other", "theirs"), "put into another": k.put(c, "other", "b"),
	} {
		if err == nil {
			k.t.Errorf("%s: allowed", what)
		}
	}

	location := create(k.t, k.server, "/api/v1/locations?workspace=lab", map[string]any{"name": "raw", "url": "s3://" + one + "/raw/"})
	locked := true
	_, err = k.api.UpdateLocation(ctx, location, api.LocationChange{Locked: &locked})
	k.must(err)
	k.soon("put into a locked place", false, func() error { return k.put(c, "one", "raw/a") })
	k.must(k.put(c, "one", "b"))

	_, err = k.api.UpdateAccessKey(ctx, "key", api.AccessKeyChange{Rights: &api.KeyRights{Write: []string{two}}})
	k.must(err)
	k.soon("put with other rights", true, func() error { return k.put(c, "two", "c") })
	k.soon("get with them", false, func() error { return k.get(c, "one", "theirs") })

	grace := 3600
	second, err := k.api.IssueAccessKey(ctx, "key", api.IssueRequest{GraceSeconds: &grace})
	k.must(err)
	k.soon("the second", true, func() error { return k.put(k.with(second), "two", "d") })
	k.must(k.put(c, "two", "e"))
	third, err := k.api.IssueAccessKey(ctx, "key", api.IssueRequest{})
	k.must(err)
	k.soon("the third", true, func() error { return k.put(k.with(third), "two", "f") })
	for name, pair := range map[string]api.IssuedKey{"first": first, "second": second} {
		k.soon("the "+name+", replaced", false, func() error { return k.put(k.with(pair), "two", "g") })
	}
	k.must(k.api.DeleteAccessKey(ctx, "key"))
	k.soon("the third, deleted", false, func() error { return k.put(k.with(third), "two", "h") })
}
