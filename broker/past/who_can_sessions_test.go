package past_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/past"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/broker/proofs"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/own"
	"github.com/keyhatch/keyhatch/driver/sessions"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// mint is a store's token service, which gives what it is asked for. It serves the last
// session again where it is told to, and proves that it confines them.
type mint struct {
	serves *driver.Vended
	last   driver.Vended
}

func (*mint) Lives(keyhatch.Store, driver.Acting) driver.Lives {
	return driver.Lives{Least: 15 * time.Minute, Longest: keyhatch.LongestSession, Sure: time.Hour, By: "the store"}
}

func (m *mint) Vend(_ context.Context, r driver.VendRequest) (driver.Vended, error) {
	if m.serves != nil {
		return *m.serves, nil
	}
	m.last = driver.Vended{ID: r.ID, Credentials: keyhatch.Credentials{
		AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "secret", SessionToken: "token", Endpoint: r.Store.Endpoint, Region: "r", ExpiresAt: time.Now().Add(r.Life),
	}}
	return m.last, nil
}

func (*mint) Prove(context.Context, driver.Trial) ([]keyhatch.Check, *driver.Later) {
	return []keyhatch.Check{{Name: "get_outside", Outcome: keyhatch.Passed}, {Name: driver.WorksStill, Outcome: keyhatch.Passed}}, nil
}

// mints puts the location on a store that mints sessions itself, in the bucket "far".
func (w *lab) mints() *mint {
	w.t.Helper()
	m := &mint{}
	w.Confiner = m
	w.Broker = w.With(map[keyhatch.Lending]driver.Lender{
		keyhatch.LendsOwn: own.New(w.Keys, coretest.Endpoint, "local"),
		keyhatch.LendsSTS: sessions.New(sessions.Config{Vender: m, Acting: func(ctx context.Context, s keyhatch.Store) (driver.Acting, error) {
			return w.Broker.Credentials.ActingOn(ctx, s)
		}}),
	})
	keys := keyhatch.AWSKeys("AKIAEXAMPLE", "secret")
	keys.Endpoint = "https://s3.example"
	_, err := w.Broker.Credentials.Create(w.ctx, w.Admin, credentials.NewCredential{Name: "up", Authority: keys})
	w.must(err)
	_, err = w.Broker.Places.CreateStore(w.ctx, w.Admin, places.NewStore{Name: "up", Kind: keyhatch.S3Store, Endpoint: "https://s3.example", Credential: "up", Lends: keyhatch.LendsSTS})
	w.must(err)
	_, err = w.Broker.Buckets.Register(w.ctx, w.Admin, buckets.Existing{Workspace: "lab", Store: "up", Name: "far"})
	w.must(err)
	_, err = w.Broker.Proofs.Verify(w.ctx, w.Admin, "up", proofs.Ask{})
	w.must(err)
	w.location = w.newLocation("mined", "s3://far/mined/")
	return m
}

// outlive are the sessions of an answer in short: whose, what they open, and for how many
// minutes more.
func outlive(a past.WhoCan) string {
	var out []string
	for _, s := range a.Sessions {
		name := s.User.Name
		if name == "" {
			name = "somebody"
		}
		out = append(out, name+" "+string(s.Lease.Access)+" "+strings.Join(s.Lease.URLs(), " ")+" "+s.Lease.ExpiresAt.Sub(a.At).String())
	}
	return strings.Join(out, ", ")
}

