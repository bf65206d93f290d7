package people_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// foreign and within are the other spellings of a secret.
func foreign(token string, secret keyhatch.Secret) keyhatch.Secret {
	return keyhatch.Secret("v2/ab0cd-gj3su-" + strings.TrimPrefix(token, "tok_") + "/" + secret.Reveal())
}

func within(workspace string, secret keyhatch.Secret) keyhatch.Secret {
	return keyhatch.Secret("kh-ws_" + strings.TrimPrefix(workspace, "ws_") + "-" + strings.TrimPrefix(secret.Reveal(), "kh_"))
}

// spelling is ann, who is in lab and not in den, with a token.
type spelling struct {
	*coretest.Core
	lab, den keyhatch.Workspace
	ann      keyhatch.Caller
}

func newSpelling(t *testing.T) *spelling {
	t.Helper()
	s := &spelling{Core: coretest.New(t)}
	s.lab, s.den = s.Workspace(t, "lab"), s.Workspace(t, "den")
	s.ann = s.User(t, "ann")
	s.Member(t, s.lab, s.ann, keyhatch.MemberRole)
	return s
}

func (s *spelling) token(t *testing.T, maker keyhatch.Caller, n people.NewToken) (keyhatch.Token, keyhatch.Secret) {
	t.Helper()
	token, secret, err := s.Broker.People.CreateToken(t.Context(), maker, n)
	if err != nil {
		t.Fatal(err)
	}
	return token, secret
}

