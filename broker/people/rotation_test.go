package people_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// rotated is a token whose secrets a test keeps, newest last.
type rotated struct {
	*coretest.Core
	t       *testing.T
	token   keyhatch.Token
	secrets []keyhatch.Secret
}

func newRotated(t *testing.T, n people.NewToken) *rotated {
	t.Helper()
	c := coretest.New(t)
	n.User = c.User(t, "ann").User.ID
	token, secret, err := c.Broker.People.CreateToken(t.Context(), c.Admin, n)
	if err != nil {
		t.Fatal(err)
	}
	return &rotated{Core: c, t: t, token: token, secrets: []keyhatch.Secret{secret}}
}

func (r *rotated) rotate(grace time.Duration) keyhatch.Token {
	r.t.Helper()
	token, secret, err := r.Broker.People.RotateToken(r.t.Context(), r.Admin, r.token.ID, grace)
	if err != nil {
		r.t.Fatal(err)
	}
	r.secrets = append(r.secrets, secret)
	return token
}

// want says which secrets work, oldest first. Those that do not must look like
// one that never existed (S6).
func (r *rotated) want(when string, works ...bool) {
	r.t.Helper()
	_, unknown := r.Broker.People.Authenticate(r.t.Context(), keyhatch.NewTokenSecret())
	for i, secret := range r.secrets {
		c, err := r.Broker.People.Authenticate(r.t.Context(), secret)
		switch {
		case works[i] && (err != nil || c.Token.ID != r.token.ID || c.User.ID != r.token.User):
			r.t.Errorf("%s, secret %d: %+v, %v", when, i, c, err)
		case !works[i]:
			if diff := cmp.Diff(unknown, err); diff != "" || c.Token.ID != "" {
				r.t.Errorf("%s, secret %d still works, or (-unknown +got):\n%s", when, i, diff)
			}
		}
	}
}

// TestS7_RotatedSecretsDie: the secret before is dead at once, or when its grace
// is over, and the one before that at the second rotation; here, in another
// process that has caught up, and after a restart.
func TestS7_RotatedSecretsDie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotated(t, people.NewToken{})
		other := *r
		other.Core = r.Beside(t)
		everywhere := func(when string, works ...bool) {
			t.Helper()
			r.want(when, works...)
			if err := other.Mirror.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			other.secrets = r.secrets
			other.want(when+", elsewhere", works...)
			r.Restart(t)
			r.want(when+", after a restart", works...)
		}
		everywhere("before", true)
		r.rotate(0)
		everywhere("without a grace", false, true)
		if k, err := r.DB.HashedToken(t.Context(), r.token.ID); err != nil || k.Old != (keyhatch.TokenHash{}) {
			t.Errorf("the hash of a secret that is dead is kept: %v", err)
		}
		token := r.rotate(time.Hour)
		if !token.GraceUntil.Equal(time.Now().Add(time.Hour)) || !token.RotatedAt.Equal(time.Now()) {
			t.Errorf("rotated at %v, grace until %v", token.RotatedAt, token.GraceUntil)
		}
		everywhere("within the grace", false, true, true)
		time.Sleep(time.Hour - time.Microsecond)
		everywhere("at its last moment", false, true, true)
		time.Sleep(time.Microsecond)
		everywhere("after the grace", false, false, true)
		r.rotate(keyhatch.MaxGrace)
		everywhere("with the longest grace", false, false, true, true)
		r.rotate(time.Hour)
		everywhere("a second rotation within the grace", false, false, false, true, true)
		r.rotate(0)
		everywhere("a third one, without a grace", false, false, false, false, false, true)
		r.rotate(time.Hour)
		everywhere("a last one", false, false, false, false, false, true, true)
		if err := r.Broker.People.RevokeToken(t.Context(), r.Admin, r.token.ID); err != nil {
			t.Fatal(err)
		}
		everywhere("revoked within the grace", false, false, false, false, false, false, false)
	})
}

