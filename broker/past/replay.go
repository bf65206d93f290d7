package past

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/accounts"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/broker/storekeys"
	"github.com/keyhatch/keyhatch/db"
)

// changes is what the event of each action says, with all that went along.
var changes = map[keyhatch.Action]func(*State, keyhatch.Event) error{
	people.Installed:              (*State).installed,
	people.Restored:               (*State).restored,
	people.UserCreated:            (*State).userCreated,
	people.UserUpdated:            (*State).userUpdated,
	people.UserDeleted:            (*State).userDeleted,
	people.WorkspaceCreated:       (*State).workspaceCreated,
	people.WorkspaceDeleted:       (*State).workspaceDeleted,
	people.WorkspaceMemberPut:     (*State).workspaceMemberPut,
	people.WorkspaceMemberRemoved: (*State).workspaceMemberRemoved,
	people.GroupCreated:           (*State).groupCreated,
	people.GroupUpdated:           (*State).circleUpdated,
	people.GroupDeleted:           (*State).circleDeleted,
	people.GroupMemberPut:         (*State).circleMemberPut,
	people.GroupMemberRemoved:     (*State).circleMemberRemoved,
	people.TeamspaceCreated:       (*State).teamspaceCreated,
	people.TeamspaceUpdated:       (*State).circleUpdated,
	people.TeamspaceDeleted:       (*State).circleDeleted,
	people.TeamspaceMemberPut:     (*State).circleMemberPut,
	people.TeamspaceMemberRemoved: (*State).circleMemberRemoved,
	places.StoreCreated:           (*State).storePut,
	places.StoreUpdated:           (*State).storePut,
	places.StoreDeleted:           (*State).storeDeleted,
	places.BucketCreated:          (*State).bucketCreated,
	places.BucketUpdated:          (*State).bucketUpdated,
	places.BucketDeleted:          (*State).bucketDeleted,
	buckets.Configured:            bucketIs(keyhatch.BucketConfigured),
	buckets.Closed:                bucketIs(keyhatch.BucketDeleting),
	buckets.Reopened:              bucketIs(keyhatch.BucketConfigured),
	buckets.Forgotten:             (*State).bucketDeleted,
	buckets.URLsEnded:             (*State).urlsEnded,
	accounts.Opened:               (*State).accountPut,
	accounts.Provisioned:          (*State).accountPut,
	accounts.Failed:               (*State).accountPut,
	accounts.Suspended:            (*State).accountPut,
	accounts.Resumed:              (*State).accountPut,
	accounts.Deleted:              (*State).accountPut,
	accounts.Restored:             (*State).accountPut,
	accounts.Purged:               (*State).accountPurged,
	places.LocationCreated:        (*State).locationCreated,
	places.LocationUpdated:        (*State).locationUpdated,
	places.LocationDeleted:        (*State).locationDeleted,
	places.GrantGiven:             (*State).grantGiven,
	places.GrantUpdated:           (*State).grantUpdated,
	places.GrantTaken:             (*State).grantTaken,
	accesskeys.Created:            (*State).keyPut,
	accesskeys.Updated:            (*State).keyPut,
	accesskeys.Issued:             (*State).keyIssued,
	storekeys.Withdrawn:           (*State).pairWithdrawn,
	accesskeys.Deleted:            (*State).keyDeleted,
	storekeys.Configured:          (*State).keyConfirmed,
	storekeys.Failed:              (*State).keyConfirmed,
	storekeys.Removed:             (*State).keyConfirmed,
}

// At replays the record up to the time, that time included. An event that does
// not fit what came before it leaves a doubt: the record is not whole then.
func At(ctx context.Context, r db.Reader, at time.Time) (*State, error) {
	s := newState()
	for e, err := range r.EventsOf(ctx, slices.Sorted(maps.Keys(changes)), at) {
		if err != nil {
			return nil, fmt.Errorf("replay the audit record: %w", err)
		}
		if err := changes[e.Action](s, e); err != nil {
			s.doubt(e.Workspace, fmt.Sprintf("event %s (%s) %v", e.ID, e.Action, err))
		}
	}
	return s, nil
}

