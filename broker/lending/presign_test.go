package lending_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/broker/record"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/own"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// signing is a lab with a bucket of which bob, a member, is the owner; ann, who belongs
// nowhere, may write s3://lab-data/alpha/.
type signing struct {
	*lab
	bucket keyhatch.Bucket
	bob    keyhatch.Caller
}

func newSigning(t *testing.T) *signing {
	t.Helper()
	w := &signing{lab: newLab(t)}
	w.bob = w.User(t, "bob")
	w.Member(t, w.ws, w.bob, keyhatch.MemberRole)
	w.bucket = get[keyhatch.Bucket](t)(w.Broker.Buckets.Register(t.Context(), w.Admin, buckets.Existing{Workspace: w.ws.ID, Store: w.Store.ID, Name: "owned", Owner: w.bob.User.ID}))
	return w
}

func (w *signing) sign(c keyhatch.Caller, r lending.PresignRequest) (lending.Presigned, error) {
	if r.Workspace == "" {
		r.Workspace = w.ws.ID
	}
	return w.Broker.Lending.Presign(w.t.Context(), c, r)
}

// opened is the session of a URL's session token, as our S3 endpoint has it.
func (w *signing) opened(p lending.Presigned) keyhatch.Session {
	w.t.Helper()
	u, err := url.Parse(p.URL.Reveal())
	if err != nil {
		w.t.Fatal(err)
	}
	id, _, _ := strings.Cut(u.Query().Get("X-Amz-Credential"), "/")
	return get[keyhatch.Session](w.t)(w.Broker.Lending.OpenSession(id, u.Query().Get("X-Amz-Security-Token")))
}

