package lending

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/mirror"
	"github.com/keyhatch/keyhatch/policy"
)

// LendWithKey lends to who has shown a pair of an access key, which is all that it may do
// with it: a lease on parts of what the key opens now, with no more access. It rests on
// the key: it opens no more than the key does at any time, and ends with the pair. A key
// that writes without reading lends leases that do.
//
// It notes the key's use, and counts against its request limit. The errors are those of Lease,
// policy.ErrKeyEnded and policy.ErrKeyElsewhere.
func (svc *Service) LendWithKey(ctx context.Context, accessKeyID string, r LeaseRequest) (Lent, error) {
	c := keyhatch.Caller{Pair: accessKeyID, Origin: keyhatch.OriginOf(ctx)}
	var l loan
	err := svc.k.Mirror.View(ctx, func(image *mirror.Image) error {
		key, err := workingKey(image, accessKeyID, c.Origin, svc.k.Now())
		if err != nil {
			return err
		}
		open, err := policy.StandingKey(key, image, svc.k.Now())
		if err != nil {
			return err
		}
		if c.User, err = image.User(key.Owner); err != nil {
			return err
		}
		c.Token = keyhatch.KeyToken(key)
		if c.Allowance, err = svc.k.CountRequestOf(key.ID, svc.k.Now()); err != nil {
			return err
		}
		svc.used(key.ID, svc.k.Now())
		l, err = svc.decide(image, c, r, basis{key: &heldKey{key: key, pair: accessKeyID, open: open}})
		return err
	})
	if err != nil {
		return Lent{}, err
	}
	return svc.lend(ctx, c, l)
}

// workingKey is the key of a pair that works now, and from there.
func workingKey(image *mirror.Image, accessKeyID string, o keyhatch.Origin, now time.Time) (keyhatch.AccessKey, error) {
	key, err := image.AccessKeyOfPair(accessKeyID)
	if err != nil && !errors.Is(err, keyhatch.NotFound) {
		return key, err
	}
	if _, works := key.Pair(accessKeyID, now); err != nil || !works {
		return key, policy.ErrKeyEnded
	}
	if !keyhatch.InNetworks(o.Address, key.Networks) {
		return key, policy.ErrKeyElsewhere
	}
	return key, nil
}

// standingWithKey is standing for a lease that was borrowed with an access key.
func standingWithKey(l keyhatch.Lease, image *mirror.Image, o keyhatch.Origin, now time.Time) (policy.Set, keyhatch.Store, error) {
	key, err := workingKey(image, l.Pair, o, now)
	switch {
	case errors.Is(err, policy.ErrKeyEnded):
		err = policy.ErrLeaseRevoked
	case errors.Is(err, policy.ErrKeyElsewhere):
		err = policy.ErrLeaseElsewhere
	}
	if err != nil {
		return nil, keyhatch.Store{}, err
	}
	open, err := policy.StandingWithKey(l, key, image, now)
	if err != nil {
		return nil, keyhatch.Store{}, err
	}
	store, err := image.Store(l.Store)
	return open.From(o.Address), store, err
}

// heldKey is the access key that a lease rests on.
type heldKey struct {
	key  keyhatch.AccessKey
	pair string
	open policy.Set // what it opens now, or the lease that was borrowed with it

	locations map[string][]keyhatch.Location // in its buckets, by name, that were looked up
}

// keyBasis is the key of a lease that opens so much.
func keyBasis(image *mirror.Image, pair string, open policy.Set) (*heldKey, error) {
	key, err := image.AccessKeyOfPair(pair)
	return &heldKey{key: key, pair: pair, open: open}, err
}

// bucket is a bucket as one location: with a key no others are asked about. It is one
// that the key does not see if it is not of its workspace.
func (h *heldKey) bucket(image *mirror.Image, workspace, name string) keyhatch.Location {
	l := keyhatch.Location{Workspace: workspace, Store: h.key.Store, BucketName: name, Name: "s3://" + name + "/"}
	l.Bucket = h.idOf(image, name)
	return l
}

// idOf is the id of the open bucket of the name on the key's store.
func (h *heldKey) idOf(image *mirror.Image, name string) string {
	for _, b := range image.BucketsOn(h.key.Workspace, h.key.Store) {
		if b.Name == name {
			return b.ID
		}
	}
	return ""
}

// sees tells whether something is open in a bucket, or has to do with a location in it.
func (h *heldKey) sees(l keyhatch.Location) bool {
	return l.Workspace == h.key.Workspace && l.Store == h.key.Store && slices.ContainsFunc(h.open, func(o policy.Open) bool {
		return o.Bucket == l.BucketName && (l.ID == "" || o.Access != "" && o.Prefix.Overlaps(l.Prefix))
	})
}

