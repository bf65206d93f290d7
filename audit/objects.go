package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strconv"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
)

// ObjectRow is an object request with the event that vouches for its batch.
type ObjectRow struct {
	Event string // id
	keyhatch.ObjectRequest
}

// digest is the SHA-256 of a batch of object requests in their order. The event
// that holds it vouches for the batch: it is chained and keyed, the digest needs to
// be neither.
type digest struct {
	sum   hash.Hash
	count int
}

// newDigest is that of a batch of so many.
func newDigest(count int) digest {
	d := digest{sum: sha256.New()}
	d.sum.Write(appendInt(nil, int64(count)))
	return d
}

func (d *digest) add(r keyhatch.ObjectRequest) {
	d.count++
	b := appendInt(nil, r.At.UnixMicro())
	for _, s := range []string{
		r.ID, r.Workspace, r.User, r.Token, r.SignedBy, r.Pair, r.Store, r.Operation, string(r.Access), r.Bucket, r.Key, r.Code, r.Address, r.RequestID,
	} {
		b = appendText(b, s)
	}
	b = appendInt(b, r.Bytes)
	d.sum.Write(appendInt(b, int64(r.Status)))
}

func (d *digest) text() string { return hex.EncodeToString(d.sum.Sum(nil)) }

// The facts of an event that vouches for a batch.
const (
	countDetail  = "requests"
	digestDetail = "digest"
	// DroppedDetail is how many refused requests before the batch are not on record.
	DroppedDetail = "dropped"
)

// VouchFor is the detail of the event that vouches for a batch.
func VouchFor(requests []keyhatch.ObjectRequest) map[string]string {
	d := newDigest(len(requests))
	for _, r := range requests {
		d.add(r)
	}
	return map[string]string{countDetail: strconv.Itoa(len(requests)), digestDetail: d.text()}
}

// Vouched is how many requests the event vouches for.
func Vouched(e keyhatch.Event) int { return int(number(e.Detail[countDetail])) }

// VouchesFor tells whether the requests are the batch that the event vouches for.
func VouchesFor(e keyhatch.Event, requests []keyhatch.ObjectRequest) bool {
	d := newDigest(Vouched(e))
	for _, r := range requests {
		d.add(r)
	}
	return d.count == Vouched(e) && d.text() == e.Detail[digestDetail]
}

// Pruned is what an event tells that vouches for the removal of batches whose time
// was over: all that were recorded from a time on and before another, but for those
// that were not whole, which stay as they are.
type Pruned struct {
	From, Before time.Time // whole milliseconds; From is zero for the first
	Batches      int64     // that were removed
	Requests     int64     // in them
	Kept         []string  // events whose batches were not whole
}

// timeDetail writes whole milliseconds.
const timeDetail = "2006-01-02T15:04:05.000Z"

// Detail is what the event holds.
func (p Pruned) Detail() map[string]string {
	d := map[string]string{
		"before": p.Before.UTC().Format(timeDetail), "batches": strconv.FormatInt(p.Batches, 10), countDetail: strconv.FormatInt(p.Requests, 10),
	}
	if !p.From.IsZero() {
		d["from"] = p.From.UTC().Format(timeDetail)
	}
	if len(p.Kept) > 0 {
		d["kept"] = strings.Join(p.Kept, " ")
	}
	return d
}

// ReadPruned reads what an event holds. The error says that it was not written by
// us.
func ReadPruned(e keyhatch.Event) (p Pruned, err error) {
	if p.Before, err = time.Parse(timeDetail, e.Detail["before"]); err != nil {
		return Pruned{}, err
	}
	if text := e.Detail["from"]; text != "" {
		if p.From, err = time.Parse(timeDetail, text); err != nil {
			return Pruned{}, err
		}
	}
	p.Batches, p.Requests, p.Kept = number(e.Detail["batches"]), number(e.Detail[countDetail]), strings.Fields(e.Detail["kept"])
	return p, nil
}

// number is 0 for what is none: such an event does not pass Verify.
func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
