package dirstore

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func filepathWalk(t *testing.T, dir string, file func()) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			file()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

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

func TestLinksAreNotFollowed(t *testing.T) {
	s := newSite(t)
	outside := t.TempDir()
	for _, path := range []string{filepath.Join(outside, "secret"), s.path("other", "secret"), s.path(bucket, "real", "secret")} {
		os.MkdirAll(filepath.Dir(path), 0o777)
		if err := os.WriteFile(path, []byte("secret"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	links := map[string]string{
		"out":        outside,
		"out-file":   filepath.Join(outside, "secret"),
		"other":      filepath.Join("..", "other"),
		"other-file": filepath.Join("..", "other", "secret"),
		"same":       "real",
		"same-file":  filepath.Join("real", "secret"),
		"own":        filepath.Join("..", ownFolder),
		"dangling":   "nothing",
	}
	for name, to := range links {
		if err := os.Symlink(to, s.path(bucket, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("other", s.path("linked")); err != nil { // a bucket
		t.Fatal(err)
	}
	s.wantKeys("real/secret")
	for name := range links {
		for _, key := range []string{name, name + "/secret", name + "/", name + "/lock"} {
			if _, _, err := s.tryGet(key); err == nil {
				t.Errorf("read through the link %s", key)
			}
			s.delete(key)
			body := "x"
			if strings.HasSuffix(key, "/") {
				body = ""
			}
			s.wantCode(s.tryPut(key, body), "InvalidRequest")
		}
		if _, err := os.Lstat(s.path(bucket, name)); err != nil {
			t.Errorf("the link %s is gone", name)
		}
		page, err := s.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(bucket), Prefix: aws.String(name + "/")})
		if err != nil || len(page.Contents) > 0 {
			t.Errorf("listed through the link %s: %v, %v", name, page, err)
		}
	}
	if _, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("linked"), Key: aws.String("secret")}); err == nil {
		t.Error("a link is a bucket")
	}
	buckets, err := s.client.ListBuckets(ctx, &s3.ListBucketsInput{})
	if err != nil || len(buckets.Buckets) != 2 {
		t.Errorf("buckets: %v, %v", buckets, err)
	}
	for _, path := range []string{filepath.Join(outside, "secret"), s.path("other", "secret")} {
		if b, _ := os.ReadFile(path); string(b) != "secret" {
			t.Errorf("%s was changed", path)
		}
	}
	s.wantClean()
}

func TestSidecarLostOrStale(t *testing.T) {
	s := newSite(t)
	s.put("k", "body", "m", "1")
	folder, name := sidecarPath(bucket, "k")
	path := s.path(folder, name)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bare := func(why string) {
		t.Helper()
		body, out := s.get("k")
		if len(out.Metadata) != 0 || !strings.HasSuffix(*out.ETag, `-1"`) {
			t.Errorf("%s: %q has metadata %v and ETag %s", why, body, out.Metadata, *out.ETag)
		}
		if o := s.objects()[0]; *o.ETag != *out.ETag {
			t.Errorf("%s: listed with ETag %s, read with %s", why, *o.ETag, *out.ETag)
		}
	}
	os.Remove(path)
	bare("lost")
	os.WriteFile(path, text[:len(text)/2], 0o600)
	bare("cut off")
	os.WriteFile(path, text, 0o600)
	if _, out := s.get("k"); out.Metadata["m"] != "1" {
		t.Error("the sidecar that came back is not used")
	}
	s.file("k", "BODY")
	bare("file changed")
	s.put("k", "again", "m", "2")
	if _, out := s.get("k"); out.Metadata["m"] != "2" || *out.ETag != md5Tag("again") {
		t.Errorf("after the next put: %v, %s", out.Metadata, *out.ETag)
	}
	os.RemoveAll(s.path(ownFolder))
	bare("everything of ours lost")
	s.put("k", "more", "m", "3")
	if _, out := s.get("k"); out.Metadata["m"] != "3" {
		t.Error("no metadata after our folder was lost")
	}
}

// A copy of the tree has other inodes, and keeps its metadata by its times.
func TestCopiedTreeKeepsMetadata(t *testing.T) {
	s := newSite(t)
	s.put("k", "body", "m", "1")
	info, _ := os.Stat(s.path(bucket, "k"))
	if info.ModTime().Nanosecond() == 0 {
		t.Skip("this file system keeps whole seconds")
	}
	if err := os.WriteFile(s.path(bucket, "copy"), []byte("body"), 0o666); err != nil {
		t.Fatal(err)
	}
	os.Chtimes(s.path(bucket, "copy"), info.ModTime(), info.ModTime())
	os.Rename(s.path(bucket, "copy"), s.path(bucket, "k"))
	if _, out := s.get("k"); out.Metadata["m"] != "1" || *out.ETag != md5Tag("body") {
		t.Errorf("the copy has %v, %s", out.Metadata, *out.ETag)
	}
}

func TestOneProcess(t *testing.T) {
	s := newSite(t)
	if _, err := Open(s.dir, nil); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("opened twice: %v", err)
	}
	if _, err := Open(s.path("none"), nil); err == nil {
		t.Error("a folder that is not there was opened")
	}
	os.WriteFile(s.path(ownFolder, "tmp", "left"), nil, 0o600)
	s.put("k", "x")
	os.WriteFile(s.path(ownFolder, "tmp", "left"), nil, 0o600)
	s.restart().wantClean()
}

func TestReadOnlyTree(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere")
	}
	dir := t.TempDir()
	os.MkdirAll(filepath.Join(dir, bucket), 0o777)
	os.WriteFile(filepath.Join(dir, bucket, "k"), []byte("x"), 0o666)
	os.Chmod(dir, 0o555)
	defer os.Chmod(dir, 0o755)
	s := openSite(t, dir)
	if body, _ := s.get("k"); body != "x" {
		t.Errorf("k is %q", body)
	}
	s.wantCode(s.tryPut("k", "y"), "InvalidRequest")
}
