package broker

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/storekeys"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/seal"
)

// Restored is what became of an installation that was put back.
type Restored struct {
	Admin  keyhatch.User
	Secret keyhatch.Secret  // of the admin's token
	At     time.Time        // when all ended that let somebody in
	Ended  map[string]int64 // how many, by noun
}

// Restore is part of the transaction that puts an installation back from a backup of a time.
// What was revoked since then is not known, so nothing that lets somebody in comes back:
// users are inactive until an installation admin lets them in again, and passwords, sessions,
// consents, tokens, leases, access keys and what was signed have ended. The user of the name becomes the one admin who
// is let in, and is made if there is none. The system root token of the configuration, if
// any, works no more.
func Restore(ctx context.Context, tx *db.Tx, keys *seal.Keyring, admin string, root keyhatch.Secret, taken time.Time) (r Restored, err error) {
	if err := keyhatch.CheckName(admin); err != nil {
		return r, err
	}
	last, err := tx.LastEventAt(ctx)
	if err != nil {
		return r, err
	}
	if r.At = kernel.Stored(time.Now()); !r.At.After(last) { // events are in the order of their times
		r.At = last.Add(time.Microsecond)
	}
	if r.Ended, err = tx.EndAll(ctx, r.At); err != nil {
		return r, err
	}
	if err := endRoot(ctx, tx, keys, root, r.At); err != nil {
		return r, err
	}
	if err := tellStores(ctx, tx, r.At); err != nil {
		return r, err
	}
	if r.Admin, err = letIn(ctx, tx, admin, r.At); err != nil {
		return r, err
	}
	r.Secret = keyhatch.NewTokenSecret()
	hash, err := keys.HashToken(r.Secret)
	if err != nil {
		return r, err
	}
	token := keyhatch.Token{
		ID: keyhatch.NewID(keyhatch.TokenID, r.At), User: r.Admin.ID, Name: "restored", Scopes: []keyhatch.Scope{keyhatch.ScopeAll},
		Since: r.At, CreatedAt: r.At,
	}
	if err := tx.InsertToken(ctx, db.HashedToken{Token: token, Hash: hash}); err != nil {
		return r, err
	}
	cluster, err := tx.ClusterID(ctx)
	if err != nil {
		return r, err
	}
	detail := []string{"admin", r.Admin.ID, "name", r.Admin.Name, "token", token.ID, "taken_at", taken.UTC().Format(time.RFC3339Nano)}
	for what, n := range r.Ended {
		detail = append(detail, what, strconv.FormatInt(n, 10))
	}
	return r, tx.Record(ctx, keyhatch.Event{
		ID: keyhatch.NewID(keyhatch.EventID, r.At), At: r.At, Action: people.Restored, Target: cluster, Detail: kernel.Detail(detail...),
	})
}

// tellStores has the stores that keep access keys themselves take what they opened from all.
func tellStores(ctx context.Context, tx *db.Tx, at time.Time) error {
	stores, err := tx.Stores(ctx, "", "", db.Everything)
	if err != nil {
		return err
	}
	for _, s := range stores {
		if !s.Keys.Kept() {
			continue
		}
		keys, err := tx.AccessKeys(ctx, db.AccessKeyFilter{Store: s.ID}, db.Everything)
		if err != nil {
			return err
		}
		for _, k := range keys {
			k.State, k.Reason = keyhatch.AccessKeyPending, ""
			k.Revision++
			if err := tx.UpdateAccessKeyState(ctx, k); err != nil {
				return err
			}
			if err := tx.AskJob(ctx, storekeys.Job(k, at, time.Time{})); err != nil {
				return err
			}
		}
	}
	return nil
}

// letIn makes the user of the name an active admin.
func letIn(ctx context.Context, tx *db.Tx, name string, at time.Time) (keyhatch.User, error) {
	u, err := tx.UserByName(ctx, name)
	switch {
	case errors.Is(err, keyhatch.NotFound):
		u = keyhatch.User{ID: keyhatch.NewID(keyhatch.UserID, at), Name: name, Admin: true, Active: true, ActiveSince: at, CreatedAt: at}
		return u, tx.InsertUser(ctx, u)
	case err != nil:
		return u, err
	}
	u.Admin, u.Active, u.ActiveSince = true, true, at
	return u, tx.UpdateUser(ctx, u)
}
