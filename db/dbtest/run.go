package dbtest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
)

// Run tests an engine. open makes an empty database of the current schema, with
// no audit key, and closes it when its test ends; closing it before must be
// allowed.
func Run(t *testing.T, open func(t *testing.T) *db.DB) {
	for _, part := range []struct {
		name string
		test func(*testing.T, *suite)
	}{
		{"Installation", testInstallation},
		{"Users", testUsers},
		{"Workspaces", testWorkspaces},
		{"WorkspaceMembers", testWorkspaceMembers},
		{"Groups", testGroups},
		{"Teamspaces", testTeamspaces},
		{"CircleMembers", testCircleMembers},
		{"Tokens", testTokens},
		{"Credentials", testCredentials},
		{"Stores", testStores},
		{"S3Stores", testS3Stores},
		{"Buckets", testBuckets},
		{"Locations", testLocations},
		{"Grants", testGrants},
		{"Leases", testLeases},
		{"LeasesBorrowedWith", testLeasesBorrowedWith},
		{"StrangeText", testStrangeText},
		{"InUse", testInUse},
		{"DeletedWith", testDeletedWith},
		{"SeenBy", testSeenBy},
		{"Reach", testReach},
		{"OverlappingLocation", testOverlap},
		{"Events", testEvents},
		{"ObjectRequests", testObjectRequests},
		{"ObjectRequestsInPages", testObjectRequestsInPages},
		{"EventsOf", testEventsOf},
		{"EventsInPages", testEventsInPages},
		{"GenuineEvent", testGenuineEvent},
		{"S8_NoAuditKey", testNoAuditKey},
		{"S1_ChainAfterFailures", testChainAfterFailures},
		{"ChangeFeed", testFeed},
		{"ChangeFeedPruned", testFeedPruned},
		{"ConcurrentWrites", testConcurrentWrites},
		{"WriteIsAllOrNothing", testAllOrNothing},
		{"IDTaken", testIDTaken},
		{"CancelledBefore", testCancelledBefore},
		{"CancelledWhileWaiting", testCancelledWhileWaiting},
		{"WriteAfterClose", testWriteAfterClose},
		{"CloseAmongWrites", testCloseAmongWrites},
		{"Isolation", testIsolation},
		{"Snapshot", testSnapshot},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			part.test(t, &suite{DB: open(t), t: t})
		})
	}
}

// suite is one part's database with what every part needs.
type suite struct {
	*db.DB
	t   *testing.T
	now clock
}

func (s *suite) ctx() context.Context { return s.t.Context() }

// beginRecord gives the database its audit key and the registry of an
// installation.
func (s *suite) beginRecord() {
	s.t.Helper()
	s.UseAuditKey(mac)
	s.write(func(ctx context.Context, tx *db.Tx) error { return tx.BeginRecord(ctx) })
}

// write runs fn and fails the test when it fails.
func (s *suite) write(fn func(ctx context.Context, tx *db.Tx) error) {
	s.t.Helper()
	if err := s.try(fn); err != nil {
		s.t.Fatal(err)
	}
}

func (s *suite) try(fn func(ctx context.Context, tx *db.Tx) error) error {
	return s.Write(s.ctx(), func(tx *db.Tx) error { return fn(s.ctx(), tx) })
}

// wantFail checks kind and code of an error.
func wantFail(t *testing.T, what string, err error, kind keyhatch.Kind, code keyhatch.Code) {
	t.Helper()
	var e *keyhatch.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Code != code {
		t.Errorf("%s: got error %v, want %s with code %s", what, err, kind, code)
	}
}

// ok stops the test on an error and returns the value.
func ok[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// mac keys the record of the suite's databases.
func mac(data []byte) keyhatch.Hash {
	h := hmac.New(sha256.New, []byte("a key of the suite"))
	h.Write(data)
	return h.Sum(nil)
}
