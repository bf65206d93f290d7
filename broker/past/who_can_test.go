package past_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/past"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// lab is a workspace with an admin of its own, a location that the keeper owns,
// who is no member, and ann, who belongs to group staff. Each act happens in a
// minute of its own.
type lab struct {
	*coretest.Core
	t                         *testing.T
	ctx                       context.Context
	ws                        keyhatch.Workspace
	location                  keyhatch.Location
	staff                     keyhatch.Group
	chief, keeper, ann, guest keyhatch.Caller
}

// inLab runs a test in a lab with a clock of its own.
func inLab(t *testing.T, test func(w *lab)) {
	synctest.Test(t, func(t *testing.T) {
		w := &lab{Core: coretest.New(t), t: t, ctx: t.Context()}
		w.ws = w.Workspace(t, "lab")
		w.chief, w.keeper, w.ann, w.guest = w.User(t, "chief"), w.User(t, "keeper"), w.User(t, "ann"), w.User(t, "guest")
		w.Member(t, w.ws, w.chief, keyhatch.AdminRole)
		w.Member(t, w.ws, w.ann, keyhatch.MemberRole)
		var err error
		w.staff, err = w.Broker.People.CreateGroup(w.ctx, w.Admin, w.ws.ID, "staff")
		w.must(err)
		_, err = w.Broker.People.PutGroupMember(w.ctx, w.Admin, "", w.staff.ID, "ann")
		w.must(err)
		time.Sleep(time.Minute)
		w.location = w.newLocation("alpha", "s3://lab-data/alpha/")
		time.Sleep(time.Minute)
		test(w)
	})
}

func (w *lab) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *lab) newLocation(name, url string) keyhatch.Location {
	l, err := w.Broker.Places.CreateLocation(w.ctx, w.Admin, places.NewLocation{Workspace: "lab", Name: name, URL: url, Owner: "keeper"})
	w.must(err)
	return l
}

// give gives a grant on the location, a minute after what was before.
func (w *lab) give(kind keyhatch.SubjectKind, name string, access keyhatch.Access, prefix string, expires time.Time) keyhatch.Grant {
	w.t.Helper()
	time.Sleep(time.Minute)
	g, err := w.Broker.Places.GiveGrant(w.ctx, w.Admin, places.NewGrant{
		Location: w.location.ID, Subject: kind, Name: name, Access: access, Prefix: prefix, ExpiresAt: expires,
	})
	w.must(err)
	return g
}

// who is an answer in short: who, by which group or teamspace, to what, in the order of the
// answer.
func who(a past.WhoCan) string {
	var out []string
	for _, way := range a.Ways {
		line := way.User.Name
		if line == "" {
			line = "everyone"
		}
		if way.Circle.Name != "" {
			line += " of " + way.Circle.Name
		}
		if way.Part {
			line += " in " + string(way.Grant.Prefix)
		}
		out = append(out, line)
	}
	return strings.Join(out, ", ")
}

func (w *lab) ask(c keyhatch.Caller, location string, access keyhatch.Access, at time.Time) (past.WhoCan, error) {
	return w.Broker.Past.WhoCan(w.ctx, c, past.WhoCanRequest{Workspace: "lab", Location: location, Access: access, At: at})
}

func (w *lab) want(location string, access keyhatch.Access, at time.Time, want string) {
	w.t.Helper()
	a, err := w.ask(w.Admin, location, access, at)
	if err != nil || who(a) != want || len(a.Doubts) > 0 {
		w.t.Errorf("who could %s %s at %v: %q in doubt of %v (%v), want %q", access, location, at, who(a), a.Doubts, err, want)
	}
}

func (w *lab) refused(what string, err error, kind keyhatch.Kind, code keyhatch.Code) {
	w.t.Helper()
	var e *keyhatch.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Code != code {
		w.t.Errorf("%s: %v, want %s, %s", what, err, kind, code)
	}
}

const (
	user      = keyhatch.SubjectUser
	group     = keyhatch.SubjectGroup
	teamspace = keyhatch.SubjectTeamspace
	everyone  = keyhatch.SubjectEveryone
	read      = keyhatch.Read
	write     = keyhatch.Write
)

