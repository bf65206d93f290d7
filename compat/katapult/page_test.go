package katapult

import (
	"errors"
	"iter"
	"testing"

	"github.com/keyhatch/keyhatch/compat/katapult/arguments"
)

// numbers counts how many of its items were asked for.
func numbers(n int, asked *int, end error) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			*asked++
			if !yield(i, nil) {
				return
			}
		}
		if end != nil {
			yield(0, end)
		}
	}
}

// TestPaged: of a large set it is not told how large it is, nor found out.
func TestPaged(t *testing.T) {
	for _, tc := range []struct {
		n, page, size int
		first, items  int
		pages, total  int // -1: null
		asked         int
	}{
		{0, 1, 30, 0, 0, 0, 0, 0},
		{1, 1, 30, 0, 1, 1, 1, 1},
		{30, 1, 30, 0, 30, 1, 30, 30},
		{31, 2, 30, 30, 1, 2, 31, 31},
		{31, 3, 30, 0, 0, 2, 31, 31},
		{1000, 5, 200, 800, 200, 5, 1000, 1000},
		{1001, 1, 200, 0, 200, -1, -1, 1001},
		{5000, 1, 1, 0, 1, -1, -1, 1001},
		{5000, 10, 200, 1800, 200, -1, -1, 2000},
		{5000, 26, 200, 0, 0, -1, -1, 5000},
		{5, 1 << 62, 200, 0, 0, 1, 5, 5},
	} {
		asked := 0
		items, p, err := paged(arguments.Values{"page": int64(tc.page), "per_page": int64(tc.size)}, numbers(tc.n, &asked, nil), func(i int) int { return i })
		if err != nil {
			t.Fatal(err)
		}
		value := func(v *int64) int {
			if v == nil {
				return -1
			}
			return int(*v)
		}
		if len(items) != tc.items || items == nil || len(items) > 0 && items[0] != tc.first || value(p.TotalPages) != tc.pages || value(p.Total) != tc.total ||
			p.LargeSet != (tc.pages < 0) || p.CurrentPage != int64(tc.page) || p.PerPage != int64(tc.size) || asked != tc.asked {
			t.Errorf("page %d of %d by %d: %d items, %+v, asked for %d", tc.page, tc.n, tc.size, len(items), p, asked)
		}
	}
	asked := 0
	if _, _, err := paged(arguments.Values{"page": int64(1), "per_page": int64(1)}, numbers(3, &asked, errors.ErrUnsupported), func(i int) int { return i }); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a list that breaks off is %v", err)
	}
}
