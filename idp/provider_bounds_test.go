package idp_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/oauth"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/internal/loginprovider"
)

// insider is a site with sue, who has logged in at a provider and has of it the installation and a group, and the
// group's workspace by hand. place tells what she has.
func insider(t *testing.T) (s *site, staff *loginprovider.Provider, sue *browser, place func() (admin, reader, member bool)) {
	t.Helper()
	s, _, staff = atProviders(t)
	lab := s.Workspace(t, "lab")
	readers, err := s.Broker.People.CreateGroup(t.Context(), s.Admin, lab.ID, "readers")
	s.must(err)
	staff.Set(func(p *loginprovider.Provider) { p.User["groups"] = []string{"staff"} })
	sue = s.browser()
	sue.chooses("staff", "/profile")
	s.Member(t, lab, keyhatch.Caller{User: s.user("sue")}, keyhatch.MemberRole)
	staff.Set(func(p *loginprovider.Provider) { p.User["groups"] = []string{"staff", "readers", "admins"} })
	s.browser().chooses("staff", "/profile")
	place = func() (admin, reader, member bool) {
		u := s.user("sue")
		_, notReader := s.DB.CircleMember(t.Context(), readers.ID, u.ID)
		_, notMember := s.DB.WorkspaceMember(t.Context(), lab.ID, u.ID)
		return u.Admin, notReader == nil, notMember == nil
	}
	if admin, reader, member := place(); !admin || !reader || !member {
		t.Fatalf("she has the installation: %t, the group: %t, the workspace: %t", admin, reader, member)
	}
	return s, staff, sue, place
}

// TestNotAllowedAnyMore: who comes back and may not come in any more loses what logins at that provider have given, and
// its sessions of there. Once it was refused only, and stayed an installation admin, while who was still
// let in lost that.
func TestNotAllowedAnyMore(t *testing.T) {
	t.Parallel()
	s, staff, sue, place := insider(t)
	ann := s.signedIn("ann")
	staff.Set(func(p *loginprovider.Provider) { p.User["groups"] = []string{"readers", "admins"} })
	if a := s.browser().chooses("staff", "/profile"); a.StatusCode != http.StatusUnauthorized || !strings.Contains(a.body, "may not log in here") {
		t.Errorf("she is let in: %d %s", a.StatusCode, a.body)
	}
	if admin, reader, member := place(); admin || reader || !member {
		t.Errorf("she has the installation: %t, the group: %t, the workspace, which was given by hand: %t", admin, reader, member)
	}
	if e := s.lastEvent("login.refuse"); e.Detail["reason"] != string(keyhatch.RefusedStranger) || e.User != s.user("sue").ID {
		t.Errorf("the record has %+v", e)
	}
	if a := sue.get("/profile"); a.Request.URL.Path != "/login" {
		t.Errorf("she is signed in on: %s", a.body)
	}
	if a := ann.get("/profile"); a.Request.URL.Path != "/profile" {
		t.Errorf("ann is not signed in any more: %s", a.body)
	}
}

// TestGiftsOfAProviderThatIsTakenOut: what logins at a provider have given is taken when a server starts that does not
// know it any more. Once it stayed for ever, since nobody could log in there to lose it.
func TestGiftsOfAProviderThatIsTakenOut(t *testing.T) {
	t.Parallel()
	s, _, _, place := insider(t)
	s.must(s.Broker.Logins.EndOthers(t.Context()))
	if admin, reader, member := place(); !admin || !reader || !member {
		t.Errorf("while it is there she has the installation: %t, the group: %t, the workspace: %t", admin, reader, member)
	}
	s.Providers = nil
	s.reopen()
	for range 2 {
		s.must(s.Broker.Logins.EndOthers(t.Context()))
		if admin, reader, member := place(); admin || reader || !member {
			t.Errorf("she has the installation: %t, the group: %t, the workspace, which was given by hand: %t", admin, reader, member)
		}
	}
}

// TestProviderIsTakenOut: sessions that were begun at a provider end when a server starts that does not
// know it any more, and no others.
func TestProviderIsTakenOut(t *testing.T) {
	t.Parallel()
	s, _, _ := atProviders(t)
	sue, ann := s.browser(), s.signedIn("ann")
	sue.chooses("staff", "/profile")
	s.must(s.Broker.Logins.EndOthers(t.Context()))
	if a := sue.get("/profile"); a.Request.URL.Path != "/profile" {
		t.Errorf("while it is there: %s", a.body)
	}
	s.Providers = nil
	s.reopen()
	s.must(s.Broker.Logins.EndOthers(t.Context()))
	if a := sue.get("/profile"); a.Request.URL.Path != "/login" {
		t.Errorf("sue is signed in on: %s", a.body)
	}
	if a := ann.get("/profile"); a.Request.URL.Path != "/profile" {
		t.Errorf("ann is not signed in any more: %s", a.body)
	}
}

