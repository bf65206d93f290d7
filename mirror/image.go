package mirror

import (
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
)

// Image is the memory itself. It implements policy.Facts.
type Image struct {
	users         table[keyhatch.User]
	workspaces    table[keyhatch.Workspace]
	members       table[keyhatch.WorkspaceMember] // by workspace|user
	circleMembers table[keyhatch.CircleMember]    // by group or teamspace|user
	tokens        table[db.HashedToken]
	credentials   table[db.SealedCredential]
	stores        table[keyhatch.Store]
	accounts      table[keyhatch.StoreAccount]
	buckets       table[keyhatch.Bucket]
	locations     table[keyhatch.Location]
	grants        table[keyhatch.Grant]
	accepted      table[[]keyhatch.Acceptance] // by location|user
	accessKeys    table[keyhatch.AccessKey]
	pairs         table[db.SealedPair] // by access key id
	revoked       map[string]time.Time // lease id → when it would have expired
	otherKeys     bool                 // the keysets were changed, and nobody was told yet

	tokenByHash     map[keyhatch.TokenHash]string
	workspaceByName map[string]string
	workspacesOf    map[string]set // user → workspaces
	bucketByName    map[nameIn]string
	locationByName  map[nameIn]string
	locationAt      map[prefixIn]string
	grantsOn        map[string]set // location → grants
	grantsTo        map[keyhatch.Subject]set
	circlesOf       map[string]set      // user → groups and teamspaces
	accountOn       map[nameIn]string   // workspace and store → account
	bucketsOn       map[nameIn]set      // the same → buckets
	locationsIn     map[string]set      // bucket → locations
	baseOf          map[db.Place]string // → credential
	keysIn          map[string]set      // workspace → access keys
	keysOf          map[string]set      // owner → access keys
}

type (
	set      map[string]struct{}
	nameIn   struct{ workspace, name string }
	prefixIn struct {
		bucket string
		prefix keyhatch.Prefix
	}
)

// table is rows by id, with an index that follows them.
type table[V any] struct {
	rows  map[string]V
	index func(v V, add bool)
}

func newTable[V any](index func(v V, add bool)) table[V] {
	return table[V]{rows: map[string]V{}, index: index}
}

func (t *table[V]) put(id string, v V) {
	t.drop(id)
	t.rows[id] = v
	t.index(v, true)
}

func (t *table[V]) drop(id string) {
	if old, ok := t.rows[id]; ok {
		t.index(old, false)
		delete(t.rows, id)
	}
}

func newImage() *Image {
	i := &Image{
		revoked:         map[string]time.Time{},
		tokenByHash:     map[keyhatch.TokenHash]string{},
		workspaceByName: map[string]string{},
		workspacesOf:    map[string]set{},
		bucketByName:    map[nameIn]string{},
		locationByName:  map[nameIn]string{},
		locationAt:      map[prefixIn]string{},
		grantsOn:        map[string]set{},
		grantsTo:        map[keyhatch.Subject]set{},
		circlesOf:       map[string]set{},
		accountOn:       map[nameIn]string{},
		bucketsOn:       map[nameIn]set{},
		locationsIn:     map[string]set{},
		baseOf:          map[db.Place]string{},
		keysIn:          map[string]set{},
		keysOf:          map[string]set{},
	}
	i.accessKeys = newTable(func(k keyhatch.AccessKey, add bool) {
		followSet(i.keysIn, k.Workspace, k.ID, add)
		followSet(i.keysOf, k.Owner, k.ID, add)
	})
	i.pairs = newTable(func(db.SealedPair, bool) {})
	i.users = newTable(func(keyhatch.User, bool) {})
	i.accepted = newTable(func([]keyhatch.Acceptance, bool) {})
	i.circleMembers = newTable(func(m keyhatch.CircleMember, add bool) {
		followSet(i.circlesOf, m.User, m.Circle, add)
	})
	i.credentials = newTable(func(c db.SealedCredential, add bool) {
		if c.Base {
			follow(i.baseOf, db.Place{Workspace: c.Workspace, Teamspace: c.Teamspace}, c.ID, add)
		}
	})
	i.stores = newTable(func(keyhatch.Store, bool) {})
	i.workspaces = newTable(func(w keyhatch.Workspace, add bool) {
		follow(i.workspaceByName, w.Name, w.ID, add)
	})
	i.members = newTable(func(m keyhatch.WorkspaceMember, add bool) {
		followSet(i.workspacesOf, m.User, m.Workspace, add)
	})
	i.tokens = newTable(func(t db.HashedToken, add bool) {
		follow(i.tokenByHash, t.Hash, t.ID, add)
		if t.Old != (keyhatch.TokenHash{}) {
			follow(i.tokenByHash, t.Old, t.ID, add)
		}
	})
	i.accounts = newTable(func(a keyhatch.StoreAccount, add bool) {
		follow(i.accountOn, nameIn{a.Workspace, a.Store}, a.ID, add)
	})
	i.buckets = newTable(func(b keyhatch.Bucket, add bool) {
		follow(i.bucketByName, nameIn{b.Workspace, b.Name}, b.ID, add)
		followSet(i.bucketsOn, nameIn{b.Workspace, b.Store}, b.ID, add)
	})
	i.locations = newTable(func(l keyhatch.Location, add bool) {
		follow(i.locationByName, nameIn{l.Workspace, l.Name}, l.ID, add)
		follow(i.locationAt, prefixIn{l.Bucket, l.Prefix}, l.ID, add)
		followSet(i.locationsIn, l.Bucket, l.ID, add)
	})
	i.grants = newTable(func(g keyhatch.Grant, add bool) {
		followSet(i.grantsOn, g.Location, g.ID, add)
		followSet(i.grantsTo, g.Subject, g.ID, add)
	})
	return i
}

// follow keeps a unique index. A name may have gone to another row before the
// change of its former owner is read: only its own entry is taken out.
func follow[K comparable](index map[K]string, key K, id string, add bool) {
	switch {
	case add:
		index[key] = id
	case index[key] == id:
		delete(index, key)
	}
}

func followSet[K comparable](index map[K]set, key K, id string, add bool) {
	if !add {
		delete(index[key], id)
		if len(index[key]) == 0 {
			delete(index, key)
		}
		return
	}
	if index[key] == nil {
		index[key] = set{}
	}
	index[key][id] = struct{}{}
}

func (i *Image) forgetExpired(now time.Time) {
	for id, expires := range i.revoked {
		if !now.Before(expires) {
			delete(i.revoked, id)
		}
	}
}
