package arvados

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/compat/arvados/listing"
)

// wireError is a failure as the wire tells it.
type wireError struct {
	status  int
	message string
	// bare leaves the request id away, as Arvados does for paths that there are not.
	bare bool
}

func (e *wireError) Error() string { return e.message }

// Source of statuses and messages: what Arvados' servers answer.
var (
	errNotLoggedIn = &wireError{status: http.StatusUnauthorized, message: "Not logged in"}
	errForbidden   = &wireError{status: http.StatusForbidden, message: "Forbidden"}
	errNotFound    = &wireError{status: http.StatusNotFound, message: "Path not found"}
	errNoEndpoint  = &wireError{status: http.StatusNotFound, message: "API endpoint not found", bare: true}
	errMethod      = &wireError{status: http.StatusMethodNotAllowed, message: "API endpoint not found", bare: true}
	errTooLarge    = &wireError{status: http.StatusRequestEntityTooLarge, message: "Request body too large: it has at most 1 MiB"}
	errInternal    = &wireError{status: http.StatusInternalServerError, message: "Internal error: the server's log says more"}
	errFederation  = &wireError{status: http.StatusForbidden, message: "The bypass_federation parameter is only permitted when current user is admin"}
)

// malformed is a request that cannot be read.
func malformed(format string, args ...any) *wireError {
	return &wireError{status: http.StatusBadRequest, message: fmt.Sprintf(format, args...)}
}

// denied is what the caller may not.
func denied(message string) *wireError {
	return &wireError{status: http.StatusForbidden, message: "#<ArvadosModel::PermissionDeniedError: " + message + ">"}
}

// asWire maps every failure to the wire.
func asWire(err error) *wireError {
	var e *wireError
	if errors.As(err, &e) {
		return e
	}
	var argument *listing.ArgumentError
	if errors.As(err, &argument) { // in the words of Rails
		return &wireError{status: http.StatusUnprocessableEntity, message: "#<ArgumentError: " + argument.Message + ">"}
	}
	var failed *keyhatch.Error
	if !errors.As(err, &failed) {
		return errInternal
	}
	if special, ok := codes[failed.Code]; ok {
		return special
	}
	out := kinds[failed.Kind]
	if out.message == "" {
		out.message = failed.Message
	}
	return &out
}

// codes are the failures of the core for which the wire has its own words.
var codes = map[keyhatch.Code]*wireError{
	keyhatch.CodeScopeNotGranted: errForbidden,
}

// kinds maps every kind of failure of the core; those without a message have the
// core's. Clients try again what is 408, 409, 423, 429 or 5xx, so a conflict, which is
// for good, is none of them.
var kinds = map[keyhatch.Kind]wireError{
	keyhatch.Invalid:         {status: http.StatusUnprocessableEntity},
	keyhatch.Unauthenticated: *errNotLoggedIn,
	keyhatch.Forbidden:       {status: http.StatusForbidden},
	keyhatch.NotFound:        *errNotFound,
	keyhatch.Conflict:        {status: http.StatusUnprocessableEntity},
	keyhatch.TooLarge:        {status: http.StatusRequestEntityTooLarge},
	keyhatch.TooMany:         {status: http.StatusTooManyRequests},
	keyhatch.Unavailable:     {status: http.StatusServiceUnavailable},
	keyhatch.Internal:        *errInternal,
}
