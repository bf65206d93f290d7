package policy

import (
	"errors"
	"slices"
	"time"

	"github.com/keyhatch/keyhatch"
)

// Why an access key opens nothing at all.
var (
	ErrKeyEnded = errors.New("the access key has ended, or its owner is inactive")
	// ErrKeyElsewhere: the key is for other networks.
	ErrKeyElsewhere = errors.New("the access key does not work from here: it is confined to networks")
)

// KeyFacts is what must be known of the present to say what of an access key is open.
// Errors are as with Facts.
type KeyFacts interface {
	User(id string) (keyhatch.User, error)
	Role(workspace, user string) keyhatch.Role
	// BucketsOn are the open ones: configured, and on an account that is open.
	BucketsOn(workspace, store string) []keyhatch.Bucket
	LocationsIn(bucket string) []keyhatch.Location
}

// StandingKey tells what of an access key is open now: of the buckets that its workspace
// has on its store those that its rights name and that its owner decides over. In a
// locked location nothing is written, and one that has networks is Confined to them: from
// where it is asked is for Set.From.
//
// The error is ErrKeyEnded, or that of the facts.
func StandingKey(k keyhatch.AccessKey, facts KeyFacts, now time.Time) (Set, error) {
	if !k.Live(now) {
		return nil, ErrKeyEnded
	}
	owner, err := facts.User(k.Owner)
	if errors.Is(err, keyhatch.NotFound) || err == nil && !owner.Active {
		return nil, ErrKeyEnded
	}
	if err != nil {
		return nil, err
	}
	manages := owner.Admin || facts.Role(k.Workspace, owner.ID).Manages()
	var open Set
	buckets := facts.BucketsOn(k.Workspace, k.Store)
	reads, writes := naming(k.Rights.Read, len(buckets)), naming(k.Rights.Write, len(buckets))
	for _, b := range buckets {
		if !manages && !OwnsBucket(b, owner.ID, facts.Role(k.Workspace, owner.ID)) {
			continue
		}
		if o, any := rightsOn(k.Rights, b, manages, reads(b.ID), writes(b.ID)); any {
			o.divide(facts.LocationsIn(b.ID))
			open = append(open, o)
		}
	}
	return open, nil
}

// OwnsBucket tells whether a user of the role in a bucket's workspace decides over it as
// its owner. Who has left the workspace does not.
func OwnsBucket(b keyhatch.Bucket, user string, in keyhatch.Role) bool {
	return b.Owner != "" && b.Owner == user && in != keyhatch.NoRole
}

// naming tells whether a list names a bucket. Who asks often gets a set.
func naming(list []string, times int) func(id string) bool {
	const few = 8
	if times < few || len(list) < few {
		return func(id string) bool { return slices.Contains(list, id) }
	}
	set := make(map[string]struct{}, len(list))
	for _, id := range list {
		set[id] = struct{}{}
	}
	return func(id string) bool { _, in := set[id]; return in }
}

// DecidesOver tells whether a user of the role in a bucket's workspace decides over it: its
// admins do, and the bucket's owner.
func DecidesOver(b keyhatch.Bucket, user string, in keyhatch.Role) bool {
	return in.Manages() || OwnsBucket(b, user, in)
}

// rightsOn is what rights, whose lists name a bucket to read or to write or not, open in
// it, and what the bucket opens to all keys. Rights on all buckets are for who manages the
// workspace.
func rightsOn(r keyhatch.KeyRights, b keyhatch.Bucket, manages, reads, writes bool) (o Open, any bool) {
	reads = manages && r.ReadAll || b.AllKeysRead || reads
	writes = manages && r.WriteAll || b.AllKeysWrite || writes
	o.Bucket = b.Name
	switch {
	case writes:
		o.Access, o.WriteOnly = keyhatch.Write, !reads
	case reads:
		o.Access = keyhatch.Read
	default:
		return o, manages && r.SeeAll
	}
	return o, true
}

// divide notes the locations in the bucket that do not give what the rest of it does.
func (o *Open) divide(locations []keyhatch.Location) {
	for _, l := range locations {
		if l.Locked && o.Access == keyhatch.Write {
			o.Locked = append(o.Locked, l.Prefix)
		}
		o.Confined = append(o.Confined, ground{l}.confined()...)
	}
}
