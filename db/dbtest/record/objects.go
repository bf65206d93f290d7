package record

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/audit"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dbtest/ground"
)

// newObjectRequest is one on a key of the bucket "objects", unlike any other.
func newObjectRequest(s *ground.Suite, key string) keyhatch.ObjectRequest {
	id := s.ID(keyhatch.ObjectRequestID)
	return keyhatch.ObjectRequest{
		ID: id, At: s.Now(), Workspace: "ws", User: "ann", Token: "tok", SignedBy: "lease", Pair: "KHAK" + id, Store: "store", Operation: "GetObject",
		Access: keyhatch.Read, Bucket: "objects", Key: key, Bytes: 1 << 40, Status: 206, Code: "", Address: "192.0.2.1", RequestID: "R" + id,
	}
}

func testObjectRequests(t *testing.T, s *ground.Suite) {
	inside, at, beside := newObjectRequest(s, "größe/a b"), newObjectRequest(s, "größe/"), newObjectRequest(s, "größer")
	around, narrow := newObjectRequest(s, "grö"), newObjectRequest(s, "größe/a")
	around.Operation, narrow.Operation = "ListObjectsV2", "ListObjectVersions"
	written := newObjectRequest(s, "größe/a b")
	written.User, written.Access, written.Operation, written.Status, written.Code = "bob", keyhatch.Write, "PutObject", 403, "AccessDenied"
	elsewhere, foreign := newObjectRequest(s, "größe/a b"), newObjectRequest(s, "größe/a b")
	elsewhere.Bucket, foreign.Store = "other", "another"
	first, second := []keyhatch.ObjectRequest{inside, at, beside, around}, []keyhatch.ObjectRequest{narrow, written, elsewhere, foreign}
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.InsertObjectRequests(ctx, "event_1", first) })
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.InsertObjectRequests(ctx, "event_2", second) })

	place := db.ObjectRequestFilter{Store: "store", Bucket: "objects", Prefix: "größe/"}
	with := func(change func(*db.ObjectRequestFilter)) db.ObjectRequestFilter {
		f := place
		change(&f)
		return f
	}
	for _, c := range []struct {
		what   string
		filter db.ObjectRequestFilter
		page   db.Page
		want   []keyhatch.ObjectRequest
	}{
		{"a place", place, db.Everything, []keyhatch.ObjectRequest{written, narrow, around, at, inside}},
		{"a page", place, db.Page{After: narrow.ID, Limit: 2}, []keyhatch.ObjectRequest{around, at}},
		{"a whole bucket", db.ObjectRequestFilter{Store: "store", Bucket: "other"}, db.Everything, []keyhatch.ObjectRequest{elsewhere}},
		{"a user", with(func(f *db.ObjectRequestFilter) { f.User = "bob" }), db.Everything, []keyhatch.ObjectRequest{written}},
		{"reading", with(func(f *db.ObjectRequestFilter) { f.Access = keyhatch.Read }), db.Everything, []keyhatch.ObjectRequest{narrow, around, at, inside}},
		{"from one on", with(func(f *db.ObjectRequestFilter) { f.From = narrow.ID }), db.Everything, []keyhatch.ObjectRequest{written, narrow}},
		{"before one", with(func(f *db.ObjectRequestFilter) { f.Before = at.ID }), db.Everything, []keyhatch.ObjectRequest{inside}},
	} {
		if diff := cmp.Diff(c.want, ground.OK[[]keyhatch.ObjectRequest](t)(s.ObjectRequests(s.Ctx(), c.filter, c.page))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.what, diff)
		}
	}

	var rows, want []audit.ObjectRow
	for row, err := range s.RecordedObjectRequests(s.Ctx()) {
		rows = append(rows, ground.OK[audit.ObjectRow](t)(row, err))
	}
	for _, r := range first {
		want = append(want, audit.ObjectRow{Event: "event_1", ObjectRequest: r})
	}
	for _, r := range second {
		want = append(want, audit.ObjectRow{Event: "event_2", ObjectRequest: r})
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	for limit, want := range map[int][]keyhatch.ObjectRequest{3: second[:3], 100: second} {
		if diff := cmp.Diff(want, ground.OK[[]keyhatch.ObjectRequest](t)(s.ObjectRequestsOf(s.Ctx(), "event_2", limit))); diff != "" {
			t.Errorf("%d of a batch (-want +got):\n%s", limit, diff)
		}
	}

	// An id that is taken is made anew, with everything that the write did.
	tries := 0
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		tries++
		again := slices.Clone(first)
		for i := range again {
			again[i].ID = keyhatch.NewID(keyhatch.ObjectRequestID, time.Now())
		}
		if tries == 1 {
			again[2].ID = first[2].ID
		}
		return tx.InsertObjectRequests(ctx, "event_3", again)
	})
	if tries != 2 {
		t.Errorf("the write was tried %d times", tries)
	}
}

// testObjectRequestsInPages: more rows than are read at a time come all, once and in
// order, also when a batch goes on in another page; a batch is removed whole.
func testObjectRequestsInPages(t *testing.T, s *ground.Suite) {
	var want []string
	for _, batch := range []struct {
		event string
		size  int
	}{{"event_1", 700}, {"event_2", 1}, {"event_3", 1500}, {"event_4", 800}} {
		requests := make([]keyhatch.ObjectRequest, batch.size)
		for i := range requests {
			requests[i] = newObjectRequest(s, "k")
			want = append(want, batch.event+" "+requests[i].ID)
		}
		s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.InsertObjectRequests(ctx, batch.event, requests) })
	}
	all := func() (got []string) {
		for row, err := range s.RecordedObjectRequests(s.Ctx()) {
			got = append(got, row.Event+" "+ground.OK[audit.ObjectRow](t)(row, err).ID)
		}
		return got
	}
	if diff := cmp.Diff(want, all()); diff != "" {
		t.Errorf("in pages (-want +got):\n%s", diff)
	}
	for event, size := range map[string]int64{"event_3": 1500, "event_none": 0} {
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			if n := ground.OK[int64](t)(tx.DeleteObjectRequests(ctx, event)); n != size {
				t.Errorf("%d of %s were removed, want %d", n, event, size)
			}
			return nil
		})
	}
	want = slices.DeleteFunc(want, func(row string) bool { return strings.HasPrefix(row, "event_3") })
	if diff := cmp.Diff(want, all()); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
}
