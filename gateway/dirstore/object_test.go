package dirstore

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

func TestObjectRoundTrip(t *testing.T) {
	s := newSite(t)
	for _, key := range []string{"a", "a b/ü+%2F/c&d", "x/" + strings.Repeat("n", 255), "deep/" + strings.Repeat("s/", 100) + "leaf", ".keyhatch/tmp/mine", "dots.../..x"} {
		for _, body := range []string{"", "first", filler(300_000)} {
			s.put(key, body, "color", "blue")
			got, out := s.get(key)
			if got != body {
				t.Fatalf("%q: got %d bytes, want %d", key, len(got), len(body))
			}
			if *out.ETag != md5Tag(body) || out.Metadata["color"] != "blue" || *out.ContentLength != int64(len(body)) {
				t.Errorf("%q: ETag %s, metadata %v, length %d", key, *out.ETag, out.Metadata, *out.ContentLength)
			}
			onDisk, err := os.ReadFile(s.path(bucket, key))
			if err != nil || string(onDisk) != body {
				t.Errorf("%q is not a plain file: %v", key, err)
			}
		}
	}
	s.wantClean()
}

func TestHeadersAreKept(t *testing.T) {
	s := newSite(t)
	_, err := s.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: aws.String("k"), Body: strings.NewReader("x"),
		ContentType: aws.String("text/csv"), CacheControl: aws.String("no-cache"), ContentEncoding: aws.String("gzip"),
		ContentDisposition: aws.String("attachment"), ContentLanguage: aws.String("de"), Tagging: aws.String("a=1&b=2"),
		StorageClass: types.StorageClassGlacier,
	})
	if err != nil {
		t.Fatal(err)
	}
	s = s.restart()
	h := s.head("k")
	got := []string{*h.ContentType, *h.CacheControl, *h.ContentEncoding, *h.ContentDisposition, *h.ContentLanguage, string(h.StorageClass)}
	if want := []string{"text/csv", "no-cache", "gzip", "attachment", "de", ""}; !cmp.Equal(got, want) {
		t.Errorf("headers: %s", cmp.Diff(want, got))
	}
	info, _ := os.Stat(s.path(bucket, "k"))
	if !h.LastModified.Equal(info.ModTime().Truncate(time.Second)) {
		t.Errorf("Last-Modified %v is not the file's %v", h.LastModified, info.ModTime())
	}
	// An error does not carry the object's encoding: its text is not gzip.
	r := httptest.NewRequest(http.MethodGet, "/data/k", nil)
	r.Header.Set("If-Match", `"no"`)
	w := httptest.NewRecorder()
	s.store.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusPreconditionFailed || w.Header().Get("Content-Encoding") != "" {
		t.Errorf("failed condition: %d, %v", w.Code, w.Header())
	}
}

func TestRange(t *testing.T) {
	s := newSite(t)
	s.put("k", "0123456789")
	for _, c := range []struct{ asked, want string }{
		{"bytes=0-3", "0123"}, {"bytes=4-", "456789"}, {"bytes=-3", "789"}, {"bytes=-30", "0123456789"}, {"bytes=8-100", "89"},
	} {
		out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("k"), Range: &c.asked})
		if err != nil {
			t.Fatalf("%s: %v", c.asked, err)
		}
		b := make([]byte, 20)
		n, _ := out.Body.Read(b)
		out.Body.Close()
		if string(b[:n]) != c.want {
			t.Errorf("%s is %q, want %q", c.asked, b[:n], c.want)
		}
	}
	_, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("k"), Range: aws.String("bytes=10-")})
	s.wantCode(err, "InvalidRange")
}

func TestMissing(t *testing.T) {
	s := newSite(t)
	s.put("a/b", "x")
	for _, key := range []string{"no", "a", "a/", "a/b/", "a/b/c", "no/no"} {
		_, _, err := s.tryGet(key)
		s.wantCode(err, "NoSuchKey")
		s.delete(key)
	}
	s.wantKeys("a/b")
}

