package ground

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/audit"
	"github.com/keyhatch/keyhatch/db"
)

// Suite is one part's database with what every part needs.
type Suite struct {
	*db.DB
	T     *testing.T
	ticks int // how often Now was asked
}

// Part is a part of the suite.
type Part struct {
	Name string
	Test func(*testing.T, *Suite)
}

// Run runs the parts beside each other, each on a database of its own.
func Run(t *testing.T, open func(*testing.T) *db.DB, parts []Part) {
	for _, part := range parts {
		t.Run(part.Name, func(t *testing.T) {
			t.Parallel()
			part.Test(t, &Suite{DB: open(t), T: t})
		})
	}
}

// Ctx lives as long as the part.
func (s *Suite) Ctx() context.Context { return s.T.Context() }

// BeginRecord gives the database its audit key and the registry of an
// installation.
func (s *Suite) BeginRecord() {
	s.T.Helper()
	s.UseAuditKey(mac)
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.BeginRecord(ctx) })
}

// Do runs fn in a write and fails the test when it fails.
func (s *Suite) Do(fn func(ctx context.Context, tx *db.Tx) error) {
	s.T.Helper()
	if err := s.Try(fn); err != nil {
		s.T.Fatal(err)
	}
}

// Try runs fn in a write.
func (s *Suite) Try(fn func(ctx context.Context, tx *db.Tx) error) error {
	return s.Write(s.Ctx(), func(tx *db.Tx) error { return fn(s.Ctx(), tx) })
}

// WantFail checks kind and code of an error.
func WantFail(t *testing.T, what string, err error, kind keyhatch.Kind, code keyhatch.Code) {
	t.Helper()
	var e *keyhatch.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Code != code {
		t.Errorf("%s: got error %v, want %s with code %s", what, err, kind, code)
	}
}

// OK stops the test on an error and returns the value.
func OK[T any](t *testing.T) func(T, error) T {
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

// ErrUndo ends a write that is only tried.
var ErrUndo = errors.New("undo")

// StoredUser stores a user for a membership to name.
func (s *Suite) StoredUser() string {
	u := s.NewUser()
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.InsertUser(ctx, u) })
	return u.ID
}

// WantWhole verifies the record and counts what is in it.
func (s *Suite) WantWhole(t *testing.T, chains, events int) {
	t.Helper()
	report := OK[audit.Report](t)(verify(s.Ctx(), s.DB))
	for _, f := range report.Findings {
		t.Errorf("the record is damaged: %s", f)
	}
	if report.Chains != chains || report.Events != int64(events) {
		t.Errorf("the record has %d events in %d chains, want %d in %d", report.Events, report.Chains, events, chains)
	}
}

func verify(ctx context.Context, d *db.DB) (report audit.Report, err error) {
	err = d.Snapshot(ctx, func(r db.Reader) error {
		registry, err := r.AuditRegistry(ctx)
		if err != nil {
			return err
		}
		heads, err := r.AuditHeads(ctx)
		if err != nil {
			return err
		}
		report, err = audit.Verify(mac, registry, heads, r.EventsOfAction(ctx, "audit.checkpoint"), r.AllEvents(ctx))
		return err
	})
	return report, err
}