// TestWhoCan goes through the life of a location and then asks about each part of
// it, by every name that the location has.
func TestWhoCan(t *testing.T) {
	inLab(t, func(w *lab) {
		var at []time.Time
		then := func() {
			time.Sleep(time.Minute)
			at = append(at, time.Now())
			time.Sleep(time.Minute)
		}
		then() // 0: nobody
		toStaff := w.give(group, "staff", write, "", time.Time{})
		then() // 1
		w.give(user, "guest", read, "2024", time.Now().Add(15*time.Minute))
		w.give(everyone, "", read, "2024/public", time.Time{})
		then() // 2
		locked := true
		_, err := w.Broker.Places.UpdateLocation(w.ctx, w.Admin, "", w.location.ID, places.LocationChange{Locked: &locked})
		w.must(err)
		then() // 3
		space, err := w.Broker.People.CreateTeamspace(w.ctx, w.Admin, people.NewTeamspace{Workspace: "lab", Name: "space"})
		w.must(err)
		_, err = w.Broker.People.PutTeamspaceMember(w.ctx, w.Admin, "", space.ID, "ann", keyhatch.ViewerRole)
		w.must(err)
		w.give(teamspace, "space", read, "", time.Time{})
		then() // 4
		w.must(w.Broker.People.DeleteTeamspace(w.ctx, w.Admin, "", space.ID))
		name := "anna"
		_, err = w.Broker.People.UpdateUser(w.ctx, w.Admin, "ann", people.UserChange{Name: &name})
		w.must(err)
		readOnly := read
		_, err = w.Broker.Places.UpdateGrant(w.ctx, w.Admin, toStaff.ID, places.GrantChange{Access: &readOnly})
		w.must(err)
		then() // 5
		no := false
		_, err = w.Broker.People.UpdateUser(w.ctx, w.Admin, "anna", people.UserChange{Active: &no})
		w.must(err)
		time.Sleep(10 * time.Minute)
		then() // 6: the guest's grant has ended
		for _, location := range []string{"alpha", w.location.ID, "s3://lab-data/alpha/"} {
			w.want(location, read, at[0], "")
			w.want(location, read, at[1], "ann of staff")
			w.want(location, read, at[2], "everyone in alpha/2024/public/, ann of staff, guest in alpha/2024/")
			w.want(location, write, at[2], "ann of staff")
			w.want(location, write, at[3], "")
			w.want(location, read, at[3], "everyone in alpha/2024/public/, ann of staff, guest in alpha/2024/")
			w.want(location, read, at[4], "everyone in alpha/2024/public/, admin of space, ann of staff, ann of space, guest in alpha/2024/")
			w.want(location, read, at[5], "everyone in alpha/2024/public/, anna of staff, guest in alpha/2024/")
			w.want(location, read, at[6], "everyone in alpha/2024/public/")
			w.want(location, read, time.Time{}, "everyone in alpha/2024/public/")
		}
		w.want("s3://lab-data/alpha/2024/", read, at[2], "everyone in alpha/2024/public/, ann of staff, guest")
		w.want("s3://lab-data/alpha/2024/public/x", read, at[2], "everyone, ann of staff, guest")
		w.want("s3://lab-data/alpha/2023", read, at[2], "ann of staff")
		a, err := w.ask(w.Admin, "s3://lab-data/alpha/2024", write, at[3])
		if err != nil || !a.Location.Locked || a.Location.ID != w.location.ID || a.URL.String() != "s3://lab-data/alpha/2024/" || !a.At.Equal(at[3]) {
			t.Errorf("the answer is about %+v (%v)", a, err)
		}
	})
}

// TestWhoCanToTheMicrosecond: a grant gives access from the moment of its event
// to the moment before its expiry.
func TestWhoCanToTheMicrosecond(t *testing.T) {
	inLab(t, func(w *lab) {
		time.Sleep(123457 * time.Microsecond)
		end := time.Now().Add(5*time.Minute + 3*time.Microsecond)
		g := w.give(user, "guest", read, "", end)
		time.Sleep(10 * time.Minute)
		for at, want := range map[time.Time]string{
			g.CreatedAt.Add(-time.Microsecond): "", g.CreatedAt: "guest", end.Add(-time.Microsecond): "guest", end: "",
		} {
			w.want("alpha", read, at, want)
		}
	})
}

