package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/broker/people"
)

func (d *Door) passwords(a huma.API) {
	const noun = "users"
	handleOpen(d, a, call{method: http.MethodPost, path: "/login", id: "login", summary: "Make a token with a name and a password", noun: noun, status: http.StatusCreated, refuses: true}, d.login)
	handleOpen(d, a, call{method: http.MethodPost, path: "/login/password", id: "usePasswordReset", summary: "Set a password with what an installation admin has made for it", noun: noun, status: http.StatusNoContent, refuses: true}, d.usePasswordReset)
	handle(d, a, call{method: http.MethodPut, path: "/users/{user}/password", id: "setPassword", summary: "Set your password", noun: noun, status: http.StatusNoContent}, d.setPassword)
	handle(d, a, call{method: http.MethodDelete, path: "/users/{user}/password", id: "removePassword", summary: "Let a user log in with a password no more", noun: noun, status: http.StatusNoContent}, d.removePassword)
	handle(d, a, call{method: http.MethodPost, path: "/users/{user}/password-reset", id: "resetPassword", summary: "Make what a user sets a password with, once and within a day", noun: noun, status: http.StatusCreated}, d.resetPassword)
}

type loginInput struct{ Body api.Login }

// login is two use cases: who it is, and a token of its.
func (d *Door) login(ctx context.Context, in *loginInput) (*body[api.CreatedToken], error) {
	c, err := d.broker.Passwords.Authenticate(ctx, in.Body.User, keyhatch.Secret(in.Body.Password))
	if err != nil {
		return nil, err
	}
	t, secret, err := d.broker.People.CreateToken(ctx, c, people.NewToken{
		Name: in.Body.Name, Scopes: scopesOf(in.Body.Scopes), Workspace: in.Body.Workspace, ExpiresAt: timeOf(in.Body.ExpiresAt),
	})
	return shown(t, secret, err)
}

type usePasswordResetInput struct{ Body api.UsedReset }

func (d *Door) usePasswordReset(ctx context.Context, in *usePasswordResetInput) (*done, error) {
	return nil, d.broker.Passwords.ResetPassword(ctx, keyhatch.Secret(in.Body.Reset), keyhatch.Secret(in.Body.Password))
}

type setPasswordInput struct {
	UserRef
	Body api.NewPassword
}

func (d *Door) setPassword(ctx context.Context, c keyhatch.Caller, in *setPasswordInput) (*done, error) {
	return nil, d.broker.Passwords.SetPassword(ctx, c, in.User, keyhatch.Secret(in.Body.Current), keyhatch.Secret(in.Body.Password))
}

func (d *Door) removePassword(ctx context.Context, c keyhatch.Caller, in *UserRef) (*done, error) {
	return nil, d.broker.Passwords.RemovePassword(ctx, c, in.User)
}

func (d *Door) resetPassword(ctx context.Context, c keyhatch.Caller, in *UserRef) (*body[api.PasswordReset], error) {
	u, err := d.broker.People.User(ctx, c, in.User)
	if err != nil {
		return nil, err
	}
	secret, expires, err := d.broker.Passwords.NewReset(ctx, c, u.ID)
	if err != nil {
		return nil, err
	}
	return answer(api.PasswordReset{User: u.ID, Secret: secret.Reveal(), ExpiresAt: expires}), nil
}
