package lending_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/broker/record"
)

// listing is a signing whose bucket "owned" has ann's location in it.
type listing struct {
	*signing
	inside keyhatch.Location
}

func newListing(t *testing.T) *listing {
	t.Helper()
	w := &listing{signing: newSigning(t)}
	w.inside = w.Location(t, w.ws, "s3://owned/mine/")
	w.Grant(t, w.inside, w.ann, keyhatch.Write)
	w.Member(t, w.ws, w.ann, keyhatch.MemberRole)
	return w
}

// borrow asks for a lease that lists all of the bucket.
func (w *listing) borrow(c keyhatch.Caller) lending.Lent {
	w.t.Helper()
	return get[lending.Lent](w.t)(w.Broker.Lending.Lease(w.t.Context(), c, lending.LeaseRequest{Location: w.inside.ID, Access: keyhatch.Read, ListBucket: true}))
}

// lists tells whether the lease lists all of its bucket now.
func (w *listing) lists(l keyhatch.Lease) bool {
	w.t.Helper()
	open, _, err := w.Broker.Lending.Standing(w.t.Context(), l)
	if err != nil || len(open) != 1 {
		w.t.Fatalf("%+v, %v", open, err)
	}
	if open.AllowsObject(keyhatch.Read, "owned", "neighbour/x") {
		w.t.Error("S2: a neighbour's object is open")
	}
	return open.AllowsList(keyhatch.Read, "owned", "")
}

func (w *listing) let(c keyhatch.Caller, whole bool) error {
	_, err := w.Broker.Buckets.Update(w.t.Context(), c, w.ws.ID, w.bucket.ID, buckets.Change{ListWhole: &whole})
	return err
}

// TestS2_ListOfAll: a lease lists all of a bucket when it was asked for and the bucket's
// owner lets it, and as long as that lasts; within the token's scopes.
func TestS2_ListOfAll(t *testing.T) {
	t.Parallel()
	w := newListing(t)
	before := w.borrow(w.ann)
	if w.lists(before.Lease) {
		t.Error("nobody has let it")
	}
	did(t)(nil, w.let(w.bob, true))
	if w.lists(before.Lease) {
		t.Error("a lease from before has become wider")
	}
	lent := w.borrow(w.ann)
	if !w.lists(lent.Lease) {
		t.Error("it does not list the bucket, which its owner lets")
	}
	events := get[kernel.List[keyhatch.Event]](t)(w.Broker.Record.Events(t.Context(), w.Admin, record.EventFilter{Action: lending.LeaseLent}, kernel.Page{Limit: 1}))
	if got := events.Items[0].Detail["lists_whole"]; got != "owned" {
		t.Errorf("on record it lists %q", got)
	}
	kept := get[keyhatch.Lease](t)(w.Broker.Lending.LeaseByID(t.Context(), w.ann, lent.Lease.ID))
	sealed := get[keyhatch.Session](t)(w.Broker.Lending.OpenSession(lent.Credentials.AccessKeyID, lent.Credentials.SessionToken.Reveal()))
	if !kept.Parts[0].ListsBucket || !sealed.Lease.Parts[0].ListsBucket {
		t.Errorf("on record %+v, sealed %+v", kept.Parts, sealed.Lease.Parts)
	}
	plain := get[lending.Lent](t)(w.Broker.Lending.Lease(t.Context(), w.ann, lending.LeaseRequest{Location: w.inside.ID, Access: keyhatch.Read}))
	if w.lists(plain.Lease) {
		t.Error("nobody has asked for it")
	}
	narrower := get[lending.Lent](t)(w.Broker.Lending.Relend(t.Context(), sealed.Lease, lending.LeaseRequest{Location: w.inside.ID, Access: keyhatch.Read, ListBucket: true}))
	if w.lists(narrower.Lease) {
		t.Error("who holds a lease is lent the list")
	}
	scoped := w.Token(t, w.ann, people.NewToken{Workspace: w.ws.ID, Scopes: []keyhatch.Scope{"s3:read s3://owned/mine/"}})
	if w.lists(w.borrow(scoped).Lease) {
		t.Error("S4: the token's scopes do not reach so far")
	}
	did(t)(nil, w.let(w.bob, false))
	if w.lists(lent.Lease) {
		t.Error("it lists on, after its owner's no")
	}
	did(t)(nil, w.let(w.bob, true))
	if w.lists(lent.Lease) {
		t.Error("what has ended lists again")
	}
	after := w.borrow(w.ann)
	owner := "admin"
	did(t)(w.Broker.Buckets.Update(t.Context(), w.Admin, "", w.bucket.ID, buckets.Change{Owner: &owner}))
	if w.lists(after.Lease) || w.lists(w.borrow(w.ann).Lease) {
		t.Error("the next owner has not let it")
	}
}

