package policy

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch"
)

// Open is one prefix of a bucket that is open for reading or writing.
type Open struct {
	Bucket string
	Prefix keyhatch.Prefix
	Access keyhatch.Access // empty: that the bucket is there may be seen
	// WriteOnly: nothing is read, though Access is Write.
	WriteOnly bool
	// Locked are prefixes in which nothing is written, and could be if they were not locked.
	Locked []keyhatch.Prefix
	// Confined are prefixes that are open from their networks alone. They do not overlap. Where
	// all of the bucket may be listed they are those of all of it (Set.Beside).
	Confined []Confined `json:",omitempty"`
	// Elsewhere are those of them whose networks who asks is not in (Set.From): nothing
	// there is open.
	Elsewhere []keyhatch.Prefix `json:",omitempty"`
	// ListsBucket: all of the bucket may be listed, whatever the prefix, but what is
	// Elsewhere.
	ListsBucket bool `json:",omitempty"`
}

// Confined is a prefix that is open from networks alone.
type Confined struct {
	Prefix   keyhatch.Prefix
	Networks []netip.Prefix
}

// Beside is the set with what is confined in the buckets of which all may be listed: that a
// location is for certain networks holds for the names in it, too, whoever lists them. There
// is no set while it is not known what is in such a bucket.
func (s Set) Beside(locationsIn func(bucket string) ([]keyhatch.Location, error)) (Set, error) {
	out := slices.Clone(s)
	for i, o := range out {
		if !o.ListsBucket {
			continue
		}
		locations, err := locationsIn(o.Bucket)
		if err != nil {
			return nil, err
		}
		for _, l := range locations {
			if !l.Prefix.Overlaps(o.Prefix) { // the one that it lies in is noted
				out[i].Confined = append(slices.Clip(out[i].Confined), ground{l}.confined()...)
			}
		}
	}
	return out, nil
}

// From is what of the set is open to who asks from the address. One that is not known is
// in no networks.
func (s Set) From(a netip.Addr) Set {
	out := slices.Clone(s)
	for i, o := range out {
		for _, c := range o.Confined {
			if !keyhatch.InNetworks(a, c.Networks) {
				out[i].Elsewhere = append(slices.Clip(out[i].Elsewhere), c.Prefix)
			}
		}
	}
	return out
}

// holds tells whether the object lies in what is open from here.
func (o Open) holds(key string) bool {
	return o.Prefix.Holds(key) && !slices.ContainsFunc(o.Elsewhere, func(p keyhatch.Prefix) bool { return p.Holds(key) })
}

// NothingHere tells whether nothing of it is open from here.
func (o Open) NothingHere() bool {
	return slices.ContainsFunc(o.Elsewhere, func(p keyhatch.Prefix) bool { return p.Covers(o.Prefix) })
}

// lists tells whether all keys that begin with the prefix may be listed, which are all
// open then, but where all of a bucket's names are.
func (o Open) lists(access keyhatch.Access, prefix string) bool {
	return !o.NothingHere() && o.listsSomewhere(access, prefix) && !o.showsElsewhere(prefix)
}

func (o Open) listsSomewhere(access keyhatch.Access, prefix string) bool {
	return o.ListsBucket && access == keyhatch.Read || o.Prefix.Holds(prefix)
}

// showsElsewhere tells whether a key that begins with the prefix can lie where nothing is
// open from here.
func (o Open) showsElsewhere(prefix string) bool {
	return slices.ContainsFunc(o.Elsewhere, func(p keyhatch.Prefix) bool {
		return p.Holds(prefix) || strings.HasPrefix(string(p), prefix)
	})
}

// Covers tells whether it is open with the access.
func (o Open) Covers(access keyhatch.Access) bool {
	return o.Access.Covers(access) && (access != keyhatch.Read || !o.WriteOnly)
}

func (o Open) locks(access keyhatch.Access, key string) bool {
	return access == keyhatch.Write && slices.ContainsFunc(o.Locked, func(p keyhatch.Prefix) bool { return p.Holds(key) })
}

// Set is everything that a credential opens on one store. The empty set opens
// nothing (S8).
type Set []Open

// ElsewhereAlone tells whether the object would be open from other networks.
func (s Set) ElsewhereAlone(bucket, key string) bool {
	return slices.ContainsFunc(s, func(o Open) bool { return o.Bucket == bucket && o.Access != "" && o.Prefix.Holds(key) && !o.holds(key) })
}

// ListsElsewhereAlone tells whether the keys that begin with the prefix could be listed from
// other networks.
func (s Set) ListsElsewhereAlone(access keyhatch.Access, bucket, prefix string) bool {
	return slices.ContainsFunc(s, func(o Open) bool {
		return o.Bucket == bucket && o.Access != "" && o.listsSomewhere(access, prefix) && o.showsElsewhere(prefix)
	})
}

// Lent is what the lease opens while everything that it rests on stands.
func Lent(l keyhatch.Lease) Set {
	out := make(Set, 0, len(l.Parts))
	for _, p := range l.Parts {
		out = append(out, Open{Bucket: p.Bucket, Prefix: p.Prefix, Access: l.Access, ListsBucket: p.ListsBucket})
	}
	return out
}

// AllowsObject tells whether the object may be read or written.
func (s Set) AllowsObject(access keyhatch.Access, bucket, key string) bool {
	return key != "" && slices.ContainsFunc(s, func(o Open) bool {
		return o.Bucket == bucket && o.Covers(access) && o.holds(key) && !o.locks(access, key)
	})
}

// Locked returns the locked prefix for which alone the object may not be written, and
// whether there is one.
func (s Set) Locked(bucket, key string) (locked keyhatch.Prefix, is bool) {
	for _, o := range s {
		if o.Bucket != bucket || !o.Prefix.Holds(key) {
			continue
		}
		if at := slices.IndexFunc(o.Locked, func(p keyhatch.Prefix) bool { return p.Holds(key) }); at >= 0 {
			return o.Locked[at], true
		}
	}
	return "", false
}

// AllowsList tells whether the keys that begin with the prefix, which may stop
// inside a segment, may be listed: all of them must be open, or the bucket's list. A list of objects takes read access,
// one of uploads write access.
func (s Set) AllowsList(access keyhatch.Access, bucket, prefix string) bool {
	return slices.ContainsFunc(s, func(o Open) bool {
		return o.Bucket == bucket && o.Covers(access) && o.lists(access, prefix)
	})
}

// Covers tells whether everything in the part is open with the access. That all of a
// bucket may be listed opens nothing in it.
func (s Set) Covers(access keyhatch.Access, p keyhatch.Part) bool {
	return slices.ContainsFunc(s, func(o Open) bool {
		return o.Bucket == p.Bucket && o.Covers(access) && o.Prefix.Covers(p.Prefix) && !slices.ContainsFunc(o.Elsewhere, p.Prefix.Overlaps)
	})
}

// Buckets returns the names of the buckets in which something is open, sorted.
func (s Set) Buckets() []string {
	names := make([]string, 0, len(s))
	for _, o := range s {
		names = append(names, o.Bucket)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Prefixes returns what is open in the bucket, as s3:// addresses.
func (s Set) Prefixes(bucket string) []string {
	var out []string
	for _, o := range s {
		if o.Bucket == bucket && !o.NothingHere() {
			out = append(out, keyhatch.S3URL{Bucket: o.Bucket, Prefix: o.Prefix}.String())
		}
	}
	return out
}
