package audit

import (
	"crypto/sha256"
	"iter"
	"maps"
	"slices"
	"strconv"

	"github.com/keyhatch/keyhatch"
)

// ObjectsDigest is the SHA-256 of a batch of object requests in their order. The
// event that holds it vouches for the batch: it is chained and keyed, the digest
// needs to be neither.
func ObjectsDigest(requests []keyhatch.ObjectRequest) keyhatch.Hash {
	b := appendInt(nil, int64(len(requests)))
	for _, r := range requests {
		b = appendInt(b, r.At.UnixMicro())
		for _, s := range []string{
			r.ID, r.Workspace, r.User, r.Token, r.Lease, r.Store, r.Operation, string(r.Access), r.Bucket, r.Key, r.Code, r.Address, r.RequestID,
		} {
			b = appendText(b, s)
		}
		b = appendInt(b, r.Bytes)
		b = appendInt(b, int64(r.Status))
	}
	sum := sha256.Sum256(b)
	return sum[:]
}

// The facts of an event that vouches for a batch.
const (
	countDetail  = "requests"
	digestDetail = "digest"
	// DroppedDetail is how many refused requests before the batch are not on record.
	DroppedDetail = "dropped"
)

// VouchFor is the detail of the event that vouches for a batch.
func VouchFor(requests []keyhatch.ObjectRequest) map[string]string {
	return map[string]string{countDetail: strconv.Itoa(len(requests)), digestDetail: ObjectsDigest(requests).String()}
}

// ObjectsVerifier holds batches of object requests against the events that vouch
// for them, which are checked by Verify.
type ObjectsVerifier struct {
	digests  map[string]string // by event; taken out when the batch was seen
	requests int64
	findings []Finding
}

// NewObjectsVerifier makes one that has seen nothing.
func NewObjectsVerifier() *ObjectsVerifier { return &ObjectsVerifier{digests: map[string]string{}} }

// Watch passes the events on and remembers what those of the action vouch for.
func (v *ObjectsVerifier) Watch(events iter.Seq2[keyhatch.Event, error], action keyhatch.Action) iter.Seq2[keyhatch.Event, error] {
	return func(yield func(keyhatch.Event, error) bool) {
		for e, err := range events {
			if err == nil && e.Action == action {
				v.digests[e.ID] = e.Detail[digestDetail]
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// Batch checks one batch, after all events were watched.
func (v *ObjectsVerifier) Batch(event string, requests []keyhatch.ObjectRequest) {
	v.requests += int64(len(requests))
	digest, vouched := v.digests[event]
	switch {
	case !vouched:
		v.find(Unknown, event, "object requests that no event vouches for")
	case digest != ObjectsDigest(requests).String():
		v.find(Changed, event, "object requests that are not those that were written")
	}
	delete(v.digests, event)
}

// Report adds what was found, the batches that never came included.
func (v *ObjectsVerifier) Report(r *Report) {
	for _, event := range slices.Sorted(maps.Keys(v.digests)) {
		v.find(Missing, event, "the object requests that the event vouches for")
	}
	r.ObjectRequests = v.requests
	r.Findings = append(r.Findings, v.findings...)
}

func (v *ObjectsVerifier) find(p Problem, event, note string) {
	v.findings = append(v.findings, Finding{Problem: p, Event: event, Note: note})
}
