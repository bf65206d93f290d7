package main

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/keyhatch/keyhatch/internal/peers"
)

func ptr(s string) *string { return &s }

// A large object goes up in parts, by sending and by copying, and comes back
// whole.
func TestMultipart(t *testing.T) {
	r := start(t)
	c, ctx, demo, key := s3Client(r.lease("write")), t.Context(), ptr("demo"), ptr("alpha/large.bin")
	first, second := bytes.Repeat([]byte("first "), 1<<20), []byte("second")
	made, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: demo, Key: key, ContentType: ptr("application/x-large")})
	if err != nil {
		t.Fatal(err)
	}
	var parts []types.CompletedPart
	one, err := c.UploadPart(ctx, &s3.UploadPartInput{Bucket: demo, Key: key, UploadId: made.UploadId, PartNumber: aws.Int32(1), Body: bytes.NewReader(first)})
	if err != nil {
		t.Fatal(err)
	}
	parts = append(parts, types.CompletedPart{ETag: one.ETag, PartNumber: aws.Int32(1)})
	if _, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: demo, Key: ptr("alpha/second"), Body: bytes.NewReader(second)}); err != nil {
		t.Fatal(err)
	}
	two, err := c.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
		Bucket: demo, Key: key, UploadId: made.UploadId, PartNumber: aws.Int32(2), CopySource: ptr("demo/alpha/second"),
	})
	if err != nil {
		t.Fatal(err)
	}
	parts = append(parts, types.CompletedPart{ETag: two.CopyPartResult.ETag, PartNumber: aws.Int32(2)})

	listed, err := c.ListParts(ctx, &s3.ListPartsInput{Bucket: demo, Key: key, UploadId: made.UploadId})
	if err != nil || len(listed.Parts) != 2 || *listed.Parts[0].Size != int64(len(first)) {
		t.Errorf("parts: %+v %v", listed, err)
	}
	uploads, err := c.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: demo, Prefix: ptr("alpha/")})
	if err != nil || len(uploads.Uploads) != 1 || *uploads.Uploads[0].UploadId != *made.UploadId {
		t.Errorf("uploads: %+v %v", uploads, err)
	}
	if _, err := get(ctx, c, *key); code(err) != "NoSuchKey" {
		t.Errorf("before it is complete: %v", err)
	}
	_, err = c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: demo, Key: key, UploadId: made.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := get(ctx, c, *key); err != nil || !bytes.Equal(text, append(first, second...)) {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	head, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: demo, Key: key})
	if err != nil || !strings.HasSuffix(*head.ETag, `-2"`) || *head.ContentType != "application/x-large" {
		t.Errorf("head: %+v %v", head, err)
	}

	// An upload begun by one lease is no way for another that is not open there.
	other := s3Client(r.lease("write", "2024/"))
	made, err = c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: demo, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	inside := ptr("alpha/2024/x")
	_, partOutside := other.UploadPart(ctx, &s3.UploadPartInput{Bucket: demo, Key: key, UploadId: made.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("x")})
	_, partInside := other.UploadPart(ctx, &s3.UploadPartInput{Bucket: demo, Key: inside, UploadId: made.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("x")})
	_, abortOutside := other.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: demo, Key: key, UploadId: made.UploadId})
	_, abortInside := other.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: demo, Key: inside, UploadId: made.UploadId})
	if code(partOutside) != "AccessDenied" || code(partInside) != "NoSuchUpload" || code(abortOutside) != "AccessDenied" || code(abortInside) != "NoSuchUpload" {
		t.Errorf("another's upload: %v, %v, %v, %v", partOutside, partInside, abortOutside, abortInside)
	}
	if _, err := c.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: demo, Key: key, UploadId: made.UploadId}); err != nil {
		t.Errorf("abort: %v", err)
	}
}

