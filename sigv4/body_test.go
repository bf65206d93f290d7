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

func TestChunkAttacks(t *testing.T) {
	const incomplete, trailer, mismatch = "IncompleteBody", "MalformedTrailerError", "SignatureDoesNotMatch"
	// The pieces of the body: chunks A, B and C, the last chunk, and in the modes
	// with a trailer that, its signature where there is one, and the end.
	type pieces = []string
	swap := func(i, j int) func(pieces) string {
		return func(p pieces) string { p[i], p[j] = p[j], p[i]; return strings.Join(p, "") }
	}
	replace := func(old, replacement string) func(pieces) string {
		return func(p pieces) string { return strings.Replace(strings.Join(p, ""), old, replacement, 1) }
	}
	without := func(i int) func(pieces) string {
		return func(p pieces) string { return strings.Join(append(append(pieces(nil), p[:i]...), p[i+1:]...), "") }
	}
	first := func(n int) func(pieces) string {
		return func(p pieces) string { return strings.Join(p[:n], "") }
	}
	add := func(text string) func(pieces) string {
		return func(p pieces) string { return strings.Join(p, "") + text }
	}
	twice := func(i int) func(pieces) string {
		return func(p pieces) string { p[i] += p[i]; return strings.Join(p, "") }
	}
	cut := func(n int) func(pieces) string {
		return func(p pieces) string { all := strings.Join(p, ""); return all[:len(all)-n] }
	}
	signed, trailed, plain := []string{streamSigned}, []string{streamTrailed}, []string{streamUnsigned}
	anySigned, anyTrailer := []string{streamSigned, streamTrailed}, []string{streamTrailed, streamUnsigned}
	all := []string{streamSigned, streamTrailed, streamUnsigned}
	for name, test := range map[string]struct {
		modes  []string
		change func(pieces) string
		want   string
	}{
		"nothing":                      {all, add(""), ""},
		"chunks in another order":      {anySigned, swap(0, 1), mismatch},
		"unsigned chunks reordered":    {plain, swap(0, 1), "BadDigest"},
		"chunk changed":                {anySigned, replace("aaaa", "aaab"), mismatch},
		"unsigned chunk changed":       {plain, replace("aaaa", "aaab"), "BadDigest"},
		"last bytes changed":           {anySigned, replace("ccc", "ccd"), mismatch},
		"unsigned last bytes changed":  {plain, replace("ccc", "ccd"), "BadDigest"},
		"chunk cut short":              {all, func(p pieces) string { return p[0][:4000] }, incomplete},
		"ends between chunks":          {all, first(2), incomplete},
		"chunk missing":                {anySigned, without(1), mismatch},
		"unsigned chunk missing":       {plain, without(1), incomplete},
		"chunk twice":                  {anySigned, twice(0), mismatch},
		"unsigned chunk twice":         {plain, twice(0), incomplete},
		"no last chunk":                {all, func(p pieces) string { return strings.Join(p[:3], "") + "\r\n" }, incomplete},
		"nothing after the payload":    {all, first(3), incomplete},
		"no end":                       {all, cut(2), incomplete},
		"half an end":                  {all, cut(1), incomplete},
		"bytes after the end":          {all, add("x"), incomplete},
		"another chunk after the end":  {all, add("3\r\nabc\r\n"), incomplete},
		"nothing at all":               {all, func(pieces) string { return "" }, incomplete},
		"no frame":                     {all, func(pieces) string { return chunkA + chunkB + chunkC }, incomplete},
		"signature of another chunk":   {anySigned, func(p pieces) string { return replace(p[0][5:86], p[1][5:86])(p) }, mismatch},
		"no signature":                 {anySigned, func(p pieces) string { return strings.Replace(strings.Join(p, ""), p[0][4:85], "", 1) }, incomplete},
		"empty signature":              {anySigned, func(p pieces) string { return replace(p[0][21:85], "")(p) }, incomplete},
		"short signature":              {anySigned, func(p pieces) string { return replace(p[0][21:85], p[0][21:84])(p) }, incomplete},
		"upper-case signature":         {anySigned, func(p pieces) string { return replace(p[0][21:85], strings.ToUpper(p[0][21:85]))(p) }, incomplete},
		"second extension":             {anySigned, replace("\r\n", ";x=y\r\n"), incomplete},
		"other extension":              {all, replace("2000", "2000;x=y"), incomplete},
		"signature where none belongs": {plain, replace("2000", "2000;chunk-signature="+strings.Repeat("0", 64)), incomplete},
		"bare line feed":               {all, replace("\r\n", "\n"), incomplete},
		"no line end after the bytes":  {all, replace("aa\r\n", "aaXX"), incomplete},
		"size too small":               {plain, replace("2000", "1fff"), incomplete},
		"size too large":               {plain, replace("2000", "2001"), incomplete},
		"size beyond the payload":      {all, replace("2000", "ffffff"), incomplete},
		"size beyond int64":            {all, replace("2000", "ffffffffffffffff"), incomplete},
		"size that wraps to a chunk":   {all, replace("2000", "10000000000002000"), incomplete},
		"negative size":                {all, replace("2000", "-2000"), incomplete},
		"size with a sign":             {all, replace("2000", "+2000"), incomplete},
		"size with a prefix":           {all, replace("2000", "0x2000"), incomplete},
		"size with underscores":        {all, replace("2000", "20_00"), incomplete},
		"size with blanks":             {all, replace("2000", " 2000"), incomplete},
		"no size":                      {all, replace("2000", ""), incomplete},
		"leading zeros":                {all, replace("2000", "000000002000"), ""},
		"very long header":             {all, replace("2000", strings.Repeat("0", 300)+"2000"), incomplete},
		"endless header":               {all, replace("2000", strings.Repeat("0", 1<<20)), incomplete},
		"last chunk too early":         {plain, func(p pieces) string { return p[0] + strings.Join(p[3:], "") }, incomplete},
		"signed last chunk too early":  {anySigned, func(p pieces) string { return p[0] + strings.Join(p[3:], "") }, incomplete},

		"trailer in a mode without":    {signed, func(p pieces) string { return strings.Join(p[:4], "") + crcTrailer("") + "\r\n\r\n" }, incomplete},
		"trailer missing":              {anyTrailer, without(4), trailer},
		"trailer twice":                {plain, twice(4), trailer},
		"signed trailer twice":         {trailed, twice(4), trailer},
		"trailer of another name":      {anyTrailer, replace("checksum-crc32:", "checksum-crc32c:"), trailer},
		"unknown trailer":              {anyTrailer, replace("x-amz-checksum-crc32:", "x-evil:"), trailer},
		"trailer without a colon":      {anyTrailer, replace("crc32:", "crc32"), trailer},
		"trailer in capitals":          {anyTrailer, replace("x-amz-checksum-crc32:", "X-Amz-Checksum-CRC32:"), ""},
		"blank before the value":       {anyTrailer, replace("crc32:", "crc32: "), ""},
		"line feed before the line":    {anyTrailer, replace("==\r\n", "==\n\r\n"), ""},
		"bare line feed in a trailer":  {plain, replace("==\r\n", "==\n"), incomplete}, // its CRLF is missing at the end
		"bare line feed, signed":       {trailed, replace("==\r\n", "==\n"), trailer},
		"line after a bare line feed":  {anyTrailer, replace("==\r\n", "==\nx-evil:1\r\n"), trailer},
		"line end inside the value":    {anyTrailer, replace("==\r\n", "\r==\r\n"), "InvalidRequest"},
		"endless trailer":              {anyTrailer, replace("crc32:", "crc32:"+strings.Repeat("A", 1<<20)), trailer},
		"value that is not base64":     {anyTrailer, replace("crc32:", "crc32:!"), "InvalidRequest"},
		"wrong value":                  {plain, replace(crcTrailer(chunkA+chunkB+chunkC), crcTrailer("")), "BadDigest"},
		"wrong value, signed":          {trailed, replace(crcTrailer(chunkA+chunkB+chunkC), crcTrailer("")), mismatch},
		"one more trailer":             {plain, func(p pieces) string { return strings.Join(p[:5], "") + "x-evil:1\r\n\r\n" }, trailer},
		"one more signed trailer":      {trailed, func(p pieces) string { return strings.Join(p[:5], "") + "x-evil:1\r\n" + strings.Join(p[5:], "") }, trailer},
		"trailer not signed":           {trailed, without(5), trailer},
		"trailer signature twice":      {trailed, twice(5), trailer},
		"trailer signature empty":      {trailed, func(p pieces) string { return replace(p[5], "x-amz-trailer-signature:\r\n")(p) }, trailer},
		"trailer signature of a chunk": {trailed, func(p pieces) string { return replace(p[5][24:88], p[3][18:82])(p) }, mismatch},
		"trailer before its signature": {trailed, swap(4, 5), trailer},
		"signature where none is due": {plain, func(p pieces) string {
			return strings.Join(p[:5], "") + "x-amz-trailer-signature:" + strings.Repeat("0", 64) + "\r\n\r\n"
		}, trailer},
	} {
		for _, mode := range test.modes {
			t.Run(name+"/"+mode, func(t *testing.T) {
				r, p := chunked(t, mode, chunkA, chunkB, chunkC)
				content, body, err := readUpload(t, r, test.change(p))
				wantCode(t, err, test.want)
				if body.Verified() != (test.want == "") || code(body.Err()) != test.want {
					t.Errorf("verified %v, error %v", body.Verified(), body.Err())
				}
				if test.want == "" && string(content) != chunkA+chunkB+chunkC {
					t.Errorf("%d bytes", len(content))
				}
				if len(content) >= len(chunkA+chunkB+chunkC) && test.want != "" {
					t.Errorf("all %d bytes were handed out before %v", len(content), err)
				}
			})
		}
	}
}

