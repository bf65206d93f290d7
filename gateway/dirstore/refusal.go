package dirstore

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/rclone/gofakes3"
)

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
