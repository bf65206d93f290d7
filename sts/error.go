package sts

import (
	"errors"
	"net/http"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
	"github.com/keyhatch/keyhatch/sigv4"
)

// stsError is a refusal in AWS's words. The message never repeats what was sent.
type stsError struct {
	status  int
	code    string
	message string
}

func (e *stsError) Error() string { return e.code + ": " + e.message }

// validation is what is wrong with a parameter.
func validation(message string) *stsError {
	return &stsError{http.StatusBadRequest, "ValidationError", message}
}

// Source of codes and statuses: AWS STS API reference, "Common errors" and the
// errors of each action; and for what is signed, what STS answers with.
var (
	errForm          = validation("the parameters cannot be read: send them percent-encoded, in UTF-8, at most 64 of them")
	errTwice         = validation("a parameter is given twice")
	errMediaType     = validation("send the parameters as application/x-www-form-urlencoded")
	errBothForms     = validation("send the parameters in the body of a POST, or in the query of a GET, and nothing in the other")
	errTooLarge      = &stsError{http.StatusRequestEntityTooLarge, "ValidationError", "a request has at most 64 KiB"}
	errMethod        = &stsError{http.StatusMethodNotAllowed, "InvalidAction", "send a POST, or a GET"}
	errNoAction      = &stsError{http.StatusBadRequest, "MissingAction", "the parameter Action is missing"}
	errAction        = &stsError{http.StatusBadRequest, "InvalidAction", "there are AssumeRoleWithWebIdentity, AssumeRole and GetCallerIdentity, of the Version 2011-06-15"}
	errNotSigned     = &stsError{http.StatusForbidden, "MissingAuthenticationToken", "the request is not signed: sign it with the keys of a lease, or an access key"}
	errSignature     = &stsError{http.StatusForbidden, "SignatureDoesNotMatch", "the signature does not match: check the access key, the secret key and the session token, which must all be of one lease; an access key has no session token"}
	errEnded         = &stsError{http.StatusForbidden, "InvalidClientTokenId", "the lease has ended: it, what it was borrowed with, or its user was revoked"}
	errExpired       = &stsError{http.StatusForbidden, "ExpiredToken", "the lease has expired: borrow another one"}
	errElsewhere     = &stsError{http.StatusForbidden, "AccessDenied", "the lease does not work from here: what it was borrowed with is confined to networks"}
	errKeyEnded      = &stsError{http.StatusForbidden, "InvalidClientTokenId", "the access key has ended, or its owner is inactive"}
	errKeyElsewhere  = &stsError{http.StatusForbidden, "AccessDenied", "the access key does not work from here: it is confined to networks"}
	errIdentityToken = &stsError{http.StatusBadRequest, "InvalidIdentityToken", "the web identity token must be an API token, or a signed token of an issuer that is trusted here, that is valid: it may be mistyped, expired, revoked, or not for use from here"}
	errWorkspace     = validation("say which workspace is meant: RoleArn .../ACCESS/workspace/NAME/s3/..., or use a token of that workspace")
	errInternal      = &stsError{http.StatusInternalServerError, "InternalFailure", "this is a fault of the server; its log says more under the request id"}
)

// asSTS maps every failure to AWS's wire.
func asSTS(err error) *stsError {
	var e *stsError
	var signature *sigv4.Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &signature):
		return asSignature(signature)
	case errors.Is(err, policy.ErrLeaseExpired):
		return errExpired
	case errors.Is(err, policy.ErrLeaseRevoked):
		return errEnded
	case errors.Is(err, policy.ErrLeaseElsewhere):
		return errElsewhere
	case errors.Is(err, policy.ErrKeyEnded):
		return errKeyEnded
	case errors.Is(err, policy.ErrKeyElsewhere):
		return errKeyElsewhere
	}
	var failed *keyhatch.Error
	if !errors.As(err, &failed) || failed.Kind == keyhatch.Internal {
		return errInternal
	}
	if special, ok := codes[failed.Code]; ok {
		return special.with(failed.Message)
	}
	return kinds[failed.Kind].with(failed.Message)
}

// with is the error with a message, if it has none of its own.
func (e stsError) with(message string) *stsError {
	if e.message == "" {
		e.message = message
	}
	return &e
}

// codes are the failures of the core that AWS tells from others of their kind.
var codes = map[keyhatch.Code]stsError{
	keyhatch.CodeInvalidPolicy:     {status: http.StatusBadRequest, code: "MalformedPolicyDocument"},
	keyhatch.CodePolicyTooLarge:    {status: http.StatusBadRequest, code: "PackedPolicyTooLarge"},
	keyhatch.CodeWorkspaceRequired: *errWorkspace,
}

// kinds maps every kind of failure of the core. SDKs retry what is ServiceUnavailable
// or InternalFailure, and nothing else.
var kinds = map[keyhatch.Kind]stsError{
	keyhatch.Invalid:         {status: http.StatusBadRequest, code: "ValidationError"},
	keyhatch.Unauthenticated: *errEnded,
	keyhatch.Forbidden:       {status: http.StatusForbidden, code: "AccessDenied"},
	keyhatch.NotFound:        {status: http.StatusForbidden, code: "AccessDenied"}, // a role that one may not assume
	keyhatch.Conflict:        {status: http.StatusForbidden, code: "AccessDenied"},
	keyhatch.TooLarge:        {status: http.StatusRequestEntityTooLarge, code: "ValidationError"},
	keyhatch.TooMany:         {status: http.StatusBadRequest, code: "Throttling"}, // SDKs slow down and ask again
	keyhatch.Unavailable:     {status: http.StatusServiceUnavailable, code: "ServiceUnavailable"},
	keyhatch.Internal:        *errInternal,
}

// asSignature puts what is wrong with the form of a signature into the words of
// STS; package sigv4 speaks S3's.
func asSignature(e *sigv4.Error) *stsError {
	if e.Code == "InvalidToken" {
		return &stsError{http.StatusForbidden, "InvalidClientTokenId", e.Message}
	}
	return &stsError{http.StatusBadRequest, "IncompleteSignature", e.Message}
}

// mismatch is a signature that is well-formed and not good: not of now, not for this
// endpoint, or wrong. STS has one code for these; SDKs set their clocks by it.
func mismatch(err error) error {
	var e *sigv4.Error
	switch {
	case !errors.As(err, &e):
		return err
	case e.Code == "SignatureDoesNotMatch":
		return errSignature
	}
	return &stsError{http.StatusForbidden, "SignatureDoesNotMatch", e.Message}
}
