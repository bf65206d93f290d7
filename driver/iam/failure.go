package iam

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/keyhatch/keyhatch"
)

// verdict is what a refusal of a store means here.
type verdict struct {
	kind    keyhatch.Kind
	code    keyhatch.Code
	message string
}

// What a key's change can cure is a Conflict. What the store's people must cure may
// pass without that: it is tried again.
var (
	gone       = verdict{keyhatch.NotFound, keyhatch.CodeAccessKeyNotFound, "the store does not have it"}
	refused    = verdict{keyhatch.Unavailable, keyhatch.CodeUnavailable, "the store does not let its credential keep users: see which permissions it needs"}
	unknown    = verdict{keyhatch.Unavailable, keyhatch.CodeUnavailable, "the store does not take its credential"}
	crowded    = verdict{keyhatch.Unavailable, keyhatch.CodeUnavailable, "the store has no room for more users, or takes no more requests at the moment"}
	inUse      = verdict{keyhatch.Conflict, keyhatch.CodeInUse, "the key's user has more at the store than we gave it (groups, policies, buckets): remove that there"}
	noPolicy   = verdict{keyhatch.Conflict, keyhatch.CodeInvalidPolicy, "the store does not take the key's policy"}
	unfit      = verdict{keyhatch.Unavailable, keyhatch.CodeStoreUnsupported, "the store does not have the service for keys that it is said to have"}
	strange    = verdict{keyhatch.Unavailable, keyhatch.CodeStoreSilent, "the store answers with an error"}
	unreadable = verdict{keyhatch.Unavailable, keyhatch.CodeStoreSilent, "the store cannot be asked: nothing answers, or what answers is not what it should be"}
)

// verdicts are the codes of AWS's IAM and of those who do as it does, Ceph's among
// them.
//
// Source: IAM API reference, "Common errors" and those of each action; Ceph
// Documentation, "Admin Operations".
var verdicts = map[string]verdict{
	"NoSuchEntity": gone, "NoSuchUser": gone,
	"AccessDenied": refused, "AccessDeniedException": refused, "UnauthorizedAccess": refused,
	"InvalidClientTokenId": unknown, "InvalidAccessKeyId": unknown, "SignatureDoesNotMatch": unknown, "ExpiredToken": unknown,
	"IncompleteSignature": unknown, "MissingAuthenticationToken": unknown, "OptInRequired": unknown,
	"LimitExceeded": crowded, "Throttling": crowded, "ThrottlingException": crowded, "RequestLimitExceeded": crowded, "SlowDown": crowded,
	"DeleteConflict": inUse, "BucketAlreadyExists": inUse, // the second is Ceph's
	"MalformedPolicyDocument": noPolicy, "MalformedPolicy": noPolicy,
	"NoSuchBucket": unfit, "NoSuchKey": unfit, // it takes us for somebody with objects
	"InvalidAction": unfit, "NotImplemented": unfit, "MethodNotAllowed": unfit, "UnknownOperationException": unfit,
}

// ofCode is what a code looks like; others are not repeated.
var ofCode = regexp.MustCompile(`^[A-Za-z0-9.]{1,64}$`)

// Failure is what an answer that is no success means: a keyhatch.Error with nothing
// in it that a store says, but its code. Not even the log gets to see more: an
// answer about pairs may hold a secret.
func Failure(operation string, status int, code string) error {
	v, known := verdicts[code]
	switch {
	case known:
	case status == http.StatusTooManyRequests:
		v = crowded
	default:
		v = strange
	}
	if !ofCode.MatchString(code) {
		code = "an error"
	}
	return v.error(fmt.Errorf("%s: %d %s", operation, status, code))
}

// NoAnswer is that a store could not be asked.
func NoAnswer(cause error) error { return unreadable.error(cause) }

func (v verdict) error(cause error) error {
	return keyhatch.Fail(v.kind, v.code, "%s", v.message).Because(cause)
}

// failure puts an error of the SDK in our words.
func failure(err error) error {
	if err == nil {
		return nil
	}
	var operation *smithy.OperationError
	name := "asking"
	if errors.As(err, &operation) {
		name = operation.OperationName
	}
	var said smithy.APIError
	if errors.As(err, &said) {
		var response *smithyhttp.ResponseError
		status := 0
		if errors.As(err, &response) {
			status = response.HTTPStatusCode()
		}
		return Failure(name, status, said.ErrorCode())
	}
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, end) {
			return NoAnswer(fmt.Errorf("%s: %w", name, end))
		}
	}
	var sent *smithyhttp.RequestSendError
	if errors.As(err, &sent) {
		return NoAnswer(fmt.Errorf("%s: %w", name, sent.Err)) // nothing came of which it could tell
	}
	return NoAnswer(fmt.Errorf("%s: its answer cannot be read", name))
}
