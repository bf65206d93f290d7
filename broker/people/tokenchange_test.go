package people_test

import (
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// TestUpdateToken: what changes, changes; the rest stays; and the event tells.
func TestUpdateToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := coretest.New(t)
		ann := c.User(t, "ann")
		before := c.Token(t, ann, people.NewToken{Name: "job", Scopes: scopes("leases,tokens"), Annotations: map[string]string{"a": "1"}}).Token
		time.Sleep(time.Hour)
		name, limit, end := "nightly", 10, time.Now().UTC().Add(time.Hour).Truncate(time.Microsecond)
		got, err := c.Broker.People.UpdateToken(t.Context(), ann, before.ID, people.TokenChange{Name: &name, RequestsPerMinute: &limit, ExpiresAt: &end})
		if err != nil {
			t.Fatal(err)
		}
		want := before
		want.Name, want.RequestsPerMinute, want.ExpiresAt, want.UpdatedAt = name, limit, end, got.UpdatedAt
		stored, err := c.Broker.People.Token(t.Context(), ann, before.ID)
		if err != nil {
			t.Fatal(err)
		}
		for what, k := range map[string]keyhatch.Token{"answered": got, "stored": stored} {
			if diff := cmp.Diff(want, k, cmpopts.IgnoreFields(keyhatch.Token{}, "LastUsedAt", "LastUsedFrom")); diff != "" || !k.UpdatedAt.After(before.CreatedAt) {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		if events := eventsOf(t, c, people.TokenUpdated); len(events) != 1 || events[0].Target != before.ID ||
			events[0].User != ann.User.ID || events[0].Detail["changed"] != "expires_at name requests_per_minute" {
			t.Errorf("the events are %+v", events)
		}

		long := time.Time{}.Add(time.Nanosecond) // which is a time, and no word for never
		ended := c.Token(t, ann, people.NewToken{})
		if got, err := c.Broker.People.UpdateToken(t.Context(), ann, ended.Token.ID, people.TokenChange{ExpiresAt: &long}); err != nil || got.Live(time.Now()) {
			t.Errorf("ended long ago, it expires at %v (%v)", got.ExpiresAt, err)
		}

		past := time.Now().Add(-time.Hour)
		if _, err := c.Broker.People.UpdateToken(t.Context(), ann, before.ID, people.TokenChange{ExpiresAt: &past}); err != nil {
			t.Fatal(err)
		}
		_, err = c.Broker.People.UpdateToken(t.Context(), ann, before.ID, people.TokenChange{ExpiresAt: &end})
		wantFailure(t, "one that has ended is brought back", err, keyhatch.Conflict, keyhatch.CodeNotPermitted)
	})
}

