package sigv4

import (
	"bufio"
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"hash"
	"io"
	"net/http"
	"sync"
)

// plan is what a claim says of its body.
type plan struct {
	raw    io.ReadCloser
	length int64 // without the frame of chunks; -1 when not known

	sha256, md5 []byte     // nil: not to be checked
	checksum    *algorithm // of a header, with its sum
	sum         []byte
	trailer     *algorithm // its sum comes after the body
}

// Body is the body of a verified request, without the frame of its chunks. It is
// an io.ReadCloser for one reader at a time; the other methods may be called
// while it reads.
//
// Read returns an *Error where the sender is at fault, and never returns the
// last byte or io.EOF before the length, every signature and every checksum have
// been found right. Errors of the connection come through as they are.
type Body struct {
	framing framing
	closer  io.Closer
	length  int64
	sums    []sum
	echo    int // which of sums Checksum tells, -1 for none

	mu  sync.Mutex // guards end
	end error      // nil while there may be more; io.EOF when all was right
}

// framing yields the payload. With last it has seen the end of the frame and
// found it right; n may be 0 only then.
type framing interface {
	next(p []byte) (n int, last bool, err error)
	// trailer is the sum that came after the payload, after last.
	trailer() []byte
}

// sum is a digest of the payload and what it must be.
type sum struct {
	digest hash.Hash
	name   string // the header or trailer that says so
	want   []byte // nil: what the trailer says
	code   string // of the error when it is not
}

// open makes the body. One that has no bytes and no frame is checked at once.
func (p *plan) open(c *Claim, key []byte) (*Body, error) {
	b := &Body{closer: p.raw, length: p.length, echo: -1}
	if p.sha256 != nil {
		b.sums = append(b.sums, sum{sha256.New(), "x-amz-content-sha256", p.sha256, contentMismatch})
	}
	if p.md5 != nil {
		b.sums = append(b.sums, sum{md5.New(), "Content-MD5", p.md5, badDigest})
	}
	for _, a := range []*algorithm{p.checksum, p.trailer} {
		if a != nil {
			b.echo = len(b.sums)
			b.sums = append(b.sums, sum{a.make(), a.name, p.sum, badDigest})
		}
	}
	raw := p.raw
	if raw == nil {
		raw = http.NoBody
	}
	switch {
	case c.Payload.Chunked():
		b.framing = newChunks(raw, c, key)
	case p.length == 0:
		b.framing = &plain{src: bufio.NewReaderSize(raw, 16)}
		if _, err := b.Read(make([]byte, 1)); err != io.EOF {
			return nil, err
		}
	default:
		b.framing = &plain{src: bufio.NewReader(raw), left: p.length}
	}
	return b, nil
}

// Read implements io.Reader.
func (b *Body) Read(p []byte) (int, error) {
	if err := b.ended(); err != nil || len(p) == 0 {
		return 0, err
	}
	n, last, err := b.framing.next(p)
	if err != nil {
		return 0, b.ends(err)
	}
	for i := range b.sums {
		b.sums[i].digest.Write(p[:n])
	}
	if !last {
		return n, nil
	}
	if err := b.ends(b.check()); err != io.EOF || n == 0 {
		return 0, err
	}
	return n, nil
}

func (b *Body) ended() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.end
}

func (b *Body) ends(err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.end = err
	return err
}

// check compares the digests; io.EOF is its yes.
func (b *Body) check() error {
	for _, s := range b.sums {
		want := s.want
		if want == nil {
			want = b.framing.trailer()
		}
		if subtle.ConstantTimeCompare(s.digest.Sum(nil), want) != 1 {
			return fail(s.code, "%s is not that of the body", s.name)
		}
	}
	return io.EOF
}

// Close closes the request's own body.
func (b *Body) Close() error {
	if b.closer == nil {
		return nil
	}
	return b.closer.Close()
}

// Len is the number of bytes that Read will yield, -1 when it is not known: the
// Content-Length, or what x-amz-decoded-content-length says of chunks. The sender
// chose it; bound it before storing.
func (b *Body) Len() int64 { return b.length }

// Err is the error that ended reading, nil before and after a good end. It lets a
// server answer with the *Error even when what read the body swallowed it.
func (b *Body) Err() error {
	if err := b.ended(); err != io.EOF {
		return err
	}
	return nil
}

// Verified tells whether the end of the body was reached and all was right.
func (b *Body) Verified() bool { return b.ended() == io.EOF }

// Checksum is the header name and the base64 value of the x-amz-checksum-* that
// came with the body, for the answer to repeat. Both are empty before Verified
// and when there was none. Content-MD5 and the payload hash are not told.
func (b *Body) Checksum() (name, value string) {
	if !b.Verified() || b.echo < 0 {
		return "", ""
	}
	s := b.sums[b.echo]
	return s.name, base64.StdEncoding.EncodeToString(s.digest.Sum(nil))
}

// plain is a body without a frame.
type plain struct {
	src  *bufio.Reader
	left int64 // bytes to come, -1 when not known
}

func (f *plain) trailer() []byte { return nil }

func (f *plain) next(p []byte) (int, bool, error) {
	n := 0
	if f.left != 0 {
		if f.left > 0 && int64(len(p)) > f.left {
			p = p[:f.left]
		}
		var err error
		n, err = readSome(f.src, p)
		switch {
		case err == io.EOF && f.left < 0:
			return 0, true, nil
		case err != nil:
			return 0, false, fromReader(err)
		case f.left > 0:
			f.left -= int64(n)
		}
	}
	if f.left > 0 {
		return n, false, nil
	}
	// All has come, or any byte may be the last: look ahead.
	ended, err := atEnd(f.src)
	switch {
	case err != nil:
		return 0, false, err
	case !ended && f.left == 0:
		return 0, false, fail(incompleteBody, "the body is longer than its Content-Length")
	}
	return n, ended, nil
}

// readSome reads at least one byte or returns the reader's error.
func readSome(src *bufio.Reader, p []byte) (int, error) {
	for range 100 {
		n, err := src.Read(p)
		if n > 0 && (err == nil || err == io.EOF) {
			return n, nil // the end comes again
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, io.ErrNoProgress
}

// atEnd tells whether the source has no more bytes.
func atEnd(src *bufio.Reader) (bool, error) {
	_, err := src.Peek(1)
	if err == io.EOF {
		return true, nil
	}
	return false, fromReader(err)
}

// fromReader turns an end that comes too early into an *Error. Other errors of
// the connection, and nil, stay what they are.
func fromReader(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fail(incompleteBody, "the body ended before it was complete")
	}
	return err
}
