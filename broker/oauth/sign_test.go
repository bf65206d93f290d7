package oauth_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/oauth"
	"github.com/keyhatch/keyhatch/broker/people"
)

// signed is what app gets, with an ID token.
func (w *world) signed() oauth.Issued {
	w.t.Helper()
	wanted := oauth.Wanted{OpenID: true, Nonce: "n-0"}
	code, err := w.Broker.OAuth.Allow(w.t.Context(), w.ann, asks("app", "http://127.0.0.1:4711/back", func(r *oauth.Request) { r.Wanted = wanted }))
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := w.Broker.OAuth.Redeem(w.t.Context(), w.app, oauth.Redemption{Code: code, Redirect: "http://127.0.0.1:4711/back", Verifier: verifier})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// verified reads a signed text by the published keys, as others do.
func (w *world) verified(text keyhatch.Secret) (kid, typ string, claims map[string]any) {
	w.t.Helper()
	document, err := w.Broker.OAuth.KeySet(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if strings.Contains(string(document), `"d"`) {
		w.t.Error("S5: the published keys have a private part")
	}
	var set jose.JSONWebKeySet
	parsed, err := jwt.ParseSigned(text.Reveal(), []jose.SignatureAlgorithm{jose.RS256})
	if err = errors.Join(err, json.Unmarshal(document, &set)); err != nil {
		w.t.Fatal(err)
	}
	h := parsed.Headers[0]
	found := set.Key(h.KeyID)
	if len(found) != 1 {
		w.t.Fatalf("%d keys of %s are published", len(found), h.KeyID)
	}
	if err := parsed.Claims(found[0].Key, &claims); err != nil {
		w.t.Error(err)
	}
	typ, _ = h.ExtraHeaders[jose.HeaderType].(string)
	return h.KeyID, typ, claims
}

// TestSigned: a signed access token is one that others can check, and works here in the place
// of any token until it ends; an ID token opens nothing. Before, both were for the client by their
// aud, so that who does not look at typ took one for the other, and both had the e-mail address that
// the user had written itself.
func TestSigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	theirs := "admin@example.org"
	if _, err := w.Broker.People.UpdateUser(t.Context(), w.ann, "ann", people.UserChange{Email: &theirs}); err != nil {
		t.Fatal(err)
	}
	out := w.signed()
	_, typ, claims := w.verified(out.Access)
	if typ != "at+jwt" || claims["iss"] != w.PublicURL || claims["sub"] != w.ann.User.ID || claims["aud"] != w.PublicURL || claims["client_id"] != "app" || claims["preferred_username"] != "ann" ||
		claims["exp"] != float64(out.ExpiresAt.Unix()) || claims["nonce"] != nil || claims["uid"] != nil {
		t.Errorf("the access token, %s, says %v", typ, claims)
	}
	_, typ, id := w.verified(out.ID)
	if typ != "JWT" || id["aud"] != "app" || id["nonce"] != "n-0" || id["jti"] != nil {
		t.Errorf("the ID token, %s, says %v", typ, id)
	}
	if claims["email"] != nil || id["email"] != nil {
		t.Errorf("they tell an e-mail address: %v, %v", claims, id)
	}
	c, err := w.Broker.Bearers.Authenticate(t.Context(), out.Access, "")
	if err != nil || c.Token.ID != claims["jti"] || c.User.ID != w.ann.User.ID {
		t.Fatalf("its caller is %v, %v", c.User.ID, err)
	}
	if info, err := w.Broker.OAuth.TellUser(t.Context(), c); err != nil || info.Username != "ann" {
		t.Errorf("it tells %v, %v", info, err)
	}
	if _, err := w.Broker.OAuth.TellUser(t.Context(), w.Admin); !errors.Is(err, keyhatch.Forbidden) {
		t.Errorf("a token without that consent: %v", err)
	}
	if _, _, err := w.Broker.People.CreateToken(t.Context(), c, people.NewToken{}); err != nil {
		t.Errorf("it does what tokens do: %v", err)
	}
	parts := strings.Split(out.Access.Reveal(), ".")
	for what, text := range map[string]string{
		"the ID token": out.ID.Reveal(), "without a signature": parts[0] + "." + parts[1] + ".", "alg none": "eyJhbGciOiJub25lIn0." + parts[1] + ".",
		"another signature": parts[0] + "." + parts[1] + "." + strings.Split(out.ID.Reveal(), ".")[2],
	} {
		if w.works(keyhatch.Secret(text)) {
			t.Errorf("%s opens something", what)
		}
	}
	if err := w.Broker.Bearers.End(t.Context(), out.Access); err != nil || w.works(out.Access) {
		t.Errorf("S7: ended, %v, it works: %v", err, w.works(out.Access))
	}
}

// TestKeysRotate: another key signs, and the one before is published as long as something
// lives that it has signed. What it has signed works on.
func TestKeysRotate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		before := w.signed()
		first, _, _ := w.verified(before.Access)
		if err := w.Broker.OAuth.RotateKey(t.Context(), w.Admin, false); err != nil {
			t.Fatal(err)
		}
		second, _, _ := w.verified(w.signed().Access)
		if again, _, _ := w.verified(before.Access); again != first || second == first || !w.works(before.Access) {
			t.Errorf("signed by %s, then by %s", first, second)
		}
		published := func() int {
			if err := w.Broker.OAuth.Prune(t.Context()); err != nil {
				t.Fatal(err)
			}
			keys, err := w.Broker.OAuth.PublicKeys(t.Context())
			if err != nil || keys[0].ID != second {
				t.Fatalf("%v, %v", keys, err)
			}
			return len(keys)
		}
		time.Sleep(keyhatch.MaxSignedLife)
		if n := published(); n != 2 {
			t.Errorf("%d are published after a day", n)
		}
		time.Sleep(2 * time.Hour)
		if n := published(); n != 1 {
			t.Errorf("%d are published in the end", n)
		}
		if n := w.events(oauth.KeyMade); n != 2 {
			t.Errorf("%d are on record", n)
		}
	})
}

