package policy_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
)

var (
	first  = policy.Open{Bucket: "demo", Prefix: "data/a/b/", Access: keyhatch.Write}
	second = policy.Open{Bucket: "demo", Prefix: "other/", Access: keyhatch.Write}
)

func confinedTo(o policy.Open, location keyhatch.Prefix) policy.Open {
	o.Confined = []policy.Confined{{Prefix: location, Networks: someNetworks[0]}}
	return o
}

func reading(o policy.Open) policy.Open { o.Access = keyhatch.Read; return o }

// TestS4_WhatEndedStaysEnded changes one thing of a scene in which everything
// stands, and looks at a quarter past. A time of ten past is one after the lease
// was issued: whatever began, or was narrowed, then does not carry it.
func TestS4_WhatEndedStaysEnded(t *testing.T) {
	tenPast, quarterPast := noon.Add(10*time.Minute), noon.Add(15*time.Minute)
	membership, teamspace := [2]string{"group_1", "user_1"}, [2]string{"ts_1", "user_1"}
	inTeamspace := func(w *world, since time.Time) {
		w.members[teamspace] = keyhatch.CircleMember{Circle: "ts_1", User: "user_1", Since: since}
		change(w.grants, "grant_2", func(g *keyhatch.Grant) { g.Subject = keyhatch.Subject{Kind: keyhatch.SubjectTeamspace, ID: "ts_1"} })
	}
	for _, tc := range []struct {
		name string
		set  func(*world, *keyhatch.Lease)
		want policy.Set
		err  error
	}{
		{"nothing changed", func(*world, *keyhatch.Lease) {}, policy.Set{first, second}, nil},

		{"user disabled", func(w *world, _ *keyhatch.Lease) {
			change(w.users, "user_1", func(u *keyhatch.User) { u.Active = false })
		}, nil, policy.ErrLeaseRevoked},
		{"user disabled, then active again", func(w *world, _ *keyhatch.Lease) {
			change(w.users, "user_1", func(u *keyhatch.User) { u.ActiveSince = tenPast })
		}, nil, policy.ErrLeaseRevoked},
		{"user active again just before", func(w *world, _ *keyhatch.Lease) {
			change(w.users, "user_1", func(u *keyhatch.User) { u.ActiveSince = noon })
		}, policy.Set{first, second}, nil},
		{"user active again just after", func(w *world, _ *keyhatch.Lease) {
			change(w.users, "user_1", func(u *keyhatch.User) { u.ActiveSince = noon.Add(time.Microsecond) })
		}, nil, policy.ErrLeaseRevoked},
		{"user deleted", func(w *world, _ *keyhatch.Lease) { delete(w.users, "user_1") }, nil, policy.ErrLeaseRevoked},
		{"user is nobody", func(_ *world, l *keyhatch.Lease) { l.User = "" }, nil, policy.ErrLeaseRevoked},

		{"token revoked", func(w *world, _ *keyhatch.Lease) { delete(w.tokens, "tok_1") }, nil, policy.ErrLeaseRevoked},
		{"token narrowed", func(w *world, _ *keyhatch.Lease) {
			change(w.tokens, "tok_1", func(t *keyhatch.Token) { t.Since = tenPast })
		}, nil, policy.ErrLeaseRevoked},
		{"token expired", func(w *world, _ *keyhatch.Lease) {
			change(w.tokens, "tok_1", func(t *keyhatch.Token) { t.ExpiresAt = quarterPast })
		}, nil, policy.ErrLeaseRevoked},
		{"token about to expire", func(w *world, _ *keyhatch.Lease) {
			change(w.tokens, "tok_1", func(t *keyhatch.Token) { t.ExpiresAt = quarterPast.Add(time.Microsecond) })
		}, policy.Set{first, second}, nil},

		{"lease revoked", func(w *world, _ *keyhatch.Lease) { w.revoked["lease_1"] = true }, nil, policy.ErrLeaseRevoked},
		{"another lease revoked", func(w *world, _ *keyhatch.Lease) { w.revoked["lease_2"] = true }, policy.Set{first, second}, nil},
		{"a lease before it revoked", func(w *world, l *keyhatch.Lease) {
			l.Ancestors, w.revoked["lease_0"] = []string{"lease_00", "lease_0"}, true
		}, nil, policy.ErrLeaseRevoked},
		{"the first lease before it revoked", func(w *world, l *keyhatch.Lease) {
			l.Ancestors, w.revoked["lease_00"] = []string{"lease_00", "lease_0"}, true
		}, nil, policy.ErrLeaseRevoked},
		{"the leases before it stand", func(w *world, l *keyhatch.Lease) { l.Ancestors = []string{"lease_00", "lease_0"} }, policy.Set{first, second}, nil},
		{"lease expired", func(_ *world, l *keyhatch.Lease) { l.ExpiresAt = quarterPast }, nil, policy.ErrLeaseExpired},
		{"lease about to expire", func(_ *world, l *keyhatch.Lease) { l.ExpiresAt = quarterPast.Add(time.Microsecond) }, policy.Set{first, second}, nil},
		{"lease without expiry", func(_ *world, l *keyhatch.Lease) { l.ExpiresAt = time.Time{} }, nil, policy.ErrLeaseExpired},
		{"lease expired and revoked", func(w *world, l *keyhatch.Lease) { w.revoked["lease_1"], l.ExpiresAt = true, noon }, nil, policy.ErrLeaseExpired},
		{"lease without parts", func(_ *world, l *keyhatch.Lease) { l.Parts = nil }, nil, nil},
		{"lease of no access", func(_ *world, l *keyhatch.Lease) { l.Access = "" }, nil, nil},
		{"lease of an access that does not exist", func(_ *world, l *keyhatch.Lease) { l.Access = "admin" }, nil, nil},
		{"lease for reading", func(_ *world, l *keyhatch.Lease) { l.Access = keyhatch.Read }, policy.Set{reading(first), reading(second)}, nil},

		{"grant taken", func(w *world, _ *keyhatch.Lease) { delete(w.grants, "grant_1") }, policy.Set{second}, nil},
		{"grant narrowed, then widened", func(w *world, _ *keyhatch.Lease) {
			change(w.grants, "grant_1", func(g *keyhatch.Grant) { g.Since = tenPast })
		}, policy.Set{second}, nil},
		{"grant narrowed to reading", func(w *world, _ *keyhatch.Lease) {
			change(w.grants, "grant_1", func(g *keyhatch.Grant) { g.Access = keyhatch.Read })
		}, policy.Set{second}, nil},
		{"grant narrowed to reading, of a lease for reading", func(w *world, l *keyhatch.Lease) {
			l.Access = keyhatch.Read
			change(w.grants, "grant_1", func(g *keyhatch.Grant) { g.Access = keyhatch.Read })
		}, policy.Set{reading(first), reading(second)}, nil},
		{"grant expired", func(w *world, _ *keyhatch.Lease) {
			change(w.grants, "grant_1", func(g *keyhatch.Grant) { g.ExpiresAt = quarterPast })
		}, policy.Set{second}, nil},
		{"grant about to expire", func(w *world, _ *keyhatch.Lease) {
			change(w.grants, "grant_1", func(g *keyhatch.Grant) { g.ExpiresAt = quarterPast.Add(time.Microsecond) })
		}, policy.Set{first, second}, nil},
		{"grant widened upwards", func(w *world, _ *keyhatch.Lease) {
			change(w.grants, "grant_1", func(g *keyhatch.Grant) { g.Prefix = "data/" })
		}, policy.Set{first, second}, nil},
		{"grant moved beside", func(w *world, _ *keyhatch.Lease) {
			change(w.grants, "grant_1", func(g *keyhatch.Grant) { g.Prefix = "data/a/bc/" })
		}, policy.Set{second}, nil},
		{"grant moved below", func(w *world, _ *keyhatch.Lease) {
			change(w.grants, "grant_1", func(g *keyhatch.Grant) { g.Prefix = "data/a/b/c/" })
		}, policy.Set{second}, nil},
		{"grant of another location", func(w *world, _ *keyhatch.Lease) {
			change(w.grants, "grant_1", func(g *keyhatch.Grant) { g.Location = "loc_2" })
		}, policy.Set{second}, nil},
		{"grant of an access that does not exist", func(w *world, _ *keyhatch.Lease) {
			change(w.grants, "grant_1", func(g *keyhatch.Grant) { g.Access = "admin" })
		}, policy.Set{second}, nil},

		{"networks given", func(w *world, _ *keyhatch.Lease) {
			change(w.locations, "loc_1", func(l *keyhatch.Location) { l.Networks, l.NetworksSince = someNetworks[0], tenPast })
		}, policy.Set{second}, nil},
		{"networks given before", func(w *world, _ *keyhatch.Lease) {
			change(w.locations, "loc_1", func(l *keyhatch.Location) { l.Networks, l.NetworksSince = someNetworks[0], noon })
		}, policy.Set{confinedTo(first, "data/"), second}, nil},
		{"networks narrowed, then taken away", func(w *world, _ *keyhatch.Lease) {
			change(w.locations, "loc_1", func(l *keyhatch.Location) { l.NetworksSince = tenPast })
		}, policy.Set{second}, nil},

		{"left the group", func(w *world, _ *keyhatch.Lease) { delete(w.members, membership) }, policy.Set{second}, nil},
		{"left the group and joined again", func(w *world, _ *keyhatch.Lease) {
			change(w.members, membership, func(m *keyhatch.CircleMember) { m.Since = tenPast })
		}, policy.Set{second}, nil},
		{"grant to somebody else", func(w *world, _ *keyhatch.Lease) {
			change(w.grants, "grant_2", func(g *keyhatch.Grant) { g.Subject.ID = "user_2" })
		}, policy.Set{first}, nil},
		{"grant to a group of the user's id", func(w *world, _ *keyhatch.Lease) {
			change(w.grants, "grant_2", func(g *keyhatch.Grant) { g.Subject.Kind = keyhatch.SubjectGroup })
		}, policy.Set{first}, nil},
		{"grant to a teamspace of the user's id", func(w *world, _ *keyhatch.Lease) {
			change(w.grants, "grant_2", func(g *keyhatch.Grant) { g.Subject.Kind = keyhatch.SubjectTeamspace })
		}, policy.Set{first}, nil},
		{"grant to the user's teamspace", func(w *world, _ *keyhatch.Lease) { inTeamspace(w, noon) }, policy.Set{first, second}, nil},
		{"grant to the user's teamspace, as a viewer", func(w *world, _ *keyhatch.Lease) {
			inTeamspace(w, noon)
			change(w.members, teamspace, func(m *keyhatch.CircleMember) { m.Role = keyhatch.ViewerRole })
		}, policy.Set{first, second}, nil},
		{"left the teamspace", func(w *world, _ *keyhatch.Lease) {
			inTeamspace(w, noon)
			delete(w.members, teamspace)
		}, policy.Set{first}, nil},
		{"left the teamspace and joined again", func(w *world, _ *keyhatch.Lease) { inTeamspace(w, tenPast) }, policy.Set{first}, nil},
		{"grant to everyone", func(w *world, _ *keyhatch.Lease) {
			change(w.grants, "grant_2", func(g *keyhatch.Grant) { g.Subject = keyhatch.Subject{Kind: keyhatch.SubjectEveryone} })
		}, policy.Set{first, second}, nil},
		{"grant to nobody", func(w *world, _ *keyhatch.Lease) {
			change(w.grants, "grant_2", func(g *keyhatch.Grant) { g.Subject = keyhatch.Subject{} })
		}, policy.Set{first}, nil},
		{"grant to a kind that does not exist", func(w *world, _ *keyhatch.Lease) {
			change(w.grants, "grant_2", func(g *keyhatch.Grant) { g.Subject.Kind = "all" })
		}, policy.Set{first}, nil},

		{"location locked", func(w *world, _ *keyhatch.Lease) {
			change(w.locations, "loc_1", func(l *keyhatch.Location) { l.Locked = true })
		}, policy.Set{{Bucket: first.Bucket, Prefix: first.Prefix, Access: keyhatch.Read, Locked: []keyhatch.Prefix{"data/"}}, second}, nil},
		{"location locked, and lent for reading", func(w *world, l *keyhatch.Lease) {
			change(w.locations, "loc_1", func(l *keyhatch.Location) { l.Locked = true })
			l.Access = keyhatch.Read
		}, policy.Set{reading(first), reading(second)}, nil},
		{"location locked, then unlocked", func(w *world, _ *keyhatch.Lease) {
			change(w.locations, "loc_1", func(l *keyhatch.Location) { l.WritableSince = tenPast })
		}, policy.Set{reading(first), second}, nil},
		{"location unlocked just before", func(w *world, _ *keyhatch.Lease) {
			change(w.locations, "loc_1", func(l *keyhatch.Location) { l.WritableSince = noon })
		}, policy.Set{first, second}, nil},
		{"location deleted", func(w *world, _ *keyhatch.Lease) { delete(w.locations, "loc_1") }, policy.Set{second}, nil},
		{"location on another store", func(w *world, _ *keyhatch.Lease) {
			change(w.locations, "loc_1", func(l *keyhatch.Location) { l.Store = "store_2" })
		}, policy.Set{second}, nil},
		{"location in another bucket", func(w *world, _ *keyhatch.Lease) {
			change(w.locations, "loc_1", func(l *keyhatch.Location) { l.BucketName = "demo2" })
		}, policy.Set{second}, nil},
		{"location moved", func(w *world, _ *keyhatch.Lease) {
			change(w.locations, "loc_1", func(l *keyhatch.Location) { l.Prefix = "data/ab/" })
		}, policy.Set{second}, nil},
		{"part outside of its grant", func(_ *world, l *keyhatch.Lease) { l.Parts[0].Prefix = "data/" }, policy.Set{second}, nil},
		{"part in another bucket", func(_ *world, l *keyhatch.Lease) { l.Parts[0].Bucket = "demo2" }, policy.Set{second}, nil},
		{"part on another's grant", func(_ *world, l *keyhatch.Lease) { l.Parts[0].Grant = "grant_2" }, policy.Set{second}, nil},
		{"part on no grant", func(_ *world, l *keyhatch.Lease) { l.Parts[0].Grant = "" }, policy.Set{second}, nil},

		{"both grants taken", func(w *world, _ *keyhatch.Lease) { clear(w.grants) }, nil, nil},
		{"everything deleted", func(w *world, _ *keyhatch.Lease) { *w = *newWorld() }, nil, policy.ErrLeaseRevoked},
	} {
		w, l := scene()
		tc.set(w, &l)
		got, err := policy.Standing(l, w, quarterPast)
		if !errors.Is(err, tc.err) {
			t.Errorf("%s: error %v, want %v", tc.name, err, tc.err)
		}
		if diff := cmp.Diff(tc.want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
		if len(tc.want) == 0 && (got.AllowsObject(keyhatch.Read, "demo", "data/a/b/x") || got.AllowsList(keyhatch.Read, "demo", "data/a/b/")) {
			t.Errorf("%s: something is allowed", tc.name)
		}
	}
}

// TestS8_UnknownPresentOpensNothing: when one fact cannot be had, nothing is
// open, whatever the other facts are and though the value came with the error.
func TestS8_UnknownPresentOpensNothing(t *testing.T) {
	cause := errors.New("the disk is gone")
	for _, method := range []string{"User", "Token", "Location", "Grant", "CircleMember", "LeaseRevoked"} {
		for _, failure := range []error{
			keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "try again").Because(cause),
			keyhatch.Fail(keyhatch.Internal, keyhatch.CodeInternal, "a fault").Because(cause),
			cause,
		} {
			w, l := scene()
			w.broken[method] = failure
			open, err := policy.Standing(l, w, noon)
			if !errors.Is(err, cause) || errors.Is(err, policy.ErrLeaseRevoked) || errors.Is(err, policy.ErrLeaseExpired) {
				t.Errorf("%s fails with %v: the error is %v", method, failure, err)
			}
			if len(open) != 0 {
				t.Errorf("%s fails: open is %v", method, open)
			}
		}
	}
}

// TestS8_ExpiryNeedsNoFacts: a lease that ended is told so even when nothing
// else is known.
func TestS8_ExpiryNeedsNoFacts(t *testing.T) {
	w, l := scene()
	w.broken["LeaseRevoked"] = keyhatch.Unavailable
	if open, err := policy.Standing(l, w, l.ExpiresAt); !errors.Is(err, policy.ErrLeaseExpired) || open != nil {
		t.Errorf("%v, %v", open, err)
	}
}
