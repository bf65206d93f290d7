package writes

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dbtest/ground"
)

// testFeed: the numbers of the feed are 1, 2, 3 … in the order of the writes,
// whatever was undone between them.
func testFeed(t *testing.T, s *ground.Suite) {
	var want []db.Change
	for i := range 9 {
		w := s.NewWorkspace()
		err := s.Try(func(ctx context.Context, tx *db.Tx) error {
			if err := tx.InsertWorkspace(ctx, w); err != nil {
				return err
			}
			if i%3 == 1 {
				return ground.ErrUndo
			}
			return nil
		})
		if (err != nil) != (i%3 == 1) {
			t.Fatal(err)
		}
		if err == nil {
			want = append(want, db.Change{Seq: int64(len(want) + 1), Kind: db.WorkspaceChanged, ID: w.ID, Workspace: w.ID})
		}
	}
	if diff := cmp.Diff(want, ground.OK[[]db.Change](t)(s.ChangesAfter(s.Ctx(), 0))); diff != "" {
		t.Errorf("change feed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[4:], ground.OK[[]db.Change](t)(s.ChangesAfter(s.Ctx(), 4))); diff != "" {
		t.Errorf("change feed after the 4th (-want +got):\n%s", diff)
	}
	if first, last := firstChange(t, s), ground.OK[int64](t)(s.LastChange(s.Ctx())); first != 1 || last != int64(len(want)) {
		t.Errorf("the feed goes from %d to %d", first, last)
	}
}

// testFeedPruned: the newest line stays, so that no number is given twice.
func testFeedPruned(t *testing.T, s *ground.Suite) {
	if first, last := firstChange(t, s), ground.OK[int64](t)(s.LastChange(s.Ctx())); first != 0 || last != 0 {
		t.Errorf("an empty feed goes from %d to %d", first, last)
	}
	prune := func(before time.Time) {
		t.Helper()
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.PruneChanges(ctx, before)
			return err
		})
	}
	prune(time.Now())
	for range 3 {
		s.StoredUser()
	}
	prune(time.Now().Add(-time.Hour))
	if first := firstChange(t, s); first != 1 {
		t.Errorf("young lines were pruned: the feed begins at %d", first)
	}
	prune(time.Now().Add(time.Hour))
	if first, last := firstChange(t, s), ground.OK[int64](t)(s.LastChange(s.Ctx())); first != 3 || last != 3 {
		t.Errorf("the pruned feed goes from %d to %d, want 3 to 3", first, last)
	}
	s.StoredUser()
	if last := ground.OK[int64](t)(s.LastChange(s.Ctx())); last != 4 {
		t.Errorf("the number after 3 is %d", last)
	}
}

// firstChange is the number of the oldest line that is kept, 0 for none.
func firstChange(t *testing.T, s *ground.Suite) int64 {
	t.Helper()
	for _, c := range ground.OK[[]db.Change](t)(s.ChangesAfter(s.Ctx(), 0)) {
		return c.Seq
	}
	return 0
}
