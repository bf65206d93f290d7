package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/internal/logged"
	"github.com/keyhatch/keyhatch/internal/peers"
)

// behind puts a real store behind the instance: a credential with its keys, the
// store, a bucket of it, and in that the location NAME at data/.
func (r *running) behind(name string, peer peers.Store) (bucket string) {
	r.t.Helper()
	bucket = peer.Bucket(r.t)
	r.register(name, "demo", bucket, peer)
	return bucket
}

// register makes a store, its credential and a bucket of it known, and in that a
// location, all by one name but for the bucket.
func (r *running) register(name, workspace, bucket string, peer peers.Store) {
	r.t.Helper()
	admin, in := r.admin.Reveal(), "?workspace="+workspace
	must[api.Credential](r, admin, "POST", "/api/v1/credentials", fmt.Sprintf(
		`{"name":%q,"aws_keys":{"access_key_id":%q,"secret_access_key":%q}}`, name, peer.AccessKeyID, peer.SecretAccessKey))
	must[api.Store](r, admin, "POST", "/api/v1/stores", fmt.Sprintf(
		`{"name":%q,"kind":"s3","endpoint":%q,"region":%q,"credential":%q}`, name, peer.Endpoint, peer.Region, name))
	must[api.Bucket](r, admin, "POST", "/api/v1/buckets/register"+in, fmt.Sprintf(`{"store":%q,"name":%q}`, name, bucket))
	location := must[api.Location](r, admin, "POST", "/api/v1/locations"+in, fmt.Sprintf(
		`{"name":%q,"url":"s3://%s/data/"}`, name, bucket))
	must[api.Grant](r, admin, "POST", "/api/v1/grants"+in, fmt.Sprintf(
		`{"location":%q,"to":"everyone","access":"write"}`, location.ID))
}

// TestStoresBehind: what clients do with objects works with a lease on each real
// store, several of which stand behind one instance.
func TestStoresBehind(t *testing.T) {
	r := start(t)
	for _, peer := range peers.All {
		t.Run(peer.Name, func(t *testing.T) {
			store := peer.Start(t)
			bucket := r.behind(peer.Name, store)
			lent := must[api.Lent](r, r.admin.Reveal(), "POST", "/api/v1/leases?workspace=demo", fmt.Sprintf(`{"location":%q,"access":"write"}`, peer.Name))
			useEverything(t, s3Client(lent), bucket)
		})
	}
}

