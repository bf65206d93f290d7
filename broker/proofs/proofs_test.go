package proofs_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/broker/proofs"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// store is a core with a store that mints sessions, and what is found there.
type store struct {
	*coretest.Core
	t     *testing.T
	finds []keyhatch.Check
	ends  time.Time           // when a session has ended
	waits chan struct{}       // one for each end that is waited for
	later chan keyhatch.Check // what is found after it
	tried []driver.Trial
}

func (s *store) Prove(_ context.Context, t driver.Trial) ([]keyhatch.Check, *driver.Later) {
	s.tried = append(s.tried, t)
	return s.finds, &driver.Later{At: s.ends, Try: func(ctx context.Context) keyhatch.Check {
		s.waits <- struct{}{}
		select {
		case c := <-s.later:
			return c
		case <-ctx.Done():
			return keyhatch.Check{Name: driver.AfterExpiry, Outcome: keyhatch.Skipped, Reason: "no time"}
		}
	}}
}

// found is what is found of a store whose sessions work.
func found(outside keyhatch.Outcome) []keyhatch.Check {
	return []keyhatch.Check{{Name: "get_outside", Outcome: outside}, {Name: driver.WorksStill, Outcome: keyhatch.Passed}}
}

// newStore is one whose credential is keys, or a role.
func newStore(t *testing.T, role bool) *store {
	s := &store{Core: coretest.New(t), t: t, finds: found(keyhatch.Passed), later: make(chan keyhatch.Check), waits: make(chan struct{}, 100)}
	s.ends = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	s.Confiner = s
	s.Restart(t)
	s.Workspace(t, "lab")
	a := keyhatch.AWSKeys("AKIAEXAMPLE", "secret")
	if role {
		a = keyhatch.Authority{Provider: keyhatch.AWS, Kind: keyhatch.RoleCredential, Principal: "arn:aws:iam::123456789012:role/demo", Secret: "word"}
	}
	s.did(s.Broker.Credentials.Create(t.Context(), s.Admin, credentials.NewCredential{Name: "upstream", Authority: a}))
	s.did(s.Broker.Places.CreateStore(t.Context(), s.Admin, places.NewStore{
		Name: "upstream", Kind: keyhatch.S3Store, Endpoint: "https://s3.eu-west-1.amazonaws.com", Credential: "upstream", Lends: keyhatch.LendsSTS, Keys: keyhatch.KeysNone,
	}))
	return s
}

func (s *store) did(_ any, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *store) bucket(name string) {
	s.t.Helper()
	s.did(s.Broker.Buckets.Register(s.t.Context(), s.Admin, buckets.Existing{Workspace: "lab", Store: "upstream", Name: name}))
}

func (s *store) verify(a proofs.Ask) (keyhatch.Store, error) {
	return s.Broker.Proofs.Verify(s.t.Context(), s.Admin, "upstream", a)
}

func (s *store) accept(of time.Time) (keyhatch.Store, error) {
	return s.Broker.Proofs.Accept(s.t.Context(), s.Admin, "upstream", "upstream", of)
}

func (s *store) now() keyhatch.Store {
	s.t.Helper()
	found, err := s.Broker.Places.Store(s.t.Context(), s.Admin, "upstream")
	s.did(found, err)
	return found
}

func (s *store) wantCode(what string, err error, code keyhatch.Code) {
	s.t.Helper()
	var failed *keyhatch.Error
	if !errors.As(err, &failed) || failed.Code != code {
		s.t.Errorf("%s: %v, want %s", what, err, code)
	}
}

// TestWhereAStoreIsTried: in a bucket of the store that is ready, the one that was named,
// and never in what is not on record there.
func TestWhereAStoreIsTried(t *testing.T) {
	t.Parallel()
	s := newStore(t, false)
	_, err := s.verify(proofs.Ask{})
	s.wantCode("without a bucket", err, keyhatch.CodeBucketNotReady)
	s.bucket("lab-one")
	s.did(s.verify(proofs.Ask{}))
	s.bucket("lab-two")
	s.did(s.verify(proofs.Ask{}))
	s.did(s.verify(proofs.Ask{Bucket: "lab-two"}))
	s.did(s.verify(proofs.Ask{Bucket: "lab-two", Other: "lab-one"}))
	for i, want := range [][2]string{{"lab-one", ""}, {"lab-one", "lab-two"}, {"lab-two", "lab-one"}, {"lab-two", "lab-one"}} {
		if got := [2]string{s.tried[i].Bucket, s.tried[i].Other}; got != want {
			t.Errorf("tried in %q, want %q", got, want)
		}
	}
	for _, a := range []proofs.Ask{{Bucket: "lab-none"}, {Bucket: "lab-one", Other: "lab-one"}, {Other: "lab-none"}} {
		_, err := s.verify(a)
		s.wantCode("elsewhere", err, keyhatch.CodeBucketNotFound)
	}
	own := keyhatch.LendsOwn
	s.did(s.Broker.Places.UpdateStore(t.Context(), s.Admin, "upstream", places.StoreChange{Lends: &own}))
	_, err = s.verify(proofs.Ask{})
	s.wantCode("that lends through our own endpoint", err, keyhatch.CodeStoreUnsupported)
	if len(s.tried) != 4 {
		t.Errorf("tried %d times", len(s.tried))
	}
}

