package dirstore

import (
	"crypto/md5"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func (s *site) begin(key string) string {
	s.Helper()
	out, err := s.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: aws.String(bucket), Key: &key,
		ContentType: aws.String("text/plain"), Metadata: map[string]string{"m": "1"},
	})
	if err != nil {
		s.Fatal(err)
	}
	return *out.UploadId
}

func (s *site) part(key, id string, n int32, body string) (types.CompletedPart, error) {
	out, err := s.client.UploadPart(ctx, &s3.UploadPartInput{Bucket: aws.String(bucket), Key: &key, UploadId: &id, PartNumber: &n, Body: strings.NewReader(body)})
	if err != nil {
		return types.CompletedPart{}, err
	}
	return types.CompletedPart{ETag: out.ETag, PartNumber: &n}, nil
}

func (s *site) mustPart(key, id string, n int32, body string) types.CompletedPart {
	s.Helper()
	p, err := s.part(key, id, n, body)
	if err != nil {
		s.Fatal(err)
	}
	return p
}

func (s *site) complete(key, id string, parts ...types.CompletedPart) (*s3.CompleteMultipartUploadOutput, error) {
	return s.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: aws.String(bucket), Key: &key, UploadId: &id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
}

func joinedTag(bodies ...string) string {
	h := md5.New()
	for _, b := range bodies {
		sum := md5.Sum([]byte(b))
		h.Write(sum[:])
	}
	return fmt.Sprintf(`"%x-%d"`, h.Sum(nil), len(bodies))
}

func (s *site) wantNoUploads() {
	s.Helper()
	entries, _ := os.ReadDir(s.path(ownFolder, "uploads", bucket))
	if len(entries) != 0 {
		s.Errorf("%d uploads are left", len(entries))
	}
	s.wantClean()
}

func TestMultipart(t *testing.T) {
	s := newSite(t)
	id := s.begin("d/k")
	one, two, three := filler(70_000), filler(33_333), "end"
	p3 := s.mustPart("d/k", id, 3, three)
	p1 := s.mustPart("d/k", id, 1, "to be replaced")
	p2 := s.mustPart("d/k", id, 2, two)
	_, err := s.complete("d/k", id, p1, p2, types.CompletedPart{ETag: p3.ETag, PartNumber: aws.Int32(4)})
	s.wantCode(err, "InvalidPart")
	_, err = s.complete("d/k", id, p2, p1)
	s.wantCode(err, "InvalidPartOrder")
	old := p1
	p1 = s.mustPart("d/k", id, 1, one)
	_, err = s.complete("d/k", id, old, p2, p3)
	s.wantCode(err, "InvalidPart")
	s.wantKeys()

	// The server ends and another takes over.
	s = s.restart()
	parts, err := s.client.ListParts(ctx, &s3.ListPartsInput{Bucket: aws.String(bucket), Key: aws.String("d/k"), UploadId: &id, MaxParts: aws.Int32(2)})
	if err != nil || len(parts.Parts) != 2 || *parts.Parts[0].ETag != *p1.ETag || !*parts.IsTruncated || *parts.NextPartNumberMarker != "2" {
		t.Fatalf("parts: %+v, %v", parts, err)
	}
	parts, err = s.client.ListParts(ctx, &s3.ListPartsInput{Bucket: aws.String(bucket), Key: aws.String("d/k"), UploadId: &id, PartNumberMarker: aws.String("9999")})
	if err != nil || len(parts.Parts) != 0 {
		t.Fatalf("parts behind the last: %v, %v", parts, err)
	}
	four := "a part of the new process"
	p4 := s.mustPart("d/k", id, 4, four)
	out, err := s.complete("d/k", id, p1, p2, p3, p4)
	if err != nil {
		t.Fatal(err)
	}
	want := joinedTag(one, two, three, four)
	body, got := s.get("d/k")
	if body != one+two+three+four || *out.ETag != want || *got.ETag != want || got.Metadata["m"] != "1" || *got.ContentType != "text/plain" {
		t.Errorf("%d bytes, ETags %s and %s, want %s; %v", len(body), *out.ETag, *got.ETag, want, got.Metadata)
	}
	if o := s.objects(); *o[0].ETag != want || *s.head("d/k").ETag != want {
		t.Errorf("list: %s", *o[0].ETag)
	}
	s.wantNoUploads()
	// Again, as a client that missed the answer would.
	if again, err := s.complete("d/k", id, p1, p2, p3, p4); err != nil || *again.ETag != want {
		t.Errorf("completed again: %v", err)
	}
	second, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("d/k"), PartNumber: aws.Int32(3)})
	if err != nil || *second.PartsCount != 4 || *second.ContentLength != int64(len(three)) {
		t.Errorf("part 3: %v, %v", second, err)
	}
	// Its ETag works as a condition.
	for _, c := range []struct {
		match string
		code  string
	}{{want, ""}, {md5Tag("x"), "PreconditionFailed"}} {
		_, err := s.client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("d/k"), Body: strings.NewReader(c.match), IfMatch: &c.match})
		if c.code != "" {
			s.wantCode(err, c.code)
		} else if err != nil {
			t.Errorf("If-Match %s: %v", c.match, err)
		}
	}
}

