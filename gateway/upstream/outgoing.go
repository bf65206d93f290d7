package upstream

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// outgoing is a request in the store's words. It can be made more than once.
type outgoing struct {
	ctx    context.Context
	method string
	url    *url.URL
	header http.Header
	hash   string // of the body, as the signature has it
	object bool   // the answer is one, and may be long

	small  []byte        // a body that is at hand
	stream io.ReadCloser // or one that arrives
	length int64

	connected atomic.Bool  // the last try had a connection to the store
	reused    atomic.Bool  // that others had used before
	begun     atomic.Bool  // the stream has been read from
	sent      atomic.Int64 // bytes of it
	broken    atomic.Bool  // it ended before its end
	// over is closed when nobody waits for the request any more.
	over chan struct{}
}

// whole tells whether all of the body is on its way.
func (o *outgoing) whole() bool { return o.stream == nil || o.sent.Load() == o.length }

// smallBody is up to where a body is read whole before it is sent. A document is
// read whole whatever its length: the gateway bounds it, and S3 wants its digest.
const smallBody = 64 << 10

func (s *Store) translate(r *http.Request) (*outgoing, error) {
	address, err := s.address(r)
	if err != nil {
		return nil, err
	}
	out := &outgoing{ctx: r.Context(), method: r.Method, url: address, header: http.Header{}, length: r.ContentLength, hash: inChunks, object: isObject(r), over: make(chan struct{})}
	for name, values := range r.Header {
		if isSent(name) {
			out.header[name] = values
		}
	}
	if err := s.unmarkSource(out.header); err != nil {
		return nil, err
	}
	out.header.Set("User-Agent", "keyhatch")
	if inParts(r) {
		dropped := dropChecksums(out.header)
		if dropped && r.Method == http.MethodPost && r.URL.Query().Has("uploadId") {
			return nil, ofWhole
		}
	}
	if r.ContentLength > smallBody && !isDocument(r) {
		out.stream = r.Body
		out.header.Set("Expect", "100-continue") // a refusal comes before the body is sent for nothing
		return out, nil
	}
	if r.Body != nil {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, errBody
		}
		out.small, out.length = text, int64(len(text))
	}
	if isDocument(r) {
		sum := md5.Sum(out.small)
		out.header.Set("Content-Md5", base64.StdEncoding.EncodeToString(sum[:])) // which S3 demands of some
	}
	sum := sha256.Sum256(out.small)
	out.hash = hex.EncodeToString(sum[:])
	return out, nil
}

// address is where the request goes, in path style, which every store has.
func (s *Store) address(r *http.Request) (*url.URL, error) {
	q := r.URL.Query()
	if err := s.unmarkQuery(bucketOf(r.URL.Path), q); err != nil {
		return nil, err
	}
	return &url.URL{
		Scheme: s.endpoint.Scheme, Host: s.endpoint.Host,
		Path: r.URL.Path, RawPath: escapePath(r.URL.Path), RawQuery: escapeQuery(q),
	}, nil
}

// request makes the request, to be signed.
func (o *outgoing) request(ctx context.Context) *http.Request {
	r := &http.Request{
		Method: o.method, URL: o.url, Host: o.url.Host, Header: o.header.Clone(), ContentLength: o.length,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	r.Header.Set("X-Amz-Content-Sha256", o.hash)
	switch {
	case o.stream != nil: // the body comes when the signature is there that its chunks build on
		r.Header.Set("X-Amz-Decoded-Content-Length", strconv.FormatInt(o.length, 10))
		r.ContentLength = chunkedLength(o.length)
	case o.length > 0:
		r.Body = io.NopCloser(bytes.NewReader(o.small))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(o.small)), nil }
	}
	return r.WithContext(ctx)
}

// sentBody is a body on its way to the store. It is closed by who read it first.
type sentBody struct {
	out   *outgoing
	watch *watch
}

