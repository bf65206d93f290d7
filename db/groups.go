package db

import (
	"context"

	"github.com/keyhatch/keyhatch"
)

const groupQuery = "select id, workspace, name, created_at from circles where kind = 'group'"

func scanGroup(row row) (g keyhatch.Group, err error) {
	err = row.Scan(&g.ID, &g.Workspace, &g.Name, timeColumn{&g.CreatedAt})
	return g, err
}

// InsertGroup adds a group.
func (t *Tx) InsertGroup(ctx context.Context, g keyhatch.Group) error {
	return t.exec(ctx, `insert into circles (id, workspace, kind, name, visibility, created_by, created_at)
		values ($1, $2, 'group', $3, '', '', $4)`, g.ID, g.Workspace, g.Name, micros(g.CreatedAt))
}

// RenameGroup changes the name.
func (t *Tx) RenameGroup(ctx context.Context, id, name string) error {
	return t.execOne(ctx, keyhatch.CodeGroupNotFound, "update circles set name = $2 where id = $1 and kind = 'group'", id, name)
}

// DeleteGroup removes a group with its memberships and the grants that name it.
func (t *Tx) DeleteGroup(ctx context.Context, g keyhatch.Group) error {
	return t.deleteCircle(ctx, keyhatch.SubjectGroup, g.Workspace, g.ID, keyhatch.CodeGroupNotFound)
}

// Group returns the group of the id.
func (r Reader) Group(ctx context.Context, id string) (keyhatch.Group, error) {
	return one(ctx, r, keyhatch.CodeGroupNotFound, scanGroup, groupQuery+" and id = $1", id)
}

// GroupByName returns the group of the name in the workspace.
func (r Reader) GroupByName(ctx context.Context, workspace, name string) (keyhatch.Group, error) {
	return one(ctx, r, keyhatch.CodeGroupNotFound, scanGroup, groupQuery+" and workspace = $1 and name = $2", workspace, name)
}

// Groups lists a workspace's groups by id.
func (r Reader) Groups(ctx context.Context, workspace string, p Page) ([]keyhatch.Group, error) {
	return many(ctx, r, scanGroup, groupQuery+" and workspace = $1 and id > $2 order by id limit $3", workspace, p.After, p.Limit)
}