// TestS4_TokensWithin: by creating, changing or rotating, nobody gets a token that may
// more, or for longer, or from elsewhere, or more often than the token in use.
func TestS4_TokensWithin(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	lab := c.Workspace(t, "lab")
	ann, bob := c.User(t, "ann"), c.User(t, "bob")
	c.Member(t, lab, ann, keyhatch.MemberRole)
	soon, later := time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
	none, wide, narrow := networks(), networks("10.0.0.0/8"), networks("10.1.0.0/16")
	all := []keyhatch.Scope{"all"}
	confined := c.Token(t, ann, people.NewToken{Scopes: scopes("tokens,leases"), ExpiresAt: soon})
	networked, secret, err := c.Broker.People.CreateToken(t.Context(), ann, people.NewToken{Networks: wide, ExpiresAt: soon})
	if err != nil {
		t.Fatal(err)
	}
	inNetwork, err := c.Broker.People.Authenticate(keyhatch.WithOrigin(t.Context(), keyhatch.Origin{Address: wide[0].Addr()}), secret)
	if err != nil {
		t.Fatal(err)
	}
	limited := c.Token(t, ann, people.NewToken{RequestsPerMinute: 100, ExpiresAt: soon})
	admin := c.Token(t, c.Admin, people.NewToken{Scopes: scopes("tokens")})
	yes := keyhatch.Code("")
	num := func(n int) *int { return &n }
	for _, r := range []struct {
		what   string
		by     keyhatch.Caller
		change people.TokenChange // of a token of ann's that is within all of them
		code   keyhatch.Code
	}{
		{"all, to anything", ann, people.TokenChange{Scopes: &all, Networks: &none, RequestsPerMinute: num(0), ExpiresAt: &time.Time{}}, yes},
		{"scoped, its own scopes", confined, people.TokenChange{Scopes: &confined.Token.Scopes}, yes},
		{"scoped, all", confined, people.TokenChange{Scopes: &all}, keyhatch.CodeScopeTooBroad},
		{"scoped, none", confined, people.TokenChange{Scopes: &[]keyhatch.Scope{}}, yes},
		{"scoped, for longer", confined, people.TokenChange{ExpiresAt: &later}, keyhatch.CodeInvalidExpiry},
		{"scoped, for ever", confined, people.TokenChange{ExpiresAt: &time.Time{}}, keyhatch.CodeInvalidExpiry},
		{"networked, within", inNetwork, people.TokenChange{Networks: &narrow}, yes},
		{"networked, the same", inNetwork, people.TokenChange{Networks: &wide}, yes},
		{"networked, everywhere", inNetwork, people.TokenChange{Networks: &none}, keyhatch.CodeScopeTooBroad},
		{"networked, elsewhere", inNetwork, people.TokenChange{Networks: ptr(networks("192.0.2.0/24"))}, keyhatch.CodeScopeTooBroad},
		{"networked, one within and one not", inNetwork, people.TokenChange{Networks: ptr(networks("10.1.0.0/16", "0.0.0.0/0"))}, keyhatch.CodeScopeTooBroad},
		{"networked, for longer", inNetwork, people.TokenChange{ExpiresAt: &later}, keyhatch.CodeInvalidExpiry},
		{"limited, as much", limited, people.TokenChange{RequestsPerMinute: num(100)}, yes},
		{"limited, more", limited, people.TokenChange{RequestsPerMinute: num(101)}, keyhatch.CodeScopeTooBroad},
		{"limited, as the installation", limited, people.TokenChange{RequestsPerMinute: num(0)}, keyhatch.CodeScopeTooBroad},
		{"limited, for longer", limited, people.TokenChange{ExpiresAt: &later}, keyhatch.CodeInvalidExpiry},
		{"an admin's scoped token, of another", admin, people.TokenChange{Name: ptr("x")}, keyhatch.CodeScopeTooBroad},
		{"another user", bob, people.TokenChange{Name: ptr("x")}, keyhatch.CodeTokenNotFound},
		{"an unknown scope", ann, people.TokenChange{Scopes: &[]keyhatch.Scope{"nonsense"}}, keyhatch.CodeInvalidScope},
		{"s3 scopes without a workspace", ann, people.TokenChange{Scopes: &[]keyhatch.Scope{"s3:read s3://lab-data/"}}, keyhatch.CodeWorkspaceRequired},
		{"a limit below zero", ann, people.TokenChange{RequestsPerMinute: num(-1)}, keyhatch.CodeInvalidRequest},
		{"too high a limit for a user", ann, people.TokenChange{RequestsPerMinute: num(people.DefaultRequestsPerMinute + 1)}, keyhatch.CodeLimitReached},
		{"an annotation with a bad key", ann, people.TokenChange{Annotations: &map[string]string{"a b": "x"}}, keyhatch.CodeInvalidRequest},
	} {
		inner := people.NewToken{Scopes: scopes("leases"), Networks: narrow, RequestsPerMinute: 10, ExpiresAt: soon.Add(-time.Minute)}
		k, _, err := c.Broker.People.CreateToken(t.Context(), ann, inner)
		if err != nil {
			t.Fatal(err)
		}
		wantCode := func(how string, err error) {
			t.Helper()
			if got := codeOf(err); got != r.code {
				t.Errorf("%s, %s: got %q (%v), want %q", r.what, how, got, err, r.code)
			}
		}
		_, err = c.Broker.People.UpdateToken(t.Context(), r.by, k.ID, r.change)
		wantCode("changed", err)
		if after, err := c.Broker.People.Token(t.Context(), c.Admin, k.ID); r.code != "" && (err != nil || !cmp.Equal(after, k, cmpopts.EquateComparable(netip.Prefix{}))) {
			t.Errorf("%s: refused, and it is another token now (%v)", r.what, err)
		}
		if r.code != keyhatch.CodeTokenNotFound && r.by.Token.ID != admin.Token.ID && r.change.ExpiresAt == nil { // the same by making one
			_, _, err = c.Broker.People.CreateToken(t.Context(), r.by, made(inner, r.change))
			wantCode("made", err)
		}
	}
	// A token changes itself within what it is.
	if _, err := c.Broker.People.UpdateToken(t.Context(), confined, confined.Token.ID, people.TokenChange{Scopes: ptr(scopes("tokens"))}); err != nil {
		t.Errorf("it narrows itself: %v", err)
	}
	_, err = c.Broker.People.UpdateToken(t.Context(), confined, confined.Token.ID, people.TokenChange{Scopes: ptr(scopes("tokens,leases"))})
	wantFailure(t, "it widens itself again", err, keyhatch.Forbidden, keyhatch.CodeScopeTooBroad)
	_, _, err = c.Broker.People.RotateToken(t.Context(), limited, networked.ID, 0)
	wantFailure(t, "a limited one takes over one that is not", err, keyhatch.Forbidden, keyhatch.CodeScopeTooBroad)
}