func TestKeysThatCannotBe(t *testing.T) {
	s := newSite(t)
	for key, code := range map[string]string{
		"x/" + strings.Repeat("n", 256):      "KeyTooLongError",
		strings.Repeat("0123456789/", 100):   "InvalidArgument",
		strings.Repeat("0123456789/", 93):    "", // fits
		"nul\x00":                            "InvalidArgument",
		"a//b":                               "InvalidArgument",
		"a/../b":                             "InvalidArgument",
		"../" + ownFolder + "/lock":          "InvalidArgument",
		"./a":                                "InvalidArgument",
		"not-utf8-\xff":                      "InvalidArgument",
		"/leading":                           "InvalidArgument",
		"folder/" + strings.Repeat("ü", 128): "KeyTooLongError",
	} {
		// Straight to the handler: clients clean some of these up.
		w := s.ask(http.MethodPut, bucket, key, nil, "")
		if code == "" && w.Code == 200 {
			continue
		}
		if w.Code != 400 || !strings.Contains(w.Body.String(), "<Code>"+code+"<") {
			t.Errorf("%.20q: %d %s", key, w.Code, w.Body)
		}
	}
	if w := s.ask(http.MethodGet, "..", "x", nil, ""); w.Code != 404 {
		t.Errorf("a bucket called .. is served: %d", w.Code)
	}
	for _, name := range []string{".keyhatch", "..", "A", "a\x00b"} {
		if w := s.ask(http.MethodHead, name, "", nil, ""); w.Code != 404 {
			t.Errorf("bucket %q exists: %d", name, w.Code)
		}
	}
	if w := s.ask(http.MethodHead, "", "", nil, ""); w.Code == 200 {
		t.Error("a bucket without a name exists")
	}
	s.wantClean()
}

func TestFileAndFolderConflict(t *testing.T) {
	s := newSite(t)
	s.put("a", "file")
	for _, key := range []string{"a/b", "a/b/c", "a/"} {
		body := "x"
		if key == "a/" {
			body = ""
		}
		if m := s.wantCode(s.tryPut(key, body), "InvalidRequest"); !strings.Contains(m, "file and a folder") {
			t.Errorf("the message does not say why: %s", m)
		}
	}
	s.put("d/e", "x")
	if m := s.wantCode(s.tryPut("d", "x"), "InvalidRequest"); !strings.Contains(m, "folder and an object") {
		t.Errorf("the message does not say why: %s", m)
	}
	s.wantKeys("a", "d/e")
	if body, _ := s.get("a"); body != "file" {
		t.Errorf("a is %q", body)
	}

	// An empty folder that nobody named as a key gives way.
	if err := os.Mkdir(s.path(bucket, "empty"), 0o777); err != nil {
		t.Fatal(err)
	}
	s.put("empty", "x")
	if err := os.Symlink("a", s.path(bucket, "link")); err != nil {
		t.Fatal(err)
	}
	if m := s.wantCode(s.tryPut("link", "x"), "InvalidRequest"); !strings.Contains(m, "link or a special file") {
		t.Errorf("the message does not say why: %s", m)
	}
	s.wantKeys("a", "d/e", "empty")
	s.wantClean()
}