// TestS6_SpellingsThatDoNotFitLookAlike: a spelling that names another token, or a
// workspace in which the token does not work, is answered like a token that there is not.
func TestS6_SpellingsThatDoNotFitLookAlike(t *testing.T) {
	t.Parallel()
	s := newSpelling(t)
	token, secret := s.token(t, s.ann, people.NewToken{})
	confined, confinedSecret := s.token(t, s.ann, people.NewToken{Workspace: s.lab.ID})
	_, adminSecret := s.token(t, s.Admin, people.NewToken{})
	const nowhere = "ws_000000000000000"

	for what, shown := range map[string]keyhatch.Secret{
		"bare": secret, "with its id": foreign(token.ID, secret), "in a workspace of hers": within(s.lab.ID, secret),
		"confined, with its id": foreign(confined.ID, confinedSecret), "confined, in its workspace": within(s.lab.ID, confinedSecret),
		"an admin in a workspace": within(s.den.ID, adminSecret),
	} {
		if _, err := s.Broker.People.Authenticate(t.Context(), shown); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, want := s.Broker.People.Authenticate(t.Context(), keyhatch.NewTokenSecret())
	for what, shown := range map[string]keyhatch.Secret{
		"with the id of another":              foreign(confined.ID, secret),
		"with the id of none":                 foreign("tok_000000000000000", secret),
		"in a workspace that she is not in":   within(s.den.ID, secret),
		"in no workspace":                     within(nowhere, secret),
		"confined, in another workspace":      within(s.den.ID, confinedSecret),
		"an admin in no workspace":            within(nowhere, adminSecret),
		"unknown, with an id":                 foreign(token.ID, keyhatch.NewTokenSecret()),
		"unknown, in a workspace":             within(s.lab.ID, keyhatch.NewTokenSecret()),
		"with its id and a container's after": foreign(token.ID, secret+"/ab0cd-dz642-000000000000000"),
	} {
		caller, err := s.Broker.People.Authenticate(t.Context(), shown)
		if diff := cmp.Diff(want, err); diff != "" || err == nil {
			t.Errorf("%s (-unknown +got):\n%s", what, diff)
		}
		if caller.User.ID != "" || caller.Token.ID != "" {
			t.Errorf("%s: it came with a caller", what)
		}
		if seen, err := s.Broker.People.Inspect(t.Context(), s.Admin, shown); err != nil || seen.Active {
			t.Errorf("%s: it is active, %v", what, err)
		}
	}
}

// TestS4_SpellingConfines: in the spelling with a workspace a token does no more than one
// that is confined to it, also where the caller is read again.
func TestS4_SpellingConfines(t *testing.T) {
	t.Parallel()
	s := newSpelling(t)
	ctx := t.Context()
	_, secret := s.token(t, s.Admin, people.NewToken{})
	c, err := s.Broker.People.Authenticate(ctx, within(s.lab.ID, secret))
	if err != nil {
		t.Fatal(err)
	}
	wantForbidden := func(what string, code keyhatch.Code, err error) {
		t.Helper()
		var e *keyhatch.Error
		if !errors.As(err, &e) || e.Code != code {
			t.Errorf("%s: %v, want %s", what, err, code)
		}
	}
	_, err = s.Broker.People.CreateUser(ctx, c, people.NewUser{Name: "eve"})
	wantForbidden("an admin, confined, makes a user", keyhatch.CodeNotPermitted, err)
	_, err = s.Broker.People.CreateGroup(ctx, c, s.den.ID, "spies")
	wantForbidden("a group elsewhere", keyhatch.CodeWorkspaceNotInToken, err)
	_, _, err = s.Broker.People.CreateToken(ctx, c, people.NewToken{Workspace: s.den.ID})
	wantForbidden("a token for elsewhere", keyhatch.CodeWorkspaceNotInToken, err)
	_, err = s.Broker.People.UpdateToken(ctx, c, c.Token.ID, people.TokenChange{Name: new(string)})
	wantForbidden("the token itself, which is not confined", keyhatch.CodeScopeTooBroad, err)
	_, _, err = s.Broker.People.RotateToken(ctx, c, c.Token.ID, 0)
	wantForbidden("another secret for it", keyhatch.CodeScopeTooBroad, err)
	if made, _ := s.token(t, c, people.NewToken{}); made.Workspace != s.lab.ID {
		t.Errorf("the token that it made is of workspace %q", made.Workspace)
	}
	if _, err := s.Broker.People.CreateGroup(ctx, c, "", "geologists"); err != nil {
		t.Errorf("a group where it is confined to: %v", err)
	}
	seen, err := s.Broker.People.Token(ctx, c, c.Token.ID)
	if err != nil || seen.ID != c.Token.ID {
		t.Errorf("it does not see itself: %v", err)
	}
	if err := s.Broker.People.RevokeToken(ctx, c, c.Token.ID); err != nil {
		t.Errorf("it does not end itself: %v", err)
	}
	if _, err := s.Broker.People.Authenticate(ctx, secret); !errors.Is(err, keyhatch.Unauthenticated) {
		t.Errorf("after that: %v", err)
	}
}

// TestS12_GuessesHoldUpNobody: a secret that opens nothing is answered while others write.
// It waited for its turn to write once.
func TestS12_GuessesHoldUpNobody(t *testing.T) {
	t.Parallel()
	s := newSpelling(t)
	_, secret := s.token(t, s.ann, people.NewToken{})
	writing, done := make(chan struct{}), make(chan struct{})
	ended := make(chan error)
	go func() {
		ended <- s.DB.Write(t.Context(), func(*db.Tx) error {
			close(writing)
			<-done
			return nil
		})
	}()
	<-writing
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for what, end := range map[string]func(context.Context, keyhatch.Secret) error{
		"revoked": s.Broker.People.RevokeSecret, "reported": s.Broker.People.ReportLeak,
	} {
		if err := end(ctx, keyhatch.NewTokenSecret()); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	close(done)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := s.Broker.People.RevokeSecret(ctx, secret); err != nil {
		t.Errorf("one that there is: %v", err)
	}
}

// TestS7_EverySpellingEnds: who holds a secret ends its token by any spelling, also by
// one that does not fit: the secret is out.
func TestS7_EverySpellingEnds(t *testing.T) {
	t.Parallel()
	s := newSpelling(t)
	for what, spell := range map[string]func(keyhatch.Token, keyhatch.Secret) keyhatch.Secret{
		"bare":                   func(_ keyhatch.Token, s keyhatch.Secret) keyhatch.Secret { return s },
		"with its id":            func(t keyhatch.Token, s keyhatch.Secret) keyhatch.Secret { return foreign(t.ID, s) },
		"with the id of another": func(_ keyhatch.Token, s keyhatch.Secret) keyhatch.Secret { return foreign("tok_000000000000000", s) },
		"in her workspace":       func(_ keyhatch.Token, secret keyhatch.Secret) keyhatch.Secret { return within(s.lab.ID, secret) },
		"in another workspace":   func(_ keyhatch.Token, secret keyhatch.Secret) keyhatch.Secret { return within(s.den.ID, secret) },
	} {
		for by, end := range map[string]func(keyhatch.Secret) error{
			"revoked":  func(x keyhatch.Secret) error { return s.Broker.People.RevokeSecret(t.Context(), x) },
			"reported": func(x keyhatch.Secret) error { return s.Broker.People.ReportLeak(t.Context(), x) },
		} {
			token, secret := s.token(t, s.ann, people.NewToken{})
			if err := end(spell(token, secret)); err != nil {
				t.Errorf("%s, %s: %v", by, what, err)
			}
			if _, err := s.Broker.People.Authenticate(t.Context(), secret); !errors.Is(err, keyhatch.Unauthenticated) {
				t.Errorf("%s, %s: it works on: %v", by, what, err)
			}
		}
	}
}
