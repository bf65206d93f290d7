package policy_test

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"pgregory.net/rapid"
)

// A history is a beginning and one act a minute. Two readers of it know nothing
// of each other: keeper makes of it what the database would hold, with its Since
// columns; chronicle (evaluator_test.go) keeps every minute and decides from
// them alone.
type history struct {
	users     map[string]bool        // active
	members   map[[2]string]bool     // circle and user
	locations map[string]locationAct // by id
	grants    map[string]grantAct
	acts      []act // acts[0] happens at minute 1
}

type locationAct struct {
	store, bucket string
	folders       []string
	locked        bool
}

type grantAct struct {
	location string
	folders  []string
	kind, to string
	write    bool
	expires  int // minute; 0: never
}

type act struct {
	what    string
	id, of  string
	write   bool
	expires int
}

const minutes = 8

func at(minute int) time.Time { return noon.Add(time.Duration(minute) * time.Minute) }

func folderText(folders []string) string {
	if len(folders) == 0 {
		return ""
	}
	return strings.Join(folders, "/") + "/"
}

// The names are few, and beginnings of each other.
var (
	someUsers     = []string{"user_1", "user_2"}
	someCircles   = map[string][]string{"group": {"group_1", "group_2"}, "teamspace": {"ts_1"}} // by what they are
	someLocations = []string{"loc_1", "loc_2"}
	someGrants    = []string{"grant_1", "grant_2", "grant_3", "grant_4"}
	someStores    = []string{"store_1", "store_1", "store_1", "store_2"}
	someFolders   = []string{"a", "ab", "b"}
	demoBuckets   = []string{"demo", "demo", "demo2"}
)

func pick[T any](t *rapid.T, from []T, label string) T {
	return rapid.SampledFrom(from).Draw(t, label)
}

func allCircles() []string { return slices.Concat(someCircles["group"], someCircles["teamspace"]) }

func drawFolders(t *rapid.T, most int, label string) []string {
	return rapid.SliceOfN(rapid.SampledFrom(someFolders), 0, most).Draw(t, label)
}

func drawHistory(t *rapid.T) history {
	h := history{users: map[string]bool{}, members: map[[2]string]bool{}, locations: map[string]locationAct{}, grants: map[string]grantAct{}}
	mostly := rapid.SampledFrom([]bool{true, true, true, false})
	for _, u := range someUsers {
		h.users[u] = mostly.Draw(t, u+" is active")
		for _, c := range allCircles() {
			h.members[[2]string{c, u}] = mostly.Draw(t, u+" is in "+c)
		}
	}
	for _, id := range someLocations {
		h.locations[id] = locationAct{
			pick(t, someStores, id+" is on"), pick(t, demoBuckets, id+" is in"), drawFolders(t, 1, id+" at"), !mostly.Draw(t, id+" is open"),
		}
	}
	for _, id := range someGrants {
		l := pick(t, someLocations, id+" is on")
		g := grantAct{location: l, kind: pick(t, []string{"user", "group", "group", "teamspace", "everyone"}, id+" is to"), write: rapid.Bool().Draw(t, id+" writes")}
		g.folders = append(slices.Clone(h.locations[l].folders), drawFolders(t, 1, id+" at")...)
		g.expires = pick(t, []int{0, 0, 2, 5, 7}, id+" expires")
		switch g.kind {
		case "user":
			g.to = pick(t, someUsers, id+" names")
		case "group", "teamspace":
			g.to = pick(t, someCircles[g.kind], id+" names")
		}
		h.grants[id] = g
	}
	for range minutes {
		h.acts = append(h.acts, drawAct(t))
	}
	return h
}

func drawAct(t *rapid.T) act {
	a := act{what: pick(t, []string{
		"nothing", "nothing", "nothing", "nothing", "disable", "enable", "enable", "join", "join", "leave",
		"set access", "set access", "set expiry", "take", "give again", "lock", "unlock", "unlock",
		"delete location", "make location again", "delete user", "delete token", "narrow token", "revoke lease",
	}, "act")}
	switch a.what {
	case "disable", "enable", "delete user":
		a.id = pick(t, someUsers, "user")
	case "join", "leave":
		a.id, a.of = pick(t, allCircles(), "circle"), pick(t, someUsers, "user")
	case "set access", "set expiry", "take", "give again":
		a.id, a.write = pick(t, someGrants, "grant"), rapid.Bool().Draw(t, "write")
		a.expires = pick(t, []int{0, 3, 6, 9}, "expiry")
	case "lock", "unlock", "delete location", "make location again":
		a.id = pick(t, someLocations, "location")
	}
	return a
}

