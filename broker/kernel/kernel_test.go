package kernel_test

import (
	"errors"
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// TestEvents: a use case that records no event is undone: it has a fault.
func TestEvents(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	k := kernel.New(c.DB, c.Mirror, c.Keys, nil, 100)
	for events := range 4 {
		before := c.Dump(t)
		err := k.Change(t.Context(), c.Admin, func(w *kernel.Work) error {
			err := w.Tx.InsertWorkspace(w.Ctx, keyhatch.Workspace{ID: fmt.Sprintf("ws_%d", events), Name: fmt.Sprintf("w%d", events), CreatedAt: w.Now})
			for range events {
				err = errors.Join(err, w.Record("test.do", "", "target", nil))
			}
			return err
		})
		if kept := !gocmp.Equal(before, c.Dump(t)); kept != (events > 0) || (err == nil) != (events > 0) {
			t.Errorf("with %d events: kept is %v, error %v", events, kept, err)
		}
	}
}

// TestPaged: how many are fetched and given for what is asked.
func TestPaged(t *testing.T) {
	t.Parallel()
	id := func(n int) string { return fmt.Sprintf("user_%015d", n) }
	for _, c := range []struct {
		asked   kernel.Page
		stored  int
		fetched int // asked of the table
		given   int
		next    string
	}{
		{kernel.Page{}, 5, 101, 5, ""},
		{kernel.Page{Limit: -1}, 5, 101, 5, ""},
		{kernel.Page{}, 101, 101, 100, id(99)},
		{kernel.Page{Limit: 5}, 5, 6, 5, ""},
		{kernel.Page{Limit: 5}, 6, 6, 5, id(4)},
		{kernel.Page{Limit: 1, After: id(7)}, 2, 2, 1, id(0)},
		{kernel.Page{Limit: 1 << 40}, 2000, 1001, 1000, id(999)},
	} {
		list, err := kernel.Paged(c.asked, keyhatch.UserID, id, func(p kernel.Page) (out []int, err error) {
			if p.Limit != c.fetched || p.After != c.asked.After {
				t.Errorf("%+v: fetches %+v", c.asked, p)
			}
			for n := range min(c.stored, p.Limit) {
				out = append(out, n)
			}
			return out, nil
		})
		if err != nil || len(list.Items) != c.given || list.Next != c.next {
			t.Errorf("%+v: %d items, next %q, %v", c.asked, len(list.Items), list.Next, err)
		}
	}
	for _, cursor := range []string{"x", "loc_000000000000000", "user_", "user_00000000000000'"} {
		_, err := kernel.Paged(kernel.Page{After: cursor}, keyhatch.UserID, id, func(kernel.Page) ([]int, error) {
			t.Errorf("%q was fetched", cursor)
			return nil, nil
		})
		var e *keyhatch.Error
		if !errors.As(err, &e) || e.Kind != keyhatch.Invalid || e.Code != keyhatch.CodeInvalidCursor || e.Field != "cursor" {
			t.Errorf("%q: %v", cursor, err)
		}
	}
}
