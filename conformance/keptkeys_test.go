package conformance

import (
	"errors"
	"net/http"
	"path/filepath"
	"slices"
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

// kept is a server with a workspace that has buckets on a store that keeps access keys.
type kept struct {
	*devserver.Server
	t       *testing.T
	store   peers.Store
	api     *keyhatch.Client
	buckets map[string]string
	theirs  string // id of the store
}

// keepers are the stores that keep access keys themselves, by what they are called here.
var keepers = map[string]struct {
	start    func(testing.TB) peers.Store
	endpoint func(peers.Store) string
}{
	"iam": {peers.VersityGW, func(s peers.Store) string { return s.IAM }},
	"rgw": {peers.RGW, func(peers.Store) string { return "" }},
}

func newKept(t *testing.T, kind string, buckets ...string) kept {
	t.Helper()
	server := ownServer(t, devserver.Installation{OutboundNetworks: loopback, Settings: "tokens:\n  requests_per_minute: 60000\n"})
	return newKeptAt(t, server, kind, buckets...)
}

// newKeptAt is newKept with a server that is there.
func newKeptAt(t *testing.T, server *devserver.Server, kind string, buckets ...string) kept {
	t.Helper()
	of := keepers[kind]
	store := of.start(t)
	create(t, server, "/api/v1/workspaces", map[string]any{"name": "lab"})
	create(t, server, "/api/v1/credentials", map[string]any{
		"name": "theirs", "aws_keys": map[string]string{"access_key_id": store.Keeper[0], "secret_access_key": store.Keeper[1]},
	})
	theirs := create(t, server, "/api/v1/stores", map[string]any{
		"name": "theirs", "kind": "s3", "endpoint": store.Endpoint, "region": store.Region, "credential": "theirs", "keys": kind, "keys_endpoint": of.endpoint(store),
	})
	k := kept{server, t, store, keyhatch.New(server.API, server.Token).In("lab"), map[string]string{}, theirs}
	for _, name := range buckets {
		k.buckets[name] = store.Bucket(t)
		create(t, server, "/api/v1/buckets/register?workspace=lab", map[string]any{"store": "theirs", "name": k.buckets[name]})
	}
	return k
}

func (k kept) must(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

// with is a client of the store with an issued pair.
func (k kept) with(pair api.IssuedKey) *s3.Client {
	return k.store.ClientWith(k.t, aws.Credentials{AccessKeyID: pair.AccessKeyID, SecretAccessKey: pair.SecretAccessKey})
}

// issue has the store issue a pair: who asks need not wait for anything.
func (k kept) issue(key string, grace int) api.IssuedKey {
	k.t.Helper()
	pair, err := k.api.IssueAccessKey(k.t.Context(), key, api.IssueRequest{GraceSeconds: &grace})
	k.must(err)
	return pair
}

func (k kept) put(c *s3.Client, bucket, key string) error {
	_, err := c.PutObject(k.t.Context(), &s3.PutObjectInput{Bucket: aws.String(k.buckets[bucket]), Key: &key, Body: strings.NewReader("data")})
	return err
}

func (k kept) get(c *s3.Client, bucket, key string) error {
	out, err := c.GetObject(k.t.Context(), &s3.GetObjectInput{Bucket: aws.String(k.buckets[bucket]), Key: &key})
	if err == nil {
		err = out.Body.Close()
	}
	return err
}

func (k kept) list(c *s3.Client, bucket string) error {
	_, err := c.ListObjectsV2(k.t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(k.buckets[bucket])})
	return err
}

func (k kept) remove(c *s3.Client, bucket, key string) error {
	_, err := c.DeleteObject(k.t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(k.buckets[bucket]), Key: &key})
	return err
}

// refused tells whether a store says that it is not allowed: no other failure is a
// refusal.
func refused(err error) bool {
	var answer interface{ HTTPStatusCode() int }
	return errors.As(err, &answer) && answer.HTTPStatusCode() == http.StatusForbidden
}

// want wants something to be allowed, or refused.
func (k kept) want(what string, allowed bool, err error) {
	k.t.Helper()
	if allowed && err != nil || !allowed && !refused(err) {
		k.t.Errorf("%s: allowed is to be %t: %v", what, allowed, err)
	}
}

// soon is want for what the store gets by a job.
func (k kept) soon(what string, allowed bool, try func() error) {
	k.t.Helper()
	var err error
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = try(); allowed && err == nil || !allowed && refused(err) {
			return
		}
	}
	k.want(what, allowed, err)
}

// configured waits until the store has the key as it is to be.
func (k kept) configured(key string) {
	k.t.Helper()
	var now api.AccessKey
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		var err error
		now, err = k.api.AccessKey(k.t.Context(), key)
		k.must(err)
		if now.State == "configured" {
			return
		}
	}
	k.t.Fatalf("it is %s: %s; %d attempts: %s", now.State, now.Reason, now.Attempts, now.LastError)
}

// TestKeptKeys: a generated key reads and writes exactly its buckets on a store that holds
// keys to their rights itself, at the store's own address. Changed rights, locks and
// rotation take hold there, and what is deleted is ended.
func TestKeptKeys(t *testing.T) {
	for kind := range keepers {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			newKept(t, kind, "reads", "writes", "both", "other").live()
		})
	}
}

