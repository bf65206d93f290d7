package dirstore

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/keyhatch/keyhatch/gateway/dirstore/tree"
	"github.com/rclone/gofakes3"
)

// request is what the backend has to know of a request that gofakes3 does not
// tell it. It travels in the context.
type request struct {
	body   io.Reader
	holds  string // bucket/key whose lock the handler has taken
	adopts string // the upload that gofakes3 is being told of; see adopt

	// pins is set when gofakes3 looks at an object and then reads it: both
	// have to be the same version.
	pins     bool
	pinned   *tree.Object
	pinnedID string
}

type requestKey struct{}

func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{}
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
			req.pinned.Close()
		}
	}()
	if id := q.Get("uploadId"); id != "" {
		if r.Method == http.MethodPost {
			// Whoever completes an upload a second time finds it completed,
			// and not in the middle.
			defer s.completing.Lock(id)()
		}
		s.adopt(bucket, key, id)
	} else if r.Method == http.MethodDelete && !q.Has("tagging") {
		// Its conditions are looked at before the backend is asked.
		req.holds = bucket + "/" + key
		defer s.tree.Lock(bucket, key)()
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
