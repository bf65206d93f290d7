package rest_test

import (
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
)

// TestPasswordsOverTheWire: from a reset to a login, and to the end of it.
func TestPasswordsOverTheWire(t *testing.T) {
	t.Parallel()
	s := serve(t)
	const first, second = `plum orbit candle seventeen`, `violet tractor under bridges`
	admin, ann := s.secret("admin"), ""
	s.User(t, "ann")
	ann = s.secret("ann")

	reset := got[api.PasswordReset](s, 201, admin, "POST", "/users/ann/password-reset", "")
	if !strings.HasPrefix(reset.Secret, "khr_") || reset.ExpiresAt.IsZero() {
		t.Errorf("%+v", reset)
	}
	s.wantProblem(403, keyhatch.CodeNotPermitted, ann, "POST", "/users/ann/password-reset", "")
	s.wantProblem(422, keyhatch.CodeInvalidPassword, "", "POST", "/login/password", `{"reset":"`+reset.Secret+`","password":"short"}`)
	got[struct{}](s, 204, "", "POST", "/login/password", `{"reset":"`+reset.Secret+`","password":"`+first+`"}`)
	s.wantProblem(401, keyhatch.CodeResetInvalid, "", "POST", "/login/password", `{"reset":"`+reset.Secret+`","password":"`+second+`"}`)

	made := got[api.CreatedToken](s, 201, "", "POST", "/login", `{"user":"ann","password":"`+first+`","name":"laptop","scopes":["users"],"expires_at":"2040-01-01T00:00:00Z"}`)
	if made.Name != "laptop" || made.User != reset.User || made.MadeWith != "" || len(made.Scopes) != 1 || made.ExpiresAt.Year() != 2040 {
		t.Errorf("%+v", made.Token)
	}
	got[api.User](s, 200, made.Secret, "GET", "/users/ann", "")
	var answers []string
	for _, body := range []string{
		`{"user":"ann","password":"` + second + `"}`, `{"user":"nobody","password":"` + first + `"}`, `{"user":"admin","password":"` + first + `"}`,
	} {
		w := s.call("", "POST", "/login", body)
		if w.Code != 401 || w.Header().Get("WWW-Authenticate") == "" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
		text := w.Body.String()
		before, _, _ := strings.Cut(text, `"request_id"`)
		answers = append(answers, before)
	}
	if answers[0] != answers[1] || answers[0] != answers[2] || !strings.Contains(answers[0], string(keyhatch.CodeLoginFailed)) {
		t.Errorf("answers differ: %q", answers)
	}
	s.wantProblem(422, keyhatch.CodeInvalidRequest, "", "POST", "/login", `{"user":"ann","password":"`+strings.Repeat("x", 2000)+`"}`)

	s.wantProblem(403, keyhatch.CodeNotPermitted, ann, "PUT", "/users/ann/password", `{"current_password":"`+second+`","password":"`+second+`"}`)
	got[struct{}](s, 204, ann, "PUT", "/users/ann/password", `{"current_password":"`+first+`","password":"`+second+`"}`)
	s.wantProblem(403, keyhatch.CodeNotPermitted, admin, "PUT", "/users/ann/password", `{"password":"`+first+`"}`)
	got[struct{}](s, 204, admin, "DELETE", "/users/ann/password", "")
	s.wantProblem(404, keyhatch.CodePasswordNotFound, admin, "DELETE", "/users/ann/password", "")
	s.wantProblem(401, keyhatch.CodeLoginFailed, "", "POST", "/login", `{"user":"ann","password":"`+second+`"}`)
	got[api.User](s, 200, made.Secret, "GET", "/users/ann", "") // tokens stay
}
