package dirstore

import (
	"context"
	"hash/maphash"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/rclone/gofakes3"
)

// request is what the backend has to know of a request that gofakes3 does not
// tell it. It travels in the context.
type request struct {
	body   io.Reader
	holds  string // the key whose lock the handler has taken
	adopts string // the upload that gofakes3 is being told of; see adopt

	// pins is set when gofakes3 looks at an object and then reads it: both
	// have to be the same version.
	pins     bool
	pinned   *object
	pinnedID string
}

type requestKey struct{}

func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{}
}

// lockKey locks a key for the request, unless the handler has.
func (s *Store) lockKey(ctx context.Context, p place) (unlock func()) {
	if requestOf(ctx).holds == p.id() {
		return func() {}
	}
	return s.keys.lock(p.id())
}

// keyLocks are locks for keys. Two keys may share one: nobody takes two.
type keyLocks [1024]sync.Mutex

var lockSeed = maphash.MakeSeed()

func (l *keyLocks) lock(id string) (unlock func()) {
	m := &l[maphash.String(lockSeed, id)%uint64(len(l))]
	m.Lock()
	return m.Unlock
}

// bodyEnd reads on to the true end of the request's body. gofakes3 stops at the
// last byte, before the end at which a verifying reader reports what it found.
func bodyEnd(ctx context.Context) error {
	body := requestOf(ctx).body
	if body == nil {
		return nil
	}
	var one [1]byte
	switch n, err := io.ReadFull(body, one[:]); {
	case n > 0:
		return gofakes3.ErrorMessage(gofakes3.ErrIncompleteBody, "The body is longer than its length says; nothing was stored.")
	case err != io.EOF:
		return err
	}
	return nil
}

// refusals are the requests that gofakes3 would answer and must not.
var refusals = []struct {
	when    func(r *http.Request, q url.Values, key string) bool
	code    gofakes3.ErrorCode
	message string
}{
	{func(r *http.Request, _ url.Values, _ string) bool {
		return strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") || r.Header.Get("X-Amz-Decoded-Content-Length") != ""
	}, gofakes3.ErrInvalidRequest, "A body in chunks has to be decoded and verified before it comes here."},
	{func(r *http.Request, q url.Values, key string) bool {
		return r.Method == http.MethodPost && key == "" && !q.Has("delete") // a form names its key where nobody has looked
	}, gofakes3.ErrNotImplemented, "Uploads by form are not offered."},
	{func(r *http.Request, q url.Values, key string) bool {
		return key != "" && (q.Has("versions") || q.Has("versioning") || r.Method == http.MethodGet && q.Has("uploads"))
	}, gofakes3.ErrInvalidRequest, "This can be asked of a bucket, not of an object."},
	{func(r *http.Request, _ url.Values, _ string) bool {
		return r.Header.Get("X-Amz-Copy-Source") != "" && (r.Header.Get("If-Match") != "" || r.Header.Get("If-None-Match") != "")
	}, gofakes3.ErrNotImplemented, "Conditions on the target of a copy are not offered."},
	{func(_ *http.Request, q url.Values, _ string) bool {
		return q.Has("attributes") // it would show ETags as gofakes3 has them
	}, gofakes3.ErrNotImplemented, "GetObjectAttributes is not offered; HEAD tells the same."},
}

// tagHeaders hold ETags.
var tagHeaders = []string{"If-Match", "If-None-Match", "X-Amz-Copy-Source-If-Match", "X-Amz-Copy-Source-If-None-Match"}

func (s *Store) serve(w http.ResponseWriter, r *http.Request) {
	// As gofakes3 takes a path apart.
	bucket, key, _ := strings.Cut(strings.TrimLeft(r.URL.Path, "/"), "/")
	q := r.URL.Query()
	for _, no := range refusals {
		if no.when(r, q, key) {
			s.fail(w, gofakes3.ErrorMessage(no.code, no.message))
			return
		}
	}
	// gofakes3 forgets uploads with the process, and its lists of them panic
	// on some markers.
	if r.Method == http.MethodGet && q.Has("uploads") {
		s.serveList(w, func() (any, error) { return s.listUploads(bucket, q) })
		return
	}
	if r.Method == http.MethodGet && q.Has("uploadId") {
		s.serveList(w, func() (any, error) { return s.listParts(bucket, key, q) })
		return
	}

	req := &request{body: r.Body, pins: r.Header.Get("X-Amz-Copy-Source") != "" || q.Has("partNumber")}
	defer func() {
		if req.pinned != nil {
			req.pinned.close()
		}
	}()
	if id := q.Get("uploadId"); id != "" {
		if r.Method == http.MethodPost {
			// Whoever completes an upload a second time finds it completed,
			// and not in the middle.
			defer s.completing.lock(id)()
		}
		s.adopt(bucket, key, id)
	} else if r.Method == http.MethodDelete && !q.Has("tagging") {
		// Its conditions are looked at before the backend is asked.
		req.holds = place{bucket: bucket, key: key}.id()
		defer s.keys.lock(req.holds)()
	}

	inner := r.Clone(context.WithValue(r.Context(), requestKey{}, req))
	if inner.Body == nil {
		inner.Body = http.NoBody
	}
	for _, name := range tagHeaders {
		if v := inner.Header.Get(name); v != "" {
			inner.Header.Set(name, packTags(v))
		}
	}
	if r.ContentLength >= 0 {
		inner.Header.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	if inner.Header.Get("If-Range") != "" {
		inner.Header.Del("Range") // gofakes3 does not know it; all of the object is always a right answer
	}
	reply := &reply{ResponseWriter: w}
	s.wire.ServeHTTP(reply, inner)
	reply.finish()
}