// useEverything does all that the endpoint offers, in data/ of the bucket.
func useEverything(t *testing.T, c *s3.Client, bucket string) {
	ctx, b := t.Context(), aws.String(bucket)
	key := aws.String("data/größe a+b%?versionID=1&x.txt")
	put, err := c.PutObject(ctx, &s3.PutObjectInput{
		Bucket: b, Key: key, Body: strings.NewReader("hello"), ContentType: aws.String("text/plain"), Metadata: map[string]string{"m": "1"},
	})
	if err != nil {
		t.Fatal("put:", err)
	}
	got, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: key})
	if err != nil {
		t.Fatal("get:", err)
	}
	text, err := io.ReadAll(got.Body)
	if string(text) != "hello" || err != nil || aws.ToString(got.ContentType) != "text/plain" || got.Metadata["m"] != "1" || aws.ToString(got.ETag) != aws.ToString(put.ETag) {
		t.Errorf("get: %q %v, %+v", text, err, got)
	}
	if got, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: key, Range: aws.String("bytes=1-3")}); err != nil {
		t.Fatal("range:", err)
	}
	if text, _ = io.ReadAll(got.Body); string(text) != "ell" || aws.ToString(got.ContentRange) != "bytes 1-3/5" {
		t.Errorf("range: %q %v", text, aws.ToString(got.ContentRange))
	}
	for what, in := range map[string]*s3.GetObjectInput{
		"304 NotModified":        {Bucket: b, Key: key, IfNoneMatch: put.ETag},
		"412 PreconditionFailed": {Bucket: b, Key: key, IfMatch: aws.String(`"0123"`)},
		"404 NoSuchKey":          {Bucket: b, Key: aws.String("data/none")},
		"416 InvalidRange":       {Bucket: b, Key: key, Range: aws.String("bytes=9-")},
	} {
		_, err := c.GetObject(ctx, in)
		if err == nil || !strings.Contains(err.Error(), "StatusCode: "+what[:3]) || !strings.Contains(err.Error(), what[4:]) {
			t.Errorf("get, want %s: %v", what, err)
		}
	}
	list, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b, Prefix: aws.String("data/"), FetchOwner: aws.Bool(true)})
	if err != nil || len(list.Contents) != 1 || aws.ToString(list.Contents[0].Key) != *key {
		t.Fatalf("list: %+v %v", list, err)
	}
	if o := list.Contents[0].Owner; o != nil && aws.ToString(o.ID) != "keyhatch" {
		t.Errorf("the list names the owner %v", aws.ToString(o.ID))
	}
	copied := aws.String("data/copy")
	if _, err := c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: b, Key: copied, CopySource: aws.String(bucket + "/data/gr%C3%B6%C3%9Fe%20a%2Bb%25%3FversionID%3D1%26x.txt")}); err != nil {
		t.Error("copy:", err)
	}
	tags := &types.Tagging{TagSet: []types.Tag{{Key: aws.String("k"), Value: aws.String("v =+/@")}}}
	if _, err := c.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: b, Key: copied, Tagging: tags}); err != nil {
		t.Error("put tags:", err)
	}
	if have, err := c.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: b, Key: copied}); err != nil || len(have.TagSet) != 1 || *have.TagSet[0].Value != "v =+/@" {
		t.Errorf("tags: %+v %v", have, err)
	}
	inParts(t, c, bucket, "data/large")
	out, err := c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: b, Delete: &types.Delete{Objects: []types.ObjectIdentifier{
		{Key: key}, {Key: copied}, {Key: aws.String("elsewhere/x")},
	}}})
	if err != nil || len(out.Deleted) != 2 || len(out.Errors) != 1 || aws.ToString(out.Errors[0].Code) != "AccessDenied" {
		t.Errorf("batch delete: %+v %v", out, err)
	}
	if _, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: b, Key: aws.String("data/large")}); err != nil {
		t.Error("delete:", err)
	}
	if list, err = c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b, Prefix: aws.String("data/")}); err != nil || len(list.Contents) != 0 {
		t.Errorf("list in the end: %+v %v", list, err)
	}
}

// inParts uploads 11 MiB in two parts, one of them a copy, and reads it back.
func inParts(t *testing.T, c *s3.Client, bucket, key string) {
	t.Helper()
	ctx, b := t.Context(), aws.String(bucket)
	first := make([]byte, 6<<20)
	if _, err := rand.Read(first); err != nil {
		t.Fatal(err)
	}
	begun, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: b, Key: &key, ChecksumAlgorithm: types.ChecksumAlgorithmCrc32})
	if err != nil {
		t.Fatal("create upload:", err)
	}
	part, err := c.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: b, Key: &key, UploadId: begun.UploadId, PartNumber: aws.Int32(1), Body: bytes.NewReader(first), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
	})
	if err != nil {
		t.Fatal("part:", err)
	}
	if _, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: aws.String("data/source"), Body: bytes.NewReader(first)}); err != nil {
		t.Fatal("put 6 MiB:", err)
	}
	copied, err := c.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
		Bucket: b, Key: &key, UploadId: begun.UploadId, PartNumber: aws.Int32(2),
		CopySource: aws.String(bucket + "/data/source"), CopySourceRange: aws.String("bytes=0-5242879"),
	})
	if err != nil {
		t.Fatal("part copy:", err)
	}
	uploads, err := c.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: b, Prefix: &key})
	if err != nil || len(uploads.Uploads) != 1 || aws.ToString(uploads.Uploads[0].UploadId) != *begun.UploadId {
		t.Errorf("uploads: %+v %v", uploads, err)
	}
	for _, u := range uploads.Uploads {
		if u.Initiator != nil && aws.ToString(u.Initiator.ID) != "keyhatch" {
			t.Errorf("the list of uploads names %v", aws.ToString(u.Initiator.ID))
		}
	}
	parts, err := c.ListParts(ctx, &s3.ListPartsInput{Bucket: b, Key: &key, UploadId: begun.UploadId})
	if err != nil || len(parts.Parts) != 2 {
		t.Errorf("parts: %+v %v", parts, err)
	}
	_, err = c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: b, Key: &key, UploadId: begun.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{
			{PartNumber: aws.Int32(1), ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32}, {PartNumber: aws.Int32(2), ETag: copied.CopyPartResult.ETag},
		}},
	})
	if err != nil {
		t.Fatal("complete:", err)
	}
	got, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: &key})
	if err != nil {
		t.Fatal("get:", err)
	}
	text, err := io.ReadAll(got.Body)
	if want := slices.Concat(first, first[:5<<20]); err != nil || !bytes.Equal(text, want) {
		t.Errorf("%d bytes came back of %d, %v", len(text), len(want), err)
	}
	if _, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: b, Key: aws.String("data/source")}); err != nil {
		t.Error("delete:", err)
	}
}

