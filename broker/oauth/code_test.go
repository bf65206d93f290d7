package oauth_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/oauth"
	"github.com/keyhatch/keyhatch/broker/people"
)

type ctx = context.Context

// TestCode: a code is good for the tokens that its user has consented to.
func TestCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := w.redeemed(nil)
	c, err := w.Broker.People.Authenticate(t.Context(), out.Access)
	if err != nil || c.User.ID != w.ann.User.ID || c.Token.Consent == "" || !slices.Equal(c.Token.Scopes, []keyhatch.Scope{"tokens", "leases"}) {
		t.Errorf("the token is %+v, %v", c.Token, err)
	}
	if d := time.Until(out.ExpiresAt); d > time.Hour || d < 50*time.Minute || out.Refresh == "" || out.ID != "" {
		t.Errorf("it lives %s, and there is %d of a refresh token and %d of an ID token", d, len(out.Refresh), len(out.ID))
	}
	narrow := w.redeemed(func(r *oauth.Request) { r.Scopes = []keyhatch.Scope{"tokens:read"} })
	if !slices.Equal(narrow.Scopes, []keyhatch.Scope{"tokens:read"}) {
		t.Errorf("asked for less it has %v", narrow.Scopes)
	}
	if n := w.events(oauth.Consented); n != 2 {
		t.Errorf("%d consents are on record", n)
	}
}

// TestOwnClientNeedsNoPage: our own door for data users' keys comes to tokens without a page. Once it
// was looked for among the clients that are registered, and asked for as if it were anybody: nobody could
// log in there.
func TestOwnClientNeedsNoPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	own := oauth.Proof{Client: keyhatch.EarthdataClient.Name}
	r := asks(own.Client, w.PublicURL+keyhatch.KeysRedirect, nil)
	if asked, err := w.Broker.OAuth.Ask(t.Context(), r); err != nil || !asked.Unasked() {
		t.Errorf("its user has to be asked: %v", err)
	}
	code, err := w.Broker.OAuth.Allow(t.Context(), w.ann, r)
	if err != nil {
		t.Fatal(err)
	}
	out, err := w.Broker.OAuth.Redeem(t.Context(), own, oauth.Redemption{Code: code, Redirect: r.Redirect, Verifier: verifier})
	if err != nil || !slices.Equal(out.Scopes, []keyhatch.Scope{keyhatch.EarthdataScope}) || !w.works(out.Access) {
		t.Errorf("it comes to a token for %v, %v", out.Scopes, err)
	}
}

// TestCodeShownTwice: who shows a code a second time gets nothing, and ends what came of the
// first, with all that was made with it; nobody can tell who of the two is the thief.
func TestCodeShownTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.code(nil)
	out, err := w.Broker.OAuth.Redeem(t.Context(), w.web, redemption(code))
	if err != nil {
		t.Fatal(err)
	}
	c, err := w.Broker.People.Authenticate(t.Context(), out.Access)
	if err != nil {
		t.Fatal(err)
	}
	made, secret, err := w.Broker.People.CreateToken(t.Context(), c, people.NewToken{})
	if err != nil || made.ExpiresAt.After(out.ExpiresAt) {
		t.Fatalf("S4: what is made with it ends at %s, later than %s: %v", made.ExpiresAt, out.ExpiresAt, err)
	}
	refused(t, "the second time", only(w.Broker.OAuth.Redeem(t.Context(), w.web, redemption(code))), oauth.ErrGrant)
	if w.works(out.Access) || w.works(secret) {
		t.Error("S7: what came of it works on")
	}
	refused(t, "its refresh token", only(w.Broker.OAuth.Refresh(t.Context(), w.web, out.Refresh, nil)), oauth.ErrGrant)
	if w.events(oauth.Ended) != 1 {
		t.Error("the end is not on record")
	}
}

