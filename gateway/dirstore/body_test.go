package dirstore

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

// send puts a body past the client, as the gateway would.
func (s *site) send(url string, body io.Reader, length int64, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPut, url, nil)
	r.Body, r.ContentLength = io.NopCloser(body), length
	if closer, ok := body.(io.ReadCloser); ok {
		r.Body = closer
	}
	if length < 0 {
		r.TransferEncoding = []string{"chunked"}
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.store.Handler().ServeHTTP(w, r)
	return w
}

func TestFailedBodyPublishesNothing(t *testing.T) {
	mismatch := errors.New("the payload has another hash")
	s := newSite(t)
	for _, c := range []struct {
		name   string
		body   io.Reader
		length int64
		header []string
		status int
	}{
		// A verifier speaks at the end, which may be a read of its own.
		{"at the end", io.MultiReader(strings.NewReader("body"), iotest.ErrReader(mismatch)), 4, nil, 400},
		{"with the last byte", iotest.DataErrReader(io.MultiReader(strings.NewReader("body"), iotest.ErrReader(mismatch))), 4, nil, 400},
		{"of nothing", iotest.ErrReader(mismatch), 0, nil, 400},
		{"in the middle", io.MultiReader(strings.NewReader("bo"), iotest.ErrReader(mismatch)), 4, nil, 400},
		{"chunked", io.MultiReader(strings.NewReader("body"), iotest.ErrReader(mismatch)), -1, nil, 400},
		{"too short", strings.NewReader("bod"), 4, nil, 400},
		{"too long", strings.NewReader("body and more"), 4, nil, 400},
		{"Content-MD5", strings.NewReader("body"), 4, []string{"Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="}, 400},
		{"checksum", strings.NewReader("body"), 4, []string{"X-Amz-Checksum-Crc32", "AAAAAA=="}, 400},
		{"an answer of its own", io.MultiReader(strings.NewReader("body"), iotest.ErrReader(fmt.Errorf("verify: %w", s3wire.Refuse(503, "SlowDown", "mine")))), 4, nil, 503},
	} {
		for _, before := range []string{"", "old"} {
			s.delete("k")
			if before != "" {
				s.put("k", before, "m", "1")
			}
			w := s.send("/data/k", c.body, c.length, c.header...)
			if w.Code != c.status {
				t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
			}
			body, out, err := s.tryGet("k")
			switch {
			case before == "" && err == nil:
				t.Errorf("%s: %q was published", c.name, body)
			case before != "" && (body != before || out.Metadata["m"] != "1"):
				t.Errorf("%s: the object became %q", c.name, body)
			}
			s.wantClean()
			if before == "" {
				break // the reader is used up
			}
		}
	}
	if w := s.send("/data/k", strings.NewReader("streamed"), -1); w.Code != 200 {
		t.Errorf("a body of unknown length: %d %s", w.Code, w.Body)
	}
	if body, _ := s.get("k"); body != "streamed" {
		t.Errorf("k is %q", body)
	}
}
