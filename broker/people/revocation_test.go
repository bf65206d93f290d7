package people_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// eventsOf are the events of the action, oldest first.
func eventsOf(t *testing.T, c *coretest.Core, action keyhatch.Action) (out []keyhatch.Event) {
	t.Helper()
	for e, err := range c.DB.AllEvents(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Action == action {
			out = append(out, e)
		}
	}
	return out
}

// line is tokens of one user: a was made by the admin, b with a, c with b, and d by
// the admin; x is another user's, made by the admin.
type line struct {
	*coretest.Core
	t       *testing.T
	secrets map[string]keyhatch.Secret
	tokens  map[string]keyhatch.Token
	user    keyhatch.User
}

func newLine(t *testing.T) *line {
	t.Helper()
	l := &line{Core: coretest.New(t), t: t, secrets: map[string]keyhatch.Secret{}, tokens: map[string]keyhatch.Token{}}
	ann := l.User(t, "ann")
	l.user = ann.User
	a := l.add("a", l.Admin, people.NewToken{User: "ann"})
	b := l.add("b", a, people.NewToken{})
	l.add("c", b, people.NewToken{})
	l.add("d", l.Admin, people.NewToken{User: "ann"})
	l.User(t, "xi")
	l.add("x", l.Admin, people.NewToken{User: "xi"})
	if err := l.Broker.People.RevokeToken(t.Context(), l.Admin, ann.Token.ID); err != nil { // the one that came with the user
		t.Fatal(err)
	}
	return l
}

func (l *line) add(name string, maker keyhatch.Caller, n people.NewToken) keyhatch.Caller {
	l.t.Helper()
	k, secret, err := l.Broker.People.CreateToken(l.t.Context(), maker, n)
	if err != nil {
		l.t.Fatal(err)
	}
	l.tokens[name], l.secrets[name] = k, secret
	return l.caller(name)
}

// rotateWith gives a token another secret, with one token.
func (l *line) rotateWith(with, name string) {
	l.t.Helper()
	_, secret, err := l.Broker.People.RotateToken(l.t.Context(), l.caller(with), l.tokens[name].ID, 0)
	if err != nil {
		l.t.Fatal(err)
	}
	l.secrets[name] = secret
}

func (l *line) caller(name string) keyhatch.Caller {
	l.t.Helper()
	c, err := l.Broker.People.Authenticate(l.t.Context(), l.secrets[name])
	if err != nil {
		l.t.Fatalf("%s: %v", name, err)
	}
	return c
}

