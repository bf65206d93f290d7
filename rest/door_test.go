package rest_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/rest"
)

// served is the door over a core of its own.
type served struct {
	*coretest.Core
	t   *testing.T
	mux *http.ServeMux
}

func serve(t *testing.T) *served {
	t.Helper()
	s := &served{Core: coretest.New(t), t: t, mux: http.NewServeMux()}
	rest.New(s.Broker, slog.New(slog.DiscardHandler)).Mount(s.mux)
	return s
}

// secret makes a token of the user, the admin when it is empty.
func (s *served) secret(user string) string {
	s.t.Helper()
	_, secret, err := s.Broker.People.CreateToken(s.t.Context(), s.Admin, people.NewToken{User: user})
	if err != nil {
		s.t.Fatal(err)
	}
	return secret.Reveal()
}

func (s *served) call(secret, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(s.t.Context(), method, "/api/v1"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+secret)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r)
	return w
}

// got decodes the answer to a call that must succeed with the status.
func got[T any](s *served, status int, secret, method, path, body string) (v T) {
	s.t.Helper()
	w := s.call(secret, method, path, body)
	if w.Code != status {
		s.t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
			s.t.Fatal(err)
		}
	}
	return v
}

func (s *served) wantProblem(status int, code keyhatch.Code, secret, method, path, body string) {
	s.t.Helper()
	w := s.call(secret, method, path, body)
	var p api.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != status || p.Code != string(code) {
		s.t.Errorf("%s %s: %d %s, want %d %s", method, path, w.Code, w.Body, status, code)
	}
}
