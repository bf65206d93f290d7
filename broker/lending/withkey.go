package lending

import (
	"context"
	"errors"
	"reflect"
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
// The errors are those of Lease, policy.ErrKeyEnded and policy.ErrKeyElsewhere.
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
		l, err = svc.decide(image, c, r, basis{key: &heldKey{key, accessKeyID, open}})
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
	return open, store, err
}

// heldKey is the access key that a lease rests on.
type heldKey struct {
	key  keyhatch.AccessKey
	pair string
	open policy.Set // what it opens now, or the lease that it was borrowed with
}

// keyBasis is the key of a lease that opens so much.
func keyBasis(image *mirror.Image, pair string, open policy.Set) (*heldKey, error) {
	key, err := image.AccessKeyOfPair(pair)
	return &heldKey{key, pair, open}, err
}

// bucket is a bucket as one location: with a key no others are asked about. It is one
// that the key does not see if it is not of its workspace.
func (h *heldKey) bucket(workspace, name string) keyhatch.Location {
	return keyhatch.Location{Workspace: workspace, Store: h.key.Store, BucketName: name, Name: "s3://" + name + "/"}
}

// sees tells whether something is open in the location's bucket.
func (h *heldKey) sees(l keyhatch.Location) bool {
	return l.Workspace == h.key.Workspace && l.Store == h.key.Store && slices.Contains(h.open.Buckets(), l.BucketName)
}

// partOfKey narrows what the key opens.
func (d *decision) partOfKey(t target) (keyhatch.Part, error) {
	part := keyhatch.Part{Bucket: t.location.BucketName, Prefix: t.prefix}
	if !d.key.open.Covers(d.request.Access, part) {
		return part, keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeAccessNotGranted,
			"the keys that you ask with do not open all of that with %s access; in this bucket they open %s", d.request.Access,
			strings.Join(d.key.open.Prefixes(part.Bucket), " "))
	}
	if l, locked := d.meet(part); locked && d.request.Access == keyhatch.Write {
		return part, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeLocationLocked,
			"location %s is locked: it can be read, and written again once its owner unlocks it", l)
	}
	d.limit("the access key's expiry", d.key.key.ExpiresAt)
	if p, works := d.key.key.Pair(d.key.pair, d.now); works {
		d.limit("the end of the access key's pair", p.EndsAt)
	}
	d.limit("the longest lease of an access key", d.now.Add(keyhatch.DefaultMaxLeaseLife))
	return part, nil
}

// meet notes the limits of the locations that have something in common with the part,
// and names one that is locked and holds all of it.
func (d *decision) meet(part keyhatch.Part) (name string, locked bool) {
	for _, b := range d.image.BucketsOn(d.key.key.Workspace, d.key.key.Store) {
		if b.Name != part.Bucket {
			continue
		}
		for _, l := range d.image.LocationsIn(b.ID) {
			if !l.Prefix.Covers(part.Prefix) && !part.Prefix.Covers(l.Prefix) {
				continue
			}
			d.limit("the longest lease of location "+l.Name, d.now.Add(l.MaxLease))
			if l.Locked && l.Prefix.Covers(part.Prefix) {
				name, locked = l.Name, true
			}
		}
	}
	return name, locked
}

// stillStands refuses a key of which the rights or the end have changed since it was
// looked at, and a lease before that was revoked. That its pair works was asked when the caller was; what else
// may have changed closes the lease as it closes the key.
func (h *heldKey) stillStands(w *kernel.Work, parent *keyhatch.Lease) error {
	key, err := w.AccessKey(w.Ctx, h.key.ID)
	if err != nil {
		return err
	}
	had, _ := h.key.Pair(h.pair, w.Now)
	have, _ := key.Pair(h.pair, w.Now)
	if !reflect.DeepEqual(key.Rights, h.key.Rights) || !key.ExpiresAt.Equal(h.key.ExpiresAt) || !have.EndsAt.Equal(had.EndsAt) {
		return standingChanged(nil)
	}
	if parent == nil {
		return nil
	}
	revoked, err := facts{w.View, ""}.LeaseRevoked(parent.ID)
	if err == nil && revoked {
		err = standingChanged(policy.ErrLeaseRevoked)
	}
	return err
}