func (b *sentBody) Read(p []byte) (int, error) {
	switch {
	case b.out.whole(): // looked for more by who has got all
		return 0, io.EOF
	case !b.mayGoOn():
		return 0, errBody
	}
	b.out.begun.Store(true)
	n, err := b.out.stream.Read(p)
	if err != nil && err != io.EOF {
		b.out.broken.Store(true)
		return 0, err
	}
	whole := b.out.sent.Add(int64(n)) == b.out.length
	switch {
	case whole:
		b.watch.expect(thought)
	case err == io.EOF:
		b.out.broken.Store(true)
		return n, io.ErrUnexpectedEOF
	default:
		b.watch.expect(patience)
	}
	return n, nil
}

// mayGoOn tells whether the store may be sent more. One that has answered without
// having asked for the body would read it as the next request: it gets the end of
// the connection instead, when its answer was read.
func (b *sentBody) mayGoOn() bool {
	if b.watch.heard.Load() {
		select {
		case <-b.watch.asked:
		case <-b.out.over:
		}
	}
	select {
	case <-b.out.over:
		return false
	default:
		return true
	}
}

func (b *sentBody) Close() error { return nil }

// errBody is the end of a body that did not come to its end. Who sent it knows
// why better than the store.
var errBody = errors.New("the request's body broke off")

// notSent is a failure before anything left.
type notSent struct{ cause error }

func (e *notSent) Error() string { return e.cause.Error() }
func (e *notSent) Unwrap() error { return e.cause }

// again tells whether the request may be sent once more after a failure.
func (o *outgoing) again(err error) bool {
	var own *notSent
	switch {
	case errors.As(err, &own), errors.Is(err, errStill):
		return false
	case !o.connected.Load():
		return true
	case o.stream != nil:
		return !o.begun.Load() // without its body it cannot have been acted on
	}
	// What else may have been acted on would act once more: a put or a delete
	// makes another version, or undoes what somebody else has done in between. A
	// part that comes twice is one part.
	return o.method == http.MethodGet || o.method == http.MethodHead || o.method == http.MethodPut && o.url.Query().Has("uploadId")
}

// sentHeaders reach the store; a dash at the end stands for every continuation.
var sentHeaders = []string{
	"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Md5", "Content-Type", "Expires",
	"If-Match", "If-Modified-Since", "If-None-Match", "If-Unmodified-Since", "If-Range", "Range",
	"X-Amz-Checksum-", "X-Amz-Copy-Source", "X-Amz-Copy-Source-", "X-Amz-Max-Parts", "X-Amz-Meta-", "X-Amz-Metadata-Directive", "X-Amz-Mp-Object-Size",
	"X-Amz-Object-Attributes", "X-Amz-Optional-Object-Attributes", "X-Amz-Part-Number-Marker", "X-Amz-Tagging", "X-Amz-Tagging-Directive",
}

func isSent(name string) bool {
	if name == "X-Amz-Checksum-Algorithm" || name == "X-Amz-Checksum-Type" {
		return false // they announce what is not sent
	}
	return isListed(sentHeaders, name)
}

// isListed tells whether a header is on a list, in which a dash at the end stands
// for every continuation.
func isListed(list []string, name string) bool {
	return slices.ContainsFunc(list, func(known string) bool {
		return known == name || strings.HasSuffix(known, "-") && strings.HasPrefix(name, known)
	})
}

// inParts tells an upload's part or end. What checksums a client chose for its
// parts is checked on the way in; stores differ in what they want announced, and
// some clients send the sums behind the body, where stores of today do not look.
// So none can check that of the whole at the end.
func inParts(r *http.Request) bool {
	q := r.URL.Query()
	return q.Has("uploadId") || q.Has("uploads")
}

func dropChecksums(h http.Header) (dropped bool) {
	for name := range h {
		if strings.HasPrefix(name, "X-Amz-Checksum-") {
			delete(h, name)
			dropped = true
		}
	}
	return dropped
}

// isDocument tells a body that is XML.
func isDocument(r *http.Request) bool {
	return r.ContentLength > 0 && (r.Method == http.MethodPost || r.URL.Query().Has("tagging"))
}

// escapePath writes a path as S3 signs it: everything but unreserved characters
// and slashes.
func escapePath(path string) string {
	return strings.ReplaceAll(escape(path), "%2F", "/")
}

// escapeQuery writes a query as S3 signs it.
func escapeQuery(q url.Values) string {
	return strings.ReplaceAll(q.Encode(), "+", "%20")
}

func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
