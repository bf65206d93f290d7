package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/keyhatch/keyhatch/api"
)

// CurrentToken shows the token in use.
func (c *Client) CurrentToken(ctx context.Context) (t api.Token, err error) {
	err = c.call(ctx, http.MethodGet, "/tokens/current", nil, nil, &t)
	return t, err
}

// Tokens lists a user's tokens, by its id or name; one's own when it is empty.
func (c *Client) Tokens(ctx context.Context, user string) iter.Seq2[api.Token, error] {
	return list[api.Token](ctx, c, "/tokens", queryOf("user", user))
}

// Token shows a token, without its secret.
func (c *Client) Token(ctx context.Context, id string) (t api.Token, err error) {
	err = c.call(ctx, http.MethodGet, at("tokens", id), nil, nil, &t)
	return t, err
}

// CreateToken makes a token and returns it with its secret.
func (c *Client) CreateToken(ctx context.Context, n api.NewToken) (t api.CreatedToken, err error) {
	err = c.call(ctx, http.MethodPost, "/tokens", nil, n, &t)
	return t, err
}

// RotateToken gives a token another secret, which is returned. The one before works
// for the time of the rotation, without any not at all. An empty id is the token in
// use: c then calls with a dead secret, and a new Client is needed.
func (c *Client) RotateToken(ctx context.Context, id string, r api.TokenRotation) (t api.CreatedToken, err error) {
	if id == "" {
		id = "current"
	}
	err = c.call(ctx, http.MethodPost, at("tokens", id, "rotate"), nil, r, &t)
	return t, err
}

// UpdateToken changes a token. An empty id is the token in use.
func (c *Client) UpdateToken(ctx context.Context, id string, change api.TokenChange) (t api.Token, err error) {
	if id == "" {
		id = "current"
	}
	err = c.call(ctx, http.MethodPatch, at("tokens", id), nil, change, &t)
	return t, err
}

// RevokeTokenAndMade ends a token, what was borrowed with it, and the tokens that were
// made with it, and with those in turn.
func (c *Client) RevokeTokenAndMade(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, at("tokens", id), url.Values{"made": {"true"}}, nil, nil)
}

// RevokeTokens ends all tokens of a user, but for the one in use when it is to be kept.
func (c *Client) RevokeTokens(ctx context.Context, user string, keepCurrent bool) (r api.RevokedTokens, err error) {
	err = c.call(ctx, http.MethodDelete, at("users", user, "tokens"), url.Values{"keep_current": {strconv.FormatBool(keepCurrent)}}, nil, &r)
	return r, err
}

// ReportLeak ends the token of a secret that was found where it does not belong, if
// there is one, and the tokens that were made with it. It takes no token to call it.
func (c *Client) ReportLeak(ctx context.Context, secret string) error {
	return c.call(ctx, http.MethodPost, "/tokens/leaks", nil, api.LeakedToken{Token: secret}, nil)
}

// RevokeToken ends a token and what was borrowed with it.
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, at("tokens", id), nil, nil, nil)
}

// Users lists the users that one may see.
func (c *Client) Users(ctx context.Context) iter.Seq2[api.User, error] {
	return list[api.User](ctx, c, "/users", queryOf())
}

// User shows a user, by its id or name.
func (c *Client) User(ctx context.Context, user string) (u api.User, err error) {
	err = c.call(ctx, http.MethodGet, at("users", user), nil, nil, &u)
	return u, err
}

// CreateUser adds a user.
func (c *Client) CreateUser(ctx context.Context, n api.NewUser) (u api.User, err error) {
	err = c.call(ctx, http.MethodPost, "/users", nil, n, &u)
	return u, err
}

// UpdateUser changes what the change names.
func (c *Client) UpdateUser(ctx context.Context, user string, change api.UserChange) (u api.User, err error) {
	err = c.call(ctx, http.MethodPatch, at("users", user), nil, change, &u)
	return u, err
}