// TestWhoCanOfWhatIsGone: a location that was deleted can be asked about by its
// id and by its address, by who manages its workspace and by nobody else; what
// was at the address later is another one.
func TestWhoCanOfWhatIsGone(t *testing.T) {
	inLab(t, func(w *lab) {
		w.give(user, "guest", read, "", time.Time{})
		time.Sleep(time.Minute)
		there := time.Now()
		time.Sleep(time.Minute)
		w.must(w.Broker.Places.DeleteLocation(w.ctx, w.Admin, "lab", "alpha"))
		time.Sleep(time.Minute)
		gone := time.Now()
		const url = "s3://lab-data/alpha/x/"
		for _, c := range []keyhatch.Caller{w.Admin, w.chief} {
			for _, ref := range []string{w.location.ID, url} {
				a, err := w.ask(c, ref, read, there)
				if err != nil || who(a) != "guest" || a.Location.Name != "alpha" {
					t.Errorf("%s asks about %s: %q, %v", c.User.Name, ref, who(a), err)
				}
				before, err := w.ask(c, ref, read, there.Add(-time.Hour))
				w.refused("when not even the bucket was there", err, keyhatch.NotFound, keyhatch.CodeLocationNotFound)
				after, err := w.ask(c, ref, read, gone)
				if ref == url { // nobody had a grant there, and an access key may have opened it
					if err != nil || who(after) != "" || after.Location.ID != "" || after.URL.String() != url || after.Workspace != w.ws.ID {
						t.Errorf("%s asks about an address in no location: %+v, %v", c.User.Name, after, err)
					}
					continue
				}
				w.refused("when it was not there", err, keyhatch.NotFound, keyhatch.CodeLocationNotFound)
				if before.Ways != nil || after.Ways != nil {
					t.Errorf("a refusal answers %v, %v", before, after)
				}
			}
		}
		confined := w.Token(t, w.Admin, people.NewToken{Workspace: w.Workspace(t, "other").ID})
		for _, c := range []keyhatch.Caller{w.keeper, w.ann, w.guest, confined} {
			for _, ref := range []string{w.location.ID, url} {
				_, err := w.Broker.Past.WhoCan(w.ctx, c, past.WhoCanRequest{Workspace: w.ws.ID, Location: ref, Access: read, At: there})
				if c.Token.Workspace != "" && ref == url {
					w.refused("another workspace's token", err, keyhatch.Forbidden, keyhatch.CodeWorkspaceNotInToken)
					continue
				}
				w.refused(c.User.Name, err, keyhatch.NotFound, keyhatch.CodeLocationNotFound)
			}
		}
		time.Sleep(time.Minute)
		second := w.newLocation("beta", "s3://lab-data/alpha/")
		time.Sleep(time.Minute)
		w.want(url, read, there, "guest")
		w.want(url, read, time.Time{}, "")
		// Its owner has the one that is there now, and no right to the one before.
		if a, err := w.ask(w.keeper, url, read, time.Time{}); err != nil || a.Location.ID != second.ID {
			t.Errorf("the owner asks: %v, %v", a.Location, err)
		}
		_, err := w.ask(w.keeper, url, read, there)
		w.refused("the owner of what is there now", err, keyhatch.NotFound, keyhatch.CodeLocationNotFound)
		_, err = w.ask(w.keeper, "s3://lab-data/", read, time.Time{})
		w.refused("an address above", err, keyhatch.NotFound, keyhatch.CodeLocationNotFound)
		_, err = w.ask(w.Admin, url, read, time.Now().Add(time.Second))
		w.refused("the future", err, keyhatch.Invalid, keyhatch.CodeInvalidRequest)
	})
}