// errUnknown is the event of something that must have been there and was not.
var errUnknown = errors.New("is about what the record does not know at that time")

func (s *State) installed(e keyhatch.Event) error {
	id := e.Detail["admin"]
	s.Users[id] = keyhatch.User{ID: id, Name: e.Detail["name"], Admin: true, Active: true}
	return nil
}

// restored: whatever let somebody in had ended then, and one admin was let in.
func (s *State) restored(e keyhatch.Event) error {
	for id, u := range s.Users {
		u.Active = false
		s.Users[id] = u
	}
	admin := e.Detail["admin"]
	s.Users[admin] = keyhatch.User{ID: admin, Name: e.Detail["name"], Admin: true, Active: true}
	s.activeSince[admin] = e.At
	for id, k := range s.Keys {
		s.replace(id)
		if k.ExpiresAt.IsZero() || k.ExpiresAt.After(e.At) {
			k.ExpiresAt = e.At
		}
		k.Pairs = slices.Clone(k.Pairs)
		for i := range k.Pairs {
			if p := &k.Pairs[i]; p.EndsAt.IsZero() || p.EndsAt.After(e.At) {
				p.EndsAt = e.At
			}
		}
		s.Keys[id] = k
	}
	for id := range s.Buckets {
		s.urlsSince[id] = e.At
	}
	return nil
}

func (s *State) userCreated(e keyhatch.Event) error {
	s.Users[e.Target] = keyhatch.User{ID: e.Target, Name: e.Detail["name"], Admin: e.Detail["admin"] != "", Active: true}
	return nil
}

func (s *State) userUpdated(e keyhatch.Event) error {
	before, ok := s.Users[e.Target]
	if !ok {
		return errUnknown
	}
	s.Users[e.Target] = keyhatch.User{
		ID: e.Target, Name: e.Detail["name"], Admin: e.Detail["admin"] != "", Active: e.Detail["active"] != "",
	}
	if s.Users[e.Target].Active && !before.Active {
		s.activeSince[e.Target] = e.At
	}
	return nil
}

func (s *State) userDeleted(e keyhatch.Event) error {
	if _, ok := s.Users[e.Target]; !ok {
		return errUnknown
	}
	for circle := range maps.Clone(s.circlesOf[e.Target]) {
		s.leave(circle, e.Target)
	}
	s.dropGrants(s.grantsTo[keyhatch.Subject{Kind: keyhatch.SubjectUser, ID: e.Target}])
	for ws := range s.Roles {
		s.dropRole(ws, e.Target)
	}
	delete(s.Users, e.Target)
	delete(s.activeSince, e.Target)
	return nil
}

func (s *State) groupCreated(e keyhatch.Event) error {
	s.circleCreated(keyhatch.SubjectGroup, e)
	return nil
}

// teamspaceCreated: it begins with its owner, unless that is no member of the
// workspace.
func (s *State) teamspaceCreated(e keyhatch.Event) error {
	s.circleCreated(keyhatch.SubjectTeamspace, e)
	if owner := e.Detail["owner"]; owner != "" {
		return s.join(e.Target, owner)
	}
	return nil
}

func (s *State) circleCreated(kind keyhatch.SubjectKind, e keyhatch.Event) {
	s.Circles[e.Target] = Circle{Subject: keyhatch.Subject{Kind: kind, ID: e.Target}, Workspace: e.Workspace, Name: e.Detail["name"]}
}

func (s *State) circleUpdated(e keyhatch.Event) error {
	c, ok := s.Circles[e.Target]
	if !ok {
		return errUnknown
	}
	c.Name = e.Detail["name"]
	s.Circles[e.Target] = c
	return nil
}

