package bearers_test

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/bearers"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/record"
)

// TestFirstShown: what a signed token may is what its issuer's rules say of its user, and a
// token stands for it from the first time on, with one event.
func TestFirstShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	jwt := w.sign("one", func(a *keyhatch.Assertion) {
		a.Scopes, a.Networks = []keyhatch.Scope{"leases"}, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	})
	if !w.invalid(jwt) {
		t.Error("let in from nowhere")
	}
	ctx := keyhatch.WithOrigin(t.Context(), keyhatch.Origin{Address: netip.MustParseAddr("192.0.2.7")})
	one, err := w.Broker.Bearers.Authenticate(ctx, jwt, "")
	if err != nil {
		t.Fatal(err)
	}
	a := w.says[jwt]
	want := keyhatch.Token{
		ID: one.Token.ID, User: w.ann.User.ID, Name: "repo:acme", Scopes: a.Scopes, Networks: a.Networks, Workspace: w.lab.ID, ExpiresAt: a.ExpiresAt.UTC(),
		Since: one.Token.Since, CreatedAt: one.Token.CreatedAt, CreatedFrom: "192.0.2.7", Bearer: keyhatch.Bearer{Issuer: issuer, Rules: "r", Until: a.ExpiresAt.UTC()},
	}
	if diff := cmp.Diff(want, one.Token, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" || one.User.ID != w.ann.User.ID {
		t.Errorf("%s (-want +got):\n%s", one.User.ID, diff)
	}
	two, err := w.Broker.Bearers.Authenticate(ctx, jwt, "archive") // what is asked counts for those alone that may be elsewhere
	if err != nil || two.Token.ID != one.Token.ID || two.Token.Workspace != w.lab.ID || two.Allowance.PerMinute == 0 {
		t.Errorf("again: %+v, %v", two, err)
	}
	events, err := w.Broker.Record.Events(t.Context(), w.Admin, record.EventFilter{Action: bearers.Accepted}, kernel.Page{Limit: 10})
	if err != nil || len(events.Items) != 1 {
		t.Fatalf("events: %+v, %v", events, err)
	}
	e := events.Items[0]
	if e.User != w.ann.User.ID || e.Token != one.Token.ID || e.Target != one.Token.ID || e.Workspace != w.lab.ID || e.Address != "192.0.2.7" ||
		e.Detail["issuer"] != issuer || e.Detail["subject"] != "repo:acme" || e.Detail["jti"] != "j-one" {
		t.Errorf("%+v", e)
	}
	for _, mine := range []keyhatch.Caller{w.ann, w.Admin} {
		if l, err := w.Broker.People.Tokens(t.Context(), mine, "", kernel.Page{Limit: 100}); err != nil || slices.ContainsFunc(l.Items, func(k keyhatch.Token) bool { return k.ID == one.Token.ID }) {
			t.Errorf("it is listed: %v", err)
		}
		if k, err := w.Broker.People.Token(t.Context(), mine, one.Token.ID); err != nil || k.Bearer.Issuer != issuer {
			t.Errorf("it is not shown: %+v, %v", k, err)
		}
	}
	if strings.Contains(string(w.DatabaseBytes(t)), "jwt one") {
		t.Error("S5: the database holds what is shown")
	}
}