// TestOldRecordsSayWhatTheyCannot: the first records had the expiry of a grant
// without the part of its second. In that second, and only then, the answer says
// that it is not certain.
func TestOldRecordsSayWhatTheyCannot(t *testing.T) {
	inLab(t, func(w *lab) {
		end := time.Now().Truncate(time.Second).Add(10*time.Minute + 400*time.Millisecond)
		g := w.give(user, "guest", read, "", end)
		w.SQL(t, "update events set detail = replace(detail, '.400000Z', 'Z') where target = $1", g.ID)
		time.Sleep(time.Hour)
		second := end.Truncate(time.Second)
		w.want("alpha", read, second.Add(-time.Microsecond), "guest")
		w.want("alpha", read, second.Add(time.Second), "")
		for _, in := range []time.Duration{0, 100 * time.Millisecond, 999999 * time.Microsecond} {
			a, err := w.ask(w.Admin, "alpha", read, second.Add(in))
			if err != nil || len(a.Doubts) != 1 || !strings.Contains(a.Doubts[0], g.ID) {
				t.Errorf("%v after the second began: in doubt of %v, %v", in, a.Doubts, err)
			}
		}
	})
}

// TestDamagedRecordsLeaveDoubts: what does not fit is named, and who-can does not
// pass for certain.
func TestDamagedRecordsLeaveDoubts(t *testing.T) {
	for name, statement := range map[string]string{
		"grant.take":              "delete from events where action = 'grant.give'",
		"grant.give":              "update events set detail = replace(detail, 's3://', '') where action = 'grant.give'",
		"group.delete":            "delete from events where action = 'group.create'",
		"teamspace.member.put":    "delete from events where action = 'teamspace.create'",
		"teamspace.member.remove": "update events set detail = replace(detail, 'owner', 'other') where action = 'teamspace.create'",
		"user.update":             "delete from events where action = 'user.create' and detail like '%guest%'",
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(w *lab) {
				g := w.give(user, "ann", read, "", time.Time{})
				email := "guest@lab.example"
				_, err := w.Broker.People.UpdateUser(w.ctx, w.Admin, "guest", people.UserChange{Email: &email})
				space, spaceErr := w.Broker.People.CreateTeamspace(w.ctx, w.Admin, people.NewTeamspace{Workspace: "lab", Name: "space"})
				_, joinErr := w.Broker.People.PutTeamspaceMember(w.ctx, w.Admin, "", space.ID, "ann", keyhatch.ViewerRole)
				w.must(errors.Join(spaceErr, joinErr, w.Broker.People.RemoveTeamspaceMember(w.ctx, w.Admin, "", space.ID, w.Admin.User.ID)))
				w.must(errors.Join(err, w.Broker.Places.TakeGrant(w.ctx, w.Admin, g.ID), w.Broker.People.DeleteGroup(w.ctx, w.Admin, "", w.staff.ID)))
				w.want("alpha", read, time.Time{}, "")
				w.SQL(t, statement)
				a, err := w.ask(w.Admin, "alpha", read, time.Time{})
				if err != nil || len(a.Doubts) == 0 || !strings.Contains(strings.Join(a.Doubts, "\n"), "("+name+")") {
					t.Errorf("in doubt of %q, %v", a.Doubts, err)
				}
			})
		})
	}
	inLab(t, func(w *lab) {
		w.SQL(t, "delete from events where action = 'location.create'")
		_, err := w.ask(w.Admin, "alpha", read, time.Time{})
		var e *keyhatch.Error
		if err == nil || errors.As(err, &e) || !strings.Contains(err.Error(), "keyhatch audit verify") {
			t.Errorf("a location that the record does not know: %v", err)
		}
	})
}

// TestClockPutBack: what happened while the record's time stood still, because the
// clock had been put back, is taken in the order in which it happened, also over
// the start of another process.
func TestClockPutBack(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	ws := c.Workspace(t, "lab")
	l := c.Location(t, ws, "s3://lab-data/alpha/")
	ann := c.User(t, "ann")
	synctest.Test(t, func(t *testing.T) { // its clock begins in the year 2000
		for i := range 6 {
			c.Restart(t)
			g := c.Grant(t, l, ann, keyhatch.Read)
			c.Restart(t)
			if i < 5 {
				if err := c.Broker.Places.TakeGrant(t.Context(), c.Admin, g.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
		a, err := c.Broker.Past.WhoCan(t.Context(), c.Admin, past.WhoCanRequest{Location: l.ID, Access: keyhatch.Read})
		if err != nil || who(a) != "ann" || len(a.Doubts) > 0 {
			t.Errorf("%q, in doubt of %v, %v", who(a), a.Doubts, err)
		}
	})
}
