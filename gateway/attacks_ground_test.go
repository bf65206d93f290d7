package gateway_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/internal/peers"
)

// ground is a kind of store that the attacks are made on. What it does, it does
// behind the endpoint.
type ground interface {
	name() string
	// register makes the store known to the core, empty.
	register(t *testing.T, c *coretest.Core) keyhatch.Store
	// put makes an object, and the bucket when it is the first in it.
	put(t *testing.T, bucket, key, body string)
	// furnish makes what else the groups below need, after all objects.
	furnish(t *testing.T)
	// snapshot is everything in the store, a line each, with contents, metadata,
	// tags and versions. Two are equal exactly when nothing has changed.
	snapshot(t *testing.T) string
	// inProcess tells that there is nobody behind the endpoint to be asked.
	inProcess() bool
	// keepsVersions tells that the bucket "kept" has two versions of an object of the
	// attacker's, and of one of a neighbour's.
	keepsVersions() bool
	// secrets are what no answer and no line of the log may tell of the store.
	secrets() []string
	// groups are the attacks that make sense on this kind only.
	groups() []group
}

// grounds is every kind of store that there is.
func grounds() []ground {
	all := []ground{&directoryGround{}}
	for _, p := range peers.All {
		all = append(all, &upstreamGround{peer: p})
	}
	return all
}

// directoryGround is a directory store on this disk.
type directoryGround struct{ folder string }

func (g *directoryGround) name() string { return "directory" }

func (g *directoryGround) register(_ *testing.T, c *coretest.Core) keyhatch.Store {
	g.folder = c.Store.Path
	return c.Store
}

func (g *directoryGround) put(t *testing.T, bucket, key, body string) {
	t.Helper()
	path := filepath.Join(g.folder, bucket, filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
		t.Fatal(err)
	}
}

// snapshot walks the folder, what the store keeps for itself included.
func (g *directoryGround) snapshot(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(g.folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, g.folder)
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			fmt.Fprintf(&out, "%s/\n", name)
		case d.Type()&fs.ModeSymlink != 0:
			to, err := os.Readlink(path)
			fmt.Fprintf(&out, "%s -> %s\n", name, to)
			return err
		default:
			text, err := os.ReadFile(path)
			fmt.Fprintf(&out, "%s %d %d %s\n", name, info.Size(), info.ModTime().UnixNano(), hexSHA256(string(text)))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func (g *directoryGround) inProcess() bool     { return true }
func (g *directoryGround) keepsVersions() bool { return false }

func (g *directoryGround) secrets() []string { return []string{g.folder, ".keyhatch"} }

// upstreamGround is a store that is reached by S3, with the keys of its own
// administrator.
type upstreamGround struct {
	peer   peers.Peer
	store  peers.Store
	client *s3.Client
	made   map[string]bool // buckets
}

func (g *upstreamGround) name() string { return g.peer.Name }

func (g *upstreamGround) register(t *testing.T, c *coretest.Core) keyhatch.Store {
	g.store = g.peer.Start(t)
	g.client, g.made = g.store.Client(t), map[string]bool{}
	return register(t, c, g.store)
}

// register makes a real store known to the core, with its own keys.
func register(t *testing.T, c *coretest.Core, s peers.Store) keyhatch.Store {
	t.Helper()
	credential, err := c.Broker.Credentials.Create(t.Context(), c.Admin, credentials.NewCredential{Name: "upstream", Authority: keyhatch.AWSKeys(s.AccessKeyID, keyhatch.Secret(s.SecretAccessKey))})
	if err != nil {
		t.Fatal(err)
	}
	store, err := c.Broker.Places.CreateStore(t.Context(), c.Admin, places.NewStore{
		Name: "upstream", Kind: keyhatch.S3Store, Endpoint: s.Endpoint, Region: s.Region, Credential: credential.ID,
	})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func (g *upstreamGround) put(t *testing.T, bucket, key, body string) {
	t.Helper()
	if !g.made[bucket] {
		if _, err := g.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
			t.Fatal(err)
		}
		g.made[bucket] = true
	}
	_, err := g.client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(body)})
	if err != nil {
		t.Fatal(err)
	}
}

// keepsVersions is false of versitygw, which is started without a place for them.
func (g *upstreamGround) keepsVersions() bool { return g.peer.Name != "versitygw" }

