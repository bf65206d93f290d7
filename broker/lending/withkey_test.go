package lending_test

import (
	"context"
	"errors"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/broker/record"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/policy"
)

// keyed is a lab with an access key of ann, who administers the workspace: it reads
// aaa, reads and writes bbb, and writes ccc.
type keyed struct {
	*lab
	key           keyhatch.AccessKey
	pair          string
	maker, issuer keyhatch.Secret // of ann's tokens, which made the key and issued the pair
}

func newKeyed(t *testing.T) *keyed {
	t.Helper()
	w := &keyed{lab: newLab(t)}
	w.Member(t, w.ws, w.ann, keyhatch.AdminRole)
	for _, name := range []string{"aaa", "bbb", "ccc", "ddd"} {
		did(t)(w.Broker.Buckets.Register(t.Context(), w.Admin, buckets.Existing{Workspace: w.ws.ID, Store: w.Store.ID, Name: name}))
	}
	var maker, issuer keyhatch.Caller
	maker, w.maker = w.token()
	issuer, w.issuer = w.token()
	w.ann = maker
	w.key = get[keyhatch.AccessKey](t)(w.Broker.AccessKeys.Create(t.Context(), maker, accesskeys.NewKey{
		Workspace: w.ws.ID, Store: w.Store.ID, Name: "nas", Rights: accesskeys.Rights{Read: []string{"aaa", "bbb"}, Write: []string{"bbb", "ccc"}},
	}))
	_, made, err := w.Broker.AccessKeys.Issue(t.Context(), issuer, "", w.key.ID, 0)
	w.do(err)
	w.pair = made.AccessKeyID
	return w
}

// token makes a token of ann.
func (w *keyed) token() (keyhatch.Caller, keyhatch.Secret) {
	w.t.Helper()
	_, secret, err := w.Broker.People.CreateToken(w.t.Context(), w.Admin, people.NewToken{User: w.ann.User.ID})
	w.do(err)
	return get[keyhatch.Caller](w.t)(w.Broker.People.Authenticate(w.t.Context(), secret)), secret
}

func (w *keyed) leak(secret keyhatch.Secret) {
	w.t.Helper()
	w.do(w.Broker.People.ReportLeak(w.t.Context(), secret))
}

// issue issues a pair and returns its access key id.
func (w *keyed) issue(grace time.Duration) string {
	w.t.Helper()
	_, made, err := w.Broker.AccessKeys.Issue(w.t.Context(), w.ann, "", w.key.ID, grace)
	if err != nil {
		w.t.Fatal(err)
	}
	return made.AccessKeyID
}

func (w *keyed) borrow(r lending.LeaseRequest) (lending.Lent, error) {
	return w.Broker.Lending.LendWithKey(w.t.Context(), w.pair, r)
}

func (w *keyed) borrowed(r lending.LeaseRequest) keyhatch.Lease {
	w.t.Helper()
	return get[lending.Lent](w.t)(w.borrow(r)).Lease
}