// TestKeysRotateByThemselves after ninety days, once, where something is signed at all. Before,
// the first key signed for ever.
func TestKeysRotateByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		rotated := func() int {
			for range 2 {
				if err := w.Broker.OAuth.Prune(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			return w.events(oauth.KeyMade)
		}
		if n := rotated(); n != 0 {
			t.Errorf("%d were made, and nothing was signed", n)
		}
		first, _, _ := w.verified(w.signed().Access)
		time.Sleep(90*24*time.Hour - time.Minute)
		if n := rotated(); n != 1 {
			t.Errorf("%d have signed in 90 days", n)
		}
		late := w.signed()
		time.Sleep(time.Minute)
		if n := rotated(); n != 2 {
			t.Errorf("%d have signed after 90 days", n)
		}
		if kid, _, _ := w.verified(late.ID); kid != first {
			t.Errorf("what %s has signed is signed by %s", first, kid)
		}
		if kid, _, _ := w.verified(w.signed().Access); kid == first {
			t.Error("the old key signs on")
		}
		keys, err := w.Broker.OAuth.SigningKeys(t.Context(), w.Admin)
		if err != nil || len(keys) != 2 || keys[1].ID != first || keys[1].RetiredAt.IsZero() || keys[1].Until.Sub(keys[1].RetiredAt) <= keyhatch.MaxSignedLife {
			t.Errorf("there are %+v, %v", keys, err)
		}
	})
}

