package oauth_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/oauth"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/db"
)

// line is what came of a consent: what the program got, a token that it made, one that was made
// with that, and an access key of a token that it made and revoked.
type line struct {
	oauth.Issued
	child, grandchild keyhatch.Secret
	key               string
}

// line has app make all that a program can make.
func (w *world) line(who keyhatch.Caller) line {
	w.t.Helper()
	ann := w.ann
	w.ann = who
	l := line{Issued: w.signed()}
	w.ann = ann
	c, err := w.Broker.Bearers.Authenticate(w.t.Context(), l.Access, "")
	if err != nil {
		w.t.Fatal(err)
	}
	make := func(maker keyhatch.Caller) (keyhatch.Caller, keyhatch.Secret) {
		_, secret, err := w.Broker.People.CreateToken(w.t.Context(), maker, people.NewToken{})
		if err != nil {
			w.t.Fatal(err)
		}
		c, err := w.Broker.People.Authenticate(w.t.Context(), secret)
		if err != nil {
			w.t.Fatal(err)
		}
		return c, secret
	}
	child, secret := make(c)
	l.child = secret
	_, l.grandchild = make(child)
	gone, _ := make(c)
	key, err := w.Broker.AccessKeys.Create(w.t.Context(), gone, accesskeys.NewKey{
		Workspace: "lab", Store: w.Store.ID, Name: who.User.Name, Rights: accesskeys.Rights{Read: []string{"lab-data"}},
	})
	if err == nil {
		err = w.Broker.People.RevokeToken(w.t.Context(), gone, gone.Token.ID)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	l.key = key.ID
	if !w.works(l.Access) || !w.works(l.child) || !w.works(l.grandchild) {
		w.t.Fatal("what a program made ends with a token that it made besides")
	}
	return l
}

// ended checks that all of it has ended.
func (w *world) ended(what string, l line, refresh oauth.Refusal) {
	w.t.Helper()
	for name, s := range map[string]keyhatch.Secret{"the access token": l.Access, "the token that was made with it": l.child, "the one that was made with that": l.grandchild} {
		if w.works(s) {
			w.t.Errorf("S7: %s: %s works on", what, name)
		}
	}
	if _, err := w.DB.AccessKey(w.t.Context(), l.key); !errors.Is(err, keyhatch.NotFound) {
		w.t.Errorf("S7: %s: the access key is there: %v", what, err)
	}
	refused(w.t, what+": the refresh token", only(w.Broker.OAuth.Refresh(w.t.Context(), w.app, l.Refresh, nil)), refresh)
}

// TestAllEndsWithItsConsent, in whatever way that ends. Before, a revoked access token left the
// refresh token, and what a program had made with it; revoking all tokens of a user, and reporting
// one as leaked, left refresh tokens, codes and devices; and who was disabled found them again.
func TestAllEndsWithItsConsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lab := w.Workspace(t, "lab")
	yes, no := true, false
	active := func(who keyhatch.Caller, a *bool) error {
		return only(w.Broker.People.UpdateUser(t.Context(), w.Admin, who.User.ID, people.UserChange{Active: a}))
	}
	id := func(l line) string { _, _, claims := w.verified(l.Access); return claims["jti"].(string) }
	for what, end := range map[string]func(who keyhatch.Caller, l line) error{
		"revoked-by-id": func(who keyhatch.Caller, l line) error {
			return w.Broker.People.RevokeToken(t.Context(), who, id(l))
		},
		"revoked-with-all": func(who keyhatch.Caller, l line) error {
			return w.Broker.People.RevokeTokenAndMade(t.Context(), who, id(l))
		},
		"revoked-by-holder": func(_ keyhatch.Caller, l line) error { return w.Broker.Bearers.End(t.Context(), l.Access) },
		"set-to-end": func(who keyhatch.Caller, l line) error {
			past := time.Now().Add(-time.Minute)
			return only(w.Broker.People.UpdateToken(t.Context(), who, id(l), people.TokenChange{ExpiresAt: &past}))
		},
		"leaked":       func(_ keyhatch.Caller, l line) error { return w.Broker.Bearers.ReportLeak(t.Context(), l.Access) },
		"refresh-back": func(_ keyhatch.Caller, l line) error { return w.Broker.OAuth.EndByRefresh(t.Context(), l.Refresh) },
		"refresh-twice": func(_ keyhatch.Caller, l line) error {
			if err := only(w.Broker.OAuth.Refresh(t.Context(), w.app, l.Refresh, nil)); err != nil {
				return err
			}
			refused(t, "the second time", only(w.Broker.OAuth.Refresh(t.Context(), w.app, l.Refresh, nil)), oauth.ErrGrant)
			return nil
		},
		"all-tokens": func(who keyhatch.Caller, _ line) error {
			return only(w.Broker.People.RevokeTokens(t.Context(), who, who.User.ID, true))
		},
		"disabled": func(who keyhatch.Caller, _ line) error { return errors.Join(active(who, &no), active(who, &yes)) },
		"removed": func(who keyhatch.Caller, _ line) error {
			return w.Broker.People.DeleteUser(t.Context(), w.Admin, who.User.ID)
		},
	} {
		who := w.person(what)
		w.Member(t, lab, who, keyhatch.AdminRole)
		l := w.line(who)
		if err := end(who, l); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		w.ended(what, l, oauth.ErrGrant)
	}
	w.Member(t, lab, w.ann, keyhatch.AdminRole)
	l := w.line(w.ann)
	if err := w.Broker.OAuth.DeleteClient(t.Context(), w.Admin, "app"); err != nil {
		t.Fatal(err)
	}
	w.ended("its program was removed", l, oauth.ErrClient)
}

