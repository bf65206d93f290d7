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
	// let in: what a crash loses at most while they can be written.
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
	dropped dropped
	failing failing // of the one that writes
}

// dropped are the refused requests that there was no room for since the last batch
// was written.
type dropped struct {
	count       int
	first, last time.Time
}

// failing is how it stands with the log while nothing can be written.
type failing struct{ since, told time.Time }

// tellEvery is how often the log repeats that requests cannot be recorded.
const tellEvery = 10 * time.Second

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

// Waiting is how many requests are not on record yet.
func (o *Objects) Waiting() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.waiting)
}

// Note takes requests in, at the present time, however many wait: they may have
// done something.
func (o *Objects) Note(requests ...keyhatch.ObjectRequest) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.k.Now()
	for _, r := range requests {
		r.At = now
		o.waiting = append(o.waiting, r)
	}
}

// NoteRefused takes requests in that have certainly done nothing. Where too many
// wait they are only counted: nobody can fill the memory by asking in vain. How
// many went on record as a number, and when, the next batch's event tells.
func (o *Objects) NoteRefused(requests ...keyhatch.ObjectRequest) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.k.Now()
	for _, r := range requests {
		r.At = now
		if len(o.waiting) < maxWaiting {
			o.waiting = append(o.waiting, r)
			continue
		}
		if o.dropped.count == 0 {
			o.dropped.first = now
		}
		o.dropped.count++
		o.dropped.last = now
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
		batch, without, waiting := o.oldest()
		if len(batch) == 0 {
			return
		}
		if err := o.k.DB.Write(ctx, func(tx *db.Tx) error { return o.record(ctx, tx, batch, without) }); err != nil {
			o.tellFailure(err, waiting, without)
			return
		}
		o.tellRecovery(without)
		o.mu.Lock()
		o.waiting = o.waiting[len(batch):]
		if len(o.waiting) == 0 {
			o.waiting = nil // and the memory of a burst with it
		}
		o.mu.Unlock()
	}
}

// oldest is what has waited longest, to be written together, with the count of what
// was dropped.
func (o *Objects) oldest() (batch []keyhatch.ObjectRequest, without dropped, waiting int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.waiting) == 0 {
		return nil, dropped{}, 0
	}
	without, o.dropped = o.dropped, dropped{}
	return slices.Clone(o.waiting[:min(len(o.waiting), maxTogether)]), without, len(o.waiting)
}

// putBack counts again what was dropped, when oldest's could not be written.
func (o *Objects) putBack(without dropped) {
	if without.count == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.dropped.count > 0 {
		without.last = o.dropped.last
	}
	without.count += o.dropped.count
	o.dropped = without
}

// tellFailure puts into the log that requests cannot be recorded: at once, and then
// now and again.
func (o *Objects) tellFailure(err error, waiting int, without dropped) {
	o.putBack(without)
	now := o.k.Now()
	if o.failing.since.IsZero() {
		o.failing.since = now
	} else if now.Sub(o.failing.told) < tellEvery {
		return
	}
	o.failing.told = now
	o.log.Error("object requests cannot be recorded", "waiting", waiting, "dropped", without.count, "since", o.failing.since, "error", err)
}

func (o *Objects) tellRecovery(without dropped) {
	if !o.failing.since.IsZero() {
		o.log.Info("object requests are recorded again", "since", o.k.Now(), "failed_from", o.failing.since)
		o.failing = failing{}
	}
	if without.count > 0 {
		o.log.Warn("refused requests were only counted: too many waited to be recorded", "dropped", without.count, "from", without.first, "to", without.last)
	}
}

// record writes a batch and the event that vouches for it.
func (o *Objects) record(ctx context.Context, tx *db.Tx, batch []keyhatch.ObjectRequest, without dropped) error {
	for i := range batch {
		batch[i].ID = keyhatch.NewID(keyhatch.ObjectRequestID, batch[i].At)
	}
	now := o.k.Now()
	e := keyhatch.Event{
		ID: keyhatch.NewID(keyhatch.EventID, now), At: now, Action: ObjectsRecorded,
		Detail: audit.VouchFor(batch),
	}
	e.Target = e.ID
	if without.count > 0 {
		e.Detail[audit.DroppedDetail] = strconv.Itoa(without.count)
		e.Detail["dropped_from"], e.Detail["dropped_to"] = kernel.TimeText(without.first), kernel.TimeText(without.last)
	}
	if err := tx.InsertObjectRequests(ctx, e.ID, batch); err != nil {
		return err
	}
	return tx.Record(ctx, e)
}
