package coretest

import (
	"context"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
)

// User makes an active user who belongs nowhere, with a token for everything
// that it may.
func (c *Core) User(t testing.TB, name string) keyhatch.Caller {
	t.Helper()
	u, err := c.Broker.People.CreateUser(context.Background(), c.Admin, people.NewUser{Name: name})
	check(t, err)
	return c.Token(t, c.Admin, people.NewToken{User: u.ID})
}

// Token makes a token and returns the Caller that it makes.
func (c *Core) Token(t testing.TB, maker keyhatch.Caller, n people.NewToken) keyhatch.Caller {
	t.Helper()
	_, secret, err := c.Broker.People.CreateToken(context.Background(), maker, n)
	check(t, err)
	caller, err := c.Broker.People.Authenticate(context.Background(), secret)
	check(t, err)
	return caller
}

// Workspace makes a workspace, which the admin owns, with a bucket NAME-data on
// the shared store.
func (c *Core) Workspace(t testing.TB, name string) keyhatch.Workspace {
	t.Helper()
	ctx := context.Background()
	ws, err := c.Broker.People.CreateWorkspace(ctx, c.Admin, name)
	check(t, err)
	_, err = c.Broker.Buckets.Register(ctx, c.Admin, buckets.Existing{Workspace: ws.ID, Store: c.Store.ID, Name: name + "-data"})
	check(t, err)
	return ws
}

// Member gives the caller's user a role in a workspace.
func (c *Core) Member(t testing.TB, ws keyhatch.Workspace, who keyhatch.Caller, role keyhatch.Role) {
	t.Helper()
	_, err := c.Broker.People.PutWorkspaceMember(context.Background(), c.Admin, ws.ID, who.User.ID, role)
	check(t, err)
}

// Location makes a location that the admin owns. Its name is its prefix with
// dots for slashes ("a.b" for s3://bucket/a/b/), or its bucket's.
func (c *Core) Location(t testing.TB, ws keyhatch.Workspace, url string) keyhatch.Location {
	t.Helper()
	u, err := keyhatch.ParseS3URL(url)
	check(t, err)
	name := strings.ReplaceAll(strings.TrimSuffix(string(u.Prefix), "/"), "/", ".")
	if name == "" {
		name = u.Bucket
	}
	l, err := c.Broker.Places.CreateLocation(context.Background(), c.Admin, places.NewLocation{Workspace: ws.ID, URL: url, Name: name})
	check(t, err)
	return l
}

// Grant gives the caller's user access to all of a location.
func (c *Core) Grant(t testing.TB, l keyhatch.Location, to keyhatch.Caller, access keyhatch.Access) keyhatch.Grant {
	t.Helper()
	g, err := c.Broker.Places.GiveGrant(context.Background(), c.Admin, places.NewGrant{
		Location: l.ID, Subject: keyhatch.SubjectUser, Name: to.User.ID, Access: access,
	})
	check(t, err)
	return g
}
