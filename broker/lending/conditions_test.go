package lending_test

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/broker/terms"
)

// person is the user as somebody who has logged in.
func (w *lab) person(c keyhatch.Caller) keyhatch.Caller {
	w.t.Helper()
	const password = "of paper and glue, and some string"
	if err := w.Broker.Passwords.SetPassword(w.t.Context(), c, c.User.ID, "", password); err != nil {
		w.t.Fatal(err)
	}
	return get[keyhatch.Caller](w.t)(w.Broker.Passwords.Authenticate(w.t.Context(), c.User.Name, password))
}

func (w *lab) setTerms(title, text string) terms.Asked {
	w.t.Helper()
	return get[terms.Asked](w.t)(w.Broker.Terms.Set(w.t.Context(), w.Admin, "", w.location.ID, title, text))
}

func (w *lab) accept(c keyhatch.Caller, version string) error {
	_, err := w.Broker.Terms.Accept(w.t.Context(), c, "", w.location.ID, version)
	return err
}

// TestTermsComeFirst: nothing is lent to who has not accepted the terms that the location has
// now, neither a lease nor a narrower one nor a URL, and not to who decides over it either;
// what was lent before stays open.
func TestTermsComeFirst(t *testing.T) {
	w := newLab(t)
	ann := w.person(w.ann)
	before := get[lending.Lent](t)(w.lease(w.ann, w.location.ID, keyhatch.Write))
	asked := w.setTerms("Terms", "Be kind.\r\n")
	if asked.Text != "Be kind." || asked.Version == "" || !asked.AcceptedAt.IsZero() {
		t.Errorf("asked is %+v", asked)
	}
	w.Grant(t, w.location, w.Admin, keyhatch.Read)
	refused := func(what string, c keyhatch.Caller) {
		t.Helper()
		n := w.leases()
		_, err := w.lease(c, w.location.ID, keyhatch.Read)
		wantFail(t, what, err, forbidden, keyhatch.CodeTermsNotAccepted, "")
		var failed *keyhatch.Error
		if errors.As(err, &failed); failed.Terms != w.location.ID {
			t.Errorf("%s: it does not say of which location: %+v", what, failed)
		}
		_, err = w.Broker.Lending.Presign(t.Context(), c, lending.PresignRequest{Workspace: w.ws.ID, Bucket: "lab-data", Key: "alpha/x"})
		wantFail(t, what+", a URL", err, forbidden, keyhatch.CodeTermsNotAccepted, "")
		if w.leases() != n {
			t.Errorf("%s: something was lent", what)
		}
	}
	refused("nobody has accepted", w.ann)
	refused("an admin", w.Admin)
	_, err := w.Broker.Lending.Relend(t.Context(), before.Lease, lending.LeaseRequest{Location: w.location.URL().String(), Access: keyhatch.Read})
	wantFail(t, "with a lease from before", err, forbidden, keyhatch.CodeTermsNotAccepted, "")
	if got := w.standing(before.Lease); got != "write" {
		t.Errorf("what was lent before is %s", got)
	}

	wantFail(t, "with a token", w.accept(w.ann, asked.Version), forbidden, keyhatch.CodeNotPermitted, "")
	_, err = w.Broker.Terms.AcceptAtLogin(t.Context(), w.ann, "", w.location.ID, asked.Version)
	wantFail(t, "with a token of here, as if it came of a login", err, forbidden, keyhatch.CodeNotPermitted, "")
	wantFail(t, "another version", w.accept(ann, "0"), invalid, keyhatch.CodeInvalidRequest, "version")
	wantFail(t, "a stranger", w.accept(w.person(w.User(t, "zoe")), asked.Version), notFound, keyhatch.CodeLocationNotFound, "")
	refused("it was not accepted", w.ann)
	for range 2 { // the second time changes nothing
		if err := w.accept(ann, asked.Version); err != nil {
			t.Fatal(err)
		}
	}
	did(t)(w.lease(w.ann, w.location.ID, keyhatch.Read))
	did(t)(w.Broker.Lending.Relend(t.Context(), before.Lease, lending.LeaseRequest{Location: w.location.URL().String(), Access: keyhatch.Read}))
	refused("somebody else has accepted", w.Admin)

	other := w.setTerms("Terms", "Be kinder.")
	refused("the terms were changed", w.ann)
	wantFail(t, "those from before", w.accept(ann, asked.Version), invalid, keyhatch.CodeInvalidRequest, "version")
	if back := w.setTerms("Terms", "Be kind."); back.Version != asked.Version || other.Version == asked.Version {
		t.Errorf("the versions are %s, %s, %s", asked.Version, other.Version, back.Version)
	}
	did(t)(w.lease(w.ann, w.location.ID, keyhatch.Read))
	if none := w.setTerms("", ""); none.Version != "" {
		t.Errorf("without terms it is %+v", none)
	}
	did(t)(w.lease(w.Admin, w.location.ID, keyhatch.Read))
}

