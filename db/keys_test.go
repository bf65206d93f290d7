package db

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
)

// TestKeysetsAreReplacedOnce: who has read a keyset that is another one by now changes
// nothing.
func TestKeysetsAreReplacedOnce(t *testing.T) {
	t.Parallel()
	d := openNew(t)
	first := keyhatch.Keyset{Name: "columns", KEK: "kek_1", Wrapped: []byte("one"), CreatedAt: time.UnixMicro(1).UTC()}
	write := func(fn func(context.Context, *Tx) error) error {
		return d.Write(t.Context(), func(tx *Tx) error { return fn(t.Context(), tx) })
	}
	if err := write(func(ctx context.Context, tx *Tx) error { return tx.InsertKeyset(ctx, first) }); err != nil {
		t.Fatal(err)
	}
	second, third := first, first
	second.Wrapped, third.Wrapped, third.KEK = []byte("two"), []byte("three"), "kek_3"
	stored := func(name string, want keyhatch.Keyset, told int) {
		t.Helper()
		sets, err := d.Keysets(t.Context())
		changes, err2 := d.ChangesAfter(t.Context(), 0)
		changes = slices.DeleteFunc(changes, func(c Change) bool { return c.Kind != KeysetChanged || c.ID != "columns" })
		if diff := cmp.Diff([]keyhatch.Keyset{want}, sets); diff != "" || len(changes) != told || err != nil || err2 != nil {
			t.Errorf("%s: %d changes, %v %v (-want +got):\n%s", name, len(changes), err, err2, diff)
		}
	}
	for _, c := range []struct {
		name          string
		replace       func(*Tx, context.Context, keyhatch.Keyset, keyhatch.Keyset) error
		before, after keyhatch.Keyset
		want          error
		stored        keyhatch.Keyset
		told          int
	}{
		{"replaced", (*Tx).ReplaceKeyset, first, second, nil, second, 1},
		{"by who has the first", (*Tx).ReplaceKeyset, first, third, keyhatch.Conflict, second, 1},
		{"wrapped by who has the first", (*Tx).RewrapKeyset, first, third, keyhatch.Conflict, second, 1},
		{"wrapped", (*Tx).RewrapKeyset, second, third, nil, third, 1},
	} {
		err := write(func(ctx context.Context, tx *Tx) error { return c.replace(tx, ctx, c.before, c.after) })
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		stored(c.name, c.stored, c.told)
	}
}
