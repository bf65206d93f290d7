package db

import (
	"context"

	"github.com/keyhatch/keyhatch"
)

const workspaceColumns = "id, name, created_at"

func scanWorkspace(row row) (w keyhatch.Workspace, err error) {
	err = row.Scan(&w.ID, &w.Name, timeColumn{&w.CreatedAt})
	return w, err
}

// InsertWorkspace adds a workspace.
func (t *Tx) InsertWorkspace(ctx context.Context, w keyhatch.Workspace) error {
	err := t.exec(ctx, "insert into workspaces ("+workspaceColumns+") values ($1, $2, $3)",
		w.ID, w.Name, micros(w.CreatedAt))
	if err != nil {
		return err
	}
	return t.changed(ctx, WorkspaceChanged, w.ID, w.ID)
}

// RenameWorkspace changes the name.
func (t *Tx) RenameWorkspace(ctx context.Context, id, name string) error {
	err := t.execOne(ctx, keyhatch.CodeWorkspaceNotFound, "update workspaces set name = $2 where id = $1", id, name)
	if err != nil {
		return err
	}
	return t.changed(ctx, WorkspaceChanged, id, id)
}

// DeleteWorkspace removes a workspace with its memberships and accounts. Whatever else
// belongs to it keeps it from being removed.
func (t *Tx) DeleteWorkspace(ctx context.Context, id string) error {
	members, err := t.WorkspaceMembers(ctx, id, Everything)
	if err != nil {
		return err
	}
	for _, m := range members {
		if err := t.DeleteWorkspaceMember(ctx, id, m.User); err != nil {
			return err
		}
	}
	if err := t.deleteAccounts(ctx, "workspace", id); err != nil {
		return err
	}
	if err := t.execOne(ctx, keyhatch.CodeWorkspaceNotFound, "delete from workspaces where id = $1", id); err != nil {
		return err
	}
	return t.changed(ctx, WorkspaceChanged, id, id)
}

// Workspace returns the workspace of the id.
func (r Reader) Workspace(ctx context.Context, id string) (keyhatch.Workspace, error) {
	return one(ctx, r, keyhatch.CodeWorkspaceNotFound, scanWorkspace,
		"select "+workspaceColumns+" from workspaces where id = $1", id)
}

// WorkspaceByName returns the workspace of the name.
func (r Reader) WorkspaceByName(ctx context.Context, name string) (keyhatch.Workspace, error) {
	return one(ctx, r, keyhatch.CodeWorkspaceNotFound, scanWorkspace,
		"select "+workspaceColumns+" from workspaces where name = $1", name)
}

// Workspaces lists workspaces by id: all of them, or when member is set those
// that the user is a member of.
func (r Reader) Workspaces(ctx context.Context, member string, p Page) ([]keyhatch.Workspace, error) {
	return many(ctx, r, scanWorkspace, "select "+workspaceColumns+` from workspaces
		where id > $1 and ($2 = '' or id in (select workspace from workspace_members where user_id = $2))
		order by id limit $3`, p.After, member, p.Limit)
}

const memberColumns = "workspace, user_id, role, since"

func scanMember(row row) (m keyhatch.WorkspaceMember, err error) {
	err = row.Scan(&m.Workspace, &m.User, &m.Role, timeColumn{&m.Since})
	return m, err
}

// PutWorkspaceMember adds a member or changes its role; since stays that of the
// first.
func (t *Tx) PutWorkspaceMember(ctx context.Context, m keyhatch.WorkspaceMember) error {
	err := t.exec(ctx, "insert into workspace_members ("+memberColumns+`) values ($1, $2, $3, $4)
		on conflict (workspace, user_id) do update set role = excluded.role`,
		m.Workspace, m.User, string(m.Role), micros(m.Since))
	if err != nil {
		return err
	}
	return t.changed(ctx, WorkspaceMemberChanged, m.Workspace, m.Workspace+PairSeparator+m.User)
}

// DeleteWorkspaceMember removes a member with its memberships of the workspace's
// circles and the workspace's grants that name it.
func (t *Tx) DeleteWorkspaceMember(ctx context.Context, workspace, user string) error {
	grants, err := many(ctx, t.Reader, scanGrant, grantQuery+" where g.workspace = $1 and g.subject_kind = 'user' and g.subject = $2", workspace, user)
	if err != nil {
		return err
	}
	for _, g := range grants {
		if err := t.DeleteGrant(ctx, g); err != nil {
			return err
		}
	}
	memberships, err := many(ctx, t.Reader, scanCircleMember, "select "+circleMemberColumns+
		" from circle_members where workspace = $1 and user_id = $2", workspace, user)
	if err != nil {
		return err
	}
	for _, m := range memberships {
		if err := t.DeleteCircleMember(ctx, workspace, m.Circle, user); err != nil {
			return err
		}
	}
	err = t.execOne(ctx, keyhatch.CodeMemberNotFound,
		"delete from workspace_members where workspace = $1 and user_id = $2", workspace, user)
	if err != nil {
		return err
	}
	return t.changed(ctx, WorkspaceMemberChanged, workspace, workspace+PairSeparator+user)
}

// WorkspaceMember returns one membership.
func (r Reader) WorkspaceMember(ctx context.Context, workspace, user string) (keyhatch.WorkspaceMember, error) {
	return one(ctx, r, keyhatch.CodeMemberNotFound, scanMember,
		"select "+memberColumns+" from workspace_members where workspace = $1 and user_id = $2", workspace, user)
}

// WorkspaceMembers lists a workspace's members by user id.
func (r Reader) WorkspaceMembers(ctx context.Context, workspace string, p Page) ([]keyhatch.WorkspaceMember, error) {
	return many(ctx, r, scanMember, "select "+memberColumns+
		" from workspace_members where workspace = $1 and user_id > $2 order by user_id limit $3",
		workspace, p.After, p.Limit)
}

// AllWorkspaceMembers returns every membership, for the memory image.
func (r Reader) AllWorkspaceMembers(ctx context.Context) ([]keyhatch.WorkspaceMember, error) {
	return many(ctx, r, scanMember, "select "+memberColumns+" from workspace_members")
}
