package provena

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/internal/logged"
)

// TestEveryKindIsMapped: at every step, to a status that the format has, or that clients take
// for one that may go away; and what is behind a failure is in the log only.
func TestEveryKindIsMapped(t *testing.T) {
	for at := range steps {
		if len(kinds[at]) != len(keyhatch.Kinds) {
			t.Errorf("step %d: %d kinds are mapped of %d", at, len(kinds[at]), len(keyhatch.Kinds))
		}
		for _, kind := range keyhatch.Kinds {
			line, ok := kinds[at][kind]
			later := line.status == http.StatusTooManyRequests || line.status == http.StatusServiceUnavailable
			if !ok || line.status < 400 || later && kind != keyhatch.TooMany && kind != keyhatch.Unavailable || kind == keyhatch.TooMany && !later {
				t.Errorf("step %d: %s is %d", at, kind, line.status)
			}
			if (kind == keyhatch.Unauthenticated) != (line.detail == notValid.detail) && kind != keyhatch.NotFound { // S6
				t.Errorf("step %d: %s is told as %q", at, kind, line.detail)
			}
			var log logged.Text
			d := &Door{log: slog.New(slog.NewTextHandler(&log, nil))}
			w := httptest.NewRecorder()
			behind := keyhatch.Fail(kind, keyhatch.CodeInternal, "a message").Because(errors.New("what is behind"))
			d.refuse(w, httptest.NewRequest(http.MethodPost, "/", nil), during(at, fmt.Errorf("around: %w", behind)))
			if w.Code != line.status || strings.Contains(w.Body.String(), "behind") || strings.Contains(log.String(), "behind") != (w.Code >= 500) {
				t.Errorf("step %d, %s: %d %s, logged is %q", at, kind, w.Code, w.Body, log.String())
			}
			if kind == keyhatch.Internal {
				if w.Body.String() != "Internal Server Error" || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
					t.Errorf("step %d: a fault of ours is told as %v %s", at, w.Header(), w.Body)
				}
				continue
			}
			var said struct{ Detail string }
			if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil || said.Detail == "" || strings.Contains(said.Detail, "%") {
				t.Errorf("step %d, %s: %s, %v", at, kind, w.Body, err)
			}
			if strings.Contains(line.detail, "%s") != strings.Contains(said.Detail, "a message") {
				t.Errorf("step %d, %s: %s", at, kind, w.Body)
			}
		}
	}
	cause := errors.New("a cause")
	if err := during(vending, cause); err != cause {
		t.Errorf("an error without a kind is %v", err)
	}
}

// TestWhatChangesWhileLending: what is found to be otherwise when the lease is made is told
// as it would have been before.
func TestWhatChangesWhileLending(t *testing.T) {
	at := lending.Reach{Read: true, Write: true}
	for _, tc := range []struct {
		code   keyhatch.Code
		access keyhatch.Access
		want   error
	}{
		{keyhatch.CodeLocationLocked, keyhatch.Write, locked},
		{keyhatch.CodeAccessNotGranted, keyhatch.Read, mayNotRead},
		{keyhatch.CodeAccessNotGranted, keyhatch.Write, mayNotWrite},
		{keyhatch.CodeScopeNotGranted, keyhatch.Write, mayNotWrite},
	} {
		if got := whileLending(at, tc.access, "alpha", keyhatch.Fail(keyhatch.Forbidden, tc.code, "x")); got != tc.want {
			t.Errorf("%s: %v", tc.code, got)
		}
	}
	// What was released meanwhile was told as locked, which its owner could have unlocked; and
	// by its name to who knows it by its id.
	released := at
	released.Location = keyhatch.Location{ID: "loc_0mz3k8q2a7c4f9d", Name: "alpha", Release: keyhatch.Released, Locked: true}
	for _, tc := range []struct{ dataset, handle string }{{"alpha", "alpha"}, {released.Location.ID, released.Location.ID}, {"s3://lab/alpha/", "alpha"}} {
		var f *refusal
		err := whileLending(released, keyhatch.Write, tc.dataset, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeLocationLocked, "x"))
		if !errors.As(err, &f) || f.status != http.StatusForbidden || f.detail != "Dataset "+tc.handle+" is pending review or is released. Cannot modify dataset files while a review is ongoing." {
			t.Errorf("released while it was lent: %v", err)
		}
	}
	var f *refusal
	if err := whileLending(at, keyhatch.Read, "alpha", keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeStandingChanged, "your rights changed")); !errors.As(err, &f) ||
		f.status != http.StatusUnauthorized || f.detail != "Registry did not grant access to the dataset. Details: your rights changed" {
		t.Errorf("%v", err)
	}
}

// TestConsoleURL: the key is there when there is a URL, and left out when there is none.
func TestConsoleURL(t *testing.T) {
	for url, want := range map[string]bool{"": false, "https://console.example.org/x?y": true} {
		text, err := json.Marshal(generated{ConsoleSessionURL: url})
		if err != nil || strings.Contains(string(text), `"console_session_url":"`+url+`"`) != want || strings.Contains(string(text), "console") != want {
			t.Errorf("%q: %s, %v", url, text, err)
		}
	}
}
