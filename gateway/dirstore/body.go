package dirstore

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"hash"
	"io"
	"net/http"

	"github.com/keyhatch/keyhatch/gateway/dirstore/checksum"
	"github.com/keyhatch/keyhatch/gateway/dirstore/tree"
	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

// verified is a body that somebody verifies while it is read: it ends with io.EOF
// only if all was right. Then it is asked for the x-amz-checksum- header that
// came with it, which may be empty.
type verified interface {
	Checksum() (name, value string)
}

// body is what is stored, on its way into the tree.
type body struct {
	from    io.Reader
	sums    []sum             // that are made of it
	kept    map[string]string // gets the checksum at the end; may be nil
	left    int64             // bytes that may come
	tooLong *s3wire.Error     // when more do; nil: from is a part of an object, and has as many
}

// sum is a checksum in the making.
type sum struct {
	hash.Hash
	header string // that it is kept by, empty for Content-MD5
	want   []byte // nil: any
}

// bodyOf is the body of a request. At its end the checksum goes into kept, unless
// that is nil.
func bodyOf(r *request, kept map[string]string) (*body, error) {
	b := &body{from: r.Body, kept: kept, left: s3wire.MaxObject, tooLong: errTooLarge}
	if r.ContentLength > s3wire.MaxObject {
		return nil, errTooLarge
	}
	if r.ContentLength >= 0 {
		b.left, b.tooLong = r.ContentLength, errBodyTooLong
	}
	if _, ok := r.Body.(verified); ok {
		return b, nil
	}
	var err error
	b.sums, err = promised(r)
	return b, err
}

// bytesOf is the body of a copy: a part of an object. It breaks off when the request
// is over: who asked has gone, or may not any more.
func bytesOf(ctx context.Context, o *tree.Object, part span) *body {
	b := &body{from: http.NoBody, left: part.length}
	if o.File != nil {
		b.from = whileAsked{ctx, io.NewSectionReader(o.File, part.start, part.length)}
	}
	return b
}

type whileAsked struct {
	ctx context.Context
	io.Reader
}

func (w whileAsked) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.Reader.Read(p)
}

// promised are the checksums that headers tell of a body that nobody has
// verified.
func promised(r *request) (sums []sum, err error) {
	if r.name != "CompleteMultipartUpload" { // whose is the object's
		header, h, want, err := checksum.Promised(r.Header)
		if err != nil {
			return nil, err
		}
		if header != "" {
			sums = append(sums, sum{h, header, want})
		}
	}
	if text := r.Header.Get("Content-Md5"); text != "" {
		s := sum{Hash: md5.New()}
		if s.want, err = base64.StdEncoding.DecodeString(text); err != nil || len(s.want) != s.Size() {
			return nil, errInvalidDigest
		}
		sums = append(sums, s)
	}
	return sums, nil
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, b.tooLong
	}
	for _, s := range b.sums {
		s.Write(p[:n])
	}
	switch {
	case err == io.EOF:
		err = b.end()
	case err != nil && b.tooLong != nil:
		err = bodyError(err)
	}
	return n, err
}

// end is what comes after the last byte: io.EOF if all was right.
func (b *body) end() error {
	if b.tooLong == nil && b.left > 0 {
		return tree.ErrMoving // the object became shorter while it was copied
	}
	for _, s := range b.sums {
		found := s.Sum(nil)
		if s.want != nil && !bytes.Equal(found, s.want) {
			return errBadDigest
		}
		if s.header != "" && b.kept != nil {
			checksum.Keep(b.kept, s.header, base64.StdEncoding.EncodeToString(found))
		}
	}
	if v, ok := b.from.(verified); ok && b.kept != nil {
		name, value := v.Checksum()
		checksum.Keep(b.kept, name, value)
	}
	return io.EOF
}

// bodyError is the answer to a body that could not be read to its end.
func bodyError(err error) error {
	var known *s3wire.Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &tooLarge):
		return errTooLarge
	}
	return errIncomplete
}