func TestMarkers(t *testing.T) {
	s := newSite(t)
	s.put("f/", "", "who", "me")
	if h := s.head("f/"); *h.ContentLength != 0 || h.Metadata["who"] != "me" || *h.ETag != md5Tag("") {
		t.Errorf("marker: %d bytes, %v, %s", *h.ContentLength, h.Metadata, *h.ETag)
	}
	s.wantCode(s.tryPut("g/", "bytes"), "InvalidRequest")
	s.put("f/g/h", "x")
	s.delete("f/g/h")
	s.wantKeys("f/")
	if _, err := os.Stat(s.path(bucket, "f", "g")); !os.IsNotExist(err) {
		t.Error("the folder that became empty is still there")
	}
	s = s.restart()
	s.wantKeys("f/")
	s.delete("f/")
	s.wantKeys()
	if _, err := os.Stat(s.path(bucket, "f")); !os.IsNotExist(err) {
		t.Error("the deleted marker's folder is still there")
	}
	if _, err := os.Stat(s.path(bucket)); err != nil {
		t.Error("the bucket's folder went with it")
	}
	// A marker over objects: deleting it leaves them.
	s.put("f/x", "x")
	s.put("f/", "")
	s.delete("f/")
	s.wantKeys("f/x")
}

func TestDelete(t *testing.T) {
	s := newSite(t)
	for _, key := range []string{"a/b/c/d", "a/b/e", "z", "k1", "k2"} {
		s.put(key, "x")
	}
	s.delete("a/b/c/d")
	if _, err := os.Stat(s.path(bucket, "a", "b", "c")); !os.IsNotExist(err) {
		t.Error("the empty folder is still there")
	}
	s.wantKeys("a/b/e", "k1", "k2", "z")
	out, err := s.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: aws.String(bucket), Delete: &types.Delete{Objects: []types.ObjectIdentifier{
		{Key: aws.String("k1")}, {Key: aws.String("k2")}, {Key: aws.String("none")}, {Key: aws.String("a//b")}, {Key: aws.String("a/b/e")},
	}}})
	if err != nil || len(out.Deleted) != 4 || len(out.Errors) != 1 {
		t.Fatalf("batch delete: %v, %v", out, err)
	}
	s.wantKeys("z")

	// If-Match holds for the version that is deleted.
	s.put("z", "new")
	_, err = s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("z"), IfMatch: aws.String(md5Tag("x"))})
	s.wantCode(err, "PreconditionFailed")
	_, err = s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("z"), IfMatch: aws.String(md5Tag("new"))})
	if err != nil {
		t.Fatal(err)
	}
	s.wantKeys()
}

func TestTags(t *testing.T) {
	s := newSite(t)
	s.put("k", "x", "m", "1")
	s.file("plain", "y")
	for _, key := range []string{"k", "plain"} {
		before := s.head(key)
		_, err := s.client.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: aws.String(bucket), Key: &key, Tagging: &types.Tagging{
			TagSet: []types.Tag{{Key: aws.String("team"), Value: aws.String("blue")}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.client.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: aws.String(bucket), Key: &key})
		if err != nil || len(out.TagSet) != 1 || *out.TagSet[0].Value != "blue" {
			t.Errorf("%s: tags %v, %v", key, out.TagSet, err)
		}
		after := s.head(key)
		if *before.ETag != *after.ETag || !cmp.Equal(before.Metadata, after.Metadata) {
			t.Errorf("%s: tags changed the object", key)
		}
		if _, err := s.client.DeleteObjectTagging(ctx, &s3.DeleteObjectTaggingInput{Bucket: aws.String(bucket), Key: &key}); err != nil {
			t.Fatal(err)
		}
		if h := s.head(key); h.TagCount != nil {
			t.Errorf("%s: %d tags are left", key, *h.TagCount)
		}
	}
	_, err := s.client.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: aws.String(bucket), Key: aws.String("none"), Tagging: &types.Tagging{TagSet: []types.Tag{}}})
	s.wantCode(err, "NoSuchKey")
}