// partOfKey narrows what the key opens, or the lease that was borrowed with it.
func (d *decision) partOfKey(t target) (keyhatch.Part, error) {
	part := keyhatch.Part{Bucket: t.location.BucketName, Prefix: t.prefix}
	if !d.key.open.Covers(d.request.Access, part) {
		return part, keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeAccessNotGranted,
			"the keys that you ask with do not open all of that with %s access; in this bucket they open %s", d.request.Access,
			strings.Join(d.key.open.Prefixes(part.Bucket), " "))
	}
	for _, l := range d.key.locationsIn(d.image, part.Bucket) {
		if !l.Prefix.Overlaps(part.Prefix) {
			continue
		}
		name := "a location there" // who holds a lease is told of no names
		if d.holds == nil {
			name = "location " + l.Name
		}
		if d.request.Access == keyhatch.Write && l.Locked && l.Prefix.Covers(part.Prefix) {
			return part, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeLocationLocked,
				"%s is locked: it can be read, and written again once its owner unlocks it", name)
		}
		if l.Prefix.Covers(part.Prefix) {
			if err := kernel.FromHere(d.caller, l, name); err != nil {
				return part, err
			}
		}
		d.limit("the longest lease of "+name, d.now.Add(l.MaxLease))
	}
	d.limit("the access key's expiry", d.key.key.ExpiresAt)
	if p, works := d.key.key.Pair(d.key.pair, d.now); works {
		d.limit("the end of the access key's pair", p.EndsAt)
	}
	d.limit("the longest lease of an access key", d.now.Add(keyhatch.DefaultMaxLeaseLife))
	return part, nil
}

// locationsIn are the locations in a bucket of the key, looked up once a decision.
func (h *heldKey) locationsIn(image *mirror.Image, name string) []keyhatch.Location {
	if found, ok := h.locations[name]; ok {
		return found
	}
	if h.locations == nil {
		h.locations = map[string][]keyhatch.Location{}
	}
	h.locations[name] = image.LocationsIn(h.idOf(image, name))
	return h.locations[name]
}

// stillWholeWithKey refuses a lease of which the key does not open every part any more,
// as the database has it, or which ends later than it may by now.
func stillWholeWithKey(w *kernel.Work, l keyhatch.Lease) error {
	key, err := w.AccessKeyOfPair(w.Ctx, l.Pair)
	if err != nil {
		return err
	}
	f := &keyFacts{facts: facts{w.View, l.ID}, lease: l, in: map[string][]keyhatch.Location{}}
	open, err := policy.StandingWithKey(l, key, f, w.Now)
	if f.err != nil {
		return f.err
	}
	if errors.Is(err, policy.ErrLeaseRevoked) || errors.Is(err, policy.ErrLeaseExpired) {
		return standingChanged(err)
	}
	if err != nil {
		return err
	}
	pair, _ := key.Pair(l.Pair, w.Now)
	ends := []time.Time{key.ExpiresAt, pair.EndsAt}
	for _, p := range l.Parts {
		if !open.Covers(l.Access, p) {
			return standingChanged(nil)
		}
		for _, location := range f.in[p.Bucket] {
			if !location.Prefix.Overlaps(p.Prefix) {
				continue
			}
			if l.Access == keyhatch.Write && location.Locked && location.Prefix.Covers(p.Prefix) {
				return standingChanged(nil)
			}
			ends = append(ends, l.IssuedAt.Add(location.MaxLease))
		}
	}
	if !endsBy(l, ends) {
		return standingChanged(nil)
	}
	return nil
}

// keyFacts are policy.KeyLeaseFacts from the transaction in which a lease is made, of the
// buckets that it has to do with.
type keyFacts struct {
	facts
	lease keyhatch.Lease
	in    map[string][]keyhatch.Location // by the bucket's name
	err   error                          // the first that there was
}

func (f *keyFacts) failed(err error) bool {
	if err != nil && !errors.Is(err, keyhatch.NotFound) && f.err == nil {
		f.err = err
	}
	return err != nil
}

// Role implements policy.KeyFacts.
func (f *keyFacts) Role(workspace, user string) keyhatch.Role {
	m, err := f.v.WorkspaceMember(f.v.Ctx, workspace, user)
	if f.failed(err) {
		return keyhatch.NoRole
	}
	return m.Role
}

// BucketsOn implements policy.KeyFacts.
func (f *keyFacts) BucketsOn(workspace, store string) (found []keyhatch.Bucket) {
	for _, p := range f.lease.Parts {
		b, err := f.v.BucketByName(f.v.Ctx, workspace, p.Bucket)
		if f.failed(err) || b.Store != store || slices.ContainsFunc(found, func(o keyhatch.Bucket) bool { return o.ID == b.ID }) {
			continue
		}
		open, err := f.BucketOpen(b.ID)
		if f.failed(err) || !open {
			continue
		}
		locations, err := f.v.LocationsOfBucket(f.v.Ctx, b.ID)
		if !f.failed(err) {
			found, f.in[b.Name] = append(found, b), locations
		}
	}
	return found
}

// LocationsIn implements policy.KeyFacts.
func (f *keyFacts) LocationsIn(bucket string) []keyhatch.Location {
	for _, locations := range f.in {
		if len(locations) > 0 && locations[0].Bucket == bucket {
			return locations
		}
	}
	return nil
}