// TestS6_Refusals: for every reason the answer is that of a token that does not work, and
// the log has the reason.
func TestS6_Refusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.User(t, "bob") // in no workspace
	no := false
	w.User(t, "cy")
	w.Member(t, w.lab, w.User(t, "di"), keyhatch.MemberRole)
	if _, err := w.Broker.People.UpdateUser(t.Context(), w.Admin, "cy", people.UserChange{Active: &no}); err != nil {
		t.Fatal(err)
	}
	for text, c := range map[keyhatch.Secret]struct {
		change func(*keyhatch.Assertion)
		reason string
	}{
		"no such user":      {func(a *keyhatch.Assertion) { a.User = "nobody" }, "there is no such user"},
		"a user's id":       {func(a *keyhatch.Assertion) { a.User = w.ann.User.ID }, "there is no such user"},
		"not active":        {func(a *keyhatch.Assertion) { a.User = "cy" }, "its user is not active"},
		"in no workspace":   {func(a *keyhatch.Assertion) { a.User = "bob" }, "its user is not in the workspace"},
		"another workspace": {func(a *keyhatch.Assertion) { a.Workspace = "archive" }, "none of the issuer's workspaces"},
		"no such workspace": {func(a *keyhatch.Assertion) { a.Workspace = "moon" }, "none of the issuer's workspaces"},
		"none is there":     {func(a *keyhatch.Assertion) { a.Workspaces = []string{"moon"} }, "there is none of the issuer's workspaces"},
		"in that one not": {func(a *keyhatch.Assertion) {
			a.User, a.Workspaces, a.Workspace = "di", []string{"lab", "archive"}, "archive"
		}, "its user is not in the workspace"},
		"s3 scopes somewhere": {func(a *keyhatch.Assertion) {
			a.Workspaces, a.Scopes = []string{"lab", "archive"}, []keyhatch.Scope{"s3:read s3://lab-data/"}
		}, "does not say in which workspace"},
	} {
		w.log.Take()
		if !w.invalid(w.sign(text, c.change)) {
			t.Errorf("%s: let in", text)
		}
		if told := w.log.Take(); !strings.Contains(told, c.reason) || !strings.Contains(told, issuer) || strings.Contains(told, "j-") {
			t.Errorf("%s: the log has %q", text, told)
		}
	}
	if !w.invalid("not signed") || w.log.Take() != "" {
		t.Error("what nobody has signed is in the log")
	}
	if rows := w.Dump(t, "tokens")["tokens"]; slices.ContainsFunc(rows, func(r string) bool { return strings.Contains(r, issuer) }) {
		t.Error("what was refused is kept")
	}
	nobodys := w.With(nil) // a broker with the issuers, and one without
	w.Issuers = nil
	_, err := w.With(nil).Bearers.Authenticate(t.Context(), w.sign("x", nil), "")
	if _, with := nobodys.Bearers.Authenticate(t.Context(), "x", ""); with != nil || !errors.Is(err, keyhatch.Unauthenticated) {
		t.Errorf("without issuers: %v; with: %v", err, with)
	}
}

// TestSeveralWorkspaces: the issuer says in which one, or who asks does, and nobody is in
// several at once.
func TestSeveralWorkspaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	third := w.Workspace(t, "third")
	w.Member(t, third, w.ann, keyhatch.OwnerRole)
	both := func(a *keyhatch.Assertion) { a.Workspaces = []string{"lab", w.archive.ID} }
	said := w.sign("said", func(a *keyhatch.Assertion) { both(a); a.Workspace = "archive" })
	if c := w.show(said); c.Token.Workspace != w.archive.ID {
		t.Errorf("said: %q", c.Token.Workspace)
	}
	open := w.sign("open", both)
	for asked, want := range map[string]error{"": keyhatch.Invalid, "third": keyhatch.Forbidden, "moon": keyhatch.Forbidden, "lab": nil, w.archive.ID: nil} {
		c, err := w.Broker.Bearers.Authenticate(t.Context(), open, asked)
		if want != nil && !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("asked for %q: %v", asked, err)
		}
		if err != nil {
			continue
		}
		ws, err := w.Broker.People.Workspaces(t.Context(), c, kernel.Page{Limit: 10})
		if err != nil || len(ws.Items) != 1 || ws.Items[0].ID != c.Token.Workspace {
			t.Errorf("asked for %q, in %+v, %v", asked, ws.Items, err)
		}
	}
	in := func(workspace string) keyhatch.Caller {
		c, err := w.Broker.Bearers.Authenticate(t.Context(), open, workspace)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if in("lab").Token.ID != in("archive").Token.ID {
		t.Error("one signed token is two tokens")
	}
	if _, err := w.lend(in("archive")); !errors.Is(err, keyhatch.NotFound) {
		t.Errorf("S2: a lease in another workspace than asked for: %v", err)
	}
	w.mustLend(in("lab"))
	made, _, err := w.Broker.People.CreateToken(t.Context(), in("lab"), people.NewToken{})
	if err != nil || made.Workspace != w.lab.ID {
		t.Errorf("a token that was made: %+v, %v", made, err)
	}
}

