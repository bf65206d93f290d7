package dbtest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"pgregory.net/rapid"
)

// errUndo ends a write that is only tried.
var errUndo = errors.New("undo")

// testOverlap compares OverlappingLocation with a model that looks at every
// location of the bucket. The segments are those whose first bytes sort around
// the slash, where an engine's order of texts shows.
func testOverlap(t *testing.T, s *suite) {
	w := s.world()
	other := s.newBucket(w.ws.ID, w.store.ID)
	s.write(func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.DeleteLocation(ctx, w.location)
		return errors.Join(err, tx.InsertBucket(ctx, other))
	})
	segment := rapid.SampledFrom([]string{"a", "a-b", "a0", "ab", "a.b", "A", "a ", "b", "é", "\U0010ffff", "-", "0", "zz"})
	prefix := rapid.Custom(func(t *rapid.T) keyhatch.Prefix {
		segments := rapid.SliceOfN(segment, 0, 3).Draw(t, "segments")
		return keyhatch.Prefix(strings.Join(append(segments, ""), "/"))
	})
	rapid.Check(t, func(t *rapid.T) {
		stored := rapid.SliceOfNDistinct(prefix, 0, 6, rapid.ID[keyhatch.Prefix]).Draw(t, "stored")
		asked := rapid.SliceOfN(prefix, 1, 6).Draw(t, "asked")
		err := s.try(func(ctx context.Context, tx *db.Tx) error {
			for _, b := range []keyhatch.Bucket{w.bucket, other} { // the same in another bucket does not count
				for _, p := range stored {
					if b == other {
						p = "other/" + p
					}
					l := s.newLocation(b, w.user.ID)
					l.Prefix = p
					if err := tx.InsertLocation(ctx, l); err != nil {
						return err
					}
				}
			}
			for _, p := range asked {
				found, got, err := tx.OverlappingLocation(ctx, w.bucket.ID, p)
				if err != nil {
					return err
				}
				want := false
				for _, q := range stored {
					want = want || strings.HasPrefix(string(p), string(q)) || strings.HasPrefix(string(q), string(p))
				}
				if got != want {
					t.Errorf("beside %q, %q overlaps: %v, want %v", stored, p, got, want)
				}
				if got && !strings.HasPrefix(string(found.Prefix), string(p)) && !strings.HasPrefix(string(p), string(found.Prefix)) {
					t.Errorf("%q does not overlap %q", p, found.Prefix)
				}
			}
			return errUndo
		})
		if !errors.Is(err, errUndo) {
			t.Fatal(err)
		}
	})
}