// furnish makes a bucket that keeps versions.
func (g *upstreamGround) furnish(t *testing.T) {
	t.Helper()
	if !g.keepsVersions() {
		return
	}
	kept := aws.String("kept")
	if _, err := g.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: kept}); err != nil {
		t.Fatal(err)
	}
	g.made["kept"] = true
	_, err := g.client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: kept, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{"first", "second"} {
		g.put(t, "kept", "own/in.txt", "the "+n)
		g.put(t, "kept", "other/canary-kept.txt", canaryOf("kept", n))
	}
}

func (g *upstreamGround) groups() []group {
	var out []group
	if g.keepsVersions() {
		out = append(out, versionAttacks()...)
	}
	return out
}

func (g *upstreamGround) secrets() []string {
	return []string{g.store.AccessKeyID, g.store.SecretAccessKey, strings.TrimPrefix(g.store.Endpoint, "http://")}
}

func (g *upstreamGround) inProcess() bool { return false }

func (g *upstreamGround) snapshot(t *testing.T) string {
	t.Helper()
	return overS3(t, g.client, slices.Sorted(maps.Keys(g.made))...)
}

// groups are about what a folder has and an S3 store has not: links, files in
// the way of folders, names that are too long for a file; and about what only we
// can forget where no other S3 store answers.
func (g *directoryGround) groups() []group {
	sized := "/lab/data/a/sized.bin?uploadId={sized}"
	summed := "/lab/data/a/summed.bin?uploadId={summed}"
	return []group{{"completions that do not add up", []row{
		{"another size", post(sized, whole("{etag}")).with("X-Amz-Mp-Object-Size", "999"), "400 InvalidRequest", get(sized)},
		{"another checksum", post(summed, whole("{etag}")).with("X-Amz-Checksum-Crc32", "AAAAAA=="), "400 BadDigest", get(summed)},
	}}, {"links and files of the folder", []row{
		{"link to a neighbour's", get("/lab/data/a/link.txt"), "404 NoSuchKey", own},
		{"folder that is a link", get("/lab/data/a/linked/canary-b.txt"), "404 NoSuchKey", own},
		{"link out of the store", get("/lab/data/a/passwd"), "404 NoSuchKey", own},
		{"link to the store's own", get("/lab/data/a/meta/lock"), "404 NoSuchKey", own},
		{"copy of a link", copied("/lab/data/a/link.txt", "/lab/data/a/copied.txt"), "404 NoSuchKey", copied("/lab/data/a/in.txt", "/lab/data/a/copied.txt")},
		{"put over a link", put("/lab/data/a/link.txt", "x"), "400 InvalidRequest", ownPut},
		{"put through a link", put("/lab/data/a/linked/planted.txt", "x"), "400 InvalidRequest", ownPut},
		{"delete through a link", del("/lab/data/a/linked/canary-b.txt"), "204", del("/lab/data/a/gone.txt")},
		{"delete of a link", del("/lab/data/a/link.txt"), "204", del("/lab/data/a/gone.txt")},
		{"batch delete through a link", post("/lab?delete", batch("data/a/linked/canary-b.txt")), "200", post("/lab?delete", batch("data/a/gone.txt"))},
		{"list through a link", get("/lab?list-type=2&prefix=data/a/linked/"), "200", ownList},
		{"list beside links", ownList, "200", ownList},
		{"put below a file", put("/lab/data/a/in.txt/planted.txt", "x"), "400 InvalidRequest", ownPut},
		{"put over a folder", put("/lab/data/a/sub", "x"), "400 InvalidRequest", ownPut},
		{"name that is too long for a file", put("/lab/data/a/"+strings.Repeat("k", 256), "x"), "400 KeyTooLongError", put("/lab/data/a/"+strings.Repeat("k", 255), "x")},
	}}}
}

// furnish makes the links that the attacks go through.
func (g *directoryGround) furnish(t *testing.T) {
	t.Helper()
	for name, to := range map[string]string{"link.txt": "../b/canary-b.txt", "linked": "../b", "passwd": "/etc/passwd", "meta": "../../../.keyhatch"} {
		if err := os.Symlink(to, filepath.Join(g.folder, "lab", "data", "a", name)); err != nil {
			t.Fatal(err)
		}
	}
}