// TestS4_NothingOutlivesIt: whatever is made with a signed token ends with it, also what an
// installation admin's makes; it is no installation admin itself, and is neither changed nor
// given a secret by anybody.
func TestS4_NothingOutlivesIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, user := range []string{"ann", "admin"} {
		c := w.show(w.sign(keyhatch.Secret("of "+user), func(a *keyhatch.Assertion) { a.User = user }))
		made, _, err := w.Broker.People.CreateToken(t.Context(), c, people.NewToken{})
		if err != nil || !made.ExpiresAt.Equal(c.Token.ExpiresAt) {
			t.Errorf("%s: a token until %v, %v", user, made.ExpiresAt, err)
		}
		if _, _, err := w.Broker.People.CreateToken(t.Context(), c, people.NewToken{ExpiresAt: c.Token.ExpiresAt.Add(time.Second)}); !errors.Is(err, keyhatch.Invalid) {
			t.Errorf("%s: a longer one: %v", user, err)
		}
		if _, err := w.Broker.People.CreateWorkspace(t.Context(), c, "x"); !errors.Is(err, keyhatch.Forbidden) {
			t.Errorf("%s: what installation admins do: %v", user, err)
		}
		never := time.Time{}
		for _, by := range []keyhatch.Caller{c, w.Admin} {
			if _, err := w.Broker.People.UpdateToken(t.Context(), by, c.Token.ID, people.TokenChange{ExpiresAt: &never}); !errors.Is(err, keyhatch.Conflict) {
				t.Errorf("%s: changed: %v", user, err)
			}
			if _, _, err := w.Broker.People.RotateToken(t.Context(), by, c.Token.ID, 0); !errors.Is(err, keyhatch.Conflict) {
				t.Errorf("%s: rotated: %v", user, err)
			}
		}
	}
	lease := w.mustLend(w.show(w.sign("short", func(a *keyhatch.Assertion) { a.ExpiresAt = time.Now().Add(20 * time.Minute).Truncate(time.Second) })))
	if lease.ExpiresAt.After(w.says["short"].ExpiresAt) {
		t.Errorf("a lease until %v", lease.ExpiresAt)
	}
}

