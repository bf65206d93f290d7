package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/auth"
)

// statuses maps every kind of failure to its HTTP status.
var statuses = map[keyhatch.Kind]int{
	keyhatch.Invalid:         http.StatusUnprocessableEntity,
	keyhatch.Unauthenticated: http.StatusUnauthorized,
	keyhatch.Forbidden:       http.StatusForbidden,
	keyhatch.NotFound:        http.StatusNotFound,
	keyhatch.Conflict:        http.StatusConflict,
	keyhatch.TooLarge:        http.StatusRequestEntityTooLarge,
	keyhatch.TooMany:         http.StatusTooManyRequests,
	keyhatch.Unavailable:     http.StatusServiceUnavailable,
	keyhatch.Internal:        http.StatusInternalServerError,
}

// codes are those of failures that are told before any use case runs.
var codes = map[int]keyhatch.Code{
	http.StatusBadRequest:            keyhatch.CodeInvalidRequest,
	http.StatusUnprocessableEntity:   keyhatch.CodeInvalidRequest,
	http.StatusRequestTimeout:        keyhatch.CodeInvalidRequest,
	http.StatusNotAcceptable:         keyhatch.CodeNotAcceptable,
	http.StatusRequestEntityTooLarge: keyhatch.CodeBodyTooLarge,
	http.StatusUnsupportedMediaType:  keyhatch.CodeMediaType,
}

// details are what to do about them.
var details = map[int]string{
	http.StatusBadRequest:            "the body must be one JSON object",
	http.StatusUnprocessableEntity:   "the request does not have the form that /api/v1/openapi.json describes; see errors",
	http.StatusRequestTimeout:        "the body took too long to arrive",
	http.StatusNotAcceptable:         "the answer can only be application/json: accept that",
	http.StatusRequestEntityTooLarge: "a body has at most 1 MiB",
	http.StatusUnsupportedMediaType:  "send the body as application/json",
}

// docs is where the codes are explained.
const docs = "https://github.com/keyhatch/keyhatch/blob/main/docs/errors.md#"

func newProblem(status int, code keyhatch.Code, detail, requestID string) *api.Problem {
	return &api.Problem{
		Type: docs + string(code), Title: http.StatusText(status), Status: status,
		Code: string(code), Detail: detail, RequestID: requestID,
	}
}

// problem makes what a caller is told of a failed use case, and logs what it is
// not told.
func (d *Door) problem(ctx context.Context, err error) *api.Problem {
	id := keyhatch.OriginOf(ctx).RequestID
	var e *keyhatch.Error
	if !errors.As(err, &e) || e.Kind == keyhatch.Internal {
		d.log.ErrorContext(ctx, "request failed", "request_id", id, "error", err)
		return newProblem(http.StatusInternalServerError, keyhatch.CodeInternal,
			"this is a fault of the server; its log says more under the request id", id)
	}
	if e.Kind == keyhatch.Unavailable {
		d.log.WarnContext(ctx, "request refused", "request_id", id, "error", err)
	}
	p := newProblem(statuses[e.Kind], e.Code, e.Message, id)
	p.Field = e.Field
	p.TermsURL = auth.TermsAddress(d.pages, err)
	p.RetryAfter = auth.WholeSeconds(e.Wait())
	if e.Code == keyhatch.CodeMethodNotAllowed {
		p.Status, p.Title = http.StatusMethodNotAllowed, http.StatusText(http.StatusMethodNotAllowed)
	}
	return p
}

// useProblems makes huma answer with our problems. Its hooks are variables of
// its package; this is their only setter, and this package its only user.
var useProblems = sync.OnceFunc(func() {
	// What is checked must be what is read: "ACCESS" is not "access".
	huma.ValidateStrictCasing = true
	huma.NewErrorWithContext = func(ctx huma.Context, status int, _ string, errs ...error) huma.StatusError {
		p := refusal(status, keyhatch.OriginOf(ctx.Context()).RequestID, errs)
		if isContainer(ctx.Operation()) {
			return containerRefusal(p)
		}
		return p
	}
	huma.NewError = func(status int, _ string, errs ...error) huma.StatusError {
		return refusal(status, "", errs)
	}
})

// refusal is the problem of a request that could not be decoded. Huma's errors
// carry the submitted values and names; only what is ours is kept (S13).
func refusal(status int, requestID string, errs []error) *api.Problem {
	code, ok := codes[status]
	if !ok {
		code = keyhatch.CodeInternal
	}
	p := newProblem(status, code, details[status], requestID)
	for _, err := range errs {
		var e *huma.ErrorDetail
		if status == http.StatusUnprocessableEntity && errors.As(err, &e) {
			p.Errors = append(p.Errors, cleaned(e))
		}
	}
	return p
}

func cleaned(e *huma.ErrorDetail) api.FieldError {
	switch {
	case e.Message == "unexpected property" || e.Message == "unknown query parameter":
		// The place ends with the submitted name.
		where, _, _ := strings.Cut(e.Location, ".")
		return api.FieldError{Location: where, Message: "it has a field that this call does not know"}
	case strings.HasPrefix(e.Message, "expected ") || strings.HasPrefix(e.Message, "required "):
		return api.FieldError{Location: e.Location, Message: e.Message}
	}
	return api.FieldError{Location: e.Location, Message: "it cannot be read"}
}

func writeProblem(a huma.API, ctx huma.Context, p *api.Problem) {
	ctx.SetHeader("Content-Type", p.ContentType(""))
	for name, values := range p.GetHeaders() {
		ctx.SetHeader(name, values[0])
	}
	ctx.SetStatus(p.Status)
	// The connection is all that can fail here.
	_ = a.Marshal(ctx.BodyWriter(), "application/json", p)
}

// writeError answers outside huma's routes.
func (d *Door) writeError(w http.ResponseWriter, r *http.Request, err error, allow []string) {
	p := d.problem(r.Context(), err)
	w.Header().Set("Content-Type", p.ContentType(""))
	w.Header().Set("Cache-Control", "no-store")
	maps.Copy(w.Header(), p.GetHeaders())
	if len(allow) > 0 {
		w.Header().Set("Allow", strings.Join(allow, ", "))
	}
	w.WriteHeader(p.Status)
	if err := json.NewEncoder(w).Encode(p); err != nil {
		d.log.DebugContext(r.Context(), "answer not sent", "error", fmt.Errorf("problem: %w", err))
	}
}
