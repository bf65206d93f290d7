package upstream

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"slices"
)

// refusal is an error as the client is told it.
type refusal struct {
	status        int
	code, message string
}

func (r refusal) Error() string { return r.code }

var (
	unreachable    = refusal{http.StatusServiceUnavailable, "ServiceUnavailable", "The store behind this endpoint does not answer. Try again."}
	misconfigured  = refusal{http.StatusInternalServerError, "InternalError", "The store behind this endpoint cannot be used."}
	failed         = refusal{http.StatusInternalServerError, "InternalError", "The store behind this endpoint failed. Try again."}
	denied         = refusal{http.StatusForbidden, "AccessDenied", "The store behind this endpoint does not allow it."}
	crowded        = refusal{http.StatusServiceUnavailable, "SlowDown", "This endpoint holds too many long answers at the moment. Try again."}
	conditionless  = refusal{http.StatusNotImplemented, "NotImplemented", "The store behind this endpoint does not hold such a condition of this operation; nothing was changed."}
	unmet          = refusal{http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the preconditions that you specified did not hold."}
	untriable      = refusal{http.StatusNotImplemented, "NotImplemented", "Whether the store behind this endpoint holds such a condition cannot be tried beside such a key; nothing was changed."}
	ofWhole        = refusal{http.StatusNotImplemented, "NotImplemented", "In the store behind this endpoint the parts of an upload are checked, their whole is not: leave x-amz-checksum- away from the end of the upload."}
	incompleteBody = refusal{http.StatusBadRequest, "IncompleteBody", "The body could not be read to its end; nothing was stored."}
)

// refusals are those of a store that are passed on, in our words: a store's may
// name accounts, policies and hosts.
//
// Source of codes and statuses: Amazon S3 API reference, "Error responses".
var refusals = []refusal{
	{http.StatusBadRequest, "BadDigest", "The Content-MD5 or checksum is not that of the body."},
	{http.StatusBadRequest, "EntityTooLarge", "The upload is larger than the store behind this endpoint takes."},
	{http.StatusBadRequest, "EntityTooSmall", "A part of the upload is smaller than the store behind this endpoint takes; only the last one may be small."},
	{http.StatusBadRequest, "IncompleteBody", "The body has not the length that was announced."},
	{http.StatusBadRequest, "InvalidArgument", "The store behind this endpoint does not accept an argument of the request."},
	{http.StatusBadRequest, "InvalidDigest", "The Content-MD5 or checksum is not valid."},
	{http.StatusBadRequest, "InvalidPart", "A part was not found, or its entity tag is not the part's."},
	{http.StatusBadRequest, "InvalidPartOrder", "The parts must be listed in ascending order."},
	{http.StatusBadRequest, "InvalidRequest", "The store behind this endpoint does not accept the request."},
	{http.StatusBadRequest, "InvalidTag", "The store behind this endpoint does not accept the tags."},
	{http.StatusBadRequest, "KeyTooLongError", "The key is longer than the store behind this endpoint takes."},
	{http.StatusBadRequest, "MalformedXML", "The store behind this endpoint does not accept the document."},
	{http.StatusBadRequest, "MetadataTooLarge", "The metadata is more than the store behind this endpoint takes."},
	{http.StatusBadRequest, "RequestTimeout", "The store behind this endpoint waited too long for the body. Try again."},
	{http.StatusForbidden, "InvalidObjectState", "The object is archived in the store behind this endpoint, and cannot be read now."},
	{http.StatusForbidden, "QuotaExceeded", "The store behind this endpoint has no more room for it."},
	{http.StatusNotFound, "NoSuchBucket", "The bucket does not exist in the store behind this endpoint."},
	{http.StatusNotFound, "NoSuchKey", "The specified key does not exist."},
	{http.StatusNotFound, "NoSuchTagSet", "The object has no tags."},
	{http.StatusNotFound, "NoSuchUpload", "The upload does not exist: its id is not valid, or it was completed or aborted."},
	{http.StatusNotFound, "NoSuchVersion", "The version does not exist."},
	{http.StatusMethodNotAllowed, "MethodNotAllowed", "The method is not allowed on this object."},
	{http.StatusConflict, "ConditionalRequestConflict", "Another request changed the object at the same time. Try again."},
	{http.StatusConflict, "OperationAborted", "Another operation on the same is under way. Try again."},
	unmet,
	{http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable."},
	{http.StatusNotImplemented, "NotImplemented", "The store behind this endpoint does not offer this."},
	{http.StatusServiceUnavailable, "ServiceUnavailable", "The store behind this endpoint is not available. Try again."},
	{http.StatusServiceUnavailable, "SlowDown", "The store behind this endpoint is asked too often. Reduce your request rate."},
}

// bare are the codes of statuses that say enough without a document: a proxy in
// between may have answered, or there is none to a HEAD.
var bare = map[int]string{
	http.StatusNotModified:                  "PreconditionFailed", // of the source of a copy, as versitygw has it
	http.StatusRequestTimeout:               "RequestTimeout",
	http.StatusPreconditionFailed:           "PreconditionFailed",
	http.StatusRequestEntityTooLarge:        "EntityTooLarge",
	http.StatusRequestedRangeNotSatisfiable: "InvalidRange",
	http.StatusTooManyRequests:              "SlowDown",
	http.StatusNotImplemented:               "NotImplemented",
	http.StatusServiceUnavailable:           "ServiceUnavailable",
}

// bareOfHead are those that only a HEAD has; anything else has a document, or is
// not the answer of an S3 store.
var bareOfHead = map[int]string{
	http.StatusBadRequest:       "InvalidRequest",
	http.StatusNotFound:         "NoSuchKey",
	http.StatusMethodNotAllowed: "MethodNotAllowed",
}

// ofOurKeys are refusals of the keys that act for us, not of the caller's: to
// hear them would make a client refresh or drop a lease that is good.
var ofOurKeys = []string{
	"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidSecurity", "ExpiredToken", "InvalidToken", "InvalidTokenId", "TokenRefreshRequired",
	"RequestTimeTooSkewed", "RequestExpired", "AuthorizationHeaderMalformed", "AuthorizationQueryParametersError", "AccountProblem",
	"InvalidPayer", "NotSignedUp", "UserSuspended", "XAmzContentSHA256Mismatch",
}

// maxRefusal bounds what is read of a refusal.
const maxRefusal = 64 << 10

// refusal reads a store's refusal.
func (s *Store) refusal(r *http.Request, answer *http.Response) refusal {
	text, _ := io.ReadAll(io.LimitReader(answer.Body, maxRefusal)) // what there is of it
	e, _ := readError(text)
	return s.told(r, answer.StatusCode, e)
}

// errorDocument is what a store says of its refusal. It is for the log only.
type errorDocument struct{ Code, Message string }

// readError reads a document that is an error, if it is one. One that cannot be read
// further is one all the same.
func readError(text []byte) (e errorDocument, is bool) {
	text = bytes.TrimLeft(text, " \t\r\n") // which a store sends while it works
	if root, _ := rootOf(text); root != "Error" {
		return e, false
	}
	if err := xml.Unmarshal(text[:min(len(text), maxRefusal)], &e); err != nil {
		return errorDocument{}, true
	}
	return e, true
}

// told is what the client is told of a refusal, with status 200 too.
func (s *Store) told(r *http.Request, status int, e errorDocument) refusal {
	log := s.log.With("status", status, "code", e.Code[:min(len(e.Code), 100)], "message", e.Message[:min(len(e.Message), 500)])
	if status == http.StatusUnauthorized || slices.Contains(ofOurKeys, e.Code) {
		log.Error("the store refuses our keys")
		return misconfigured
	}
	codes := []string{e.Code, bare[status]}
	if r.Method == http.MethodHead {
		codes = append(codes, bareOfHead[status])
	}
	for _, code := range codes {
		known := slices.IndexFunc(refusals, func(known refusal) bool { return known.code == code })
		if known < 0 {
			continue
		}
		if refusals[known].status >= http.StatusInternalServerError {
			log.Warn("the store fails")
		}
		return refusals[known]
	}
	switch {
	case status == http.StatusForbidden:
		log.Warn("the store refuses what was let through, or does not know our key")
		return denied
	case status == http.StatusOK, status >= http.StatusInternalServerError:
		log.Warn("the store fails")
		return failed
	case status >= http.StatusBadRequest && e.Code != "":
		log.Warn("the store refuses a request in words of its own")
		return refusal{status, "InvalidRequest", "The store behind this endpoint does not accept the request."}
	}
	log.Error("the store sends us elsewhere, or is no S3 store")
	return misconfigured
}

// asRefusal is what the client is told of an error; the store did not answer, if that is
// not one.
func asRefusal(err error) refusal {
	e := unreachable
	errors.As(err, &e)
	return e
}

// refuse answers with an error document.
func refuse(w http.ResponseWriter, e refusal) {
	text, _ := xml.Marshal(struct {
		XMLName       xml.Name `xml:"Error"`
		Code, Message string
	}{Code: e.code, Message: e.message}) // text always encodes
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(e.status)
	_, _ = w.Write(text) // the connection is all that can fail here
}