// TestS7_Revoked: a signed token that was revoked stays so, with what it opened: by its id,
// with all of its user's, by its holder; after a restart, after what has expired was
// removed, and until it ends by itself.
func TestS7_Revoked(t *testing.T) {
	for how, revoke := range map[string]func(w *world, c keyhatch.Caller) error{
		"by its id": func(w *world, c keyhatch.Caller) error {
			return w.Broker.People.RevokeToken(w.t.Context(), w.Admin, c.Token.ID)
		},
		"by its holder": func(w *world, c keyhatch.Caller) error {
			return w.Broker.People.RevokeToken(w.t.Context(), c, c.Token.ID)
		},
		"by its user": func(w *world, c keyhatch.Caller) error {
			return w.Broker.People.RevokeToken(w.t.Context(), w.ann, c.Token.ID)
		},
		"with what it made": func(w *world, c keyhatch.Caller) error {
			return w.Broker.People.RevokeTokenAndMade(w.t.Context(), w.Admin, c.Token.ID)
		},
		"with all of a user's": func(w *world, c keyhatch.Caller) error {
			n, err := w.Broker.People.RevokeTokens(w.t.Context(), w.Admin, "ann", false)
			if n != 3 { // ann's own, and two signed ones
				w.t.Errorf("%d have ended", n)
			}
			return err
		},
	} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.Member(t, w.lab, w.ann, keyhatch.OwnerRole)
				jwt, other := w.sign("one", nil), w.sign("two", nil)
				c, beside := w.show(jwt), w.show(other)
				lease, another := w.mustLend(c), w.mustLend(beside)
				key, err := w.Broker.AccessKeys.Create(t.Context(), c, accesskeys.NewKey{Workspace: "lab", Store: "disk", Name: "k"})
				if err != nil || !key.ExpiresAt.Equal(c.Token.ExpiresAt) {
					t.Fatalf("a key until %v, %v", key.ExpiresAt, err)
				}
				if err := revoke(w, c); err != nil {
					t.Fatal(err)
				}
				all := strings.HasPrefix(how, "with all")
				if w.stands(lease) || !w.invalid(jwt) || w.stands(another) == all {
					t.Error("it works on, or another does not")
				}
				if _, err := w.lend(c); !errors.Is(err, keyhatch.Unauthenticated) {
					t.Errorf("who was let in before: %v", err)
				}
				if _, err := w.Broker.AccessKeys.Key(t.Context(), w.Admin, "lab", key.ID); !errors.Is(err, keyhatch.NotFound) {
					t.Errorf("its access key: %v", err)
				}
				w.Restart(t)
				time.Sleep(time.Minute)
				if err := errors.Join(w.Broker.Bearers.Begin(t.Context()), w.Broker.People.PruneTokens(t.Context())); err != nil {
					t.Fatal(err)
				}
				if !w.invalid(jwt) || w.stands(lease) || w.invalid(other) != all {
					t.Error("after a restart it works again, or another does not")
				}
				time.Sleep(time.Hour)
				if err := w.Broker.People.PruneTokens(t.Context()); err != nil {
					t.Fatal(err)
				}
				if rows := w.Dump(t, "tokens")["tokens"]; slices.ContainsFunc(rows, func(r string) bool { return strings.Contains(r, issuer) }) {
					t.Error("what has ended is kept")
				}
			})
		})
	}
}

// TestS4_UsersThatEnd: the signed tokens of a user who is disabled die at once, with what
// they opened, and so do those of one who leaves the workspace or is deleted.
func TestS4_UsersThatEnd(t *testing.T) {
	t.Parallel()
	no := false
	for how, end := range map[string]func(w *world) error{
		"disabled": func(w *world) error {
			_, err := w.Broker.People.UpdateUser(w.t.Context(), w.Admin, "ann", people.UserChange{Active: &no})
			return err
		},
		"deleted": func(w *world) error { return w.Broker.People.DeleteUser(w.t.Context(), w.Admin, "ann") },
		"out": func(w *world) error {
			return w.Broker.People.RemoveWorkspaceMember(w.t.Context(), w.Admin, "lab", "ann")
		},
	} {
		w := newWorld(t)
		jwt := w.sign("one", nil)
		c := w.show(jwt)
		lease := w.mustLend(c)
		if err := end(w); err != nil {
			t.Fatal(err)
		}
		if w.stands(lease) && how != "out" || !w.invalid(jwt) { // grants are to people, in whichever workspaces they are
			t.Errorf("%s: it works on", how)
		}
		if _, err := w.lend(c); err == nil && how != "out" {
			t.Errorf("%s: who was let in before borrows", how)
		}
	}
}