// TestS4_KeyLendsWhatItOpens: with an access key a lease on a part of what it opens is to
// be had, with no more access and for no longer than it lasts itself; everything else is
// refused without a trace.
func TestS4_KeyLendsWhatItOpens(t *testing.T) {
	t.Parallel()
	w := newKeyed(t)
	beta := w.Location(t, w.ws, "s3://bbb/beta/")
	for what, tc := range map[string]struct {
		ask  lending.LeaseRequest
		urls string
	}{
		"a bucket":             {lending.LeaseRequest{Location: "s3://aaa/", Access: read}, "s3://aaa/"},
		"less access":          {lending.LeaseRequest{Location: "s3://bbb/x/", Access: read}, "s3://bbb/x/"},
		"writing":              {lending.LeaseRequest{Location: "s3://bbb/x/y", Access: write}, "s3://bbb/x/y/"},
		"writing alone":        {lending.LeaseRequest{Location: "s3://ccc/", Access: write}, "s3://ccc/"},
		"a location by name":   {lending.LeaseRequest{Location: beta.Name, Access: write, Prefixes: []string{"in"}}, "s3://bbb/beta/in/"},
		"a location by id":     {lending.LeaseRequest{Location: beta.ID, Access: read}, "s3://bbb/beta/"},
		"of two buckets":       {lending.LeaseRequest{Location: "s3://aaa/", Access: read, Prefixes: []string{"x", "s3://bbb/y/"}}, "s3://aaa/x/ s3://bbb/y/"},
		"in its own workspace": {lending.LeaseRequest{Workspace: w.ws.Name, Location: "s3://aaa/", Access: read, Life: 12 * time.Hour}, "s3://aaa/"},
	} {
		lent, err := w.borrow(tc.ask)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		l := lent.Lease
		if got := strings.Join(l.URLs(), " "); got != tc.urls || l.Access != tc.ask.Access || l.User != w.ann.User.ID || l.Pair != w.pair ||
			l.Token != w.ann.Token.ID || l.Workspace != w.ws.ID || len(l.Grants()) != 0 {
			t.Errorf("%s: got %+v", what, l)
		}
		kept, err := w.Broker.Lending.LeaseByID(t.Context(), w.ann, l.ID)
		if err != nil || kept.Pair != w.pair {
			t.Errorf("%s: on record is %+v, %v", what, kept, err)
		}
		session, err := w.Broker.Lending.OpenSession(lent.Credentials.AccessKeyID, lent.Credentials.SessionToken.Reveal())
		if err != nil || session.Lease.Pair != w.pair {
			t.Errorf("%s: its session token says %+v, %v", what, session.Lease, err)
		}
	}
	events := get[kernel.List[keyhatch.Event]](t)(w.Broker.Record.Events(t.Context(), w.Admin, record.EventFilter{Action: lending.LeaseLent}, kernel.Page{}))
	if e := events.Items[0]; e.Detail["pair"] != w.pair || e.User != w.ann.User.ID || e.Token != w.ann.Token.ID {
		t.Errorf("on record is %+v", e)
	}

	yes := true
	locked := w.Location(t, w.ws, "s3://bbb/locked/")
	did(t)(w.Broker.Places.UpdateLocation(t.Context(), w.Admin, "", locked.ID, places.LocationChange{Locked: &yes}))
	brief := w.Location(t, w.ws, "s3://bbb/brief/")
	quarter := 20 * time.Minute
	did(t)(w.Broker.Places.UpdateLocation(t.Context(), w.Admin, "", brief.ID, places.LocationChange{MaxLease: &quarter}))
	elsewhere := w.Workspace(t, "elsewhere")
	abroad := w.Location(t, elsewhere, "s3://elsewhere-data/abroad/")
	w.refuses(w.borrow, []refusal{
		{"more access", lending.LeaseRequest{Location: "s3://aaa/", Access: write}, forbidden, keyhatch.CodeAccessNotGranted, ""},
		{"reading what it only writes", lending.LeaseRequest{Location: "s3://ccc/", Access: read}, forbidden, keyhatch.CodeAccessNotGranted, ""},
		{"a bucket that it does not name", lending.LeaseRequest{Location: "s3://ddd/", Access: read}, notFound, keyhatch.CodeLocationNotFound, "location"},
		{"no bucket", lending.LeaseRequest{Location: "s3://none/", Access: read}, notFound, keyhatch.CodeLocationNotFound, "location"},
		{"a location elsewhere in the workspace", lending.LeaseRequest{Location: w.location.ID, Access: read}, notFound, keyhatch.CodeLocationNotFound, "location"},
		{"a location of another workspace", lending.LeaseRequest{Location: abroad.ID, Access: read}, notFound, keyhatch.CodeLocationNotFound, "location"},
		{"another workspace", lending.LeaseRequest{Workspace: "elsewhere", Location: "s3://aaa/", Access: read}, forbidden, keyhatch.CodeWorkspaceNotInToken, "workspace"},
		{"a second bucket that it does not name", lending.LeaseRequest{Location: "s3://aaa/", Access: read, Prefixes: []string{"s3://ddd/"}}, notFound, keyhatch.CodeLocationNotFound, "prefixes"},
		{"a locked location", lending.LeaseRequest{Location: "s3://bbb/locked/in/", Access: write}, conflict, keyhatch.CodeLocationLocked, ""},
		{"longer than any", lending.LeaseRequest{Location: "s3://aaa/", Access: read, Life: 12*time.Hour + time.Second}, invalid, keyhatch.CodeLifeExceedsLimit, "duration_seconds"},
		{"longer than a location inside allows", lending.LeaseRequest{Location: "s3://bbb/", Access: read, Life: 21 * time.Minute}, invalid, keyhatch.CodeLifeExceedsLimit, "duration_seconds"},
		{"too short", lending.LeaseRequest{Location: "s3://aaa/", Access: read, Life: time.Minute}, invalid, keyhatch.CodeInvalidDuration, "duration_seconds"},
		{"out of the bucket", lending.LeaseRequest{Location: "s3://aaa/", Access: read, Prefixes: []string{"../bbb"}}, invalid, keyhatch.CodeInvalidPrefix, "prefixes"},
	})
}