func (k kept) live() {
	ctx := k.t.Context()
	reads, writes, both := k.buckets["reads"], k.buckets["writes"], k.buckets["both"]
	admin := k.store.ClientWith(k.t, aws.Credentials{AccessKeyID: k.store.Keeper[0], SecretAccessKey: k.store.Keeper[1]})
	for name := range k.buckets {
		k.must(k.put(admin, name, "theirs"))
	}
	_, err := k.api.CreateAccessKey(ctx, api.NewAccessKey{Store: "theirs", Name: "key", Rights: api.KeyRights{Read: []string{reads, both}, Write: []string{writes, both}}})
	k.must(err)
	first := k.issue("key", 0)
	c := k.with(first)
	k.matrix(c)
	k.lends(c)

	location := create(k.t, k.Server, "/api/v1/locations?workspace=lab", map[string]any{"name": "raw", "url": "s3://" + both + "/raw/"})
	locked := true
	set, err := k.api.UpdateLocation(ctx, location, api.LocationChange{Locked: &locked})
	k.must(err)
	if !set.Locked || !set.LockPending {
		k.t.Errorf("as it is locked, it is %+v", set)
	}
	for end := time.Now().Add(time.Minute); set.LockPending && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		set, err = k.api.Location(ctx, location)
		k.must(err)
	}
	k.want("put into a locked place, when the lock is not pending", false, k.put(c, "both", "raw/a"))
	k.want("put beside it", true, k.put(c, "both", "b"))

	_, err = k.api.UpdateAccessKey(ctx, "key", api.AccessKeyChange{Rights: &api.KeyRights{Write: []string{reads}}})
	k.must(err)
	k.configured("key")
	k.want("put with other rights", true, k.put(c, "reads", "c"))
	k.want("get with them", false, k.get(c, "both", "theirs"))
	k.want("get what it has put with them", false, k.get(c, "reads", "c"))
	k.want("get what it has put before", false, k.get(c, "both", "b"))

	second := k.issue("key", 3600)
	k.want("the second", true, k.put(k.with(second), "reads", "d"))
	k.want("the first, in its grace", true, k.put(c, "reads", "e"))
	third := k.issue("key", 0)
	k.want("the third", true, k.put(k.with(third), "reads", "f"))
	k.want("the first, replaced", false, k.put(c, "reads", "g"))
	k.want("the second, replaced", false, k.put(k.with(second), "reads", "g"))
	k.must(k.api.DeleteAccessKey(ctx, "key"))
	k.soon("the third, deleted", false, func() error { return k.put(k.with(third), "reads", "h") })
	var issued []string
	for e, err := range k.api.Events(ctx, keyhatch.EventFilter{Action: "access_key.issue"}) {
		k.must(err)
		issued = append(issued, e.Detail["access_key_id"])
	}
	if want := []string{third.AccessKeyID, second.AccessKeyID, first.AccessKeyID}; !slices.Equal(issued, want) {
		k.t.Errorf("issued were %q, and the events tell of %q", want, issued)
	}
}

// matrix tries everything in each of the buckets.
func (k kept) matrix(c *s3.Client) {
	for bucket, may := range map[string]struct{ read, write bool }{
		"reads": {true, false}, "writes": {false, true}, "both": {true, true}, "other": {false, false},
	} {
		k.want("list "+bucket, may.read, k.list(c, bucket))
		k.want("get from "+bucket, may.read, k.get(c, bucket, "theirs"))
		k.want("put into "+bucket, may.write, k.put(c, bucket, "own"))
		k.want("put over in "+bucket, may.write, k.put(c, bucket, "theirs"))
		if may.write {
			k.want("get what it has put into "+bucket, may.read, k.get(c, bucket, "own"))
		}
		_, err := c.CopyObject(k.t.Context(), &s3.CopyObjectInput{
			Bucket: aws.String(k.buckets[bucket]), Key: aws.String("copy"), CopySource: aws.String(k.buckets["reads"] + "/theirs"),
		})
		k.want("copy into "+bucket, may.write, err)
		k.want("delete from "+bucket, may.write, k.remove(c, bucket, "copy"))
	}
	_, err := c.CreateBucket(k.t.Context(), &s3.CreateBucketInput{Bucket: aws.String("made-with-a-key")})
	k.want("make a bucket", false, err)
}

// lends looks whether what a key has put is there for those who borrow a lease.
func (k kept) lends(c *s3.Client) {
	k.want("put into a place that is lent", true, k.put(c, "both", "lent/a"))
	location := create(k.t, k.Server, "/api/v1/locations?workspace=lab", map[string]any{"name": "lent", "url": "s3://" + k.buckets["both"] + "/lent/"})
	create(k.t, k.Server, "/api/v1/grants", map[string]any{"location": location, "to": "everyone", "access": "read"})
	l, err := k.Lease(k.t.Context(), location, "read")
	k.must(err)
	file := filepath.Join(k.t.TempDir(), "lent")
	newGoSDK(k.t, k.buckets["both"]).get(l, "lent/a", file).must(k.t)
	mustHave(k.t, file, []byte("data"))
}
