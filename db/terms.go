package db

import (
	"context"

	"github.com/keyhatch/keyhatch"
)

// PutTerms stores a text of a location; one that it had before is as it was then, with who
// has set it now. That the location asks for it is for UpdateLocation to say.
func (t *Tx) PutTerms(ctx context.Context, terms keyhatch.Terms) error {
	return t.exec(ctx, `insert into terms (location, version, workspace, title, text, set_by, set_at) values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (location, version) do update set set_by = excluded.set_by, set_at = excluded.set_at`,
		terms.Location, terms.Version, terms.Workspace, terms.Title, terms.Text, terms.SetBy, micros(terms.SetAt))
}

// Terms returns a text of a location.
func (r Reader) Terms(ctx context.Context, location, version string) (keyhatch.Terms, error) {
	return one(ctx, r, keyhatch.CodeTermsNotFound, func(row row) (t keyhatch.Terms, err error) {
		err = row.Scan(&t.Location, &t.Version, &t.Workspace, &t.Title, &t.Text, &t.SetBy, timeColumn{&t.SetAt})
		return t, err
	}, "select location, version, workspace, title, text, set_by, set_at from terms where location = $1 and version = $2", location, version)
}

// InsertAcceptance notes that a user has accepted terms, and tells whether it had not before.
func (t *Tx) InsertAcceptance(ctx context.Context, a keyhatch.Acceptance) (isNew bool, err error) {
	before, err := t.HasAccepted(ctx, a)
	if err != nil || before {
		return false, err
	}
	err = t.exec(ctx, "insert into terms_accepted (location, user_id, version, workspace, accepted_at) values ($1, $2, $3, $4, $5)",
		a.Location, a.User, a.Version, a.Workspace, micros(a.At))
	if err != nil {
		return false, err
	}
	return true, t.changed(ctx, TermsAccepted, a.Workspace, a.Location+PairSeparator+a.User)
}

// HasAccepted tells whether the user has accepted the version of the location's terms, at
// whatever time.
func (r Reader) HasAccepted(ctx context.Context, a keyhatch.Acceptance) (bool, error) {
	return exists(ctx, r, "select 1 from terms_accepted where location = $1 and user_id = $2 and version = $3", a.Location, a.User, a.Version)
}

const acceptanceQuery = "select location, workspace, user_id, version, accepted_at from terms_accepted"

func scanAcceptance(row row) (a keyhatch.Acceptance, err error) {
	err = row.Scan(&a.Location, &a.Workspace, &a.User, &a.Version, timeColumn{&a.At})
	return a, err
}

// AcceptedBy returns which texts of a location a user has accepted, the last one first.
func (r Reader) AcceptedBy(ctx context.Context, location, user string) ([]keyhatch.Acceptance, error) {
	return many(ctx, r, scanAcceptance, acceptanceQuery+" where location = $1 and user_id = $2 order by accepted_at desc, version", location, user)
}

// Acceptances lists by their ids the users who have accepted a text of a location.
func (r Reader) Acceptances(ctx context.Context, location, version string, p Page) ([]keyhatch.Acceptance, error) {
	return many(ctx, r, scanAcceptance, acceptanceQuery+" where location = $1 and version = $2 and user_id > $3 order by user_id limit $4",
		location, version, p.After, p.Limit)
}

// AllAcceptances returns every acceptance, for the memory image.
func (r Reader) AllAcceptances(ctx context.Context) ([]keyhatch.Acceptance, error) {
	return many(ctx, r, scanAcceptance, acceptanceQuery+" order by location, user_id, accepted_at desc, version")
}

// dropTerms removes what a location has asked for, and who accepted it.
func (t *Tx) dropTerms(ctx context.Context, location string) error {
	if err := t.dropAcceptances(ctx, "location", location); err != nil {
		return err
	}
	return t.exec(ctx, "delete from terms where location = $1", location)
}

// dropAcceptances removes those that have the id in the column.
func (t *Tx) dropAcceptances(ctx context.Context, column, id string) error {
	all, err := many(ctx, t.Reader, scanAcceptance, acceptanceQuery+" where "+column+" = $1", id)
	if err != nil {
		return err
	}
	for _, a := range all {
		if err := t.changed(ctx, TermsAccepted, a.Workspace, a.Location+PairSeparator+a.User); err != nil {
			return err
		}
	}
	return t.exec(ctx, "delete from terms_accepted where "+column+" = $1", id)
}
