package sigv4_test

import (
	"bufio"
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/keyhatch/keyhatch/sigv4"
)

// FuzzParse feeds requests as they come over the wire. Whatever Parse lets pass
// reads in one way only, and what Verify accepts means what was signed.
func FuzzParse(f *testing.F) {
	id := tester()
	id.token = "token"
	header := newRequest(f, "PUT", "/bucket/some%20key?partNumber=1&uploadId=a+b&acl", []byte("content"))
	header.Header.Set("X-Amz-Meta-Colour", "light blue")
	header.Header.Set("X-Amz-Checksum-Crc32", "AAAAAA==")
	header.Header.Set("Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA==")
	trailed, _ := chunked(f, streamTrailed, chunkC)
	meant := map[string]bool{}
	for _, r := range []*http.Request{
		id.sign(f, header, hashHex([]byte("content"))),
		id.presign(f, newRequest(f, "GET", "/bucket/key?versionId=1", nil), unsigned, time.Hour),
		trailed,
	} {
		r = received(f, r)
		meant[meaning(r)] = true
		var lines bytes.Buffer
		if err := r.Header.Write(&lines); err != nil {
			f.Fatal(err)
		}
		f.Add(r.Method, r.URL.RequestURI(), lines.String())
	}
	f.Fuzz(func(t *testing.T, method, target, lines string) {
		wire := method + " " + target + " HTTP/1.1\r\nHost: " + testHost + "\r\n" + lines + "\r\n"
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire)))
		if err != nil {
			return
		}
		claim, err := sigv4.Parse(r)
		if err != nil {
			if e := (*sigv4.Error)(nil); !errors.As(err, &e) || e.Status < 400 || e.Status > 499 || e.Message == "" {
				t.Fatalf("an error that S3 does not have: %#v", err)
			}
			return
		}
		values, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			t.Fatalf("passed a query that is broken: %q: %v", r.URL.RawQuery, err)
		}
		for name, all := range values {
			if len(all) != 1 {
				t.Fatalf("passed %d values of %q", len(all), name)
			}
		}
		if strings.Contains(strings.ToLower(r.URL.EscapedPath()), "%2f") {
			t.Fatalf("passed an encoded slash: %q", r.URL.EscapedPath())
		}
		if claim.AccessKeyID == "" || claim.Date != claim.SignedAt.Format("20060102") || claim.Payload == 0 ||
			claim.Presigned != (claim.Expires > 0) || claim.Expires > sigv4.MaxExpires {
			t.Fatalf("claim %+v of %q", claim, wire)
		}
		at := sigv4.Endpoint{Service: claim.Service, Regions: []string{claim.Region}}
		_, err = claim.Verify(testSecret, at, claim.SignedAt)
		if err == nil && !meant[meaning(r)] {
			t.Fatalf("accepted %s", meaning(r))
		}
		if got := code(err); got != "" && got != "SignatureDoesNotMatch" && got != "XAmzContentSHA256Mismatch" && got != "BadDigest" {
			t.Fatalf("refused with %v", err)
		}
		if err := claim.Refuse(at, claim.SignedAt); code(err) != "SignatureDoesNotMatch" {
			t.Fatalf("refused an unknown key with %v", err)
		}
	})
}

// meaning is all that a server may act on, in one spelling.
func meaning(r *http.Request) string {
	var headers []string
	for name, values := range r.Header {
		if strings.HasPrefix(name, "X-Amz-") {
			headers = append(headers, name+"="+strings.Join(strings.Fields(strings.Join(values, "|")), " "))
		}
	}
	return strings.Join(append([]string{r.Method, r.Host, r.URL.Path, r.URL.Query().Encode()}, sorted(headers)...), "\n")
}

// FuzzChunked feeds bodies. Where chunks are signed, only the content that was
// signed is accepted; where they are not, only content of the length and the
// checksum announced; and how the body is cut into reads changes nothing.
func FuzzChunked(f *testing.F) {
	// Inputs are kept short, for the engine's sake: one byte stands for a chunk.
	const shorthand = "\x01"
	modes := []string{streamSigned, streamTrailed, streamUnsigned}
	contents := []string{chunkA, chunkC}
	whole := strings.Join(contents, "")
	requests := make([]*http.Request, len(modes))
	for i, mode := range modes {
		r, pieces := chunked(f, mode, contents...)
		requests[i] = r
		f.Add(byte(i), strings.ReplaceAll(strings.Join(pieces, ""), chunkA, shorthand))
		f.Add(byte(i), strings.Join(pieces[1:], ""))
	}
	f.Fuzz(func(t *testing.T, mode byte, short string) {
		if strings.Count(short, shorthand) > 4 {
			return
		}
		wire := strings.ReplaceAll(short, shorthand, chunkA)
		r := requests[int(mode)%len(modes)].Clone(t.Context())
		read := func(src io.Reader, n int) (string, error) {
			r.Body, r.ContentLength = io.NopCloser(src), -1
			claim, err := sigv4.Parse(r)
			if err != nil {
				t.Fatal(err)
			}
			body, err := claim.Verify(testSecret, testAt, testTime)
			if err != nil {
				t.Fatal(err)
			}
			var content bytes.Buffer
			_, err = io.CopyBuffer(struct{ io.Writer }{&content}, body, make([]byte, n))
			if body.Verified() != (err == nil) {
				t.Fatalf("verified %v after %v", body.Verified(), err)
			}
			if err != nil && content.Len() >= len(whole) {
				t.Fatalf("%d bytes were handed out before %v", content.Len(), err)
			}
			return content.String(), err
		}
		content, err := read(strings.NewReader(wire), 1<<16)
		again, errAgain := read(iotest.HalfReader(strings.NewReader(wire)), 700)
		if code(err) != code(errAgain) || err == nil && content != again {
			t.Fatalf("%v in large reads, %v in small ones", err, errAgain)
		}
		if err != nil {
			if strings.HasPrefix(code(err), "not an") {
				t.Fatal(err)
			}
			return
		}
		if len(content) != len(whole) || crc32.ChecksumIEEE([]byte(content)) != crc32.ChecksumIEEE([]byte(whole)) {
			t.Fatalf("accepted %d other bytes", len(content))
		}
		if modes[int(mode)%len(modes)] != streamUnsigned && content != whole {
			t.Fatal("accepted what was not signed")
		}
	})
}