// TestCodeAtOnce: of many who show a code at once one gets tokens at most, and in the end none
// works.
func TestCodeAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.code(nil)
	var all sync.WaitGroup
	got := make([]keyhatch.Secret, 8)
	for i := range got {
		all.Go(func() {
			out, err := w.Broker.OAuth.Redeem(t.Context(), w.web, redemption(code))
			if err != nil && !errors.Is(err, oauth.ErrGrant) {
				t.Error(err)
			}
			got[i] = out.Access
		})
	}
	all.Wait()
	got = slices.DeleteFunc(got, func(s keyhatch.Secret) bool { return s == "" })
	if len(got) != 1 || w.works(got[0]) {
		t.Errorf("%d have tokens", len(got))
	}
}

// TestCodeRefused: a code is its client's, for its address and its verifier, and fails alike
// for all others. What does not fit has cost the code.
func TestCodeRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := webClient()
	other.Name = "other"
	made, secret := w.client(other)
	for what, c := range map[string]struct {
		change func(*oauth.Proof, *oauth.Redemption)
		want   oauth.Refusal
		lives  bool // the code is good afterwards
	}{
		"no such client":         {func(p *oauth.Proof, _ *oauth.Redemption) { p.Client = "nobody" }, oauth.ErrClient, true},
		"no client":              {func(p *oauth.Proof, _ *oauth.Redemption) { p.Client = "" }, oauth.ErrClient, true},
		"a client's id":          {func(p *oauth.Proof, _ *oauth.Redemption) { p.Client = w.webID() }, oauth.ErrClient, true},
		"no secret":              {func(p *oauth.Proof, _ *oauth.Redemption) { p.Secret = "" }, oauth.ErrClient, true},
		"another secret":         {func(p *oauth.Proof, _ *oauth.Redemption) { p.Secret = keyhatch.ClientSecret.New() }, oauth.ErrClient, true},
		"another one's secret":   {func(p *oauth.Proof, _ *oauth.Redemption) { p.Secret = secret }, oauth.ErrClient, true},
		"a public one's secret":  {func(p *oauth.Proof, _ *oauth.Redemption) { p.Client = "app" }, oauth.ErrClient, true},
		"another client":         {func(p *oauth.Proof, _ *oauth.Redemption) { *p = oauth.Proof{Client: made.Name, Secret: secret} }, oauth.ErrGrant, true},
		"another code":           {func(_ *oauth.Proof, r *oauth.Redemption) { r.Code = keyhatch.AuthorizationCode.New() }, oauth.ErrGrant, true},
		"no code":                {func(_ *oauth.Proof, r *oauth.Redemption) { r.Code = "" }, oauth.ErrGrant, true},
		"a token for a code":     {func(_ *oauth.Proof, r *oauth.Redemption) { r.Code = keyhatch.NewTokenSecret() }, oauth.ErrGrant, true},
		"another address":        {func(_ *oauth.Proof, r *oauth.Redemption) { r.Redirect = back + "/" }, oauth.ErrGrant, false},
		"no address":             {func(_ *oauth.Proof, r *oauth.Redemption) { r.Redirect = "" }, oauth.ErrGrant, false},
		"another verifier":       {func(_ *oauth.Proof, r *oauth.Redemption) { r.Verifier = verifier + "x" }, oauth.ErrGrant, false},
		"no verifier":            {func(_ *oauth.Proof, r *oauth.Redemption) { r.Verifier = "" }, oauth.ErrGrant, false},
		"the challenge for both": {func(_ *oauth.Proof, r *oauth.Redemption) { r.Verifier = keyhatch.Secret(asks("", "", nil).Challenge) }, oauth.ErrGrant, false},
	} {
		code := w.code(nil)
		proof, redeem := w.web, redemption(code)
		c.change(&proof, &redeem)
		refused(t, what, only(w.Broker.OAuth.Redeem(t.Context(), proof, redeem)), c.want)
		if err := only(w.Broker.OAuth.Redeem(t.Context(), w.web, redemption(code))); (err == nil) != c.lives {
			t.Errorf("%s: the code afterwards: %v", what, err)
		}
	}
}