// refusal is a lease that is asked for and not lent.
type refusal struct {
	what  string
	ask   lending.LeaseRequest
	kind  keyhatch.Kind
	code  keyhatch.Code
	field string
}

// refuses demands that none of the leases is lent, without a trace.
func (w *keyed) refuses(borrow func(lending.LeaseRequest) (lending.Lent, error), all []refusal) {
	w.t.Helper()
	before := w.Dump(w.t)
	for _, r := range all {
		lent, err := borrow(r.ask)
		wantFail(w.t, r.what, err, r.kind, r.code, r.field)
		if lent.Credentials.SecretAccessKey != "" {
			w.t.Errorf("%s: the refusal came with a secret", r.what)
		}
	}
	if diff := cmp.Diff(before, w.Dump(w.t)); diff != "" {
		w.t.Errorf("the refusals left a trace:\n%s", diff)
	}
}

// keyEndings are what closes a lease that was borrowed with a key.
var keyEndings = map[string]func(w *keyed, l keyhatch.Lease){
	"the lease is revoked": func(w *keyed, l keyhatch.Lease) { w.do(w.Broker.Lending.RevokeLease(w.t.Context(), w.ann, l.ID)) },
	"another pair is issued": func(w *keyed, _ keyhatch.Lease) {
		w.issue(0)
	},
	"the key is deleted": func(w *keyed, _ keyhatch.Lease) {
		w.do(w.Broker.AccessKeys.Delete(w.t.Context(), w.ann, "", w.key.ID))
	},
	"the token that issued its pair has leaked": func(w *keyed, _ keyhatch.Lease) { w.leak(w.issuer) },
	"the token that made it has leaked":         func(w *keyed, _ keyhatch.Lease) { w.leak(w.maker) },
	"its owner is inactive":                     func(w *keyed, _ keyhatch.Lease) { w.active(false) },
	"its owner was inactive": func(w *keyed, _ keyhatch.Lease) {
		w.active(false)
		w.active(true)
	},
	"its owner administers no more": func(w *keyed, _ keyhatch.Lease) {
		_, err := w.Broker.People.PutWorkspaceMember(w.t.Context(), w.Admin, w.ws.ID, w.ann.User.ID, keyhatch.MemberRole)
		w.do(err)
	},
	"its rights go": func(w *keyed, _ keyhatch.Lease) {
		_, err := w.Broker.AccessKeys.Update(w.t.Context(), w.ann, "", w.key.ID, accesskeys.Change{Rights: &accesskeys.Rights{Read: []string{"aaa"}}})
		w.do(err)
	},
}

func (w *keyed) do(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *keyed) active(yes bool) {
	w.t.Helper()
	_, err := w.Broker.People.UpdateUser(w.t.Context(), w.Admin, w.ann.User.ID, people.UserChange{Active: &yes})
	w.do(err)
}

