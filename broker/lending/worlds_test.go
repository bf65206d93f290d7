package lending_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/policy"
)

// model is what a reader of the design would say is allowed, written down
// without the product's rules: strings and a loop.
type model struct {
	users   map[string]bool // id → active
	circles map[string]map[string]bool
	places  map[string]*modelPlace // location id
	grants  map[string]modelGrant
	tokens  map[string]modelToken
}

type modelPlace struct {
	prefix string
	locked bool
}

type modelGrant struct {
	place, prefix string
	to            keyhatch.Subject
	write         bool
}

type modelToken struct {
	caller keyhatch.Caller
	scopes []string // "read a/x/"; none: no bounds
}

// allows tells whether the user of the token may do that with every key that
// begins with the prefix, which ends in a slash, or with the one key.
func (m *model) allows(token, prefix string, write bool) bool {
	k, exists := m.tokens[token]
	if !exists || !m.users[k.caller.User.ID] {
		return false
	}
	scoped := len(k.scopes) == 0
	for _, s := range k.scopes {
		level, under, _ := strings.Cut(s, " ")
		scoped = scoped || strings.HasPrefix(prefix, under) && (level == "write" || !write)
	}
	granted := false
	for _, g := range m.grants {
		reaches := g.to.Kind == everyone || g.to.ID == k.caller.User.ID || m.circles[g.to.ID][k.caller.User.ID]
		place := m.places[g.place]
		if reaches && place != nil && !(write && place.locked) && strings.HasPrefix(prefix, g.prefix) && (g.write || !write) {
			granted = true
		}
	}
	return scoped && granted
}

// worldPrefixes are where locations, grants, scopes and requests can be, chosen
// so that names begin with each other's.
var (
	worldPlaces = []string{"a/", "a-b/", "ab/", "b/c/"}
	worldInner  = []string{"", "x/", "x/y/", "xy/", "x-/"}
	worldKeys   = []string{
		"k", "a", "a/", "a/k", "a/x", "a/x/", "a/x/k", "a/x/y/k", "a/x/yk", "a/xy/k", "a/x-/k", "a-b/k", "a-b/x/k", "ab/k", "ab/x/y/k", "ab/xy/k",
		"b/k", "b/c", "b/c/k", "b/c/x/k", "b/c/x/y/k", "b/ck", "c/k",
	}
)

// world is the product beside the model.
type world struct {
	*lab
	model
	*rand.Rand
	circleIDs []keyhatch.Subject
	lent      []loan
	relent    int
}

// loan is a lease with what was asked for.
type loan struct {
	lease    keyhatch.Lease
	prefixes []string
	parent   *loan // that it was borrowed with
}

func (w *world) yes() bool { return w.IntN(2) == 0 }

func pick[T any](w *world, list []T) T { return list[w.IntN(len(list))] }

// any draws a key, in an order that does not hang on the map's.
func (w *world) any(ids []string) string {
	slices.Sort(ids)
	return pick(w, ids)
}

// TestS2_RandomWorlds: whatever happens, in whatever order, a lease is lent
// exactly when the model says so, opens all of what was asked at first, and from
// then on never more than both what was asked and what the model allows now. One
// that is borrowed with a lease opens, moreover, no more than that.
func TestS2_RandomWorlds(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	w := newWorld(t, rand.New(rand.NewPCG(seed, 0)))
	for step := 0; step < 200 || len(w.lent)-w.relent < 25 || w.relent < 10; step++ {
		if step == 10_000 {
			t.Fatalf("of %d requests only %d were granted, %d of them to leases: the test lost its meaning", step, len(w.lent), w.relent)
		}
		if w.IntN(4) > 0 {
			w.borrow()
			continue
		}
		if len(w.lent) > 0 && w.yes() {
			w.relend()
			continue
		}
		w.change()
		for _, l := range w.lent {
			w.wantWithin(l)
		}
	}
}

func newWorld(t *testing.T, r *rand.Rand) *world {
	c := coretest.New(t)
	w := &world{lab: &lab{Core: c, t: t, ws: c.Workspace(t, "lab")}, Rand: r, model: model{
		users: map[string]bool{}, circles: map[string]map[string]bool{}, places: map[string]*modelPlace{},
		grants: map[string]modelGrant{}, tokens: map[string]modelToken{},
	}}
	for _, name := range []string{"ann", "bob", "cy"} {
		u := c.User(t, name)
		c.Member(t, w.ws, u, keyhatch.MemberRole)
		w.users[u.User.ID] = true
		w.tokens[u.Token.ID] = modelToken{caller: u}
	}
	for _, name := range []string{"g", "h"} {
		g := get[keyhatch.Group](t)(c.Broker.People.CreateGroup(t.Context(), c.Admin, w.ws.ID, name))
		w.addCircle(keyhatch.Subject{Kind: group, ID: g.ID})
	}
	s := get[keyhatch.Teamspace](t)(c.Broker.People.CreateTeamspace(t.Context(), c.Admin, people.NewTeamspace{Workspace: w.ws.ID, Name: "s"}))
	w.addCircle(keyhatch.Subject{Kind: teamspace, ID: s.ID})
	for _, p := range worldPlaces {
		w.addPlace(p)
	}
	for range 6 {
		w.addGrant()
	}
	return w
}

