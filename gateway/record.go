package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/keyhatch/keyhatch"
)

// noteAfter is how long a request may run before it goes on record as one that
// is under way, so that a crash does not lose what was being read for long.
const noteAfter = 250 * time.Millisecond

const (
	// recordWithin is how long a request may wait for those before it to be put on
	// record.
	recordWithin = 5 * time.Second
	// recordAgain is how often it looks.
	recordAgain = 20 * time.Millisecond
)

// awaitRecord waits until what was asked before is on record, so that a disk that
// is busy for a moment delays requests and does not fail them. What ready says last
// is the reason for giving up.
func awaitRecord(ctx context.Context, ready func() error) error {
	err := ready()
	if err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, recordWithin)
	defer cancel()
	tick := time.NewTicker(recordAgain)
	defer tick.Stop()
	for err != nil {
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
			err = ready()
		}
	}
	return nil
}

// begin watches a request that was let in.
func (g *Gateway) begin(a *answer, r *http.Request, v *visit) {
	request := v.record(r)
	request.RequestID = a.id
	v.underWay = time.AfterFunc(noteAfter, func() { g.Objects.Note(request) })
}

// record puts a request on record: in the log if that is wanted, and in the
// audit record when it is known whose it is.
func (g *Gateway) record(a *answer, r *http.Request, v *visit) {
	request := v.record(r)
	request.Status, request.Code, request.RequestID, request.Bytes = a.status, a.code, a.id, a.bytes
	switch {
	case a.status >= http.StatusBadRequest:
		request.Bytes = 0 // those were the refusal's
	case v.body != nil && v.operation.body == data:
		request.Bytes = v.body.Len()
	}
	if g.RequestLog != nil {
		g.RequestLog.LogAttrs(r.Context(), slog.LevelInfo, "s3",
			slog.String("operation", v.name), slog.String("bucket", request.Bucket), slog.String("key", request.Key),
			slog.Int("status", a.status), slog.String("code", a.code), slog.Int64("bytes", request.Bytes),
			slog.String("lease", request.Lease), slog.String("user", request.User), slog.String("address", request.Address),
			slog.Int64("ms", time.Since(a.begun).Milliseconds()), slog.String("request_id", a.id))
	}
	if v.underWay != nil {
		v.underWay.Stop()
	}
	if v.lease.ID == "" {
		return
	}
	all := []keyhatch.ObjectRequest{request}
	if v.copies {
		from := request
		from.Bucket, from.Key, from.Access, from.Bytes = v.source.bucket, v.source.key, keyhatch.Read, 0
		all = append(all, from)
	}
	if len(v.touched) > 0 { // each key of a batch, instead of the batch
		all = v.touched
	}
	g.Objects.Note(all...)
}

// record is what is known of the request before its end.
func (v *visit) record(r *http.Request) keyhatch.ObjectRequest {
	key := v.key
	if v.level == bucket {
		key = v.prefix
	}
	return keyhatch.ObjectRequest{
		Workspace: v.lease.Workspace, User: v.lease.User, Token: v.lease.Token, Lease: v.lease.ID, Store: v.lease.Store,
		Operation: v.name, Access: v.access, Bucket: v.request.bucket, Key: key,
		Address: keyhatch.OriginOf(r.Context()).AddressText(),
	}
}

// touch notes what became of one key of a batch.
func (v *visit) touch(a *answer, r *http.Request, key string, status int, code string) {
	request := v.record(r)
	request.Key, request.Status, request.Code, request.RequestID = key, status, code, a.id
	v.touched = append(v.touched, request)
}
