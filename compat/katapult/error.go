package katapult

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
	"github.com/keyhatch/keyhatch/compat/katapult/arguments"
)

// failure is an error as the format tells it.
type failure struct {
	code   code
	detail any // of the type that the catalogue says
	// description is that of routes and arguments, which name what is wrong; "" is the
	// catalogue's.
	description string
	cause       error
}

func (f *failure) Error() string {
	if f.cause != nil {
		return string(f.code) + ": " + f.cause.Error()
	}
	return string(f.code)
}

func (f *failure) Unwrap() error { return f.cause }

// fail makes a failure that has no detail, or whose detail is said.
func fail(c code, detail ...any) *failure {
	if len(detail) == 0 {
		return &failure{code: c, detail: nothing{}}
	}
	return &failure{code: c, detail: detail[0]}
}

// ofArguments are what is wrong with the arguments of a call. What was sent is not
// repeated.
func ofArguments(err error) *failure {
	var unreadable arguments.Unreadable
	var missing *arguments.Missing
	var wrong *arguments.Wrong
	switch {
	case errors.As(err, &unreadable):
		why := string(unreadable)
		return fail(invalidJSONBody, details{&why})
	case errors.As(err, &missing):
		f := fail(missingRequiredArgument, missingDetail{missing.Path, missingTarget{Name: last(missing.Path)}})
		f.description = "The '" + strings.Join(missing.Path, ".") + "' argument is required but has not been provided"
		return f
	case errors.As(err, &wrong):
		name := strings.Join(wrong.Path, ".")
		f := fail(invalidArgument, wrongDetail{
			Path: wrong.Path, Index: wrong.Index, Issue: wrong.Issue, IssueDescription: wrong.Issue.Description(), Errors: wrong.Errors,
			Argument: wrongTarget{ID: name, Name: last(wrong.Path)},
		})
		f.description = "The '" + name + "' argument is invalid"
		return f
	}
	return nil
}

func last(path []string) string { return path[len(path)-1] }

// kinds are the codes of kinds of failures of the core.
var kinds = map[keyhatch.Kind]code{
	keyhatch.Invalid:         validationError,
	keyhatch.Unauthenticated: invalidAPIToken,
	keyhatch.Forbidden:       permissionDenied,
	keyhatch.NotFound:        objectNotFound,
	keyhatch.Conflict:        validationError,
	keyhatch.TooLarge:        validationError,
	keyhatch.TooMany:         rateLimitReached,
	keyhatch.Unavailable:     serviceUnavailable,
	keyhatch.Internal:        unhandledException,
}

// codes are those of failures of the core for which the format has a word.
var codes = map[keyhatch.Code]code{
	keyhatch.CodeWorkspaceNotFound:   organizationNotFound,
	keyhatch.CodeWorkspaceNotInToken: organizationNotFound,
	keyhatch.CodeStoreNotFound:       clusterNotFound,
	keyhatch.CodeBucketNotFound:      bucketNotFound,
	keyhatch.CodeAccessKeyNotFound:   accessKeyNotFound,
	keyhatch.CodeTokenNotFound:       apiTokenNotFound,
	keyhatch.CodeAccountNotFound:     accountNotFound,
	keyhatch.CodeAccountNotReady:     accountNotProvisioned,
	keyhatch.CodeAccountSuspended:    accountSuspended,
	keyhatch.CodeAccountInTrash:      objectInTrash,
	keyhatch.CodeObjectNotFound:      objectNotFound,
	keyhatch.CodeKeyNotReady:         provisioningError,
	keyhatch.CodeKeyFailed:           taskQueueingError, // which clients do not try again
	keyhatch.CodeBucketNotReady:      provisioningError,
	keyhatch.CodeBucketNotEmpty:      bucketDeletionError,
	keyhatch.CodeJobNotRecorded:      taskQueueingError,
	keyhatch.CodeStoreSilent:         networkError,
}

// asFailure maps every failure to the format. perMinute is the request limit that was
// reached, if one was.
func asFailure(err error, perMinute int) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	if f := ofArguments(err); f != nil {
		return f
	}
	var e *keyhatch.Error
	if !errors.As(err, &e) {
		return fail(unhandledException)
	}
	c, ok := codes[e.Code]
	if !ok {
		c = kinds[e.Kind]
	}
	switch catalogue[c].detail.(type) {
	case messages:
		return fail(c, messages{[]string{sentence(e.Message)}})
	case limit:
		return fail(c, limit{perMinute})
	case details:
		if c == invalidAPIToken { // of which nobody is told more (S6)
			return fail(c, details{})
		}
		return fail(c, details{&e.Message})
	case trashDetail:
		return fail(c, trashDetail{})
	}
	return fail(c)
}

// tell is a failure as the route has it. Where nothing can be wrong with what is asked for,
// it is who asks that may not, or the server that cannot.
func (t route) tell(f *failure, err error) *failure {
	if !slices.Contains(ofSome, f.code) || slices.Contains(t.tells, f.code) {
		return f
	}
	var e *keyhatch.Error
	if errors.As(err, &e) && e.Kind == keyhatch.Invalid {
		return fail(permissionDenied, details{&e.Message})
	}
	return fail(serviceUnavailable)
}

// sentence begins a message with a capital, as the format's do.
func sentence(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[n:]
}

// told is a failure in both ways in which clients read it: the API's documentation has it
// bare, and the API itself wraps it.
type told struct {
	Error       *told   `json:"error,omitempty"`
	Code        code    `json:"code"`
	Description *string `json:"description"`
	Detail      any     `json:"detail"`
}

// refuse answers a failure, and logs what the client is not told.
func (d *Door) refuse(w http.ResponseWriter, r *http.Request, c *call, err error) {
	perMinute := c.caller.Allowance.PerMinute
	if perMinute == 0 { // it is the address that has failed too often
		perMinute = d.people.Limits().FailuresPerMinute
	}
	f := c.route.tell(asFailure(err, perMinute), err)
	line := catalogue[f.code]
	if line.status >= http.StatusInternalServerError {
		d.log.ErrorContext(r.Context(), "request failed", "request_id", keyhatch.OriginOf(r.Context()).RequestID, "error", err)
	}
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Api-Schema", "json-error")
	if line.status == http.StatusTooManyRequests || line.status == http.StatusServiceUnavailable {
		auth.TellWait(h, err)
	}
	t := told{Code: f.code, Detail: f.detail}
	if description := firstOf(f.description, line.description); description != "" {
		t.Description = &description
	}
	inner := t
	t.Error = &inner
	d.send(w, r, line.status, t)
}

func firstOf(said, otherwise string) string {
	if said != "" {
		return said
	}
	return otherwise
}

// noRoute is a path that there is not. It is repeated, as the format has it, but for what
// could be a token.
func noRoute(method, path string) *failure {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if keyhatch.MayHoldToken(s) {
			segments[i] = "[redacted]"
		}
	}
	f := fail(routeNotFound)
	f.description = "No route matches '" + strings.Join(segments, "/") + "' for " + method
	return f
}
