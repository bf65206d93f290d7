package sigv4

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash"
	"io"
	"strconv"
	"strings"
)

const (
	// minChunkBytes is S3's least size of a chunk that is not the last. It also
	// bounds how much checking a byte can cost.
	minChunkBytes = 8192

	// maxLineBytes bounds a chunk's header and a trailer: 16 hex digits and a
	// signature, or the longest checksum and its name.
	maxLineBytes = 256

	signatureExtension = ";chunk-signature="
	trailerSignature   = "x-amz-trailer-signature"
)

// chunks takes the frame off an aws-chunked body:
//
//	HEX[;chunk-signature=SIGNATURE] CRLF  bytes CRLF   any number of times
//	0[;chunk-signature=SIGNATURE] CRLF
//	[x-amz-checksum-NAME:VALUE CRLF]
//	[x-amz-trailer-signature:SIGNATURE CRLF]
//	CRLF
//
// and nothing after it. The bytes stream through; nothing but lines is buffered.
type chunks struct {
	src      *bufio.Reader
	signer   *chunkSigner // nil: the chunks are not signed
	left     int64        // bytes of the payload to come
	chunk    int64        // of which in the chunk that is being read
	small    bool         // a chunk under minChunkBytes has been seen
	announce *algorithm   // the trailer to come, nil for none
	sum      []byte       // what it said
}

func newChunks(raw io.Reader, c *Claim, key []byte) *chunks {
	f := &chunks{src: bufio.NewReader(raw), left: c.body.length, announce: c.body.trailer}
	if c.Payload != ChunksUnsignedTrailer {
		f.signer = newChunkSigner(c, key)
	}
	return f
}

func (f *chunks) trailer() []byte { return f.sum }

func (f *chunks) next(p []byte) (int, bool, error) {
	if f.chunk == 0 {
		if err := f.begin(); err != nil {
			return 0, false, err
		}
		if f.chunk == 0 {
			return 0, true, f.finish()
		}
	}
	if int64(len(p)) > f.chunk {
		p = p[:f.chunk]
	}
	n, err := readSome(f.src, p)
	if err != nil {
		return 0, false, fromReader(err)
	}
	f.signer.data(p[:n])
	f.chunk -= int64(n)
	f.left -= int64(n)
	if f.chunk > 0 {
		return n, false, nil
	}
	if line, err := f.line(); err != nil || len(line) > 0 {
		return 0, false, orFrame(err)
	}
	if err := f.signer.checkChunk(); err != nil {
		return 0, false, err
	}
	if f.left > 0 {
		return n, false, nil
	}
	// These were the last bytes: see the end of the frame before giving them out.
	if err := f.begin(); err != nil {
		return 0, false, err
	}
	return n, true, f.finish()
}

// begin reads the header of a chunk. A chunk of no bytes is the last and must
// come when, and only when, all of the payload has; so the size is bounded by
// what is left.
func (f *chunks) begin() error {
	line, err := f.line()
	if err != nil {
		return err
	}
	digits, signature, signed := strings.Cut(line, signatureExtension)
	size, err := strconv.ParseUint(digits, 16, 63)
	if err != nil || signed != (f.signer != nil) {
		return errFrame()
	}
	if signed && !f.signer.expect(signature) {
		return errFrame()
	}
	switch {
	case size > uint64(f.left):
		return fail(incompleteBody, "the chunks hold more than x-amz-decoded-content-length")
	case size == 0 && f.left > 0:
		return fail(incompleteBody, "the chunks hold less than x-amz-decoded-content-length")
	case size > 0 && f.small:
		return fail(invalidChunkSize, "every chunk but the last must have at least %d bytes", minChunkBytes)
	}
	f.small = size < minChunkBytes
	f.chunk = int64(size)
	return nil
}

// finish reads and checks all that comes after the header of the last chunk.
func (f *chunks) finish() error {
	if err := f.signer.checkChunk(); err != nil {
		return err
	}
	if f.announce != nil {
		if err := f.readTrailer(); err != nil {
			return err
		}
	}
	if line, err := f.line(); err != nil || len(line) > 0 {
		if err == nil && f.announce != nil {
			return errTrailer()
		}
		return orFrame(err)
	}
	ended, err := atEnd(f.src)
	if err == nil && !ended {
		return fail(incompleteBody, "the body goes on after its last chunk")
	}
	return err
}

