package dbtest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dbtest/ground"
	"pgregory.net/rapid"
)

// testOverlap compares OverlappingLocation with a model that looks at every
// location of the bucket. The segments are those whose first bytes sort around
// the slash, where an engine's order of texts shows.
func testOverlap(t *testing.T, s *suite) {
	w := s.world()
	other := s.newBucket(w.ws.ID, w.store.ID)
	s.Do(func(ctx context.Context, tx *db.Tx) error {
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
		asked := []keyhatch.Prefix{prefix.Draw(t, "asked")}
		for _, p := range stored { // what is above, beside and below
			asked = append(asked, p.Ancestors()...)
			asked = append(asked, p+keyhatch.Prefix(segment.Draw(t, "below"))+"/")
		}
		err := s.Try(func(ctx context.Context, tx *db.Tx) error {
			for _, p := range stored {
				l, beside := s.newLocation(w.bucket, w.user.ID), s.newLocation(other, w.user.ID)
				l.Prefix, beside.Prefix = p, "beside/"+p // the other bucket's do not count
				if err := errors.Join(tx.InsertLocation(ctx, l), tx.InsertLocation(ctx, beside)); err != nil {
					return err
				}
			}
			for _, p := range asked {
				found, got, err := tx.OverlappingLocation(ctx, w.bucket.ID, p)
				if err != nil {
					return err
				}
				want := false
				for _, q := range stored {
					want = want || share(p, q)
				}
				if got != want || got && !share(p, found.Prefix) {
					t.Errorf("beside %q, %q overlaps: %v (%q), want %v", stored, p, got, found.Prefix, want)
				}
			}
			return ground.ErrUndo
		})
		if !errors.Is(err, ground.ErrUndo) {
			t.Fatal(err)
		}
	})
}

// share tells whether some key begins with both.
func share(p, q keyhatch.Prefix) bool {
	return strings.HasPrefix(string(p), string(q)) || strings.HasPrefix(string(q), string(p))
}
