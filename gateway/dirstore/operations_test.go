package dirstore

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

// What is not in the table is not served, and never taken for what is.
func TestWhatIsNotServed(t *testing.T) {
	s := newSite(t)
	s.put("k", "x")
	for _, sub := range []string{
		"acl", "policy", "cors", "lifecycle", "versioning", "encryption", "object-lock", "replication", "website", "logging", "notification",
		"publicAccessBlock", "ownershipControls", "tagging", "inventory", "metrics", "analytics", "accelerate", "requestPayment", "policyStatus", "select", "torrent", "legal-hold", "retention", "restore", "session",
	} {
		for _, method := range []string{"GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "OPTIONS"} {
			for _, key := range []string{"", "k"} {
				if sub == "tagging" && key == "k" && method != "POST" {
					continue
				}
				w := s.ask(method, bucket, key, url.Values{sub: {""}}, "")
				if w.Code != http.StatusNotImplemented && (w.Code != 400 || key == "") {
					t.Errorf("%s %q?%s: %d", method, key, sub, w.Code)
				}
			}
		}
	}
	for _, c := range []struct {
		method, key string
		query       string
		header      []string
		status      int
	}{
		{"PUT", "", "", nil, 501},
		{"DELETE", "", "", nil, 501},
		{"POST", "k", "", nil, 501},
		{"GET", "", "list-type=1", nil, 501},
		{"GET", "", "list-type=2&list-type=2", nil, 400},
		{"GET", "", "prefix=a&prefix=b", nil, 400},
		{"GET", "", "marker=a&list-type=2", nil, 501},
		{"GET", "", "versionId=null", nil, 404},
		{"GET", "", "max-keys=x", nil, 400},
		{"GET", "", "max-keys=-1", nil, 400},
		{"GET", "", "max-keys=2147483648", nil, 400},
		{"GET", "", "encoding-type=base64", nil, 400},
		{"GET", "", "uploads&max-uploads=x", nil, 400},
		{"GET", "", "versions&version-id-marker=null", nil, 400},
		{"GET", "", "versions&key-marker=k&version-id-marker=7", nil, 400},
		{"GET", "", "a=%zz", nil, 400},
		{"GET", "", "a;b", nil, 400},
		{"GET", "k", "versionId=null", nil, 200},
		{"GET", "k", "versionId=7", nil, 404},
		{"GET", "k", "x-id=GetObject", nil, 200},
		{"GET", "k", "attributes", []string{"X-Amz-Object-Attributes", "Colour"}, 400},
		{"GET", "k", "uploadId=x", nil, 404},
		{"PUT", "k", "uploadId=x", nil, 400},
		{"PUT", "k", "uploadId=x&partNumber=10001", nil, 400},
		{"PUT", "k", "partNumber=1", nil, 501},
		{"PUT", "k", "", []string{"X-Amz-Decoded-Content-Length", "1"}, 400},
		{"PUT", "k", "", []string{"X-Amz-Copy-Source", "nothing"}, 400},
		{"PUT", "k", "", []string{"X-Amz-Copy-Source", "data/%zz"}, 400},
		{"PUT", "k", "", []string{"X-Amz-Copy-Source", "data/k?versionId=7"}, 404},
		{"PUT", "k2", "", []string{"X-Amz-Copy-Source", "data/k?versionId=null"}, 200},
		{"PUT", "k2", "", []string{"X-Amz-Copy-Source", "data/none"}, 404},
		{"PUT", "k2", "", []string{"X-Amz-Copy-Source", "Not-A-Bucket/k"}, 400},
		{"PUT", "k", "", []string{"X-Amz-Meta-Much", strings.Repeat("m", 2<<10-3)}, 400},
	} {
		query, _ := url.ParseQuery(c.query)
		r := httptest.NewRequest(c.method, "/", nil)
		r.URL.Path, r.URL.RawQuery = "/"+bucket+"/"+c.key, c.query
		for i := 0; i < len(c.header); i += 2 {
			r.Header.Set(c.header[i], c.header[i+1])
		}
		w := httptest.NewRecorder()
		s.store.Handler().ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s %q %v %v: %d, want %d: %s", c.method, c.key, query, c.header, w.Code, c.status, w.Body)
		}
	}
	if body, _ := s.get("k"); body != "x" {
		t.Errorf("k is %q", body)
	}
	if w := s.ask("PUT", bucket, "k", nil, "x", "X-Amz-Meta-Much", strings.Repeat("m", 2<<10-4)); w.Code != 200 {
		t.Errorf("as much metadata as there may be: %d %s", w.Code, w.Body)
	}
	r := httptest.NewRequest("PUT", "/data/k", http.NoBody)
	r.ContentLength = s3wire.MaxObject + 1
	w := httptest.NewRecorder()
	if s.store.Handler().ServeHTTP(w, r); !strings.Contains(w.Body.String(), "<Code>EntityTooLarge</Code>") {
		t.Errorf("more than an object holds: %d %s", w.Code, w.Body)
	}
}

// Each operation has its own line, and the plain one of a method and level comes
// after those with a marker, which it would hide.
func TestOperations(t *testing.T) {
	type line struct {
		method, marker, value string
		level                 level
		copies                bool
	}
	seen := map[line]string{}
	plain := map[line]string{}
	for _, op := range operations {
		l := line{op.method, op.marker, op.value, op.level, op.copies}
		if other, found := seen[l]; found {
			t.Errorf("%s and %s are asked for alike", op.name, other)
		}
		seen[l] = op.name
		at := line{method: op.method, level: op.level}
		if other, found := plain[at]; found {
			t.Errorf("%s comes behind %s, which hides it", op.name, other)
		}
		if op.marker == "" && !op.copies {
			plain[at] = op.name
		}
	}
}
