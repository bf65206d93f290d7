package past

import (
	"iter"
	"maps"
	"time"

	"github.com/keyhatch/keyhatch"
)

// State is who and what decided access at a time, by id, as the record tells it.
// What of these nouns does not decide access is not set.
type State struct {
	Users     map[string]keyhatch.User
	Circles   map[string]Circle
	Members   map[string]map[string]bool // users by circle
	Locations map[string]keyhatch.Location
	Grants    map[string]keyhatch.Grant

	// What decides about access keys.
	Roles   map[string]map[string]keyhatch.Role // by workspace and user
	Stores  map[string]keyhatch.Store
	Buckets map[string]keyhatch.Bucket
	Keys    map[string]keyhatch.AccessKey // with their pairs, the newest first

	// kept are the keys that their stores have had, and replaced what such a key was to open
	// until its store confirms what came since, also of one that was deleted.
	kept     map[string]bool
	replaced map[string][]keyhatch.AccessKey

	// What goes along when something is deleted is found by these.
	circlesOf index[string]           // circles by user
	grantsOn  index[string]           // grants by location
	grantsTo  index[keyhatch.Subject] // grants by whom they name

	// What decides about presigned URLs: since when users were active, and members there,
	// when buckets were made, and since when their URLs work; when networks were last narrowed.
	activeSince map[string]time.Time
	memberSince map[member]time.Time
	madeAt      map[string]time.Time
	urlsSince   map[string]time.Time

	networksSince map[string]time.Time

	bucketByName map[nameIn]string
	closed       map[onStore]bool // accounts that opened nothing
	minted       map[string]bool  // stores that lent sessions of their own, then or before

	// toTheSecond are the grants whose expiry was recorded without the part of the
	// second in which it lies, as it was at first.
	toTheSecond map[string]bool
	doubts      map[string][]string // by workspace, "" being the installation
}

// Circle is a group or a teamspace, as far as a grant to it goes.
type Circle struct {
	Subject   keyhatch.Subject // whom the grant names
	Workspace string
	Name      string
}

func newState() *State {
	return &State{
		Users: map[string]keyhatch.User{}, Circles: map[string]Circle{}, Members: map[string]map[string]bool{},
		Locations: map[string]keyhatch.Location{}, Grants: map[string]keyhatch.Grant{},
		Roles: map[string]map[string]keyhatch.Role{}, Stores: map[string]keyhatch.Store{}, Buckets: map[string]keyhatch.Bucket{},
		Keys: map[string]keyhatch.AccessKey{}, kept: map[string]bool{}, replaced: map[string][]keyhatch.AccessKey{},

		activeSince: map[string]time.Time{}, memberSince: map[member]time.Time{}, madeAt: map[string]time.Time{}, urlsSince: map[string]time.Time{},
		networksSince: map[string]time.Time{},

		circlesOf: index[string]{}, grantsOn: index[string]{}, grantsTo: index[keyhatch.Subject]{},
		bucketByName: map[nameIn]string{}, closed: map[onStore]bool{}, minted: map[string]bool{}, toTheSecond: map[string]bool{}, doubts: map[string][]string{},
	}
}

// onStore is whose account is on which store.
type onStore struct{ workspace, store string }

// member is who belongs to which workspace.
type member struct{ workspace, user string }

// nameIn is a name that is unique in its workspace.
type nameIn struct{ workspace, name string }

// index is the ids that belong to a key.
type index[K comparable] map[K]map[string]bool

func (x index[K]) add(key K, id string) {
	if x[key] == nil {
		x[key] = map[string]bool{}
	}
	x[key][id] = true
}

func (x index[K]) remove(key K, id string) {
	delete(x[key], id)
	if len(x[key]) == 0 {
		delete(x, key)
	}
}

// Active tells whether the user existed and was active.
func (s *State) Active(user string) bool { return s.Users[user].Active }

// userOrID is a user as it was then; of one who was gone only the id is known.
func (s *State) userOrID(id string) keyhatch.User {
	if u, ok := s.Users[id]; ok {
		return u
	}
	return keyhatch.User{ID: id}
}

// MembersOf yields the users in the group or teamspace.
func (s *State) MembersOf(circle string) iter.Seq[string] { return maps.Keys(s.Members[circle]) }

// bucketNamed returns the workspace's bucket of the name.
func (s *State) bucketNamed(workspace, name string) (keyhatch.Bucket, bool) {
	b, ok := s.Buckets[s.bucketByName[nameIn{workspace, name}]]
	return b, ok
}

// shut tells whether the bucket was there and could not be used: it was being made or
// removed, or its workspace's account on the store was closed.
func (s *State) shut(b keyhatch.Bucket) bool {
	return b.ID != "" && (b.State != keyhatch.BucketConfigured || s.closed[onStore{b.Workspace, b.Store}])
}

// locationsAt returns the location that held everything under the URL, or those that
// lay under it.
func (s *State) locationsAt(workspace string, url keyhatch.S3URL) (out []keyhatch.Location) {
	for _, l := range s.Locations {
		if l.Workspace == workspace && l.BucketName == url.Bucket && (l.Prefix.Covers(url.Prefix) || url.Prefix.Covers(l.Prefix)) {
			out = append(out, l) // locations never overlap
		}
	}
	return out
}

// maxDoubts bounds what is told of a damaged record: it needs no more to be
// looked at.
const maxDoubts = 20

func (s *State) doubt(workspace, text string) {
	if n := len(s.doubts[workspace]); n < maxDoubts {
		s.doubts[workspace] = append(s.doubts[workspace], text)
	} else if n == maxDoubts {
		s.doubts[workspace] = append(s.doubts[workspace], "there are more of these")
	}
}

// endedWithin tells whether the grant ended in the second of the time, when the
// record does not tell the moment.
func (s *State) endedWithin(g keyhatch.Grant, at time.Time) bool {
	return s.toTheSecond[g.ID] && !g.Live(at) && at.Before(g.ExpiresAt.Add(time.Second))
}