// TestNoFirstPasswordByAProvider: who logs in at a provider does not make that into a password, which would outlive the
// account there. Once it did, with the session alone, and then any program did that held a token which is bounded in
// nothing. An admin's word does, by a secret.
func TestNoFirstPasswordByAProvider(t *testing.T) {
	t.Parallel()
	s, _, _, _ := insider(t)
	sue := s.user("sue")
	l, err := s.Broker.Sessions.Sessions(t.Context(), s.Admin, "sue", kernel.Page{Limit: 1})
	s.must(err)
	at := keyhatch.Caller{User: sue, Token: keyhatch.PasswordToken(sue.ID), Session: l.Items[0].ID}
	set := func(c keyhatch.Caller) error {
		return s.Broker.Passwords.SetPassword(t.Context(), c, "sue", "", password)
	}
	_, _, reset := s.Broker.Passwords.NewReset(t.Context(), at, "sue") // she is an admin
	for what, err := range map[string]error{"a first password": set(at), "a reset of her own": reset} {
		if !errors.Is(err, keyhatch.Forbidden) || !strings.Contains(err.Error(), "installation admin") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, _, err := s.Broker.Passwords.NewReset(t.Context(), at, "bob"); err != nil {
		t.Errorf("a reset of another user: %v", err)
	}
	_, secret, err := s.Broker.People.CreateToken(t.Context(), s.Admin, people.NewToken{User: "sue"})
	s.must(err)
	token, err := s.Broker.People.Authenticate(t.Context(), secret)
	s.must(err)
	_, _, reset = s.Broker.Passwords.NewReset(t.Context(), token, "sue")
	for what, err := range map[string]error{"a first password by a program": set(token), "a reset by a program": reset} {
		if !errors.Is(err, keyhatch.Forbidden) || !strings.Contains(err.Error(), "installation admin") {
			t.Errorf("%s: %v", what, err)
		}
	}
	byAdmin, _, err := s.Broker.Passwords.NewReset(t.Context(), s.Admin, "sue")
	s.must(err)
	s.must(s.Broker.Passwords.ResetPassword(t.Context(), byAdmin, password))
}

// TestConsentsOfAProviderEnd: what somebody has let a program do who had logged in at a provider ends in its time, however
// often the program refreshes, and at once when the account may not come in any more. Once its refresh tokens
// lived on for ever, which nobody at the provider knew of.
func TestConsentsOfAProviderEnd(t *testing.T) {
	t.Parallel()
	s, staff, sue, _ := insider(t)
	s.ConsentLife = 90 * time.Minute
	s.reopen()
	gets := func(b *browser, who string) oauth.Issued {
		t.Helper()
		b.CheckRedirect = s.browser().CheckRedirect
		page := b.get("/oauth/authorize?" + wanted().Encode())
		code := b.decide(page, "allow").sentBack(t, back).Get("code")
		got, err := s.Broker.OAuth.Redeem(t.Context(), s.web, oauth.Redemption{Code: keyhatch.Secret(code), Redirect: back, Verifier: verifier})
		if err != nil || got.User.Name != who {
			t.Fatalf("%s: %+v, %v", who, got.User, err)
		}
		return got
	}
	refreshed := func(i oauth.Issued) (oauth.Issued, error) {
		return s.Broker.OAuth.Refresh(t.Context(), s.web, i.Refresh, nil)
	}
	ends := func(who string) time.Time {
		t.Helper()
		all, err := s.DB.Consents(t.Context(), s.user(who).ID, "", db.Everything)
		if err != nil || len(all) == 0 {
			t.Fatalf("%s: %v, %v", who, all, err)
		}
		return all[len(all)-1].ExpiresAt
	}
	hers, anns := gets(sue, "sue"), gets(s.signedIn("ann"), "ann")
	if left := time.Until(ends("sue")); left > 90*time.Minute || left < 80*time.Minute {
		t.Errorf("what sue has let do ends in %s", left)
	}
	if left := time.Until(ends("ann")); left < 23*time.Hour {
		t.Errorf("what ann has let do, who has logged in here, ends in %s", left)
	}
	// An hour later.
	s.SQL(t, "update oauth_consents set ends_at = ends_at - ? where ends_at is not null", time.Hour.Microseconds())
	hers, err := refreshed(hers)
	if err != nil || time.Until(hers.ExpiresAt) > 30*time.Minute {
		t.Errorf("the access token ends at %s, %v", hers.ExpiresAt, err)
	}
	s.SQL(t, "update oauth_consents set ends_at = 1 where ends_at is not null")
	if _, err := refreshed(hers); !errors.Is(err, oauth.ErrGrant) {
		t.Errorf("after its end it is refreshed: %v", err)
	}
	another := gets(sue, "sue")
	staff.Set(func(p *loginprovider.Provider) { p.User["groups"] = []string{"readers"} })
	s.browser().chooses("staff", "/profile")
	if _, err := refreshed(another); !errors.Is(err, oauth.ErrGrant) {
		t.Errorf("she is not let in any more, and the program refreshes: %v", err)
	}
	if _, err := s.Broker.People.Authenticate(t.Context(), another.Access); !errors.Is(err, keyhatch.Unauthenticated) {
		t.Errorf("she is not let in any more, and the program's token works: %v", err)
	}
	if _, err := refreshed(anns); err != nil {
		t.Errorf("ann's: %v", err)
	}
}
