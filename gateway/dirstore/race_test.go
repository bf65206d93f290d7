package dirstore

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch/gateway/dirstore/tree"
)

// version is a body that tells which put it came from.
func version(n int) string { return fmt.Sprintf("%06d ", n) + filler(n*7919%20_000) }

// wantWhole checks that body, metadata and ETag are of one put.
func (s *site) wantWhole(body string, meta map[string]string, etag string) {
	s.Helper()
	var n int
	if _, err := fmt.Sscanf(body, "%06d", &n); err != nil || body != version(n) {
		s.Errorf("the body is of no version: %.20q, %d bytes", body, len(body))
		return
	}
	if meta["n"] != fmt.Sprint(n) || etag != md5Tag(body) {
		s.Errorf("the body is of version %d, the metadata of %v, the ETag %s is not its own", n, meta, etag)
	}
}

// A copy that races with puts of its source is of one version.
func TestCopyOfAChangingObject(t *testing.T) {
	s := newSite(t)
	s.put("k", version(0), "n", "0")
	var writers sync.WaitGroup
	var done atomic.Bool
	for w := range 2 {
		writers.Go(func() {
			for n := 0; !done.Load(); n++ {
				s.put("k", version(w+2*n), "n", fmt.Sprint(w+2*n))
			}
		})
	}
	defer writers.Wait()
	defer done.Store(true)
	for range 150 {
		_, err := s.client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: aws.String(bucket), Key: aws.String("copy"), CopySource: aws.String(bucket + "/k")})
		if err != nil {
			t.Fatal(err)
		}
		body, out := s.get("copy")
		s.wantWhole(body, out.Metadata, *out.ETag)
	}
}

// interrupted does something just before an answer begins.
type interrupted struct {
	*httptest.ResponseRecorder
	before func()
}

func (w interrupted) WriteHeader(status int) {
	w.before()
	w.ResponseRecorder.WriteHeader(status)
}

// What a request has looked at is what it reads, whatever happens in between.
func TestPinnedVersion(t *testing.T) {
	s := newSite(t)
	s.put("k", version(1), "n", "1")
	w := interrupted{httptest.NewRecorder(), func() { s.put("k", version(2), "n", "2") }}
	s.store.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/data/k", nil))
	head := w.Result().Header
	s.wantWhole(w.Body.String(), map[string]string{"n": strings.Join(head[strings.ToLower("X-Amz-Meta-N")], ",")}, head.Get("ETag"))
	if w.Body.String() != version(1) {
		t.Error("the answer is of another version than the one that was looked at")
	}

	r := httptest.NewRequest(http.MethodPut, "/data/copy", nil)
	r.Header.Set("X-Amz-Copy-Source", "data/k")
	o, _, err := s.store.source(&request{Request: r})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	s.put("k", version(3), "n", "3")
	body := bytesOf(t.Context(), o, span{0, o.Size})
	kept, err := copied(r.Header, o.Record, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.store.tree.Put(bucket, "copy", kept, body, o.Size, nil); err != nil {
		t.Fatal(err)
	}
	text, out := s.get("copy")
	if s.wantWhole(text, out.Metadata, *out.ETag); text != version(2) {
		t.Error("the copy is of another version than the one that was looked at")
	}
}

// A file that somebody cuts short by hand while it is copied makes no object.
func TestCopyOfAShrinkingFile(t *testing.T) {
	s := newSite(t)
	s.file("k", filler(1000))
	o, err := s.store.tree.Open(bucket, "k")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if err := os.Truncate(s.path(bucket, "k"), 10); err != nil {
		t.Fatal(err)
	}
	if _, err := s.store.tree.Put(bucket, "copy", nil, bytesOf(t.Context(), o, span{0, 1000}), 1000, nil); !errors.Is(err, tree.ErrMoving) {
		t.Errorf("%v", err)
	}
	s.wantKeys("k")
	s.wantClean()
}

func TestOneConditionalPutWins(t *testing.T) {
	s := newSite(t)
	race := func(what string, in func() *s3.PutObjectInput) {
		t.Helper()
		var wg sync.WaitGroup
		var won atomic.Int32
		for i := range 16 {
			wg.Go(func() {
				put := in()
				put.Bucket, put.Key, put.Body = aws.String(bucket), aws.String("new/k"), strings.NewReader(version(i))
				put.Metadata = map[string]string{"n": fmt.Sprint(i)}
				if _, err := s.client.PutObject(ctx, put); err == nil {
					won.Add(1)
				} else {
					s.wantCode(err, "PreconditionFailed")
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("%s: %d puts won", what, won.Load())
		}
		body, out := s.get("new/k")
		s.wantWhole(body, out.Metadata, *out.ETag)
	}
	for range 5 {
		race("If-None-Match", func() *s3.PutObjectInput { return &s3.PutObjectInput{IfNoneMatch: aws.String("*")} })
		s.put("new/k", "none of them")
		race("If-Match", func() *s3.PutObjectInput { return &s3.PutObjectInput{IfMatch: aws.String(md5Tag("none of them"))} })
		s.delete("new/k")
	}
	s.wantClean()
	_, err := s.client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("none"), Body: strings.NewReader("x"), IfMatch: aws.String(`"x"`)})
	s.wantCode(err, "NoSuchKey")
}

// A delete that names a version removes that one or none: of deletes and puts that
// all name it, one goes through.
func TestOneConditionalDeleteWins(t *testing.T) {
	s := newSite(t)
	for range 40 {
		s.put("k", "old")
		var wg sync.WaitGroup
		var won atomic.Int32
		for i := range 8 {
			wg.Go(func() {
				method, body := http.MethodDelete, ""
				if i%2 == 0 {
					method, body = http.MethodPut, version(i)
				}
				switch w := s.ask(method, bucket, "k", nil, body, "If-Match", md5Tag("old")); w.Code {
				case 200, 204:
					won.Add(1)
				case 404, 412:
				default:
					t.Errorf("%s: %d %s", method, w.Code, w.Body)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d went through", won.Load())
		}
	}
}

// Folders come and go under puts and deletes; no put is lost to that.
func TestPutsAndDeletesInOneFolder(t *testing.T) {
	s := newSite(t)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			key := fmt.Sprintf("a/b/c/%d", w)
			for n := range 15 {
				s.put(key, version(n), "n", fmt.Sprint(n))
				body, out := s.get(key)
				s.wantWhole(body, out.Metadata, *out.ETag)
				s.delete(key)
			}
		})
	}
	wg.Wait()
	s.wantKeys()
}
