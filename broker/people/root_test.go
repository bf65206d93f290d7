package people_test

import (
	"errors"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// TestSystemRoot: the configuration's secret is that of the system root, and nobody's
// when it is taken out.
func TestSystemRoot(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	first, second := keyhatch.NewTokenSecret(), keyhatch.NewTokenSecret()
	set := func(s keyhatch.Secret) {
		t.Helper()
		if err := broker.SetRoot(t.Context(), c.DB, c.Keys, s); err != nil {
			t.Fatal(err)
		}
		c.Restart(t)
	}
	works := func(s keyhatch.Secret) bool {
		caller, err := c.Broker.People.Authenticate(t.Context(), s)
		return err == nil && caller.User.ID == keyhatch.RootUser && caller.Token.ID == keyhatch.RootToken && caller.User.Admin
	}
	set("")
	if works(first) || len(eventsOf(t, c, people.UserCreated)) != 0 {
		t.Error("nothing was configured, and something is there")
	}
	set(first)
	events := func() int { return len(c.Dump(t, "events")["events"]) }
	before := events()
	set(first)
	if !works(first) || events() != before {
		t.Errorf("the first works: %v; set again it left %d events", works(first), events()-before)
	}
	set(second)
	if works(first) || !works(second) {
		t.Error("the second does not take the place of the first")
	}
	no := false
	if _, err := c.Broker.People.UpdateUser(t.Context(), c.Admin, keyhatch.RootUser, people.UserChange{Active: &no, Admin: &no}); err != nil {
		t.Fatal(err)
	}
	if works(second) {
		t.Error("a disabled root works")
	}
	set(first)
	if !works(first) {
		t.Error("the configuration does not bring it back")
	}
	set("")
	if works(first) || works(second) {
		t.Error("taken out of the configuration, it still works")
	}
}

// TestS7_RevokedRootStaysRevoked: no restart brings back a secret of the system root that
// was revoked or reported, as long as it stands in the configuration; another one works.
func TestS7_RevokedRootStaysRevoked(t *testing.T) {
	t.Parallel()
	past := time.Now().Add(-60 * 24 * time.Hour) // what others have that expired so long ago is removed
	for what, end := range map[string]func(c *coretest.Core, secret keyhatch.Secret) error{
		"a leak": func(c *coretest.Core, s keyhatch.Secret) error { return c.Broker.People.ReportLeak(t.Context(), s) },
		"by who holds it": func(c *coretest.Core, s keyhatch.Secret) error {
			return c.Broker.People.RevokeSecret(t.Context(), s)
		},
		"by an admin": func(c *coretest.Core, _ keyhatch.Secret) error {
			return c.Broker.People.RevokeToken(t.Context(), c.Admin, keyhatch.RootToken)
		},
		"with those made": func(c *coretest.Core, _ keyhatch.Secret) error {
			return c.Broker.People.RevokeTokenAndMade(t.Context(), c.Admin, keyhatch.RootToken)
		},
		"all of its user": func(c *coretest.Core, _ keyhatch.Secret) error {
			_, err := c.Broker.People.RevokeTokens(t.Context(), c.Admin, keyhatch.RootUser, false)
			return err
		},
		"by its expiry": func(c *coretest.Core, _ keyhatch.Secret) error {
			_, err := c.Broker.People.UpdateToken(t.Context(), c.Admin, keyhatch.RootToken, people.TokenChange{ExpiresAt: &past})
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			c := coretest.New(t)
			secret := keyhatch.NewTokenSecret()
			set := func(s keyhatch.Secret) error {
				err := broker.SetRoot(t.Context(), c.DB, c.Keys, s)
				c.Restart(t)
				return err
			}
			works := func(s keyhatch.Secret) bool {
				_, err := c.Broker.People.Authenticate(t.Context(), s)
				return err == nil
			}
			if err := set(secret); err != nil || !works(secret) {
				t.Fatalf("%v; it works: %t", err, works(secret))
			}
			if err := end(c, secret); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if works(secret) {
					t.Error("it works")
				}
				if err := set(secret); !errors.Is(err, broker.ErrRootEnded) {
					t.Errorf("set again: %v", err)
				}
				if err := set(""); err != nil {
					t.Error(err)
				}
				if err := c.Broker.People.PruneTokens(t.Context()); err != nil {
					t.Error(err)
				}
			}
			other := keyhatch.NewTokenSecret()
			if err := set(other); err != nil || !works(other) || works(secret) {
				t.Errorf("%v; the other works: %t", err, works(other))
			}
		})
	}
}

// TestSystemRootIsNotRotated: its secret is the configuration's, which would bring the one
// before back.
func TestSystemRootIsNotRotated(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	if err := broker.SetRoot(t.Context(), c.DB, c.Keys, keyhatch.NewTokenSecret()); err != nil {
		t.Fatal(err)
	}
	c.Restart(t)
	_, _, err := c.Broker.People.RotateToken(t.Context(), c.Admin, keyhatch.RootToken, 0)
	wantFailure(t, "rotated", err, keyhatch.Conflict, keyhatch.CodeNotPermitted)
}