// keeper is the state at a minute as the broker would have written it: a right
// that is given or narrowed gets a new Since, one that is widened keeps it.
func keeper(h history, minute int) *world {
	w := newWorld()
	for id, active := range h.users {
		w.users[id] = keyhatch.User{ID: id, Active: active, ActiveSince: noon}
	}
	w.tokens["tok_1"] = keyhatch.Token{ID: "tok_1", User: "user_1", Since: noon}
	for m, is := range h.members {
		if is {
			w.members[m] = keyhatch.CircleMember{Circle: m[0], User: m[1], Since: noon}
		}
	}
	for id := range h.locations {
		keepLocation(w, h, id, noon)
	}
	for id := range h.grants {
		keepGrant(w, h, id, noon)
	}
	for i, a := range h.acts[:minute] {
		keep(w, h, a, at(i+1))
	}
	return w
}

func keep(w *world, h history, a act, now time.Time) {
	switch a.what {
	case "disable":
		change(w.users, a.id, func(u *keyhatch.User) { u.Active = false })
	case "enable":
		change(w.users, a.id, func(u *keyhatch.User) {
			if !u.Active {
				u.ID, u.Active, u.ActiveSince = a.id, true, now
			}
		})
	case "delete user":
		delete(w.users, a.id)
	case "join":
		if m := [2]string{a.id, a.of}; w.members[m].Circle == "" {
			w.members[m] = keyhatch.CircleMember{Circle: a.id, User: a.of, Since: now}
		}
	case "leave":
		delete(w.members, [2]string{a.id, a.of})
	case "set access":
		keepGrantChange(w, a.id, now, func(g *keyhatch.Grant) {
			g.Access = keyhatch.Read
			if a.write {
				g.Access = keyhatch.Write
			}
		})
	case "set expiry":
		keepGrantChange(w, a.id, now, func(g *keyhatch.Grant) {
			g.ExpiresAt = time.Time{}
			if a.expires != 0 {
				g.ExpiresAt = at(a.expires)
			}
		})
	case "take":
		delete(w.grants, a.id)
	case "give again":
		if _, ok := w.grants[a.id]; !ok {
			keepGrant(w, h, a.id, now)
		}
	case "lock":
		if l, ok := w.locations[a.id]; ok {
			l.Locked = true
			w.locations[a.id] = l
		}
	case "unlock":
		if l, ok := w.locations[a.id]; ok && l.Locked {
			l.Locked, l.WritableSince = false, now
			w.locations[a.id] = l
		}
	case "delete location":
		delete(w.locations, a.id)
		maps.DeleteFunc(w.grants, func(_ string, g keyhatch.Grant) bool { return g.Location == a.id })
	case "make location again":
		if _, ok := w.locations[a.id]; !ok {
			keepLocation(w, h, a.id, now)
		}
	case "delete token":
		delete(w.tokens, "tok_1")
	case "narrow token":
		if tok, ok := w.tokens["tok_1"]; ok {
			tok.Since = now
			w.tokens["tok_1"] = tok
		}
	case "revoke lease":
		w.revoked["lease_1"] = true
	}
}

func keepLocation(w *world, h history, id string, now time.Time) {
	l := h.locations[id]
	w.locations[id] = keyhatch.Location{
		ID: id, Store: l.store, BucketName: l.bucket, Prefix: keyhatch.Prefix(folderText(l.folders)), Locked: l.locked, WritableSince: now,
	}
}

func keepGrant(w *world, h history, id string, now time.Time) {
	if _, ok := w.locations[h.grants[id].location]; !ok {
		return
	}
	g := h.grants[id]
	kept := keyhatch.Grant{
		ID: id, Location: g.location, Bucket: h.locations[g.location].bucket, Prefix: keyhatch.Prefix(folderText(g.folders)),
		Subject: keyhatch.Subject{Kind: keyhatch.SubjectKind(g.kind), ID: g.to}, Access: keyhatch.Read, Since: now,
	}
	if g.write {
		kept.Access = keyhatch.Write
	}
	if g.expires != 0 {
		kept.ExpiresAt = at(g.expires)
	}
	w.grants[id] = kept
}

func keepGrantChange(w *world, id string, now time.Time, set func(*keyhatch.Grant)) {
	before, ok := w.grants[id]
	if !ok {
		return
	}
	g := before
	set(&g)
	sooner := !g.ExpiresAt.IsZero() && (before.ExpiresAt.IsZero() || g.ExpiresAt.Before(before.ExpiresAt))
	if !g.Access.Covers(before.Access) || sooner {
		g.Since = now
	}
	w.grants[id] = g
}
