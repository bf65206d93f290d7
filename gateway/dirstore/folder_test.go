package dirstore

import (
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func TestFilesThatWereThere(t *testing.T) {
	s := newSite(t)
	s.file("2024/a.csv", "one")
	s.file("b", "two")
	s.file("bad-\xff-name", "not listed")
	s.wantKeys("2024/a.csv", "b")
	body, out := s.get("2024/a.csv")
	if body != "one" || *out.ContentType != "binary/octet-stream" {
		t.Errorf("got %q, %s", body, *out.ContentType)
	}
	tag := *out.ETag
	if !strings.HasSuffix(tag, `-1"`) {
		t.Errorf("ETag %s could be taken for an MD5", tag)
	}
	if h := s.head("2024/a.csv"); *h.ETag != tag {
		t.Errorf("HEAD has ETag %s, GET %s", *h.ETag, tag)
	}
	if o := s.objects()[0]; *o.ETag != tag {
		t.Errorf("the list has ETag %s, GET %s", *o.ETag, tag)
	}
	// It works as a condition, in both directions.
	_, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("2024/a.csv"), IfMatch: &tag})
	if err != nil {
		t.Errorf("If-Match: %v", err)
	}
	_, err = s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("2024/a.csv"), IfNoneMatch: &tag})
	if err == nil || !strings.Contains(err.Error(), "304") {
		t.Errorf("If-None-Match: %v", err)
	}
	s.file("2024/a.csv", "ONE")
	if h := s.head("2024/a.csv"); *h.ETag == tag {
		t.Error("the ETag did not change with the file")
	}
	_, err = s.client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("2024/a.csv"), Body: strings.NewReader("x"), IfMatch: &tag})
	s.wantCode(err, "PreconditionFailed")
}

func TestEmptyBucketHasNoFolder(t *testing.T) {
	s := newSite(t)
	s.wantKeys()
	if _, err := os.Stat(s.path(bucket)); !os.IsNotExist(err) {
		t.Error("reading made the bucket's folder")
	}
	if _, err := s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String(bucket)}); err != nil {
		t.Error(err)
	}
}