// TestS4_URLsAreForWhoMayRead: a URL is made for whom a grant lets read, and for who decides
// over the bucket; it opens the one object, and everybody else is refused without a trace.
func TestS4_URLsAreForWhoMayRead(t *testing.T) {
	t.Parallel()
	w := newSigning(t)
	for what, tc := range map[string]struct {
		who   keyhatch.Caller
		ask   lending.PresignRequest
		grant bool
	}{
		"by a grant":         {w.ann, lending.PresignRequest{Bucket: "lab-data", Key: "alpha/a*b ü?.csv"}, true},
		"as the owner":       {w.bob, lending.PresignRequest{Bucket: "owned", Key: "k"}, false},
		"as an admin, by id": {w.Admin, lending.PresignRequest{Bucket: w.bucket.ID, Key: "in/k", Life: 24 * time.Hour}, false},
	} {
		made, err := w.sign(tc.who, tc.ask)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		s := w.opened(made)
		l := s.Lease
		if !l.Presigned || l.User != tc.who.User.ID || l.Access != keyhatch.Read || len(l.Policies) != 1 || (len(l.Grants()) == 1) != tc.grant || made.Lease.ID != l.ID {
			t.Errorf("%s: it is signed with %+v", what, l)
		}
		if got := w.standing(l); got != "read" {
			t.Errorf("%s: it opens %s", what, got)
		}
		kept, err := w.Broker.Lending.LeaseByID(t.Context(), tc.who, l.ID)
		if err != nil || !kept.Presigned {
			t.Errorf("%s: on record is %+v, %v", what, kept, err)
		}
		if tc.ask.Life == 0 && l.ExpiresAt.Sub(l.IssuedAt) != lending.DefaultPresigned {
			t.Errorf("%s: it works for %v", what, l.ExpiresAt.Sub(l.IssuedAt))
		}
	}
	events := get[kernel.List[keyhatch.Event]](t)(w.Broker.Record.Events(t.Context(), w.Admin, record.EventFilter{Action: lending.LeaseLent}, kernel.Page{}))
	if e := events.Items[0]; e.Detail["presigned"] != "yes" || !strings.Contains(e.Detail["policy"], "s3:GetObject") {
		t.Errorf("on record is %+v", e)
	}

	// An admin has no more of a location than it lets, and no less by a grant.
	brief := w.Location(t, w.ws, "s3://owned/brief/")
	quarter := 20 * time.Minute
	did(t)(w.Broker.Places.UpdateLocation(t.Context(), w.Admin, "", brief.ID, places.LocationChange{MaxLease: &quarter}))
	soon := time.Now().Add(16 * time.Minute)
	did(t)(w.Broker.Places.GiveGrant(t.Context(), w.Admin, places.NewGrant{Location: brief.ID, Subject: keyhatch.SubjectUser, Name: "bob", Access: keyhatch.Read, ExpiresAt: soon}))
	if made, err := w.sign(w.bob, lending.PresignRequest{Bucket: "owned", Key: "brief/k"}); err != nil || made.Lease.ExpiresAt.Sub(made.Lease.IssuedAt) != quarter || len(made.Lease.Grants()) != 0 {
		t.Errorf("in a location, as the owner with a grant: %+v, %v", made.Lease, err)
	}
	closed := get[keyhatch.Bucket](t)(w.Broker.Buckets.Register(t.Context(), w.Admin, buckets.Existing{Workspace: w.ws.ID, Store: w.Store.ID, Name: "closed"}))
	none := time.Duration(0)
	did(t)(w.Broker.Buckets.Update(t.Context(), w.Admin, "", closed.ID, buckets.Change{MaxPresigned: &none}))
	stranger := w.User(t, "eve")
	elsewhere := w.Workspace(t, "elsewhere")
	other := w.User(t, "otto")
	w.Member(t, elsewhere, other, keyhatch.OwnerRole)
	narrow := w.Token(t, w.bob, people.NewToken{Workspace: w.ws.ID, Scopes: []keyhatch.Scope{"leases", "s3:read s3://owned/in/"}})
	abroad := w.Token(t, w.Admin, people.NewToken{Workspace: elsewhere.ID})
	before := w.Dump(t)
	for _, tc := range []struct {
		what  string
		who   keyhatch.Caller
		ask   lending.PresignRequest
		kind  keyhatch.Kind
		code  keyhatch.Code
		field string
	}{
		{"a stranger", stranger, lending.PresignRequest{Bucket: "owned", Key: "k"}, notFound, keyhatch.CodeBucketNotFound, ""},
		{"a stranger, by id", stranger, lending.PresignRequest{Bucket: w.bucket.ID, Key: "k"}, notFound, keyhatch.CodeBucketNotFound, ""},
		{"another workspace's owner", other, lending.PresignRequest{Bucket: w.bucket.ID, Key: "k"}, notFound, keyhatch.CodeBucketNotFound, ""},
		{"an admin's token of another workspace", abroad, lending.PresignRequest{Workspace: elsewhere.ID, Bucket: w.bucket.ID, Key: "k"}, notFound, keyhatch.CodeBucketNotFound, ""},
		{"no bucket", w.bob, lending.PresignRequest{Bucket: "none", Key: "k"}, notFound, keyhatch.CodeBucketNotFound, ""},
		{"a bucket that is not its own", w.bob, lending.PresignRequest{Bucket: "lab-data", Key: "k"}, notFound, keyhatch.CodeBucketNotFound, ""},
		{"beside the grant", w.ann, lending.PresignRequest{Bucket: "lab-data", Key: "beta/k"}, notFound, keyhatch.CodeBucketNotFound, ""},
		{"at the edge of the grant", w.ann, lending.PresignRequest{Bucket: "lab-data", Key: "alpha"}, notFound, keyhatch.CodeBucketNotFound, ""},
		{"outside of the scopes", narrow, lending.PresignRequest{Bucket: "owned", Key: "k"}, forbidden, keyhatch.CodeScopeNotGranted, ""},
		{"a key that climbs", w.bob, lending.PresignRequest{Bucket: "owned", Key: "in/../k"}, invalid, keyhatch.CodeInvalidPrefix, "key"},
		{"no key", w.bob, lending.PresignRequest{Bucket: "owned", Key: ""}, invalid, keyhatch.CodeInvalidPrefix, "key"},
		{"longer than a day", w.bob, lending.PresignRequest{Bucket: "owned", Key: "k", Life: 24*time.Hour + time.Second}, invalid, keyhatch.CodeLifeExceedsLimit, "expiry_seconds"},
		{"longer than the location lets", w.ann, lending.PresignRequest{Bucket: "lab-data", Key: "alpha/k", Life: 13 * time.Hour}, invalid, keyhatch.CodeLifeExceedsLimit, "expiry_seconds"},
		{"longer than the location lets, as the owner", w.bob, lending.PresignRequest{Bucket: "owned", Key: "brief/k", Life: time.Hour}, invalid, keyhatch.CodeLifeExceedsLimit, "expiry_seconds"},
		{"parts of seconds", w.bob, lending.PresignRequest{Bucket: "owned", Key: "k", Life: 1500 * time.Millisecond}, invalid, keyhatch.CodeInvalidDuration, "expiry_seconds"},
		{"a bucket that has none", w.Admin, lending.PresignRequest{Bucket: "closed", Key: "k"}, forbidden, keyhatch.CodeNotPermitted, ""},
	} {
		made, err := w.sign(tc.who, tc.ask)
		wantFail(t, tc.what, err, tc.kind, tc.code, tc.field)
		if made.URL != "" {
			t.Errorf("%s: the refusal came with a URL", tc.what)
		}
	}
	if diff := cmp.Diff(before, w.Dump(t)); diff != "" {
		t.Errorf("the refusals left a trace:\n%s", diff)
	}
}

