package people_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
)

// TestS6_InspectFromElsewhere: that a token works elsewhere is told to its user, to admins,
// and to who asks from where it works; a thief is told nothing.
func TestS6_InspectFromElsewhere(t *testing.T) {
	t.Parallel()
	l := newLine(t)
	inside := from(t, "192.0.2.1")
	far := networks("192.0.2.0/24")
	if _, err := l.Broker.People.UpdateToken(t.Context(), l.Admin, l.tokens["a"].ID, people.TokenChange{Networks: &far}); err != nil {
		t.Fatal(err)
	}
	ws := l.Workspace(t, "lab")
	_, secret, err := l.Broker.People.CreateToken(t.Context(), l.Admin, people.NewToken{Workspace: ws.ID})
	if err != nil {
		t.Fatal(err)
	}
	confined, err := l.Broker.People.Authenticate(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		ctx    context.Context
		caller keyhatch.Caller
		told   bool
	}{
		"somebody, from inside":                {inside, l.caller("x"), true},
		"somebody, from outside":               {from(t, "198.51.100.1"), l.caller("x"), false},
		"somebody, from nobody knows where":    {t.Context(), l.caller("x"), false},
		"its user, with another token":         {t.Context(), l.caller("d"), true},
		"an admin":                             {t.Context(), l.Admin, true},
		"an admin who is confined":             {t.Context(), confined, false},
		"an admin who is confined, but inside": {inside, confined, true},
	} {
		c.caller.Origin = keyhatch.OriginOf(c.ctx)
		got, err := l.Broker.People.Inspect(c.ctx, c.caller, l.secrets["a"])
		if err != nil || got.Active != c.told || !c.told && !cmp.Equal(got, people.Inspection{}) {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
}

// TestInspect: what works is told, of what does not nothing is, whoever asks.
func TestInspect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t)
		inspect := func(s keyhatch.Secret) people.Inspection {
			t.Helper()
			got, err := l.Broker.People.Inspect(t.Context(), l.caller("x"), s)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		got := inspect(l.secrets["a"])
		if !got.Active || got.User.Name != "ann" || got.Token.ID != l.tokens["a"].ID {
			t.Errorf("one that works: %+v", got)
		}
		l.add("short", l.Admin, people.NewToken{User: "ann", ExpiresAt: time.Now().Add(time.Hour)})
		if err := l.Broker.People.RevokeToken(t.Context(), l.Admin, l.tokens["d"].ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		no := false
		if _, err := l.Broker.People.UpdateUser(t.Context(), l.Admin, "ann", people.UserChange{Active: &no}); err != nil {
			t.Fatal(err)
		}
		for what, s := range map[string]keyhatch.Secret{
			"expired": l.secrets["short"], "revoked": l.secrets["d"], "of a disabled user": l.secrets["a"], "unknown": keyhatch.NewTokenSecret(), "none": "",
		} {
			if got := inspect(s); !cmp.Equal(got, people.Inspection{}) {
				t.Errorf("%s: %+v", what, got)
			}
		}
	})
}
