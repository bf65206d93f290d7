package rest_test

import (
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
)

// TestRotation: rotating over the wire, by id and as the token that is used, with
// and without a body.
func TestRotation(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.User(t, "ann")
	first := s.secret("ann")
	current := func(secret string) api.Token {
		t.Helper()
		return got[api.Token](s, 200, secret, "GET", "/tokens/current", "")
	}
	id := current(first).ID
	second := got[api.CreatedToken](s, 200, first, "POST", "/tokens/current/rotate", `{"grace_seconds":60}`)
	if second.ID != id || second.Secret == first || !keyhatch.IsTokenSecret(second.Secret) || second.RotatedAt == nil || second.GraceUntil == nil || second.GraceUntil.Sub(*second.RotatedAt).Seconds() != 60 {
		t.Errorf("rotated: %+v", second.Token)
	}
	for _, secret := range []string{first, second.Secret} {
		if now := current(secret); now.ID != id || now.GraceUntil == nil {
			t.Errorf("within the grace: %+v", now)
		}
	}
	s.wantProblem(403, keyhatch.CodeNotPermitted, first, "POST", "/tokens/"+id+"/rotate", "")
	third := got[api.CreatedToken](s, 200, second.Secret, "POST", "/tokens/"+id+"/rotate", "")
	if third.GraceUntil != nil || current(third.Secret).GraceUntil != nil {
		t.Errorf("without a grace: %+v", third.Token)
	}
	for _, secret := range []string{first, second.Secret} {
		s.wantProblem(401, keyhatch.CodeTokenInvalid, secret, "GET", "/tokens/current", "")
	}
	for body, code := range map[string]keyhatch.Code{
		`{"grace_seconds":-1}`: keyhatch.CodeInvalidDuration, `{"grace_seconds":604801}`: keyhatch.CodeInvalidDuration,
		`{"grace_seconds":9223372036854775807}`: keyhatch.CodeInvalidDuration, `{"grace_seconds":"1"}`: keyhatch.CodeInvalidRequest,
		`{"grace":1}`: keyhatch.CodeInvalidRequest,
	} {
		s.wantProblem(422, code, third.Secret, "POST", "/tokens/current/rotate", body)
	}
	for _, path := range []string{"/events", "/tokens/" + id, "/tokens"} {
		text := s.call(s.secret(""), "GET", path, "").Body.String()
		if !strings.Contains(text, id) || strings.Contains(text, first[3:]) || strings.Contains(text, second.Secret[3:]) || strings.Contains(text, third.Secret[3:]) {
			t.Errorf("S5: %s holds a secret, or not even the token: %s", path, text)
		}
	}
	w := s.call(third.Secret, "POST", "/tokens/current/rotate", `{"grace_seconds":0}`)
	if w.Code != 200 || w.Header().Get("Cache-Control") != "no-store" || !strings.Contains(w.Body.String(), "kh_") {
		t.Errorf("S14: %d, Cache-Control %q", w.Code, w.Header().Get("Cache-Control"))
	}
}

// TestRotationByScope: which tokens may call it at all.
func TestRotationByScope(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.Workspace(t, "lab")
	admin := s.secret("")
	for scopes, status := range map[string]int{
		`["leases","POST /api/v1/tokens/current/rotate"]`: 200,
		`["tokens"]`:                 200,
		`["tokens:read"]`:            403,
		`["leases"]`:                 403,
		`["s3:read s3://lab-data/"]`: 403,
	} {
		made := got[api.CreatedToken](s, 201, admin, "POST", "/tokens", `{"workspace":"lab","scopes":`+scopes+`}`)
		if w := s.call(made.Secret, "POST", "/tokens/current/rotate", ""); w.Code != status {
			t.Errorf("%s: %d, want %d: %s", scopes, w.Code, status, w.Body)
		}
		if strings.Contains(scopes, "current") {
			if w := s.call(made.Secret, "POST", "/tokens/"+made.ID+"/rotate", ""); w.Code == 200 {
				t.Errorf("%s: it rotates by its id", scopes)
			}
		}
	}
}