func TestChunkLengths(t *testing.T) {
	for name, test := range map[string]struct {
		declared string
		contents []string
		want     string
	}{
		"right":                    {"17195", []string{chunkA, chunkB, chunkC}, ""},
		"one chunk":                {"3", []string{chunkC}, ""},
		"no bytes":                 {"0", nil, ""},
		"one too few":              {"17194", []string{chunkA, chunkB, chunkC}, "IncompleteBody"},
		"one too many":             {"17196", []string{chunkA, chunkB, chunkC}, "IncompleteBody"},
		"none declared":            {"0", []string{chunkC}, "IncompleteBody"},
		"some declared, none sent": {"3", nil, "IncompleteBody"},
		"missing":                  {"", []string{chunkC}, "MissingContentLength"},
		"negative":                 {"-1", []string{chunkC}, "InvalidArgument"},
		"with a sign":              {"+3", []string{chunkC}, "InvalidArgument"},
		"beyond int64":             {"9223372036854775808", []string{chunkC}, "InvalidArgument"},
		"small chunk first":        {"8195", []string{chunkC, chunkA}, "InvalidChunkSizeError"},
		"small chunk between":      {"17195", []string{chunkA, chunkC, chunkB}, "InvalidChunkSizeError"},
	} {
		for _, mode := range []string{streamSigned, streamTrailed, streamUnsigned} {
			t.Run(name+"/"+mode, func(t *testing.T) {
				r, _ := chunked(t, mode, test.contents...)
				r.Header.Del("X-Amz-Decoded-Content-Length")
				if test.declared != "" {
					r.Header.Set("X-Amz-Decoded-Content-Length", test.declared)
				}
				tester().sign(t, r, mode)
				s, trailer := chunkSigner{id: tester()}, ""
				if mode != streamUnsigned {
					s.seed = seedOf(r)
				}
				if mode != streamSigned {
					trailer = crcTrailer(strings.Join(test.contents, ""))
				}
				_, _, err := readUpload(t, r, strings.Join(s.encode(trailer, test.contents...), ""))
				wantCode(t, err, test.want)
			})
		}
	}
}