// TestRotationChangesNothingElse: it is the same token, and what was borrowed
// with it goes on.
func TestRotationChangesNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := time.Now().Add(24 * time.Hour)
		r := newRotated(t, people.NewToken{Name: "n", Scopes: scopes("leases,tokens"), ExpiresAt: end})
		ws := r.Workspace(t, "lab")
		l := r.Location(t, ws, "s3://lab-data/a/")
		ann, err := r.Broker.People.Authenticate(t.Context(), r.secrets[0])
		if err != nil {
			t.Fatal(err)
		}
		r.Grant(t, l, ann, keyhatch.Read)
		lent, err := r.Broker.Lending.Lease(t.Context(), ann, lending.LeaseRequest{Location: l.ID, Access: keyhatch.Read})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		got := r.rotate(time.Minute)
		want := r.token
		want.RotatedAt, want.GraceUntil = time.Now().UTC(), time.Now().UTC().Add(time.Minute)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +rotated):\n%s", diff)
		}
		if seen, err := r.Broker.People.Token(t.Context(), r.Admin, r.token.ID); err != nil || !cmp.Equal(seen, got) {
			t.Errorf("it is seen as %+v, %v", seen, err)
		}
		if open, _, err := r.Broker.Lending.Standing(t.Context(), lent.Lease); err != nil || len(open) != 1 {
			t.Errorf("a lease of before opens %v, %v", open, err)
		}
		for i, secret := range r.secrets {
			c, err := r.Broker.People.Authenticate(t.Context(), secret)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Broker.Lending.Lease(t.Context(), c, lending.LeaseRequest{Location: l.ID, Access: keyhatch.Read}); err != nil {
				t.Errorf("secret %d borrows no lease: %v", i, err)
			}
		}
		time.Sleep(time.Until(end))
		r.want("when the token has expired", false, false)
	})
}

// TestS4_ReplacedSecretChangesNothing: who showed a secret just before it was
// replaced changes nothing afterwards; within a grace it borrows, but does not get
// hold of the token by rotating it once more, nor makes one that outlives the grace,
// as it did.
func TestS4_ReplacedSecretChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRotated(t, people.NewToken{})
	show := func(i int) keyhatch.Caller {
		t.Helper()
		c, err := r.Broker.People.Authenticate(t.Context(), r.secrets[i])
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	rotate := func(c keyhatch.Caller) error {
		_, _, err := r.Broker.People.RotateToken(t.Context(), c, r.token.ID, 0)
		return err
	}
	making := func(c keyhatch.Caller) error {
		_, _, err := r.Broker.People.CreateToken(t.Context(), c, people.NewToken{})
		return err
	}
	first := show(0)
	r.rotate(time.Hour)
	second := show(1)
	var e *keyhatch.Error
	for what, do := range map[string]func(keyhatch.Caller) error{"makes a token": making, "rotates": rotate} {
		if err := do(first); !errors.As(err, &e) || e.Kind != keyhatch.Forbidden || e.Code != keyhatch.CodeNotPermitted {
			t.Errorf("a replaced secret %s: %v", what, err)
		}
	}
	if err := rotate(second); err != nil {
		t.Errorf("the newest one rotates: %v", err)
	}
	for i, c := range []keyhatch.Caller{first, second} {
		for what, do := range map[string]func(keyhatch.Caller) error{"create a token": making, "rotate": rotate} {
			if err := do(c); !errors.Is(err, keyhatch.Unauthenticated) {
				t.Errorf("with secret %d, replaced by now, %s: %v", i, what, err)
			}
		}
	}
}