func (w *world) addCircle(s keyhatch.Subject) {
	w.circles[s.ID] = map[string]bool{}
	w.circleIDs = append(w.circleIDs, s)
}

func (w *world) addPlace(prefix string) {
	l := w.Location(w.t, w.ws, "s3://lab-data/"+prefix)
	w.places[l.ID] = &modelPlace{prefix: prefix}
}

func (w *world) addGrant() {
	place := w.any(slices.Collect(maps.Keys(w.places)))
	n := places.NewGrant{Location: place, Prefix: pick(w, worldInner), Access: read}
	switch w.IntN(4) {
	case 0:
		n.Subject = everyone
	case 1:
		to := pick(w, w.circleIDs)
		n.Subject, n.Name = to.Kind, to.ID
	default:
		n.Subject, n.Name = user, w.any(slices.Collect(maps.Keys(w.users)))
	}
	if w.yes() {
		n.Access = write
	}
	g := get[keyhatch.Grant](w.t)(w.Broker.Places.GiveGrant(w.t.Context(), w.Admin, n))
	w.grants[g.ID] = modelGrant{place, w.places[place].prefix + n.Prefix, keyhatch.Subject{Kind: n.Subject, ID: n.Name}, n.Access == write}
}

// change does one thing that changes what is allowed, to the product and to the
// model.
func (w *world) change() {
	t, ctx, b := w.t, w.t.Context(), w.Broker
	who := w.any(slices.Collect(maps.Keys(w.users)))
	switch w.IntN(8) {
	case 0:
		w.addGrant()
	case 1:
		if len(w.grants) > 0 {
			id := w.any(slices.Collect(maps.Keys(w.grants)))
			(&stake{t: t}).must(b.Places.TakeGrant(ctx, w.Admin, id))
			delete(w.grants, id)
		}
	case 2:
		if len(w.grants) > 0 {
			id := w.any(slices.Collect(maps.Keys(w.grants)))
			g, access := w.grants[id], read
			if g.write = w.yes(); g.write {
				access = write
			}
			did(t)(b.Places.UpdateGrant(ctx, w.Admin, id, places.GrantChange{Access: &access}))
			w.grants[id] = g
		}
	case 3:
		w.changeCircle(pick(w, w.circleIDs), who)
	case 4:
		active := !w.users[who]
		did(t)(b.People.UpdateUser(ctx, w.Admin, who, people.UserChange{Active: &active}))
		w.users[who] = active
	case 5:
		id := w.any(slices.Collect(maps.Keys(w.places)))
		locked := !w.places[id].locked
		did(t)(b.Places.UpdateLocation(ctx, w.Admin, "", id, places.LocationChange{Locked: &locked}))
		w.places[id].locked = locked
	case 6:
		id := w.any(slices.Collect(maps.Keys(w.places)))
		(&stake{t: t}).must(b.Places.DeleteLocation(ctx, w.Admin, "", id))
		prefix := w.places[id].prefix
		delete(w.places, id)
		maps.DeleteFunc(w.grants, func(_ string, g modelGrant) bool { return g.place == id })
		w.addPlace(prefix)
	case 7:
		w.changeTokens(who)
	}
}

// changeCircle takes the user out of a group or teamspace, or puts it into it.
func (w *world) changeCircle(in keyhatch.Subject, who string) {
	ctx, p := w.t.Context(), w.Broker.People
	leave, join := p.RemoveGroupMember, func() (keyhatch.CircleMember, error) { return p.PutGroupMember(ctx, w.Admin, "", in.ID, who) }
	if in.Kind == teamspace {
		leave = p.RemoveTeamspaceMember
		join = func() (keyhatch.CircleMember, error) {
			return p.PutTeamspaceMember(ctx, w.Admin, "", in.ID, who, keyhatch.ViewerRole)
		}
	}
	if w.circles[in.ID][who] {
		(&stake{t: w.t}).must(leave(ctx, w.Admin, "", in.ID, who))
		delete(w.circles[in.ID], who)
		return
	}
	did(w.t)(join())
	w.circles[in.ID][who] = true
}

func (w *world) changeTokens(who string) {
	if w.yes() && len(w.tokens) > 3 {
		id := w.any(slices.Collect(maps.Keys(w.tokens)))
		(&stake{t: w.t}).must(w.Broker.People.RevokeToken(w.t.Context(), w.Admin, id))
		delete(w.tokens, id)
		return
	}
	if !w.users[who] {
		return
	}
	n := people.NewToken{User: who, Workspace: w.ws.ID}
	var scopes []string
	for range w.IntN(3) {
		level, under := pick(w, []string{"read", "write"}), pick(w, worldPlaces)+pick(w, worldInner)
		scopes = append(scopes, level+" "+under)
		n.Scopes = append(n.Scopes, keyhatch.Scope("s3:"+level+" s3://lab-data/"+under))
	}
	k := w.Token(w.t, w.Admin, n)
	w.tokens[k.Token.ID] = modelToken{k, scopes}
}

