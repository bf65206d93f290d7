package past

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/policy"
)

// WhoCanRequest asks who could read or write.
type WhoCanRequest struct {
	Workspace string // id or name; may be empty where one is implied
	Location  string // id or name, or an s3:// address inside one
	Access    keyhatch.Access
	At        time.Time // zero: now
}

// WhoCan is who could, in every way. Nobody could write while Location was
// locked.
type WhoCan struct {
	At       time.Time
	Location keyhatch.Location // as it was then, as far as State tells
	URL      keyhatch.S3URL    // what was asked about: the location or a prefix in it
	Access   keyhatch.Access
	Ways     []Way
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

// maxWays bounds an answer (S9).
const maxWays = 30_000

// WhoCan answers from the audit record who could read or write a location, or a
// prefix in it, at a time: which grants, groups and teamspaces gave access to
// whom, whether the user was active, whether the location was locked. What people
// could give themselves, as the owner of the location and the admins of its
// workspace can, does not count before they did. The owner and those admins only.
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
	l, ok := about.in(state)
	if !ok {
		return WhoCan{}, errNoLocation(about, r, state)
	}
	answer := WhoCan{At: r.At, Location: l, URL: about.url, Access: r.Access}
	if answer.URL.Bucket == "" {
		answer.URL = l.URL()
	}
	return answer, answer.fill(state)
}

// fill adds what the state says.
func (a *WhoCan) fill(s *State) error {
	grants := make([]keyhatch.Grant, 0, len(s.grantsOn[a.Location.ID]))
	a.Doubts = slices.Concat(s.doubts[""], s.doubts[a.Location.Workspace])
	for id := range s.grantsOn[a.Location.ID] {
		g := s.Grants[id]
		grants = append(grants, g)
		if s.endedWithin(g, a.At) {
			a.Doubts = append(a.Doubts, fmt.Sprintf("grant %s ended within the second that begins at %s; the record does not tell when exactly",
				g.ID, g.ExpiresAt.Format(time.RFC3339)))
		}
	}
	q := policy.Question{Location: a.Location, Prefix: a.URL.Prefix, Access: a.Access, At: a.At}
	for w := range q.Who(grants, s) {
		if len(a.Ways) == maxWays {
			return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeLimitReached,
				"more than %d ways lead there: ask about a prefix of the location", maxWays)
		}
		a.Ways = append(a.Ways, Way{User: s.Users[w.User], Circle: s.Circles[w.Grant.Subject.ID], Grant: w.Grant, Part: w.Part})
	}
	slices.SortFunc(a.Ways, func(a, b Way) int {
		return cmp.Or(cmp.Compare(a.User.Name, b.User.Name), cmp.Compare(a.User.ID, b.User.ID),
			cmp.Compare(a.Grant.Prefix, b.Grant.Prefix), cmp.Compare(a.Grant.ID, b.Grant.ID))
	})
	return nil
}
