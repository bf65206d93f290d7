package sigv4_test

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/keyhatch/keyhatch/sigv4"
)

const (
	streamSigned   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamTrailed  = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	streamUnsigned = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// upload is a PUT with the body and headers given, signed.
func upload(t failer, payload string, length int, headers map[string]string) *http.Request {
	t.Helper()
	r := newRequest(t, "PUT", "/bucket/key", nil)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	if strings.HasPrefix(payload, "STREAMING") {
		r.Header.Set("X-Amz-Decoded-Content-Length", strconv.Itoa(length))
	}
	return tester().sign(t, r, payload)
}

// verified opens the body of a signed request, with the bytes given on the wire.
func verified(t failer, r *http.Request, wire string) (*sigv4.Body, error) {
	t.Helper()
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(wire)), int64(len(wire))
	claim, err := sigv4.Parse(r)
	if err != nil {
		return nil, err
	}
	return claim.Verify(testSecret, testAt, testTime)
}

func readUpload(t failer, r *http.Request, wire string) ([]byte, *sigv4.Body, error) {
	t.Helper()
	body, err := verified(t, r, wire)
	if err != nil {
		return nil, body, err
	}
	content, err := io.ReadAll(body)
	return content, body, err
}

// crcTrailer is the trailer of the content, as clients write it.
func crcTrailer(content string) string {
	return "x-amz-checksum-crc32:" + base64Sum(crc32.NewIEEE(), content)
}

// chunked makes a request and the pieces of its body, in any of the three modes.
func chunked(t failer, mode string, contents ...string) (*http.Request, []string) {
	t.Helper()
	content := strings.Join(contents, "")
	headers, trailer := map[string]string{}, ""
	if mode != streamSigned {
		headers["X-Amz-Trailer"] = "x-amz-checksum-crc32"
		trailer = crcTrailer(content)
	}
	r := upload(t, mode, len(content), headers)
	s := chunkSigner{id: tester()}
	if mode != streamUnsigned {
		s.seed = seedOf(r)
	}
	return r, s.encode(trailer, contents...)
}

var (
	chunkA = strings.Repeat("a", 8192)
	chunkB = strings.Repeat("b", 9000)
	chunkC = "ccc"
)

func TestPlainBodies(t *testing.T) {
	const content = "some content"
	md5Sum := base64Sum(md5.New(), content)
	for name, test := range map[string]struct {
		payload string
		headers map[string]string
		body    string
		length  int64
		want    string
	}{
		"hashed":                  {hashHex([]byte(content)), nil, content, 12, ""},
		"hashed, length unknown":  {hashHex([]byte(content)), nil, content, -1, ""},
		"unsigned":                {unsigned, nil, content, 12, ""},
		"unsigned, no length":     {unsigned, nil, content, -1, ""},
		"empty, no length":        {unsigned, nil, "", -1, ""},
		"empty":                   {hashHex(nil), nil, "", 0, ""},
		"empty with another hash": {hashHex([]byte(content)), nil, "", 0, "XAmzContentSHA256Mismatch"},
		"other content":           {hashHex([]byte(content)), nil, "some Content", 12, "XAmzContentSHA256Mismatch"},
		"other, length unknown":   {hashHex([]byte(content)), nil, "some Content", -1, "XAmzContentSHA256Mismatch"},
		"cut short":               {unsigned, nil, content[:5], 12, "IncompleteBody"},
		"too long":                {unsigned, nil, content, 11, "IncompleteBody"},
		"too long for nothing":    {unsigned, nil, content, 0, "IncompleteBody"},
		"MD5":                     {unsigned, map[string]string{"Content-Md5": md5Sum}, content, 12, ""},
		"MD5 of something else":   {unsigned, map[string]string{"Content-Md5": md5Sum}, "some Content", 12, "BadDigest"},
		"MD5 that is none":        {unsigned, map[string]string{"Content-Md5": "abc"}, content, 12, "InvalidDigest"},
		"MD5 too short":           {unsigned, map[string]string{"Content-Md5": "YWJj"}, content, 12, "InvalidDigest"},
		"MD5 empty":               {unsigned, map[string]string{"Content-Md5": ""}, content, 12, "InvalidDigest"},
	} {
		t.Run(name, func(t *testing.T) {
			r := upload(t, test.payload, 0, test.headers)
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(test.body)), test.length
			got, _, err := accept(r, testTime)
			wantCode(t, err, test.want)
			if test.want == "" && string(got) != test.body {
				t.Errorf("body %q", got)
			}
			if test.want != "" && test.length > 0 && len(got) >= int(test.length) {
				t.Errorf("all %d bytes were handed out before %v", len(got), err)
			}
		})
	}
}

