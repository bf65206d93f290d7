package sessions_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/record"
	"github.com/keyhatch/keyhatch/broker/sessions"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

const password = "four words of paper and glue"

// world is a core in which ann has a password.
type world struct {
	*coretest.Core
	t   *testing.T
	ann keyhatch.Caller
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Core: coretest.New(t), t: t}
	w.ann = w.User(t, "ann")
	w.setPassword(password)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) setPassword(to keyhatch.Secret) {
	w.t.Helper()
	secret, _, err := w.Broker.Passwords.NewReset(w.t.Context(), w.Admin, "ann")
	w.must(err)
	w.must(w.Broker.Passwords.ResetPassword(w.t.Context(), secret, to))
}

// from is a request from an address.
func from(t *testing.T, address string) context.Context {
	return keyhatch.WithOrigin(t.Context(), keyhatch.Origin{Address: netip.MustParseAddr(address), RequestID: "R1"})
}

// begin signs ann in.
func (w *world) begin() (keyhatch.Secret, keyhatch.BrowserSession) {
	w.t.Helper()
	ctx := from(w.t, "192.0.2.7")
	c, err := w.Broker.Passwords.Authenticate(ctx, "ann", password)
	w.must(err)
	secret, s, err := w.Broker.Sessions.Begin(ctx, c, "Mozilla/5.0 (X11)")
	w.must(err)
	return secret, s
}

func (w *world) of(secret keyhatch.Secret) (keyhatch.Caller, error) {
	return w.Broker.Sessions.Of(from(w.t, "192.0.2.8"), secret)
}

// works tells whether somebody is signed in by the secret; else nobody is, in the words of
// every such refusal (S6).
func (w *world) works(secret keyhatch.Secret) bool {
	w.t.Helper()
	c, err := w.of(secret)
	var e *keyhatch.Error
	if err != nil && (!errors.As(err, &e) || e.Code != keyhatch.CodeSessionInvalid || e.Cause != nil || c.User.ID != "") {
		w.t.Errorf("it is told apart: %v", err)
	}
	return err == nil
}

// TestSignedIn: who is signed in is its user, from the first request on; each session has a
// secret and events of its own, and none of it is kept in plain.
func TestSignedIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret, s := w.begin()
	c, err := w.of(secret)
	w.must(err)
	if c.User.ID != w.ann.User.ID || c.Session != s.ID || c.HasToken() || c.Token.Workspace != "" || c.Allowance.PerMinute == 0 || c.Origin.AddressText() != "192.0.2.8" {
		t.Errorf("%+v", c)
	}
	if s.User != w.ann.User.ID || s.Browser != "Mozilla/5.0 (X11)" || s.CreatedFrom != "192.0.2.7" || !s.ExpiresAt.Equal(s.CreatedAt.Add(8*time.Hour)) {
		t.Errorf("%+v", s)
	}
	if other, o := w.begin(); other == secret || o.ID == s.ID || !w.works(secret) {
		t.Error("two sessions are one, or the first has ended")
	}
	name := "Ann"
	_, err = w.Broker.People.UpdateUser(t.Context(), c, "ann", people.UserChange{FullName: &name})
	w.must(err)
	for action, target := range map[keyhatch.Action]string{sessions.Begun: s.ID, people.UserUpdated: w.ann.User.ID} {
		l, err := w.Broker.Record.Events(t.Context(), w.Admin, record.EventFilter{Action: action}, kernel.Page{Limit: 10})
		w.must(err)
		e := l.Items[len(l.Items)-1]
		if e.Target != target || e.User != w.ann.User.ID || action == people.UserUpdated && e.Token != s.ID {
			t.Errorf("%s: %+v", action, e)
		}
	}
	if bytes := string(w.DatabaseBytes(t)); strings.Contains(bytes, secret.Reveal()) || strings.Contains(bytes, strings.TrimPrefix(secret.Reveal(), "khs_")) {
		t.Error("S5: the database holds what is shown")
	}
}

// TestS4_SessionsDoNotGain: a session is begun with a password and nothing else, and borrows
// nothing; tokens that are made with it are its user's.
func TestS4_SessionsDoNotGain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret, _ := w.begin()
	c, err := w.of(secret)
	w.must(err)
	for what, by := range map[string]keyhatch.Caller{"a token": w.ann, "a session": c, "nobody": {}} {
		if _, _, err := w.Broker.Sessions.Begin(t.Context(), by, ""); !errors.Is(err, keyhatch.Forbidden) {
			t.Errorf("begun by %s: %v", what, err)
		}
	}
	if _, err := w.Broker.Lending.Lease(t.Context(), c, lending.LeaseRequest{Location: "x"}); !errors.Is(err, keyhatch.Forbidden) {
		t.Errorf("a lease: %v", err)
	}
	made, _, err := w.Broker.People.CreateToken(t.Context(), c, people.NewToken{})
	if err != nil || made.User != w.ann.User.ID {
		t.Errorf("a token: %+v, %v", made, err)
	}
	if _, err := w.Broker.People.CreateUser(t.Context(), c, people.NewUser{Name: "x"}); !errors.Is(err, keyhatch.Forbidden) {
		t.Errorf("what admins do: %v", err)
	}
}