// TestCodeIsGoodForAMinute and no longer.
func TestCodeIsGoodForAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		early, late := w.code(nil), w.code(nil)
		time.Sleep(time.Minute - time.Millisecond)
		if err := only(w.Broker.OAuth.Redeem(t.Context(), w.web, redemption(early))); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Millisecond)
		refused(t, "after a minute", only(w.Broker.OAuth.Redeem(t.Context(), w.web, redemption(late))), oauth.ErrGrant)
	})
}

// TestAskRefused: what a client may not ask for. PKCE cannot be left out, or be weaker.
func TestAskRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for what, c := range map[string]struct {
		change func(*oauth.Request)
		want   oauth.Refusal
	}{
		"no client":          {func(r *oauth.Request) { r.Client = "" }, oauth.ErrClient},
		"an unknown client":  {func(r *oauth.Request) { r.Client = "nobody" }, oauth.ErrClient},
		"a client's id":      {func(r *oauth.Request) { r.Client = w.signer.ID; r.Redirect = w.signer.Redirects[0] }, oauth.ErrClient},
		"the command line":   {func(r *oauth.Request) { r.Client = "keyhatch" }, oauth.ErrRedirect},
		"another's address":  {func(r *oauth.Request) { r.Redirect = w.signer.Redirects[0] }, oauth.ErrRedirect},
		"no address":         {func(r *oauth.Request) { r.Redirect = "" }, oauth.ErrRedirect},
		"no challenge":       {func(r *oauth.Request) { r.Challenge, r.Method = "", "" }, oauth.ErrChallenge},
		"a plain challenge":  {func(r *oauth.Request) { r.Challenge, r.Method = verifier, "plain" }, oauth.ErrChallenge},
		"no method":          {func(r *oauth.Request) { r.Method = "" }, oauth.ErrChallenge},
		"a short challenge":  {func(r *oauth.Request) { r.Challenge = r.Challenge[:42] }, oauth.ErrChallenge},
		"a padded challenge": {func(r *oauth.Request) { r.Challenge += "=" }, oauth.ErrChallenge},
		"a broader scope":    {func(r *oauth.Request) { r.Scopes = []keyhatch.Scope{"all"} }, oauth.ErrScope},
		"one scope too many": {func(r *oauth.Request) { r.Scopes = []keyhatch.Scope{"tokens", "buckets"} }, oauth.ErrScope},
		"no scope at all":    {func(r *oauth.Request) { r.Scopes = []keyhatch.Scope{"nonsense of mine"} }, oauth.ErrScope},
		"a scope of S3":      {func(r *oauth.Request) { r.Scopes = []keyhatch.Scope{"s3:read s3://b/p/"} }, oauth.ErrScope},
		"an S3 scope of all": {func(r *oauth.Request) {
			*r = asks("app", "http://127.0.0.1/back", nil)
			r.Scopes = []keyhatch.Scope{"s3:read s3://b/p/"}
		}, oauth.ErrScope},
		"a long nonce's text": {func(r *oauth.Request) { r.Nonce = "\x00" }, oauth.Refusal{Code: "invalid_request", Message: "the nonce is too long, or no text: send 512 characters at most", Kind: keyhatch.Invalid}},
	} {
		r := asks("web", back, c.change)
		refused(t, what, only(w.Broker.OAuth.Ask(t.Context(), r)), c.want)
		refused(t, what+", allowed", only(w.Broker.OAuth.Allow(t.Context(), w.ann, r)), c.want)
	}
}