// TestIDTokensEnd before their key is published no more. Before, one lived as long as its access
// token, which is three months for a client whose access tokens are not signed.
func TestIDTokensEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := webClient()
	long.Name, long.AccessLife, long.RefreshLife = "long", keyhatch.MaxAccessLife, 0
	_, secret := w.client(long)
	code, err := w.Broker.OAuth.Allow(t.Context(), w.ann, asks("long", back, func(r *oauth.Request) { r.OpenID = true }))
	if err != nil {
		t.Fatal(err)
	}
	out, err := w.Broker.OAuth.Redeem(t.Context(), oauth.Proof{Client: "long", Secret: secret}, redemption(code))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, id := w.verified(out.ID); id["exp"].(float64)-id["iat"].(float64) > time.Hour.Seconds() || out.Life < 24*time.Hour {
		t.Errorf("it says %v", id)
	}
}

// TestLoggedInWhen: an ID token tells when its user has logged in, also after a refresh, and a
// client gets no code by a login that is older than it wants. Before, auth_time was when the code was
// made, and an old session would do for all.
func TestLoggedInWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		secret, s, err := w.Broker.Sessions.Begin(t.Context(), w.ann, "a browser")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if w.ann, err = w.Broker.Sessions.Of(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
		out := w.signed()
		again, err := w.Broker.OAuth.Refresh(t.Context(), w.app, out.Refresh, nil)
		if err != nil {
			t.Fatal(err)
		}
		for what, text := range map[string]keyhatch.Secret{"the first": out.ID, "the second": again.ID} {
			if _, _, id := w.verified(text); id["auth_time"] != float64(s.CreatedAt.Unix()) {
				t.Errorf("%s says %v, and she has logged in at %d", what, id["auth_time"], s.CreatedAt.Unix())
			}
		}
		for within, ok := range map[time.Duration]bool{0: true, time.Hour: true, time.Hour - time.Second: false, time.Second: false} {
			r := asks("web", back, func(r *oauth.Request) { r.Age = keyhatch.LoginAge{Bounded: within > 0, Most: within} })
			for what, err := range map[string]error{"asked": w.Broker.OAuth.Recent(t.Context(), w.ann, r), "allowed": only(w.Broker.OAuth.Allow(t.Context(), w.ann, r))} {
				if ok && err != nil || !ok && !errors.Is(err, oauth.ErrLogin) {
					t.Errorf("within %s, %s: %v", within, what, err)
				}
			}
		}
	})
}

// TestMarksEnd: who was sent to log in has an hour for it, and then ten minutes to decide, by a login that is newer than
// when it was sent. The mark of that is for one request.
func TestMarksEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ann := w.ann
		login := func() keyhatch.Caller {
			t.Helper()
			secret, _, err := w.Broker.Sessions.Begin(t.Context(), ann, "a browser")
			if err != nil {
				t.Fatal(err)
			}
			c, err := w.Broker.Sessions.Of(t.Context(), secret)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		r := asks("web", back, func(r *oauth.Request) { r.Age.Bounded, r.Whole = true, "what it asks" })
		does := func(what string, c keyhatch.Caller, want bool) {
			t.Helper()
			for _, err := range []error{w.Broker.OAuth.Recent(t.Context(), c, r), only(w.Broker.OAuth.Allow(t.Context(), c, r))} {
				if want && err != nil || !want && !errors.Is(err, oauth.ErrLogin) {
					t.Errorf("%s: %v", what, err)
				}
			}
		}
		before := login()
		does("nothing was asked", before, false)
		time.Sleep(time.Microsecond)
		var err error
		if r.Mark, err = w.Broker.OAuth.Mark(r); err != nil {
			t.Fatal(err)
		}
		does("a login of before", before, false)
		after := login()
		does("one of then", after, true)
		r.Whole += "!"
		does("another request", after, false)
		r.Whole = "what it asks"
		time.Sleep(10 * time.Minute)
		does("after ten minutes", after, true)
		time.Sleep(time.Microsecond)
		does("after more", after, false)
		time.Sleep(50*time.Minute - 2*time.Microsecond)
		after = login()
		does("within the hour", after, true)
		time.Sleep(2 * time.Microsecond)
		does("after it", after, false)
	})
}