// TestS7_SessionsEnd: whatever ends a session ends it at once, in every process, and nothing brings it back;
// who was let in before changes nothing any more.
func TestS7_SessionsEnd(t *testing.T) {
	t.Parallel()
	no, yes := false, true
	for how, stop := range map[string]func(w *world, s keyhatch.BrowserSession, secret keyhatch.Secret) error{
		"by its holder": func(w *world, _ keyhatch.BrowserSession, secret keyhatch.Secret) error {
			return w.Broker.Sessions.End(w.t.Context(), secret)
		},
		"another password": func(w *world, _ keyhatch.BrowserSession, _ keyhatch.Secret) error {
			w.setPassword("other words of wood and nails")
			return nil
		},
		"the same password again": func(w *world, _ keyhatch.BrowserSession, _ keyhatch.Secret) error {
			w.setPassword(password)
			return nil
		},
		"no password": func(w *world, _ keyhatch.BrowserSession, _ keyhatch.Secret) error {
			return w.Broker.Passwords.RemovePassword(w.t.Context(), w.Admin, "ann")
		},
		"disabled, and enabled again": func(w *world, _ keyhatch.BrowserSession, secret keyhatch.Secret) error {
			_, err := w.Broker.People.UpdateUser(w.t.Context(), w.Admin, "ann", people.UserChange{Active: &no})
			w.must(err)
			if w.works(secret) {
				w.t.Error("a disabled user is signed in")
			}
			_, err = w.Broker.People.UpdateUser(w.t.Context(), w.Admin, "ann", people.UserChange{Active: &yes})
			return err
		},
		"deleted": func(w *world, _ keyhatch.BrowserSession, _ keyhatch.Secret) error {
			return w.Broker.People.DeleteUser(w.t.Context(), w.Admin, "ann")
		},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			secret, s := w.begin()
			before, err := w.of(secret)
			w.must(err)
			beside := w.Beside(t)
			w.must(stop(w, s, secret))
			if w.works(secret) {
				t.Error("it works on")
			}
			if _, err := beside.Broker.Sessions.Of(t.Context(), secret); !errors.Is(err, keyhatch.Unauthenticated) {
				t.Errorf("in another process: %v", err)
			}
			if _, _, err := w.Broker.People.CreateToken(t.Context(), before, people.NewToken{}); !errors.Is(err, keyhatch.Unauthenticated) {
				t.Errorf("who was let in before: %v", err)
			}
			w.Restart(t)
			if w.works(secret) {
				t.Error("after a restart it works again")
			}
			w.must(w.Broker.Sessions.End(t.Context(), secret))
			w.must(w.Broker.Sessions.End(t.Context(), "khs_"))
		})
	}
}

// TestSliding: a session that is used lives on, for a week; one that rests for eight hours has
// ended. What has ended is removed.
func TestSliding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		rests, _ := w.begin()
		used, s := w.begin()
		const step = 7*time.Hour + 59*time.Minute
		time.Sleep(step)
		if !w.works(used) {
			t.Fatal("it has ended while it was used")
		}
		time.Sleep(time.Minute)
		if w.works(rests) || !w.works(used) {
			t.Error("one that rested works on, or one that was used does not")
		}
		for time.Since(s.CreatedAt) < 7*24*time.Hour-step {
			time.Sleep(step)
			if !w.works(used) {
				t.Fatalf("it has ended after %v", time.Since(s.CreatedAt))
			}
		}
		time.Sleep(7*24*time.Hour - time.Since(s.CreatedAt) - time.Second)
		if !w.works(used) {
			t.Error("it has ended within its week")
		}
		time.Sleep(time.Second)
		if w.works(used) {
			t.Error("it lives for ever")
		}
		w.must(w.Broker.Sessions.Prune(t.Context()))
		if rows := w.Dump(t, "sessions")["sessions"]; len(rows) > 0 {
			t.Errorf("what has ended is kept: %v", rows)
		}
	})
}

// TestUsesAreWrittenNowAndThen: a use is written once a minute, with where it was from.
func TestUsesAreWrittenNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		secret, s := w.begin()
		for _, c := range []struct {
			after time.Duration
			from  string
		}{{30 * time.Second, "192.0.2.7"}, {29 * time.Second, "192.0.2.7"}, {time.Second, "192.0.2.8"}} {
			time.Sleep(c.after)
			if !w.works(secret) {
				t.Fatal("it does not work")
			}
			got, err := w.DB.Session(t.Context(), s.ID, time.Now())
			w.must(err)
			if got.LastUsedFrom != c.from {
				t.Errorf("after %v it was used from %s", c.after, got.LastUsedFrom)
			}
		}
	})
}

