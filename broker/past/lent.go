package past

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/db"
)

// SessionWay is a session that a store itself had minted, which lives to its end whatever
// became of what it was lent on: whoever had it could, and its user has no other way.
type SessionWay struct {
	Lease keyhatch.Lease // with which it was lent at first, as far as decides about what was asked
	User  keyhatch.User  // to whom; of one who is gone the id alone
	Store keyhatch.Store
}

// lentActions are what decides about what was lent that State does not tell.
var lentActions = []keyhatch.Action{lending.LeaseLent, lending.LeaseRevoked, people.TokenRevoked, people.TokenLeaked, people.TokenUpdated}

// addLent adds what was lent and opened what was asked about without a grant: URLs that were
// signed, and sessions of the store.
func (a *WhoCan) addLent(ctx context.Context, r db.Reader, s *State, p place) error {
	if p.bucket.ID == "" {
		return nil
	}
	// What was lent before has ended.
	longest := keyhatch.LongestPresigned
	if s.minted[p.bucket.Store] {
		longest = keyhatch.LongestSession + time.Minute // as the store's clock may be
	}
	var signed []URLWay
	f := urlFacts{State: s, over: map[string]bool{}, narrowed: map[string]time.Time{}}
	sessions := a.sessionsOf(s)
	for e, err := range r.EventsSince(ctx, lentActions, a.At.Add(-longest), a.At) {
		if err != nil {
			return err
		}
		switch e.Action {
		case people.TokenUpdated:
			if e.Detail["narrowed"] != "" {
				f.narrowed[e.Target] = e.At
			}
		case lending.LeaseLent:
			if on := e.Detail["store"]; e.Workspace != p.bucket.Workspace || on != "" && on != p.bucket.Store {
				continue
			}
			switch ofGrants, ofStore := e.Detail["grants"] != "", e.Detail["vend"] != ""; {
			case e.Detail["presigned"] != "" && (!ofGrants || ofStore):
				u, err := urlOf(e)
				if err != nil {
					a.Doubts = append(a.Doubts, "event "+e.ID+" does not tell what URL was signed")
				} else if part := u.Lease.Parts[0]; part.Bucket == p.bucket.Name && a.URL.Prefix.Covers(part.Prefix) && !(ofGrants && sessions.could(u.Lease.User, part.Prefix)) {
					signed = append(signed, u)
				}
			case ofStore:
				if err := sessions.add(e); err != nil {
					a.Doubts = append(a.Doubts, "event "+e.ID+" "+err.Error())
				}
				if len(a.Sessions) > maxWays {
					return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeLimitReached, "more than %d sessions lead there: ask about a prefix of it", maxWays)
				}
			}
		default: // of a lease or a token, neither of which comes back
			f.over[e.Target] = true
		}
	}
	if a.Access != keyhatch.Read {
		return nil
	}
	return a.addURLs(signed, f)
}

// leaseOf is the lease of an event, as far as it decides.
func leaseOf(e keyhatch.Event) (l keyhatch.Lease, err error) {
	l = keyhatch.Lease{
		ID: e.Target, Workspace: e.Workspace, User: e.User, Token: e.Token, Store: e.Detail["store"], Vend: e.Detail["vend"],
		Access: keyhatch.Access(e.Detail["access"]), IssuedAt: e.At,
	}
	if l.ExpiresAt, err = timeIn(e, "expires"); err != nil {
		return l, err
	}
	// No prefix has the two slashes of an address in it.
	for i, text := range strings.Split(e.Detail["prefixes"], " s3://") {
		if i > 0 {
			text = "s3://" + text
		}
		url, err := keyhatch.ParseS3URL(text)
		if err != nil {
			return l, errors.New("does not tell what the lease opens")
		}
		l.Parts = append(l.Parts, keyhatch.Part{Bucket: url.Bucket, Prefix: url.Prefix})
	}
	return l, nil
}

// outliving collects the sessions that opened what was asked about for users who have no other
// way to that.
type outliving struct {
	*WhoCan
	state    *State
	prefixes map[string][]keyhatch.Prefix // that grants open, by user; of everyone by ""
	seen     map[string]bool              // by user and vend: a session that serves again is told once
}

func (a *WhoCan) sessionsOf(s *State) *outliving {
	o := &outliving{WhoCan: a, state: s, prefixes: map[string][]keyhatch.Prefix{}, seen: map[string]bool{}}
	for _, w := range a.Ways {
		o.prefixes[w.User.ID] = append(o.prefixes[w.User.ID], w.Grant.Prefix)
	}
	return o
}

// could tells whether a grant lets the user do what was asked with all under a prefix.
func (o *outliving) could(user string, prefix keyhatch.Prefix) bool {
	covers := func(granted keyhatch.Prefix) bool { return granted.Covers(prefix) }
	return slices.ContainsFunc(o.prefixes[user], covers) || o.state.Active(user) && slices.ContainsFunc(o.prefixes[""], covers)
}

func (o *outliving) add(e keyhatch.Event) error {
	l, err := leaseOf(e)
	if err != nil {
		return err
	}
	if !o.At.Before(l.ExpiresAt) || !l.Access.Covers(o.Access) || o.seen[l.User+" "+l.Vend] {
		return nil
	}
	// Of what else the session opens nobody is told here: its owner may be another.
	l.Parts = slices.DeleteFunc(l.Parts, func(part keyhatch.Part) bool {
		inside := part.Prefix
		if inside.Covers(o.URL.Prefix) {
			inside = o.URL.Prefix
		}
		return part.Bucket != o.URL.Bucket || !o.URL.Prefix.Covers(inside) || o.could(l.User, inside)
	})
	if len(l.Parts) > 0 {
		o.seen[l.User+" "+l.Vend] = true
		o.Sessions = append(o.Sessions, SessionWay{Lease: l, User: o.state.userOrID(l.User), Store: o.state.Stores[l.Store]})
	}
	return nil
}