// TestRotationRules is what is refused, and how.
func TestRotationRules(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	lab := c.Workspace(t, "lab")
	ann, idle := c.User(t, "ann"), c.User(t, "idle")
	c.Member(t, lab, ann, keyhatch.MemberRole)
	no := false
	if _, err := c.Broker.People.UpdateUser(ctx, c.Admin, "idle", people.UserChange{Active: &no}); err != nil {
		t.Fatal(err)
	}
	soon := time.Now().Add(time.Hour)
	token := func(of keyhatch.Caller, n people.NewToken) keyhatch.Caller { return c.Token(t, of, n) }
	all, ending := token(ann, people.NewToken{}), token(ann, people.NewToken{ExpiresAt: soon})
	expired := token(ann, people.NewToken{ExpiresAt: soon})
	c.SQL(t, "update tokens set expires_at = 1 where id = $1", expired.Token.ID)
	scoped, narrow := token(ann, people.NewToken{Scopes: scopes("tokens,leases")}), token(ann, people.NewToken{Scopes: scopes("leases:read")})
	short := token(ann, people.NewToken{Scopes: scopes("tokens,leases"), ExpiresAt: soon})
	confined, inside := token(ann, people.NewToken{Workspace: "lab"}), token(ann, people.NewToken{Workspace: "lab", Scopes: scopes("tokens")})
	narrow2, inside2 := token(narrow, people.NewToken{}), token(inside, people.NewToken{}) // whose secrets stay
	replaced := token(ann, people.NewToken{})
	halfAdmin := token(c.Admin, people.NewToken{Scopes: scopes("tokens,leases")})
	for _, r := range []struct {
		what  string
		by    keyhatch.Caller
		of    keyhatch.Caller
		grace time.Duration
		kind  keyhatch.Kind // "": it is right
		code  keyhatch.Code
		field string
	}{
		{"itself", all, all, 0, "", "", ""},
		{"another of one's own", ann, narrow, time.Hour, "", "", ""},
		{"an admin, another's", c.Admin, replaced, time.Hour, "", "", ""},
		{"a replaced secret, another of one's own", replaced, narrow, 0, keyhatch.Forbidden, keyhatch.CodeNotPermitted, ""},
		{"an admin with a scoped token, another's", halfAdmin, scoped, 0, keyhatch.Forbidden, keyhatch.CodeScopeTooBroad, ""},
		{"somebody else's", ann, c.Admin, 0, keyhatch.NotFound, keyhatch.CodeTokenNotFound, ""},
		{"of who is not active", c.Admin, idle, 0, keyhatch.Conflict, keyhatch.CodeNotPermitted, ""},
		{"one that has expired", ann, expired, 0, keyhatch.Conflict, keyhatch.CodeNotPermitted, ""},
		{"a scoped one, itself", scoped, scoped, 0, "", "", ""},
		{"a scoped one, within it", scoped, narrow, 0, "", "", ""},
		{"a scoped one, a broader one", scoped, all, 0, keyhatch.Forbidden, keyhatch.CodeScopeTooBroad, ""},
		{"a narrow one, a broader one", narrow2, scoped, 0, keyhatch.Forbidden, keyhatch.CodeScopeTooBroad, ""},
		{"one that ends soon, itself", short, short, 0, "", "", ""},
		{"a scoped one that ends soon, one that goes on", short, narrow, 0, keyhatch.Forbidden, keyhatch.CodeScopeTooBroad, ""},
		{"a confined one, itself", confined, confined, 0, "", "", ""},
		{"a confined one, inside", confined, inside, 0, "", "", ""},
		{"a confined one, one that is not", confined, narrow, 0, keyhatch.NotFound, keyhatch.CodeTokenNotFound, ""},
		{"a confined and scoped one, the confined one", inside2, confined, 0, keyhatch.Forbidden, keyhatch.CodeScopeTooBroad, ""},
		{"a grace below zero", ann, narrow, -1, keyhatch.Invalid, keyhatch.CodeInvalidDuration, "grace_seconds"},
		{"the longest grace", ann, narrow, keyhatch.MaxGrace, "", "", ""},
		{"a longer one", ann, narrow, keyhatch.MaxGrace + 1, keyhatch.Invalid, keyhatch.CodeInvalidDuration, "grace_seconds"},
		{"a grace longer than the token", ann, ending, 2 * time.Hour, keyhatch.Invalid, keyhatch.CodeLifeExceedsLimit, "grace_seconds"},
		{"a shorter one", ann, ending, 50 * time.Minute, "", "", ""},
	} {
		by := r.by
		if r.by.Token.ID == r.of.Token.ID { // its secret is gone afterwards, and it is used again
			by = token(r.by, people.NewToken{})
			r.of = by
		}
		made, secret, err := c.Broker.People.RotateToken(ctx, by, r.of.Token.ID, r.grace)
		var e *keyhatch.Error
		switch {
		case r.kind == "" && (err != nil || secret == "" || made.ID != r.of.Token.ID):
			t.Errorf("%s: %+v, %v", r.what, made, err)
		case r.kind != "" && (!errors.As(err, &e) || e.Kind != r.kind || e.Code != r.code || e.Field != r.field):
			t.Errorf("%s: got %#v, want %s, %s in %q", r.what, err, r.kind, r.code, r.field)
		case r.kind != "" && (secret != "" || made.ID != ""):
			t.Errorf("%s: the refusal came with a token", r.what)
		}
	}
}

// TestS4_RotationNeverWidens: of any two lists of scopes, when a token with one
// rotates a token with the other, everything that the secret opens is within
// the reach of who got it.
func TestS4_RotationNeverWidens(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	c := coretest.New(t)
	c.Workspace(t, "lab")
	draw := func() keyhatch.Caller {
		return c.Token(t, c.Admin, people.NewToken{Scopes: drawScopes(r), Workspace: "lab"})
	}
	rotated := 0
	for i := 0; i < 60 || rotated < 40; i++ {
		by := draw()
		outer := reach(by.Token.Scopes)
		for range 6 {
			of := draw().Token
			_, _, err := c.Broker.People.RotateToken(t.Context(), by, of.ID, 0)
			if err != nil {
				if !errors.Is(err, keyhatch.Forbidden) {
					t.Fatalf("%q rotates %q: %v", by.Token.Scopes, of.Scopes, err)
				}
				continue
			}
			rotated++
			for _, what := range reach(of.Scopes) {
				if !slices.Contains(outer, what) {
					t.Errorf("%q rotated %q, which opens %s", by.Token.Scopes, of.Scopes, what)
				}
			}
		}
	}
}