// TestSessionsOutliveRights: sessions that a store minted itself work to their end, also when
// their user has lost the right, or the workspace its account. Who could by them was not told.
func TestSessionsOutliveRights(t *testing.T) {
	inLab(t, func(w *lab) {
		service := w.mints()
		lend := func(c keyhatch.Caller, access keyhatch.Access, prefixes ...string) lending.Lent {
			t.Helper()
			lent, err := w.Broker.Lending.Lease(w.ctx, c, lending.LeaseRequest{Workspace: "lab", Location: w.location.ID, Access: access, Prefixes: prefixes, Life: time.Hour})
			w.must(err)
			return lent
		}
		want := func(what, location string, access keyhatch.Access, sessions string) {
			t.Helper()
			a, err := w.ask(w.Admin, location, access, time.Time{})
			if err != nil || outlive(a) != sessions || len(a.Doubts) > 0 {
				t.Errorf("%s: %q in doubt of %v (%v), want %q", what, outlive(a), a.Doubts, err, sessions)
			}
		}
		ofAnn := w.give(user, "ann", write, "", time.Time{})
		ofGuest := w.give(user, "guest", read, "in a/", time.Time{})
		lend(w.ann, write, "in a/", "out/")
		service.serves = &service.last
		lend(w.ann, write, "in a/", "out/") // the same session
		service.serves = nil
		lend(w.guest, read, "in a/")
		url, err := w.Broker.Lending.Presign(w.ctx, w.ann, lending.PresignRequest{Workspace: "lab", Bucket: "far", Key: "mined/in a/x", Life: 2 * time.Hour})
		w.must(err)
		want("who could by a grant", "mined", read, "")

		w.must(w.Broker.Places.TakeGrant(w.ctx, w.Admin, ofAnn.ID))
		time.Sleep(10 * time.Minute)
		const ann = "ann write s3://far/mined/in a/ s3://far/mined/out/ 50m0s"
		want("the grant was taken", "mined", read, ann)
		want("the grant was taken", "mined", write, ann)
		want("below what it opens", "s3://far/mined/out/deep/", write, "ann write s3://far/mined/out/ 50m0s")
		want("above", "s3://far/", write, ann)
		want("beside", "s3://far/mined/outer/", write, "")
		if a, err := w.ask(w.Admin, "mined", read, time.Time{}); err != nil || len(a.URLs) != 1 || a.URLs[0].Lease.ID != url.Lease.ID || who(a) != "guest in mined/in a/" {
			t.Errorf("URLs of a grant that was taken: %+v by %s, %v", a.URLs, who(a), err)
		}
		w.give(user, "ann", read, "in a/", time.Time{}) // a minute later
		want("a part was given again", "s3://far/mined/in a/", read, "")
		const annIn = "ann write s3://far/mined/in a/ 49m0s, "
		want("a part was given again", "s3://far/mined/in a/", write, strings.TrimSuffix(annIn, ", "))
		want("a part was given again", "mined", read, "ann write s3://far/mined/out/ 49m0s")

		w.must(w.Broker.Lending.RevokeLease(w.ctx, w.Admin, lend(w.guest, read, "in a/").Lease.ID))
		w.must(w.Broker.Places.TakeGrant(w.ctx, w.Admin, ofGuest.ID))
		const guest = "guest read s3://far/mined/in a/ "
		want("a revoked one", "s3://far/mined/in a/", read, guest+"49m0s, "+guest+"1h0m0s")
		_, err = w.Broker.Accounts.Suspend(w.ctx, w.Admin, "lab", "up")
		w.must(err)
		want("the account was suspended", "s3://far/mined/in a/", read, annIn+guest+"49m0s, "+guest+"1h0m0s")
		w.must(w.Broker.People.DeleteUser(w.ctx, w.Admin, w.guest.User.ID))
		want("its user is gone", "s3://far/mined/in a/", read, annIn+"somebody read s3://far/mined/in a/ 49m0s, somebody read s3://far/mined/in a/ 1h0m0s")
		time.Sleep(49 * time.Minute)
		want("most have ended", "s3://far/mined/in a/", read, "somebody read s3://far/mined/in a/ 11m0s")
		time.Sleep(11 * time.Minute)
		want("all have ended", "s3://far/mined/in a/", read, "")
	})
}

// TestSessionsTellNothingElse: a location's owner learns of what sessions open there, and not
// of the other places that they open.
func TestSessionsTellNothingElse(t *testing.T) {
	inLab(t, func(w *lab) {
		w.mints()
		mined := w.give(user, "ann", read, "", time.Time{})
		mine := w.location
		w.location = w.newLocation("hidden", "s3://far/hidden/")
		w.give(user, "ann", read, "", time.Time{})
		_, err := w.Broker.Lending.Lease(w.ctx, w.ann, lending.LeaseRequest{
			Workspace: "lab", Location: mine.ID, Access: read, Prefixes: []string{"s3://far/mined/in/", "s3://far/hidden/"}, Life: time.Hour,
		})
		w.must(err)
		w.must(w.Broker.Places.TakeGrant(w.ctx, w.Admin, mined.ID))
		a, err := w.ask(w.keeper, mine.ID, read, time.Time{})
		if err != nil || len(a.Sessions) != 1 || strings.Join(a.Sessions[0].Lease.URLs(), " ") != "s3://far/mined/in/" {
			t.Errorf("the owner is told %+v, %v", a.Sessions, err)
		}
	})
}