// TestS7_URLsEnd: a URL ends with everything that it rests on, and stays ended; revoking those
// of its bucket leaves the ones that are made later.
func TestS7_URLsEnd(t *testing.T) {
	t.Parallel()
	ownerTo := func(w *signing, user string) {
		did(w.t)(w.Broker.Buckets.Update(w.t.Context(), w.Admin, "", w.bucket.ID, buckets.Change{Owner: &user}))
	}
	for name, tc := range map[string]struct {
		granted bool // of ann's URL, which rests on a grant
		end     func(*signing, keyhatch.Lease)
	}{
		"the lease is revoked": {false, func(w *signing, l keyhatch.Lease) {
			if err := w.Broker.Lending.RevokeLease(w.t.Context(), w.Admin, l.ID); err != nil {
				w.t.Fatal(err)
			}
		}},
		"the bucket's are revoked": {false, func(w *signing, _ keyhatch.Lease) {
			if _, err := w.Broker.Buckets.RevokePresigned(w.t.Context(), w.bob, "", w.bucket.ID); err != nil {
				w.t.Fatal(err)
			}
		}},
		"the bucket's are revoked, by a grant": {true, func(w *signing, _ keyhatch.Lease) {
			if _, err := w.Broker.Buckets.RevokePresigned(w.t.Context(), w.Admin, w.ws.ID, "lab-data"); err != nil {
				w.t.Fatal(err)
			}
		}},
		"the bucket has another owner": {false, func(w *signing, _ keyhatch.Lease) { ownerTo(w, w.Admin.User.ID) }},
		"its user has left and come back": {false, func(w *signing, _ keyhatch.Lease) {
			if err := w.Broker.People.RemoveWorkspaceMember(w.t.Context(), w.Admin, w.ws.ID, w.bob.User.ID); err != nil {
				w.t.Fatal(err)
			}
			w.Member(w.t, w.ws, w.bob, keyhatch.MemberRole)
			ownerTo(w, w.bob.User.ID)
		}},
		"its user is inactive": {false, func(w *signing, _ keyhatch.Lease) {
			did(w.t)(w.Broker.People.UpdateUser(w.t.Context(), w.Admin, w.bob.User.ID, people.UserChange{Active: new(bool)}))
		}},
		"the grant is taken": {true, func(w *signing, _ keyhatch.Lease) {
			if err := w.Broker.Places.TakeGrant(w.t.Context(), w.Admin, w.grant.ID); err != nil {
				w.t.Fatal(err)
			}
		}},
		"the location is deleted": {true, func(w *signing, _ keyhatch.Lease) {
			if err := w.Broker.Places.DeleteLocation(w.t.Context(), w.Admin, "", w.location.ID); err != nil {
				w.t.Fatal(err)
			}
		}},
	} {
		w := newSigning(t)
		who, ask := w.bob, lending.PresignRequest{Bucket: "owned", Key: "in/k"}
		if tc.granted {
			who, ask = w.ann, lending.PresignRequest{Bucket: "lab-data", Key: "alpha/k"}
		}
		l := w.opened(get[lending.Presigned](t)(w.sign(who, ask))).Lease
		if got := w.standing(l); got != "read" {
			t.Fatalf("%s: at first it opens %s", name, got)
		}
		tc.end(w, l)
		if got := w.standing(l); got != "revoked" && got != "closed" {
			t.Errorf("%s: it still opens %s", name, got)
		}
		if strings.HasPrefix(name, "the bucket's") {
			if later := w.opened(get[lending.Presigned](t)(w.sign(who, ask))).Lease; w.standing(later) != "read" {
				t.Errorf("%s: one that was made since opens nothing", name)
			}
		}
	}
}