// TestPlainStoresAreWarnedOf: an operator is told of a store without TLS that is
// on another machine, when it is made and at every start.
func TestPlainStoresAreWarnedOf(t *testing.T) {
	r := startWith(t, func(c *config.Config) { c.OutboundNetworks = append(c.OutboundNetworks, "192.0.2.0/24", "::1/128") })
	admin := r.admin.Reveal()
	must[api.Credential](r, admin, "POST", "/api/v1/credentials", `{"name":"archive","aws_keys":{"access_key_id":"AKIA","secret_access_key":"secret"}}`)
	endpoints := map[string]bool{
		"http://192.0.2.7:9000": true, "https://192.0.2.7:9001": false,
		"http://127.0.0.9:9000": false, "http://localhost:9000": false, "http://[::1]:9000": false,
	}
	for endpoint := range endpoints {
		must[api.Store](r, admin, "POST", "/api/v1/stores", fmt.Sprintf(
			`{"name":"s%x","kind":"s3","endpoint":%q,"credential":"archive"}`, endpoint, endpoint))
	}
	c, log := r.in.config, &logged.Text{}
	c.API.Listen, c.S3.Listen = "127.0.0.1:0", "127.0.0.1:0"
	again, err := open(t.Context(), c, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for endpoint, warned := range endpoints {
		for when, text := range map[string]string{"made": r.log.String(), "started": log.String()} {
			found := false
			for line := range strings.Lines(text) {
				found = found || strings.Contains(line, "level=WARN") && strings.Contains(line, "TLS") && strings.Contains(line, endpoint)
			}
			if found != warned {
				t.Errorf("%s, %s: warned %t, want %t", endpoint, when, found, warned)
			}
		}
	}
}

// TestDeleteLeavesAMarker: what was there before its bucket had versions has the
// version "null", and a delete that named it removed it for good.
func TestDeleteLeavesAMarker(t *testing.T) {
	r := start(t)
	store := peers.All[slices.IndexFunc(peers.All, func(p peers.Peer) bool { return p.Name == "minio" })].Start(t)
	bucket := r.behind("minio", store)
	lent := must[api.Lent](r, r.admin.Reveal(), "POST", "/api/v1/leases?workspace=demo", `{"location":"minio","access":"write"}`)
	leased, operator := s3Client(lent), store.Client(t)
	ctx, b, null := t.Context(), aws.String(bucket), aws.String("null")
	for _, key := range []string{"data/one", "data/two"} {
		if _, err := operator.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: &key, Body: strings.NewReader("precious")}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := operator.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket: b, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := leased.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: b, Key: aws.String("data/one"), VersionId: null}); err != nil {
		t.Error(err)
	}
	if _, err := leased.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: b, Delete: &types.Delete{
		Objects: []types.ObjectIdentifier{{Key: aws.String("data/two"), VersionId: null}},
	}}); err != nil {
		t.Error(err)
	}
	left, err := operator.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: b})
	if err != nil {
		t.Fatal(err)
	}
	if len(left.Versions) != 2 || len(left.DeleteMarkers) != 2 {
		t.Errorf("left are %d versions and %d markers", len(left.Versions), len(left.DeleteMarkers))
	}
}
