package classify

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

func TestClassify(t *testing.T) {
	for _, test := range []struct {
		method, target string
		header         [2]string
		want           string // operation bucket key prefix, or the code of the refusal
	}{
		{"GET", "/", [2]string{}, "ListBuckets . . ."},
		{"GET", "/?x-id=ListBuckets", [2]string{}, "ListBuckets . . ."},
		{"GET", "/demo", [2]string{}, "ListObjects demo . ."},
		{"GET", "/demo/", [2]string{}, "ListObjects demo . ."},
		{"GET", "/demo?prefix=a%2Fb&delimiter=%2F&marker=x&max-keys=5&encoding-type=url", [2]string{}, "ListObjects demo . a/b"},
		{"GET", "/demo?list-type=2&prefix=a/", [2]string{}, "ListObjectsV2 demo . a/"},
		{"GET", "/demo?list-type=2&start-after=a&continuation-token=b&fetch-owner=true", [2]string{}, "ListObjectsV2 demo . ."},
		{"GET", "/demo/a/b", [2]string{}, "GetObject demo a/b ."},
		{"GET", "/demo/a/b?X-Amz-Signature=00", [2]string{}, "GetObject demo a/b ."},
		{"HEAD", "/demo/a%20b", [2]string{}, "HeadObject demo a_b ."},
		{"PUT", "/demo/a/", [2]string{}, "PutObject demo a/ ."},
		{"PUT", "/demo/a?x-id=PutObject", [2]string{"X-Amz-Meta-Colour", "red"}, "PutObject demo a ."},
		{"HEAD", "/demo/a", [2]string{"X-Amz-Api-Version", "2006-03-01"}, "HeadObject demo a ."}, // as Arrow asks
		{"PUT", "/demo/a", [2]string{"X-Amz-Acl", "private"}, "PutObject demo a ."},
		{"PUT", "/demo/a", [2]string{"X-Amz-Storage-Class", "STANDARD"}, "PutObject demo a ."},
		{"DELETE", "/demo/a", [2]string{}, "DeleteObject demo a ."},

		{"HEAD", "/demo", [2]string{}, "HeadBucket demo . ."},
		{"GET", "/demo?location", [2]string{}, "GetBucketLocation demo . ."},
		{"GET", "/demo?uploads&prefix=a/", [2]string{}, "ListMultipartUploads demo . a/"},
		{"POST", "/demo?delete", [2]string{}, "DeleteObjects demo . ."},
		{"POST", "/demo/a?uploads", [2]string{}, "CreateMultipartUpload demo a ."},
		{"PUT", "/demo/a?partNumber=1&uploadId=x", [2]string{}, "UploadPart demo a ."},
		{"PUT", "/demo/a?partNumber=1&uploadId=x", [2]string{"X-Amz-Copy-Source", "/demo/b"}, "UploadPartCopy demo a ."},
		{"GET", "/demo/a?uploadId=x", [2]string{}, "ListParts demo a ."},
		{"POST", "/demo/a?uploadId=x", [2]string{}, "CompleteMultipartUpload demo a ."},
		{"DELETE", "/demo/a?uploadId=x", [2]string{}, "AbortMultipartUpload demo a ."},
		{"PUT", "/demo/a", [2]string{"X-Amz-Copy-Source", "demo/b%20c"}, "CopyObject demo a ."},
		{"PUT", "/demo/a", [2]string{"X-Amz-Copy-Source", "/demo/b?versionId=null"}, "CopyObject demo a ."},
		{"GET", "/demo/a?tagging", [2]string{}, "GetObjectTagging demo a ."},
		{"HEAD", "/demo/a", [2]string{"X-Amz-Api-Version", "2006-03-01"}, "HeadObject demo a ."},
		{"PUT", "/demo/a?tagging", [2]string{}, "PutObjectTagging demo a ."},
		{"DELETE", "/demo/a?tagging", [2]string{}, "DeleteObjectTagging demo a ."},
		{"GET", "/demo/a?response-content-type=text/html&partNumber=2", [2]string{}, "GetObject demo a ."},
		{"DELETE", "/demo/a?versionId=null", [2]string{}, "DeleteObject demo a ."},

		// Values that could mean something else further on.
		{"GET", "/demo/a?versionId=1", [2]string{}, "GetObject demo a ."},
		{"GET", "/demo/a?versionId=..", [2]string{}, "InvalidArgument"},
		{"GET", "/demo/a?versionId=a%2Fb", [2]string{}, "InvalidArgument"},
		{"GET", "/demo/a?versionId=1&versionId=null", [2]string{}, "InvalidArgument"},
		{"DELETE", "/demo/a?versionId=1", [2]string{}, "AccessDenied"},
		{"DELETE", "/demo/a?tagging&versionId=1", [2]string{}, "AccessDenied"},
		{"PUT", "/demo/a?tagging&versionId=1", [2]string{}, "AccessDenied"},
		{"GET", "/demo?versions&prefix=a/", [2]string{}, "ListObjectVersions demo . a/"},
		{"GET", "/demo/a?attributes", [2]string{"X-Amz-Object-Attributes", "ETag"}, "GetObjectAttributes demo a ."},
		{"PUT", "/demo/a?partNumber=0&uploadId=x", [2]string{}, "InvalidArgument"},
		{"PUT", "/demo/a?partNumber=10001&uploadId=x", [2]string{}, "InvalidArgument"},
		{"PUT", "/demo/a?partNumber=%2B1&uploadId=x", [2]string{}, "InvalidArgument"}, // was part 1
		{"PUT", "/demo/a?partNumber=1&uploadId=../x", [2]string{}, "InvalidArgument"},
		{"PUT", "/demo/a?partNumber=1&uploadId=..", [2]string{}, "InvalidArgument"},
		{"PUT", "/demo/a?partNumber=1&uploadId=", [2]string{}, "InvalidArgument"},
		{"PUT", "/demo/a?partNumber=1&uploadId=x%00", [2]string{}, "InvalidArgument"},
		{"GET", "/demo/a?response-content-language=a%00b", [2]string{}, "InvalidArgument"}, // was a header with a NUL
		{"GET", "/demo/a?response-content-type=a%0d%0aSet-Cookie:%20b", [2]string{}, "InvalidArgument"},
		{"HEAD", "/demo/a?response-expires=a%7f", [2]string{}, "InvalidArgument"},
		{"GET", "/demo?max-keys=-1", [2]string{}, "InvalidArgument"},
		{"GET", "/demo?max-keys=%2B5", [2]string{}, "InvalidArgument"},
		{"GET", "/demo?max-keys=-0", [2]string{}, "InvalidArgument"},
		{"GET", "/demo?max-keys=many", [2]string{}, "InvalidArgument"},
		{"GET", "/demo?encoding-type=hex", [2]string{}, "InvalidArgument"},
		{"PUT", "/demo/a", [2]string{"X-Amz-Copy-Source", "/demo/../other/b"}, "InvalidArgument"},
		{"PUT", "/demo/a", [2]string{"X-Amz-Copy-Source", "/demo/%2e%2e/b"}, "InvalidArgument"},
		{"PUT", "/demo/a", [2]string{"X-Amz-Copy-Source", "//demo/b"}, "InvalidArgument"},
		{"PUT", "/demo/a", [2]string{"X-Amz-Copy-Source", "/demo"}, "InvalidArgument"},
		{"PUT", "/demo/a", [2]string{"X-Amz-Copy-Source", "/demo/b?versionId=1"}, "CopyObject demo a ."},
		{"PUT", "/demo/a", [2]string{"X-Amz-Copy-Source", "/demo/b?versionId=1&x=2"}, "InvalidArgument"},
		{"PUT", "/demo/a", [2]string{"X-Amz-Copy-Source", "/demo/b?x=2"}, "InvalidArgument"},
		{"PUT", "/demo/a", [2]string{"X-Amz-Copy-Source", "/demo/b%zz"}, "InvalidArgument"},
		{"PUT", "/demo/a", [2]string{"X-Amz-Copy-Source", ""}, "InvalidArgument"},
		{"PUT", "/demo/a", [2]string{"X-Amz-Copy-Source", "arn:aws:s3:::demo/b"}, "InvalidArgument"},

		// What is not in the table.
		{"PUT", "/demo", [2]string{}, "NotImplemented"},
		{"DELETE", "/demo", [2]string{}, "NotImplemented"},
		{"POST", "/demo", [2]string{}, "NotImplemented"},
		{"POST", "/demo/a", [2]string{}, "NotImplemented"},
		{"POST", "/demo/a?delete", [2]string{}, "NotImplemented"},
		{"POST", "/demo?uploads", [2]string{}, "NotImplemented"},
		{"OPTIONS", "/demo/a", [2]string{}, "NotImplemented"},
		{"PATCH", "/demo/a", [2]string{}, "NotImplemented"},
		{"HEAD", "/", [2]string{}, "NotImplemented"},
		{"GET", "/demo?list-type=3", [2]string{}, "NotImplemented"},
		{"GET", "/demo?acl", [2]string{}, "NotImplemented"},
		{"GET", "/demo?policy", [2]string{}, "NotImplemented"},
		{"GET", "/demo?location&policy", [2]string{}, "NotImplemented"},
		{"GET", "/demo?start-after=a", [2]string{}, "NotImplemented"},
		{"GET", "/demo/a?acl", [2]string{}, "NotImplemented"},
		{"GET", "/demo/a?uploads", [2]string{}, "NotImplemented"},
		{"GET", "/demo/a?location", [2]string{}, "NotImplemented"},
		{"GET", "/demo/a?tagging&uploadId=x", [2]string{}, "NotImplemented"},
		{"PUT", "/demo/a?acl", [2]string{}, "NotImplemented"},
		{"PUT", "/demo/a?partNumber=1", [2]string{}, "NotImplemented"},
		{"PUT", "/demo/a?uploadId=x", [2]string{}, "NotImplemented"}, // was an UploadPart of no part
		{"PUT", "/demo/a?uploadId=x", [2]string{"X-Amz-Copy-Source", "/demo/b"}, "NotImplemented"},
		{"GET", "/demo/a", [2]string{"X-Amz-Copy-Source", "/demo/b"}, "NotImplemented"},
		{"PUT", "/demo/a?tagging", [2]string{"X-Amz-Copy-Source", "/demo/b"}, "NotImplemented"},
		{"PUT", "/demo/a", [2]string{"X-Amz-Server-Side-Encryption", "AES256"}, "NotImplemented"},
		{"PUT", "/demo/a", [2]string{"X-Amz-Object-Lock-Mode", "COMPLIANCE"}, "NotImplemented"},
		{"PUT", "/demo/a", [2]string{"X-Amz-Website-Redirect-Location", "http://x"}, "NotImplemented"},
		{"PUT", "/demo/a", [2]string{"X-Amz-Grant-Read", "id=x"}, "NotImplemented"},
		{"PUT", "/demo/a", [2]string{"X-Amz-Acl", "public-read"}, "AccessDenied"},
		{"GET", "/demo/a", [2]string{"X-Amz-Acl", "private"}, "AccessDenied"},
		{"PUT", "/demo/a", [2]string{"X-Amz-Storage-Class", "GLACIER"}, "InvalidStorageClass"},

		// Conditions, which must not be passed over by what writes.
		{"PUT", "/demo/a", [2]string{"If-Match", `"x"`}, "PutObject demo a ."},
		{"PUT", "/demo/a", [2]string{"If-None-Match", "*"}, "PutObject demo a ."},
		{"PUT", "/demo/a", [2]string{"If-None-Match", `"x"`}, "NotImplemented"},
		{"PUT", "/demo/a", [2]string{"If-None-Match", "*, *"}, "NotImplemented"},
		{"PUT", "/demo/a", [2]string{"If-None-Match", ""}, "NotImplemented"},
		{"PUT", "/demo/a", [2]string{"If-Modified-Since", "Sat, 01 Jan 2000 00:00:00 GMT"}, "NotImplemented"},
		{"PUT", "/demo/a", [2]string{"If-Unmodified-Since", "Sat, 01 Jan 2000 00:00:00 GMT"}, "NotImplemented"},
		{"POST", "/demo/a?uploadId=x", [2]string{"If-None-Match", "*"}, "CompleteMultipartUpload demo a ."},
		{"POST", "/demo/a?uploads", [2]string{"If-None-Match", "*"}, "NotImplemented"},
		{"PUT", "/demo/a?partNumber=1&uploadId=x", [2]string{"If-Match", "*"}, "NotImplemented"},
		{"PUT", "/demo/a?tagging", [2]string{"If-Match", "*"}, "NotImplemented"},
		{"DELETE", "/demo/a", [2]string{"If-Match", "*"}, "DeleteObject demo a ."},
		{"DELETE", "/demo/a", [2]string{"If-None-Match", "*"}, "NotImplemented"},
		{"DELETE", "/demo/a?tagging", [2]string{"If-Match", "*"}, "NotImplemented"},
		{"DELETE", "/demo/a?uploadId=x", [2]string{"If-Match", "*"}, "NotImplemented"},
		{"POST", "/demo?delete", [2]string{"If-Match", "*"}, "NotImplemented"},
		{"GET", "/demo/a", [2]string{"If-None-Match", `"x"`}, "GetObject demo a ."},
		{"HEAD", "/demo/a", [2]string{"If-Modified-Since", "Sat, 01 Jan 2000 00:00:00 GMT"}, "HeadObject demo a ."},

		// Keys and buckets that could mean two things.
		{"GET", "/demo/a/../b", [2]string{}, "InvalidArgument"},
		{"GET", "/demo/..", [2]string{}, "InvalidArgument"},
		{"GET", "/demo/%2e%2e/b", [2]string{}, "InvalidArgument"},
		{"GET", "/demo/./b", [2]string{}, "InvalidArgument"},
		{"GET", "/demo//b", [2]string{}, "InvalidArgument"},
		{"GET", "/demo/a//b", [2]string{}, "InvalidArgument"},
		{"GET", "/demo/a%2F%2Fb", [2]string{}, "InvalidArgument"},
		{"GET", "/demo/a%2F..%2Fb", [2]string{}, "InvalidArgument"},
		{"GET", "/demo/a%00b", [2]string{}, "InvalidArgument"},
		{"GET", "/demo/%ff", [2]string{}, "InvalidArgument"},
		{"GET", "/demo/" + strings.Repeat("x", 1025), [2]string{}, "InvalidArgument"},
		{"GET", "//demo/a", [2]string{}, "InvalidBucketName"},
		{"GET", "/../a", [2]string{}, "InvalidBucketName"},
		{"GET", "/.keyhatch/meta/demo", [2]string{}, "InvalidBucketName"},
		{"GET", "/Demo/a", [2]string{}, "InvalidBucketName"},
		{"GET", "/de%2fmo/a", [2]string{}, "InvalidBucketName"},
		{"GET", "/demo?prefix=a;b", [2]string{}, "InvalidURI"},
	} {
		r := httptest.NewRequest(test.method, "http://s3.example", nil)
		u, err := url.Parse("http://s3.example" + test.target)
		if err != nil {
			t.Fatal(err)
		}
		r.URL = u
		if test.header[0] != "" {
			r.Header.Set(test.header[0], test.header[1])
		}
		if test.header[0] == "X-Amz-Copy-Source" && test.header[1] == "" {
			r.Header["X-Amz-Copy-Source"] = []string{""}
		}
		if got := classified(r); got != test.want {
			t.Errorf("%s %.60s %v: %s, want %s", test.method, test.target, test.header, got, test.want)
		}
	}
}

