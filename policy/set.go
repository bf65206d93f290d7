package policy

import (
	"slices"

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
	// ListsBucket: all of the bucket may be listed, whatever the prefix.
	ListsBucket bool `json:",omitempty"`
}

func (o Open) Covers(access keyhatch.Access) bool {
	return o.Access.Covers(access) && (access != keyhatch.Read || !o.WriteOnly)
}

func (o Open) locks(access keyhatch.Access, key string) bool {
	return access == keyhatch.Write && slices.ContainsFunc(o.Locked, func(p keyhatch.Prefix) bool { return p.Holds(key) })
}

// Set is everything that a credential opens on one store. The empty set opens
// nothing (S8).
type Set []Open

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
		return o.Bucket == bucket && o.Covers(access) && o.Prefix.Holds(key) && !o.locks(access, key)
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
		return o.Bucket == bucket && o.Covers(access) && (o.Prefix.Holds(prefix) || o.ListsBucket && access == keyhatch.Read)
	})
}

// Covers tells whether everything in the part is open with the access. That all of a
// bucket may be listed opens nothing in it.
func (s Set) Covers(access keyhatch.Access, p keyhatch.Part) bool {
	return slices.ContainsFunc(s, func(o Open) bool {
		return o.Bucket == p.Bucket && o.Covers(access) && o.Prefix.Covers(p.Prefix)
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
		if o.Bucket == bucket {
			out = append(out, keyhatch.S3URL{Bucket: o.Bucket, Prefix: o.Prefix}.String())
		}
	}
	return out
}
