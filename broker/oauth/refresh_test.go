package oauth_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/oauth"
	"github.com/keyhatch/keyhatch/broker/people"
)

// TestRefresh: a refresh token gives another one, and fewer scopes to who asks for fewer, for
// once.
func TestRefresh(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.redeemed(nil)
	second, err := w.Broker.OAuth.Refresh(t.Context(), w.web, first.Refresh, []keyhatch.Scope{"leases"})
	if err != nil || second.Refresh == first.Refresh || second.Access == first.Access || !slices.Equal(second.Scopes, []keyhatch.Scope{"leases"}) {
		t.Fatalf("it gives %v, %v", second.Scopes, err)
	}
	refused(t, "more than was consented to", only(w.Broker.OAuth.Refresh(t.Context(), w.web, second.Refresh, []keyhatch.Scope{"all"})), oauth.ErrScope)
	third, err := w.Broker.OAuth.Refresh(t.Context(), w.web, second.Refresh, nil)
	if err != nil || !slices.Equal(third.Scopes, first.Scopes) {
		t.Errorf("the third has %v, %v", third.Scopes, err)
	}
	for i, out := range []oauth.Issued{first, second, third} {
		if !w.works(out.Access) {
			t.Errorf("access token %d does not work", i)
		}
	}
	if n := w.events(oauth.Refreshed); n != 2 {
		t.Errorf("%d are on record", n)
	}
}

// TestRefreshShownTwice: the whole line ends, with the newest of it.
func TestRefreshShownTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.redeemed(nil)
	second, err := w.Broker.OAuth.Refresh(t.Context(), w.web, first.Refresh, nil)
	if err != nil {
		t.Fatal(err)
	}
	other := w.redeemed(nil)
	refused(t, "the second time", only(w.Broker.OAuth.Refresh(t.Context(), w.web, first.Refresh, nil)), oauth.ErrGrant)
	refused(t, "the newest", only(w.Broker.OAuth.Refresh(t.Context(), w.web, second.Refresh, nil)), oauth.ErrGrant)
	if w.works(first.Access) || w.works(second.Access) {
		t.Error("S7: what came of it works on")
	}
	if !w.works(other.Access) {
		t.Error("another consent has ended too")
	}
}

// TestRefreshRefused: what refreshes nothing. It costs the right one nothing.
func TestRefreshRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := w.redeemed(nil)
	other := webClient()
	other.Name = "other"
	made, secret := w.client(other)
	for what, c := range map[string]struct {
		proof oauth.Proof
		shown keyhatch.Secret
		want  oauth.Refusal
	}{
		"without the secret":    {oauth.Proof{Client: "web"}, out.Refresh, oauth.ErrClient},
		"another client":        {oauth.Proof{Client: made.Name, Secret: secret}, out.Refresh, oauth.ErrGrant},
		"a public client":       {w.app, out.Refresh, oauth.ErrGrant},
		"none":                  {w.web, "", oauth.ErrGrant},
		"one that there is not": {w.web, keyhatch.RefreshToken.New(), oauth.ErrGrant},
		"the access token":      {w.web, out.Access, oauth.ErrGrant},
	} {
		refused(t, what, only(w.Broker.OAuth.Refresh(t.Context(), c.proof, c.shown, nil)), c.want)
	}
	no, yes := false, true
	for _, active := range []*bool{&no, &yes} {
		if _, err := w.Broker.People.UpdateUser(t.Context(), w.Admin, "ann", people.UserChange{Active: active}); err != nil {
			t.Fatal(err)
		}
		refused(t, "a user who was disabled", only(w.Broker.OAuth.Refresh(t.Context(), w.web, out.Refresh, nil)), oauth.ErrGrant)
	}
}

// TestRefreshEnds: a refresh token is good for so long since it was made, and the consent goes
// when nothing can come of it.
func TestRefreshEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		out := w.redeemed(nil)
		for range 3 {
			time.Sleep(webClient().RefreshLife - time.Second)
			var err error
			if out, err = w.Broker.OAuth.Refresh(t.Context(), w.web, out.Refresh, nil); err != nil {
				t.Fatal(err)
			}
			if l, err := w.Broker.People.Tokens(t.Context(), w.Admin, "ann", kernel.Page{}); err != nil || len(l.Items) != 2 { // and that which set her password
				t.Errorf("she has %d tokens: those that have expired are left, %v", len(l.Items), err)
			}
		}
		time.Sleep(webClient().RefreshLife)
		refused(t, "too late", only(w.Broker.OAuth.Refresh(t.Context(), w.web, out.Refresh, nil)), oauth.ErrGrant)
		if err := w.Broker.OAuth.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		if l, err := w.DB.Consents(t.Context(), "", "", kernel.Page{Limit: 10}); err != nil || len(l) != 0 {
			t.Errorf("%d consents are left, %v", len(l), err)
		}
	})
}

