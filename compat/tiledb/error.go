package tiledb

import (
	"errors"
	"hash/crc32"
	"net/http"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
)

// failure is how the format tells of one. Code is a number of no meaning to clients,
// the same for the same failure.
type failure struct {
	Code       int32       `json:"code"`
	Message    string      `json:"message"`
	RequestID  string      `json:"request_id"`
	Validation *validation `json:"validation_error,omitempty"`
}

type validation struct {
	Fields []fieldFailure `json:"fields"`
}

type fieldFailure struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// statuses are those of kinds. What may work later is no 503: the Python client asks
// again a hundred times then, for hours.
var statuses = map[keyhatch.Kind]int{
	keyhatch.Invalid:         http.StatusBadRequest,
	keyhatch.Unauthenticated: http.StatusUnauthorized,
	keyhatch.Forbidden:       http.StatusForbidden,
	keyhatch.NotFound:        http.StatusNotFound,
	keyhatch.Conflict:        http.StatusConflict,
	keyhatch.TooLarge:        http.StatusRequestEntityTooLarge,
	keyhatch.TooMany:         http.StatusTooManyRequests,
	keyhatch.Unavailable:     http.StatusBadGateway,
	keyhatch.Internal:        http.StatusInternalServerError,
}

var (
	errRoute    = keyhatch.Fail(keyhatch.NotFound, keyhatch.CodeRouteNotFound, "there is no such path here")
	errMethod   = keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeMethodNotAllowed, "this path has other methods: see the header Allow")
	errTooLarge = keyhatch.Fail(keyhatch.TooLarge, keyhatch.CodeBodyTooLarge,
		"a body has at most 1 MiB, and in it token.gcp.key_text at most 64 KiB: a service account's key file has a few thousand bytes")
	errInternal = keyhatch.Fail(keyhatch.Internal, keyhatch.CodeInternal, "internal error: the server's log says more")
)

// invalid is a request that breaks a rule of the format.
func invalid(message, field string) error {
	return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidRequest, "%s", message).In(field)
}

// refuse answers a failure, and logs what the client is not told.
func (d *Door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var e *keyhatch.Error
	if !errors.As(err, &e) || e.Kind == keyhatch.Internal {
		e = errInternal
	}
	id := keyhatch.OriginOf(r.Context()).RequestID
	status := statuses[e.Kind]
	switch {
	case status >= http.StatusInternalServerError:
		d.log.ErrorContext(r.Context(), "request failed", "request_id", id, "error", err)
	case errors.Is(err, errMethod):
		status = http.StatusMethodNotAllowed
	}
	switch status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="keyhatch"`)
	case http.StatusTooManyRequests:
		auth.TellWait(w.Header(), e)
	}
	f := failure{Code: codeOf(e.Code), Message: e.Message, RequestID: id}
	if e.Field != "" {
		f.Validation = &validation{Fields: []fieldFailure{{Field: e.Field, Message: e.Message}}}
	}
	d.send(w, r, status, f)
}

func codeOf(c keyhatch.Code) int32 { return int32(crc32.ChecksumIEEE([]byte(c)) >> 1) }