// TestS7_KeyLeaseEnds: a lease that was borrowed with a key, and one that was borrowed
// with that, close with everything that closes the key, at once; also where it ends between the decision
// and the record.
func TestS7_KeyLeaseEnds(t *testing.T) {
	t.Parallel()
	for name, end := range keyEndings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newKeyed(t)
			ask := lending.LeaseRequest{Location: "s3://bbb/x/", Access: write}
			lease := w.borrowed(ask)
			child := get[lending.Lent](t)(w.Broker.Lending.Relend(t.Context(), lease, lending.LeaseRequest{Location: "s3://bbb/x/y/", Access: read})).Lease
			if a, b := w.standing(lease), w.standing(child); a != "write" || b != "read" || child.Pair != w.pair || child.Parts[0].Prefix != "x/y/" {
				t.Fatalf("at first they open %s and %s", a, b)
			}
			end(w, lease)
			for what, l := range map[string]keyhatch.Lease{"the lease": lease, "the one borrowed with it": child} {
				if got := w.standing(l); got != "revoked" && got != "closed" {
					t.Errorf("%s still opens %s", what, got)
				}
				if lent, err := w.Broker.Lending.Relend(t.Context(), l, lending.LeaseRequest{Location: "s3://bbb/x/y/", Access: read}); err == nil {
					t.Errorf("%s still lends %+v", what, lent.Lease)
				}
			}
		})
		t.Run(name+" in between", func(t *testing.T) {
			t.Parallel()
			for _, parent := range []bool{false, true} {
				if !parent && name == "the lease is revoked" {
					continue // it has none before it
				}
				w := newKeyed(t)
				ask := lending.LeaseRequest{Location: "s3://bbb/x/", Access: write}
				first := w.borrowed(ask)
				leases := w.leases()
				b := w.With(lenders(w.Core, func(own driver.Lender) driver.Lender { return between{own, func() { end(w, first) }} }))
				lend := func() (lending.Lent, error) { return b.Lending.LendWithKey(t.Context(), w.pair, ask) }
				if parent {
					lend = func() (lending.Lent, error) { return b.Lending.Relend(t.Context(), first, ask) }
				}
				lent, err := lend()
				wantEnded(t, name, err)
				if lent.Credentials.SecretAccessKey != "" || w.leases() != leases {
					t.Errorf("the refusal left a lease or a secret: %+v", lent.Lease)
				}
			}
		})
	}
}

// TestS15_LimitsOfKeyLeasesInBetween: a lock, and a shorter longest lease, that come after
// the lease was decided and before it is recorded are held: the lease used to be
// recorded for as long as was decided.
func TestS15_LimitsOfKeyLeasesInBetween(t *testing.T) {
	t.Parallel()
	yes, brief := true, 20*time.Minute
	for name, change := range map[string]places.LocationChange{"locked": {Locked: &yes}, "briefer": {MaxLease: &brief}} {
		w := newKeyed(t)
		location := w.Location(t, w.ws, "s3://bbb/x/")
		leases := w.leases()
		b := w.With(lenders(w.Core, func(own driver.Lender) driver.Lender {
			return between{own, func() { did(t)(w.Broker.Places.UpdateLocation(t.Context(), w.Admin, "", location.ID, change)) }}
		}))
		lent, err := b.Lending.LendWithKey(t.Context(), w.pair, lending.LeaseRequest{Location: "s3://bbb/x/y/", Access: write})
		wantEnded(t, name, err)
		if lent.Credentials.SecretAccessKey != "" || w.leases() != leases {
			t.Errorf("%s: the refusal left a lease or a secret: %+v", name, lent.Lease)
		}
	}
}