func TestCopy(t *testing.T) {
	s := newSite(t)
	s.put("from", "body", "m", "1")
	out, err := s.client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: aws.String(bucket), Key: aws.String("to/there"), CopySource: aws.String(bucket + "/from")})
	if err != nil || *out.CopyObjectResult.ETag != md5Tag("body") {
		t.Fatalf("copy: %v", err)
	}
	if body, h := s.get("to/there"); body != "body" || h.Metadata["m"] != "1" {
		t.Errorf("the copy is %q with %v", body, h.Metadata)
	}
	// Onto itself with new metadata.
	_, err = s.client.CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: aws.String(bucket), Key: aws.String("from"), CopySource: aws.String(bucket + "/from"),
		MetadataDirective: types.MetadataDirectiveReplace, Metadata: map[string]string{"m": "2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if body, h := s.get("from"); body != "body" || h.Metadata["m"] != "2" {
		t.Errorf("the object is %q with %v", body, h.Metadata)
	}
	_, err = s.client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: aws.String(bucket), Key: aws.String("x"), CopySource: aws.String(bucket + "/from"), CopySourceIfMatch: aws.String(`"no"`)})
	s.wantCode(err, "PreconditionFailed")
	// Conditions on the target, which once were refused.
	_, err = s.client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: aws.String(bucket), Key: aws.String("to/there"), CopySource: aws.String(bucket + "/from"), IfNoneMatch: aws.String("*")})
	s.wantCode(err, "PreconditionFailed")
	_, err = s.client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: aws.String(bucket), Key: aws.String("to/there"), CopySource: aws.String(bucket + "/from"), IfMatch: aws.String(md5Tag("x"))})
	s.wantCode(err, "PreconditionFailed")
	_, err = s.client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: aws.String(bucket), Key: aws.String("x"), CopySource: aws.String(bucket + "/from"), IfMatch: aws.String(md5Tag("x"))})
	s.wantCode(err, "NoSuchKey")
	_, err = s.client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: aws.String(bucket), Key: aws.String("x"), CopySource: aws.String(bucket + "/../" + bucket + "/from")})
	s.wantCode(err, "InvalidArgument")
	s.wantKeys("from", "to/there")
	s.wantClean()
}

func TestRefusals(t *testing.T) {
	s := newSite(t)
	s.put("k", "x")
	chunked := http.Header{"X-Amz-Content-Sha256": {"STREAMING-UNSIGNED-PAYLOAD-TRAILER"}}
	for _, c := range []struct {
		method, url string
		header      http.Header
		status      int
	}{
		{"PUT", "/data/chunked", chunked, 400},
		{"POST", "/data", nil, 501},
		{"POST", "/data?uploads", nil, 501},
		{"GET", "/data/k?versions", nil, 400},
		{"GET", "/data/k?uploads", nil, 400},
		{"GET", "/data/k?attributes", nil, 400}, // without a word on which
		{"PUT", "/other", nil, 501},
		{"DELETE", "/data", nil, 501},
	} {
		r := httptest.NewRequest(c.method, c.url, strings.NewReader(""))
		if c.header != nil {
			r.Header = c.header
		}
		w := httptest.NewRecorder()
		s.store.Handler().ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s %s: %d, want %d: %s", c.method, c.url, w.Code, c.status, w.Body)
		}
	}
	w := httptest.NewRecorder()
	s.store.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/data/k", nil))
	for _, name := range []string{"Server", "X-Amz-Id-2", "Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Expose-Headers"} {
		if v := w.Header().Get(name); v != "" {
			t.Errorf("%s: %s", name, v)
		}
	}
	if w.Header().Get("Content-Type") != "application/octet-stream" { // as the SDK sent it
		t.Errorf("Content-Type was guessed: %s", w.Header().Get("Content-Type"))
	}
	w = httptest.NewRecorder()
	s.store.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/data?list-type=2", nil))
	if got := w.Header().Get("Content-Type"); got != "application/xml" {
		t.Errorf("a list is %s", got)
	}
	r := httptest.NewRequest("GET", "/data/k", nil)
	r.Header.Set("Range", "bytes=0-0")
	r.Header.Set("If-Range", `"old"`)
	w = httptest.NewRecorder()
	s.store.Handler().ServeHTTP(w, r)
	if w.Code != 200 {
		t.Errorf("a range of a version that is gone: %d", w.Code)
	}
}