// TestWhoseBucketAStoreIsTriedIn: where a store has buckets of several workspaces none of
// them is written to unless it was named.
func TestWhoseBucketAStoreIsTriedIn(t *testing.T) {
	t.Parallel()
	s := newStore(t, false)
	s.Workspace(t, "guests")
	s.bucket("lab-one")
	s.did(s.Broker.Buckets.Register(t.Context(), s.Admin, buckets.Existing{Workspace: "guests", Store: "upstream", Name: "guests-one"}))
	_, err := s.verify(proofs.Ask{})
	s.wantCode("in whichever is first", err, keyhatch.CodeInvalidRequest)
	if len(s.tried) != 0 {
		t.Errorf("tried in %+v", s.tried)
	}
	s.did(s.verify(proofs.Ask{Bucket: "lab-one"}))
	s.did(s.verify(proofs.Ask{Bucket: "lab-one", Other: "guests-one"}))
	s.bucket("lab-two")
	s.did(s.verify(proofs.Ask{Bucket: "lab-one"}))
	for i, want := range []string{"", "guests-one", "lab-two"} {
		if got := s.tried[i].Other; got != want {
			t.Errorf("%d: the other bucket is %q, want %q", i, got, want)
		}
	}
}

// TestWhatIsAccepted: what was looked at, was tried with a session that works, and did not
// pass.
func TestWhatIsAccepted(t *testing.T) {
	t.Parallel()
	s := newStore(t, false)
	s.bucket("lab-one")
	dead := found(keyhatch.Passed)
	dead[1].Outcome = keyhatch.Failed
	for _, tc := range []struct {
		what  string
		finds []keyhatch.Check
		moved time.Duration // that what was looked at is older
		want  keyhatch.Code // empty: it is accepted
	}{
		{"it passed", found(keyhatch.Passed), 0, keyhatch.CodeStoreNotProven},
		{"no session was had", []keyhatch.Check{{Name: "vend", Outcome: keyhatch.Failed}}, 0, keyhatch.CodeStoreNotProven},
		{"nothing could be put", []keyhatch.Check{{Name: "vend", Outcome: keyhatch.Passed}, {Name: "prepare", Outcome: keyhatch.Failed}}, 0, keyhatch.CodeStoreNotProven},
		{"the session works no more", dead, 0, keyhatch.CodeStoreNotProven},
		{"verified again meanwhile", found(keyhatch.Failed), time.Second, keyhatch.CodeStoreNotProven},
		{"a failure", found(keyhatch.Failed), 0, ""},
		{"a weakness", found(keyhatch.Warning), 0, ""},
	} {
		s.finds = tc.finds
		tried, err := s.verify(proofs.Ask{})
		s.did(tried, err)
		if _, err = s.accept(tried.Proof.At.Add(-tc.moved)); tc.want != "" {
			s.wantCode(tc.what, err, tc.want)
		} else {
			s.did(nil, err)
		}
		if accepted := s.now().Proof.AcceptedBy != ""; accepted != (tc.want == "") {
			t.Errorf("%s: accepted %t", tc.what, accepted)
		}
	}
}

// TestProvenByLess: what was proven, or accepted, when less was tried lends nothing until the
// store is verified again.
func TestProvenByLess(t *testing.T) {
	t.Parallel()
	s := newStore(t, false)
	s.bucket("lab-one")
	lends := func() error {
		as, err := s.Broker.Credentials.ActingOn(t.Context(), s.now())
		s.did(as, err)
		return s.now().Proof.MayLend(as.With, as.AsksExternalID())
	}
	for _, finds := range []keyhatch.Outcome{keyhatch.Passed, keyhatch.Warning} {
		s.finds = found(finds)
		s.did(s.verify(proofs.Ask{}))
		if finds != keyhatch.Passed {
			s.did(s.accept(time.Time{}))
		}
		if err := lends(); err != nil {
			t.Fatal(err)
		}
		before, err := s.DB.Store(t.Context(), s.now().ID)
		s.did(before, err)
		less, has := strings.CutSuffix(before.Proof.With, keyhatch.ProvenBy)
		if !has {
			t.Fatalf("a proof says nothing of what was tried: %q", before.Proof.With)
		}
		before.Proof.With = less + "0"
		s.did(nil, s.DB.Write(t.Context(), func(tx *db.Tx) error { return tx.UpdateStoreProof(t.Context(), before) }))
		s.Restart(t)
		s.wantCode("proven by less", lends(), keyhatch.CodeStoreNotProven)
	}
	s.finds = found(keyhatch.Passed)
	s.did(s.verify(proofs.Ask{}))
	if err := lends(); err != nil {
		t.Errorf("verified again: %v", err)
	}
}

