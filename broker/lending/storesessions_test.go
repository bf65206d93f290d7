package lending_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/broker/proofs"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/own"
	"github.com/keyhatch/keyhatch/driver/sessions"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/policy"
)

// tokenService is a vender that gives what it is asked for, and remembers it.
type tokenService struct {
	lives driver.Lives
	role  time.Duration // that nobody knows of, and it gives no longer; zero: what is known is all
	late  time.Duration // by which its clock is ahead

	mu      sync.Mutex
	asked   []driver.VendRequest
	ended   []string
	between func()
}

func (s *tokenService) Lives(keyhatch.Store, driver.Acting) driver.Lives { return s.lives }

func (s *tokenService) Vend(_ context.Context, r driver.VendRequest) (driver.Vended, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r)
	if r.Life > s.lives.Longest || s.role != 0 && r.Life > s.role {
		return driver.Vended{}, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeLifeExceedsLimit, "the limit is %s", s.lives.By).In("duration_seconds")
	}
	if s.between != nil {
		s.between()
	}
	return driver.Vended{ID: r.ID, Credentials: keyhatch.Credentials{ // one session for all
		AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "canary", SessionToken: "canary", Endpoint: r.Store.Endpoint, Region: r.Store.Region,
		ExpiresAt: time.Now().Add(r.Life + s.late).Truncate(time.Second),
	}}, nil
}

func (s *tokenService) Forget(vend string) { s.ended = append(s.ended, vend) }

// confiner finds what it is told.
type confiner struct {
	finds    keyhatch.Outcome
	networks keyhatch.Outcome // empty: it was not tried
}

func (c *confiner) Prove(context.Context, driver.Trial) ([]keyhatch.Check, *driver.Later) {
	found := []keyhatch.Check{{Name: "get_outside", Outcome: c.finds}, {Name: driver.WorksStill, Outcome: keyhatch.Passed}}
	for _, name := range keyhatch.NetworkChecks {
		if c.networks != "" {
			found = append(found, keyhatch.Check{Name: name, Outcome: c.networks})
		}
	}
	return found, nil
}

// site is a lab whose location alpha is on a store that mints sessions.
type site struct {
	*lab
	broker   *broker.Broker
	service  *tokenService
	confiner *confiner
	store    keyhatch.Store
}

func newSite(t *testing.T) *site {
	w := &lab{Core: coretest.New(t), t: t}
	s := &site{lab: w, service: &tokenService{lives: driver.Lives{Least: 15 * time.Minute, Longest: 2 * time.Hour, By: "the store's own", Sure: time.Hour}}, confiner: &confiner{finds: keyhatch.Passed}}
	w.Confiner = s.confiner
	s.broker = w.With(map[keyhatch.Lending]driver.Lender{
		keyhatch.LendsOwn: own.New(w.Keys, coretest.Endpoint, "local"),
		keyhatch.LendsSTS: sessions.New(sessions.Config{
			Vender: s.service, Acting: func(ctx context.Context, st keyhatch.Store) (driver.Acting, error) {
				return s.broker.Credentials.ActingOn(ctx, st)
			},
			Console: func(_ context.Context, st keyhatch.Store, _ driver.Acting, _ driver.Vended, p keyhatch.Part) (keyhatch.Secret, error) {
				return keyhatch.Secret(strings.ReplaceAll(st.Console, "{bucket}", p.Bucket)), nil
			},
		}),
	})
	w.Broker = s.broker
	ctx := t.Context()
	w.ws, w.ann = w.Workspace(t, "lab"), w.User(t, "ann")
	keys := keyhatch.AWSKeys("AKIAEXAMPLE", "secret")
	keys.Endpoint = "https://s3.example"
	did(t)(s.broker.Credentials.Create(ctx, w.Admin, credentials.NewCredential{
		Name: "upstream", Authority: keys, Sessions: keyhatch.Sessions{SourceIdentity: true, Tags: map[string]string{"team": "lab"}, Name: "kh-{user}"},
	}))
	s.store = get[keyhatch.Store](t)(s.broker.Places.CreateStore(ctx, w.Admin, places.NewStore{
		Name: "upstream", Kind: keyhatch.S3Store, Endpoint: "https://s3.example", Credential: "upstream", Lends: keyhatch.LendsSTS, Console: "https://console.example/{bucket}",
	}))
	for _, name := range []string{"lab-up", "lab-other"} {
		did(t)(s.broker.Buckets.Register(ctx, w.Admin, buckets.Existing{Workspace: "lab", Store: "upstream", Name: name}))
	}
	w.location = get[keyhatch.Location](t)(s.broker.Places.CreateLocation(ctx, w.Admin, places.NewLocation{Workspace: "lab", Name: "alpha", URL: "s3://lab-up/alpha/"}))
	w.grant = w.Grant(t, w.location, w.ann, keyhatch.Write)
	return s
}

