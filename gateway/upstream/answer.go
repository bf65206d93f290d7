package upstream

import (
	"io"
	"net/http"
	"slices"
	"strings"
)

// pass hands the store's answer on.
func (s *Store) pass(w http.ResponseWriter, r *http.Request, answer *http.Response) {
	status := answer.StatusCode
	notModified := status == http.StatusNotModified && (r.Method == http.MethodGet || r.Method == http.MethodHead)
	switch {
	case status < http.StatusOK, status >= http.StatusMultipleChoices && !notModified:
		refuse(w, s.refusal(r, answer))
	case r.Method == http.MethodHead, notModified:
		s.passHeaders(w, r, answer)
		w.WriteHeader(status)
	case isObject(r):
		s.passObject(w, r, answer)
	default:
		s.passDocument(w, r, answer)
	}
}

// isObject tells a request whose answer is an object. Others have a document, or
// nothing.
func isObject(r *http.Request) bool {
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if r.Method != http.MethodGet || key == "" {
		return false
	}
	q := r.URL.Query()
	return !q.Has("uploadId") && !q.Has("tagging") && !q.Has("attributes")
}

func (s *Store) passObject(w http.ResponseWriter, r *http.Request, answer *http.Response) {
	if answer.ContentLength < 0 && !slices.Contains(answer.TransferEncoding, "chunked") {
		s.log.Error("the store sends an object whose end cannot be told from a broken connection")
		refuse(w, misconfigured)
		return
	}
	s.passHeaders(w, r, answer)
	w.WriteHeader(answer.StatusCode)
	if n, err := io.Copy(w, answer.Body); err != nil {
		s.log.Warn("an answer broke off", "bytes", n, "error", err)
		panic(http.ErrAbortHandler) // the client must not take it for the whole
	}
}

// passedHeaders come back from the store; a dash at the end stands for every
// continuation.
var passedHeaders = []string{
	"Accept-Ranges", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length", "Content-Range",
	"Content-Type", "Etag", "Expires", "Last-Modified",
	"X-Amz-Abort-Date", "X-Amz-Checksum-", "X-Amz-Copy-Source-Version-Id", "X-Amz-Delete-Marker", "X-Amz-Meta-", "X-Amz-Missing-Meta",
	"X-Amz-Mp-Parts-Count", "X-Amz-Storage-Class", "X-Amz-Tagging-Count", "X-Amz-Version-Id",
}

func (s *Store) passHeaders(w http.ResponseWriter, r *http.Request, answer *http.Response) {
	for name, values := range answer.Header {
		if isListed(passedHeaders, name) {
			w.Header()[name] = values
		}
	}
	s.markHeaders(r, w.Header())
}