// TestRevokeTokensEndsWhatIsUnderWay: a code and a device that wait for their program, and a consent
// whose access token has expired. Before, all three gave tokens afterwards.
func TestRevokeTokensEndsWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		old := w.redeemed(nil)
		time.Sleep(2 * time.Hour)
		code, d := w.code(nil), w.device()
		if err := w.Broker.OAuth.DecideDevice(t.Context(), w.ann, d.Code, true); err != nil {
			t.Fatal(err)
		}
		kept := w.redeemed(nil)
		own, err := w.Broker.People.Authenticate(t.Context(), kept.Access)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Broker.People.RevokeTokens(t.Context(), own, "ann", true); err != nil {
			t.Fatal(err)
		}
		refused(t, "the code", only(w.Broker.OAuth.Redeem(t.Context(), w.web, redemption(code))), oauth.ErrGrant)
		refused(t, "the device", only(w.poll(d)), oauth.ErrGrant)
		refused(t, "the refresh token", only(w.Broker.OAuth.Refresh(t.Context(), w.web, old.Refresh, nil)), oauth.ErrGrant)
		if !w.works(kept.Access) {
			t.Error("the token that was to be kept has ended")
		}
		if err := only(w.Broker.OAuth.Refresh(t.Context(), w.web, kept.Refresh, nil)); err != nil {
			t.Errorf("it cannot be refreshed: %v", err)
		}
	})
}

// TestS4_ProgramsStayWithinTheirConsent: what a program has made may no more than itself, and
// none of it outlives it. Before, a token that it had made was bounded by nothing: it made tokens
// without an end, and could set the first password; and a program could take over another token of
// its user, which nothing bounded either.
func TestS4_ProgramsStayWithinTheirConsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lab := w.Workspace(t, "lab")
	w.Member(t, lab, w.ann, keyhatch.AdminRole)
	l := w.line(w.ann)
	child, err := w.Broker.People.Authenticate(t.Context(), l.child)
	if err != nil {
		t.Fatal(err)
	}
	made, _, err := w.Broker.People.CreateToken(t.Context(), child, people.NewToken{})
	if err != nil || made.ExpiresAt.IsZero() || made.ExpiresAt.After(l.ExpiresAt) || made.Consent == "" {
		t.Errorf("what is made with a token that it made ends at %s, of %q: %v", made.ExpiresAt, made.Consent, err)
	}
	if key, err := w.Broker.AccessKeys.Create(t.Context(), child, accesskeys.NewKey{
		Workspace: "lab", Store: w.Store.ID, Name: "endless", Rights: accesskeys.Rights{Read: []string{"lab-data"}},
	}); err != nil || key.ExpiresAt.IsZero() || key.ExpiresAt.After(l.ExpiresAt) {
		t.Errorf("an access key ends at %s: %v", key.ExpiresAt, err)
	}
	if err := w.Broker.Passwords.RemovePassword(t.Context(), w.Admin, "ann"); err != nil {
		t.Fatal(err)
	}
	if err := w.Broker.Passwords.SetPassword(t.Context(), child, "ann", "", password); !errors.Is(err, keyhatch.Forbidden) {
		t.Errorf("it sets a password: %v", err)
	}
	own := w.Token(t, w.Admin, people.NewToken{User: "ann", ExpiresAt: time.Now().Add(time.Minute)})
	if _, _, err := w.Broker.People.RotateToken(t.Context(), child, own.Token.ID, 0); !errors.Is(err, keyhatch.Forbidden) {
		t.Errorf("it takes over a token of its user: %v", err)
	}
	if _, err := w.Broker.OAuth.TellUser(t.Context(), child); !errors.Is(err, keyhatch.Forbidden) {
		t.Errorf("a token that a program made is told who the user is: %v", err)
	}
}

// TestNobodyIsLockedOutByPrograms: what a program has left is no reason to refuse its user. Once a user who had let programs
// act a thousand times, as those do that log in without asking, could log in with none of them any more;
// and then codes that nobody redeemed ended what programs did.
func TestNobodyIsLockedOutByPrograms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.signed()
	used, unused := w.redeemed(nil), w.redeemed(nil)
	if !w.works(used.Access) {
		t.Fatal("it does not work")
	}
	w.SQL(t, "update tokens set created_at = created_at - 2000000 where consent is not null")
	w.SQL(t, "update tokens set last_used_at = (select max(created_at) from tokens) where id = (select id from tokens where consent is not null and name = 'web' order by id limit 1)")
	w.Restart(t)
	w.Broker.OAuth.AllowAtMost(5)
	newer := []oauth.Issued{w.redeemed(nil), w.redeemed(nil), w.redeemed(nil)}
	for range 20 { // a page of somebody else can have a browser ask for them
		w.code(nil)
	}
	standing := map[string]keyhatch.Secret{"one that is used": used.Access, "another program's": other.Access}
	for i, n := range newer {
		standing[fmt.Sprint("a newer one, ", i)] = n.Access
	}
	for what, access := range standing {
		if !w.works(access) {
			t.Errorf("%s has ended", what)
		}
	}
	if w.works(unused.Access) {
		t.Error("the one that was not used for the longest works on")
	}
	refused(t, "its refresh token", only(w.Broker.OAuth.Refresh(t.Context(), w.web, unused.Refresh, nil)), oauth.ErrGrant)
	if all, err := w.DB.Consents(t.Context(), w.ann.User.ID, w.webID(), db.Everything); err != nil || len(all) != 5 {
		t.Errorf("there are %d, %v", len(all), err)
	}
	if n := w.events(oauth.Ended); n != 1+19 {
		t.Errorf("%d ends are on record", n)
	}
}