// proven is a site whose store was verified.
func proven(t *testing.T) *site {
	s := newSite(t)
	s.store = get[keyhatch.Store](t)(s.broker.Proofs.Verify(t.Context(), s.Admin, "upstream", proofs.Ask{}))
	return s
}

func (s *site) borrow(r lending.LeaseRequest) (lending.Lent, error) {
	r.Location = s.location.ID
	if r.Access == "" {
		r.Access = keyhatch.Read
	}
	return s.broker.Lending.Lease(s.t.Context(), s.ann, r)
}

func wantCode(t *testing.T, what string, err error, code keyhatch.Code) {
	t.Helper()
	var failed *keyhatch.Error
	if !errors.As(err, &failed) || failed.Code != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

// TestLeaseOfAStoresSession: the store is asked for what was decided and nothing else,
// and the record has what it gave.
func TestLeaseOfAStoresSession(t *testing.T) {
	t.Parallel()
	s := proven(t)
	kms, shared := "arn:aws:kms:eu-west-1:123456789012:key/abc", true
	did(t)(s.broker.Places.UpdateLocation(t.Context(), s.Admin, "lab", "alpha", places.LocationChange{KMSKey: &kms, SharedSessions: &shared}))
	s.service.late = 3 * time.Second
	only := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::lab-up/alpha/x"}]}`
	lent, err := s.borrow(lending.LeaseRequest{Access: keyhatch.Write, Prefixes: []string{"in/"}, Life: time.Hour, SessionName: "nightly", Policy: only, Console: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.service.asked) != 1 {
		t.Fatalf("asked %d times", len(s.service.asked))
	}
	r := s.service.asked[0]
	want := policy.Set{{Bucket: "lab-up", Prefix: "alpha/in/", Access: keyhatch.Write}}
	if diff := cmp.Diff(want, r.Open); diff != "" {
		t.Errorf("opened (-want +got):\n%s", diff)
	}
	if r.User != "ann" || r.Client != "nightly" || r.Life != time.Hour || r.Store.ID != s.store.ID || len(r.Policies) != 1 || !r.Shared || fmt.Sprint(r.Keys) != "["+kms+"]" {
		t.Errorf("asked with %+v", r)
	}
	if r.As.Authority.Principal != "AKIAEXAMPLE" || r.As.Authority.Secret != "secret" || !r.As.SourceIdentity || r.As.Tags["team"] != "lab" || r.As.SessionName != "kh-{user}" {
		t.Errorf("acting as %+v", r.As)
	}
	if max := lent.Lease.IssuedAt.Add(12 * time.Hour); r.Latest.After(max) || r.Latest.Before(max.Add(-time.Minute)) {
		t.Errorf("latest %v, want that of the location, %v", r.Latest, max)
	}
	l := lent.Lease
	if l.Vend != r.ID || l.AccessKeyID != "ASIAEXAMPLE" || !l.ExpiresAt.Equal(lent.Credentials.ExpiresAt) || lent.Revocation != keyhatch.RevokeNone || l.Revocation() != keyhatch.RevokeNone {
		t.Errorf("lent %+v", lent)
	}
	if lent.Console != "https://console.example/lab-up" {
		t.Errorf("console %q", lent.Console)
	}
	stored := get[keyhatch.Lease](t)(s.DB.Lease(t.Context(), l.ID))
	if diff := cmp.Diff(l, stored); diff != "" {
		t.Errorf("on record (-answer +row):\n%s", diff)
	}
	// Leases of one session share its keys.
	s.service.late = 0
	again, err := s.borrow(lending.LeaseRequest{Access: keyhatch.Write})
	if err != nil || again.Lease.ID == l.ID || again.Lease.AccessKeyID != l.AccessKeyID {
		t.Errorf("again: %+v, %v", again.Lease, err)
	}
	if again.Console != "" {
		t.Errorf("a console that nobody asked for: %q", again.Console)
	}
}

// TestS8_UnprovenStoreLendsNothing: until it passed, or was accepted, or when what acts for
// it is another than that which was proven.
func TestS8_UnprovenStoreLendsNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx := t.Context()
	refused := func(what string) {
		t.Helper()
		before := s.leases()
		_, err := s.borrow(lending.LeaseRequest{})
		wantCode(t, what, err, keyhatch.CodeStoreNotProven)
		if len(s.service.asked) != 0 || s.leases() != before {
			t.Errorf("%s: the store was asked %d times, %d leases", what, len(s.service.asked), s.leases())
		}
	}
	refused("not tried")
	_, err := s.broker.Proofs.Accept(ctx, s.Admin, "upstream", "upstream", time.Time{})
	wantCode(t, "accepted what was not tried", err, keyhatch.CodeStoreNotProven)
	for _, outcome := range []keyhatch.Outcome{keyhatch.Failed, keyhatch.Warning} {
		s.confiner.finds = outcome
		did(t)(s.broker.Proofs.Verify(ctx, s.Admin, "upstream", proofs.Ask{}))
		refused(string(outcome))
	}
	_, err = s.broker.Proofs.Accept(ctx, s.Admin, "upstream", "upstraem", time.Time{})
	wantCode(t, "accepted by another name", err, keyhatch.CodeInvalidName)
	_, err = s.broker.Proofs.Accept(ctx, s.ann, "upstream", "upstream", time.Time{})
	wantCode(t, "accepted by a borrower", err, keyhatch.CodeNotPermitted)
	_, err = s.broker.Proofs.Verify(ctx, s.ann, "upstream", proofs.Ask{})
	wantCode(t, "verified by a borrower", err, keyhatch.CodeNotPermitted)
	refused("not yet accepted")
	did(t)(s.broker.Proofs.Accept(ctx, s.Admin, "upstream", "upstream", time.Time{}))
	did(t)(s.borrow(lending.LeaseRequest{}))
	// What was accepted was that finding.
	did(t)(s.broker.Proofs.Verify(ctx, s.Admin, "upstream", proofs.Ask{}))
	s.service.asked = nil
	refused("verified again")
	s.confiner.finds = keyhatch.Passed
	did(t)(s.broker.Proofs.Verify(ctx, s.Admin, "upstream", proofs.Ask{}))
	elsewhere := keyhatch.AWSKeys("AKIAOTHER", "secret")
	elsewhere.Endpoint = "https://other.example"
	did(t)(s.broker.Credentials.Update(ctx, s.Admin, credentials.In{}, "upstream", credentials.Change{Authority: &elsewhere}))
	refused("another token service")
	elsewhere.Endpoint = "https://s3.example"
	did(t)(s.broker.Credentials.Update(ctx, s.Admin, credentials.In{}, "upstream", credentials.Change{Authority: &elsewhere}))
	if lent, err := s.borrow(lending.LeaseRequest{}); err != nil || s.service.asked[0].As.Authority.Principal != "AKIAOTHER" {
		t.Errorf("keys rotated: %+v, %v", lent.Lease, err)
	}
}

// TestS15_LivesOfSessions: what the store does not give is refused with its limit, unless
// nobody asked for so long, or a shorter one was accepted.
func TestS15_LivesOfSessions(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		what                 string
		longest, asks, least time.Duration
		location             time.Duration
		vends, accepts       time.Duration
		code                 keyhatch.Code
	}{
		{what: "the default", longest: 2 * time.Hour, vends: time.Hour, accepts: time.Hour},
		{what: "the default of a store with shorter ones", longest: 30 * time.Minute, vends: 30 * time.Minute, accepts: 30 * time.Minute},
		{what: "asked", longest: 2 * time.Hour, asks: 90 * time.Minute, vends: 90 * time.Minute, accepts: 90 * time.Minute},
		{what: "asked for too long", longest: time.Hour, asks: 90 * time.Minute, code: keyhatch.CodeLifeExceedsLimit},
		{what: "asked for too long, less accepted", longest: time.Hour, asks: 90 * time.Minute, least: 20 * time.Minute, vends: time.Hour, accepts: 20 * time.Minute},
		{what: "more accepted than there is", longest: time.Hour, asks: 90 * time.Minute, least: 70 * time.Minute, code: keyhatch.CodeLifeExceedsLimit},
		{what: "less accepted than the location's limit", longest: 2 * time.Hour, location: 40 * time.Minute, asks: 90 * time.Minute, least: 20 * time.Minute, vends: 40 * time.Minute, accepts: 20 * time.Minute},
		{what: "less accepted, not asked", longest: 2 * time.Hour, least: 20 * time.Minute, vends: time.Hour, accepts: 20 * time.Minute},
		{what: "more accepted than there is, not asked", longest: time.Hour, least: 90 * time.Minute, code: keyhatch.CodeLifeExceedsLimit}, // it was given the hour
		{what: "more accepted than asked", longest: 2 * time.Hour, asks: 30 * time.Minute, least: 40 * time.Minute, code: keyhatch.CodeInvalidDuration},
		{what: "shorter than any", longest: 2 * time.Hour, asks: 14 * time.Minute, code: keyhatch.CodeInvalidDuration},
	} {
		t.Run(tc.what, func(t *testing.T) {
			t.Parallel()
			s := proven(t)
			s.service.lives.Longest = tc.longest
			if tc.location != 0 {
				did(t)(s.broker.Places.UpdateLocation(t.Context(), s.Admin, "lab", "alpha", places.LocationChange{MaxLease: &tc.location}))
			}
			lent, err := s.borrow(lending.LeaseRequest{Life: tc.asks, Least: tc.least})
			if tc.code != "" {
				wantCode(t, "lent", err, tc.code)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			r := s.service.asked[0]
			least := r.Least
			if least == 0 {
				least = r.Life
			}
			if r.Life != tc.vends && r.Life != tc.vends-time.Second || least > tc.accepts || least < tc.accepts-time.Second { // what is left of a limit is no whole second
				t.Errorf("the store was asked for %v, and %v at least", r.Life, least)
			}
			if !lent.Lease.ExpiresAt.Equal(lent.Credentials.ExpiresAt) {
				t.Errorf("the lease ends %v, its keys %v", lent.Lease.ExpiresAt, lent.Credentials.ExpiresAt)
			}
		})
	}
}

// TestS15_LivesThatNobodyKnows: how long a role's sessions can last is not always known. Who
// asked for no time, or accepted less, was refused all the same where the store gave less.
func TestS15_LivesThatNobodyKnows(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		what              string
		asks, upTo, least time.Duration
		vends             string // how long each, as they were asked for
		code              keyhatch.Code
	}{
		{what: "not asked", upTo: 8 * time.Hour, vends: "8h0m0s 1h0m0s"},
		{what: "less accepted", asks: 8 * time.Hour, least: 20 * time.Minute, vends: "8h0m0s 1h0m0s"},
		{what: "as much as is sure accepted", asks: 8 * time.Hour, least: time.Hour, vends: "8h0m0s 1h0m0s"},
		{what: "less than that not accepted", asks: 8 * time.Hour, least: 61 * time.Minute, vends: "8h0m0s", code: keyhatch.CodeLifeExceedsLimit},
		{what: "asked", asks: 8 * time.Hour, vends: "8h0m0s", code: keyhatch.CodeLifeExceedsLimit},
	} {
		t.Run(tc.what, func(t *testing.T) {
			t.Parallel()
			s := proven(t)
			s.service.lives, s.service.role = driver.Lives{Least: 15 * time.Minute, Longest: 12 * time.Hour, By: "the role", Sure: time.Hour}, 90*time.Minute
			lent, err := s.borrow(lending.LeaseRequest{Life: tc.asks, UpTo: tc.upTo, Least: tc.least})
			if tc.code != "" {
				wantCode(t, "lent", err, tc.code)
			} else if err != nil || !lent.Lease.ExpiresAt.Equal(lent.Credentials.ExpiresAt) || time.Until(lent.Lease.ExpiresAt) > time.Hour {
				t.Errorf("lent until %v, %v", lent.Lease.ExpiresAt, err)
			}
			var vends []string
			for _, r := range s.service.asked {
				vends = append(vends, r.Life.String())
			}
			if got := strings.Join(vends, " "); got != tc.vends {
				t.Errorf("the store was asked for %s, want %s", got, tc.vends)
			}
		})
	}
}