// readTrailer reads the one trailer that was announced and, where chunks are
// signed, its signature.
func (f *chunks) readTrailer() error {
	line, err := f.trailerLine()
	if err != nil {
		return err
	}
	name, value, _ := strings.Cut(line, ":")
	if !strings.EqualFold(name, f.announce.name) {
		return errTrailer()
	}
	value = strings.Trim(value, " \t")
	sum, ok := decodeSum(value, f.announce.size)
	if !ok {
		return fail(invalidRequest, "the value of the trailer %s is not valid", f.announce.name)
	}
	f.sum = sum
	if f.signer == nil {
		return nil
	}
	line, err = f.line()
	if err != nil {
		return err
	}
	name, signature, _ := strings.Cut(line, ":")
	if !strings.EqualFold(name, trailerSignature) || !f.signer.expect(strings.Trim(signature, " \t")) {
		return errTrailer()
	}
	return f.signer.checkTrailer(f.announce.name + ":" + value + "\n")
}

// line reads a line that ends in CRLF and returns it without.
func (f *chunks) line() (string, error) {
	line, err := f.src.ReadSlice('\n')
	if err == bufio.ErrBufferFull || len(line) > maxLineBytes {
		return "", errFrame()
	}
	if err != nil {
		return "", fromReader(err)
	}
	line, ok := bytes.CutSuffix(line, []byte("\r\n"))
	if !ok {
		return "", errFrame()
	}
	return string(line), nil
}

// trailerLine is line, but the line may also end in LF CRLF, as one widespread
// client writes a trailer.
func (f *chunks) trailerLine() (string, error) {
	line, err := f.src.ReadSlice('\n')
	if err == bufio.ErrBufferFull || len(line) > maxLineBytes {
		return "", errTrailer()
	}
	if err != nil {
		return "", fromReader(err)
	}
	if line, ok := bytes.CutSuffix(line, []byte("\r\n")); ok {
		return string(line), nil
	}
	text := string(line[:len(line)-1])
	if rest, err := f.line(); err != nil || rest != "" {
		return "", errTrailer()
	}
	return text, nil
}

func errFrame() *Error   { return fail(incompleteBody, "the body is not framed as aws-chunked") }
func errTrailer() *Error { return fail(malformedTrailer, "the trailer is not the one announced") }

func orFrame(err error) error {
	if err != nil {
		return err
	}
	return errFrame()
}

// chunkSigner verifies the signatures of chunks, each of which covers the one
// before it, beginning with the request's own. A nil signer finds all right.
type chunkSigner struct {
	mac      hash.Hash // keyed
	chunk    hash.Hash // of the bytes of this chunk
	stamp    string
	previous string
	expected string // what the chunk says of itself
}

func newChunkSigner(c *Claim, key []byte) *chunkSigner {
	return &chunkSigner{mac: hmac.New(sha256.New, key), chunk: sha256.New(), stamp: c.stamp(), previous: c.signature}
}

// expect takes the signature that the next check must find, and tells whether it
// is well-formed.
func (s *chunkSigner) expect(signature string) bool {
	s.expected = signature
	return isHexSHA256(signature)
}

func (s *chunkSigner) data(p []byte) {
	if s != nil {
		s.chunk.Write(p)
	}
}

// emptyHash is the SHA-256 of nothing, the place of a chunk's headers, which
// there are none of.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func (s *chunkSigner) checkChunk() error {
	if s == nil {
		return nil
	}
	content := hex.EncodeToString(s.chunk.Sum(nil))
	s.chunk.Reset()
	return s.check("AWS4-HMAC-SHA256-PAYLOAD\n" + s.stamp + s.previous + "\n" + emptyHash + "\n" + content)
}

func (s *chunkSigner) checkTrailer(canonical string) error {
	content := sha256.Sum256([]byte(canonical))
	return s.check("AWS4-HMAC-SHA256-TRAILER\n" + s.stamp + s.previous + "\n" + hex.EncodeToString(content[:]))
}

func (s *chunkSigner) check(text string) error {
	s.mac.Reset()
	s.mac.Write([]byte(text))
	want := hex.EncodeToString(s.mac.Sum(nil))
	if subtle.ConstantTimeCompare([]byte(want), []byte(s.expected)) != 1 {
		return fail(signatureMismatch, "the signature of a chunk or trailer does not match")
	}
	s.previous = want
	return nil
}
