package idp

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
	"github.com/keyhatch/keyhatch/broker/oauth"
)

// failure is a refusal in the words of OAuth 2. Its description is of the few characters
// that there can be in one, and never repeats what was sent.
//
// Source: RFC 6749, section 5.2; RFC 6750, section 3.1; RFC 7009, section 2.2.1.
type failure struct {
	status      int
	Code        string `json:"error"`
	Description string `json:"error_description"`
	anonymous   bool   // no token was shown
	wait        time.Duration
}

func (f failure) Error() string { return f.Code + ": " + f.Description }

func invalidRequest(status int, description string) failure {
	return failure{status: status, Code: "invalid_request", Description: description}
}

var (
	errMethod    = invalidRequest(http.StatusMethodNotAllowed, "this path does not take that method: use one of those in the header Allow")
	errMediaType = invalidRequest(http.StatusBadRequest, "send the parameters in the body, as application/x-www-form-urlencoded")
	errQuery     = invalidRequest(http.StatusBadRequest, "send the parameters in the body and none in the URL, which ends up in logs")
	errBody      = invalidRequest(http.StatusBadRequest, "send the parameters of a GET in the URL, and no body")
	errForm      = invalidRequest(http.StatusBadRequest, "the parameters cannot be read: send them percent-encoded, in UTF-8, at most 64 of them")
	errTwice     = invalidRequest(http.StatusBadRequest, "a parameter is given twice: send each once")
	errNoToken   = invalidRequest(http.StatusBadRequest, "the parameter token is missing: send it")
	// Sent back, what is too long would be so there too.
	errLongRequest = invalidRequest(http.StatusRequestURITooLong, "the program that has sent you here asks with more than can be kept while you log in: begin again there, and tell its makers to send a state of less than 6000 characters")
	errTooLarge    = invalidRequest(http.StatusRequestEntityTooLarge, "the request is too large: send less than 1 MiB")
	errLong        = failure{
		status: http.StatusBadRequest, Code: "unsupported_token_type",
		Description: "that is longer than an API token, which is all that can be ended here: end a lease by the call for it, or with its token",
	}
	errElsewhere = failure{
		status: http.StatusForbidden, Code: "access_denied",
		Description: "another site sent you here: go to the page /profile yourself to log out, what you are logged in with is ended from our own pages only",
	}
)

// failures maps every kind of failure of the core.
var failures = map[keyhatch.Kind]failure{
	keyhatch.Invalid: invalidRequest(http.StatusBadRequest, "the request is not as it must be: check what you sent"),
	keyhatch.Unauthenticated: {
		status: http.StatusUnauthorized, Code: "invalid_token",
		Description: "call this with an API token that works: it may be missing, mistyped, expired, revoked, or not for use from here",
	},
	keyhatch.Forbidden: {status: http.StatusForbidden, Code: "insufficient_scope", Description: "the scopes of the token do not allow this call: use another token"},
	keyhatch.NotFound:  invalidRequest(http.StatusNotFound, "there is no such thing, or you may not see it: check what you sent"),
	keyhatch.Conflict:  invalidRequest(http.StatusConflict, "the request contradicts what is stored: look at what is there, and begin again"),
	keyhatch.TooLarge:  errTooLarge,
	keyhatch.TooMany: {
		status: http.StatusTooManyRequests, Code: "temporarily_unavailable",
		Description: "there were too many of these in a minute: wait as long as the header Retry-After says",
	},
	keyhatch.Unavailable: {
		status: http.StatusServiceUnavailable, Code: "temporarily_unavailable",
		Description: "this cannot be done now: try again soon",
	},
	keyhatch.Internal: {
		status: http.StatusInternalServerError, Code: "server_error",
		Description: "this is a fault of the server: try again, and if it stays, ask its operator, whose log says more under the request id",
	},
}

// failureOf maps every failure to the wire.
func failureOf(err error) failure {
	var f failure
	if errors.As(err, &f) {
		return f
	}
	var r oauth.Refusal
	if errors.As(err, &r) {
		return failureOfRefusal(r)
	}
	var e *keyhatch.Error
	if !errors.As(err, &e) {
		return failures[keyhatch.Internal]
	}
	f = failures[e.Kind]
	f.anonymous = e.Code == keyhatch.CodeTokenMissing
	f.wait = e.Wait()
	if e.Code == keyhatch.CodeOutcomeUnknown { // its kind's sentence says to try again
		f.Description = e.Message
	}
	return f
}

// failureOnPage is failureOf for people, who are told what the core says: that knows more of what they have done, and
// what to do next. Of what the core does not know itself they get the sentence of its kind.
func failureOnPage(err error) failure {
	f := failureOf(err)
	var own failure
	var refusal oauth.Refusal
	var e *keyhatch.Error
	if !errors.As(err, &own) && !errors.As(err, &refusal) && errors.As(err, &e) && e.Kind != keyhatch.Internal && e.Message != "" {
		f.Description = e.Message
	}
	return f
}

// failureOfRefusal maps a refusal of the authorization server. All but one have one status.
//
// Source: RFC 6749, section 5.2; RFC 8628, section 3.5.
func failureOfRefusal(r oauth.Refusal) failure {
	f := failure{status: http.StatusBadRequest, Code: r.Code, Description: r.Message}
	if r == oauth.ErrClient {
		f.status = http.StatusUnauthorized
	}
	return f
}

// headers are what a client acts on without reading the body.
func (f failure) headers() map[string]string {
	h := map[string]string{}
	if f.wait > 0 {
		h["Retry-After"] = strconv.Itoa(auth.WholeSeconds(f.wait))
	}
	switch {
	case f.anonymous:
		h["WWW-Authenticate"] = `Bearer realm="keyhatch"`
	case f.Code == oauth.ErrClient.Code:
		h["WWW-Authenticate"] = `Basic realm="keyhatch"`
	case f.Code == "invalid_token" || f.Code == "insufficient_scope":
		h["WWW-Authenticate"] = `Bearer realm="keyhatch", error="` + f.Code + `"`
	}
	return h
}