// TestS12_WrongOnesAreLimited: an address that shows too much that signs nobody in waits; who is
// signed in there does not.
func TestS12_WrongOnesAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		secret, _ := w.begin()
		for n := range 61 {
			_, err := w.of(keyhatch.NewSessionSecret())
			if want := map[bool]error{false: keyhatch.Unauthenticated, true: keyhatch.TooMany}[n == 60]; !errors.Is(err, want) {
				t.Errorf("%d: %v", n, err)
			}
		}
		if !w.works(secret) {
			t.Error("others are locked out with it")
		}
	})
}

// TestS9_SoManyOfOneUser: there are so many of one user's at a time: the one that was not used
// for the longest goes for a new one, and nobody else's.
func TestS9_SoManyOfOneUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Tokens = people.Limits{}
		w.Restart(t)
		all := make([]keyhatch.Secret, 101)
		for i := range 100 {
			all[i], _ = w.begin()
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Minute)
		if !w.works(all[0]) { // it is not the stalest any more
			t.Fatal("the first has ended")
		}
		all[100], _ = w.begin()
		for i, want := range map[int]bool{0: true, 1: false, 2: true, 99: true, 100: true} {
			if w.works(all[i]) != want {
				t.Errorf("%d: works: %v", i, !want)
			}
		}
	})
}

// TestBrowsersCallThemselvesWhatTheyLike: what is kept of that is short, and can be read on a
// terminal.
func TestBrowsersCallThemselvesWhatTheyLike(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for said, want := range map[string]string{
		"": "", "Mozilla/5.0": "Mozilla/5.0", "\x1b[31mred\r\n": "[31mred", "é\xff": "", strings.Repeat("x", 10_000): strings.Repeat("x", 200),
	} {
		c, err := w.Broker.Passwords.Authenticate(t.Context(), "ann", password)
		w.must(err)
		_, s, err := w.Broker.Sessions.Begin(t.Context(), c, said)
		w.must(err)
		if s.Browser != want {
			t.Errorf("%.20q is kept as %q", said, s.Browser)
		}
	}
}

// TestListed: one's own sessions are listed and ended one by one or at once, also from within one
// of them, which can be kept; a token of a workspace reaches none, and what has ended is
// in no list.
func TestListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	svc := w.Broker.Sessions
	_, one := w.begin()
	_, two := w.begin()
	secret, own := w.begin()
	c, err := w.of(secret)
	w.must(err)
	listed := func(by keyhatch.Caller, user string) (ids []string) {
		t.Helper()
		l, err := svc.Sessions(t.Context(), by, user, kernel.Page{Limit: 10})
		w.must(err)
		for _, s := range l.Items {
			ids = append(ids, s.ID)
		}
		return ids
	}
	want := func(what string, got []string, ids ...string) {
		t.Helper()
		slices.Sort(ids)
		if !slices.Equal(got, ids) {
			t.Errorf("%s: %v, want %v", what, got, ids)
		}
	}
	want("one's own", listed(c, ""), one.ID, two.ID, own.ID)
	want("one's own, with a token", listed(w.ann, "ann"), one.ID, two.ID, own.ID)
	want("an admin's own", listed(w.Admin, ""))
	want("another's, by an admin", listed(w.Admin, "ann"), one.ID, two.ID, own.ID)

	lab := w.Workspace(t, "lab")
	w.Member(t, lab, w.ann, keyhatch.MemberRole)
	confined := w.Token(t, w.ann, people.NewToken{Workspace: lab.ID})
	if _, err := svc.Sessions(t.Context(), confined, "", kernel.Page{}); !errors.Is(err, keyhatch.Forbidden) {
		t.Errorf("a token of a workspace lists them: %v", err)
	}
	if _, err := svc.RevokeAll(t.Context(), confined, "", false); !errors.Is(err, keyhatch.Forbidden) {
		t.Errorf("a token of a workspace ends them: %v", err)
	}

	w.must(svc.Revoke(t.Context(), c, one.ID))
	if err := svc.Revoke(t.Context(), c, one.ID); !errors.Is(err, keyhatch.NotFound) {
		t.Errorf("ended twice: %v", err)
	}
	want("one has ended", listed(c, ""), two.ID, own.ID)
	for _, step := range []struct{ keep, n int }{{1, 1}, {1, 0}, {0, 1}} {
		n, err := svc.RevokeAll(t.Context(), c, "", step.keep == 1)
		if err != nil || n != step.n {
			t.Errorf("%+v: %d have ended, %v", step, n, err)
		}
	}
	if _, err := svc.Sessions(t.Context(), w.ann, "", kernel.Page{}); err != nil || w.works(secret) {
		t.Errorf("it works on, or tokens have ended with it: %v", err)
	}
	if _, err := svc.RevokeAll(t.Context(), c, "", false); !errors.Is(err, keyhatch.Unauthenticated) {
		t.Errorf("by one that has ended: %v", err)
	}
}
