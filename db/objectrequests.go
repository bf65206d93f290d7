package db

import (
	"context"
	"iter"
	"unicode/utf8"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/audit"
)

const objectRequestColumns = "id, at, workspace, user_id, token, lease, pair, store, operation, access, bucket, object_key, bytes, status, code, address, request_id"

func scanObjectRequest(row row) (r keyhatch.ObjectRequest, err error) {
	err = row.Scan(&r.ID, timeColumn{&r.At}, &r.Workspace, &r.User, &r.Token, &r.SignedBy, &r.Pair, &r.Store, &r.Operation, &r.Access,
		&r.Bucket, &r.Key, &r.Bytes, &r.Status, &r.Code, &r.Address, &r.RequestID)
	return r, err
}

// InsertObjectRequests adds the requests of a batch, in their order.
func (t *Tx) InsertObjectRequests(ctx context.Context, batch string, requests []keyhatch.ObjectRequest) error {
	const insert = "insert into object_requests (" + objectRequestColumns + `, batch, seq)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`
	for i, r := range requests {
		err := t.exec(ctx, insert, r.ID, micros(r.At), r.Workspace, r.User, r.Token, r.SignedBy, r.Pair, r.Store, r.Operation, string(r.Access),
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

// verifyPage is how many rows are read at a time of what may be of any length. No
// statement stays open between two pages: an engine may allow one at a time.
const verifyPage = 1000

// RecordedObjectRequests yields every object request, batch by batch in the order
// of their events' ids, and in each in its order.
func (r Reader) RecordedObjectRequests(ctx context.Context) iter.Seq2[audit.ObjectRow, error] {
	return func(yield func(audit.ObjectRow, error) bool) {
		event, seq := "", int64(-1)
		for {
			page, err := many(ctx, r, func(row row) (numbered, error) {
				var n numbered
				var err error
				n.ObjectRequest, err = scanObjectRequest(behind{row, []any{&n.Event, &n.seq}})
				return n, err
			}, "select batch, seq, "+objectRequestColumns+" from object_requests where (batch, seq) > ($1, $2) order by batch, seq limit $3", event, seq, verifyPage)
			if err != nil {
				yield(audit.ObjectRow{}, err)
				return
			}
			for _, n := range page {
				if !yield(n.ObjectRow, nil) {
					return
				}
				event, seq = n.Event, n.seq
			}
			if len(page) < verifyPage {
				return
			}
		}
	}
}

type numbered struct {
	audit.ObjectRow
	seq int64
}

// ObjectRequestsOf returns the requests of a batch in their order, at most so many.
func (r Reader) ObjectRequestsOf(ctx context.Context, batch string, limit int) ([]keyhatch.ObjectRequest, error) {
	return many(ctx, r, scanObjectRequest, "select "+objectRequestColumns+" from object_requests where batch = $1 order by seq limit $2", batch, limit)
}

// DeleteObjectRequests removes the requests of a batch and tells how many there
// were.
func (t *Tx) DeleteObjectRequests(ctx context.Context, batch string) (int64, error) {
	result, err := t.q.ExecContext(ctx, "delete from object_requests where batch = $1", batch)
	if err != nil {
		return 0, dbError(err)
	}
	n, err := result.RowsAffected()
	return n, dbError(err)
}

// behind is a row with columns before those that are scanned.
type behind struct {
	row
	first []any
}

func (b behind) Scan(dest ...any) error { return b.row.Scan(append(b.first, dest...)...) }