var (
	inside  = keyhatch.Origin{Address: netip.MustParseAddr("10.1.2.3")}
	outside = keyhatch.Origin{Address: netip.MustParseAddr("198.51.100.7")}
)

func (w *lab) confine(networks ...string) {
	w.t.Helper()
	var parsed []netip.Prefix
	for _, n := range networks {
		parsed = append(parsed, get[netip.Prefix](w.t)(keyhatch.ParseNetwork(n)))
	}
	did(w.t)(w.Broker.Places.UpdateLocation(w.t.Context(), w.Admin, "", w.location.ID, places.LocationChange{Networks: &parsed}))
}

// TestS7_NetworksOfALocation: who asks from elsewhere is lent nothing, what was lent opens
// nothing there, and narrower networks end what was lent before, for good.
func TestS7_NetworksOfALocation(t *testing.T) {
	w := newLab(t)
	from := func(o keyhatch.Origin) keyhatch.Caller { c := w.ann; c.Origin = o; return c }
	opens := func(what string, l keyhatch.Lease, o keyhatch.Origin, want bool) {
		t.Helper()
		open, _, err := w.Broker.Lending.Standing(keyhatch.WithOrigin(t.Context(), o), l)
		if err != nil {
			t.Fatal(err)
		}
		if got := open.AllowsObject(keyhatch.Read, "lab-data", "alpha/x"); got != want {
			t.Errorf("%s, from %s: opens is %t", what, o.Address, got)
		}
		if got := open.AllowsList(keyhatch.Read, "lab-data", "alpha/"); got != want {
			t.Errorf("%s, from %s: lists is %t", what, o.Address, got)
		}
	}
	unconfined := get[lending.Lent](t)(w.lease(from(outside), w.location.ID, keyhatch.Write)).Lease
	opens("without networks", unconfined, outside, true)

	w.confine("10.0.0.0/8", "2001:db8::/32")
	opens("lent before they were given", unconfined, inside, false)
	opens("lent before they were given", unconfined, outside, false)
	for _, o := range []keyhatch.Origin{outside, {}} {
		_, err := w.lease(from(o), w.location.ID, keyhatch.Read)
		wantFail(t, "from elsewhere", err, forbidden, keyhatch.CodeOutsideNetworks, "")
	}
	confined := get[lending.Lent](t)(w.lease(from(inside), w.location.ID, keyhatch.Write)).Lease
	opens("lent inside", confined, inside, true)
	opens("lent inside", confined, outside, false)
	opens("lent inside", confined, keyhatch.Origin{}, false)
	opens("lent inside", confined, keyhatch.Origin{Address: netip.MustParseAddr("::ffff:10.1.2.3")}, true)
	opens("lent inside", confined, keyhatch.Origin{Address: netip.MustParseAddr("2001:db8::1")}, true)
	_, err := w.Broker.Lending.Relend(keyhatch.WithOrigin(t.Context(), outside), confined, lending.LeaseRequest{Location: w.location.URL().String(), Access: keyhatch.Read})
	if err == nil {
		t.Error("with the lease, another is lent elsewhere")
	}

	w.confine("10.0.0.0/8", "192.0.2.0/24", "2001:db8::/32")
	opens("when they were widened", confined, inside, true)
	w.confine("10.1.0.0/16")
	opens("when they were narrowed", confined, inside, false)
	w.confine()
	opens("when they were taken away after that", confined, inside, false)
	again := get[lending.Lent](t)(w.lease(from(outside), w.location.ID, keyhatch.Write)).Lease
	opens("lent then", again, outside, true)
}