// Copies read and write inside the lease only.
func TestCopy(t *testing.T) {
	r := start(t)
	ctx, demo := t.Context(), ptr("demo")
	for _, test := range []struct{ prefix, from, to, code string }{
		{"", "demo/alpha/levels.csv", "alpha/copy of+levels.csv", ""},
		{"", "/demo/alpha/copy%20of%2Blevels.csv", "alpha/again.csv", ""},
		{"", "demo/beta/rain.csv", "alpha/stolen.csv", "AccessDenied"},
		{"", "demo/alpha-evil/README.txt", "alpha/stolen.txt", "AccessDenied"},
		{"", "demo/alpha%2F..%2Fbeta/rain.csv", "alpha/stolen.csv", "InvalidArgument"},
		{"", "demo/alpha/levels.csv", "beta/planted.csv", "AccessDenied"},
		{"", "demo/alpha/none", "alpha/x", "NoSuchKey"},
		{"2024/", "demo/alpha/levels.csv", "alpha/2024/x", "AccessDenied"},
	} {
		var prefixes []string
		if test.prefix != "" {
			prefixes = append(prefixes, test.prefix)
		}
		_, err := s3Client(r.lease("write", prefixes...)).CopyObject(ctx, &s3.CopyObjectInput{Bucket: demo, Key: &test.to, CopySource: &test.from})
		if err == nil && test.code != "" || err != nil && code(err) != test.code {
			t.Errorf("copy %s to %s: %v, want %q", test.from, test.to, err, test.code)
		}
	}
	if got := r.file("alpha/again.csv"); got != r.file("alpha/levels.csv") {
		t.Errorf("the copy of the copy is %q", got)
	}
	reader := s3Client(r.lease("read"))
	if _, err := reader.CopyObject(ctx, &s3.CopyObjectInput{Bucket: demo, Key: ptr("alpha/x"), CopySource: ptr("demo/alpha/levels.csv")}); code(err) != "AccessDenied" {
		t.Errorf("copy with a read lease: %v", err)
	}
}

// A batch delete removes what the lease opens and says of each other key that it
// does not.
func TestBatchDelete(t *testing.T) {
	r := start(t)
	ctx, demo := t.Context(), ptr("demo")
	before := r.file("beta/rain.csv")
	var asked []types.ObjectIdentifier
	for _, key := range []string{"alpha/levels.csv", "beta/rain.csv", "alpha/../beta/rain.csv", "alpha-evil/README.txt", "alpha/none", "/alpha/map.png"} {
		asked = append(asked, types.ObjectIdentifier{Key: &key})
	}
	out, err := s3Client(r.lease("write")).DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: demo, Delete: &types.Delete{Objects: asked}})
	if err != nil {
		t.Fatal(err)
	}
	var deleted, refused []string
	for _, d := range out.Deleted {
		deleted = append(deleted, *d.Key)
	}
	for _, e := range out.Errors {
		refused = append(refused, *e.Key+" "+*e.Code)
	}
	if !slices.Equal(deleted, []string{"alpha/levels.csv", "alpha/none"}) {
		t.Errorf("deleted %v", deleted)
	}
	if want := []string{"beta/rain.csv AccessDenied", "alpha/../beta/rain.csv AccessDenied", "alpha-evil/README.txt AccessDenied", "/alpha/map.png AccessDenied"}; !slices.Equal(refused, want) {
		t.Errorf("refused %v", refused)
	}
	if r.file("beta/rain.csv") != before || r.file("alpha/map.png") == "" || r.file("alpha-evil/README.txt") == "" {
		t.Error("something else was removed")
	}
	_, err = s3Client(r.lease("read")).DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: demo, Delete: &types.Delete{Objects: asked[4:5], Quiet: aws.Bool(true)}})
	if err != nil {
		t.Fatal(err)
	}
}

// Tags can be read and written; a bucket answers for its existence and place.
func TestTagsAndBuckets(t *testing.T) {
	r := start(t)
	c, ctx, demo, key := s3Client(r.lease("write")), t.Context(), ptr("demo"), ptr("alpha/levels.csv")
	_, err := c.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: demo, Key: key, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: ptr("gauge"), Value: ptr("north")}}}})
	if err != nil {
		t.Fatal(err)
	}
	tags, err := s3Client(r.lease("read")).GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: demo, Key: key})
	if err != nil || len(tags.TagSet) != 1 || *tags.TagSet[0].Value != "north" {
		t.Errorf("tags: %+v %v", tags, err)
	}
	if _, err := s3Client(r.lease("read")).DeleteObjectTagging(ctx, &s3.DeleteObjectTaggingInput{Bucket: demo, Key: key}); code(err) != "AccessDenied" {
		t.Errorf("tagging with a read lease: %v", err)
	}
	if _, err := c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: demo}); err != nil {
		t.Errorf("head bucket: %v", err)
	}
	if _, err := c.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: demo}); err != nil {
		t.Errorf("bucket location: %v", err)
	}
	if _, err := c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: ptr("other-bucket")}); err == nil {
		t.Error("a bucket of which nothing is open has a head")
	}
}