// TestS4_KeyLeaseRelendsNarrower: what is borrowed with a lease of a key lies in that lease,
// though the key opens more, and ends no later; of what lies beside it nothing is told.
func TestS4_KeyLeaseRelendsNarrower(t *testing.T) {
	t.Parallel()
	w := newKeyed(t)
	beside, around := w.Location(t, w.ws, "s3://bbb/beside/"), w.Location(t, w.ws, "s3://bbb/x/")
	parent := w.borrowed(lending.LeaseRequest{Location: "s3://bbb/x/y/", Access: read, Life: 20 * time.Minute})
	lent, err := w.Broker.Lending.Relend(t.Context(), parent, lending.LeaseRequest{Location: "s3://bbb/x/y/z/", Access: read})
	if err != nil || !lent.Lease.ExpiresAt.Equal(parent.ExpiresAt) || !cmp.Equal(lent.Lease.Ancestors, []string{parent.ID}) {
		t.Errorf("with no length it is lent %+v, %v", lent.Lease, err)
	}
	brief := 16 * time.Minute
	did(t)(w.Broker.Places.UpdateLocation(t.Context(), w.Admin, "", around.ID, places.LocationChange{MaxLease: &brief}))
	relend := func(ask lending.LeaseRequest) (lending.Lent, error) {
		lent, err := w.Broker.Lending.Relend(t.Context(), parent, ask)
		if err != nil && (strings.Contains(err.Error(), beside.Name) || strings.Contains(err.Error(), "location "+around.Name)) {
			t.Errorf("%+v: it tells of locations: %v", ask, err)
		}
		return lent, err
	}
	w.refuses(relend, []refusal{
		{"a prefix beside", lending.LeaseRequest{Location: "s3://bbb/x/yy/", Access: read}, forbidden, keyhatch.CodeAccessNotGranted, ""},
		{"the bucket", lending.LeaseRequest{Location: "s3://bbb/", Access: read}, forbidden, keyhatch.CodeAccessNotGranted, ""},
		{"more access", lending.LeaseRequest{Location: "s3://bbb/x/y/", Access: write}, forbidden, keyhatch.CodeAccessNotGranted, ""},
		{"another bucket of the key", lending.LeaseRequest{Location: "s3://aaa/", Access: read}, notFound, keyhatch.CodeLocationNotFound, "location"},
		{"a location beside, by id", lending.LeaseRequest{Location: beside.ID, Access: read}, notFound, keyhatch.CodeLocationNotFound, "location"},
		{"a location beside, by name", lending.LeaseRequest{Location: beside.Name, Access: read}, notFound, keyhatch.CodeLocationNotFound, "location"},
		{"no location", lending.LeaseRequest{Location: "none", Access: read}, notFound, keyhatch.CodeLocationNotFound, "location"},
		{"all of the location around", lending.LeaseRequest{Location: around.ID, Access: read}, forbidden, keyhatch.CodeAccessNotGranted, ""},
		{"longer than the location around lets", lending.LeaseRequest{Location: "s3://bbb/x/y/", Access: read, Life: 17 * time.Minute}, invalid, keyhatch.CodeLifeExceedsLimit, "duration_seconds"},
		{"longer than the lease", lending.LeaseRequest{Location: "s3://bbb/x/y/", Access: read, Life: time.Hour}, invalid, keyhatch.CodeLifeExceedsLimit, "duration_seconds"},
	})
}

// TestS2_KeyLeasesStayOnTheirStore: a bucket of the same name in another workspace, on
// another store, is not the key's.
func TestS2_KeyLeasesStayOnTheirStore(t *testing.T) {
	t.Parallel()
	w := newKeyed(t)
	elsewhere := w.Workspace(t, "elsewhere")
	for _, ws := range []keyhatch.Workspace{elsewhere, w.ws} {
		name := "bbb"
		if ws.ID == w.ws.ID {
			name = "far"
		}
		other := get[keyhatch.Store](t)(w.Broker.Places.CreateStore(t.Context(), w.Admin, places.NewStore{
			Name: "disk-of-" + name, Kind: keyhatch.DirectoryStore, Path: filepath.Join(w.Root, "disk-of-"+name),
		}))
		did(t)(w.Broker.Buckets.Register(t.Context(), w.Admin, buckets.Existing{Workspace: ws.ID, Store: other.ID, Name: name}))
		l := w.Location(t, ws, "s3://"+name+"/in/")
		_, err := w.borrow(lending.LeaseRequest{Location: l.ID, Access: read})
		wantFail(t, "by id, in "+ws.Name, err, keyhatch.NotFound, keyhatch.CodeLocationNotFound, "location")
	}
	_, err := w.borrow(lending.LeaseRequest{Location: "s3://far/in/", Access: read})
	wantFail(t, "by address", err, keyhatch.NotFound, keyhatch.CodeLocationNotFound, "location")
}

// lastingLender is a lender whose leases live to their end.
type lastingLender struct{ driver.Lender }

