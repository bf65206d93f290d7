package idp

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/oauth"
)

// TestEveryKindHasItsFailure: every kind of failure is mapped, to what clients of OAuth
// act on, and none tells its cause.
func TestEveryKindHasItsFailure(t *testing.T) {
	want := map[keyhatch.Kind]string{
		keyhatch.Invalid:         "400 invalid_request",
		keyhatch.Unauthenticated: "401 invalid_token",
		keyhatch.Forbidden:       "403 insufficient_scope",
		keyhatch.NotFound:        "404 invalid_request",
		keyhatch.Conflict:        "409 invalid_request",
		keyhatch.TooLarge:        "413 invalid_request",
		keyhatch.TooMany:         "429 temporarily_unavailable",
		keyhatch.Unavailable:     "503 temporarily_unavailable",
		keyhatch.Internal:        "500 server_error",
	}
	for _, kind := range keyhatch.Kinds {
		err := fmt.Errorf("while: %w", keyhatch.Fail(kind, "some_code", "a message").Because(errors.New("a hidden cause")))
		f := failureOf(err)
		if got := fmt.Sprint(f.status, " ", f.Code); got != want[kind] {
			t.Errorf("kind %q: %s, want %s", kind, got, want[kind])
		}
		if strings.Contains(f.Description, "hidden") || strings.Contains(f.Description, "message") {
			t.Errorf("kind %q tells %q", kind, f.Description)
		}
		// Of too many it was none, although the description says to look there.
		wait := map[keyhatch.Kind]string{keyhatch.TooMany: "1", keyhatch.Unavailable: "1"}[kind]
		if got := f.headers()["Retry-After"]; got != wait {
			t.Errorf("kind %q: Retry-After %q", kind, got)
		}
	}
	// On pages the core's sentence stood nowhere: who had typed ten wrong codes was told that there was no such thing.
	for _, kind := range keyhatch.Kinds {
		err := fmt.Errorf("while: %w", keyhatch.Fail(kind, "some_code", "what the core says").Because(errors.New("a hidden cause")))
		wire, f := failureOf(err), failureOnPage(err)
		says := "what the core says"
		if kind == keyhatch.Internal {
			says = wire.Description
		}
		if f.Description != says || f.status != wire.status || f.wait != wire.wait {
			t.Errorf("kind %q on a page: %+v", kind, f)
		}
	}
	for _, err := range []error{errForeignForm, oauth.ErrLogin, errors.New("a hidden cause"), keyhatch.NotFound} {
		if f, wire := failureOnPage(err), failureOf(err); f != wire {
			t.Errorf("%v on a page: %+v", err, f)
		}
	}
	for _, err := range []error{errors.New("a hidden cause"), keyhatch.NotFound} {
		if f := failureOf(err); f.status != http.StatusInternalServerError || strings.Contains(f.Description, "hidden") {
			t.Errorf("%v: %+v", err, f)
		}
	}
	busy := failureOf(keyhatch.Fail(keyhatch.TooMany, keyhatch.CodeTooManyRequests, "").After(1500 * time.Millisecond))
	if got := busy.headers()["Retry-After"]; got != "2" {
		t.Errorf("after 1.5 s: Retry-After %q", got)
	}
	open := failureOf(keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeOutcomeUnknown, "look whether it is there"))
	if got, told := open.headers()["Retry-After"]; told || open.status != http.StatusServiceUnavailable || open.Description != "look whether it is there" {
		t.Errorf("what may have been done: %+v, Retry-After %q", open, got)
	}
}

// TestDescriptions: RFC 6749, section 5.2, has no other characters.
func TestDescriptions(t *testing.T) {
	all := []failure{errMethod, errMediaType, errQuery, errBody, errForm, errTwice, errNoToken, errTooLarge, errLong, errElsewhere}
	for _, f := range failures {
		all = append(all, f)
	}
	for _, f := range all {
		for _, c := range []byte(f.Code + f.Description) {
			if c < ' ' || c > '~' || c == '"' || c == '\\' {
				t.Errorf("%s: %q", f.Code, c)
			}
		}
	}
}
