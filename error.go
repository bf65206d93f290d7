package keyhatch

import (
	"fmt"
	"time"
)

// Kind says what sort of failure an error is. A Kind is itself an error, so
// that callers branch with errors.Is(err, keyhatch.NotFound). Each door maps
// every kind to its own wire format.
type Kind string

// The kinds. There is one only where somebody branches on it.
const (
	Invalid         Kind = "invalid"         // the request breaks a rule that its sender can fix
	Unauthenticated Kind = "unauthenticated" // nobody can be told from the request
	Forbidden       Kind = "forbidden"       // the caller is known and may not
	NotFound        Kind = "not found"       // it does not exist, or the caller may not know that it does
	Conflict        Kind = "conflict"        // it contradicts what is stored
	TooLarge        Kind = "too large"       // a bound of the input was passed
	TooMany         Kind = "too many"        // of it were asked for in a short time; it works after Error.RetryAfter
	Unavailable     Kind = "unavailable"     // it may work later, unchanged
	Internal        Kind = "internal"        // a fault of ours; every error without a kind is one
)

// Kinds lists every kind, for the tests that demand a mapping for each.
var Kinds = []Kind{Invalid, Unauthenticated, Forbidden, NotFound, Conflict, TooLarge, TooMany, Unavailable, Internal}

func (k Kind) Error() string { return string(k) }

// Error is a failure that can be shown: Message is safe for any caller and says
// what to do next, Cause is for the log only.
type Error struct {
	Kind    Kind
	Code    Code
	Message string
	// Field names the input that is at fault, in the words of the native API
	// ("prefixes", "duration_seconds"); empty when no single one is.
	Field string
	// Terms is the id of the location whose terms of use have to be accepted first; empty:
	// that is not what is at fault. Each door that knows where its pages are tells the
	// address, at TermsPage.
	Terms string
	// RetryAfter is how long it will not help to ask again; zero: not known. See Wait.
	RetryAfter time.Duration
	Cause      error
}

// Fail makes an Error. The format's arguments reach the caller: never pass what
// the caller submitted, a secret, or an internal cause.
func Fail(kind Kind, code Code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...)}
}

// In names the input at fault and returns e.
func (e *Error) In(field string) *Error {
	e.Field = field
	return e
}

// AfterTerms says of which location the terms have to be accepted first and returns e.
func (e *Error) AfterTerms(location string) *Error {
	e.Terms = location
	return e
}

// After says how long to wait and returns e.
func (e *Error) After(d time.Duration) *Error {
	e.RetryAfter = d
	return e
}

// Wait is what programs are told to wait before they ask again, a second at least. Zero is for
// what is refused for good, and for CodeOutcomeUnknown: who is told when to ask again does so,
// and would do a second time what may have been done.
func (e *Error) Wait() time.Duration {
	if e.Kind != TooMany && e.Kind != Unavailable || e.Code == CodeOutcomeUnknown {
		return 0
	}
	return max(time.Second, e.RetryAfter)
}

// Because sets the hidden cause and returns e.
func (e *Error) Because(cause error) *Error {
	e.Cause = cause
	return e
}

// Error is the text for logs: the message, and the cause behind it.
func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s", e.Message, e.Cause.Error())
	}
	return e.Message
}

// Unwrap makes errors.Is find the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Cause != nil {
		return []error{e.Kind, e.Cause}
	}
	return []error{e.Kind}
}

// NotFoundError is what does not exist and what the caller may not see: the two
// cannot be told apart.
func NotFoundError(code Code) *Error {
	where, ok := lists[code]
	if !ok {
		where = "check its name"
	}
	return Fail(NotFound, code, "it does not exist, or you may not see it: %s", where)
}

// lists says where one finds what there is.
var lists = map[Code]string{
	CodeUserNotFound:      "GET /api/v1/users lists whom you may see; others are named by their id",
	CodeGroupNotFound:     "GET /api/v1/groups lists the workspace's",
	CodeWorkspaceNotFound: "GET /api/v1/workspaces lists yours",
	CodeTeamspaceNotFound: "GET /api/v1/teamspaces lists those of a workspace that you may see",
	CodeMemberNotFound:    "list the members first",
	CodeTokenNotFound:     "GET /api/v1/tokens lists yours",
	CodePasswordNotFound:  "the user has none",
	CodeSessionNotFound:   "GET /api/v1/sessions lists yours",
	CodeStoreNotFound:     "GET /api/v1/stores lists those that you may use",
	CodeAccountNotFound:   "GET /api/v1/store-accounts lists the workspace's",
	CodeObjectNotFound:    "the bucket has no object of that key, and none in a folder of that name",
	CodeBucketNotFound:    "GET /api/v1/buckets lists the workspace's",
	CodeLocationNotFound:  "GET /api/v1/locations lists those of a workspace that you may use, and a prefix must lie inside one",
	CodeAccessKeyNotFound: "GET /api/v1/access-keys lists those of a workspace that you may see",
	CodeGrantNotFound:     "GET /api/v1/grants lists those that you may see",
	CodeLeaseNotFound:     "GET /api/v1/leases lists yours",
	CodeEventNotFound:     "GET /api/v1/events lists those that you may see",
	CodeClientNotFound:    "installation admins see which programs are registered",
	CodeConsentNotFound:   "the page /profile lists yours",
	CodeTermsNotFound:     "the location asks for none to be accepted",
	CodeDeviceNotFound:    "type the code as the device shows it, or start again there: a code is good for ten minutes, and once",
}
