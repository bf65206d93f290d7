package rest

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker"
)

// Every kind of failure has a status of its own; what has no kind is ours.
func TestEveryKindHasAStatus(t *testing.T) {
	d := New(&broker.Broker{}, slog.New(slog.DiscardHandler))
	seen := map[int]keyhatch.Kind{}
	for _, kind := range keyhatch.Kinds {
		status := statuses[kind]
		if status < 400 {
			t.Errorf("kind %q has no status", kind)
		}
		if other, twice := seen[status]; twice {
			t.Errorf("kinds %q and %q share status %d", kind, other, status)
		}
		seen[status] = kind
		cause := errors.New("a hidden cause")
		err := fmt.Errorf("while doing: %w", keyhatch.Fail(kind, "some_code", "what to do").In("field").Because(cause))
		p := d.problem(t.Context(), err)
		if p.Status != status || p.Title != http.StatusText(status) {
			t.Errorf("kind %q: %d %q", kind, p.Status, p.Title)
		}
		if strings.Contains(fmt.Sprintf("%+v", *p), "hidden") || strings.Contains(p.Detail, "while doing") {
			t.Errorf("kind %q tells its cause: %+v", kind, *p)
		}
		if kind != keyhatch.Internal && (p.Code != "some_code" || p.Detail != "what to do" || p.Field != "field") {
			t.Errorf("kind %q: %+v", kind, *p)
		}
	}
	p := d.problem(t.Context(), errors.New("a hidden cause"))
	if p.Status != http.StatusInternalServerError || strings.Contains(p.Detail, "hidden") {
		t.Errorf("an error without a kind: %+v", *p)
	}
}

// TestNobodyIsTurnedBackToTheUnknown: an answer that leaves it open whether a change was made
// told when to ask again, so that clients made it a second time.
func TestNobodyIsTurnedBackToTheUnknown(t *testing.T) {
	d := New(&broker.Broker{}, slog.New(slog.DiscardHandler))
	for code, want := range map[keyhatch.Code]int{keyhatch.CodeUnavailable: 1, keyhatch.CodeOutcomeUnknown: 0} {
		if p := d.problem(t.Context(), keyhatch.Fail(keyhatch.Unavailable, code, "what to do")); p.RetryAfter != want {
			t.Errorf("%s: come again after %d s, want %d", code, p.RetryAfter, want)
		}
	}
}

// S13: what huma says of a request is stripped of everything that was submitted.
func TestS13_RefusalsHoldNothingSubmitted(t *testing.T) {
	const canary = "canary-7f3a"
	errs := []error{
		&huma.ErrorDetail{Message: "unexpected property", Location: "body." + canary, Value: canary},
		&huma.ErrorDetail{Message: "unknown query parameter", Location: "query." + canary},
		&huma.ErrorDetail{Message: "invalid character '" + canary + "'", Location: "body", Value: canary},
		&huma.ErrorDetail{Message: "expected string", Location: "body.access", Value: canary},
		errors.New(canary),
	}
	for _, status := range []int{400, 406, 408, 413, 415, 422, 500} {
		p := refusal(status, "ID", errs)
		if text := fmt.Sprintf("%+v", *p); strings.Contains(text, canary) {
			t.Errorf("status %d: %s", status, text)
		}
		if p.Code == "" || status < 500 && p.Detail == "" {
			t.Errorf("status %d says nothing: %+v", status, *p)
		}
	}
	p := refusal(422, "ID", errs)
	if len(p.Errors) != 4 || p.Errors[3].Location != "body.access" || p.Errors[3].Message != "expected string" {
		t.Errorf("the part that is ours is lost: %+v", p.Errors)
	}
}
