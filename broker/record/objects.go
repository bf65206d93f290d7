package record

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/audit"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// ObjectsRecorded is the event that vouches for a batch of object requests. Its
// id is the batch's.
const ObjectsRecorded keyhatch.Action = "objects.record"

const (
	// writeEvery is how long object requests wait to be written together.
	writeEvery = 100 * time.Millisecond
	// maxUnwritten is how old an unwritten object request may be for more to be
	// let in: what a crash loses at most.
	maxUnwritten = time.Second
	// maxWaiting bounds the memory of those that wait.
	maxWaiting = 20_000
	// maxTogether bounds a batch, and so how long others wait for the database.
	maxTogether = 2_000
)

// Objects keeps the record of object traffic: requests are noted at once and
// written together. It is safe for concurrent use.
type Objects struct {
	k   *kernel.Kernel
	log *slog.Logger

	mu      sync.Mutex
	waiting []keyhatch.ObjectRequest // oldest first
	dropped int                      // refused requests that there was no room for
}

// refusedFrom is the first of HTTP's statuses that say that nothing was done.
const refusedFrom = 400

// droppedDetail is how many refused requests are not on record.
const droppedDetail = "dropped"

// NewObjects makes an empty one. Run writes.
func NewObjects(k *kernel.Kernel, log *slog.Logger) *Objects { return &Objects{k: k, log: log} }

// Ready tells whether a request may be let in: keyhatch.Unavailable while those
// before it cannot be written (S8).
func (o *Objects) Ready() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.waiting) == 0 || len(o.waiting) < maxWaiting && o.k.Now().Sub(o.waiting[0].At) < maxUnwritten {
		return nil
	}
	return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "object requests cannot be recorded at the moment")
}

// Note takes requests in, at the present time. Where too many wait, those that
// were refused are only counted: nobody can fill the memory by asking in vain.
func (o *Objects) Note(requests ...keyhatch.ObjectRequest) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.k.Now()
	for _, r := range requests {
		if r.Status >= refusedFrom && len(o.waiting) >= maxWaiting {
			o.dropped++
			continue
		}
		r.At = now
		o.waiting = append(o.waiting, r)
	}
}

// Run writes what is noted until ctx ends, and then what is left.
func (o *Objects) Run(ctx context.Context) {
	tick := time.NewTicker(writeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			o.write(context.WithoutCancel(ctx))
			return
		case <-tick.C:
			o.write(ctx)
		}
	}
}

// write writes what waits. What cannot be written stays.
func (o *Objects) write(ctx context.Context) {
	for {
		batch, dropped, waiting := o.oldest()
		if len(batch) == 0 {
			return
		}
		if err := o.k.DB.Write(ctx, func(tx *db.Tx) error { return o.record(ctx, tx, batch, dropped) }); err != nil {
			o.log.Error("object requests cannot be recorded", "waiting", waiting, "error", err)
			return
		}
		o.mu.Lock()
		o.dropped -= dropped
		o.waiting = o.waiting[len(batch):]
		if len(o.waiting) == 0 {
			o.waiting = nil // and the memory of a burst with it
		}
		o.mu.Unlock()
	}
}

func (o *Objects) oldest() (batch []keyhatch.ObjectRequest, dropped, waiting int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.waiting[:min(len(o.waiting), maxTogether)]), o.dropped, len(o.waiting)
}

// record writes a batch and the event that vouches for it.
func (o *Objects) record(ctx context.Context, tx *db.Tx, batch []keyhatch.ObjectRequest, dropped int) error {
	for i := range batch {
		batch[i].ID = keyhatch.NewID(keyhatch.ObjectRequestID, batch[i].At)
	}
	now := o.k.Now()
	e := keyhatch.Event{
		ID: keyhatch.NewID(keyhatch.EventID, now), At: now, Action: ObjectsRecorded,
		Detail: audit.VouchFor(batch),
	}
	e.Target = e.ID
	if dropped > 0 {
		e.Detail[droppedDetail] = strconv.Itoa(dropped)
	}
	if err := tx.InsertObjectRequests(ctx, e.ID, batch); err != nil {
		return err
	}
	return tx.Record(ctx, e)
}