// TestS7_ListOfAllBesideNetworks: who may list all of a bucket is shown no name of a neighbour's
// that is for certain networks, in a list that is asked for from elsewhere. It was shown all.
func TestS7_ListOfAllBesideNetworks(t *testing.T) {
	t.Parallel()
	w := newListing(t)
	did(t)(nil, w.let(w.bob, true))
	l := w.borrow(w.ann).Lease
	neighbour := w.Location(t, w.ws, "s3://owned/neighbour/")
	networks := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	did(t)(w.Broker.Places.UpdateLocation(t.Context(), w.Admin, "", neighbour.ID, places.LocationChange{Networks: &networks}))
	for _, o := range []keyhatch.Origin{inside, outside, {}} {
		open, _, err := w.Broker.Lending.Standing(keyhatch.WithOrigin(t.Context(), o), l)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			prefix    string
			elsewhere bool // is it listed there, too
		}{
			{"", false},
			{"neigh", false},
			{"neighbour/", false},
			{"neighbour/x", false},
			{"mine/", true},
			{"neighbours", true},
			{"other/", true},
		} {
			if got, want := open.AllowsList(keyhatch.Read, "owned", c.prefix), o == inside || c.elsewhere; got != want {
				t.Errorf("from %s: %q is listed: %t", o.Address, c.prefix, got)
			}
			if told := open.ListsElsewhereAlone(keyhatch.Read, "owned", c.prefix); told == (o == inside || c.elsewhere) {
				t.Errorf("from %s: of %q it is said that it is for networks: %t", o.Address, c.prefix, told)
			}
		}
		if !open.AllowsObject(keyhatch.Read, "owned", "mine/x") || open.AllowsObject(keyhatch.Read, "owned", "neighbour/x") || open.ElsewhereAlone("owned", "neighbour/x") {
			t.Errorf("from %s: the objects are open otherwise", o.Address)
		}
	}
}

// TestS7_SessionsListNoNetworks: a session of the store's, which nobody can narrow any more, lists
// all of a bucket only where nothing in it is for certain networks.
func TestS7_SessionsListNoNetworks(t *testing.T) {
	t.Parallel()
	s := proven(t)
	list := true
	did(t)(s.broker.Buckets.Update(t.Context(), s.Admin, s.ws.ID, s.location.Bucket, buckets.Change{ListWhole: &list}))
	lists := func() bool {
		t.Helper()
		lent := get[lending.Lent](t)(s.borrow(lending.LeaseRequest{ListBucket: true}))
		asked := s.service.asked[len(s.service.asked)-1].Open[0].ListsBucket
		if asked != lent.Lease.Parts[0].ListsBucket {
			t.Errorf("the store was asked for another list than is on record: %t", asked)
		}
		return asked
	}
	if !lists() {
		t.Error("its owner lets it")
	}
	did(t)(s.broker.Places.CreateLocation(t.Context(), s.Admin, places.NewLocation{
		Workspace: "lab", Name: "beta", URL: "s3://lab-up/beta/", Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	}))
	if lists() {
		t.Error("it shows names that are for certain networks, from everywhere")
	}
}

// TestWhoLetsListsBeOfAll: who decides over the bucket, and nobody less.
func TestWhoLetsListsBeOfAll(t *testing.T) {
	t.Parallel()
	w := newListing(t)
	dan, cas := w.User(t, "dan"), w.User(t, "cas")
	w.Member(t, w.ws, dan, keyhatch.MemberRole)
	w.Member(t, w.ws, cas, keyhatch.AdminRole)
	did(t)(w.Broker.Places.UpdateLocation(t.Context(), w.Admin, "", w.inside.ID, places.LocationChange{Owner: &dan.User.ID}))
	if err := w.let(dan, true); err == nil {
		t.Error("the owner of a location has let its neighbours be seen")
	}
	if err := w.let(w.ann, true); err == nil {
		t.Error("who has a grant has let its neighbours be seen")
	}
	narrow := w.Token(t, w.bob, people.NewToken{Workspace: w.ws.ID, Scopes: []keyhatch.Scope{"buckets", "s3:write s3://owned/mine/"}})
	wantFail(t, "with a token for less", w.let(narrow, true), keyhatch.Forbidden, keyhatch.CodeScopeTooBroad, "")
	did(t)(nil, w.let(cas, true))
	events := get[kernel.List[keyhatch.Event]](t)(w.Broker.Record.Events(t.Context(), w.Admin, record.EventFilter{Action: places.BucketUpdated}, kernel.Page{Limit: 1}))
	if e := events.Items[0]; e.User != cas.User.ID || e.Detail["list_whole"] != "yes" {
		t.Errorf("on record is %+v", e)
	}
}

// TestUpTo: a lease for which a most is said lasts as long as its limits let it, and no
// longer than that.
func TestUpTo(t *testing.T) {
	t.Parallel()
	w := newLab(t)
	life := func(c keyhatch.Caller) time.Duration {
		t.Helper()
		l := get[lending.Lent](t)(w.Broker.Lending.Lease(t.Context(), c, lending.LeaseRequest{Location: w.location.ID, Access: keyhatch.Read, UpTo: 8 * time.Hour})).Lease
		return l.ExpiresAt.Sub(l.IssuedAt)
	}
	if got := life(w.ann); got != 8*time.Hour {
		t.Errorf("where more is allowed: %v", got)
	}
	short := w.Token(t, w.ann, people.NewToken{ExpiresAt: time.Now().Add(2 * time.Hour)})
	if got := life(short); got > 2*time.Hour || got < 110*time.Minute {
		t.Errorf("of a token that ends in two hours: %v", got)
	}
	most := 3 * time.Hour
	did(t)(w.Broker.Places.UpdateLocation(t.Context(), w.Admin, "", w.location.ID, places.LocationChange{MaxLease: &most}))
	if got := life(w.ann); got != most {
		t.Errorf("where the location allows 3 hours: %v", got)
	}
	soon := w.Token(t, w.ann, people.NewToken{ExpiresAt: time.Now().Add(10 * time.Minute)})
	_, err := w.Broker.Lending.Lease(t.Context(), soon, lending.LeaseRequest{Location: w.location.ID, Access: keyhatch.Read, UpTo: 8 * time.Hour})
	wantFail(t, "of a token that ends before the shortest lease", err, keyhatch.Invalid, keyhatch.CodeLifeExceedsLimit, "duration_seconds")
}