// TestOtherRules: what was accepted by rules that have changed, or of an issuer that is
// trusted no longer, ends when the server begins; by the new rules it is accepted anew, but for
// what was revoked.
func TestOtherRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	jwt, revoked := w.sign("one", nil), w.sign("two", nil)
	c := w.show(jwt)
	lease := w.mustLend(c)
	if err := w.Broker.People.RevokeToken(t.Context(), w.Admin, w.show(revoked).Token.ID); err != nil {
		t.Fatal(err)
	}
	begin := func() {
		t.Helper()
		w.Restart(t)
		if err := w.Broker.Bearers.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	begin()
	if !w.stands(lease) || w.show(jwt).Token.ID != c.Token.ID {
		t.Error("by the same rules it has ended")
	}
	w.rules[issuer] = "others"
	if !w.invalid(jwt) {
		t.Error("what other rules have accepted is let in")
	}
	begin()
	if again := w.show(jwt); w.stands(lease) || again.Token.ID == c.Token.ID || !w.invalid(revoked) {
		t.Error("what other rules have opened is open, or what was revoked is good again")
	} else {
		lease = w.mustLend(again)
	}
	delete(w.rules, issuer)
	begin()
	if w.stands(lease) {
		t.Error("what an issuer has opened who is trusted no longer is open")
	}
	events, err := w.Broker.Record.Events(t.Context(), w.Admin, record.EventFilter{Action: people.TokenRevoked}, kernel.Page{Limit: 10})
	if err != nil || len(events.Items) != 3 {
		t.Errorf("%d events of tokens that ended, %v", len(events.Items), err)
	}
}

// TestS12_OneLimit: all that an issuer signs for one user has one request limit, and what
// is borrowed with it counts too. Wrong ones count against the address.
func TestS12_OneLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Tokens = people.Limits{RequestsPerMinute: 3, FailuresPerMinute: 2}
		w.Restart(t)
		one, two, three := w.sign("one", nil), w.sign("two", nil), w.sign("three", nil)
		lease := w.mustLend(w.show(one))
		w.show(two)
		if err := w.Broker.Lending.Identify(t.Context(), lease); err != nil {
			t.Error(err)
		}
		for what, err := range map[string]error{
			"a third token": only(w.Broker.Bearers.Authenticate(t.Context(), three, "")),
			"the first":     only(w.Broker.Bearers.Authenticate(t.Context(), one, "")),
			"its lease":     w.Broker.Lending.Identify(t.Context(), lease),
		} {
			if !errors.Is(err, keyhatch.TooMany) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if rows := strings.Join(w.Dump(t, "tokens")["tokens"], "\n"); strings.Count(rows, issuer) != 2 {
			t.Error("what was too many is kept")
		}
		nowhere := w.sign("nowhere", func(a *keyhatch.Assertion) { a.User, a.Workspaces = "admin", []string{"lab", "archive"} })
		for n, want := range []error{keyhatch.Invalid, keyhatch.Invalid, keyhatch.Invalid, keyhatch.TooMany} {
			if err := only(w.Broker.Bearers.Authenticate(t.Context(), nowhere, "")); !errors.Is(err, want) {
				t.Errorf("in no workspace, %d: %v", n, err)
			}
		}
		for n, want := range []error{keyhatch.Unauthenticated, keyhatch.Unauthenticated, keyhatch.TooMany} {
			if err := only(w.Broker.Bearers.Authenticate(t.Context(), "wrong", "")); !errors.Is(err, want) {
				t.Errorf("wrong, %d: %v", n, err)
			}
		}
		time.Sleep(time.Minute)
		w.show(three)
	})
}

func only(_ keyhatch.Caller, err error) error { return err }

// TestShownAtOnce: many that show one signed token for the first time are one token's, also
// beside another process.
func TestShownAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	jwt := w.sign("one", nil)
	other := w.Beside(t)
	var all sync.WaitGroup
	ids := make([]string, 16)
	for n := range ids {
		all.Go(func() {
			b := w.Broker
			if n%2 == 1 {
				b = other.Broker
			}
			c, err := b.Bearers.Authenticate(t.Context(), jwt, "")
			if err != nil {
				t.Error(err)
			}
			ids[n] = c.Token.ID
			if _, _, err := b.People.CreateToken(t.Context(), c, people.NewToken{}); err != nil {
				t.Errorf("what it may then: %v", err)
			}
		})
	}
	all.Wait()
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) != 1 {
		t.Errorf("%d tokens", len(ids))
	}
}

