package lending_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/broker/proofs"
	"github.com/keyhatch/keyhatch/policy"
)

// TestS4_StoresHoldSessionsToNetworks: a store's session is for the networks of its location
// and of the token that it was borrowed with; those of the token were left out, and who might
// use it there alone carried away keys for everywhere.
func TestS4_StoresHoldSessionsToNetworks(t *testing.T) {
	t.Parallel()
	parse := func(texts ...string) (all []netip.Prefix) {
		for _, text := range texts {
			all = append(all, netip.MustParsePrefix(text))
		}
		return all
	}
	s := newSite(t)
	s.confiner.networks = keyhatch.Passed
	did(t)(s.broker.Proofs.Verify(t.Context(), s.Admin, "upstream", proofs.Ask{}))
	s.ann.Origin = inside
	lend := func() error {
		_, err := s.borrow(lending.LeaseRequest{})
		return err
	}
	sign := func() error {
		_, err := s.broker.Lending.Presign(t.Context(), s.ann, lending.PresignRequest{Workspace: s.ws.ID, Bucket: s.location.BucketName, Key: "alpha/x"})
		return err
	}
	of := func(token, location []netip.Prefix) {
		t.Helper()
		did(t)(s.broker.People.UpdateToken(t.Context(), s.Admin, s.ann.Token.ID, people.TokenChange{Networks: &token}))
		did(t)(s.broker.Places.UpdateLocation(t.Context(), s.Admin, "", s.location.ID, places.LocationChange{Networks: &location}))
		s.ann.Token.Networks = token
	}
	for _, tc := range []struct{ token, location, want []netip.Prefix }{
		{nil, nil, nil},
		{nil, parse("10.0.0.0/8"), parse("10.0.0.0/8")},
		{parse("10.0.0.0/8"), nil, parse("10.0.0.0/8")},
		{parse("10.0.0.0/8"), parse("10.1.0.0/16", "192.0.2.0/24"), parse("10.1.0.0/16")},
		{parse("10.1.0.0/16", "10.1.2.0/24", "2001:db8::/32"), parse("10.0.0.0/8", "2001:db8::/64"), parse("10.1.0.0/16", "2001:db8::/64")},
	} {
		of(tc.token, tc.location)
		for what, ask := range map[string]func() error{"a lease": lend, "a URL": sign} {
			if err := ask(); err != nil {
				t.Fatalf("%s, %v in %v: %v", what, tc.token, tc.location, err)
			}
			asked := s.service.asked[len(s.service.asked)-1]
			var got []netip.Prefix
			for _, c := range asked.Open[0].Confined {
				got = append(got, c.Networks...)
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" || len(asked.Open[0].Confined) > 1 {
				t.Errorf("%s, %v in %v (-want +got):\n%s", what, tc.token, tc.location, diff)
			}
			if len(tc.want) > 0 && (policy.Set(asked.Open).From(netip.MustParseAddr("203.0.113.9")).AllowsObject(keyhatch.Read, s.location.BucketName, "alpha/x") ||
				!policy.Set(asked.Open).From(inside.Address).AllowsObject(keyhatch.Read, s.location.BucketName, "alpha/x")) {
				t.Errorf("%s, %v in %v: it is open elsewhere, or not here", what, tc.token, tc.location)
			}
		}
	}

	// The token is narrowed while the store is asked.
	of(parse("10.0.0.0/8"), nil)
	s.service.between = func() {
		narrow := parse("10.1.0.0/16")
		did(t)(s.broker.People.UpdateToken(t.Context(), s.Admin, s.ann.Token.ID, people.TokenChange{Networks: &narrow}))
	}
	wantCode(t, "narrowed meanwhile", lend(), keyhatch.CodeStandingChanged)
	s.service.between = nil
	// It was narrowed before, and who authenticated it had not heard of that.
	of(parse("10.1.0.0/16"), nil)
	s.ann.Token.Networks = parse("10.0.0.0/8")
	wantCode(t, "narrowed before", lend(), keyhatch.CodeStandingChanged)

	// A store that does not hold sessions to networks lends none for some.
	s.confiner.networks = keyhatch.Failed
	did(t)(s.broker.Proofs.Verify(t.Context(), s.Admin, "upstream", proofs.Ask{}))
	of(parse("10.0.0.0/8"), nil)
	wantCode(t, "not held to networks", lend(), keyhatch.CodeStoreNotProven)
	of(nil, nil)
	if err := lend(); err != nil {
		t.Errorf("for everywhere: %v", err)
	}
}