func (l lastingLender) Capabilities() driver.Capabilities {
	c := l.Lender.Capabilities()
	c.Revocation = "none"
	return c
}

// TestS8_KeysLendWhatEndsWithThem: where leases cannot be ended, a key lends none.
func TestS8_KeysLendWhatEndsWithThem(t *testing.T) {
	t.Parallel()
	w := newKeyed(t)
	b := w.With(lenders(w.Core, func(own driver.Lender) driver.Lender { return lastingLender{own} }))
	_, err := b.Lending.LendWithKey(t.Context(), w.pair, lending.LeaseRequest{Location: "s3://aaa/", Access: read})
	wantFail(t, "a lease that lasts", err, keyhatch.Conflict, keyhatch.CodeStoreUnsupported, "")
}

// TestS12_KeysAreLimited: what is borrowed with a key, and with its leases, and who asks
// whose these are, count against the key's request limit.
func TestS12_KeysAreLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newKeyed(t)
		ask := lending.LeaseRequest{Location: "s3://aaa/", Access: read}
		// left is how often it can still be asked whose the key is.
		left := func() (n int) {
			for w.Broker.AccessKeys.Identify(t.Context(), w.key, w.pair) == nil {
				n++
			}
			return n
		}
		all := left()
		time.Sleep(time.Minute) // and all of it is there again
		lease := w.borrowed(ask)
		did(t)(w.Broker.Lending.Relend(t.Context(), lease, ask))
		w.do(w.Broker.Lending.Identify(t.Context(), lease))
		if now := left(); all < 10 || now != all-3 {
			t.Errorf("after three requests %d of %d were left", now, all)
		}
		_, err := w.borrow(ask)
		wantFail(t, "with the key", err, keyhatch.TooMany, keyhatch.CodeTooManyRequests, "")
		_, err = w.Broker.Lending.Relend(t.Context(), lease, ask)
		wantFail(t, "with its lease", err, keyhatch.TooMany, keyhatch.CodeTooManyRequests, "")
		wantFail(t, "whose lease it is", w.Broker.Lending.Identify(t.Context(), lease), keyhatch.TooMany, keyhatch.CodeTooManyRequests, "")
	})
}

// TestKeyLeaseFollows: a lease opens what the key opens now, in its own parts: a lock takes
// its writes, and a right that comes back is there again.
func TestKeyLeaseFollows(t *testing.T) {
	t.Parallel()
	w := newKeyed(t)
	lease := w.borrowed(lending.LeaseRequest{Location: "s3://bbb/x/", Access: write})
	location := w.Location(t, w.ws, "s3://bbb/x/in/")
	may := func(access keyhatch.Access, key string) bool {
		t.Helper()
		open, _, err := w.Broker.Lending.Standing(t.Context(), lease)
		if err != nil {
			t.Fatal(err)
		}
		return open.AllowsObject(access, "bbb", key)
	}
	want := func(what string, want ...bool) {
		t.Helper()
		got := []bool{may(read, "x/k"), may(write, "x/k"), may(write, "x/in/k"), may(read, "x/in/k"), may(read, "xy"), may(read, "k")}
		if !slices.Equal(got, want) {
			t.Errorf("%s: it may %v, want %v", what, got, want)
		}
	}
	want("at first", true, true, true, true, false, false)
	yes, no := true, false
	did(t)(w.Broker.Places.UpdateLocation(t.Context(), w.Admin, "", location.ID, places.LocationChange{Locked: &yes}))
	want("locked", true, true, false, true, false, false)
	did(t)(w.Broker.Places.UpdateLocation(t.Context(), w.Admin, "", location.ID, places.LocationChange{Locked: &no}))
	want("unlocked", true, true, true, true, false, false)
	rights := func(r accesskeys.Rights) {
		t.Helper()
		did(t)(w.Broker.AccessKeys.Update(t.Context(), w.ann, "", w.key.ID, accesskeys.Change{Rights: &r}))
	}
	rights(accesskeys.Rights{Read: []string{"bbb"}})
	want("reading alone", true, false, false, true, false, false)
	rights(accesskeys.Rights{Write: []string{"bbb"}})
	want("writing alone", false, true, true, false, false, false)
	rights(accesskeys.Rights{ReadAll: true, WriteAll: true})
	want("everything", true, true, true, true, false, false)
}

