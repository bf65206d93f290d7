package sessionpolicy

import (
	"net/netip"
	"slices"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
)

// The permissions that access takes, by what each is a permission of. Older versions
// are read and never written: what a store keeps for the worst case outlives a leaked
// key.
var (
	objectReads  = []string{"s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:GetObjectVersionTagging"}
	objectLooks  = []string{"s3:GetObjectAttributes", "s3:GetObjectVersionAttributes"}
	objectWrites = []string{
		"s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObjectTagging", "s3:DeleteObjectTagging",
	}
	bucketLooks = []string{"s3:GetBucketLocation"}
	// bucketLists have the condition key s3:prefix.
	bucketLists = []string{"s3:ListBucket", "s3:ListBucketVersions"}
	// uploadLists have none, so that they can be allowed for a whole bucket alone.
	uploadLists = []string{"s3:ListBucketMultipartUploads"}
	// lockedWrites are of those on objects the ones that write, said shortly.
	lockedWrites = []string{"s3:Put*", "s3:Delete*", "s3:*Multipart*"}
)

// detours are all keys that lead elsewhere as a path: with "..", "." or nothing for a
// segment, wherever in the key. One slash at the end is that of a folder.
var detours = []glob{
	anywhere("/../"), atEnd("/.."), anywhere("/./"), atEnd("/."), anywhere("//"),
}

// A resource is "bucket/key", so that what a key begins with stands behind a slash, too.
func atEnd(s string) glob    { return append(glob{{kind: many}}, text(s)...) }
func anywhere(s string) glob { return append(atEnd(s), sign{kind: many}) }

// clause is a statement that is about to be written.
type clause struct {
	deny      bool
	actions   []string
	resources []glob // of "bucket" and "bucket/key"
	compares  []compare
	networks  []netip.Prefix // from which it is asked; none: from everywhere
}

// compare is a condition: of a list's parameter one of the values fits, or with not,
// none does.
type compare struct {
	not    bool
	key    string
	values []glob
}

// part is what is open below one prefix.
type part struct {
	bucket      string
	prefix      keyhatch.Prefix
	read, write bool
	locked      []keyhatch.Prefix
	listsBucket bool // all of it, when it is read
	networks    []netip.Prefix
}

// parts are those of the set that open something, in their order, none in another one
// that opens as much.
func partsOf(s policy.Set) (_ []part, err error) {
	var all []part
	for _, o := range s {
		p := part{bucket: o.Bucket, prefix: o.Prefix, read: o.Covers(keyhatch.Read), write: o.Covers(keyhatch.Write)}
		p.listsBucket = o.ListsBucket && p.read
		for _, l := range o.Locked {
			switch {
			case l.Covers(o.Prefix):
				p.write = false
			case o.Prefix.Covers(l):
				p.locked = append(p.locked, l)
			}
		}
		if !p.write {
			p.locked = nil
		}
		if !p.read && !p.write {
			continue
		}
		if p.networks, err = networksOf(o); err != nil {
			return nil, err
		}
		if err := keyhatch.CheckBucketName(o.Bucket); err != nil { // in what is allowed a wildcard would open more
			return nil, err
		}
		all = append(all, p)
	}
	var out []part
	for i, p := range all {
		if !slices.ContainsFunc(out, func(q part) bool { return q.opens(p) }) && !slices.ContainsFunc(all[i+1:], func(q part) bool { return q.opens(p) && !p.opens(q) }) {
			out = append(out, p)
		}
	}
	return out, nil
}

// networks are those that all of it is confined to.
func networksOf(o policy.Open) ([]netip.Prefix, error) {
	for _, c := range o.Confined {
		switch {
		case c.Prefix.Covers(o.Prefix):
			return c.Networks, nil
		case c.Prefix.Overlaps(o.Prefix):
			return nil, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported,
				"the store cannot open a prefix of which only a part is for certain networks: ask for two leases")
		}
	}
	return nil, nil
}

// opens tells whether everything in q is open in p too.
func (p part) opens(q part) bool {
	return p.bucket == q.bucket && p.prefix.Covers(q.prefix) && keyhatch.NetworksWithin(q.networks, p.networks) && (p.read || !q.read) && (p.listsBucket || p.prefix == "" || !q.listsBucket) && (!q.write || p.write && !slices.ContainsFunc(p.locked, q.loses))
}

// loses tells whether the lock takes something from p that its own do not.
func (p part) loses(lock keyhatch.Prefix) bool {
	if !lock.Overlaps(p.prefix) {
		return false
	}
	inner := lock
	if lock.Covers(p.prefix) {
		inner = p.prefix
	}
	return !slices.ContainsFunc(p.locked, func(l keyhatch.Prefix) bool { return l.Covers(inner) })
}