func TestTrailerAnnouncements(t *testing.T) {
	for name, test := range map[string]struct {
		mode, trailer string
		extra         string // another header
		want          string
	}{
		"missing":          {streamUnsigned, "", "", "MalformedTrailerError"},
		"without chunks":   {unsigned, "x-amz-checksum-crc32", "", "MalformedTrailerError"},
		"with plain ones":  {streamSigned, "x-amz-checksum-crc32", "", "MalformedTrailerError"},
		"two":              {streamUnsigned, "x-amz-checksum-crc32,x-amz-checksum-sha1", "", "InvalidRequest"},
		"no checksum":      {streamUnsigned, "x-amz-meta-a", "", "InvalidRequest"},
		"not supported":    {streamTrailed, "x-amz-checksum-xxhash3", "", "InvalidRequest"},
		"a header besides": {streamTrailed, "x-amz-checksum-crc32", "X-Amz-Checksum-Sha1", "InvalidRequest"},
		"in capitals":      {streamTrailed, "X-Amz-Checksum-CRC32", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			headers := map[string]string{"X-Amz-Trailer": test.trailer}
			if test.trailer == "" {
				delete(headers, "X-Amz-Trailer")
			}
			if test.extra != "" {
				headers[test.extra] = "2jmj7l5rSw0yVb/vlWAYkK/YBwk="
			}
			_, err := verified(t, upload(t, test.mode, 3, headers), "x")
			wantCode(t, err, test.want)
		})
	}
}

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