// made is a token made as one would be by the change.
func made(n people.NewToken, c people.TokenChange) people.NewToken {
	if c.Scopes != nil {
		n.Scopes = *c.Scopes
	}
	if c.Networks != nil {
		n.Networks = *c.Networks
	}
	if c.Annotations != nil {
		n.Annotations = *c.Annotations
	}
	if c.RequestsPerMinute != nil && *c.RequestsPerMinute != 0 {
		n.RequestsPerMinute = *c.RequestsPerMinute
	} else if c.RequestsPerMinute != nil {
		n.RequestsPerMinute = people.DefaultRequestsPerMinute // 0 asks for the maker's when one is made
	}
	return n
}

// TestLongestToken: users' tokens live no longer than the installation lets them,
// those of its admins do.
func TestLongestToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := coretest.New(t)
		c.Tokens = people.Limits{LongestToken: time.Hour}
		c.Restart(t)
		ann := c.User(t, "ann") // whose token the admin has made, for ever
		now := time.Now()
		at := func(end time.Time) people.NewToken { return people.NewToken{ExpiresAt: end} }
		k, _, err := c.Broker.People.CreateToken(t.Context(), ann, people.NewToken{})
		if err != nil || !k.ExpiresAt.Equal(now.Add(time.Hour).Truncate(time.Microsecond)) {
			t.Errorf("nothing asked: until %v, %v", k.ExpiresAt, err)
		}
		_, _, err = c.Broker.People.CreateToken(t.Context(), ann, at(now.Add(time.Hour)))
		if err != nil {
			t.Errorf("the longest: %v", err)
		}
		_, _, err = c.Broker.People.CreateToken(t.Context(), ann, at(now.Add(time.Hour+time.Second)))
		wantFailure(t, "a longer one", err, keyhatch.Invalid, keyhatch.CodeLifeExceedsLimit)
		for what, end := range map[string]time.Time{"for ever": {}, "longer": now.Add(2 * time.Hour)} {
			_, err = c.Broker.People.UpdateToken(t.Context(), ann, k.ID, people.TokenChange{ExpiresAt: &end})
			wantFailure(t, "changed, "+what, err, keyhatch.Invalid, keyhatch.CodeLifeExceedsLimit)
			if _, err = c.Broker.People.UpdateToken(t.Context(), c.Admin, k.ID, people.TokenChange{ExpiresAt: &end}); err != nil {
				t.Errorf("changed by an admin, %s: %v", what, err)
			}
			if _, err = c.Broker.People.UpdateToken(t.Context(), ann, k.ID, people.TokenChange{Name: &what}); err != nil {
				t.Errorf("another name, when it is %s: %v", what, err)
			}
		}
	})
}

func ptr[T any](v T) *T { return &v }

func codeOf(err error) keyhatch.Code {
	var e *keyhatch.Error
	if errors.As(err, &e) {
		return e.Code
	}
	if err != nil {
		return "not one of ours"
	}
	return ""
}