// A connection that breaks is never the end of a body, even when nobody knows
// how long the body is.
func TestBrokenConnection(t *testing.T) {
	broken := errors.New("connection reset")
	for name, test := range map[string]struct {
		tail error
		want string
	}{
		"hung up":      {io.ErrUnexpectedEOF, "IncompleteBody"},
		"other errors": {broken, "not an *Error: connection reset"},
	} {
		for _, length := range []int64{-1, 100} {
			for how, src := range map[string]io.Reader{
				"after some bytes": io.MultiReader(strings.NewReader("some content"), iotest.ErrReader(test.tail)),
				"with some bytes":  &breaking{"some content", test.tail},
				"at once":          iotest.ErrReader(test.tail),
			} {
				t.Run(name+"/"+how+"/"+strconv.FormatInt(length, 10), func(t *testing.T) {
					r := upload(t, unsigned, 0, nil)
					r.Body, r.ContentLength = io.NopCloser(src), length
					_, _, err := accept(r, testTime)
					wantCode(t, err, test.want)
				})
			}
		}
		r, p := chunked(t, streamSigned, chunkA, chunkB)
		whole := strings.Join(p, "")
		for _, n := range []int{0, 3, 100, 9000, len(whole) - 1, len(whole)} {
			t.Run(name+"/chunks/"+strconv.Itoa(n), func(t *testing.T) {
				r.Body = io.NopCloser(io.MultiReader(strings.NewReader(whole[:n]), iotest.ErrReader(test.tail)))
				_, _, err := accept(r, testTime)
				wantCode(t, err, test.want)
			})
		}
	}
}

// breaking tells its error once, with its bytes, and then seems to have ended.
type breaking struct {
	content string
	err     error
}

func (b *breaking) Read(p []byte) (int, error) {
	n, err := copy(p, b.content), b.err
	b.content, b.err = b.content[n:], io.EOF
	return n, err
}

// Reads longer than any buffer pass an error on together with bytes.
func TestBrokenLongRead(t *testing.T) {
	r := upload(t, unsigned, 0, nil)
	r.Body, r.ContentLength = io.NopCloser(&breaking{chunkA, io.ErrUnexpectedEOF}), -1
	claim, err := sigv4.Parse(r)
	wantCode(t, err, "")
	body, err := claim.Verify(testSecret, testAt, testTime)
	wantCode(t, err, "")
	_, err = body.Read(make([]byte, 1<<16))
	wantCode(t, err, "IncompleteBody")
}

// A body of no bytes is checked before anyone reads it, unless it has a frame.
func TestEmptyBodies(t *testing.T) {
	r := upload(t, hashHex([]byte("x")), 0, nil)
	_, err := verified(t, r, "")
	wantCode(t, err, "XAmzContentSHA256Mismatch")
	body, err := verified(t, upload(t, hashHex(nil), 0, nil), "")
	wantCode(t, err, "")
	if !body.Verified() || body.Len() != 0 {
		t.Errorf("verified %v, length %d", body.Verified(), body.Len())
	}
}

// The last byte of a body that is wrong is never handed out, however it is read:
// a store that counts to Content-Length must not publish either.
func TestLastByteIsHeldBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		mode := []string{streamSigned, streamTrailed, streamUnsigned, "hash"}[rng.IntN(4)]
		var r *http.Request
		var wire string
		if mode == "hash" {
			wire = chunkA + chunkC
			r = upload(t, hashHex([]byte(wire)), 0, nil)
		} else {
			var p []string
			r, p = chunked(t, mode, chunkA, chunkC)
			wire = strings.Join(p, "")
		}
		at, n := rng.IntN(len(wire)), int64(len(chunkA+chunkC))
		wrong := []byte(wire)
		wrong[at] ^= byte(1 + rng.IntN(255))
		body, err := verified(t, r, string(wrong))
		if err != nil {
			t.Fatal(err)
		}
		var src io.Reader = body
		if rng.IntN(2) == 0 {
			src = iotest.OneByteReader(body)
		}
		var got bytes.Buffer
		if _, err = io.CopyN(&got, src, n); err == nil && !harmless(wire, string(wrong), at) {
			t.Fatalf("%s: %d bytes handed out with byte %d of %d changed from %q to %q", mode, got.Len(), at, len(wire), wire[at], wrong[at])
		}
	}
}

// harmless tells of a changed byte that means the same: a hex digit of a size or
// a letter of a trailer's name in another case.
func harmless(wire, wrong string, at int) bool {
	return strings.EqualFold(wire[at:at+1], wrong[at:at+1])
}

func TestErrorsStick(t *testing.T) {
	r, p := chunked(t, streamSigned, chunkA, chunkB)
	body, err := verified(t, r, strings.Replace(strings.Join(p, ""), "aaa", "aab", 1))
	wantCode(t, err, "")
	_, err = io.Copy(io.Discard, body)
	wantCode(t, err, "SignatureDoesNotMatch")
	for range 3 {
		n, again := body.Read(make([]byte, 10))
		if n != 0 || !errors.Is(again, err) || body.Err() == nil || body.Verified() {
			t.Fatalf("read %d, %v after %v", n, again, err)
		}
	}
	if err := body.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestReadersAgree(t *testing.T) {
	for _, mode := range []string{streamSigned, streamTrailed, streamUnsigned} {
		r, p := chunked(t, mode, chunkA, chunkB, chunkC)
		wire := strings.Join(p, "")
		for name, slow := range map[string]func(io.Reader) io.Reader{
			"one byte": iotest.OneByteReader, "halves": iotest.HalfReader, "end with data": iotest.DataErrReader,
		} {
			t.Run(mode+"/"+name, func(t *testing.T) {
				r.Body = io.NopCloser(slow(strings.NewReader(wire)))
				content, body, err := accept(r, testTime)
				wantCode(t, err, "")
				if sha256.Sum256(content) != sha256.Sum256([]byte(chunkA+chunkB+chunkC)) || !body.Verified() {
					t.Errorf("%d bytes", len(content))
				}
			})
		}
	}
}
