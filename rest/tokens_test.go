package rest_test

import (
	"fmt"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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

// TestTokensOverTheWire: what a token has goes in and comes out, by id and as the one
// in use, and what cannot be is refused before anything is kept.
func TestTokensOverTheWire(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.User(t, "ann")
	ann := s.secret("ann")
	made := got[api.CreatedToken](s, 201, ann, "POST", "/tokens",
		`{"name":"job","scopes":["leases","tokens"],"networks":["10.1.0.0/16","192.0.2.7"],"requests_per_minute":60,"annotations":{"k/1":"v"},"expires_at":"2040-01-01T00:00:00Z"}`)
	current := got[api.Token](s, 200, ann, "GET", "/tokens/current", "")
	want := api.Token{
		ID: made.ID, User: made.User, Name: "job", Scopes: []string{"leases", "tokens"}, Networks: []string{"10.1.0.0/16", "192.0.2.7/32"},
		RequestsPerMinute: 60, Annotations: map[string]string{"k/1": "v"}, ExpiresAt: made.ExpiresAt, CreatedAt: made.CreatedAt, MadeWith: current.ID,
	}
	if diff := cmp.Diff(want, made.Token); diff != "" || made.ExpiresAt.Year() != 2040 {
		t.Errorf("made (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, got[api.Token](s, 200, ann, "GET", "/tokens/"+made.ID, "")); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
	changed := got[api.Token](s, 200, ann, "PATCH", "/tokens/"+made.ID, `{"name":"other","networks":[],"annotations":{},"never_expires":true,"scopes":[]}`)
	want.Name, want.Networks, want.Annotations, want.ExpiresAt, want.Scopes, want.UpdatedAt = "other", nil, nil, nil, []string{}, changed.UpdatedAt
	if diff := cmp.Diff(want, changed); diff != "" || changed.UpdatedAt == nil {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	for body, code := range map[string]keyhatch.Code{
		`{"networks":["10.1.0.1/16"]}`: keyhatch.CodeInvalidNetwork, `{"networks":["nonsense"]}`: keyhatch.CodeInvalidNetwork,
		`{"networks":["fe80::1%eth0"]}`: keyhatch.CodeInvalidNetwork, `{"networks":["::ffff:10.0.0.0/104"]}`: keyhatch.CodeInvalidNetwork,
		`{"requests_per_minute":-1}`: keyhatch.CodeInvalidRequest, `{"requests_per_minute":1000001}`: keyhatch.CodeInvalidRequest,
		`{"annotations":{"":"x"}}`: keyhatch.CodeInvalidRequest, `{"annotations":{"a":1}}`: keyhatch.CodeInvalidRequest,
		`{"expires_at":"soon"}`: keyhatch.CodeInvalidRequest, `{"nonsense":1}`: keyhatch.CodeInvalidRequest,
		`{"scopes":["nonsense"]}`: keyhatch.CodeInvalidScope,
	} {
		s.wantProblem(422, code, ann, "PATCH", "/tokens/current", body)
		s.wantProblem(422, code, ann, "POST", "/tokens", body)
	}
	s.wantProblem(422, keyhatch.CodeInvalidExpiry, ann, "PATCH", "/tokens/current", `{"expires_at":"2040-01-01T00:00:00Z","never_expires":true}`)
	if after := got[api.Token](s, 200, ann, "GET", "/tokens/current", ""); after.UpdatedAt != nil {
		t.Errorf("refused, and changed: %+v", after)
	}

	got[struct{}](s, 200, ann, "PATCH", "/tokens/"+made.ID, `{"expires_at":"0001-01-01T00:00:00Z"}`)
	s.wantProblem(401, keyhatch.CodeTokenInvalid, made.Secret, "GET", "/tokens/current", "")
	child := got[api.CreatedToken](s, 201, ann, "POST", "/tokens", "{}")
	grandchild := got[api.CreatedToken](s, 201, child.Secret, "POST", "/tokens", "{}")
	got[struct{}](s, 204, ann, "DELETE", "/tokens/"+child.ID+"?made=true", "")
	s.wantProblem(401, keyhatch.CodeTokenInvalid, grandchild.Secret, "GET", "/tokens/current", "")
	if n := got[api.RevokedTokens](s, 200, ann, "DELETE", "/users/ann/tokens?keep_current=true", ""); n.Revoked != 2 { // the user's first, and the expired one
		t.Errorf("%d were revoked", n.Revoked)
	}
	got[api.Token](s, 200, ann, "GET", "/tokens/current", "")
	got[api.RevokedTokens](s, 200, ann, "DELETE", "/users/ann/tokens", "")
	s.wantProblem(401, keyhatch.CodeTokenInvalid, ann, "GET", "/tokens/current", "")
}

// TestLeaksOverTheWire: anybody may report, with no token or a bad one, and learns
// nothing.
func TestLeaksOverTheWire(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.User(t, "ann")
	ann, unknown := s.secret("ann"), keyhatch.NewTokenSecret().Reveal()
	var answers []string
	for _, secret := range []string{ann, unknown, ann} {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/api/v1/tokens/leaks", strings.NewReader(`{"token":"`+secret+`"}`))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.mux.ServeHTTP(w, r)
		answers = append(answers, fmt.Sprint(w.Code, w.Header(), w.Body))
	}
	if answers[0] != answers[1] || answers[0] != answers[2] || !strings.HasPrefix(answers[0], "204 ") {
		t.Errorf("answers differ, or are none: %q", answers)
	}
	s.wantProblem(401, keyhatch.CodeTokenInvalid, ann, "GET", "/tokens/current", "")
	for body, code := range map[string]keyhatch.Code{
		`{"token":"kh_x"}`: keyhatch.CodeTokenMalformed, `{"token":"` + strings.Repeat("x", 16<<10+1) + `"}`: keyhatch.CodeInvalidRequest, `{}`: keyhatch.CodeInvalidRequest,
	} {
		s.wantProblem(422, code, unknown, "POST", "/tokens/leaks", body)
	}
}

// TestS12_LimitsOverTheWire: each answer tells what is left of a token's limit, and one
// too many is 429 with the time to wait.
func TestS12_LimitsOverTheWire(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.User(t, "ann")
	made := got[api.CreatedToken](s, 201, s.secret("ann"), "POST", "/tokens", `{"requests_per_minute":2}`)
	for i, want := range []string{"2 1", "2 0"} {
		w := s.call(made.Secret, "GET", "/tokens/current", "")
		if got := w.Header().Get("X-RateLimit-Limit") + " " + w.Header().Get("X-RateLimit-Remaining"); w.Code != 200 || got != want || w.Header().Get("X-RateLimit-Reset") == "" {
			t.Errorf("request %d: %d, %q, want %q", i, w.Code, got, want)
		}
	}
	w := s.call(made.Secret, "GET", "/tokens/current", "")
	wait, err := strconv.Atoi(w.Header().Get("Retry-After"))
	if w.Code != 429 || err != nil || wait < 1 || wait > 30 || !strings.Contains(w.Body.String(), `"too_many_requests"`) {
		t.Errorf("one too many: %d, Retry-After %q, %s", w.Code, w.Header().Get("Retry-After"), w.Body)
	}
	if got := w.Header().Get("X-RateLimit-Limit") + " " + w.Header().Get("X-RateLimit-Remaining"); got != "2 0" {
		t.Errorf("one too many: %q", got)
	}
	narrow := got[api.CreatedToken](s, 201, s.secret("ann"), "POST", "/tokens", `{"requests_per_minute":2,"scopes":["users"]}`)
	for what, path := range map[string]string{"what its scopes do not allow": "/tokens", "the same of a container": "/aws/container?location=x&access=read"} {
		if w := s.call(narrow.Secret, "GET", path, ""); w.Code != 403 || w.Header().Get("X-RateLimit-Limit") != "2" {
			t.Errorf("%s: %d %v", what, w.Code, w.Header())
		}
	}
	if w := s.call(keyhatch.NewTokenSecret().Reveal(), "GET", "/tokens", ""); w.Code != 401 || w.Header().Get("X-RateLimit-Limit") != "" {
		t.Errorf("no token that there is: %d %v", w.Code, w.Header())
	}
}
