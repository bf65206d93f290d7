package passwords_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

const (
	good  = "plum orbit candle seventeen"
	other = "violet tractor under bridges"
)

// from is a context of a request from an address.
func from(t *testing.T, address string) context.Context {
	return keyhatch.WithOrigin(t.Context(), keyhatch.Origin{Address: netip.MustParseAddr(address)})
}

// withPassword makes a user who has the password good.
func withPassword(t *testing.T, c *coretest.Core, name string) keyhatch.Caller {
	t.Helper()
	u := c.User(t, name)
	if err := c.Broker.Passwords.SetPassword(t.Context(), u, u.User.ID, "", good); err != nil {
		t.Fatal(err)
	}
	return u
}

func wantCode(t *testing.T, what string, err error, kind keyhatch.Kind, code keyhatch.Code) {
	t.Helper()
	var e *keyhatch.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Code != code {
		t.Errorf("%s: %v, want %s %s", what, err, kind, code)
	}
}

// TestS6LoginsThatFailLookAlike: who is not let in learns nothing by the answer, nor by
// the work that it takes.
func TestS6LoginsThatFailLookAlike(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	p := c.Broker.Passwords
	withPassword(t, c, "ann")
	c.User(t, "none")
	disabled := withPassword(t, c, "off")
	withPassword(t, c, "mail1")
	withPassword(t, c, "mail2")
	ctx := from(t, "192.0.2.1")
	same, no := "both@example.org", false
	for _, who := range []string{"mail1", "mail2"} {
		if _, err := c.Broker.People.UpdateUser(ctx, c.Admin, who, people.UserChange{Email: &same}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Broker.People.UpdateUser(ctx, c.Admin, disabled.User.ID, people.UserChange{Active: &no}); err != nil {
		t.Fatal(err)
	}
	var first string
	for _, tc := range []struct {
		what, name string
		password   keyhatch.Secret
	}{
		{"wrong", "ann", other},
		{"unknown", "nobody", good},
		{"no name", "", good},
		{"no password", "ann", ""},
		{"a user without one", "none", good},
		{"a user without one, and none", "none", ""},
		{"a disabled user", "off", good},
		{"an address that two have", same, good},
		{"another case", "ann", "Plum orbit candle seventeen"},
		{"an id", disabled.User.ID, good},
		{"a pattern", "a%", good},
		{"longer than any", "ann", keyhatch.Secret(make([]byte, 1000))},
	} {
		before := p.Hashes()
		_, err := p.Login(ctx, tc.name, tc.password)
		wantCode(t, tc.what, err, keyhatch.Unauthenticated, keyhatch.CodeLoginFailed)
		if first == "" {
			first = err.Error()
		}
		if err.Error() != first {
			t.Errorf("%s: %q differs from %q", tc.what, err, first)
		}
		if n := p.Hashes() - before; n != 1 {
			t.Errorf("%s: %d hashes were made, want 1", tc.what, n)
		}
	}
}

// TestLogin: a name or its e-mail address, in whichever spelling the keyboard has.
func TestLogin(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	p := c.Broker.Passwords
	ann := c.User(t, "ann")
	mail := "Ann@Example.org"
	if _, err := c.Broker.People.UpdateUser(t.Context(), ann, ann.User.ID, people.UserChange{Email: &mail}); err != nil {
		t.Fatal(err)
	}
	if err := p.SetPassword(t.Context(), ann, "ann", "", "u\u0308ber sieben kleine Br\u00fccken"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ann", "ann@example.org"} {
		u, err := p.Login(t.Context(), name, "\u00fcber sieben kleine Bru\u0308cken")
		if err != nil || u.ID != ann.User.ID {
			t.Errorf("%s: %s, %v", name, u.Name, err)
		}
	}
}

// TestS7AuthenticateEnds: a caller by password dies with the password, and with its user.
func TestS7AuthenticateEnds(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	p := c.Broker.Passwords
	ctx := from(t, "192.0.2.1")
	mail := "x@example.org"
	act := func(by keyhatch.Caller) error {
		_, err := c.Broker.People.UpdateUser(ctx, by, by.User.ID, people.UserChange{Email: &mail})
		return err
	}
	no := false
	for what, end := range map[string]func(u keyhatch.Caller) error{
		"another password": func(u keyhatch.Caller) error { return p.SetPassword(ctx, u, u.User.ID, good, other) },
		"the same again":   func(u keyhatch.Caller) error { return p.SetPassword(ctx, u, u.User.ID, good, good) },
		"disabled": func(u keyhatch.Caller) error {
			_, err := c.Broker.People.UpdateUser(ctx, c.Admin, u.User.ID, people.UserChange{Active: &no})
			return err
		},
		"deleted": func(u keyhatch.Caller) error { return c.Broker.People.DeleteUser(ctx, c.Admin, u.User.ID) },
	} {
		name := strings.ReplaceAll(what, " ", "-")
		u := withPassword(t, c, name)
		by, err := p.Authenticate(ctx, name, good)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if by.User.ID != u.User.ID || by.Token.ID != "" {
			t.Errorf("%s: the caller is %s with token %q", what, by.User.Name, by.Token.ID)
		}
		if err := act(by); err != nil {
			t.Errorf("%s: before: %v", what, err)
		}
		if err := end(u); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		wantCode(t, what+": the caller", act(by), keyhatch.Unauthenticated, keyhatch.CodeLoginFailed)
		if what == "the same again" {
			continue
		}
		_, err = p.Authenticate(ctx, name, good)
		wantCode(t, what+": again", err, keyhatch.Unauthenticated, keyhatch.CodeLoginFailed)
	}
}

// TestAuthenticateHashesOnce: who shows the password with every request costs one hash.
func TestAuthenticateHashesOnce(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	p := c.Broker.Passwords
	withPassword(t, c, "ann")
	ctx := from(t, "192.0.2.1")
	before := p.Hashes()
	for range 30 { // more than may fail
		if _, err := p.Authenticate(ctx, "ann", good); err != nil {
			t.Fatal(err)
		}
	}
	if n := p.Hashes() - before; n != 1 {
		t.Errorf("%d hashes were made for one password", n)
	}
}

// TestAuthenticateIsNoToken: a caller by password gets what needs a token from a token.
func TestAuthenticateIsNoToken(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	withPassword(t, c, "ann")
	by, err := c.Broker.Passwords.Authenticate(t.Context(), "ann", good)
	if err != nil {
		t.Fatal(err)
	}
	made, _, err := c.Broker.People.CreateToken(t.Context(), by, people.NewToken{Name: "of a login"})
	if err != nil || made.User != by.User.ID || made.MadeWith != "" {
		t.Errorf("%+v, %v", made, err)
	}
	_, err = c.Broker.Lending.Lease(t.Context(), by, lending.LeaseRequest{Location: "any", Access: keyhatch.Read})
	wantCode(t, "a lease", err, keyhatch.Forbidden, keyhatch.CodeNotPermitted)
	_, err = c.Broker.People.Token(t.Context(), by, "")
	wantCode(t, "its own token", err, keyhatch.NotFound, keyhatch.CodeTokenNotFound)
	_, _, err = c.Broker.People.CreateToken(t.Context(), by, people.NewToken{User: c.Admin.User.ID})
	wantCode(t, "a token of another", err, keyhatch.NotFound, keyhatch.CodeUserNotFound)
}

func networks(t *testing.T) []netip.Prefix {
	t.Helper()
	return []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
}