// signsBetween is our own lender that does something before it lends.
type signsBetween struct {
	*own.Lender
	do func()
}

func (b signsBetween) Lend(ctx context.Context, r driver.LendRequest) (driver.Vended, error) {
	b.do()
	return b.Lender.Lend(ctx, r)
}

// TestS15_URLsInBetween: what a bucket lets be signed is looked at again when the lease is
// recorded.
func TestS15_URLsInBetween(t *testing.T) {
	t.Parallel()
	w := newSigning(t)
	brief := time.Minute
	b := w.With(map[keyhatch.Lending]driver.Lender{keyhatch.LendsOwn: signsBetween{own.New(w.Keys, coretest.Endpoint, "local"), func() {
		did(t)(w.Broker.Buckets.Update(t.Context(), w.Admin, "", w.bucket.ID, buckets.Change{MaxPresigned: &brief}))
	}}})
	leases := w.leases()
	made, err := b.Lending.Presign(t.Context(), w.bob, lending.PresignRequest{Bucket: w.bucket.ID, Key: "k"})
	wantEnded(t, "briefer", err)
	if made.URL != "" || w.leases() != leases {
		t.Error("the refusal left a lease or a URL")
	}
}

// TestAttachment: a URL that says so has browsers keep the object as a file, whatever its
// name is; and lasts up to the most that is said, or the limit before that.
func TestAttachment(t *testing.T) {
	t.Parallel()
	w := newSigning(t)
	for key, want := range map[string]string{
		"alpha/levels.csv":   `attachment; filename=levels.csv`,
		`alpha/in/a "b".csv`: `attachment; filename="a \"b\".csv"`,
		"alpha/größe 1+2":    `attachment; filename*=utf-8''gr%C3%B6%C3%9Fe%201+2`,
		"alpha/a\r\nX: b":    `attachment; filename*=utf-8''a%0D%0AX%3A%20b`,
	} {
		made := get[lending.Presigned](t)(w.sign(w.ann, lending.PresignRequest{Bucket: "lab-data", Key: key, Attachment: true, UpTo: 3 * time.Hour}))
		u := get[*url.URL](t)(url.Parse(made.URL.Reveal()))
		if got := u.Query().Get("response-content-disposition"); got != want {
			t.Errorf("%q: %s", key, got)
		}
		if got := made.Lease.ExpiresAt.Sub(made.Lease.IssuedAt); got != 3*time.Hour || u.Query().Get("X-Amz-Expires") != "10800" {
			t.Errorf("%q works for %v: %s", key, got, u.Query().Get("X-Amz-Expires"))
		}
	}
	most := 2 * time.Hour
	did(t)(w.Broker.Places.UpdateLocation(t.Context(), w.Admin, "", w.location.ID, places.LocationChange{MaxLease: &most}))
	made := get[lending.Presigned](t)(w.sign(w.ann, lending.PresignRequest{Bucket: "lab-data", Key: "alpha/x", UpTo: 3 * time.Hour}))
	if got := made.Lease.ExpiresAt.Sub(made.Lease.IssuedAt); got != most || strings.Contains(made.URL.Reveal(), "disposition") {
		t.Errorf("it works for %v", got)
	}
}