func TestPartOfAnObject(t *testing.T) {
	s := newSite(t)
	s.put("from", "0123456789")
	id := s.begin("k")
	out, err := s.client.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
		Bucket: aws.String(bucket), Key: aws.String("k"), UploadId: &id, PartNumber: aws.Int32(1),
		CopySource: aws.String(bucket + "/from"), CopySourceRange: aws.String("bytes=2-5"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.complete("k", id, types.CompletedPart{ETag: out.CopyPartResult.ETag, PartNumber: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	if body, _ := s.get("k"); body != "2345" {
		t.Errorf("k is %q", body)
	}
}

func TestUploadsAreConfined(t *testing.T) {
	s := newSite(t)
	id := s.begin("k")
	s.mustPart("k", id, 1, "x")
	for _, other := range []string{"../" + bucket + "/" + id, "../../tmp", strings.Repeat("0", 32), strings.ToUpper(id), ""} {
		if other == "" {
			continue
		}
		_, err := s.part("k", other, 1, "x")
		s.wantCode(err, "NoSuchUpload")
	}
	for _, restart := range []bool{false, true} {
		if restart {
			s = s.restart()
		}
		_, err := s.part("other", id, 1, "x")
		s.wantCode(err, "NoSuchUpload")
		_, err = s.client.ListParts(ctx, &s3.ListPartsInput{Bucket: aws.String(bucket), Key: aws.String("other"), UploadId: &id})
		s.wantCode(err, "NoSuchUpload")
		_, err = s.client.ListParts(ctx, &s3.ListPartsInput{Bucket: aws.String("other"), Key: aws.String("k"), UploadId: &id})
		s.wantCode(err, "NoSuchUpload")
	}
	_, err := s.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: aws.String(bucket), Key: aws.String("marker/")})
	s.wantCode(err, "InvalidRequest")
	s.put("file", "x")
	id = s.begin("file/below")
	p := s.mustPart("file/below", id, 1, "x")
	_, err = s.complete("file/below", id, p)
	s.wantCode(err, "InvalidRequest")
	s.wantKeys("file")
	s.wantClean()
}

func TestListAbortAndExpireUploads(t *testing.T) {
	s := newSite(t)
	list := func(prefix string, most int32) []string {
		t.Helper()
		var got []string
		pages := s3.NewListMultipartUploadsPaginator(s.client, &s3.ListMultipartUploadsInput{Bucket: aws.String(bucket), Prefix: &prefix, MaxUploads: &most})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range out.Uploads {
				got = append(got, *u.Key+" "+*u.UploadId)
			}
		}
		return got
	}
	if got := list("", 10); len(got) != 0 {
		t.Errorf("uploads before the first: %v", got)
	}
	b1, a, b2 := s.begin("b"), s.begin("a/x"), s.begin("b")
	want := fmt.Sprint([]string{"a/x " + a, "b " + min(b1, b2), "b " + max(b1, b2)})
	for _, most := range []int32{1, 2, 1000} {
		if got := fmt.Sprint(list("", most)); got != want {
			t.Errorf("uploads, %d a page: %s, want %s", most, got, want)
		}
	}
	if got := list("a/", 10); len(got) != 1 {
		t.Errorf("uploads under a/: %v", got)
	}

	if _, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: aws.String(bucket), Key: aws.String("b"), UploadId: &b1}); err != nil {
		t.Fatal(err)
	}
	_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: aws.String(bucket), Key: aws.String("b"), UploadId: &b1})
	s.wantCode(err, "NoSuchUpload")
	_, err = s.part("b", b1, 1, "x")
	s.wantCode(err, "NoSuchUpload")

	s = s.restart()
	s.mustPart("a/x", a, 1, "x") // known to the new process; the other is not
	old := time.Now().Add(-48 * time.Hour)
	for _, id := range []string{a, b2} {
		os.Chtimes(s.path(ownFolder, "uploads", bucket, id), old, old)
	}
	os.MkdirAll(s.path(ownFolder, "uploads", bucket, "half-made"), 0o700)
	os.Chtimes(s.path(ownFolder, "uploads", bucket, "half-made"), old, old)
	c := s.begin("c")
	if n, err := s.store.ExpireUploads(time.Now().Add(-24 * time.Hour)); n != 3 || err != nil {
		t.Errorf("%d uploads expired, %v", n, err)
	}
	if got := fmt.Sprint(list("", 10)); got != "[c "+c+"]" {
		t.Errorf("uploads left: %s", got)
	}
	_, err = s.part("a/x", a, 1, "x")
	s.wantCode(err, "NoSuchUpload")
	if n, err := s.store.ExpireUploads(time.Now().Add(time.Hour)); n != 1 || err != nil {
		t.Errorf("%d uploads expired, %v", n, err)
	}
	s.wantNoUploads()
}

