package gateway

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/gateway/classify"
)

// noteAfter is how long a request may run before it goes on record as one that
// is under way, so that a crash does not lose what was being read for long.
const noteAfter = 250 * time.Millisecond

const (
	// recordWithin is how long a request may wait for those before it to be put on
	// record, when they have not been for a second: disks that many use stall for as
	// long, and senders wait longer.
	recordWithin = 5 * time.Second
	// recordAgain is how often it looks.
	recordAgain = 20 * time.Millisecond
)

func (g *Gateway) awaitRecord(ctx context.Context) error {
	if err := awaitRecord(ctx, g.Objects.Ready); err != nil {
		return fmt.Errorf("%w: %w", errUnrecorded, err)
	}
	return nil
}

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

// begin watches a request that was let in, and again when it is known what it
// touches.
func (g *Gateway) begin(a *answer, r *http.Request, v *visit) {
	if v.underWay != nil {
		v.underWay.Stop()
	}
	request := v.record(r)
	request.RequestID = a.id
	all := v.all(request)
	v.underWay = time.AfterFunc(noteAfter, func() { g.Objects.Note(all...) })
}

// all are the records of a request: one, with what a copy reads, or of a batch one
// for each key.
func (v *visit) all(request keyhatch.ObjectRequest) []keyhatch.ObjectRequest {
	if len(v.touched) > 0 {
		return slices.Clone(v.touched)
	}
	if !v.Copies {
		return []keyhatch.ObjectRequest{request}
	}
	from := request
	from.Bucket, from.Key, from.Access, from.Bytes = v.Source.Bucket, v.Source.Key, keyhatch.Read, 0
	return []keyhatch.ObjectRequest{request, from}
}

// touched are the keys of a batch. The status is 0 while it is not known what
// became of one.
type touched []keyhatch.ObjectRequest

// became notes what became of a key.
func (t touched) became(key string, status int, code string) {
	for i := range t {
		if t[i].Key == key && t[i].Status == 0 {
			t[i].Status, t[i].Code = status, code
			return
		}
	}
}

// unknown are the keys of which it is not known what became of them.
func (t touched) unknown() map[string]bool {
	out := map[string]bool{}
	for _, r := range t {
		if r.Status == 0 {
			out[r.Key] = true
		}
	}
	return out
}

// record puts a request on record: in the log if that is wanted, and in the
// audit record when it is known whose it is.
func (g *Gateway) record(a *answer, r *http.Request, v *visit) {
	request := v.record(r)
	request.Status, request.Code, request.RequestID, request.Bytes = a.status, a.code, a.id, a.bytes
	switch {
	case a.status >= http.StatusBadRequest:
		request.Bytes = 0 // those were the refusal's
	case v.body != nil && v.Brings == classify.Data:
		request.Bytes = v.body.Len()
	}
	if err := a.standing.failure(); err != nil && request.Code == "" {
		request.Code = asS3(err).Code // it began well, and was broken off
	}
	if g.Watch != nil {
		g.Watch(v.Name, a.status, time.Since(a.begun))
	}
	if g.RequestLog != nil {
		g.RequestLog.LogAttrs(r.Context(), slog.LevelInfo, "s3",
			slog.String("operation", v.Name), slog.String("bucket", request.Bucket), slog.String("key", request.Key),
			slog.Int("status", a.status), slog.String("code", a.code), slog.Int64("bytes", request.Bytes),
			slog.String(strings.ReplaceAll(cmp.Or(v.by.what, lease), " ", "_"), request.SignedBy), slog.String("user", request.User), slog.String("address", request.Address),
			slog.Int64("ms", time.Since(a.begun).Milliseconds()), slog.String("request_id", a.id),
			slog.String("trace_id", keyhatch.OriginOf(r.Context()).Trace.ID()))
	}
	if v.underWay != nil {
		v.underWay.Stop()
	}
	if v.by.id == "" {
		return
	}
	for i := range v.touched { // what the store did not tell may have happened
		if v.touched[i].Status == 0 {
			v.touched[i].Status, v.touched[i].Code = a.status, a.code
		}
	}
	done, refused := v.outcome(v.all(request))
	g.Objects.Note(done...)
	g.Objects.NoteRefused(refused...)
}

// outcome parts the records of a request by whether they may have done something.
// What was refused before the store was asked has not, and neither has what it
// said no to, or what is not offered. Everything else may have: the answer of a store may be lost, and its
// faults may come after it has acted.
func (v *visit) outcome(all []keyhatch.ObjectRequest) (done, refused []keyhatch.ObjectRequest) {
	for _, r := range all {
		no := r.Status >= http.StatusBadRequest && r.Status < http.StatusInternalServerError || r.Status == http.StatusNotImplemented
		if no || r.Status >= http.StatusInternalServerError && !v.forwarded {
			refused = append(refused, r)
		} else {
			done = append(done, r)
		}
	}
	return done, refused
}

// record is what is known of the request before its end.
func (v *visit) record(r *http.Request) keyhatch.ObjectRequest {
	key := v.Key
	if v.Level == classify.Bucket {
		key = v.Prefix
	}
	return keyhatch.ObjectRequest{
		Workspace: v.by.workspace, User: v.by.user, Token: v.by.token, SignedBy: v.by.id, Pair: v.by.pair, Store: v.by.store,
		Operation: v.Name, Access: v.Access, Bucket: v.Bucket, Key: key,
		Address: keyhatch.OriginOf(r.Context()).AddressText(),
	}
}

// touch notes what became of one key of a batch. What is no key is not kept: it
// may be anything, and long.
func (v *visit) touch(a *answer, r *http.Request, key string, status int, code string) {
	if keyhatch.CheckKey(key) != nil {
		key = ""
	}
	request := v.record(r)
	request.Key, request.Status, request.Code, request.RequestID = key, status, code, a.id
	v.touched = append(v.touched, request)
}
