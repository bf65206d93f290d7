package past

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/policy"
)

// WhoCanRequest asks who could read or write.
type WhoCanRequest struct {
	Workspace string // id or name; may be empty where one is implied
	Location  string // id or name, or an s3:// address
	Access    keyhatch.Access
	At        time.Time // zero: now
}

// WhoCan is who could, in every way, and with which access keys. Nobody could write while
// Location was locked.
type WhoCan struct {
	At        time.Time
	Workspace string            // id
	Location  keyhatch.Location // that held what was asked about, as it was then, as far as State tells; zero: none
	URL       keyhatch.S3URL    // what was asked about: the location or an address
	Access    keyhatch.Access
	Ways      []Way
	Keys      []KeyWay
	URLs      []URLWay
	Sessions  []SessionWay
	// LockedParts are the locations below what was asked about, when that lies in none, in
	// which nobody could write.
	LockedParts []keyhatch.Prefix
	// Closed: the bucket was being made or removed, or its workspace's account on the store
	// was closed. Nobody could do anything, but with what a store itself had minted.
	Closed bool
	// Doubts say what the record cannot tell, or contradicts itself in. With none
	// the answer is certain.
	Doubts []string
}

// Way is one way in which a user, or every active user, could.
type Way struct {
	User   keyhatch.User // zero: every active user
	Circle Circle        // group or teamspace that the user was in, when the grant names one
	Grant  keyhatch.Grant
	Part   bool // the grant opened only its own prefix of what was asked about
}

// KeyWay is an access key by which whoever had a pair of it could.
type KeyWay struct {
	policy.KeyWay
	Owner keyhatch.User
	Store keyhatch.Store
	// Unconfirmed: by record the key opened it no more, and the store that keeps it had not
	// confirmed that.
	Unconfirmed bool
}

// maxWays bounds an answer (S9).
const maxWays = 30_000

// WhoCan answers from the audit record who could read or write a location, or the part
// under an address, at a time: which grants, groups and teamspaces gave access to
// whom, whether the user was active, whether the location was locked; which access
// keys did; which URLs of single objects, signed without a grant; and which sessions that a store
// itself had minted outlived the rights that they were lent on. What people could give
// themselves, as the owner of the location and the admins of its workspace can, does not
// count before they did. The owner and those admins only; about
// an address that lies in no location, those admins.
func (svc *Service) WhoCan(ctx context.Context, c keyhatch.Caller, r WhoCanRequest) (WhoCan, error) {
	v := svc.k.View(ctx, c)
	if _, err := keyhatch.ParseAccess(string(r.Access)); err != nil {
		return WhoCan{}, err
	}
	if r.At = kernel.Stored(r.At); r.At.IsZero() {
		r.At = v.Now
	}
	if r.At.After(v.Now) {
		return WhoCan{}, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidRequest,
			"it must not be in the future: nobody knows yet what will be given and taken until then").In("at")
	}
	about, err := asked(v, r.Workspace, r.Location)
	if err != nil {
		return WhoCan{}, err
	}
	done, err := svc.turn(ctx)
	if err != nil {
		return WhoCan{}, err
	}
	defer done()
	state, err := At(ctx, v.Reader, r.At)
	if err != nil {
		return WhoCan{}, err
	}
	p, ok := about.in(state)
	if !ok {
		return WhoCan{}, errNoLocation(about, r, state)
	}
	a := WhoCan{At: r.At, Workspace: about.workspace, Location: p.location(), URL: p.url, Access: r.Access}
	if a.Workspace == "" {
		a.Workspace = a.Location.Workspace
	}
	a.Doubts = slices.Concat(state.doubts[""], state.doubts[a.Workspace])
	if a.Closed = state.shut(p.bucket); a.Closed {
		return a, a.addLent(ctx, v.Reader, state, p)
	}
	for _, l := range p.locations {
		if l.Locked && l.ID != a.Location.ID && a.Access == keyhatch.Write {
			a.LockedParts = append(a.LockedParts, l.Prefix)
		}
		if err := a.addGrants(state, l); err != nil {
			return WhoCan{}, err
		}
	}
	slices.Sort(a.LockedParts)
	slices.SortFunc(a.Ways, func(a, b Way) int {
		return cmp.Or(cmp.Compare(a.User.Name, b.User.Name), cmp.Compare(a.User.ID, b.User.ID),
			cmp.Compare(a.Grant.Prefix, b.Grant.Prefix), cmp.Compare(a.Grant.ID, b.Grant.ID))
	})
	if err := a.addKeys(state, p); err != nil {
		return WhoCan{}, err
	}
	return a, a.addLent(ctx, v.Reader, state, p)
}

// addGrants adds whom the grants on the location reached.
func (a *WhoCan) addGrants(s *State, l keyhatch.Location) error {
	grants := make([]keyhatch.Grant, 0, len(s.grantsOn[l.ID]))
	for id := range s.grantsOn[l.ID] {
		g := s.Grants[id]
		grants = append(grants, g)
		if s.endedWithin(g, a.At) {
			a.Doubts = append(a.Doubts, fmt.Sprintf("grant %s ended within the second that begins at %s; the record does not tell when exactly",
				g.ID, g.ExpiresAt.Format(time.RFC3339)))
		}
	}
	q := policy.Question{Location: l, Prefix: a.URL.Prefix, Access: a.Access, At: a.At}
	for w := range q.Who(grants, s) {
		if len(a.Ways) == maxWays {
			return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeLimitReached,
				"more than %d ways lead there: ask about a prefix of it", maxWays)
		}
		a.Ways = append(a.Ways, Way{User: s.Users[w.User], Circle: s.Circles[w.Grant.Subject.ID], Grant: w.Grant, Part: w.Part})
	}
	return nil
}

// addKeys adds the access keys that opened what was asked about.
func (a *WhoCan) addKeys(s *State, p place) error {
	q := policy.Question{Location: a.Location, Prefix: a.URL.Prefix, Access: a.Access, At: a.At}
	told := map[string]bool{}
	for _, keys := range []struct {
		iter.Seq[keyhatch.AccessKey]
		unconfirmed bool
	}{{s.keysOn(p.bucket.Workspace, p.bucket.Store), false}, {s.replacedOn(p.bucket.Workspace, p.bucket.Store), true}} {
		for w, err := range q.Keys(keys.Seq, p.bucket, keyFacts{s, p.locations}) {
			if err != nil {
				return fmt.Errorf("what access key %s opened: %w", w.Key.ID, err)
			}
			if told[w.Key.ID] {
				continue
			}
			told[w.Key.ID] = true
			a.Keys = append(a.Keys, KeyWay{KeyWay: w, Owner: s.Users[w.Key.Owner], Store: s.Stores[w.Key.Store], Unconfirmed: keys.unconfirmed})
		}
	}
	slices.SortFunc(a.Keys, func(a, b KeyWay) int {
		return cmp.Or(cmp.Compare(a.Key.Name, b.Key.Name), cmp.Compare(a.Key.ID, b.Key.ID))
	})
	return nil
}
