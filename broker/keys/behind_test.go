package keys_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/keys"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/seal"
)

const password = "nine green lanterns in fog"

// behind is a process that still has the first keys, when another one has replaced and
// dropped all of them.
type behind struct {
	*ground
	other  *ground
	caller keyhatch.Caller // an admin, whose token is hashed with the new pepper
	token  keyhatch.Token  // to be rotated
	made   string          // a credential that it made before
	first  map[string]uint32
}

func newBehind(t *testing.T) *behind {
	t.Helper()
	g := newGround(t, atOnce)
	ws := g.Workspace(t, "lab")
	g.Grant(t, g.Location(t, ws, "s3://lab-data/a/"), g.Admin, keyhatch.Read)
	b := &behind{ground: g.beside(), other: g, first: map[string]uint32{}}
	b.made = b.credential("before", secretOf(0, 0))
	g.must(g.Mirror.CatchUp(t.Context()))
	for _, name := range keys.Rotatable {
		b.first[name] = g.keys(name)[0].ID
	}
	g.rotate()
	g.step()
	_, secret, err := g.Broker.People.CreateToken(t.Context(), g.Admin, people.NewToken{})
	g.must(err)
	b.caller, err = g.Broker.People.Authenticate(t.Context(), secret)
	g.must(err)
	b.token, _, err = g.Broker.People.CreateToken(t.Context(), b.caller, people.NewToken{})
	g.must(err)
	g.must(g.Broker.People.RevokeToken(t.Context(), b.caller, g.Admin.Token.ID))
	g.Admin = b.caller
	g.step()
	for _, name := range keys.Rotatable {
		if all := g.keys(name); len(all) != 1 || all[0].ID == b.first[name] {
			t.Fatalf("%s: the first key is not gone: %+v", name, all)
		}
		if has := b.Keys.Keys(name); has[0] != (seal.Key{ID: b.first[name], Primary: true}) {
			t.Fatalf("%s: it is not behind: %+v", name, has)
		}
	}
	return b
}

// writes are what seals or hashes something new, and returns how it is opened.
func (b *behind) writes(ctx context.Context) map[string]func() (opens func(*ground) error, err error) {
	authenticates := func(secret keyhatch.Secret) func(*ground) error {
		return func(g *ground) error {
			_, err := g.Broker.People.Authenticate(ctx, secret)
			return err
		}
	}
	hasSecret := func(id, want string) func(*ground) error {
		return func(g *ground) error {
			if got, err := g.secret(id); got != want || err != nil {
				return errors.Join(errors.New("the secret is "+got), err)
			}
			return nil
		}
	}
	return map[string]func() (func(*ground) error, error){
		"create a credential": func() (func(*ground) error, error) {
			c, err := b.Broker.Credentials.Create(ctx, b.caller, credentials.NewCredential{Name: "after", Authority: *authority(secretOf(1, 0))})
			return hasSecret(c.ID, secretOf(1, 0)), err
		},
		"change a credential": func() (func(*ground) error, error) {
			_, err := b.Broker.Credentials.Update(ctx, b.caller, credentials.In{}, b.made, credentials.Change{Authority: authority(secretOf(2, 0))})
			return hasSecret(b.made, secretOf(2, 0)), err
		},
		"create a token": func() (func(*ground) error, error) {
			_, secret, err := b.Broker.People.CreateToken(ctx, b.caller, people.NewToken{})
			return authenticates(secret), err
		},
		"rotate a token": func() (func(*ground) error, error) {
			_, secret, err := b.Broker.People.RotateToken(ctx, b.caller, b.token.ID, 0)
			return authenticates(secret), err
		},
		"set a password": func() (func(*ground) error, error) {
			err := b.Broker.Passwords.SetPassword(ctx, b.caller, b.caller.User.ID, "", password)
			return func(g *ground) error {
				_, err := g.Broker.Passwords.Login(ctx, b.caller.User.Name, password)
				return err
			}, err
		},
		"reset a password": func() (func(*ground) error, error) {
			secret, _, err := b.Broker.Passwords.NewReset(ctx, b.caller, b.caller.User.ID)
			return func(g *ground) error { return g.Broker.Passwords.ResetPassword(ctx, secret, password) }, err
		},
		"lend": func() (func(*ground) error, error) {
			lent, err := b.Broker.Lending.Lease(ctx, b.caller, lending.LeaseRequest{Workspace: "lab", Location: "a", Access: keyhatch.Read, Life: time.Hour})
			return func(g *ground) error {
				_, err := g.Keys.OpenSession(lent.Credentials.SessionToken.Reveal())
				return err
			}, err
		},
	}
}