func TestFailedPartLeavesTheFormer(t *testing.T) {
	s := newSite(t)
	id := s.begin("k")
	p := s.mustPart("k", id, 1, "good")
	url := "/data/k?partNumber=1&uploadId=" + id
	if w := s.send(url, strings.NewReader("longer than"), 4); w.Code != 400 {
		t.Errorf("a part that is too long: %d", w.Code)
	}
	if w := s.send(url, strings.NewReader("sh"), 4); w.Code != 400 {
		t.Errorf("a part that is too short: %d", w.Code)
	}
	s.wantClean()
	// A crash left the part that was replaced beside the one that replaced it.
	s = s.restart()
	stale := s.path(ownFolder, "uploads", bucket, id, "00001-"+strings.Repeat("0", 32))
	os.WriteFile(stale, []byte("stale"), 0o600)
	old := time.Now().Add(-time.Hour)
	os.Chtimes(stale, old, old)
	if _, err := s.complete("k", id, p); err != nil {
		t.Fatal(err)
	}
	if body, _ := s.get("k"); body != "good" {
		t.Errorf("k is %q", body)
	}
	if _, err := os.Stat(filepath.Dir(stale)); !os.IsNotExist(err) {
		t.Error("the upload's folder is left")
	}
}

func TestConcurrentPartsAndCompletions(t *testing.T) {
	s := newSite(t)
	for range 3 {
		id := s.begin("k")
		parts := make([]types.CompletedPart, 8)
		var want strings.Builder
		var wg sync.WaitGroup
		for i := range parts {
			want.WriteString(version(i))
			wg.Go(func() { parts[i] = s.mustPart("k", id, int32(i+1), version(i)) })
		}
		wg.Wait()
		s = s.restart() // and every request of the new process finds the upload unknown
		for range 4 {
			wg.Go(func() {
				if _, err := s.complete("k", id, parts...); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if body, _ := s.get("k"); body != want.String() {
			t.Errorf("k has %d bytes, want %d", len(body), want.Len())
		}
		s.wantNoUploads()
	}
}
