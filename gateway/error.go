package gateway

import (
	"errors"
	"net/http"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/gateway/limit"
	"github.com/keyhatch/keyhatch/gateway/s3wire"
	"github.com/keyhatch/keyhatch/policy"
	"github.com/keyhatch/keyhatch/sigv4"
)

// Source of codes and statuses: Amazon S3 API reference, "Error responses".
var (
	errNotOpen          = s3wire.Refuse(http.StatusForbidden, "AccessDenied", "Access Denied")
	errPolicy           = s3wire.Refuse(http.StatusForbidden, "AccessDenied", "Access Denied. The lease opens it, but a session policy of the lease does not allow it.")
	errLate             = s3wire.Refuse(http.StatusBadRequest, "RequestTimeout", "The body took too long to arrive; nothing of it was stored.")
	errBrokenOff        = s3wire.Refuse(http.StatusBadRequest, "IncompleteBody", "The body could not be read to its end; nothing of it was stored.")
	errDocumentTooLarge = s3wire.Refuse(http.StatusBadRequest, "EntityTooLarge", "The body of this operation has at most 1 MiB.")
	errUnexpectedBody   = s3wire.Refuse(http.StatusBadRequest, "InvalidRequest", "This operation has no body.")
	errTooLarge         = s3wire.Refuse(http.StatusBadRequest, "EntityTooLarge", "An object uploaded in one piece has at most 5 GiB.")
	errNoLength         = s3wire.Refuse(http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length header.")
	errSessionToken     = s3wire.Refuse(http.StatusForbidden, "AccessDenied", "The session token is not one of this endpoint's: it was changed, or belongs elsewhere.")
	errStoresKeys       = s3wire.Refuse(http.StatusForbidden, "AccessDenied", "These keys are not of this endpoint. Keys that a store lends itself work at the store: its endpoint is told with the lease.")
	errExpired          = s3wire.Refuse(http.StatusBadRequest, "ExpiredToken", "The lease has expired. Borrow another one.")
	errRevoked          = s3wire.Refuse(http.StatusForbidden, "AccessDenied", "The lease has ended: it, what it was borrowed with, or its user was revoked.")
	errElsewhere        = s3wire.Refuse(http.StatusForbidden, "AccessDenied", "The lease does not work from here: what it was borrowed with is confined to networks.")
	errKeyEnded         = s3wire.Refuse(http.StatusForbidden, "InvalidAccessKeyId", "The access key has ended: it was deleted or replaced, it has expired, or its owner is inactive.")
	errNotFromHere      = s3wire.Refuse(http.StatusForbidden, "AccessDenied", "What you ask for is reached from certain networks alone, and you ask from another one: ask from a machine there.")
	errKeyElsewhere     = s3wire.Refuse(http.StatusForbidden, "AccessDenied", "The access key does not work from here: it is confined to networks.")
	errBusy             = s3wire.Refuse(http.StatusServiceUnavailable, "SlowDown", "The service cannot tell at the moment what is permitted. Try again.")
	errUnrecorded       = s3wire.Refuse(http.StatusServiceUnavailable, "SlowDown", "The service cannot record requests at the moment, and lets none in that it cannot record. Try again.")
	errInternal         = s3wire.Refuse(http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again.")
)

// What is said to who asks too much, with one credential and with all of a user's.
var (
	errsOfCredential = limit.Refusals{
		TooMany:          s3wire.Refuse(http.StatusServiceUnavailable, "SlowDown", "This credential has too many requests at a time. Wait for some to end."),
		TooManyDocuments: s3wire.Refuse(http.StatusServiceUnavailable, "SlowDown", "This credential has too many batch deletes, ends of uploads and sets of tags at a time. Wait for some to end."),
		TooFast:          s3wire.Refuse(http.StatusServiceUnavailable, "SlowDown", "This credential asks too often. Reduce your request rate."),
	}
	errsOfUser = limit.Refusals{
		TooMany:          s3wire.Refuse(http.StatusServiceUnavailable, "SlowDown", "All credentials of this user together have too many requests at a time. Wait for some to end."),
		TooManyDocuments: s3wire.Refuse(http.StatusServiceUnavailable, "SlowDown", "All credentials of this user together have too many batch deletes, ends of uploads and sets of tags at a time. Wait for some to end."),
		TooFast:          s3wire.Refuse(http.StatusServiceUnavailable, "SlowDown", "All credentials of this user together ask too often. Reduce your request rate."),
	}
)

// errCutShort is what is said of a request that was ended while a store was at what
// cannot be called back.
var errCutShort = s3wire.Refuse(http.StatusServiceUnavailable, "ServiceUnavailable", "The lease ended while the store was asked. It may have been done.")

// errCrowded is said of a document for which there is no memory, and errNotHeld of one
// that tells what was done.
var (
	errCrowded = s3wire.Refuse(http.StatusServiceUnavailable, "SlowDown", "This endpoint holds too many long documents at the moment. Try again.")
	errNotHeld = s3wire.Refuse(http.StatusServiceUnavailable, "SlowDown", "The keys may have been deleted: this endpoint holds too many long documents to tell. Try again.")
)

// asS3 maps every failure to S3's wire.
func asS3(err error) *s3wire.Error {
	var e *s3wire.Error
	var signature *sigv4.Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &signature):
		return s3wire.Refuse(signature.Status, signature.Code, signature.Message)
	case errors.Is(err, limit.ErrNoMemory):
		return errCrowded
	case errors.Is(err, policy.ErrLeaseExpired):
		return errExpired
	case errors.Is(err, policy.ErrLeaseRevoked):
		return errRevoked
	case errors.Is(err, policy.ErrLeaseElsewhere):
		return errElsewhere
	case errors.Is(err, policy.ErrKeyEnded):
		return errKeyEnded
	case errors.Is(err, policy.ErrKeyElsewhere):
		return errKeyElsewhere
	}
	for kind, e := range kinds {
		if errors.Is(err, kind) {
			return e
		}
	}
	return errInternal
}

// kinds maps every kind of failure of the core, none of which is expected here
// but Unavailable.
var kinds = map[keyhatch.Kind]*s3wire.Error{
	keyhatch.Invalid:         s3wire.ErrInvalidURI,
	keyhatch.Unauthenticated: errSessionToken,
	keyhatch.Forbidden:       errRevoked,
	keyhatch.NotFound:        errRevoked,
	keyhatch.Conflict:        errInternal,
	keyhatch.TooLarge:        s3wire.ErrInvalidURI,
	keyhatch.TooMany:         errBusy,
	keyhatch.Unavailable:     errBusy,
	keyhatch.Internal:        errInternal,
}
