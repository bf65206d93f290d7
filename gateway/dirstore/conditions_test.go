package dirstore

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// httpTime is an object's time, moved.
func (s *site) httpTime(key string, by time.Duration) string {
	s.Helper()
	info, err := os.Stat(s.path(bucket, key))
	if err != nil {
		s.Fatal(err)
	}
	return info.ModTime().UTC().Truncate(time.Second).Add(by).Format(http.TimeFormat)
}

// A condition on the ETag makes the one on the time beside it mean nothing.
func TestConditionsOfReads(t *testing.T) {
	s := newSite(t)
	s.put("k", "x")
	good, bad := md5Tag("x"), md5Tag("y")
	same, before, after := s.httpTime("k", 0), s.httpTime("k", -time.Second), s.httpTime("k", time.Second)
	for _, c := range []struct {
		match, unmodified, noneMatch, modified string
		read, copied                           int
	}{
		{read: 200, copied: 200},
		{match: good, read: 200, copied: 200},
		{match: strings.Trim(good, `"`), read: 200, copied: 200},
		{match: bad + ", " + good, read: 200, copied: 200},
		{match: "*", read: 200, copied: 200},
		{match: bad, read: 412, copied: 412},
		{match: "W/" + good, read: 412, copied: 412},
		{match: good, unmodified: before, read: 200, copied: 200},
		{match: bad, unmodified: after, read: 412, copied: 412},
		{unmodified: same, read: 200, copied: 200},
		{unmodified: before, read: 412, copied: 412},
		{unmodified: "yesterday", read: 200, copied: 200},
		{noneMatch: bad, read: 200, copied: 200},
		{noneMatch: good, read: 304, copied: 412},
		{noneMatch: "W/" + good, read: 304, copied: 412},
		{noneMatch: "*", read: 304, copied: 412},
		{noneMatch: good, modified: before, read: 304, copied: 412},
		{noneMatch: bad, modified: after, read: 200, copied: 200},
		{modified: before, read: 200, copied: 200},
		{modified: same, read: 304, copied: 412},
		{modified: "yesterday", read: 200, copied: 200},
		{match: good, noneMatch: good, read: 304, copied: 412},
		{match: bad, noneMatch: good, read: 412, copied: 412},
		{unmodified: after, modified: after, read: 304, copied: 412},
	} {
		for _, prefix := range []string{"", "X-Amz-Copy-Source-"} {
			var header []string
			for name, value := range map[string]string{"If-Match": c.match, "If-Unmodified-Since": c.unmodified, "If-None-Match": c.noneMatch, "If-Modified-Since": c.modified} {
				if value != "" {
					header = append(header, prefix+name, value)
				}
			}
			if prefix != "" {
				if w := s.ask("PUT", bucket, "copy", nil, "", append(header, "X-Amz-Copy-Source", "data/k")...); w.Code != c.copied {
					t.Errorf("copy with %q: %d, want %d", header, w.Code, c.copied)
				}
				continue
			}
			for _, method := range []string{"GET", "HEAD"} {
				if w := s.ask(method, bucket, "k", nil, "", header...); w.Code != c.read {
					t.Errorf("%s with %q: %d, want %d", method, header, w.Code, c.read)
				}
			}
		}
	}
}