// TestUpToIsTheMost: a store was let give longer than the most that was asked for, where the
// location allowed it: over Provena's wire twelve hours for eight.
func TestUpToIsTheMost(t *testing.T) {
	t.Parallel()
	s := proven(t)
	did(t)(s.borrow(lending.LeaseRequest{UpTo: 90 * time.Minute}))
	if r := s.service.asked[0]; r.Life != 90*time.Minute || time.Until(r.Latest) > 90*time.Minute+driver.ClocksMayBeApart {
		t.Errorf("the store was asked for %v, and may give until %v", r.Life, time.Until(r.Latest))
	}
}

// TestWhatCannotEndASession: what ends its leases with it borrows none that cannot be ended.
func TestWhatCannotEndASession(t *testing.T) {
	t.Parallel()
	s := proven(t)
	lent, err := s.borrow(lending.LeaseRequest{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.broker.Lending.Relend(t.Context(), lent.Lease, lending.LeaseRequest{Location: s.location.ID, Access: keyhatch.Read})
	wantCode(t, "with a lease", err, keyhatch.CodeStoreUnsupported)
}

// TestS1_SessionOfLostRights: who lost a right while the store was asked gets nothing, and
// nothing is on record.
func TestS1_SessionOfLostRights(t *testing.T) {
	t.Parallel()
	s := proven(t)
	s.service.between = func() {
		did(t)(nil, s.broker.Places.TakeGrant(context.Background(), s.Admin, s.grant.ID))
	}
	lent, err := s.borrow(lending.LeaseRequest{})
	if !errors.Is(err, keyhatch.Forbidden) || lent.Credentials.SecretAccessKey != "" || s.leases() != 0 {
		t.Errorf("lent %+v, %v; %d on record", lent, err, s.leases())
	}
}

// TestRevokedSession: it is told that the keys live on, and they are lent to nobody else.
func TestRevokedSession(t *testing.T) {
	t.Parallel()
	s := proven(t)
	lent, err := s.borrow(lending.LeaseRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.broker.Lending.RevokeLease(t.Context(), s.ann, lent.Lease.ID); err != nil {
		t.Fatal(err)
	}
	if got := get[keyhatch.Lease](t)(s.DB.Lease(t.Context(), lent.Lease.ID)); got.RevokedAt.IsZero() || got.Revocation() != keyhatch.RevokeNone {
		t.Errorf("on record: %+v", got)
	}
	if len(s.service.ended) != 1 || s.service.ended[0] != lent.Lease.Vend {
		t.Errorf("ended %q, want %s", s.service.ended, lent.Lease.Vend)
	}
}

// TestURLOfAStore: it is signed with a session for the one object, at the store.
func TestURLOfAStore(t *testing.T) {
	t.Parallel()
	s := proven(t)
	url, err := s.broker.Lending.Presign(t.Context(), s.ann, lending.PresignRequest{Workspace: "lab", Bucket: "lab-up", Key: "alpha/x.csv", Life: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if u := url.URL.Reveal(); !strings.HasPrefix(u, "https://s3.example/lab-up/alpha/x.csv?") || !strings.Contains(u, "X-Amz-Expires=60&") || !strings.Contains(u, "ASIAEXAMPLE") {
		t.Errorf("the URL is %s", u)
	}
	r := s.service.asked[0]
	if r.Life != 15*time.Minute || len(r.Policies) != 1 || r.Open[0].Access != keyhatch.Read {
		t.Errorf("asked with %+v", r)
	}
	if life := url.Lease.ExpiresAt.Sub(url.Lease.IssuedAt); life != time.Minute {
		t.Errorf("the URL lasts %v", life)
	}
	longer, err := s.broker.Lending.Presign(t.Context(), s.ann, lending.PresignRequest{Workspace: "lab", Bucket: "lab-up", Key: "alpha/y.csv", Life: 10 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	// Revoking the bucket's used to be a success that said nothing of these, which work on.
	left, err := s.broker.Buckets.RevokePresigned(t.Context(), s.Admin, "lab", "lab-up")
	if err != nil || left.Count != 2 || !left.Until.Equal(longer.Lease.ExpiresAt) {
		t.Errorf("left are %+v, %v; the last ends at %v", left, err, longer.Lease.ExpiresAt)
	}
	told, err := s.DB.Events(t.Context(), db.EventFilter{Action: buckets.URLsEnded}, db.Everything)
	if err != nil || len(told) != 1 || told[0].Detail["left"] != "2" || told[0].Detail["until"] == "" {
		t.Errorf("on record: %+v, %v", told, err)
	}
	_, err = s.broker.Lending.Presign(t.Context(), s.ann, lending.PresignRequest{Workspace: "lab", Bucket: "lab-up", Key: "alpha/x.csv", Life: 3 * time.Hour})
	var failed *keyhatch.Error
	if !errors.As(err, &failed) || failed.Code != keyhatch.CodeLifeExceedsLimit || failed.Field != "expiry_seconds" {
		t.Errorf("longer than the store gives: %v of %+v", err, failed)
	}
}
