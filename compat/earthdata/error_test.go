package earthdata

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
	"github.com/keyhatch/keyhatch/internal/logged"
)

// TestEveryKindIsMapped: to a status of its own, with a message that says what to do, and with what
// is behind it in the log only.
func TestEveryKindIsMapped(t *testing.T) {
	for _, kind := range keyhatch.Kinds {
		var log logged.Text
		d := &Door{log: slog.New(slog.NewTextHandler(&log, nil))}
		w := httptest.NewRecorder()
		d.refuse(w, httptest.NewRequest(http.MethodGet, "/", nil), fmt.Errorf("around: %w", keyhatch.Fail(kind, keyhatch.CodeInternal, "a message").Because(errors.New("what is behind"))))
		var said failure
		if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil || said.Status != w.Code || w.Code < 400 || said.Code == "" || said.Description == "" {
			t.Errorf("%s: %d %s", kind, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), "behind") || (said.Description == "a message") != (kind != keyhatch.Internal) || strings.Contains(log.String(), "behind") != (w.Code >= 500) {
			t.Errorf("%s: %s, logged is %q", kind, w.Body, log.String())
		}
		if later := w.Header().Get("Retry-After") != ""; later != (kind == keyhatch.TooMany || kind == keyhatch.Unavailable) {
			t.Errorf("%s: %v", kind, w.Header())
		}
		if (w.Header().Get("WWW-Authenticate") != "") != (kind == keyhatch.Unauthenticated) {
			t.Errorf("%s: %v", kind, w.Header())
		}
	}
	if len(kinds) != len(keyhatch.Kinds) {
		t.Errorf("%d kinds are mapped of %d", len(kinds), len(keyhatch.Kinds))
	}
}

// TestUnknownOutcomeIsNotAskedAgain: a program that follows Retry-After would make a token twice.
func TestUnknownOutcomeIsNotAskedAgain(t *testing.T) {
	d := &Door{log: slog.New(slog.DiscardHandler)}
	w := httptest.NewRecorder()
	d.refuse(w, httptest.NewRequest(http.MethodPost, "/", nil), keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeOutcomeUnknown, "look whether it is there"))
	if _, told := w.Header()["Retry-After"]; told || w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "look whether it is there") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

// TestTermsFirst: who has not accepted the terms of a location is told where that is done.
func TestTermsFirst(t *testing.T) {
	for pages, resolution := range map[string]string{
		"https://keys.example.org": `,"resolution_url":"https://keys.example.org/terms/loc_1"`,
		"":                         "", // there is no page: one was named wherever the address was known
	} {
		d := &Door{Config: Config{URL: "https://keys.example.org", Pages: pages}, log: slog.New(slog.DiscardHandler)}
		w := httptest.NewRecorder()
		d.refuse(w, httptest.NewRequest(http.MethodGet, "/", nil), keyhatch.Fail(keyhatch.Forbidden, "terms_not_accepted", "accept them").AfterTerms("loc_1"))
		want := `{"status_code":403,"error":"terms_not_accepted","error_description":"accept them"` + resolution + "}\n"
		if w.Code != http.StatusForbidden || w.Body.String() != want {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}