func TestRangesAndParts(t *testing.T) {
	s := newSite(t)
	s.put("k", "0123456789")
	s.put("empty", "")
	s.put("marker/", "")
	id := s.begin("parts")
	var parts []types.CompletedPart
	for i, body := range []string{"aaa", "bb", "c"} {
		parts = append(parts, s.mustPart("parts", id, int32(i+1), body))
	}
	if _, err := s.complete("parts", id, parts...); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key, part, asked, ifRange string
		status                    int
		want, contentRange, count string
	}{
		{key: "k", asked: "bytes=0-0", status: 206, want: "0", contentRange: "bytes 0-0/10"},
		{key: "k", asked: "bytes=3-5", status: 206, want: "345", contentRange: "bytes 3-5/10"},
		{key: "k", asked: "BYTES=3-", status: 206, want: "3456789", contentRange: "bytes 3-9/10"},
		{key: "k", asked: "bytes=-1", status: 206, want: "9", contentRange: "bytes 9-9/10"},
		{key: "k", asked: "bytes=-99999999999999999999", status: 206, want: "0123456789", contentRange: "bytes 0-9/10"},
		{key: "k", asked: "bytes=9-99999999999999999999", status: 206, want: "9", contentRange: "bytes 9-9/10"},
		{key: "k", asked: "bytes=10-", status: 416, contentRange: "bytes */10"},
		{key: "k", asked: "bytes=99999999999999999999-", status: 416, contentRange: "bytes */10"},
		{key: "k", asked: "bytes=-0", status: 416, contentRange: "bytes */10"},
		{key: "empty", asked: "bytes=0-", status: 416, contentRange: "bytes */0"},
		{key: "empty", asked: "bytes=-5", status: 416, contentRange: "bytes */0"},
		{key: "marker/", asked: "bytes=0-", status: 416, contentRange: "bytes */0"},
		// Of these S3 serves the whole object.
		{key: "k", asked: "bytes=5-3", status: 200, want: "0123456789"},
		{key: "k", asked: "bytes=0-1,3-4", status: 200, want: "0123456789"},
		{key: "k", asked: "bytes=+1-2", status: 200, want: "0123456789"},
		{key: "k", asked: "bytes=-", status: 200, want: "0123456789"},
		{key: "k", asked: "bytes=1", status: 200, want: "0123456789"},
		{key: "k", asked: "lines=1-2", status: 200, want: "0123456789"},

		{key: "k", asked: "bytes=1-2", ifRange: md5Tag("0123456789"), status: 206, want: "12", contentRange: "bytes 1-2/10"},
		{key: "k", asked: "bytes=1-2", ifRange: "W/" + md5Tag("0123456789"), status: 200, want: "0123456789"},
		{key: "k", asked: "bytes=1-2", ifRange: s.httpTime("k", 0), status: 206, want: "12", contentRange: "bytes 1-2/10"},
		{key: "k", asked: "bytes=1-2", ifRange: s.httpTime("k", time.Second), status: 200, want: "0123456789"},

		{key: "parts", part: "1", status: 206, want: "aaa", contentRange: "bytes 0-2/6", count: "3"},
		{key: "parts", part: "2", status: 206, want: "bb", contentRange: "bytes 3-4/6", count: "3"},
		{key: "parts", part: "3", status: 206, want: "c", contentRange: "bytes 5-5/6", count: "3"},
		{key: "parts", part: "4", status: 416},
		{key: "parts", part: "0", status: 400},
		{key: "parts", part: "x", status: 400},
		{key: "parts", part: "1", asked: "bytes=0-0", status: 400},
		{key: "k", part: "1", status: 206, want: "0123456789", contentRange: "bytes 0-9/10"},
		{key: "k", part: "2", status: 416},
		{key: "empty", part: "1", status: 200},
	} {
		query := url.Values{}
		if c.part != "" {
			query.Set("partNumber", c.part)
		}
		var header []string
		if c.asked != "" {
			header = append(header, "Range", c.asked)
		}
		if c.ifRange != "" {
			header = append(header, "If-Range", c.ifRange)
		}
		for _, method := range []string{"GET", "HEAD"} {
			w := s.ask(method, bucket, c.key, query, "", header...)
			body := w.Body.String()
			if w.Code != c.status || w.Header().Get("Content-Range") != c.contentRange || w.Header().Get("X-Amz-Mp-Parts-Count") != c.count {
				t.Errorf("%s %s %q of part %q: %d %v", method, c.key, c.asked, c.part, w.Code, w.Header())
			}
			if method == "GET" && c.status < 300 && body != c.want || method == "HEAD" && body != "" {
				t.Errorf("%s %s %q of part %q: %q, want %q", method, c.key, c.asked, c.part, body, c.want)
			}
			if c.status == 416 && w.Header().Get("ETag") != "" {
				t.Errorf("%q: an error has the headers of the object", c.asked)
			}
		}
	}
}