func classified(r *http.Request, hosts ...string) string {
	q, err := Find(r, hosts)
	var refused *s3wire.Error
	if errors.As(err, &refused) {
		return refused.Code
	}
	out := q.Name
	for _, part := range []string{q.Bucket, q.Key, q.Prefix} {
		if part == "" {
			part = "."
		}
		out += " " + strings.ReplaceAll(part, " ", "_")
	}
	return out
}

// A time in a condition of a copy has to be one. A store and a folder passed over what
// is none, and the copy was made.
func TestTimesOfCopySources(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/demo/a", "/demo/a?partNumber=1&uploadId=x"} {
		for _, name := range []string{"X-Amz-Copy-Source-If-Modified-Since", "X-Amz-Copy-Source-If-Unmodified-Since"} {
			for value, want := range map[string]string{
				"Sat, 01 Jan 2000 00:00:00 GMT": "", "yesterday": "InvalidArgument", "": "InvalidArgument", "2000-01-01T00:00:00Z": "InvalidArgument", "*": "InvalidArgument",
			} {
				r := httptest.NewRequest(http.MethodPut, path, nil)
				r.Header.Set("X-Amz-Copy-Source", "/demo/b")
				r.Header.Set(name, value)
				_, err := Find(r, nil)
				var e *s3wire.Error
				if errors.As(err, &e); (err == nil) != (want == "") || e != nil && e.Code != want {
					t.Errorf("%s %s: %q: %v, want %q", path, name, value, err, want)
				}
			}
		}
	}
}

