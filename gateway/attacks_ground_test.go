package gateway_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http/httptest"
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
	"github.com/keyhatch/keyhatch/gateway/dirstore"
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
	// snapshot is everything in the store, a line each. Two are equal exactly
	// when nothing has changed.
	snapshot(t *testing.T) string
	// whole is a snapshot with what takes long to read.
	whole(t *testing.T) string
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

func (g *directoryGround) whole(t *testing.T) string { return g.snapshot(t) }

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

func (g *upstreamGround) furnish(*testing.T) {}
func (g *upstreamGround) groups() []group    { return nil }
func (g *upstreamGround) secrets() []string {
	return []string{g.store.AccessKeyID, g.store.SecretAccessKey, strings.TrimPrefix(g.store.Endpoint, "http://")}
}

// snapshot is what lists tell: the ETag and the time of every object, every open
// upload with its parts. Reading all of it after each attack would take minutes;
// what is foreign is read whole after each group.
func (g *upstreamGround) snapshot(t *testing.T) string {
	t.Helper()
	return overS3(t, g.client, false, slices.Sorted(maps.Keys(g.made))...)
}

func (g *upstreamGround) whole(t *testing.T) string {
	t.Helper()
	return overS3(t, g.client, true, slices.Sorted(maps.Keys(g.made))...)
}

// overS3 is everything in the buckets as an administrator's client sees it:
// objects, with their contents, metadata and tags if wanted, open uploads with
// their parts.
func overS3(t *testing.T, c *s3.Client, contents bool, buckets ...string) string {
	t.Helper()
	ctx := t.Context()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	for _, bucket := range buckets {
		objects := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: &bucket})
		for objects.HasMorePages() {
			page, err := objects.NextPage(ctx)
			check(err)
			for _, o := range page.Contents {
				if !contents {
					fmt.Fprintf(&out, "%s %s %d %s %s\n", bucket, *o.Key, *o.Size, *o.ETag, o.LastModified)
					continue
				}
				got, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: o.Key})
				check(err)
				text, err := io.ReadAll(got.Body)
				got.Body.Close()
				check(err)
				tags, err := c.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &bucket, Key: o.Key})
				check(err)
				fmt.Fprintf(&out, "%s %s %d %s %s %s %v", bucket, *o.Key, *o.Size, *got.ETag, hexSHA256(string(text)), got.LastModified, got.Metadata)
				for _, header := range []*string{got.ContentType, got.CacheControl, got.ContentDisposition, got.ContentEncoding, got.ContentLanguage, got.ExpiresString} {
					fmt.Fprintf(&out, " %q", aws.ToString(header))
				}
				for _, tag := range tags.TagSet {
					fmt.Fprintf(&out, " %s=%s", *tag.Key, *tag.Value)
				}
				out.WriteString("\n")
			}
		}
		uploads := s3.NewListMultipartUploadsPaginator(c, &s3.ListMultipartUploadsInput{Bucket: &bucket})
		for uploads.HasMorePages() {
			page, err := uploads.NextPage(ctx)
			check(err)
			for _, u := range page.Uploads {
				fmt.Fprintf(&out, "%s %s upload %s", bucket, *u.Key, *u.UploadId)
				parts := s3.NewListPartsPaginator(c, &s3.ListPartsInput{Bucket: &bucket, Key: u.Key, UploadId: u.UploadId})
				for parts.HasMorePages() {
					page, err := parts.NextPage(ctx)
					check(err)
					for _, p := range page.Parts {
						fmt.Fprintf(&out, " %d %s %d %s", *p.PartNumber, *p.ETag, *p.Size, p.LastModified)
					}
				}
				out.WriteString("\n")
			}
		}
	}
	return out.String()
}

// administrator is a client with the keys of a store itself.
func administrator(endpoint, key, secret string) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: &endpoint, Region: "us-east-1", UsePathStyle: true, Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: key, SecretAccessKey: secret}, nil
		}),
	})
}

// A snapshot over S3 tells every kind of change, and is the same without one.
func TestSnapshotOverS3(t *testing.T) {
	store, err := dirstore.Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	server := httptest.NewServer(store.Handler())
	defer server.Close()
	ctx, bucket := t.Context(), aws.String("lab")
	g := &upstreamGround{client: administrator(server.URL, "any", "any"), made: map[string]bool{"lab": true, "vault": true}}
	c := g.client
	g.put(t, "lab", "a/one", "one")
	g.put(t, "vault", "a/two", "two")
	upload, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: aws.String("a/up")})
	if err != nil {
		t.Fatal(err)
	}
	before := g.whole(t)
	if again := g.whole(t); again != before || strings.Count(before, "\n") != 3 {
		t.Fatalf("of the same store:\n%s\n%s", before, again)
	}
	for _, step := range []struct {
		name   string
		change func() error
	}{
		{"new content", func() error { g.put(t, "vault", "a/two", "owt"); return nil }},
		{"new object", func() error { g.put(t, "lab", "b", ""); return nil }},
		{"object gone", func() error {
			_, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("b")})
			return err
		}},
		{"tags", func() error {
			_, err := c.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{
				Bucket: bucket, Key: aws.String("a/one"),
				Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}},
			})
			return err
		}},
		{"metadata", func() error {
			_, err := c.CopyObject(ctx, &s3.CopyObjectInput{
				Bucket: bucket, Key: aws.String("a/one"), CopySource: aws.String("lab/a/one"),
				MetadataDirective: types.MetadataDirectiveReplace, Metadata: map[string]string{"k": "v"},
			})
			return err
		}},
		{"new upload", func() error {
			_, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: aws.String("a/up")})
			return err
		}},
		{"new part", func() error {
			_, err := c.UploadPart(ctx, &s3.UploadPartInput{
				Bucket: bucket, Key: aws.String("a/up"), UploadId: upload.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("part"),
			})
			return err
		}},
	} {
		if err := step.change(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		after := g.whole(t)
		if after == before {
			t.Errorf("%s: the snapshot is the same:\n%s", step.name, after)
		}
		before = after
	}
}

// groups are about what a folder has and an S3 store has not: links, files in
// the way of folders, names that are too long for a file; and about what only we
// can forget where no other S3 store answers.
func (g *directoryGround) groups() []group {
	sized := "/lab/data/a/sized.bin?uploadId={sized}"
	summed := "/lab/data/a/summed.bin?uploadId={summed}"
	return []group{{"completions that do not add up", []row{
		{"another size", post(sized, whole("{etag}")).with("X-Amz-Mp-Object-Size", "999"), "400 InvalidRequest", get(sized)},
		{"another checksum", post(summed, whole("{etag}")).with("X-Amz-Checksum-Crc32", "AAAAAA=="), "400 BadDigest or 501 NotImplemented", get(summed)},
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