// TestS4_OnlyAPersonConsents: no token does, whatever it may, nor does who was disabled or has
// another password since.
func TestS4_OnlyAPersonConsents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob, out := w.person("bob"), w.redeemed(nil)
	token, err := w.Broker.People.Authenticate(t.Context(), out.Access)
	if err != nil {
		t.Fatal(err)
	}
	device, err := w.Broker.OAuth.StartDevice(t.Context(), w.app, oauth.Wanted{})
	if err != nil {
		t.Fatal(err)
	}
	no := false
	if _, err := w.Broker.People.UpdateUser(t.Context(), w.Admin, bob.User.ID, people.UserChange{Active: &no}); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]keyhatch.Caller{"nobody": {}, "an admin's token": w.Admin, "a token of a consent": token, "who was disabled": bob} {
		if err := only(w.Broker.OAuth.Allow(t.Context(), c, asks("web", back, nil))); !errors.Is(err, keyhatch.Forbidden) && !errors.Is(err, keyhatch.Unauthenticated) {
			t.Errorf("%s: %v", what, err)
		}
		for _, allow := range []bool{true, false} {
			if err := w.Broker.OAuth.DecideDevice(t.Context(), c, device.Code, allow); !errors.Is(err, keyhatch.Forbidden) && !errors.Is(err, keyhatch.Unauthenticated) {
				t.Errorf("%s decides for a device: %v", what, err)
			}
		}
	}
}

// TestClients: who registers clients, and that removing one ends what it has.
func TestClients(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out, ann := w.redeemed(nil), w.Token(t, w.Admin, people.NewToken{User: "ann"})
	n := webClient()
	n.Name = "third"
	for what, err := range map[string]error{
		"register": func() error { _, _, err := w.Broker.OAuth.CreateClient(t.Context(), ann, n); return err }(),
		"list":     only(w.Broker.OAuth.Clients(t.Context(), ann, kernel.Page{})), "remove": w.Broker.OAuth.DeleteClient(t.Context(), ann, "web"),
		"another key": w.Broker.OAuth.RotateKey(t.Context(), ann, true), "list the keys": only(w.Broker.OAuth.SigningKeys(t.Context(), ann)),
	} {
		if !errors.Is(err, keyhatch.Forbidden) {
			t.Errorf("%s: %v", what, err)
		}
	}
	n.Confidential, n.Trusted = false, true
	if err := func() error { _, _, err := w.Broker.OAuth.CreateClient(t.Context(), w.Admin, n); return err }(); !errors.Is(err, keyhatch.Invalid) {
		t.Errorf("one that is trusted and has no secret, which got codes without a question: %v", err)
	}
	if err := w.Broker.OAuth.DeleteClient(t.Context(), w.Admin, "web"); err != nil {
		t.Fatal(err)
	}
	if w.works(out.Access) {
		t.Error("S7: what a client has that is no more")
	}
	l, err := w.Broker.OAuth.Clients(t.Context(), w.Admin, kernel.Page{})
	if err != nil || len(l.Items) != 1 || l.Items[0].Name != "app" {
		t.Errorf("there are %v, %v", l.Items, err)
	}
	refused(t, "it comes again", only(w.Broker.OAuth.Refresh(t.Context(), w.web, out.Refresh, nil)), oauth.ErrClient)
}

// TestConsentTakenBack: a user sees what it has let programs do, and ends its own.
func TestConsentTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out, bob := w.redeemed(nil), w.person("bob")
	l, err := w.Broker.OAuth.Consents(t.Context(), w.ann, kernel.Page{})
	if err != nil || len(l.Items) != 1 || l.Items[0].To.Name != "web" {
		t.Fatalf("there are %v, %v", l.Items, err)
	}
	id := l.Items[0].ID
	if err := w.Broker.OAuth.EndConsent(t.Context(), bob, id); !errors.Is(err, keyhatch.NotFound) {
		t.Errorf("S6: somebody else's: %v", err)
	}
	if err := w.Broker.OAuth.EndConsent(t.Context(), w.ann, id); err != nil || w.works(out.Access) {
		t.Errorf("S7: %v, it works: %v", err, w.works(out.Access))
	}
	if l, err := w.Broker.OAuth.Consents(t.Context(), w.ann, kernel.Page{}); err != nil || len(l.Items) != 0 {
		t.Errorf("there are %v, %v", l.Items, err)
	}
}
