package policy

import (
	"iter"
	"time"

	"github.com/keyhatch/keyhatch"
)

// People is what must be known of users and circles to say whom a grant reaches.
type People interface {
	// Active tells whether the user exists and may use anything.
	Active(user string) bool
	// MembersOf yields the users in the group or teamspace.
	MembersOf(circle string) iter.Seq[string]
}

// Question asks who has the access to what lies under the prefix of a location,
// at a time.
type Question struct {
	Location keyhatch.Location
	Prefix   keyhatch.Prefix // in the bucket: the location's own or one inside it
	Access   keyhatch.Access
	At       time.Time
}

// Way is one way in which somebody has what a question asks about. Who has it in
// several ways keeps it until all of them end.
type Way struct {
	User  string // id; empty: every active user
	Grant keyhatch.Grant
	// Part tells that the grant is for less than what was asked about: for its
	// own prefix only.
	Part bool
}

// Who yields every way that the grants on the location give, a user or everyone
// at a time. Nobody writes while the location is locked. A user who may borrow a
// lease on all of the prefix is one who has a way that is no part; what a token's
// scopes take away from that is not looked at.
func (q Question) Who(grants []keyhatch.Grant, people People) iter.Seq[Way] {
	return func(yield func(Way) bool) {
		if q.Location.Locked && q.Access == keyhatch.Write {
			return
		}
		for _, g := range grants {
			whole := g.Prefix.Covers(q.Prefix)
			if !g.Live(q.At) || !g.Access.Covers(q.Access) || !whole && !q.Prefix.Covers(g.Prefix) {
				continue
			}
			for user := range reached(g.Subject, people) {
				if !yield(Way{User: user, Grant: g, Part: !whole}) {
					return
				}
			}
		}
	}
}

// reached yields the active users whom a grant to the subject reaches, and "" for
// everyone.
func reached(s keyhatch.Subject, people People) iter.Seq[string] {
	return func(yield func(string) bool) {
		switch s.Kind {
		case keyhatch.SubjectEveryone:
			yield("")
		case keyhatch.SubjectUser:
			if people.Active(s.ID) {
				yield(s.ID)
			}
		case keyhatch.SubjectGroup, keyhatch.SubjectTeamspace:
			for user := range people.MembersOf(s.ID) {
				if people.Active(user) && !yield(user) {
					return
				}
			}
		}
	}
}
