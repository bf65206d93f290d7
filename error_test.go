package keyhatch_test

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
)

func TestKindsAreAllListed(t *testing.T) {
	declared := constants(t, "error.go", "Kind")
	if len(declared) != len(keyhatch.Kinds) {
		t.Errorf("error.go declares %d kinds, Kinds has %d", len(declared), len(keyhatch.Kinds))
	}
	for name, text := range declared {
		if !slices.Contains(keyhatch.Kinds, keyhatch.Kind(text)) {
			t.Errorf("%s is missing from Kinds", name)
		}
	}
	for i, k := range keyhatch.Kinds {
		if slices.Contains(keyhatch.Kinds[:i], k) {
			t.Errorf("%q is twice in Kinds", k)
		}
		if k.Error() != string(k) {
			t.Errorf("%q reads %q", string(k), k.Error())
		}
	}
}

func TestCodesAreUniqueAndStable(t *testing.T) {
	form := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	names := map[string]string{}
	for name, code := range constants(t, "code.go", "Code") {
		if !form.MatchString(code) {
			t.Errorf("%s is %q, which is not of small letters and underscores", name, code)
		}
		if other, taken := names[code]; taken {
			t.Errorf("%s and %s are both %q", name, other, code)
		}
		names[code] = name
		if !strings.HasPrefix(name, "Code") {
			t.Errorf("%s does not begin with Code", name)
		}
	}
}

func TestErrorIsItsKindAndItsCause(t *testing.T) {
	cause := &fs.PathError{Op: "open", Path: "/secret/place", Err: fs.ErrNotExist}
	for _, kind := range keyhatch.Kinds {
		failed := keyhatch.Fail(kind, keyhatch.CodeInternal, "at most %d", 5).In("field").Because(cause)
		err := fmt.Errorf("lease: %w", failed)
		for _, other := range keyhatch.Kinds {
			if errors.Is(err, other) != (other == kind) {
				t.Errorf("%q is %q: %t", kind, other, errors.Is(err, other))
			}
		}
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q does not unwrap to its cause", kind)
		}
		var found *keyhatch.Error
		if !errors.As(err, &found) || found != failed {
			t.Errorf("%q is not found by errors.As", kind)
		}
		var path *fs.PathError
		if !errors.As(err, &path) || path != cause {
			t.Errorf("%q: the cause is not found by errors.As", kind)
		}
	}
}

func TestErrorWithoutCause(t *testing.T) {
	err := keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeInUse, "it is in use by %s", "two")
	if err.Error() != "it is in use by two" || err.Cause != nil || err.Field != "" {
		t.Errorf("%+v", err)
	}
	if !errors.Is(err, keyhatch.Conflict) || errors.Is(err, keyhatch.NotFound) {
		t.Error("wrong kind")
	}
	if errors.Unwrap(err) != nil {
		t.Error("a list of errors must not unwrap to one")
	}
}

// TestWait: only what may work later is worth a wait, and not what may have been done already.
func TestWait(t *testing.T) {
	for _, kind := range keyhatch.Kinds {
		passes := kind == keyhatch.TooMany || kind == keyhatch.Unavailable
		for asked, want := range map[time.Duration]time.Duration{0: time.Second, time.Millisecond: time.Second, 90 * time.Second: 90 * time.Second} {
			if !passes {
				want = 0
			}
			if got := keyhatch.Fail(kind, keyhatch.CodeUnavailable, "").After(asked).Wait(); got != want {
				t.Errorf("%s after %v: %v, want %v", kind, asked, got, want)
			}
			if got := keyhatch.Fail(kind, keyhatch.CodeOutcomeUnknown, "").After(asked).Wait(); got != 0 {
				t.Errorf("%s, which may have been done: %v", kind, got)
			}
		}
	}
}

// TestS13_MessageHasNoCause: the message is what callers are shown.
func TestS13_MessageHasNoCause(t *testing.T) {
	cause := errors.New("dial postgres://admin:hunter2@db: refused")
	err := keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "try again").Because(cause)
	if err.Message != "try again" {
		t.Errorf("message %q", err.Message)
	}
	if text := err.Error(); !strings.Contains(text, "try again") || !strings.Contains(text, cause.Error()) {
		t.Errorf("the log's text lacks a part: %q", text)
	}
}

// TestS13_ParsersEchoNothing: what was submitted is in no message.
func TestS13_ParsersEchoNothing(t *testing.T) {
	const bad = "CANARY\x00/../CANARY"
	for name, parse := range map[string]func() error{
		"prefix": func() error { _, err := keyhatch.ParsePrefix(bad); return err },
		"join":   func() error { _, err := keyhatch.Prefix("a/").Join(bad); return err },
		"key":    func() error { return keyhatch.CheckKey(bad) },
		"url":    func() error { _, err := keyhatch.ParseS3URL("s3://CANARY/x"); return err },
		"path":   func() error { _, err := keyhatch.ParseS3URL("s3://bucket/" + bad); return err },
		"scope":  func() error { _, err := keyhatch.ParseScope("GET " + bad); return err },
		"s3":     func() error { _, err := keyhatch.ParseScope("s3:read s3://bucket/" + bad); return err },
		"bucket": func() error { return keyhatch.CheckBucketName("CANARY") },
		"name":   func() error { return keyhatch.CheckName(bad) },
		"text":   func() error { return keyhatch.CheckText("email", bad) },
		"access": func() error { _, err := keyhatch.ParseAccess("CANARY"); return err },
	} {
		err := parse()
		var e *keyhatch.Error
		if !errors.As(err, &e) || e.Kind != keyhatch.Invalid || e.Code == "" || e.Message == "" {
			t.Errorf("%s: %#v", name, err)
			continue
		}
		if strings.Contains(e.Error(), "CANARY") {
			t.Errorf("%s echoes: %s", name, e)
		}
	}
}
