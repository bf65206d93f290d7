package lending_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/record"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/policy"
	"github.com/keyhatch/keyhatch/policy/sessionpolicy"
)

const readOnly = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["s3:Get*","s3:List*"],"Resource":"*"}}`

// TestS4_RelendNarrows is what can be asked with a lease: a part of it, with no more
// access and no longer; and what is refused without a trace.
func TestS4_RelendNarrows(t *testing.T) {
	t.Parallel()
	w := newLab(t)
	ctx := t.Context()
	beta := w.Location(t, w.ws, "s3://lab-data/beta/")
	w.Grant(t, beta, w.ann, keyhatch.Write)
	gamma := w.Location(t, w.ws, "s3://lab-data/gamma/") // the user may write it, the lease opens nothing there
	w.Grant(t, gamma, w.ann, keyhatch.Write)
	borrow := func(r lending.LeaseRequest) keyhatch.Lease {
		t.Helper()
		return get[lending.Lent](t)(w.Broker.Lending.Lease(ctx, w.ann, r)).Lease
	}
	wide := borrow(lending.LeaseRequest{Location: w.location.ID, Access: write, Prefixes: []string{"one", "two", "s3://lab-data/beta/x/"}, Workspace: w.ws.ID, Life: time.Hour})
	reading := borrow(lending.LeaseRequest{Location: w.location.ID, Access: read, Life: time.Hour})

	for what, tc := range map[string]struct {
		parent keyhatch.Lease
		ask    lending.LeaseRequest
		urls   string
	}{
		"all of a part":       {wide, lending.LeaseRequest{Location: "s3://lab-data/alpha/one/", Access: write}, "s3://lab-data/alpha/one/"},
		"inside a part":       {wide, lending.LeaseRequest{Location: "s3://lab-data/alpha/two/deep", Access: write}, "s3://lab-data/alpha/two/deep/"},
		"less access":         {wide, lending.LeaseRequest{Location: "s3://lab-data/alpha/one/", Access: read}, "s3://lab-data/alpha/one/"},
		"by name":             {wide, lending.LeaseRequest{Location: "alpha", Access: read, Prefixes: []string{"one", "two/x"}}, "s3://lab-data/alpha/one/ s3://lab-data/alpha/two/x/"},
		"of two locations":    {wide, lending.LeaseRequest{Location: beta.ID, Access: write, Prefixes: []string{"x/y", "s3://lab-data/alpha/one/"}}, "s3://lab-data/beta/x/y/ s3://lab-data/alpha/one/"},
		"all, and as long":    {reading, lending.LeaseRequest{Location: "alpha", Access: read}, "s3://lab-data/alpha/"},
		"as short as it goes": {reading, lending.LeaseRequest{Location: "alpha", Access: read, Life: 15 * time.Minute}, "s3://lab-data/alpha/"},
	} {
		lent, err := w.Broker.Lending.Relend(ctx, tc.parent, tc.ask)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		l := lent.Lease
		if got := strings.Join(l.URLs(), " "); got != tc.urls || l.Access != tc.ask.Access || l.User != w.ann.User.ID || l.Token != w.ann.Token.ID {
			t.Errorf("%s: got %+v", what, l)
		}
		if l.ExpiresAt.After(tc.parent.ExpiresAt) || !cmp.Equal(l.Ancestors, []string{tc.parent.ID}) {
			t.Errorf("%s: it ends at %v after %v, the leases before it are %v", what, l.ExpiresAt, tc.parent.ExpiresAt, l.Ancestors)
		}
		session, err := w.Broker.Lending.OpenSession(lent.Credentials.AccessKeyID, lent.Credentials.SessionToken.Reveal())
		if err != nil || !cmp.Equal(session.Lease.Ancestors, l.Ancestors) {
			t.Errorf("%s: its session token says %v, %v", what, session.Lease.Ancestors, err)
		}
	}

	before := w.Dump(t)
	for _, tc := range []struct {
		what   string
		parent keyhatch.Lease
		ask    lending.LeaseRequest
		kind   keyhatch.Kind
		code   keyhatch.Code
		field  string
	}{
		{"more access", reading, lending.LeaseRequest{Location: "alpha", Access: write}, forbidden, keyhatch.CodeAccessNotGranted, ""},
		{"above the part", wide, lending.LeaseRequest{Location: "alpha", Access: read}, forbidden, keyhatch.CodeAccessNotGranted, ""},
		{"beside the part", wide, lending.LeaseRequest{Location: "s3://lab-data/alpha/one2/", Access: read}, forbidden, keyhatch.CodeAccessNotGranted, ""},
		{"one of two beside", wide, lending.LeaseRequest{Location: "alpha", Access: read, Prefixes: []string{"one", "three"}}, forbidden, keyhatch.CodeAccessNotGranted, ""},
		{"a location that the user has and the lease has not", wide, lending.LeaseRequest{Location: gamma.ID, Access: read}, notFound, keyhatch.CodeLocationNotFound, "location"},
		{"the same by URL", wide, lending.LeaseRequest{Location: "s3://lab-data/gamma/", Access: read}, notFound, keyhatch.CodeLocationNotFound, "location"},
		{"the same as a prefix", wide, lending.LeaseRequest{Location: "alpha", Access: read, Prefixes: []string{"one", "s3://lab-data/gamma/"}}, notFound, keyhatch.CodeLocationNotFound, "prefixes"},
		{"longer", reading, lending.LeaseRequest{Location: "alpha", Access: read, Life: time.Hour + time.Second}, invalid, keyhatch.CodeLifeExceedsLimit, "duration_seconds"},
		{"too short", reading, lending.LeaseRequest{Location: "alpha", Access: read, Life: 15*time.Minute - time.Second}, invalid, keyhatch.CodeInvalidDuration, "duration_seconds"},
		{"a bad policy", reading, lending.LeaseRequest{Location: "alpha", Access: read, Policy: "{}"}, invalid, keyhatch.CodeInvalidPolicy, "policy"},
		{"a long policy", reading, lending.LeaseRequest{Location: "alpha", Access: read, Policy: readOnly + strings.Repeat(" ", 2048)}, invalid, keyhatch.CodePolicyTooLarge, "policy"},
		{"a bad name", reading, lending.LeaseRequest{Location: "alpha", Access: read, SessionName: "a b"}, invalid, keyhatch.CodeInvalidName, "session_name"},
	} {
		lent, err := w.Broker.Lending.Relend(ctx, tc.parent, tc.ask)
		wantFail(t, tc.what, err, tc.kind, tc.code, tc.field)
		if lent.Credentials.SecretAccessKey != "" {
			t.Errorf("%s: the refusal came with a secret", tc.what)
		}
	}
	if diff := cmp.Diff(before, w.Dump(t)); diff != "" {
		t.Errorf("the refusals left a trace:\n%s", diff)
	}
}

// chain lends a lease with each one before it.
func (s *stake) chain(n int, access keyhatch.Access) []keyhatch.Lease {
	s.t.Helper()
	all := []keyhatch.Lease{s.lease}
	for range n {
		all = append(all, get[lending.Lent](s.t)(s.Broker.Lending.Relend(s.ctx, all[len(all)-1], lending.LeaseRequest{Location: s.location.ID, Access: access})).Lease)
	}
	return all
}

// TestRelendAfterRotation: a lease goes on when its token gets another secret, and so
// does what is borrowed with it: no secret is shown with a lease.
func TestRelendAfterRotation(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	s := newStake(t, c, c.Workspace(t, "lab"), "rotated", endings[0].by, keyhatch.Read)
	parent := s.chain(1, keyhatch.Read)[0]
	if _, _, err := c.Broker.People.RotateToken(t.Context(), s.user, s.user.Token.ID, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Broker.Lending.Relend(t.Context(), parent, lending.LeaseRequest{Location: parent.Parts[0].Location, Access: keyhatch.Read}); err != nil {
		t.Error(err)
	}
}

// TestS7_RelentEnds: whatever ends a lease ends those that were borrowed with it,
// here at once, elsewhere with the next look, and after a restart; and nothing more
// is lent with any of them.
func TestS7_RelentEnds(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	ws := c.Workspace(t, "lab")
	elsewhere := c.Beside(t)
	after := map[string][]keyhatch.Lease{}
	is := map[string]string{}
	for _, e := range endings {
		s := newStake(t, c, ws, "r-"+e.name, e.by, e.access)
		all := s.chain(2, e.access)
		e.end(s)
		after[e.name], is[e.name] = all, e.is
		if err := elsewhere.Mirror.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, l := range all {
			if got := (&lab{Core: c, t: t}).standing(l); got != e.is {
				t.Errorf("%s: lease %d is %q, want %q", e.name, i, got, e.is)
			}
			if got := (&lab{Core: elsewhere, t: t}).standing(l); got != e.is {
				t.Errorf("%s: elsewhere lease %d is %q, want %q", e.name, i, got, e.is)
			}
		}
		if e.back != nil {
			e.back(s)
		}
		for i, l := range all { // what the user was given again is not the lease's
			lent, err := c.Broker.Lending.Relend(t.Context(), l, lending.LeaseRequest{Location: l.Parts[0].Location, Access: e.access})
			if e.is == string(e.access) && err != nil || e.is != string(e.access) && (err == nil || lent.Credentials.SecretAccessKey != "") {
				t.Errorf("%s: with lease %d, which is %q, one more: %v", e.name, i, e.is, err)
			}
		}
	}
	c.Restart(t)
	for name, all := range after {
		for i, l := range all {
			if got := (&lab{Core: c, t: t}).standing(l); got != is[name] {
				t.Errorf("%s: after a restart lease %d is %q, want %q", name, i, got, is[name])
			}
		}
	}
}

// TestS7_AncestorRevoked revokes one lease of a chain: it and those behind it end,
// those before it stand; also where memory knows of nothing but the one.
func TestS7_AncestorRevoked(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	ws := c.Workspace(t, "lab")
	for at := range keyhatch.MaxAncestors + 1 {
		s := newStake(t, c, ws, "at-"+string(rune('a'+at)), user, write)
		all := s.chain(keyhatch.MaxAncestors, read)
		s.must(c.Broker.Lending.RevokeLease(s.ctx, s.user, all[at].ID))
		live := get[kernel.List[keyhatch.Lease]](t)(c.Broker.Lending.Leases(s.ctx, s.user, lending.LeaseFilter{Live: true}, kernel.Page{})).Items
		if len(live) != at {
			t.Errorf("revoked lease %d of %d: %d are listed as live", at, len(all), len(live))
		}
		for i, l := range all {
			want := "revoked"
			if i < at {
				want = string(l.Access)
			}
			if got := (&lab{Core: c, t: t}).standing(l); got != want {
				t.Errorf("revoked lease %d: lease %d is %q, want %q", at, i, got, want)
			}
		}
		_, err := c.Broker.Lending.Relend(s.ctx, all[len(all)-1], lending.LeaseRequest{Location: s.location.ID, Access: read})
		if !errors.Is(err, policy.ErrLeaseRevoked) {
			t.Errorf("with the last of them: %v", err)
		}
	}
	s := newStake(t, c, ws, "deep", user, write)
	all := s.chain(keyhatch.MaxAncestors, write)
	_, err := c.Broker.Lending.Relend(s.ctx, all[len(all)-1], lending.LeaseRequest{Location: s.location.ID, Access: read})
	wantFail(t, "one more than the depth", err, keyhatch.Forbidden, keyhatch.CodeNotPermitted, "")
}

// TestS1_ParentEndsBetweenDecisionAndRecord: a lease whose parent ends after it was
// decided and before it is recorded is not lent, also not when the user has the
// same right again by then.
func TestS1_ParentEndsBetweenDecisionAndRecord(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	ws := c.Workspace(t, "lab")
	for _, e := range endings {
		if e.is == string(e.access) {
			continue
		}
		s := newStake(t, c, ws, e.name, e.by, e.access)
		leases := (&lab{Core: c, t: t}).leases()
		parent := s.lease
		b := c.With(lenders(c, func(own driver.Lender) driver.Lender {
			return between{own, func() {
				e.end(s)
				if e.back != nil && e.name != "token-revoked" && e.name != "location-deleted" {
					e.back(s)
				}
			}}
		}))
		lent, err := b.Lending.Relend(s.ctx, parent, lending.LeaseRequest{Location: parent.Parts[0].Location, Access: e.access})
		wantEnded(t, e.name, err)
		if lent.Credentials.SecretAccessKey != "" || (&lab{Core: c, t: t}).leases() != leases {
			t.Errorf("%s: something was lent", e.name)
		}
	}
}

// TestS4_StaleMemoryRelends: a process whose memory does not know yet that a grant
// was narrowed and widened again lends nothing more on what the parent has lost by
// it.
func TestS4_StaleMemoryRelends(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	ws := c.Workspace(t, "lab")
	s := newStake(t, c, ws, "stale", user, write)
	stale := c.Beside(t)
	s.access(read)
	s.access(write)
	if got := s.standing(); got != "closed" {
		t.Fatalf("the parent is %q", got)
	}
	_, err := stale.Broker.Lending.Relend(s.ctx, s.lease, lending.LeaseRequest{Location: s.location.ID, Access: write})
	wantEnded(t, "with a memory of before", err)
}

// TestRelentOnRecord: the event of a lease says what it was borrowed with, what
// narrows it and what it is called; its row has all policies.
func TestRelentOnRecord(t *testing.T) {
	t.Parallel()
	w := newLab(t)
	ctx := t.Context()
	const narrower = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::lab-data/alpha/x"}]}`
	parent := get[lending.Lent](t)(w.Broker.Lending.Lease(ctx, w.ann, lending.LeaseRequest{Location: w.location.ID, Access: write, Policy: " " + readOnly + "\n"})).Lease
	from := keyhatch.WithOrigin(ctx, keyhatch.Origin{RequestID: "REQUEST7"})
	child := get[lending.Lent](t)(w.Broker.Lending.Relend(from, parent, lending.LeaseRequest{
		Location: w.location.ID, Access: read, Policy: narrower, SessionName: "job-7",
	})).Lease
	kept := get[keyhatch.Lease](t)(w.Broker.Lending.LeaseByID(ctx, w.ann, child.ID))
	if diff := cmp.Diff(child, kept); diff != "" {
		t.Errorf("(-lent +kept):\n%s", diff)
	}
	if diff := cmp.Diff([]string{readOnly, narrower}, kept.Policies); diff != "" {
		t.Errorf("its policies (-want +got):\n%s", diff)
	}
	events := get[kernel.List[keyhatch.Event]](t)(w.Broker.Record.Events(ctx, w.Admin, record.EventFilter{Target: child.ID}, kernel.Page{})).Items
	if len(events) != 1 || events[0].Action != lending.LeaseLent || events[0].User != w.ann.User.ID || events[0].Token != w.ann.Token.ID || events[0].RequestID != "REQUEST7" {
		t.Fatalf("on record is %+v", events)
	}
	for name, want := range map[string]string{"parent": parent.ID, "policy": narrower, "session_name": "job-7", "access": "read"} {
		if got := events[0].Detail[name]; got != want {
			t.Errorf("%s on record is %q, want %q", name, got, want)
		}
	}
}