// DeleteUser removes a user with its tokens, memberships and grants.
func (c *Client) DeleteUser(ctx context.Context, user string) error {
	return c.call(ctx, http.MethodDelete, at("users", user), nil, nil, nil)
}

// Workspaces lists one's workspaces.
func (c *Client) Workspaces(ctx context.Context) iter.Seq2[api.Workspace, error] {
	return list[api.Workspace](ctx, c, "/workspaces", queryOf())
}

// Workspace shows a workspace, by its id or name.
func (c *Client) Workspace(ctx context.Context, workspace string) (w api.Workspace, err error) {
	err = c.call(ctx, http.MethodGet, at("workspaces", workspace), nil, nil, &w)
	return w, err
}

// CreateWorkspace adds a workspace, with the caller as its owner.
func (c *Client) CreateWorkspace(ctx context.Context, n api.Named) (w api.Workspace, err error) {
	err = c.call(ctx, http.MethodPost, "/workspaces", nil, n, &w)
	return w, err
}

// RenameWorkspace gives a workspace another name.
func (c *Client) RenameWorkspace(ctx context.Context, workspace string, n api.Named) (w api.Workspace, err error) {
	err = c.call(ctx, http.MethodPatch, at("workspaces", workspace), nil, n, &w)
	return w, err
}

// DeleteWorkspace removes an empty workspace.
func (c *Client) DeleteWorkspace(ctx context.Context, workspace string) error {
	return c.call(ctx, http.MethodDelete, at("workspaces", workspace), nil, nil, nil)
}

// WorkspaceMembers lists a workspace's members.
func (c *Client) WorkspaceMembers(ctx context.Context, workspace string) iter.Seq2[api.WorkspaceMember, error] {
	return list[api.WorkspaceMember](ctx, c, at("workspaces", workspace, "members"), queryOf())
}

// PutWorkspaceMember adds a member or changes its role.
func (c *Client) PutWorkspaceMember(ctx context.Context, workspace, user string, role api.MemberRole) (m api.WorkspaceMember, err error) {
	err = c.call(ctx, http.MethodPut, at("workspaces", workspace, "members", user), nil, role, &m)
	return m, err
}

// RemoveWorkspaceMember removes a member with its group memberships and the grants
// that name it.
func (c *Client) RemoveWorkspaceMember(ctx context.Context, workspace, user string) error {
	return c.call(ctx, http.MethodDelete, at("workspaces", workspace, "members", user), nil, nil, nil)
}

// Groups lists the workspace's groups.
func (c *Client) Groups(ctx context.Context) iter.Seq2[api.Group, error] {
	return list[api.Group](ctx, c, "/groups", c.here())
}

// Group shows a group, by its id, or by its name in the workspace.
func (c *Client) Group(ctx context.Context, group string) (g api.Group, err error) {
	err = c.call(ctx, http.MethodGet, at("groups", group), c.here(), nil, &g)
	return g, err
}

// CreateGroup adds a group to the workspace.
func (c *Client) CreateGroup(ctx context.Context, n api.Named) (g api.Group, err error) {
	err = c.call(ctx, http.MethodPost, "/groups", c.here(), n, &g)
	return g, err
}

// RenameGroup gives a group another name.
func (c *Client) RenameGroup(ctx context.Context, group string, n api.Named) (g api.Group, err error) {
	err = c.call(ctx, http.MethodPatch, at("groups", group), c.here(), n, &g)
	return g, err
}

// DeleteGroup removes a group and the grants that name it.
func (c *Client) DeleteGroup(ctx context.Context, group string) error {
	return c.call(ctx, http.MethodDelete, at("groups", group), c.here(), nil, nil)
}

// GroupMembers lists a group's members.
func (c *Client) GroupMembers(ctx context.Context, group string) iter.Seq2[api.GroupMember, error] {
	return list[api.GroupMember](ctx, c, at("groups", group, "members"), c.here())
}

// PutGroupMember adds a member.
func (c *Client) PutGroupMember(ctx context.Context, group, user string) (m api.GroupMember, err error) {
	err = c.call(ctx, http.MethodPut, at("groups", group, "members", user), c.here(), nil, &m)
	return m, err
}