// A write whose condition is not known must not go on without it.
func TestConditionsOfWrites(t *testing.T) {
	s := newSite(t)
	xml := "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" + md5Tag("x") + "</ETag></Part></CompleteMultipartUpload>"
	for _, c := range []struct {
		there  bool
		header []string
		status int // of a put, a copy and a completed upload
		delete int
	}{
		{true, nil, 200, 204},
		{false, nil, 200, 204},
		{true, []string{"If-Match", md5Tag("old")}, 200, 204},
		{true, []string{"If-Match", "*"}, 200, 204},
		{true, []string{"If-Match", md5Tag("new")}, 412, 412},
		{false, []string{"If-Match", md5Tag("old")}, 404, 404},
		{false, []string{"If-Match", "*"}, 404, 404},
		{true, []string{"If-None-Match", "*"}, 412, 501},
		{false, []string{"If-None-Match", "*"}, 200, 501},
		{false, []string{"If-None-Match", md5Tag("old")}, 501, 501},
		{true, []string{"If-None-Match", "*", "If-Match", "*"}, 501, 501},
		{true, []string{"If-Unmodified-Since", "Sat, 01 Jan 2000 00:00:00 GMT"}, 501, 501},
		{false, []string{"If-Modified-Since", "Sat, 01 Jan 2000 00:00:00 GMT"}, 501, 501},
	} {
		prepare := func() {
			s.delete("k")
			if c.there {
				s.put("k", "old")
			}
		}
		s.put("x", "x")
		prepare()
		id := s.begin("k")
		s.mustPart("k", id, 1, "x")
		for what, do := range map[string]func() int{
			"put": func() int { return s.ask("PUT", bucket, "k", nil, "x", c.header...).Code },
			"copy": func() int {
				return s.ask("PUT", bucket, "k", nil, "", append(c.header, "X-Amz-Copy-Source", "data/x")...).Code
			},
			"complete": func() int { return s.ask("POST", bucket, "k", url.Values{"uploadId": {id}}, xml, c.header...).Code },
		} {
			prepare()
			if status := do(); status != c.status {
				t.Errorf("%s with %q, there before %v: %d, want %d", what, c.header, c.there, status, c.status)
			}
			want := "x"
			if c.status != 200 {
				want = "old"
			}
			if body, _, err := s.tryGet("k"); err == nil && body != want || (err == nil) != (c.there || c.status == 200) {
				t.Errorf("%s with %q, there before %v: the object is %q, %v", what, c.header, c.there, body, err)
			}
		}
		prepare()
		if w := s.ask("DELETE", bucket, "k", nil, "", c.header...); w.Code != c.delete {
			t.Errorf("delete with %q, there before %v: %d, want %d", c.header, c.there, w.Code, c.delete)
		}
		if _, _, err := s.tryGet("k"); (err == nil) != (c.there && c.delete != 204) {
			t.Errorf("delete with %q, there before %v: %v", c.header, c.there, err)
		}
	}
	// In a batch each key has its own, also one of an upload in parts.
	s.put("a", "a")
	s.put("b", "b")
	id := s.begin("c")
	if _, err := s.complete("c", id, s.mustPart("c", id, 1, "c")); err != nil {
		t.Fatal(err)
	}
	out, err := s.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: aws.String(bucket), Delete: &types.Delete{Objects: []types.ObjectIdentifier{
		{Key: aws.String("a"), ETag: aws.String(md5Tag("a"))},
		{Key: aws.String("b"), ETag: aws.String(md5Tag("a"))},
		{Key: aws.String("c"), ETag: aws.String(joinedTag("c"))},
		{Key: aws.String("d"), ETag: aws.String("*")},
		{Key: aws.String("x"), Size: aws.Int64(7)},
	}}})
	if err != nil || len(out.Deleted) != 2 || len(out.Errors) != 3 || *out.Errors[0].Code != "PreconditionFailed" || *out.Errors[1].Code != "NoSuchKey" || *out.Errors[2].Code != "NotImplemented" {
		t.Errorf("%+v %v", out, err)
	}
	s.wantKeys("b", "x")
}
