package people_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// TestS6_TokensThatDoNotWorkLookAlike: unknown, mistyped, expired and revoked
// tokens, and those of a user who is disabled or gone, get one and the same
// error.
func TestS6_TokensThatDoNotWorkLookAlike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := coretest.New(t)
		token := func(user string, n people.NewToken) keyhatch.Secret {
			t.Helper()
			n.User = c.User(t, user).User.ID
			_, secret, err := c.Broker.People.CreateToken(t.Context(), c.Admin, n)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Broker.People.Authenticate(t.Context(), secret); err != nil {
				t.Fatalf("the token of %s does not work to begin with: %v", user, err)
			}
			return secret
		}
		expired := token("ann", people.NewToken{ExpiresAt: time.Now().Add(time.Hour)})
		revoked, disabled, gone := token("bob", people.NewToken{}), token("cy", people.NewToken{}), token("di", people.NewToken{})
		good := token("eve", people.NewToken{}).Reveal()
		other := "A"
		if good[20] == 'A' {
			other = "B"
		}
		bob, err := c.Broker.People.Authenticate(t.Context(), revoked)
		if err != nil {
			t.Fatal(err)
		}
		no := false
		_, disabling := c.Broker.People.UpdateUser(t.Context(), c.Admin, "cy", people.UserChange{Active: &no})
		err = errors.Join(disabling, c.Broker.People.RevokeToken(t.Context(), bob, bob.Token.ID), c.Broker.People.DeleteUser(t.Context(), c.Admin, "di"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)

		_, want := c.Broker.People.Authenticate(t.Context(), keyhatch.NewTokenSecret())
		var e *keyhatch.Error
		if !errors.As(want, &e) || e.Kind != keyhatch.Unauthenticated || e.Code != keyhatch.CodeTokenInvalid {
			t.Fatalf("an unknown token: %v", want)
		}
		for what, secret := range map[string]keyhatch.Secret{
			"expired": expired, "revoked": revoked, "of a disabled user": disabled, "of a user who is gone": gone,
			"one letter changed": keyhatch.Secret(good[:20] + other + good[21:]), "cut off": keyhatch.Secret(good[:40]),
			"empty": "", "not ours": "Bearer", "with a space": keyhatch.Secret(good + " "),
		} {
			caller, err := c.Broker.People.Authenticate(t.Context(), secret)
			if diff := cmp.Diff(want, err); diff != "" {
				t.Errorf("%s (-unknown +got):\n%s", what, diff)
			}
			if caller.User.ID != "" || caller.Token.ID != "" {
				t.Errorf("%s: it came with a caller", what)
			}
		}
		if _, err := c.Broker.People.Authenticate(t.Context(), keyhatch.Secret(good)); err != nil {
			t.Errorf("the good one: %v", err)
		}
	})
}

// TestAuthenticateNotesTheOrigin: where a caller comes from is on record.
func TestAuthenticateNotesTheOrigin(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	_, secret, err := c.Broker.People.CreateToken(t.Context(), c.Admin, people.NewToken{})
	if err != nil {
		t.Fatal(err)
	}
	from := keyhatch.Origin{Address: netip.MustParseAddr("2001:db8::7"), RequestID: "req-1"}
	caller, err := c.Broker.People.Authenticate(keyhatch.WithOrigin(context.Background(), from), secret)
	if err != nil {
		t.Fatal(err)
	}
	made, _, err := c.Broker.People.CreateToken(t.Context(), caller, people.NewToken{})
	if err != nil {
		t.Fatal(err)
	}
	if made.CreatedFrom != "2001:db8::7" {
		t.Errorf("made from %q", made.CreatedFrom)
	}
	for e, err := range c.DB.AllEvents(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Target == made.ID && (e.Address != "2001:db8::7" || e.RequestID != "req-1" || e.Token != caller.Token.ID || e.User != caller.User.ID) {
			t.Errorf("the event says %+v", e)
		}
	}
}

// TestS4_ExpiredCaller: a caller whose token has expired since it was
// authenticated changes nothing.
func TestS4_ExpiredCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := coretest.New(t)
		short := c.Token(t, c.Admin, people.NewToken{ExpiresAt: time.Now().Add(time.Hour)})
		time.Sleep(time.Hour - time.Microsecond)
		if _, _, err := c.Broker.People.CreateToken(t.Context(), short, people.NewToken{}); err != nil {
			t.Errorf("just before its end: %v", err)
		}
		time.Sleep(time.Microsecond)
		k, secret, err := c.Broker.People.CreateToken(t.Context(), short, people.NewToken{})
		var e *keyhatch.Error
		if !errors.As(err, &e) || e.Code != keyhatch.CodeTokenInvalid || k.ID != "" || secret != "" {
			t.Errorf("at its end: %v, %v", k, err)
		}
	})
}

// TestS7_MemoryGone: when it cannot be told who somebody is, nobody gets in, and
// it does not look like a bad token.
func TestS7_MemoryGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := coretest.New(t)
		_, secret, err := c.Broker.People.CreateToken(t.Context(), c.Admin, people.NewToken{})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.DB.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second + 1)
		for _, secret := range []keyhatch.Secret{secret, keyhatch.NewTokenSecret()} {
			if _, err := c.Broker.People.Authenticate(t.Context(), secret); !errors.Is(err, keyhatch.Unavailable) || errors.Is(err, keyhatch.Unauthenticated) {
				t.Errorf("got %v", err)
			}
		}
	})
}