// RemoveGroupMember removes a member; what rests on the membership closes.
func (c *Client) RemoveGroupMember(ctx context.Context, group, user string) error {
	return c.call(ctx, http.MethodDelete, at("groups", group, "members", user), c.here(), nil, nil)
}

// Teamspaces lists the workspace's teamspaces that one may see.
func (c *Client) Teamspaces(ctx context.Context) iter.Seq2[api.Teamspace, error] {
	return list[api.Teamspace](ctx, c, "/teamspaces", c.here())
}

// Teamspace shows a teamspace, by its id, or by its name in the workspace.
func (c *Client) Teamspace(ctx context.Context, teamspace string) (t api.Teamspace, err error) {
	err = c.call(ctx, http.MethodGet, at("teamspaces", teamspace), c.here(), nil, &t)
	return t, err
}

// CreateTeamspace adds a teamspace to the workspace, with the caller as its owner.
func (c *Client) CreateTeamspace(ctx context.Context, n api.NewTeamspace) (t api.Teamspace, err error) {
	err = c.call(ctx, http.MethodPost, "/teamspaces", c.here(), n, &t)
	return t, err
}

// UpdateTeamspace changes what the change names.
func (c *Client) UpdateTeamspace(ctx context.Context, teamspace string, change api.TeamspaceChange) (t api.Teamspace, err error) {
	err = c.call(ctx, http.MethodPatch, at("teamspaces", teamspace), c.here(), change, &t)
	return t, err
}

// DeleteTeamspace removes a teamspace and the grants that name it.
func (c *Client) DeleteTeamspace(ctx context.Context, teamspace string) error {
	return c.call(ctx, http.MethodDelete, at("teamspaces", teamspace), c.here(), nil, nil)
}

// TeamspaceMembers lists a teamspace's members.
func (c *Client) TeamspaceMembers(ctx context.Context, teamspace string) iter.Seq2[api.TeamspaceMember, error] {
	return list[api.TeamspaceMember](ctx, c, at("teamspaces", teamspace, "members"), c.here())
}

// PutTeamspaceMember adds a member, or changes its role.
func (c *Client) PutTeamspaceMember(ctx context.Context, teamspace, user string, role api.TeamspaceRole) (m api.TeamspaceMember, err error) {
	err = c.call(ctx, http.MethodPut, at("teamspaces", teamspace, "members", user), c.here(), role, &m)
	return m, err
}

// RemoveTeamspaceMember removes a member; what rests on the membership closes.
func (c *Client) RemoveTeamspaceMember(ctx context.Context, teamspace, user string) error {
	return c.call(ctx, http.MethodDelete, at("teamspaces", teamspace, "members", user), c.here(), nil, nil)
}

// Login makes a token with a name and a password and returns it with its secret. It
// takes no token to call it.
func (c *Client) Login(ctx context.Context, l api.Login) (t api.CreatedToken, err error) {
	err = c.call(ctx, http.MethodPost, "/login", nil, l, &t)
	return t, err
}

// SetPassword sets the password of one's own user.
func (c *Client) SetPassword(ctx context.Context, user string, p api.NewPassword) error {
	return c.call(ctx, http.MethodPut, at("users", user, "password"), nil, p, nil)
}

// RemovePassword lets a user log in with a password no more.
func (c *Client) RemovePassword(ctx context.Context, user string) error {
	return c.call(ctx, http.MethodDelete, at("users", user, "password"), nil, nil, nil)
}

// ResetPassword makes what a user sets a password with.
func (c *Client) ResetPassword(ctx context.Context, user string) (r api.PasswordReset, err error) {
	err = c.call(ctx, http.MethodPost, at("users", user, "password-reset"), nil, nil, &r)
	return r, err
}

// UseReset sets a password with the secret of a reset. It takes no token to call it.
func (c *Client) UseReset(ctx context.Context, r api.UsedReset) error {
	return c.call(ctx, http.MethodPost, "/login/password", nil, r, nil)
}