// TestS7_URLsOfALocationForNetworks: a URL that rests on no grant is held to them too, by a
// location that was made when it was signed already.
func TestS7_URLsOfALocationForNetworks(t *testing.T) {
	w := newLab(t)
	sign := func(key string, o keyhatch.Origin) (keyhatch.Lease, error) {
		c := w.Admin
		c.Origin = o
		p, err := w.Broker.Lending.Presign(t.Context(), c, lending.PresignRequest{Workspace: w.ws.ID, Bucket: "lab-data", Key: key})
		return p.Lease, err
	}
	reads := func(l keyhatch.Lease, key string, o keyhatch.Origin) bool {
		open, _, err := w.Broker.Lending.Standing(keyhatch.WithOrigin(t.Context(), o), l)
		if err != nil {
			t.Fatal(err)
		}
		return open.AllowsObject(keyhatch.Read, "lab-data", key)
	}
	early := get[keyhatch.Lease](t)(sign("beta/x", outside))
	did(t)(w.Broker.Places.CreateLocation(t.Context(), w.Admin, places.NewLocation{
		Workspace: w.ws.ID, URL: "s3://lab-data/beta/", Name: "beta", Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	}))
	if reads(early, "beta/x", outside) || !reads(early, "beta/x", inside) {
		t.Error("a URL from before the location was made is not held to its networks, or not open there")
	}
	_, err := sign("beta/x", outside)
	wantFail(t, "from elsewhere", err, forbidden, keyhatch.CodeOutsideNetworks, "")
	late := get[keyhatch.Lease](t)(sign("beta/x", inside))
	if reads(late, "beta/x", outside) || !reads(late, "beta/x", inside) {
		t.Error("a URL is not held to the networks of its location, or not open there")
	}
}

// TestS7_NetworksThatMemoryDoesNotKnowYet: another process has given the location networks,
// and what decides has not heard of it. It lent a lease and a URL for everywhere, since the
// networks were given before the lease was issued; with such a session of a store, for good.
func TestS7_NetworksThatMemoryDoesNotKnowYet(t *testing.T) {
	w := newLab(t)
	elsewhere := w.Beside(t)
	confine := func(networks ...netip.Prefix) {
		t.Helper()
		did(t)(elsewhere.Broker.Places.UpdateLocation(t.Context(), w.Admin, "", w.location.ID, places.LocationChange{Networks: &networks}))
	}
	ann, admin := w.ann, w.Admin
	ann.Origin, admin.Origin = inside, inside
	sign := lending.PresignRequest{Workspace: w.ws.ID, Bucket: "lab-data", Key: "alpha/x"}
	refused := func(what string) {
		t.Helper()
		n := w.leases()
		_, err := w.lease(ann, w.location.ID, keyhatch.Read)
		wantFail(t, what+", a lease", err, forbidden, keyhatch.CodeStandingChanged, "")
		for _, c := range []keyhatch.Caller{ann, admin} { // with a grant, and with none
			_, err = w.Broker.Lending.Presign(t.Context(), c, sign)
			wantFail(t, what+", a URL of "+c.User.Name, err, forbidden, keyhatch.CodeStandingChanged, "")
		}
		if w.leases() != n {
			t.Errorf("%s: something was lent", what)
		}
	}
	wide, narrow := netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.1.0.0/16")
	confine(wide)
	refused("given")
	if err := w.Mirror.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	lent := get[lending.Lent](t)(w.lease(ann, w.location.ID, keyhatch.Read))
	did(t)(w.Broker.Lending.Relend(keyhatch.WithOrigin(t.Context(), inside), lent.Lease, lending.LeaseRequest{Location: w.location.URL().String(), Access: keyhatch.Read}))
	did(t)(w.Broker.Lending.Presign(t.Context(), admin, sign))
	confine(narrow)
	refused("narrowed")
}