// TestS9_SoManyOfOneUser: there are so many of one user's at a time, counted apart from its
// other tokens, and those that have ended make room.
func TestS9_SoManyOfOneUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.show(w.sign("first", nil))
	w.SQL(t, `insert into tokens (id, workspace, user_id, name, scopes, pepper, hash, expires_at, since, created_at, created_from, issuer, issuer_rules, issued_until)
		with recursive n (n) as (select 1 union select n + 1 from n where n < 9999)
		select 'tok_x' || n, workspace, user_id, name, scopes, pepper, cast('x' || n as blob), expires_at, since, created_at, created_from, issuer, issuer_rules, issued_until
		from tokens, n where id = $1`, first.Token.ID)
	second := w.sign("second", nil)
	if err := only(w.Broker.Bearers.Authenticate(t.Context(), second, "")); !errors.Is(err, keyhatch.TooMany) {
		t.Errorf("one more: %v", err)
	}
	if _, _, err := w.Broker.People.CreateToken(t.Context(), w.ann, people.NewToken{}); err != nil {
		t.Errorf("a token of ann's own: %v", err)
	}
	w.show("first")
	w.SQL(t, "update tokens set issued_until = 1, expires_at = 1 where id = 'tok_x7'")
	w.show(second)
}

// TestRolesAreOfEachTime: a caller has the roles of the signed token that was shown, the
// first time and later.
func TestRolesAreOfEachTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	jwt := w.sign("one", func(a *keyhatch.Assertion) { a.Roles = []string{"reader"} })
	for range 2 {
		if got := w.show(jwt).Roles; !slices.Equal(got, []string{"reader"}) {
			t.Errorf("got %q", got)
		}
	}
	if got := w.show(w.sign("two", nil)).Roles; got != nil {
		t.Errorf("of one without: %q", got)
	}
}

// TestS12_MadeUpOnesMakeNoWork: once an address has failed too often, and when it shows many
// at once, no signature is checked for it, but of those that were let in before.
func TestS12_MadeUpOnesMakeNoWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Tokens = people.Limits{FailuresPerMinute: 3}
		w.Restart(t)
		known, fresh := w.sign("known", nil), w.sign("fresh", nil)
		w.show(known)
		w.hold, w.checked = make(chan struct{}), 0
		var all sync.WaitGroup
		for n := range 20 {
			all.Go(func() {
				err := only(w.Broker.Bearers.Authenticate(t.Context(), keyhatch.Secret("wrong "+strconv.Itoa(n)), ""))
				if !errors.Is(err, keyhatch.Unauthenticated) && !errors.Is(err, keyhatch.TooMany) {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if w.checked != 3 {
			t.Errorf("%d are checked at once", w.checked)
		}
		close(w.hold)
		all.Wait()
		for _, jwt := range []keyhatch.Secret{"wrong", fresh} {
			if err := only(w.Broker.Bearers.Authenticate(t.Context(), jwt, "")); !errors.Is(err, keyhatch.TooMany) {
				t.Errorf("%s: %v", jwt.Reveal(), err)
			}
		}
		if w.checked != 3 {
			t.Errorf("%d were checked", w.checked)
		}
		w.show(known)
		time.Sleep(time.Minute)
		for range 10 { // what is good costs nobody a failure
			w.show(w.sign(keyhatch.Secret("fresh "+strconv.Itoa(int(w.checked))), nil))
		}
	})
}

// TestS9_RefusalsFillNoLog: a signed token whose user is not let in writes a few lines a minute,
// however often it is shown.
func TestS9_RefusalsFillNoLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Tokens = people.Limits{FailuresPerMinute: 1000}
		w.Restart(t)
		nobodys := w.sign("nobody's", func(a *keyhatch.Assertion) { a.User = "nobody" })
		for range 100 {
			if err := only(w.Broker.Bearers.Authenticate(t.Context(), nobodys, "")); !errors.Is(err, keyhatch.Unauthenticated) {
				t.Error(err)
			}
		}
		if n := strings.Count(w.log.Take(), "refused"); n != 10 {
			t.Errorf("%d lines", n)
		}
	})
}
