package dbtest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
)

// newObjectRequest is one on a key of the bucket "objects", unlike any other.
func (s *suite) newObjectRequest(key string) keyhatch.ObjectRequest {
	id := s.id(keyhatch.ObjectRequestID)
	return keyhatch.ObjectRequest{
		ID: id, At: s.now.next(), Workspace: "ws", User: "ann", Token: "tok", Lease: "lease", Store: "store", Operation: "GetObject",
		Access: keyhatch.Read, Bucket: "objects", Key: key, Bytes: 1 << 40, Status: 206, Code: "", Address: "192.0.2.1", RequestID: "R" + id,
	}
}

func testObjectRequests(t *testing.T, s *suite) {
	inside, at, beside := s.newObjectRequest("größe/a b"), s.newObjectRequest("größe/"), s.newObjectRequest("größer")
	around, narrow := s.newObjectRequest("grö"), s.newObjectRequest("größe/a")
	around.Operation, narrow.Operation = "ListObjectsV2", "ListObjectVersions"
	written := s.newObjectRequest("größe/a b")
	written.User, written.Access, written.Operation, written.Status, written.Code = "bob", keyhatch.Write, "PutObject", 403, "AccessDenied"
	elsewhere, foreign := s.newObjectRequest("größe/a b"), s.newObjectRequest("größe/a b")
	elsewhere.Bucket, foreign.Store = "other", "another"
	first, second := []keyhatch.ObjectRequest{inside, at, beside, around}, []keyhatch.ObjectRequest{narrow, written, elsewhere, foreign}
	s.write(func(ctx context.Context, tx *db.Tx) error { return tx.InsertObjectRequests(ctx, "event_1", first) })
	s.write(func(ctx context.Context, tx *db.Tx) error { return tx.InsertObjectRequests(ctx, "event_2", second) })

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
		if diff := cmp.Diff(c.want, ok[[]keyhatch.ObjectRequest](t)(s.ObjectRequests(s.ctx(), c.filter, c.page))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.what, diff)
		}
	}

	var batches []db.ObjectRequestBatch
	for b, err := range s.ObjectRequestBatches(s.ctx()) {
		if err != nil {
			t.Fatal(err)
		}
		batches = append(batches, b)
	}
	want := []db.ObjectRequestBatch{{Event: "event_1", Requests: first}, {Event: "event_2", Requests: second}}
	if diff := cmp.Diff(want, batches); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}

	// An id that is taken is made anew, with everything that the write did.
	tries := 0
	s.write(func(ctx context.Context, tx *db.Tx) error {
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
