package db

import (
	"context"

	"github.com/keyhatch/keyhatch"
)

const groupColumns = "id, workspace, name, created_at"

func scanGroup(row row) (g keyhatch.Group, err error) {
	err = row.Scan(&g.ID, &g.Workspace, &g.Name, timeColumn{&g.CreatedAt})
	return g, err
}

// InsertGroup adds a group.
func (t *Tx) InsertGroup(ctx context.Context, g keyhatch.Group) error {
	return t.exec(ctx, "insert into user_groups ("+groupColumns+") values ($1, $2, $3, $4)",
		g.ID, g.Workspace, g.Name, micros(g.CreatedAt))
}

// RenameGroup changes the name.
func (t *Tx) RenameGroup(ctx context.Context, id, name string) error {
	return t.execOne(ctx, keyhatch.CodeGroupNotFound, "update user_groups set name = $2 where id = $1", id, name)
}

// DeleteGroup removes a group with its memberships and the grants that name it.
func (t *Tx) DeleteGroup(ctx context.Context, g keyhatch.Group) error {
	members, err := many(ctx, t.Reader, scanGroupMember,
		"select "+groupMemberColumns+" from group_members where group_id = $1", g.ID)
	if err != nil {
		return err
	}
	for _, m := range members {
		if err := t.DeleteGroupMember(ctx, g.Workspace, g.ID, m.User); err != nil {
			return err
		}
	}
	grants, err := many(ctx, t.Reader, scanGrant, grantQuery+" where g.subject_kind = 'group' and g.subject = $1", g.ID)
	if err != nil {
		return err
	}
	for _, grant := range grants {
		if err := t.DeleteGrant(ctx, grant); err != nil {
			return err
		}
	}
	return t.execOne(ctx, keyhatch.CodeGroupNotFound, "delete from user_groups where id = $1", g.ID)
}

// Group returns the group of the id.
func (r Reader) Group(ctx context.Context, id string) (keyhatch.Group, error) {
	return one(ctx, r, keyhatch.CodeGroupNotFound, scanGroup, "select "+groupColumns+" from user_groups where id = $1", id)
}

// GroupByName returns the group of the name in the workspace.
func (r Reader) GroupByName(ctx context.Context, workspace, name string) (keyhatch.Group, error) {
	return one(ctx, r, keyhatch.CodeGroupNotFound, scanGroup,
		"select "+groupColumns+" from user_groups where workspace = $1 and name = $2", workspace, name)
}

// Groups lists a workspace's groups by id.
func (r Reader) Groups(ctx context.Context, workspace string, p Page) ([]keyhatch.Group, error) {
	return many(ctx, r, scanGroup, "select "+groupColumns+
		" from user_groups where workspace = $1 and id > $2 order by id limit $3", workspace, p.After, p.Limit)
}

const groupMemberColumns = "group_id, user_id, since"

func scanGroupMember(row row) (m keyhatch.GroupMember, err error) {
	err = row.Scan(&m.Group, &m.User, timeColumn{&m.Since})
	return m, err
}

// PutGroupMember adds a member; one that is there already keeps its since.
func (t *Tx) PutGroupMember(ctx context.Context, workspace string, m keyhatch.GroupMember) error {
	err := t.exec(ctx, `insert into group_members (workspace, group_id, user_id, since) values ($1, $2, $3, $4)
		on conflict (group_id, user_id) do nothing`, workspace, m.Group, m.User, micros(m.Since))
	if err != nil {
		return err
	}
	return t.changed(ctx, GroupMemberChanged, workspace, m.Group+PairSeparator+m.User)
}

// DeleteGroupMember removes a member.
func (t *Tx) DeleteGroupMember(ctx context.Context, workspace, group, user string) error {
	err := t.execOne(ctx, keyhatch.CodeMemberNotFound,
		"delete from group_members where group_id = $1 and user_id = $2", group, user)
	if err != nil {
		return err
	}
	return t.changed(ctx, GroupMemberChanged, workspace, group+PairSeparator+user)
}

// GroupMember returns one membership.
func (r Reader) GroupMember(ctx context.Context, group, user string) (keyhatch.GroupMember, error) {
	return one(ctx, r, keyhatch.CodeMemberNotFound, scanGroupMember,
		"select "+groupMemberColumns+" from group_members where group_id = $1 and user_id = $2", group, user)
}

// GroupMembers lists a group's members by user id.
func (r Reader) GroupMembers(ctx context.Context, group string, p Page) ([]keyhatch.GroupMember, error) {
	return many(ctx, r, scanGroupMember, "select "+groupMemberColumns+
		" from group_members where group_id = $1 and user_id > $2 order by user_id limit $3", group, p.After, p.Limit)
}

// AllGroupMembers returns every membership, for the memory image.
func (r Reader) AllGroupMembers(ctx context.Context) ([]keyhatch.GroupMember, error) {
	return many(ctx, r, scanGroupMember, "select "+groupMemberColumns+" from group_members")
}
