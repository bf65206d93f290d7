package db

import (
	"context"

	"github.com/keyhatch/keyhatch"
)

const teamspaceQuery = "select id, workspace, name, visibility, created_by, created_at from circles where kind = 'teamspace'"

func scanTeamspace(row row) (s keyhatch.Teamspace, err error) {
	err = row.Scan(&s.ID, &s.Workspace, &s.Name, &s.Visibility, &s.CreatedBy, timeColumn{&s.CreatedAt})
	return s, err
}

// InsertTeamspace adds a teamspace.
func (t *Tx) InsertTeamspace(ctx context.Context, s keyhatch.Teamspace) error {
	return t.exec(ctx, `insert into circles (id, workspace, kind, name, visibility, created_by, created_at)
		values ($1, $2, 'teamspace', $3, $4, $5, $6)`, s.ID, s.Workspace, s.Name, string(s.Visibility), s.CreatedBy, micros(s.CreatedAt))
}

// UpdateTeamspace stores name and visibility.
func (t *Tx) UpdateTeamspace(ctx context.Context, s keyhatch.Teamspace) error {
	return t.execOne(ctx, keyhatch.CodeTeamspaceNotFound,
		"update circles set name = $2, visibility = $3 where id = $1 and kind = 'teamspace'", s.ID, s.Name, string(s.Visibility))
}

// DeleteTeamspace removes a teamspace with its memberships and the grants that
// name it.
func (t *Tx) DeleteTeamspace(ctx context.Context, s keyhatch.Teamspace) error {
	return t.deleteCircle(ctx, keyhatch.SubjectTeamspace, s.Workspace, s.ID, keyhatch.CodeTeamspaceNotFound)
}

// Teamspace returns the teamspace of the id.
func (r Reader) Teamspace(ctx context.Context, id string) (keyhatch.Teamspace, error) {
	return one(ctx, r, keyhatch.CodeTeamspaceNotFound, scanTeamspace, teamspaceQuery+" and id = $1", id)
}

// TeamspaceByName returns the teamspace of the name in the workspace.
func (r Reader) TeamspaceByName(ctx context.Context, workspace, name string) (keyhatch.Teamspace, error) {
	return one(ctx, r, keyhatch.CodeTeamspaceNotFound, scanTeamspace,
		teamspaceQuery+" and workspace = $1 and name = $2", workspace, name)
}

// Teamspaces lists a workspace's teamspaces by id: all of them, or when seenBy is
// set the public ones and those that the user is in.
func (r Reader) Teamspaces(ctx context.Context, workspace, seenBy string, p Page) ([]keyhatch.Teamspace, error) {
	return many(ctx, r, scanTeamspace, teamspaceQuery+` and workspace = $1 and id > $2 and ($3 = '' or visibility = 'public'
		or id in (select circle from circle_members where user_id = $3)) order by id limit $4`, workspace, p.After, seenBy, p.Limit)
}
