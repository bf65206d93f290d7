package db

import (
	"context"

	"github.com/keyhatch/keyhatch"
)

// What groups and teamspaces are alike in: both are rows of the table circles,
// with the same memberships.

func (t *Tx) deleteCircle(ctx context.Context, kind keyhatch.SubjectKind, workspace, id string, missing keyhatch.Code) error {
	members, err := t.CircleMembers(ctx, id, Everything)
	if err != nil {
		return err
	}
	for _, m := range members {
		if err := t.DeleteCircleMember(ctx, workspace, id, m.User); err != nil {
			return err
		}
	}
	grants, err := many(ctx, t.Reader, scanGrant, grantQuery+" where g.subject_kind = $1 and g.subject = $2", string(kind), id)
	if err != nil {
		return err
	}
	for _, grant := range grants {
		if err := t.DeleteGrant(ctx, grant); err != nil {
			return err
		}
	}
	return t.execOne(ctx, missing, "delete from circles where id = $1 and kind = $2", id, string(kind))
}

const circleMemberColumns = "circle, user_id, role, since"

func scanCircleMember(row row) (m keyhatch.CircleMember, err error) {
	err = row.Scan(&m.Circle, &m.User, &m.Role, timeColumn{&m.Since})
	return m, err
}

// PutCircleMember adds a member or changes its role; since stays that of the
// first.
func (t *Tx) PutCircleMember(ctx context.Context, workspace string, m keyhatch.CircleMember) error {
	err := t.exec(ctx, "insert into circle_members (workspace, "+circleMemberColumns+`) values ($1, $2, $3, $4, $5)
		on conflict (circle, user_id) do update set role = excluded.role`,
		workspace, m.Circle, m.User, string(m.Role), micros(m.Since))
	if err != nil {
		return err
	}
	return t.changed(ctx, CircleMemberChanged, workspace, m.Circle+PairSeparator+m.User)
}

// DeleteCircleMember removes a member.
func (t *Tx) DeleteCircleMember(ctx context.Context, workspace, circle, user string) error {
	err := t.execOne(ctx, keyhatch.CodeMemberNotFound,
		"delete from circle_members where circle = $1 and user_id = $2", circle, user)
	if err != nil {
		return err
	}
	return t.changed(ctx, CircleMemberChanged, workspace, circle+PairSeparator+user)
}

// CircleMember returns one membership.
func (r Reader) CircleMember(ctx context.Context, circle, user string) (keyhatch.CircleMember, error) {
	return one(ctx, r, keyhatch.CodeMemberNotFound, scanCircleMember,
		"select "+circleMemberColumns+" from circle_members where circle = $1 and user_id = $2", circle, user)
}

// CircleMembers lists a circle's members by user id.
func (r Reader) CircleMembers(ctx context.Context, circle string, p Page) ([]keyhatch.CircleMember, error) {
	return many(ctx, r, scanCircleMember, "select "+circleMemberColumns+
		" from circle_members where circle = $1 and user_id > $2 order by user_id limit $3", circle, p.After, p.Limit)
}

// AllCircleMembers returns every membership, for the memory image.
func (r Reader) AllCircleMembers(ctx context.Context) ([]keyhatch.CircleMember, error) {
	return many(ctx, r, scanCircleMember, "select "+circleMemberColumns+" from circle_members")
}
