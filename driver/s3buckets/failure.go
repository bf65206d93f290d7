package s3buckets

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/keyhatch/keyhatch"
)

// verdicts are what the codes of S3's refusals mean here: what a store goes on refusing is
// a Conflict, and what its people must cure may pass.
//
// Source: Amazon S3 API reference, "Error responses".
var verdicts = map[string]func() *keyhatch.Error{
	"BucketAlreadyExists": keyhatch.BucketExists, "BucketAlreadyOwnedByYou": keyhatch.BucketExists, "OperationAborted": keyhatch.BucketExists,
	"BucketNotEmpty": keyhatch.BucketNotEmpty,
	"NoSuchBucket":   keyhatch.BucketGone,
	"AccessDenied":   says(keyhatch.Conflict, "the store does not let its credential do this: see which permissions it needs"),
	"AllAccessDisabled": says(keyhatch.Conflict,
		"the store does not let its credential do this: see which permissions it needs"),
	"InvalidBucketName": says(keyhatch.Conflict, "the store does not take the bucket's name"),
	"TooManyBuckets":    says(keyhatch.Conflict, "the store lets its credential have no more buckets"),
	"IllegalLocationConstraintException": says(keyhatch.Conflict,
		"the store does not make buckets in the region that it is said to be in"),
	"InvalidLocationConstraint": says(keyhatch.Conflict,
		"the store does not make buckets in the region that it is said to be in"),
	"AuthorizationHeaderMalformed": says(keyhatch.Conflict, "the store is in another region than it is said to be"),
	"InvalidAccessKeyId":           says(keyhatch.Conflict, "the store does not take its credential"),
	"SignatureDoesNotMatch":        says(keyhatch.Conflict, "the store does not take its credential"),
	"NotImplemented":               says(keyhatch.Conflict, "the store cannot do this"),
	"MethodNotAllowed":             says(keyhatch.Conflict, "the store cannot do this"),
}

func says(kind keyhatch.Kind, message string) func() *keyhatch.Error {
	return func() *keyhatch.Error { return keyhatch.Fail(kind, keyhatch.CodeStoreUnsupported, "%s", message) }
}

func unavailable() *keyhatch.Error {
	return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeStoreSilent, "the store does not answer, or answers with an error: try again")
}

// ofCode is what a code looks like; others are not repeated.
var ofCode = regexp.MustCompile(`^[A-Za-z0-9.]{1,64}$`)

// failure puts an error of the SDK in our words. Of what the store has said only its code
// stays, for the log.
func failure(err error) error {
	if err == nil {
		return nil
	}
	var ours *keyhatch.Error
	if errors.As(err, &ours) {
		return err
	}
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, end) {
			return unavailable().Because(end)
		}
	}
	var said smithy.APIError
	if !errors.As(err, &said) || !ofCode.MatchString(said.ErrorCode()) {
		return unavailable().Because(errors.New("its answer cannot be read, or none came"))
	}
	cause := errors.New("the store says " + said.ErrorCode())
	if verdict := verdicts[said.ErrorCode()]; verdict != nil {
		return verdict().Because(cause)
	}
	switch status, _ := answered(err); status {
	case http.StatusNotFound: // to a HEAD, which has no code
		return keyhatch.BucketGone().Because(cause)
	case http.StatusForbidden:
		return verdicts["AccessDenied"]().Because(cause)
	}
	return unavailable().Because(cause)
}

// answered is the status of the answer that an error is about, 0 for none, and the store's
// time in it.
func answered(err error) (status int, at time.Time) {
	var response *smithyhttp.ResponseError
	if !errors.As(err, &response) || response.Response == nil {
		return 0, time.Now()
	}
	if at, err = http.ParseTime(response.Response.Header.Get("Date")); err != nil {
		at = time.Now()
	}
	return response.HTTPStatusCode(), at
}

// isGone tells whether it is the bucket that is not there.
func isGone(err error) bool {
	var e *keyhatch.Error
	return errors.As(err, &e) && e.Code == keyhatch.CodeBucketNotReady
}
