package idp_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/record"
)

// TestS7_Revocation: who holds a token ends it, in each spelling, and it is on record.
func TestS7_Revocation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"bare", "as Arvados", "with its lab"} {
		token, secret := w.token(people.NewToken{})
		made, madeSecret, err := w.Broker.People.CreateToken(t.Context(), w.caller(secret), people.NewToken{})
		if err != nil || made.MadeWith != token.ID {
			t.Fatal(err)
		}
		a := w.call("POST", "/oauth/revoke", tokenForm(spellings(token.ID, w.lab.ID, secret)[name]))
		if a.Code != 200 || a.Body.Len() != 0 || w.works(secret) || !w.works(madeSecret.Reveal()) {
			t.Errorf("%s: %d %s; it works: %t, what it made: %t", name, a.Code, a.Body, w.works(secret), w.works(madeSecret.Reveal()))
		}
		events, err := w.Broker.Record.Events(t.Context(), w.Admin, record.EventFilter{Action: people.TokenRevoked, Target: token.ID}, kernel.Page{})
		if err != nil || len(events.Items) != 1 || events.Items[0].User != w.ann.User.ID || events.Items[0].Address != "192.0.2.1" || events.Items[0].RequestID == "" {
			t.Errorf("%s: on record is %+v, %v", name, events.Items, err)
		}
		w.wantNoSecrets(secret)
	}
}

func (w *world) caller(secret string) keyhatch.Caller {
	w.t.Helper()
	c, err := w.Broker.People.Authenticate(w.t.Context(), keyhatch.Secret(secret))
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// TestS6_RevocationTellsNothing: whether there was such a token is not told, nor is it
// asked who sends it.
func TestS6_RevocationTellsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		_, expired := w.token(people.NewToken{ExpiresAt: time.Now().Add(time.Minute)})
		_, known := w.token(people.NewToken{})
		time.Sleep(time.Minute)
		for what, secret := range map[string]string{
			"one that works": known, "one that is ended": known, "expired": expired, "unknown": keyhatch.NewTokenSecret().Reveal(),
			"mistyped": known[:51] + "-", "no token": canary, "as long as can be": strings.Repeat("x", 128),
		} {
			a := w.call("POST", "/oauth/revoke", tokenForm(secret), with("Authorization", "Bearer "+canary))
			if a.Code != 200 || a.Body.Len() != 0 || len(a.Header()) != 4 {
				t.Errorf("%s: %d %s %v", what, a.Code, a.Body, a.Header())
			}
		}
		w.wantNoSecrets(known, expired)
	})
}

// TestEndingTakesNoScope: whoever holds a token may end it, whatever else it may.
func TestEndingTakesNoScope(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, scopes := range [][]keyhatch.Scope{{}, {"leases:read"}, {"GET /oauth/revoke"}, {"s3:read s3://lab-data/"}} {
		for _, path := range []string{"/oauth/revoke", "/logout"} {
			_, secret := w.token(people.NewToken{Workspace: w.lab.ID, Scopes: scopes})
			if a := w.call("POST", path, tokenForm(secret)+"&api_token="+secret); a.Code != 200 || w.works(secret) {
				t.Errorf("%s, %q: %d; it works: %t", path, scopes, a.Code, w.works(secret))
			}
		}
	}
}

// TestRevocationIsOfTokens: what lives on is not said to have ended.
func TestRevocationIsOfTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.Location(t, w.lab, "s3://lab-data/alpha/")
	w.Grant(t, l, w.ann, keyhatch.Read)
	lent, err := w.Broker.Lending.Lease(t.Context(), w.ann, lending.LeaseRequest{Workspace: "lab", Location: l.ID, Access: keyhatch.Read})
	if err != nil {
		t.Fatal(err)
	}
	session := lent.Credentials.SessionToken.Reveal()
	w.refused("the session token of a lease", w.call("POST", "/oauth/revoke", tokenForm(session)), 400, "unsupported_token_type", session)
	w.refused("the same, to log out", w.call("GET", "/logout?api_token="+session, ""), 400, "unsupported_token_type", session)
	w.refused("one more than there can be", w.call("POST", "/oauth/revoke", tokenForm(strings.Repeat("x", 129))), 400, "unsupported_token_type")
	w.wantNoSecrets(session)
}

// TestS12_RevocationsAreLimited: by address, whether there are such tokens or not.
func TestS12_RevocationsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		_, secret := w.token(people.NewToken{})
		for range people.DefaultFailuresPerMinute {
			if a := w.call("POST", "/oauth/revoke", tokenForm(keyhatch.NewTokenSecret().Reveal())); a.Code != 200 {
				t.Fatalf("%d %s", a.Code, a.Body)
			}
		}
		for what, path := range map[string]string{"revoke": "/oauth/revoke", "logout": "/logout"} {
			body := tokenForm(secret) + "&api_token=" + secret
			a := w.call("POST", path, body)
			w.refused(what, a, 429, "temporarily_unavailable", secret)
			if a.Header().Get("Retry-After") != "1" {
				t.Errorf("%s: Retry-After %q", what, a.Header().Get("Retry-After"))
			}
		}
		if !w.works(secret) {
			t.Error("it was ended, and the answer says that it was not")
		}
		time.Sleep(time.Second)
		if a := w.call("POST", "/oauth/revoke", tokenForm(secret)); a.Code != 200 || w.works(secret) {
			t.Errorf("after the wait: %d", a.Code)
		}
	})
}

// TestRevocationNotPossible: that a token could not be ended is told.
func TestRevocationNotPossible(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, secret := w.token(people.NewToken{})
	mend := w.BreakCommits(t, "tokens")
	for _, path := range []string{"/oauth/revoke", "/logout"} {
		a := w.call("POST", path, tokenForm(secret)+"&api_token="+secret)
		if a.Code < 500 {
			t.Errorf("%s: %d %s", path, a.Code, a.Body)
		}
	}
	mend()
	if !w.works(secret) {
		t.Error("it was ended all the same")
	}
	w.wantNoSecrets(secret)
}
