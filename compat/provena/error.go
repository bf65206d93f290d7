package provena

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
)

// refusal is a failure as the format tells it.
type refusal struct {
	status int
	// detail is what the client is told: a text, or the problems of a body.
	detail any
	allow  string // the methods that the path has
	cause  error
}

func (f *refusal) Error() string {
	if f.cause != nil {
		return fmt.Sprintf("%d: %s", f.status, f.cause.Error())
	}
	return fmt.Sprintf("%d: %v", f.status, f.detail)
}

func (f *refusal) Unwrap() error { return f.cause }

// What is told of who calls and of what a dataset lets. All but the last are 401, as the
// format has it.
var (
	notAuthenticated = &refusal{status: http.StatusUnauthorized, detail: "Not authenticated"}
	notValid         = &refusal{status: http.StatusUnauthorized, detail: "Could not validate credentials"}
	noRoles          = &refusal{status: http.StatusUnauthorized, detail: "Token had incorrect structure."}
	roleMissing      = &refusal{
		status: http.StatusUnauthorized, detail: "You are not authorised to access this resource as you don't have the correct role.",
	}
	mayNotRead  = &refusal{status: http.StatusUnauthorized, detail: "You do not have sufficient permissions to read from this dataset!"}
	mayNotWrite = &refusal{status: http.StatusUnauthorized, detail: "You do not have sufficient permissions to write to this dataset!"}
	locked      = &refusal{
		status: http.StatusUnauthorized,
		detail: "This dataset is locked - you cannot modify the files of a locked dataset. Unlock the dataset first.",
	}
)

// beingReleased refuses to write what is being published. The dataset is told by the handle
// that it was asked for by, which is its name where that was a place.
func beingReleased(l keyhatch.Location, dataset string) *refusal {
	handle := l.Name
	if dataset == l.ID {
		handle = l.ID
	}
	return &refusal{
		status: http.StatusForbidden,
		detail: "Dataset " + handle + " is pending review or is released. Cannot modify dataset files while a review is ongoing.",
	}
}

// step is how far a call has come.
type step int

// The steps, in their order.
const (
	asking  step = iota // who calls, and whether the call is open to it
	finding             // the dataset
	vending             // credentials
	trading             // them for a console's URL
	signing             // a URL
	steps
)

// line is what a failure is told as. "%s" stands for its message.
type line struct {
	status int
	detail string
}

const (
	notFetched = "The registry API responded with status success False during dataset fetching. Details: %s"
	notThere   = "The registry API responded with status success False during dataset fetching. Details: it does not exist, or you may not see it"
	notGranted = "Registry did not grant access to the dataset. Details: %s"
	notVended  = "Something went wrong when running the AWS STS service command: %s"
	notTraded  = "Something went wrong when trading credentials for console session: %s"
)