// TestS15_KeyLeaseLifetimes: a lease ends no later than the key, and than a pair that was
// replaced; what is longer is refused, and what names no length is shorter.
func TestS15_KeyLeaseLifetimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newKeyed(t)
		old := w.pair
		w.pair = w.issue(30 * time.Minute)
		ask := lending.LeaseRequest{Location: "s3://aaa/", Access: read}
		lent, err := w.Broker.Lending.LendWithKey(t.Context(), old, ask)
		if err != nil || lent.Lease.ExpiresAt.Sub(lent.Lease.IssuedAt) != 30*time.Minute {
			t.Errorf("with a pair that was replaced: %v, %v", lent.Lease.ExpiresAt.Sub(lent.Lease.IssuedAt), err)
		}
		ask.Life = time.Hour
		_, err = w.Broker.Lending.LendWithKey(t.Context(), old, ask)
		wantFail(t, "longer than the pair", err, keyhatch.Invalid, keyhatch.CodeLifeExceedsLimit, "duration_seconds")
		end := time.Now().Add(45 * time.Minute)
		did(t)(w.Broker.AccessKeys.Update(t.Context(), w.ann, "", w.key.ID, accesskeys.Change{ExpiresAt: &end}))
		_, err = w.borrow(ask)
		wantFail(t, "longer than the key", err, keyhatch.Invalid, keyhatch.CodeLifeExceedsLimit, "duration_seconds")
		lease := w.borrowed(lending.LeaseRequest{Location: "s3://aaa/", Access: read})
		time.Sleep(30 * time.Minute)
		if got := w.standing(lease); got != "read" {
			t.Errorf("before the key's end it opens %s", got)
		}
		_, err = w.Broker.Lending.LendWithKey(t.Context(), old, lending.LeaseRequest{Location: "s3://aaa/", Access: read})
		if !errors.Is(err, policy.ErrKeyEnded) {
			t.Errorf("a pair that has ended lends: %v", err)
		}
		time.Sleep(15 * time.Minute)
		if _, _, err := w.Broker.Lending.Standing(t.Context(), lease); !errors.Is(err, policy.ErrLeaseExpired) {
			t.Errorf("after the key's end: %v", err)
		}
	})
}

// TestKeyLeaseNetworks: what is borrowed with a key that is confined to networks works
// there only.
func TestKeyLeaseNetworks(t *testing.T) {
	t.Parallel()
	w := newKeyed(t)
	from := func(address string) context.Context {
		return keyhatch.WithOrigin(t.Context(), keyhatch.Origin{Address: netip.MustParseAddr(address)})
	}
	inside, outside := from("198.51.100.7"), from("203.0.113.7")
	_, secret, err := w.Broker.People.CreateToken(t.Context(), w.ann, people.NewToken{Networks: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}})
	w.do(err)
	office := get[keyhatch.Caller](t)(w.Broker.People.Authenticate(inside, secret))
	w.key = get[keyhatch.AccessKey](t)(w.Broker.AccessKeys.Create(inside, office, accesskeys.NewKey{
		Workspace: w.ws.ID, Store: w.Store.ID, Name: "office", Rights: accesskeys.Rights{Read: []string{"aaa"}},
	}))
	w.pair = w.issue(0)
	ask := lending.LeaseRequest{Location: "s3://aaa/", Access: read}
	lent := get[lending.Lent](t)(w.Broker.Lending.LendWithKey(inside, w.pair, ask))
	if _, err := w.Broker.Lending.LendWithKey(outside, w.pair, ask); !errors.Is(err, policy.ErrKeyElsewhere) {
		t.Errorf("from elsewhere it lends: %v", err)
	}
	if _, _, err := w.Broker.Lending.Standing(inside, lent.Lease); err != nil {
		t.Errorf("the lease does not open there: %v", err)
	}
	if _, _, err := w.Broker.Lending.Standing(outside, lent.Lease); !errors.Is(err, policy.ErrLeaseElsewhere) {
		t.Errorf("the lease opens elsewhere: %v", err)
	}
}