// TestS5_SigningKeysAreSealed: the database has no private key and no secret of a client, a
// code or a device, and the keys are resealed with the others.
func TestS5_SigningKeysAreSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out, d, code := w.signed(), w.device(), w.code(nil)
	stolen := string(w.DatabaseBytes(t))
	for what, secret := range map[string]keyhatch.Secret{
		"a private key": "MIIEv", "an access token": out.Access, "an ID token": out.ID, "a refresh token": out.Refresh, "a device's": d.Secret, "a code": code, "a client's": w.web.Secret,
	} {
		if strings.Contains(stolen, secret.Reveal()) {
			t.Errorf("%s lies in the database", what)
		}
	}
	if !strings.Contains(stolen, strings.ReplaceAll(d.Code, "-", "")) {
		t.Error("it does not even hold what a user types: the test looks at the wrong bytes")
	}
}

// TestNothingIsSignedWithoutAnIssuer: where the public URL is not known.
func TestNothingIsSignedWithoutAnIssuer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.PublicURL = ""
	w.Restart(t)
	n := appClient()
	n.Name = "another"
	if _, _, err := w.Broker.OAuth.CreateClient(t.Context(), w.Admin, n); !errors.Is(err, keyhatch.Unavailable) {
		t.Errorf("a client whose tokens are signed: %v", err)
	}
	if _, err := w.Broker.OAuth.KeySet(t.Context()); !errors.Is(err, keyhatch.Unavailable) {
		t.Errorf("the keys: %v", err)
	}
	if out := w.redeemed(nil); !w.works(out.Access) {
		t.Error("what is not signed")
	}
}

// TestWithdrawnKey: a signing key that others have is published no more at once, and what it has signed opens nothing. Once it
// stayed for 25 hours, whatever an admin did.
func TestWithdrawnKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Member(t, w.Workspace(t, "lab"), w.ann, keyhatch.AdminRole)
	opaque, leaked := w.redeemed(nil), w.line(w.ann)
	user, err := w.Broker.OAuth.FindOrCreateUserToken(t.Context(), w.ann)
	if err != nil {
		t.Fatal(err)
	}
	before, err := w.Broker.OAuth.PublicKeys(t.Context())
	if err != nil || len(before) != 1 {
		t.Fatalf("%d keys, %v", len(before), err)
	}
	if err := w.Broker.OAuth.RotateKey(t.Context(), w.Admin, true); err != nil {
		t.Fatal(err)
	}
	if now, err := w.Broker.OAuth.PublicKeys(t.Context()); err != nil || len(now) != 1 || now[0].ID == before[0].ID {
		t.Errorf("%+v are published, %v", now, err)
	}
	for what, access := range map[string]keyhatch.Secret{
		"a program's token": leaked.Access, "a user's": user.Text, "what was made with one": leaked.child, "what was made with that": leaked.grandchild,
	} {
		if w.works(access) {
			t.Errorf("%s works on", what)
		}
	}
	if _, err := w.DB.AccessKey(t.Context(), leaked.key); !errors.Is(err, keyhatch.NotFound) {
		t.Errorf("an access key that was made with one works on: %v", err)
	}
	if !w.works(opaque.Access) {
		t.Error("a token that is not signed has ended too")
	}
	if got, err := w.Broker.OAuth.Refresh(t.Context(), w.app, leaked.Refresh, nil); err != nil || !w.works(got.Access) {
		t.Errorf("the program gets no other token: %v", err)
	}
	if got, err := w.Broker.OAuth.FindOrCreateUserToken(t.Context(), w.ann); err != nil || got.Text == user.Text || !w.works(got.Text) {
		t.Errorf("the user gets no other token: %v", err)
	}
	if n := w.events(oauth.KeyWithdrawn); n != 1 {
		t.Errorf("%d are on record", n)
	}
}