// kinds are what failures of the core are told as, by the step that failed.
var kinds = [steps]map[keyhatch.Kind]line{
	asking: {
		keyhatch.Invalid:         {http.StatusBadRequest, "%s"},
		keyhatch.Unauthenticated: {http.StatusUnauthorized, "Could not validate credentials"},
		keyhatch.Forbidden:       {http.StatusUnauthorized, "You are not authorised to access this resource as you don't have the correct role."},
		keyhatch.NotFound:        {http.StatusUnauthorized, "Could not validate credentials"},
		keyhatch.Conflict:        {http.StatusBadRequest, "%s"},
		keyhatch.TooLarge:        {http.StatusRequestEntityTooLarge, "%s"},
		keyhatch.TooMany:         {http.StatusTooManyRequests, "%s"},
		keyhatch.Unavailable:     {http.StatusServiceUnavailable, "%s"},
		keyhatch.Internal:        {http.StatusInternalServerError, ""},
	},
	finding: {
		keyhatch.Invalid:         {http.StatusBadRequest, notFetched},
		keyhatch.Unauthenticated: {http.StatusUnauthorized, "Could not validate credentials"},
		keyhatch.Forbidden:       {http.StatusUnauthorized, notGranted},
		keyhatch.NotFound:        {http.StatusBadRequest, notThere},
		keyhatch.Conflict:        {http.StatusBadRequest, notFetched},
		keyhatch.TooLarge:        {http.StatusBadRequest, notFetched},
		keyhatch.TooMany:         {http.StatusTooManyRequests, "%s"},
		keyhatch.Unavailable:     {http.StatusServiceUnavailable, "%s"},
		keyhatch.Internal:        {http.StatusInternalServerError, ""},
	},
	vending: {
		keyhatch.Invalid:         {http.StatusBadRequest, "%s"},
		keyhatch.Unauthenticated: {http.StatusUnauthorized, "Could not validate credentials"},
		keyhatch.Forbidden:       {http.StatusUnauthorized, notGranted},
		keyhatch.NotFound:        {http.StatusBadRequest, notThere},
		keyhatch.Conflict:        {http.StatusInternalServerError, notVended},
		keyhatch.TooLarge:        {http.StatusInternalServerError, notVended},
		keyhatch.TooMany:         {http.StatusTooManyRequests, "%s"},
		keyhatch.Unavailable:     {http.StatusInternalServerError, notVended},
		keyhatch.Internal:        {http.StatusInternalServerError, ""},
	},
	trading: {
		keyhatch.Invalid:         {http.StatusBadRequest, "%s"},
		keyhatch.Unauthenticated: {http.StatusUnauthorized, "Could not validate credentials"},
		keyhatch.Forbidden:       {http.StatusUnauthorized, notGranted},
		keyhatch.NotFound:        {http.StatusBadRequest, notThere},
		keyhatch.Conflict:        {http.StatusInternalServerError, notTraded},
		keyhatch.TooLarge:        {http.StatusInternalServerError, notTraded},
		keyhatch.TooMany:         {http.StatusTooManyRequests, "%s"},
		keyhatch.Unavailable:     {http.StatusInternalServerError, notTraded},
		keyhatch.Internal:        {http.StatusInternalServerError, ""},
	},
	signing: {
		keyhatch.Invalid:         {http.StatusBadRequest, "%s"},
		keyhatch.Unauthenticated: {http.StatusUnauthorized, "Could not validate credentials"},
		keyhatch.Forbidden:       {http.StatusUnauthorized, notGranted},
		keyhatch.NotFound:        {http.StatusBadRequest, "%s"},
		keyhatch.Conflict:        {http.StatusInternalServerError, notVended},
		keyhatch.TooLarge:        {http.StatusBadRequest, "%s"},
		keyhatch.TooMany:         {http.StatusTooManyRequests, "%s"},
		keyhatch.Unavailable:     {http.StatusInternalServerError, notVended},
		keyhatch.Internal:        {http.StatusInternalServerError, ""},
	},
}

// during is a failure of the core at a step. One without a kind is a fault of ours.
func during(at step, err error) error {
	var e *keyhatch.Error
	if !errors.As(err, &e) {
		return err
	}
	l := kinds[at][e.Kind]
	if l.detail == "" {
		return err
	}
	detail := l.detail
	if strings.Contains(detail, "%s") {
		detail = fmt.Sprintf(detail, e.Message)
	}
	return &refusal{status: l.status, detail: detail, cause: err}
}

// refuse answers a failure, and logs what the client is not told.
func (d *Door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var f *refusal
	told := errors.As(err, &f)
	if !told || f.status >= http.StatusInternalServerError {
		d.log.ErrorContext(r.Context(), "request failed", "request_id", keyhatch.OriginOf(r.Context()).RequestID, "error", err)
	}
	h := w.Header()
	if !told { // as the format's framework tells it
		h.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusInternalServerError)
		if _, err := io.WriteString(w, "Internal Server Error"); err != nil {
			d.log.DebugContext(r.Context(), "answer not sent", "error", err)
		}
		return
	}
	switch f.status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	case http.StatusMethodNotAllowed:
		h.Set("Allow", f.allow)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		auth.TellWait(h, err)
	}
	d.send(w, r, f.status, struct {
		Detail any `json:"detail"`
	}{f.detail})
}