// lock is where nothing is written.
type lock struct {
	bucket string
	prefix keyhatch.Prefix
}

// locks are those that count: what another part opens for writing is open. sayable is
// false when such a part lies inside of what is locked, since no statement allows what
// another denies.
func locks(parts []part) (out []lock, sayable bool) {
	for _, p := range parts {
		for _, l := range p.locked {
			at, open := lock{p.bucket, l}, false
			for _, q := range parts {
				if q.bucket != p.bucket || !q.write || !q.loses(l) {
					continue
				}
				if !q.prefix.Covers(l) || !slices.Equal(q.networks, p.networks) {
					return nil, false
				}
				open = true
			}
			if !open && !slices.Contains(out, at) {
				out = append(out, at)
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(out), func(a lock) bool {
		return slices.ContainsFunc(out, func(b lock) bool { return a != b && a.bucket == b.bucket && b.prefix.Covers(a.prefix) })
	}), true
}

// clauses say what the parts open, each permission by itself: what is of objects, what
// of buckets, what of lists.
func (d Dialect) clauses(parts []part) ([]clause, error) {
	reads := objectReads
	if d.Attributes {
		reads = slices.Concat(reads, objectLooks)
	}
	var out []clause
	for _, group := range byNetworks(parts) {
		for _, c := range allowing(group, reads) {
			c.networks = group[0].networks
			out = append(out, c)
		}
	}
	held, sayable := locks(parts)
	if !sayable {
		return nil, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported,
			"the store cannot open a prefix for writing inside of one that is locked: ask for two leases")
	}
	denied := clause{deny: true, actions: lockedWrites}
	for _, l := range held {
		denied.resources = append(denied.resources, below(l.bucket+"/"+string(l.prefix)))
	}
	out = append(out, denied)
	if d.Resolves && len(parts) > 0 {
		out = append(out, clause{deny: true, actions: []string{"s3:*"}, resources: detours})
	}
	return slices.DeleteFunc(out, func(c clause) bool { return len(c.resources) == 0 }), nil
}

// byNetworks are the parts, those together that are open from the same networks.
func byNetworks(parts []part) (groups [][]part) {
	for _, p := range parts {
		at := slices.IndexFunc(groups, func(g []part) bool { return slices.Equal(g[0].networks, p.networks) })
		if at < 0 {
			at, groups = len(groups), append(groups, nil)
		}
		groups[at] = append(groups[at], p)
	}
	return groups
}

// allowing say what the parts open from their networks. What is read of objects is reads.
func allowing(parts []part, reads []string) (out []clause) {
	for _, sort := range []struct {
		read, write bool
		actions     []string
	}{
		{true, false, reads},
		{false, true, objectWrites},
		{true, true, slices.Concat(reads, objectWrites)},
	} {
		c := clause{actions: sort.actions}
		for _, p := range parts {
			if p.read == sort.read && p.write == sort.write {
				c.resources = append(c.resources, below(p.bucket+"/"+string(p.prefix)))
			}
		}
		out = append(out, c)
	}
	out = append(out, clause{actions: bucketLooks, resources: bucketsOf(parts)})
	return append(out, lists(parts)...)
}

func bucketsOf(parts []part) (out []glob) {
	for _, p := range parts {
		out = append(out, text(p.bucket))
	}
	return outermostOf(out)
}

// lists open the lists of each bucket, by its prefixes.
func lists(parts []part) (out []clause) {
	prefixes, names := map[string][]glob{}, []string(nil)
	for _, p := range parts {
		if p.prefix == "" {
			c := clause{resources: []glob{text(p.bucket)}}
			if p.read {
				c.actions = slices.Concat(c.actions, bucketLists)
			}
			if p.write {
				c.actions = slices.Concat(c.actions, uploadLists)
			}
			out = append(out, c)
		} else if p.listsBucket {
			out = append(out, clause{actions: bucketLists, resources: []glob{text(p.bucket)}})
		} else if p.read {
			if prefixes[p.bucket] == nil {
				names = append(names, p.bucket)
			}
			prefixes[p.bucket] = append(prefixes[p.bucket], below(string(p.prefix)))
		}
	}
	for _, name := range names {
		out = append(out, clause{
			actions: bucketLists, resources: []glob{text(name)}, compares: []compare{{key: prefixKey, values: outermostOf(prefixes[name])}},
		})
	}
	return out
}
