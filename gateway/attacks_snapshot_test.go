package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/keyhatch/keyhatch/gateway/dirstore"
)

// overS3 is everything in the buckets as an administrator's client sees it: objects
// with their contents, metadata and tags, versions and markers, open uploads with
// their parts.
func overS3(t *testing.T, c *s3.Client, buckets ...string) string {
	t.Helper()
	r := reader{t.Context(), c}
	var out strings.Builder
	for _, bucket := range buckets {
		for _, read := range []func(bucket string) (string, error){r.objects, r.versions, r.uploads} {
			lines, err := read(bucket)
			if err != nil {
				t.Fatalf("snapshot of %s: %v", bucket, err)
			}
			out.WriteString(lines)
		}
	}
	return out.String()
}

type reader struct {
	ctx    context.Context
	client *s3.Client
}

// objects reads all objects of a bucket, side by side.
func (r reader) objects(bucket string) (string, error) {
	var keys []string
	pages := s3.NewListObjectsV2Paginator(r.client, &s3.ListObjectsV2Input{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(r.ctx)
		if err != nil {
			return "", err
		}
		for _, o := range page.Contents {
			keys = append(keys, *o.Key)
		}
	}
	lines, errs := make([]string, len(keys)), make([]error, len(keys))
	var all sync.WaitGroup
	for i, key := range keys {
		all.Go(func() { lines[i], errs[i] = r.object(bucket, key) })
	}
	all.Wait()
	return strings.Join(lines, ""), errors.Join(errs...)
}

func (r reader) object(bucket, key string) (string, error) {
	got, err := r.client.GetObject(r.ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return "", err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		return "", err
	}
	tags, err := r.client.GetObjectTagging(r.ctx, &s3.GetObjectTaggingInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return "", err
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s %s %d %s %s %s %v", bucket, key, len(text), *got.ETag, hexSHA256(string(text)), got.LastModified, got.Metadata)
	for _, header := range []*string{got.ContentType, got.CacheControl, got.ContentDisposition, got.ContentEncoding, got.ContentLanguage, got.ExpiresString} {
		fmt.Fprintf(&out, " %q", aws.ToString(header))
	}
	for _, tag := range tags.TagSet {
		fmt.Fprintf(&out, " %s=%s", *tag.Key, *tag.Value)
	}
	out.WriteString("\n")
	return out.String(), nil
}

// versions lists all versions of a bucket, of which some stores have none.
func (r reader) versions(bucket string) (string, error) {
	var out strings.Builder
	pages := s3.NewListObjectVersionsPaginator(r.client, &s3.ListObjectVersionsInput{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(r.ctx)
		var refused smithy.APIError
		if errors.As(err, &refused) && refused.ErrorCode() == "NotImplemented" {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		for _, v := range page.Versions {
			fmt.Fprintf(&out, "%s %s version %s %t %s\n", bucket, *v.Key, aws.ToString(v.VersionId), aws.ToBool(v.IsLatest), aws.ToString(v.ETag))
		}
		for _, m := range page.DeleteMarkers {
			fmt.Fprintf(&out, "%s %s marker %s %t\n", bucket, *m.Key, aws.ToString(m.VersionId), aws.ToBool(m.IsLatest))
		}
	}
	return out.String(), nil
}

// uploads lists all open uploads of a bucket with their parts.
func (r reader) uploads(bucket string) (string, error) {
	var out strings.Builder
	pages := s3.NewListMultipartUploadsPaginator(r.client, &s3.ListMultipartUploadsInput{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(r.ctx)
		if err != nil {
			return "", err
		}
		for _, u := range page.Uploads {
			fmt.Fprintf(&out, "%s %s upload %s", bucket, *u.Key, *u.UploadId)
			parts := s3.NewListPartsPaginator(r.client, &s3.ListPartsInput{Bucket: &bucket, Key: u.Key, UploadId: u.UploadId})
			for parts.HasMorePages() {
				page, err := parts.NextPage(r.ctx)
				if err != nil {
					return "", err
				}
				for _, p := range page.Parts {
					fmt.Fprintf(&out, " %d %s %d %s", *p.PartNumber, *p.ETag, *p.Size, p.LastModified)
				}
			}
			out.WriteString("\n")
		}
	}
	return out.String(), nil
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
	before := g.snapshot(t)
	if again := g.snapshot(t); again != before || strings.Count(before, "\n") != 5 {
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
		{"another value of a tag", func() error {
			_, err := c.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: bucket, Key: aws.String("a/one"), Tagging: &types.Tagging{
				TagSet: []types.Tag{{Key: aws.String("k"), Value: aws.String("w")}},
			}})
			return err
		}},
		{"no tags", func() error {
			_, err := c.DeleteObjectTagging(ctx, &s3.DeleteObjectTaggingInput{Bucket: bucket, Key: aws.String("a/one")})
			return err
		}},
		{"metadata", func() error {
			_, err := c.CopyObject(ctx, &s3.CopyObjectInput{
				Bucket: bucket, Key: aws.String("a/one"), CopySource: aws.String("lab/a/one"),
				MetadataDirective: types.MetadataDirectiveReplace, Metadata: map[string]string{"k": "v"},
			})
			return err
		}},
		{"type", func() error {
			_, err := c.CopyObject(ctx, &s3.CopyObjectInput{
				Bucket: bucket, Key: aws.String("a/one"), CopySource: aws.String("lab/a/one"),
				MetadataDirective: types.MetadataDirectiveReplace, Metadata: map[string]string{"k": "v"}, ContentType: aws.String("text/html"),
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
		after := g.snapshot(t)
		if after == before {
			t.Errorf("%s: the snapshot is the same:\n%s", step.name, after)
		}
		before = after
	}
}