// TestPoliciesFit: policies that do not fit into one session token are refused, as
// what they are.
func TestPoliciesFit(t *testing.T) {
	t.Parallel()
	w := newLab(t)
	long := strings.Replace(readOnly, `"Action"`, `"Sid":"`+strings.Repeat("x", 2048-len(readOnly)-9)+`","Action"`, 1)
	if len(long) != sessionpolicy.MaxLength {
		t.Fatalf("the long policy has %d characters", len(long))
	}
	l, before := get[lending.Lent](t)(w.Broker.Lending.Lease(t.Context(), w.ann, lending.LeaseRequest{Location: w.location.ID, Access: write, Policy: long})).Lease, 0
	for ; before < keyhatch.MaxAncestors; before++ {
		lent, err := w.Broker.Lending.Relend(context.Background(), l, lending.LeaseRequest{Location: w.location.ID, Access: write, Policy: long})
		if err != nil {
			wantFail(t, "one too many", err, keyhatch.Invalid, keyhatch.CodePolicyTooLarge, "policy")
			break
		}
		l = lent.Lease
	}
	if before == 0 || before == keyhatch.MaxAncestors {
		t.Errorf("%d long policies fit beside the first", before)
	}
}

// TestS8_ParentNotOnRecord: nothing is lent with a lease that is not on record, as
// after a return to an earlier state of the database.
func TestS8_ParentNotOnRecord(t *testing.T) {
	t.Parallel()
	w := newLab(t)
	l := get[lending.Lent](t)(w.lease(w.ann, w.location.ID, write)).Lease
	w.SQL(t, "delete from leases where id = ?", l.ID)
	_, err := w.Broker.Lending.Relend(t.Context(), l, lending.LeaseRequest{Location: w.location.ID, Access: read})
	wantFail(t, "a lease that is not on record", err, keyhatch.Forbidden, keyhatch.CodeStandingChanged, "")
}
