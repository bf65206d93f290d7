package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/gateway/classify"
	"github.com/keyhatch/keyhatch/gateway/document"
	"github.com/keyhatch/keyhatch/gateway/limit"
	"github.com/keyhatch/keyhatch/gateway/s3wire"
	"github.com/keyhatch/keyhatch/sigv4"
)

// forward hands the request to the store behind the lease.
func (g *Gateway) forward(a *answer, r *http.Request, v *visit) error {
	length := v.body.Len()
	switch {
	case v.Brings == classify.Data && length < 0:
		return errNoLength
	case length > s3wire.MaxObject:
		return errTooLarge
	}
	backend, err := g.Backends.For(v.store)
	if err != nil {
		return err
	}
	if v.Brings == classify.Document {
		return g.forwardDocument(a, r, v, backend)
	}
	r, stop := g.watch(a, r, v)
	defer stop()
	body := &checkedBody{Body: v.body, standing: a.standing, asked: v.body.Verified()}
	body.whole.Store(body.asked)
	a.checksum = v.body.Checksum
	v.forwarded = true
	backend.ServeHTTP(a, cleaned(r, v, body, length))
	return a.finish(body.failure(v.Access == keyhatch.Read, v.Brings == classify.Data))
}

// watch makes a request end with its lease, until stop. What is held in memory for it
// is its user's.
func (g *Gateway) watch(a *answer, r *http.Request, v *visit) (watched *http.Request, stop func()) {
	ctx, cancel := context.WithCancel(limit.As(r.Context(), v.by.user))
	a.standing.begin(func() error { return g.stillOpen(r, v) }, cancel)
	return r.WithContext(ctx), func() {
		a.standing.stop()
		cancel()
	}
}

// forwardDocument hands on a request whose document was read. It is done also when
// the sender has left, who may ask again and find it done, but not when the lease
// has ended.
func (g *Gateway) forwardDocument(a *answer, r *http.Request, v *visit, backend http.Handler) error {
	r, stop := g.watch(a, r.WithContext(context.WithoutCancel(r.Context())), v)
	defer stop()
	asked := g.memory.Buffer(r.Context(), s3wire.MaxDocument)
	defer asked.Free()
	if err := readDocument(a, v, asked); err != nil {
		return err
	}
	text, err := document.Rewrite(v.Name, asked.Bytes())
	if err != nil {
		return err
	}
	if err := a.standing.check(); err != nil {
		return err
	}
	v.forwarded = true
	backend.ServeHTTP(a, cleaned(r, v, io.NopCloser(bytes.NewReader(text)), int64(len(text))))
	if a.standing.failure() != nil {
		return a.finish(errCutShort)
	}
	return a.finish(nil)
}

// stillOpen asks again whether a request is allowed that is being answered: the lease
// may have ended meanwhile.
func (g *Gateway) stillOpen(r *http.Request, v *visit) error {
	open, _, err := v.by.standing(r.Context(), v.named()...)
	if err != nil {
		return err
	}
	again := &visit{Request: v.Request, by: v.by, open: open, policies: v.policies}
	return again.authorize(r.Context())
}

// checkedBody is a verified body that ends only while the lease stands: before
// its last byte is handed out, the question is asked again. A store publishes
// when it has them all, and not before. Who reads it may be far from that: a small
// one is read before there is a connection to the store. So its end is not that of
// the asking. It has one reader, who may be at it when the store has answered already.
type checkedBody struct {
	*sigv4.Body
	standing *standing
	asked    bool // also of a body that there was nothing to wait for
	// whole tells that the store may have all of it. An empty one it has at once.
	whole atomic.Bool
}

func (b *checkedBody) Read(p []byte) (int, error) {
	if err := b.standing.failure(); err != nil {
		return 0, err
	}
	n, err := b.Body.Read(p)
	if b.Body.Verified() && !b.asked {
		b.asked = true
		if err := b.standing.check(); err != nil {
			return 0, err
		}
		b.whole.Store(true)
	}
	return n, err
}

// failure is why the request did not come to its end, nil when that was not the
// reason for whatever went wrong. One that only reads, or takes data and cannot have
// done anything without the rest of it, is refused; of another it cannot be told.
func (b *checkedBody) failure(reads, takes bool) error {
	if err := b.standing.failure(); err != nil {
		if reads || takes && !b.whole.Load() {
			return err
		}
		return errCutShort
	}
	return brokenOff(b.Body.Err())
}

// brokenOff is why a body did not come to its end, in S3's words. What befell the
// connection is the sender's doing, and no fault of ours.
func brokenOff(err error) error {
	var known *sigv4.Error
	switch {
	case err == nil, errors.As(err, &known):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errLate
	}
	return errBrokenOff
}

// cleaned is a request with nothing in it but what was classified, verified and
// authorized: a path in one spelling, parameters of the table, no signature.
func cleaned(r *http.Request, v *visit, body io.ReadCloser, length int64) *http.Request {
	out := r.Clone(r.Context())
	out.URL = &url.URL{Path: "/" + v.Bucket, RawQuery: v.ForStore().Encode()}
	if v.Level == classify.Object {
		out.URL.Path += "/" + v.Key
	}
	out.RequestURI = out.URL.RequestURI()
	out.Host = "store"
	out.Body, out.ContentLength, out.TransferEncoding, out.Trailer = body, length, nil, nil
	for _, name := range []string{
		"Authorization", "X-Amz-Security-Token", "X-Amz-Content-Sha256", "X-Amz-Date", "X-Amz-Acl", "X-Amz-Storage-Class",
		"X-Amz-Decoded-Content-Length", "X-Amz-Trailer", "X-Amz-Request-Payer", "X-Amz-Api-Version", "Expect", "Cookie",
	} {
		out.Header.Del(name)
	}
	if v.Brings == classify.Document { // it may be written anew, and these have been checked
		out.Header.Del("Content-Md5")
		for name := range out.Header {
			ofBody := strings.HasPrefix(name, "X-Amz-Checksum-") && v.Name != "CompleteMultipartUpload" // whose is the object's
			if ofBody || strings.HasPrefix(name, "X-Amz-Sdk-") {
				out.Header.Del(name)
			}
		}
	}
	if v.Copies {
		out.Header.Set("X-Amz-Copy-Source", v.Source.Header())
	}
	out.Header.Del("Content-Encoding")
	if kept := withoutChunks(r.Header.Get("Content-Encoding")); kept != "" {
		out.Header.Set("Content-Encoding", kept)
	}
	return out
}

// withoutChunks takes the framing of the transfer out of what is stored.
func withoutChunks(encoding string) string {
	var kept []string
	for part := range strings.SplitSeq(encoding, ",") {
		if part = strings.TrimSpace(part); part != "" && part != "aws-chunked" {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, ",")
}
