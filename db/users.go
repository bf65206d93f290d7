package db

import (
	"context"

	"github.com/keyhatch/keyhatch"
)

const userColumns = "id, name, full_name, email, admin, active, active_since, created_at"

func scanUser(row row) (u keyhatch.User, err error) {
	err = row.Scan(&u.ID, &u.Name, &u.FullName, &u.Email, &u.Admin, &u.Active,
		timeColumn{&u.ActiveSince}, timeColumn{&u.CreatedAt})
	return u, err
}

// InsertUser adds a user.
func (t *Tx) InsertUser(ctx context.Context, u keyhatch.User) error {
	err := t.exec(ctx, "insert into users ("+userColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8)",
		u.ID, u.Name, u.FullName, u.Email, u.Admin, u.Active, micros(u.ActiveSince), micros(u.CreatedAt))
	if err != nil {
		return err
	}
	return t.changed(ctx, UserChanged, "", u.ID)
}

// UpdateUser stores everything but the id and the time of making.
func (t *Tx) UpdateUser(ctx context.Context, u keyhatch.User) error {
	err := t.execOne(ctx, keyhatch.CodeUserNotFound,
		"update users set name = $2, full_name = $3, email = $4, admin = $5, active = $6, active_since = $7 where id = $1",
		u.ID, u.Name, u.FullName, u.Email, u.Admin, u.Active, micros(u.ActiveSince))
	if err != nil {
		return err
	}
	return t.changed(ctx, UserChanged, "", u.ID)
}

// DeleteUser removes a user with its tokens, password, sessions, memberships and the grants that
// name it. Locations that it owns keep it from being removed. Its signed tokens are kept
// apart: see BearerEnded.
func (t *Tx) DeleteUser(ctx context.Context, id string) error {
	if err := t.exec(ctx, `insert into ended_bearers (pepper, hash, until)
		select pepper, hash, issued_until from tokens where user_id = $1 and issuer is not null`, id); err != nil {
		return err
	}
	tokens, err := many(ctx, t.Reader, scanToken, "select "+tokenColumns+" from tokens where user_id = $1", id)
	if err != nil {
		return err
	}
	for _, k := range tokens {
		if err := t.DeleteToken(ctx, k); err != nil {
			return err
		}
	}
	memberships, err := many(ctx, t.Reader, scanMember, "select "+memberColumns+" from workspace_members where user_id = $1", id)
	if err != nil {
		return err
	}
	for _, m := range memberships {
		if err := t.DeleteWorkspaceMember(ctx, m.Workspace, id); err != nil {
			return err
		}
	}
	grants, err := many(ctx, t.Reader, scanGrant, grantQuery+" where g.subject_kind = 'user' and g.subject = $1", id)
	if err != nil {
		return err
	}
	for _, g := range grants {
		if err := t.DeleteGrant(ctx, g); err != nil {
			return err
		}
	}
	if err := t.dropAcceptances(ctx, "user_id", id); err != nil {
		return err
	}
	for _, of := range []string{"sessions where user_id", "passwords where id", "password_resets where id", "login_gifts where user_id"} {
		if err := t.exec(ctx, "delete from "+of+" = $1", id); err != nil {
			return err
		}
	}
	// Who was removed does not come back by logging in.
	if err := t.exec(ctx, "update identities set user_id = null where user_id = $1", id); err != nil {
		return err
	}
	if err := t.exec(ctx, "delete from oauth_consents where user_id = $1", id); err != nil {
		return err
	}
	if err := t.execOne(ctx, keyhatch.CodeUserNotFound, "delete from users where id = $1", id); err != nil {
		return err
	}
	return t.changed(ctx, UserChanged, "", id)
}

// User returns the user of the id.
func (r Reader) User(ctx context.Context, id string) (keyhatch.User, error) {
	return one(ctx, r, keyhatch.CodeUserNotFound, scanUser, "select "+userColumns+" from users where id = $1", id)
}

// UserByName returns the user of the name.
func (r Reader) UserByName(ctx context.Context, name string) (keyhatch.User, error) {
	return one(ctx, r, keyhatch.CodeUserNotFound, scanUser, "select "+userColumns+" from users where name = $1", name)
}

// Users lists users by id: all of them, or when seenBy is set that user and
// those who share a workspace with it, the one that is named if one is.
func (r Reader) Users(ctx context.Context, seenBy, workspace string, p Page) ([]keyhatch.User, error) {
	return many(ctx, r, scanUser, "select "+userColumns+` from users
		where id > $1 and ($2 = '' or id = $2 or exists (
			select 1 from workspace_members mine join workspace_members theirs on mine.workspace = theirs.workspace
			where mine.user_id = $2 and theirs.user_id = users.id and ($3 = '' or mine.workspace = $3)))
		order by id limit $4`, p.After, seenBy, workspace, p.Limit)
}

// ShareWorkspace tells whether two users are members of one workspace, the one
// that is named if one is.
func (r Reader) ShareWorkspace(ctx context.Context, a, b, workspace string) (bool, error) {
	return exists(ctx, r, `select 1 from workspace_members mine join workspace_members theirs on mine.workspace = theirs.workspace
		where mine.user_id = $1 and theirs.user_id = $2 and ($3 = '' or mine.workspace = $3)`, a, b, workspace)
}

// ActiveAdmins counts the active installation admins.
func (r Reader) ActiveAdmins(ctx context.Context) (int, error) {
	var n int
	err := r.q.QueryRowContext(ctx, "select count(*) from users where admin and active").Scan(&n)
	return n, dbError(err)
}
