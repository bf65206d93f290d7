package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/broker/people"
)

// UserRef names a user in the path.
type UserRef struct {
	User string `path:"user" maxLength:"128" doc:"Id or name"`
}

func (d *Door) users(a huma.API) {
	const noun = "users"
	handle(d, a, call{method: http.MethodGet, path: "/users", id: "listUsers", summary: "List the users that you may see", noun: noun}, d.listUsers)
	handle(d, a, call{method: http.MethodPost, path: "/users", id: "createUser", summary: "Add a user", noun: noun, status: http.StatusCreated}, d.createUser)
	handle(d, a, call{method: http.MethodGet, path: "/users/{user}", id: "getUser", summary: "Show a user", noun: noun}, d.getUser)
	handle(d, a, call{method: http.MethodPatch, path: "/users/{user}", id: "updateUser", summary: "Change a user", noun: noun}, d.updateUser)
	handle(d, a, call{method: http.MethodDelete, path: "/users/{user}", id: "deleteUser", summary: "Remove a user with its tokens, memberships and grants", noun: noun, status: http.StatusNoContent}, d.deleteUser)
}

func (d *Door) listUsers(ctx context.Context, c keyhatch.Caller, in *OnePage) (*body[api.Page[api.User]], error) {
	users, err := d.broker.People.Users(ctx, c, in.page())
	return pageOf(users, err, encodeUser)
}

type createUserInput struct{ Body api.NewUser }

func (d *Door) createUser(ctx context.Context, c keyhatch.Caller, in *createUserInput) (*body[api.User], error) {
	u, err := d.broker.People.CreateUser(ctx, c, people.NewUser(in.Body))
	return one(u, err, encodeUser)
}

func (d *Door) getUser(ctx context.Context, c keyhatch.Caller, in *UserRef) (*body[api.User], error) {
	u, err := d.broker.People.User(ctx, c, in.User)
	return one(u, err, encodeUser)
}

type updateUserInput struct {
	UserRef
	Body api.UserChange
}

func (d *Door) updateUser(ctx context.Context, c keyhatch.Caller, in *updateUserInput) (*body[api.User], error) {
	u, err := d.broker.People.UpdateUser(ctx, c, in.User, people.UserChange(in.Body))
	return one(u, err, encodeUser)
}

func (d *Door) deleteUser(ctx context.Context, c keyhatch.Caller, in *UserRef) (*done, error) {
	return nil, d.broker.People.DeleteUser(ctx, c, in.User)
}

func encodeUser(u keyhatch.User) api.User {
	return api.User{
		ID: u.ID, Name: u.Name, FullName: u.FullName, Email: u.Email, Admin: u.Admin, Active: u.Active, CreatedAt: u.CreatedAt,
	}
}