// TestRefreshTokensGo when they have expired, and one that a program has in its place works on.
// Before, each that was ever used was kept for as long as its program refreshed.
func TestRefreshTokensGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		out := w.redeemed(nil)
		var err error
		for range 5 {
			time.Sleep(webClient().RefreshLife / 2)
			if out, err = w.Broker.OAuth.Refresh(t.Context(), w.web, out.Refresh, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Broker.OAuth.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(w.Dump(t, "oauth_refreshes")["oauth_refreshes"]); n != 2 {
			t.Errorf("%d are kept", n)
		}
		if err := only(w.Broker.OAuth.Refresh(t.Context(), w.web, out.Refresh, nil)); err != nil {
			t.Error(err)
		}
	})
}

// TestS12_Refreshes: a program that refreshes without end is told to wait, and loses nothing by
// it. Before, it could write as much as it liked.
func TestS12_Refreshes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		out, n := w.redeemed(nil), 0
		for ; n < 100; n++ {
			next, err := w.Broker.OAuth.Refresh(t.Context(), w.web, out.Refresh, nil)
			if errors.Is(err, keyhatch.TooMany) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			out = next
		}
		if n != 30 {
			t.Errorf("%d times in no time", n)
		}
		time.Sleep(time.Minute)
		if err := only(w.Broker.OAuth.Refresh(t.Context(), w.web, out.Refresh, nil)); err != nil {
			t.Errorf("a minute later: %v", err)
		}
	})
}

// TestGivenUp: who holds a refresh token ends all that came of its consent, and is not told
// whether there was anything.
func TestGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := w.redeemed(nil)
	for _, s := range []keyhatch.Secret{"x", keyhatch.RefreshToken.New(), out.Access} {
		if err := w.Broker.OAuth.EndByRefresh(t.Context(), s); err != nil {
			t.Errorf("what is none: %v", err)
		}
	}
	if !w.works(out.Access) {
		t.Error("it has ended with another")
	}
	for range 2 {
		if err := w.Broker.OAuth.EndByRefresh(t.Context(), out.Refresh); err != nil || w.works(out.Access) {
			t.Errorf("given up: %v, it works: %v", err, w.works(out.Access))
		}
	}
}

// TestS12_Failures: who shows what is nothing is limited by address. Others are not.
func TestS12_Failures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 60 {
		refused(t, "a guess", only(w.Broker.OAuth.Refresh(from(t, "192.0.2.1"), w.web, keyhatch.RefreshToken.New(), nil)), oauth.ErrGrant)
	}
	for what, err := range map[string]error{
		"a refresh token": only(w.Broker.OAuth.Refresh(from(t, "192.0.2.1"), w.web, keyhatch.RefreshToken.New(), nil)),
		"a code":          only(w.Broker.OAuth.Redeem(from(t, "192.0.2.1"), w.web, redemption(keyhatch.AuthorizationCode.New()))),
		"a client":        only(w.Broker.OAuth.Redeem(from(t, "192.0.2.1"), oauth.Proof{Client: "x"}, redemption("x"))),
		"a device":        only(w.Broker.OAuth.PollDevice(from(t, "192.0.2.1"), w.app, keyhatch.DeviceCode.New())),
		"an end":          w.Broker.OAuth.EndByRefresh(from(t, "192.0.2.1"), keyhatch.RefreshToken.New()),
	} {
		if !errors.Is(err, keyhatch.TooMany) {
			t.Errorf("one more, %s: %v", what, err)
		}
	}
	if err := only(w.Broker.OAuth.Redeem(from(t, "192.0.2.1"), w.web, redemption(w.code(nil)))); err != nil {
		t.Errorf("what is good: %v", err)
	}
	refused(t, "from elsewhere", only(w.Broker.OAuth.Refresh(from(t, "192.0.2.2"), w.web, keyhatch.RefreshToken.New(), nil)), oauth.ErrGrant)
}
