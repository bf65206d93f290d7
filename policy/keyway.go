package policy

import (
	"errors"
	"iter"
	"slices"

	"github.com/keyhatch/keyhatch"
)

// KeyWay is an access key that opens what a question asks about.
type KeyWay struct {
	Key keyhatch.AccessKey
	// Rights and Standings are by what it does. It goes on for as long as one of each is
	// left.
	Rights    []KeyRight
	Standings []KeyStanding
	// Pairs are the access key ids that worked. With none nobody could use the key, but
	// who may issue a pair of it could have.
	Pairs []string
}

// KeyRight is a kind of right that a key has on a bucket.
type KeyRight string

// The kinds.
const (
	RightOnBucket KeyRight = "bucket"   // its list has the bucket
	RightOnAll    KeyRight = "all"      // on all buckets that the workspace has on the store
	RightOfAll    KeyRight = "all_keys" // the bucket is open to all keys of the workspace
)

// KeyStanding is as what the owner of a key decides over a bucket.
type KeyStanding string

// The standings.
const (
	AsInstallationAdmin KeyStanding = "installation_admin"
	AsWorkspaceAdmin    KeyStanding = "workspace_admin"
	AsBucketOwner       KeyStanding = "bucket_owner"
)

// keyRights tells of each kind which keys have it, of an owner who manages the workspace
// or does not.
var keyRights = []struct {
	KeyRight
	has func(r keyhatch.KeyRights, b keyhatch.Bucket, access keyhatch.Access, manages bool) bool
}{
	{RightOnBucket, func(r keyhatch.KeyRights, b keyhatch.Bucket, access keyhatch.Access, _ bool) bool {
		if access == keyhatch.Write {
			return slices.Contains(r.Write, b.ID)
		}
		return slices.Contains(r.Read, b.ID)
	}},
	{RightOnAll, func(r keyhatch.KeyRights, _ keyhatch.Bucket, access keyhatch.Access, manages bool) bool {
		if access == keyhatch.Write {
			return manages && r.WriteAll
		}
		return manages && r.ReadAll
	}},
	{RightOfAll, func(_ keyhatch.KeyRights, b keyhatch.Bucket, access keyhatch.Access, _ bool) bool {
		if access == keyhatch.Write {
			return b.AllKeysWrite
		}
		return b.AllKeysRead
	}},
}

// keyStandings tells of each standing who has it.
var keyStandings = []struct {
	KeyStanding
	has func(owner keyhatch.User, in keyhatch.Role, b keyhatch.Bucket) bool
}{
	{AsInstallationAdmin, func(owner keyhatch.User, _ keyhatch.Role, _ keyhatch.Bucket) bool { return owner.Admin }},
	{AsWorkspaceAdmin, func(_ keyhatch.User, in keyhatch.Role, _ keyhatch.Bucket) bool { return in.Manages() }},
	{AsBucketOwner, func(owner keyhatch.User, in keyhatch.Role, b keyhatch.Bucket) bool {
		return OwnsBucket(b, owner.ID, in)
	}},
}

// Keys yields the keys that opened the prefix in the bucket, in which the question's
// location lies, as StandingKey decides; where only a part of it was locked, the rest.
// From which networks a key works is not looked at. An error is that of the facts.
func (q Question) Keys(keys iter.Seq[keyhatch.AccessKey], b keyhatch.Bucket, facts KeyFacts) iter.Seq2[KeyWay, error] {
	return func(yield func(KeyWay, error) bool) {
		for k := range keys {
			if k.Workspace != b.Workspace || k.Store != b.Store {
				continue
			}
			open, err := StandingKey(k, only{facts, b}, q.At)
			if errors.Is(err, ErrKeyEnded) {
				continue
			}
			way := KeyWay{Key: k}
			if err == nil {
				if len(open) == 0 || !q.openIn(open[0]) {
					continue
				}
				err = q.explain(&way, b, facts)
			}
			if !yield(way, err) || err != nil {
				return
			}
		}
	}
}

// only are facts with one bucket, so that a key is not looked at in all others.
type only struct {
	KeyFacts
	bucket keyhatch.Bucket
}

func (o only) BucketsOn(string, string) []keyhatch.Bucket { return []keyhatch.Bucket{o.bucket} }

// openIn tells whether what is open is what the question asks about, or some of it.
func (q Question) openIn(o Open) bool {
	locked := func(p keyhatch.Prefix) bool { return p.Covers(q.Prefix) }
	return o.Covers(q.Access) && (q.Access != keyhatch.Write || !slices.ContainsFunc(o.Locked, locked))
}

// explain adds by what the key opens the bucket, and with which pairs.
func (q Question) explain(way *KeyWay, b keyhatch.Bucket, facts KeyFacts) error {
	owner, err := facts.User(way.Key.Owner)
	if err != nil {
		return err
	}
	in := facts.Role(b.Workspace, owner.ID)
	for _, r := range keyRights {
		if r.has(way.Key.Rights, b, q.Access, owner.Admin || in.Manages()) {
			way.Rights = append(way.Rights, r.KeyRight)
		}
	}
	for _, s := range keyStandings {
		if s.has(owner, in, b) {
			way.Standings = append(way.Standings, s.KeyStanding)
		}
	}
	for _, p := range way.Key.Pairs {
		if p.Live(q.At) {
			way.Pairs = append(way.Pairs, p.AccessKeyID)
		}
	}
	return nil
}
