package db

import (
	"context"
	"iter"
	"unicode/utf8"

	"github.com/keyhatch/keyhatch"
)

const objectRequestColumns = "id, at, workspace, user_id, token, lease, store, operation, access, bucket, object_key, bytes, status, code, address, request_id"

func scanObjectRequest(row row) (r keyhatch.ObjectRequest, err error) {
	err = row.Scan(&r.ID, timeColumn{&r.At}, &r.Workspace, &r.User, &r.Token, &r.Lease, &r.Store, &r.Operation, &r.Access,
		&r.Bucket, &r.Key, &r.Bytes, &r.Status, &r.Code, &r.Address, &r.RequestID)
	return r, err
}

// InsertObjectRequests adds the requests of a batch, in their order.
func (t *Tx) InsertObjectRequests(ctx context.Context, batch string, requests []keyhatch.ObjectRequest) error {
	const insert = "insert into object_requests (" + objectRequestColumns + `, batch, seq)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`
	for i, r := range requests {
		err := t.exec(ctx, insert, r.ID, micros(r.At), r.Workspace, r.User, r.Token, r.Lease, r.Store, r.Operation, string(r.Access),
			r.Bucket, r.Key, r.Bytes, r.Status, r.Code, r.Address, r.RequestID, batch, i)
		if err != nil {
			return err
		}
	}
	return nil
}

// ObjectRequestFilter narrows a list of object requests; empty fields do not.
type ObjectRequestFilter struct {
	Store, Bucket string
	Prefix        keyhatch.Prefix // inside which the key is, or around which a list was
	User          string
	Access        keyhatch.Access
	From, Before  string // ids: not before the one, and before the other
}

// ObjectRequests lists object requests, newest first.
func (r Reader) ObjectRequests(ctx context.Context, f ObjectRequestFilter, p Page) ([]keyhatch.ObjectRequest, error) {
	var c conditions
	c.add("store = ?", f.Store)
	c.add("bucket = ?", f.Bucket)
	c.add("user_id = ?", f.User)
	c.add("access = ?", string(f.Access))
	c.add("id >= ?", f.From)
	c.add("id < ?", f.Before)
	c.add("id < ?", p.After)
	if prefix := string(f.Prefix); prefix != "" {
		// Who lists more than the prefix sees what is in it, too.
		c.always("(substr(object_key, 1, ?) = ? or operation in ('ListObjects', 'ListObjectsV2', 'ListObjectVersions', 'ListMultipartUploads') and substr(?, 1, length(object_key)) = object_key)",
			utf8.RuneCountInString(prefix), prefix, prefix)
	}
	return many(ctx, r, scanObjectRequest, "select "+objectRequestColumns+" from object_requests"+c.sql("order by id desc limit ?", p.Limit), c.args...)
}

// ObjectRequestBatch is the requests that one event vouches for.
type ObjectRequestBatch struct {
	Event    string
	Requests []keyhatch.ObjectRequest
}

// ObjectRequestBatches yields every batch, in the order of their events' ids.
func (r Reader) ObjectRequestBatches(ctx context.Context) iter.Seq2[ObjectRequestBatch, error] {
	return func(yield func(ObjectRequestBatch, error) bool) {
		rows, err := r.q.QueryContext(ctx, "select batch, "+objectRequestColumns+" from object_requests order by batch, seq")
		if err != nil {
			yield(ObjectRequestBatch{}, dbError(err))
			return
		}
		defer rows.Close()
		var b ObjectRequestBatch
		for rows.Next() {
			var event string
			request, err := scanObjectRequest(behind{rows, &event})
			if err != nil {
				yield(b, dbError(err))
				return
			}
			if event != b.Event {
				if b.Event != "" && !yield(b, nil) {
					return
				}
				b = ObjectRequestBatch{Event: event}
			}
			b.Requests = append(b.Requests, request)
		}
		if err := rows.Err(); err != nil || b.Event != "" {
			yield(b, dbError(err))
		}
	}
}

// behind is a row with one column before those that are scanned.
type behind struct {
	row
	first any
}

func (b behind) Scan(dest ...any) error { return b.row.Scan(append([]any{b.first}, dest...)...) }