// borrow asks for a lease, most often on what some grant is for.
func (w *world) borrow() {
	token := w.any(slices.Collect(maps.Keys(w.tokens)))
	r := lending.LeaseRequest{Access: pick(w, []keyhatch.Access{read, write})}
	var base string
	var asked []string
	for range 1 + w.IntN(2) {
		place, inner := pick(w, worldPlaces), pick(w, worldInner)
		if w.IntN(4) > 0 && len(w.grants) > 0 {
			g := w.grants[w.any(slices.Collect(maps.Keys(w.grants)))]
			place = w.places[g.place].prefix
			inner = strings.TrimPrefix(g.prefix, place) + pick(w, []string{"", "", "x/"})
		}
		if base == "" {
			base = place
			r.Location = "s3://lab-data/" + base
		}
		asked = append(asked, place+inner)
		if place == base && w.yes() {
			r.Prefixes = append(r.Prefixes, inner)
		} else {
			r.Prefixes = append(r.Prefixes, "s3://lab-data/"+place+inner)
		}
	}
	// Its base must be seen, whether it is asked for or not.
	c := w.tokens[token].caller
	want := w.sees(c.User.ID, base)
	for _, p := range asked {
		want = want && w.allows(token, p, r.Access == write)
	}
	lent, err := w.Broker.Lending.Lease(w.t.Context(), c, r)
	if (err == nil) != want {
		w.t.Fatalf("%s on %q: %v; the model says %v", r.Access, asked, err, want)
	}
	if err != nil {
		return
	}
	l := loan{lent.Lease, asked, nil}
	w.lent = append(w.lent, l)
	for _, key := range worldKeys {
		if l.asks(key) && !w.opens(l, key, r.Access) {
			w.t.Errorf("%s on %q does not open %q", r.Access, asked, key)
		}
	}
	w.wantWithin(l)
}

// relend asks with a lease, most often for something inside. It is granted exactly
// when the lease opens all of that now, which must then be open.
func (w *world) relend() {
	parent := pick(w, w.lent[max(0, len(w.lent)-4):]) // the older, the more of it has ended
	asked := pick(w, parent.prefixes) + pick(w, []string{"", "", "x/", "y/"})
	if w.IntN(4) == 0 {
		asked = pick(w, worldPlaces) + pick(w, worldInner)
	}
	r := lending.LeaseRequest{Location: "s3://lab-data/" + asked, Access: pick(w, []keyhatch.Access{read, write})}
	want := len(parent.lease.Ancestors) < keyhatch.MaxAncestors && w.opens(parent, asked, r.Access)
	lent, err := w.Broker.Lending.Relend(w.t.Context(), parent.lease, r)
	if (err == nil) != want {
		w.t.Fatalf("%s on %q with a lease for %s on %q: %v; it opens it: %v", r.Access, asked, parent.lease.Access, parent.prefixes, err, want)
	}
	if err != nil {
		return
	}
	l := loan{lent.Lease, []string{asked}, &parent}
	w.lent = append(w.lent, l)
	w.relent++
	if !w.opens(l, asked, r.Access) {
		w.t.Errorf("%s on %q, lent with a lease, is not open", r.Access, asked)
	}
	w.wantWithin(l)
}

func (w *world) sees(user, base string) bool {
	for _, g := range w.grants {
		if w.places[g.place].prefix == base && (g.to.Kind == everyone || g.to.ID == user || w.circles[g.to.ID][user]) {
			return true
		}
	}
	return false
}

func (l loan) asks(key string) bool {
	return slices.ContainsFunc(l.prefixes, func(p string) bool { return strings.HasPrefix(key, p) })
}

func (w *world) opens(l loan, key string, access keyhatch.Access) bool {
	open, _, err := w.Broker.Lending.Standing(w.t.Context(), l.lease)
	return err == nil && open.AllowsObject(access, "lab-data", key)
}

// wantWithin checks that the lease opens no more than was asked for and is
// allowed now.
func (w *world) wantWithin(l loan) {
	w.t.Helper()
	open, _, err := w.Broker.Lending.Standing(w.t.Context(), l.lease)
	if err != nil {
		open = policy.Set{}
	}
	for _, key := range worldKeys {
		for _, access := range []keyhatch.Access{read, write} {
			if !open.AllowsObject(access, "lab-data", key) {
				continue
			}
			if l.parent != nil && !w.opens(*l.parent, key, access) {
				w.t.Errorf("a lease on %q opens %q for %s, and that on %q that it was borrowed with does not", l.prefixes, key, access, l.parent.prefixes)
			}
			if !l.asks(key) || access == write && l.lease.Access == read || !w.allows(l.lease.Token, key, access == write) {
				w.t.Errorf("a lease for %s on %q opens %q for %s", l.lease.Access, l.prefixes, key, access)
			}
		}
		if open.AllowsList(keyhatch.Read, "lab-data", key) && !l.asks(key) || open.AllowsObject(read, "other-data", key) {
			w.t.Errorf("a lease on %q lists %q, or opens another bucket", l.prefixes, key)
		}
	}
}