// TestRoleThatAdmitsEverybody: who names a role of others that does not ask for its external
// id has us act as it by no acceptance of its own; an installation admin's word lets it be
// used. One that was verified is not another one.
func TestRoleThatAdmitsEverybody(t *testing.T) {
	t.Parallel()
	s := newStore(t, true)
	probed := coretest.Found{{Name: "assume_role", Outcome: keyhatch.Passed}, {Name: "external_id", Outcome: keyhatch.Warning, Reason: "admits us without"}}
	s.Prober = probed
	s.Restart(t)
	s.bucket("lab-one")
	lends := func() error {
		as, err := s.Broker.Credentials.ActingOn(t.Context(), s.now())
		s.did(as, err)
		return s.now().Proof.MayLend(as.With, as.AsksExternalID())
	}
	found, err := s.verify(proofs.Ask{})
	if err != nil || found.Proof.Outcome() != keyhatch.Warning || found.Proof.Checks[0].Name != "external_id" {
		t.Errorf("%+v, %v", found.Proof, err)
	}
	s.did(s.accept(time.Time{}))
	s.wantCode("accepted", lends(), keyhatch.CodeStoreNotProven)
	for _, cannotTell := range []coretest.Found{nil, {{Name: "external_id", Outcome: keyhatch.Skipped}}} {
		s.Prober = cannotTell
		s.Restart(t)
		s.did(s.verify(proofs.Ask{}))
		s.wantCode("it cannot be told", lends(), keyhatch.CodeStoreNotProven)
	}
	set := func(m credentials.Marks) {
		t.Helper()
		s.did(s.Broker.Credentials.Update(t.Context(), s.Admin, credentials.In{}, "upstream", credentials.Change{Marks: m}))
	}
	yes, no := true, false
	set(credentials.Marks{AnyExternalID: &yes})
	if found, err := s.verify(proofs.Ask{}); err != nil || found.Proof.Outcome() != keyhatch.Passed || lends() != nil {
		t.Errorf("with an admin's word: %+v, %v, %v", found.Proof, err, lends())
	}
	set(credentials.Marks{AnyExternalID: &no})
	s.wantCode("the word taken back", lends(), keyhatch.CodeStoreNotProven)

	s.Prober = coretest.Found{{Name: "external_id", Outcome: keyhatch.Passed}}
	s.Restart(t)
	s.did(s.verify(proofs.Ask{}))
	if err := lends(); err != nil {
		t.Errorf("a role that asks: %v", err)
	}
	other := keyhatch.Authority{Provider: keyhatch.AWS, Kind: keyhatch.RoleCredential, Principal: "arn:aws:iam::210987654321:role/theirs", Secret: "word"}
	s.did(s.Broker.Credentials.Update(t.Context(), s.Admin, credentials.In{}, "upstream", credentials.Change{Authority: &other}))
	s.wantCode("another role", lends(), keyhatch.CodeStoreNotProven)
}

// TestRecordOfProofs: that a store is tried is on record before it is, and how it came out,
// and who accepted that.
func TestRecordOfProofs(t *testing.T) {
	t.Parallel()
	s := newStore(t, false)
	s.bucket("lab-one")
	s.finds = append(found(keyhatch.Failed), keyhatch.Check{Name: "published", Outcome: keyhatch.Warning})
	s.did(s.verify(proofs.Ask{}))
	s.did(s.accept(time.Time{}))
	events, err := s.DB.Events(t.Context(), db.EventFilter{}, db.Everything)
	s.did(events, err)
	told := map[keyhatch.Action]keyhatch.Event{}
	for _, e := range events {
		told[e.Action] = e
	}
	if e := told[proofs.Begun]; e.Target != s.now().ID || e.Detail["bucket"] != "lab-one" || e.Detail["vend"] != s.tried[0].ID {
		t.Errorf("begun: %+v", e)
	}
	for _, action := range []keyhatch.Action{proofs.Ended, proofs.Accepted} {
		if e := told[action]; e.Detail["outcome"] != "failed" || e.Detail["failed"] != "get_outside" || e.Detail["warnings"] != "published" {
			t.Errorf("%s: %+v", action, e)
		}
	}
}
