package people_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// removals are the ways in which an admin can cease to be one.
var removals = []struct {
	name string
	do   func(c *coretest.Core, by keyhatch.Caller, id string) error
}{
	{"demote", func(c *coretest.Core, by keyhatch.Caller, id string) error {
		no := false
		_, err := c.Broker.People.UpdateUser(ctx, by, id, people.UserChange{Admin: &no})
		return err
	}},
	{"disable", func(c *coretest.Core, by keyhatch.Caller, id string) error {
		no := false
		_, err := c.Broker.People.UpdateUser(ctx, by, id, people.UserChange{Active: &no})
		return err
	}},
	{"delete", func(c *coretest.Core, by keyhatch.Caller, id string) error {
		return c.Broker.People.DeleteUser(ctx, by, id)
	}},
}

func newAdmin(t *testing.T, c *coretest.Core, name string) keyhatch.Caller {
	t.Helper()
	u, err := c.Broker.People.CreateUser(ctx, c.Admin, people.NewUser{Name: name, Admin: true})
	if err != nil {
		t.Fatal(err)
	}
	return c.Token(t, c.Admin, people.NewToken{User: u.ID})
}

// TestLastAdminStays: the last active admin cannot go; an inactive one does not
// count as another.
func TestLastAdminStays(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	idle := newAdmin(t, c, "idle")
	if err := removals[1].do(c, c.Admin, idle.User.ID); err != nil {
		t.Fatal(err)
	}
	for _, r := range removals {
		var e *keyhatch.Error
		if err := r.do(c, c.Admin, c.Admin.User.ID); !errors.As(err, &e) || e.Kind != keyhatch.Conflict || e.Code != keyhatch.CodeLastAdmin {
			t.Errorf("%s: %v", r.name, err)
		}
		if u, err := c.DB.User(ctx, c.Admin.User.ID); err != nil || !u.Admin || !u.Active {
			t.Errorf("%s: the admin is %+v, %v", r.name, u, err)
		}
	}
	for _, r := range removals { // with another one, each can go
		second := newAdmin(t, c, "second-"+r.name)
		if err := r.do(c, second, second.User.ID); err != nil {
			t.Errorf("%s, of two: %v", r.name, err)
		}
	}
}

// TestLastAdminStaysInARace: when all admins remove each other at once, one is
// left.
func TestLastAdminStaysInARace(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	const admins = 4
	for i, r := range removals {
		all := []keyhatch.Caller{c.Admin}
		for n := range admins - 1 {
			all = append(all, newAdmin(t, c, fmt.Sprintf("admin-%d-%d", i, n)))
		}
		var wait sync.WaitGroup
		for n, by := range all {
			wait.Go(func() {
				for k := 1; k <= admins; k++ {
					r.do(c, by, all[(n+k)%admins].User.ID)
				}
			})
		}
		wait.Wait()
		n, err := c.DB.ActiveAdmins(ctx)
		if err != nil || n != 1 {
			t.Fatalf("%s: %d admins are left, %v", r.name, n, err)
		}
		c.Admin = left(t, c, all)
	}
}

// left is the caller who is an active admin still.
func left(t *testing.T, c *coretest.Core, all []keyhatch.Caller) keyhatch.Caller {
	t.Helper()
	for _, a := range all {
		if u, err := c.DB.User(ctx, a.User.ID); err == nil && u.Admin && u.Active {
			return a
		}
	}
	t.Fatal("the admin that is left is none of them")
	return keyhatch.Caller{}
}