// TestDroppedKeysSealNothing: what cannot read the new keys says so, instead of storing
// what opens for nobody, or handing it out.
func TestDroppedKeysSealNothing(t *testing.T) {
	t.Parallel()
	b := newBehind(t)
	b.Keys.Follow(func(context.Context) ([]keyhatch.Keyset, error) {
		return nil, errors.New("the service of keys is away")
	})
	b.must(b.Mirror.CatchUp(t.Context())) // memory knows of all but the keys
	writes := b.writes(t.Context())
	for _, name := range slices.Sorted(maps.Keys(writes)) {
		before := b.Dump(t)
		if _, err := writes[name](); !errors.Is(err, keyhatch.Unavailable) {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(before, b.Dump(t)); diff != "" {
			t.Errorf("%s: something is stored (-before +after):\n%s", name, diff)
		}
	}
	if got, err := b.other.secret(b.made); got != secretOf(0, 0) || err != nil {
		t.Errorf("what it made before: %q, %v", got, err)
	}
	// What seals nothing goes on.
	name := "renamed"
	if _, err := b.Broker.Places.UpdateStore(t.Context(), b.caller, b.Store.ID, places.StoreChange{Name: &name}); err != nil {
		t.Errorf("rename a store: %v", err)
	}
}

// TestWhoWasAwayTakesTheNewKeys: a process that was stopped for longer than old keys stay
// reads them when it wants to seal something.
func TestWhoWasAwayTakesTheNewKeys(t *testing.T) {
	t.Parallel()
	for name := range (&behind{}).writes(t.Context()) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBehind(t)
			opens, err := b.writes(t.Context())[name]()
			b.must(err)
			b.must(b.other.Mirror.CatchUp(t.Context()))
			for who, g := range map[string]*ground{"another": b.other, "itself": b.ground} {
				if name == "reset a password" && who == "itself" {
					continue // it can be used once
				}
				if err := opens(g); err != nil {
					t.Errorf("%s: %v", who, err)
				}
			}
		})
	}
}

// TestLeasesTakeThePrimaryKey: the old key of session tokens goes with the last lease that
// was made before it was old. One that is made later must not rest on it.
func TestLeasesTakeThePrimaryKey(t *testing.T) {
	t.Parallel()
	g := newGround(t, atOnce)
	g.Grant(t, g.Location(t, g.Workspace(t, "lab"), "s3://lab-data/a/"), g.Admin, keyhatch.Read)
	request := lending.LeaseRequest{Workspace: "lab", Location: "a", Access: keyhatch.Read, Life: time.Hour}
	_, err := g.Broker.Lending.Lease(t.Context(), g.Admin, request)
	g.must(err)
	other, away := g.beside(), g.beside()
	g.rotate(seal.SessionsKeyset)
	g.step()
	if all := g.keys(seal.SessionsKeyset); !cmp.Equal([]string{"old", "primary"}, states(all)) {
		t.Fatalf("%+v", all)
	}
	away.Keys.Follow(func(context.Context) ([]keyhatch.Keyset, error) {
		return nil, errors.New("the service of keys is away")
	})
	if _, err := away.Broker.Lending.Lease(t.Context(), away.Admin, request); !errors.Is(err, keyhatch.Unavailable) {
		t.Errorf("without the new key: %v", err)
	}
	lent, err := other.Broker.Lending.Lease(t.Context(), other.Admin, request)
	g.must(err)
	if id, ok := seal.SessionKey(lent.Credentials.SessionToken); id != g.keys(seal.SessionsKeyset)[1].ID || !ok {
		t.Errorf("it is sealed with key %s, %v", keys.KeyText(id), ok)
	}
}

// TestRowsOfADroppedKeyCanBeRenamed: a secret that opens no more, since its row was put
// back from a backup, stays what it is while something else of the row changes.
func TestRowsOfADroppedKeyCanBeRenamed(t *testing.T) {
	t.Parallel()
	g := newGround(t, atOnce)
	id := g.credential("lost", "secret")
	g.SQL(t, "create table backup as select * from credentials")
	g.rotate(seal.ColumnsKeyset)
	g.step()
	g.SQL(t, "update credentials set secret = (select secret from backup)")
	name := "lost-in-april"
	if _, err := g.Broker.Credentials.Update(t.Context(), g.Admin, credentials.In{}, id, credentials.Change{Name: &name}); err != nil {
		t.Error(err)
	}
	g.must(g.set(id, "another"))
	if got, err := g.secret(id); got != "another" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}