// A presigned URL works without keys, for what was signed, until its lease ends.
func TestPresigned(t *testing.T) {
	r := start(t)
	lent := r.lease("read")
	url, err := s3.NewPresignClient(s3Client(lent)).PresignGetObject(t.Context(), &s3.GetObjectInput{
		Bucket: ptr("demo"), Key: ptr("alpha/levels.csv"), ResponseContentType: ptr("text/plain"),
	}, s3.WithPresignExpires(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	fetch := func(method, url string) (int, http.Header, string) {
		t.Helper()
		q, err := http.NewRequest(method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, answer.Header, string(text)
	}
	status, header, text := fetch("GET", url.URL)
	if status != 200 || text != r.file("alpha/levels.csv") || header.Get("Content-Type") != "text/plain" {
		t.Errorf("%d %s %q", status, header.Get("Content-Type"), text)
	}
	for name, changed := range map[string]string{
		"another key":  strings.Replace(url.URL, "levels.csv", "README.txt", 1),
		"another type": strings.Replace(url.URL, "text%2Fplain", "text%2Fhtml", 1),
		"longer":       strings.Replace(url.URL, "X-Amz-Expires=60", "X-Amz-Expires=600", 1),
		"more":         url.URL + "&versionId=null",
	} {
		if status, _, text := fetch("GET", changed); status != 403 || !strings.Contains(text, "SignatureDoesNotMatch") {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	if status, _, _ := fetch("HEAD", url.URL); status != 403 {
		t.Errorf("another method: %d", status)
	}
	if err := r.asAdmin().RevokeLease(t.Context(), lent.ID); err != nil {
		t.Fatal(err)
	}
	if status, _, text := fetch("GET", url.URL); status != 403 || !strings.Contains(text, "AccessDenied") {
		t.Errorf("after its lease was revoked: %d %s", status, text)
	}
}

// A checksum of a whole upload in parts is checked in a folder, and refused in words
// where only a store behind could do that.
func TestChecksumOfAnUpload(t *testing.T) {
	r := start(t)
	const sum = "rosUhgp5mIg=" // of 123456789
	complete := func(c *s3.Client, bucket, key, sum string) (*s3.CompleteMultipartUploadOutput, error) {
		made, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{
			Bucket: &bucket, Key: &key, ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme, ChecksumType: types.ChecksumTypeFullObject,
		})
		if err != nil {
			t.Fatal(err)
		}
		part, err := c.UploadPart(t.Context(), &s3.UploadPartInput{
			Bucket: &bucket, Key: &key, UploadId: made.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("123456789"),
			ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme,
		})
		if err != nil {
			t.Fatal(err)
		}
		return c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
			Bucket: &bucket, Key: &key, UploadId: made.UploadId, ChecksumCRC64NVME: &sum, ChecksumType: types.ChecksumTypeFullObject,
			MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{
				{ETag: part.ETag, PartNumber: aws.Int32(1), ChecksumCRC64NVME: part.ChecksumCRC64NVME},
			}},
		})
	}
	c := s3Client(r.lease("write"))
	if _, err := complete(c, "demo", "alpha/sum.bin", "AAAAAAAAAAA="); code(err) != "BadDigest" {
		t.Errorf("another checksum: %v", err)
	}
	out, err := complete(c, "demo", "alpha/sum.bin", sum)
	if err != nil || aws.ToString(out.ChecksumCRC64NVME) != sum || out.ChecksumType != types.ChecksumTypeFullObject {
		t.Errorf("complete: %+v %v", out, err)
	}
	// The SDK compares what it gets with what it is told.
	got, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: ptr("demo"), Key: ptr("alpha/sum.bin"), ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	if text, err := io.ReadAll(got.Body); string(text) != "123456789" || err != nil || aws.ToString(got.ChecksumCRC64NVME) != sum {
		t.Errorf("get: %q %v, checksum %v", text, err, aws.ToString(got.ChecksumCRC64NVME))
	}
	for _, peer := range peers.All {
		t.Run(peer.Name, func(t *testing.T) {
			bucket := r.behind(peer.Name, peer.Start(t))
			c := s3Client(r.leaseOf(peer.Name, "demo"))
			if _, err := complete(c, bucket, "data/sum.bin", sum); code(err) != "NotImplemented" {
				t.Errorf("behind: %v", err)
			}
			if _, err := object(t.Context(), c, bucket, "data/sum.bin"); code(err) != "NoSuchKey" {
				t.Errorf("there is an object: %v", err)
			}
		})
	}
}
