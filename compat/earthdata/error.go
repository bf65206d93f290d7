package earthdata

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
	"github.com/keyhatch/keyhatch/broker/oauth"
)

// failure is a refusal as the Thin Egress App tells it.
type failure struct {
	Status      int    `json:"status_code"`
	Code        string `json:"error"`
	Description string `json:"error_description"`
	Resolution  string `json:"resolution_url,omitempty"` // where something can be done about it
	wait        time.Duration
	challenge   string
}

func (f failure) Error() string { return f.Code + ": " + f.Description }

const (
	basicChallenge  = `Basic realm="keyhatch"`
	bearerChallenge = `Bearer realm="keyhatch"`
)

var (
	errMethod = failure{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Description: "this path does not take that method: use one of those in the header Allow"}
	// errNobody is for who has shown nothing, and cannot be sent to a login.
	errNobody = failure{
		Status: http.StatusUnauthorized, Code: "invalid_token", challenge: bearerChallenge,
		Description: "nobody can be told from the request: send a token, as Authorization: Bearer",
	}
	errBasic = failure{
		Status: http.StatusUnauthorized, Code: "invalid_credentials", challenge: basicChallenge,
		Description: "HTTP Basic: Access denied. Send your name and your password, and check both",
	}
	errClient = failure{
		Status: http.StatusUnauthorized, Code: "invalid_client", challenge: basicChallenge,
		Description: "the client is not known, or that is not its secret: send both by Basic, as it was registered",
	}
	errBeside = failure{Status: http.StatusForbidden, Code: "invalid_token", Description: "EDL-Token authentication failed: send a token that works"}
	// errUnknownHere is for who has logged in elsewhere.
	errUnknownHere = failure{
		Status: http.StatusForbidden, Code: "invalid_token",
		Description: "you have logged in, and what the login says of you is not accepted here: ask an admin of this service whether it has a user for you, and trusts the login",
	}
	errMalformed = failure{Status: http.StatusBadRequest, Code: "invalid_request", Description: `Malformed Authorization header: send one, "Bearer" and a token`}
	errForm      = failure{Status: http.StatusBadRequest, Code: "invalid_request", Description: "the parameters cannot be read: send each once, percent-encoded, as a form"}
	errEmbedded  = failure{
		Status: http.StatusForbidden, Code: string(keyhatch.CodeFromElsewhere),
		Description: "a page of another site has asked for this: open the address in a window of its own, or send a token",
	}
)

// kinds are what failures of the core are told as, with their own message; one without a
// description of its own here.
var kinds = map[keyhatch.Kind]failure{
	keyhatch.Invalid:         {Status: http.StatusBadRequest},
	keyhatch.Unauthenticated: {Status: http.StatusUnauthorized, Code: "invalid_token", challenge: bearerChallenge + `, error="invalid_token"`},
	keyhatch.Forbidden:       {Status: http.StatusForbidden},
	keyhatch.NotFound:        {Status: http.StatusNotFound},
	keyhatch.Conflict:        {Status: http.StatusConflict},
	keyhatch.TooLarge:        {Status: http.StatusRequestEntityTooLarge},
	keyhatch.TooMany:         {Status: http.StatusTooManyRequests},
	keyhatch.Unavailable:     {Status: http.StatusServiceUnavailable},
	keyhatch.Internal: {
		Status: http.StatusInternalServerError, Code: "server_error",
		Description: "An internal server error occurred: try again, and if it stays, ask the server's operator, whose log says more under the request id",
	},
}

// failureOf maps every failure to the wire.
func failureOf(err error) failure {
	var f failure
	if errors.As(err, &f) {
		return f
	}
	var refused oauth.Refusal
	if errors.As(err, &refused) {
		f = kinds[refused.Kind]
		f.Code, f.Description = refused.Code, refused.Message
		return f
	}
	var e *keyhatch.Error
	if !errors.As(err, &e) {
		return kinds[keyhatch.Internal]
	}
	if f = kinds[e.Kind]; f.Description == "" {
		f.Description = e.Message
	}
	if f.Code == "" {
		f.Code = string(e.Code)
	}
	f.wait = e.Wait()
	return f
}

// refuse answers a failure, and logs what the client is not told.
func (d *Door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	f := failureOf(err)
	if at := auth.TermsAddress(d.Pages, err); at != "" {
		f.Resolution = at
	}
	if f.Status >= http.StatusInternalServerError {
		d.log.ErrorContext(r.Context(), "request failed", "request_id", keyhatch.OriginOf(r.Context()).RequestID, "error", err)
	}
	h := w.Header()
	if f.wait > 0 {
		h.Set("Retry-After", strconv.Itoa(auth.WholeSeconds(f.wait)))
	}
	if f.challenge != "" {
		h.Set("WWW-Authenticate", f.challenge)
	}
	_ = d.send(w, r, f.Status, f) // it has no error
}

func isNobody(err error) bool { return errors.Is(err, keyhatch.Unauthenticated) }

// wellFormed refuses a header that is no scheme with something behind it, and two of them.
func wellFormed(shown []string) error {
	if len(shown) != 1 || len(strings.Fields(shown[0])) != 2 {
		return errMalformed
	}
	return nil
}