// alive are the names of the tokens that work.
func (l *line) alive() string {
	var out []string
	for name, secret := range l.secrets {
		if _, err := l.Broker.People.Authenticate(l.t.Context(), secret); err == nil {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func (l *line) ids(names string) (out []string) {
	for _, name := range strings.Fields(names) {
		out = append(out, l.tokens[name].ID)
	}
	slices.Sort(out)
	return out
}

// TestS7_Revocations: what each way of ending tokens ends, at once, and leaves, and its
// events.
func TestS7_Revocations(t *testing.T) {
	t.Parallel()
	for _, r := range []struct {
		what        string
		do          func(l *line) error
		alive       string
		ended       string // of which there are events
		action      keyhatch.Action
		nobodys     bool // no user is in the events
		alsoRevoked string
	}{
		{"one", func(l *line) error {
			return l.Broker.People.RevokeToken(l.t.Context(), l.caller("a"), l.tokens["a"].ID)
		}, "b c d x", "a", people.TokenRevoked, false, ""},
		{"one with those made", func(l *line) error {
			return l.Broker.People.RevokeTokenAndMade(l.t.Context(), l.caller("d"), l.tokens["a"].ID)
		}, "d x", "a b c", people.TokenRevoked, false, ""},
		{"the middle with those made", func(l *line) error {
			return l.Broker.People.RevokeTokenAndMade(l.t.Context(), l.caller("b"), l.tokens["b"].ID)
		}, "a d x", "b c", people.TokenRevoked, false, ""},
		{"with those made, when the middle has ended", func(l *line) error {
			if err := l.Broker.People.RevokeToken(l.t.Context(), l.Admin, l.tokens["b"].ID); err != nil {
				return err
			}
			return l.Broker.People.RevokeTokenAndMade(l.t.Context(), l.Admin, l.tokens["a"].ID)
		}, "d x", "a b c", people.TokenRevoked, false, ""},
		{"all of a user", func(l *line) error {
			n, err := l.Broker.People.RevokeTokens(l.t.Context(), l.caller("a"), "ann", false)
			if n != 4 {
				l.t.Errorf("%d ended", n)
			}
			return err
		}, "x", "a b c d", people.TokenRevoked, false, ""},
		{"all but the one in use", func(l *line) error {
			_, err := l.Broker.People.RevokeTokens(l.t.Context(), l.caller("c"), l.user.ID, true)
			return err
		}, "c x", "a b d", people.TokenRevoked, false, ""},
		{"all of another, by an admin", func(l *line) error {
			_, err := l.Broker.People.RevokeTokens(l.t.Context(), l.Admin, "ann", true)
			return err
		}, "x", "a b c d", people.TokenRevoked, false, ""},
		{"one that one holds", func(l *line) error { return l.Broker.People.RevokeSecret(l.t.Context(), l.secrets["a"]) }, "b c d x", "a", people.TokenRevoked, false, ""},
		{"a leaked one", func(l *line) error {
			return l.Broker.People.ReportLeak(from(l.t, "192.0.2.77"), l.secrets["a"])
		}, "d x", "a", people.TokenLeaked, true, "b c"},
		{"a leaked one that had expired", func(l *line) error {
			past := time.Now().Add(-time.Hour)
			if _, err := l.Broker.People.UpdateToken(l.t.Context(), l.Admin, l.tokens["b"].ID, people.TokenChange{ExpiresAt: &past}); err != nil {
				return err
			}
			return l.Broker.People.ReportLeak(l.t.Context(), l.secrets["b"])
		}, "a d x", "b", people.TokenLeaked, true, "c"},
		{"a leaked secret from before a rotation, in its grace", func(l *line) error {
			if _, _, err := l.Broker.People.RotateToken(l.t.Context(), l.Admin, l.tokens["c"].ID, time.Hour); err != nil {
				return err
			}
			return l.Broker.People.ReportLeak(l.t.Context(), l.secrets["c"])
		}, "a b d x", "c", people.TokenLeaked, true, ""},
		{"a leaked secret from before a rotation, after its grace", func(l *line) error {
			_, newer, err := l.Broker.People.RotateToken(l.t.Context(), l.Admin, l.tokens["c"].ID, time.Microsecond)
			if err != nil {
				return err
			}
			replaced := l.secrets["c"]
			l.secrets["c"] = newer
			return errors.Join(l.Broker.People.ReportLeak(l.t.Context(), replaced), l.Broker.People.RevokeSecret(l.t.Context(), replaced))
		}, "a b c d x", "", people.TokenLeaked, true, ""},
		{"a leaked one that gave another its secret", func(l *line) error {
			l.rotateWith("b", "d")
			return l.Broker.People.ReportLeak(l.t.Context(), l.secrets["a"])
		}, "x", "a", people.TokenLeaked, true, "b c d"},
		{"the same, which was rotated with that secret since, and with what it made", func(l *line) error {
			l.rotateWith("b", "d")
			l.rotateWith("d", "d")
			l.add("e", l.caller("d"), people.NewToken{})
			l.rotateWith("e", "d")
			l.rotateWith("c", "a") // a circle
			return l.Broker.People.ReportLeak(l.t.Context(), l.secrets["b"])
		}, "x", "b", people.TokenLeaked, true, "a c d e"},
		{"one with those made, which gave another its secret", func(l *line) error {
			l.rotateWith("c", "d")
			return l.Broker.People.RevokeTokenAndMade(l.t.Context(), l.caller("b"), l.tokens["b"].ID)
		}, "a x", "b c d", people.TokenRevoked, false, ""},
		{"a leaked one whose maker gave another its secret", func(l *line) error {
			l.rotateWith("a", "d")
			return l.Broker.People.ReportLeak(l.t.Context(), l.secrets["b"])
		}, "a d x", "b", people.TokenLeaked, true, "c"},
		{"a leaked one of nobody", func(l *line) error { return l.Broker.People.ReportLeak(l.t.Context(), keyhatch.NewTokenSecret()) }, "a b c d x", "", people.TokenLeaked, true, ""},
	} {
		t.Run(r.what, func(t *testing.T) {
			t.Parallel()
			l := newLine(t)
			before := len(eventsOf(t, l.Core, people.TokenRevoked))
			if err := r.do(l); err != nil {
				t.Fatal(err)
			}
			if got := l.alive(); got != r.alive {
				t.Errorf("%q work, want %q", got, r.alive)
			}
			check := func(action keyhatch.Action, skip int, names string) {
				t.Helper()
				var got []string
				for _, e := range eventsOf(t, l.Core, action)[skip:] {
					got = append(got, e.Target)
					if (e.User == "") != r.nobodys || e.Detail["user"] != l.user.ID {
						t.Errorf("an event is %+v", e)
					}
				}
				slices.Sort(got)
				if diff := cmp.Diff(l.ids(names), got); diff != "" {
					t.Errorf("events %s (-want +got):\n%s", action, diff)
				}
			}
			if r.action == people.TokenRevoked {
				check(people.TokenRevoked, before, r.ended)
			} else {
				check(people.TokenLeaked, 0, r.ended)
				check(people.TokenRevoked, before, r.alsoRevoked)
			}
			l.Restart(t)
			if got := l.alive(); got != r.alive {
				t.Errorf("after a restart %q work, want %q", got, r.alive)
			}
		})
	}
}

// TestRevocationsAreRefused: what is not one's own, and what is no token.
func TestRevocationsAreRefused(t *testing.T) {
	t.Parallel()
	l := newLine(t)
	xi := l.caller("x")
	wantFailure(t, "another's", l.Broker.People.RevokeTokenAndMade(t.Context(), xi, l.tokens["a"].ID), keyhatch.NotFound, keyhatch.CodeTokenNotFound)
	_, err := l.Broker.People.RevokeTokens(t.Context(), xi, "ann", false)
	wantFailure(t, "all of another's", err, keyhatch.NotFound, keyhatch.CodeUserNotFound)
	for _, end := range []func(keyhatch.Secret) error{
		func(s keyhatch.Secret) error { return l.Broker.People.ReportLeak(t.Context(), s) },
		func(s keyhatch.Secret) error { return l.Broker.People.RevokeSecret(t.Context(), s) },
	} {
		mistyped := l.secrets["a"][:51] + "!"
		for _, s := range []keyhatch.Secret{"", "kh_", mistyped, l.secrets["a"] + " ", keyhatch.Secret(l.tokens["a"].ID)} {
			wantFailure(t, "no token", end(s), keyhatch.Invalid, keyhatch.CodeTokenMalformed)
		}
	}
	if got := l.alive(); got != "a b c d x" {
		t.Errorf("%q work", got)
	}
}

// TestExpiredTokensMakeRoom: a user who has as many tokens as may be has room again
// when some have expired; and what expired long ago is removed.
func TestExpiredTokensMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := coretest.New(t)
		ann := c.User(t, "ann")
		short, _, err := c.Broker.People.CreateToken(t.Context(), ann, people.NewToken{ExpiresAt: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		c.SQL(t, `with recursive n (i) as (select 1 union all select i + 1 from n where i < 9998)
			insert into tokens (id, user_id, name, scopes, pepper, hash, since, created_at, created_from)
			select 'tok_' || i, $1, '', '[]', 0, cast(i as blob), 0, 0, '' from n`, ann.User.ID)
		_, _, err = c.Broker.People.CreateToken(t.Context(), ann, people.NewToken{})
		wantFailure(t, "one too many", err, keyhatch.Conflict, keyhatch.CodeLimitReached)
		time.Sleep(time.Hour)
		if _, _, err = c.Broker.People.CreateToken(t.Context(), ann, people.NewToken{ExpiresAt: time.Now().Add(time.Hour)}); err != nil {
			t.Errorf("when one has expired: %v", err)
		}
		_, err = c.Broker.People.Token(t.Context(), ann, short.ID)
		wantFailure(t, "the one that had", err, keyhatch.NotFound, keyhatch.CodeTokenNotFound)

		count := func() int { return len(c.Dump(t, "tokens")["tokens"]) }
		before := count()
		for _, step := range []struct {
			after time.Duration
			gone  int
		}{{time.Hour, 0}, {30*24*time.Hour - time.Second, 0}, {time.Second, 1}} {
			time.Sleep(step.after)
			if err := c.Broker.People.PruneTokens(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := before - count(); got != step.gone {
				t.Errorf("after %v more %d are gone, want %d", step.after, got, step.gone)
			}
		}
	})
}

// TestEndedMeanwhile: who asked for its own token while that was ended, let in before and
// looked up after, was told that there is no such token (404), and not that it is no longer
// good.
func TestEndedMeanwhile(t *testing.T) {
	c := coretest.New(t)
	ann := c.User(t, "ann")
	if err := c.Broker.People.RevokeToken(t.Context(), c.Admin, ann.Token.ID); err != nil {
		t.Fatal(err)
	}
	_, err := c.Broker.People.Token(t.Context(), ann, ann.Token.ID)
	wantFailure(t, "its own token", err, keyhatch.Unauthenticated, keyhatch.CodeTokenInvalid)
}