// In virtual-host style the bucket stands in the host's name, and only below a
// name of ours.
func TestBucketInTheHost(t *testing.T) {
	for host, want := range map[string]string{
		"demo.s3.example":      "GetObject demo a/b .",
		"demo.s3.example:8751": "GetObject demo a/b .",
		"DEMO.S3.Example":      "GetObject demo a/b .",
		"de.mo.s3.example":     "GetObject de.mo a/b .",
		"demo.localhost":       "GetObject demo a/b .",
		"s3.example":           "InvalidBucketName", // "a" is too short for one
		"S3.example:8751":      "InvalidBucketName",
		"evil-s3.example":      "InvalidBucketName",
		"x.s3.example":         "InvalidBucketName",
		".s3.example":          "InvalidBucketName",
		"demo.s3.example.evil": "InvalidBucketName",
	} {
		r := httptest.NewRequest("GET", "http://any/a/b", nil)
		r.Host = host
		if got := classified(r, "s3.example", "localhost"); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
}

// A name of ours that lies below another one is no bucket of that, and the longer one
// says where a bucket begins. "s3.localhost" was the bucket "s3" of "localhost".
func TestNamesBelowEachOther(t *testing.T) {
	for _, hosts := range [][]string{{"localhost", "store.localhost"}, {"store.localhost", "localhost"}} {
		for host, want := range map[string]string{
			"localhost":                 "GetObject demo a/b .",
			"store.localhost:8751":      "GetObject demo a/b .",
			"other.localhost":           "GetObject other demo/a/b .",
			"other.store.localhost":     "GetObject other demo/a/b .",
			"OTHER.STORE.localhost:875": "GetObject other demo/a/b .",
		} {
			r := httptest.NewRequest("GET", "http://any/demo/a/b", nil)
			r.Host = host
			if got := classified(r, hosts...); got != want {
				t.Errorf("%s below %q: %s, want %s", host, hosts, got, want)
			}
		}
	}
}