func (s *State) circleDeleted(e keyhatch.Event) error {
	c, ok := s.Circles[e.Target]
	if !ok {
		return errUnknown
	}
	for user := range maps.Clone(s.Members[e.Target]) {
		s.leave(e.Target, user)
	}
	s.dropGrants(s.grantsTo[c.Subject])
	delete(s.Circles, e.Target)
	return nil
}

func (s *State) circleMemberPut(e keyhatch.Event) error {
	return s.join(e.Target, e.Detail["user"])
}

func (s *State) circleMemberRemoved(e keyhatch.Event) error {
	user := e.Detail["user"]
	if !s.Members[e.Target][user] {
		return errUnknown
	}
	s.leave(e.Target, user)
	return nil
}

func (s *State) join(circle, user string) error {
	_, there := s.Circles[circle]
	if _, ok := s.Users[user]; !ok || !there {
		return errUnknown
	}
	if s.Members[circle] == nil {
		s.Members[circle] = map[string]bool{}
	}
	s.Members[circle][user] = true
	s.circlesOf.add(user, circle)
	return nil
}

func (s *State) leave(circle, user string) {
	delete(s.Members[circle], user)
	if len(s.Members[circle]) == 0 {
		delete(s.Members, circle)
	}
	s.circlesOf.remove(user, circle)
}

func (s *State) grantGiven(e keyhatch.Event) error {
	g := keyhatch.Grant{
		ID: e.Target, Workspace: e.Workspace, Location: e.Detail["location"], Access: keyhatch.Access(e.Detail["access"]),
		Subject: keyhatch.Subject{Kind: keyhatch.SubjectKind(e.Detail["to"]), ID: e.Detail["subject"]},
	}
	_, location := s.Locations[g.Location]
	_, user := s.Users[g.Subject.ID]
	circle := s.Circles[g.Subject.ID].Subject == g.Subject
	if !location || !user && !circle && g.Subject.Kind != keyhatch.SubjectEveryone {
		return errUnknown
	}
	url, err := keyhatch.ParseS3URL(e.Detail["url"])
	if err != nil {
		return errors.New("does not tell what the grant opens")
	}
	g.Bucket, g.Prefix = url.Bucket, url.Prefix
	if err := s.expiry(&g, e); err != nil {
		return err
	}
	s.Grants[g.ID] = g
	s.grantsOn.add(g.Location, g.ID)
	s.grantsTo.add(g.Subject, g.ID)
	return nil
}

func (s *State) grantUpdated(e keyhatch.Event) error {
	g, ok := s.Grants[e.Target]
	if !ok {
		return errUnknown
	}
	g.Access = keyhatch.Access(e.Detail["access"])
	if err := s.expiry(&g, e); err != nil {
		return err
	}
	s.Grants[g.ID] = g
	return nil
}

// expiry reads when the grant ends, as its newest event says.
func (s *State) expiry(g *keyhatch.Grant, e keyhatch.Event) (err error) {
	delete(s.toTheSecond, g.ID)
	if g.ExpiresAt, err = timeIn(e, "expires"); err == nil && !g.ExpiresAt.IsZero() && !strings.Contains(e.Detail["expires"], ".") {
		s.toTheSecond[g.ID] = true
	}
	return err
}

// timeIn is a time of an event, zero for none.
func timeIn(e keyhatch.Event, detail string) (time.Time, error) {
	text := e.Detail[detail]
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text) // with or without a part of a second
	if err != nil {
		return time.Time{}, errors.New("does not tell when it ends")
	}
	return at.UTC(), nil
}

func (s *State) grantTaken(e keyhatch.Event) error {
	if _, ok := s.Grants[e.Target]; !ok {
		return errUnknown
	}
	s.dropGrant(e.Target)
	return nil
}

func (s *State) dropGrants(ids map[string]bool) {
	for id := range maps.Clone(ids) {
		s.dropGrant(id)
	}
}

func (s *State) dropGrant(id string) {
	g := s.Grants[id]
	s.grantsOn.remove(g.Location, id)
	s.grantsTo.remove(g.Subject, id)
	delete(s.toTheSecond, id)
	delete(s.Grants, id)
}
