package db

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
)

// What is kept of signed tokens beside the tokens that stand for them.

// BearerEnded tells whether one of the hashes is of a signed token whose user was removed.
func (r Reader) BearerEnded(ctx context.Context, hashes []keyhatch.TokenHash) (bool, error) {
	for _, h := range hashes {
		ended, err := exists(ctx, r, "select 1 from ended_bearers where pepper = $1 and hash = $2", int64(h.Pepper), []byte(h.Hash))
		if err != nil || ended {
			return ended, err
		}
	}
	return false, nil
}

// PutFormerName notes that a user has a name no more.
func (t *Tx) PutFormerName(ctx context.Context, name string, now time.Time) error {
	return t.exec(ctx, `insert into former_names (name, until) values ($1, $2)
		on conflict (name) do update set until = excluded.until`, name, micros(now))
}

// everyName stands, in the table of former names, for all: of users who are not in a backup
// that was put back, too.
const everyName = ""

// FormerName tells until when the name was another user's than who has it now, zero for never.
func (r Reader) FormerName(ctx context.Context, name string) (until time.Time, err error) {
	err = r.q.QueryRowContext(ctx, "select max(until) from former_names where name in ($1, '"+everyName+"')", name).Scan(timeColumn{&until})
	return until, dbError(err)
}

// PruneBearers takes a step of forgetting removed users' signed tokens that had ended at the time,
// and names that nobody had after since.
func (t *Tx) PruneBearers(ctx context.Context, now, since time.Time) (more bool, err error) {
	if more, err = t.prune(ctx, "ended_bearers", "pepper, hash", "until <= $1", micros(now)); more || err != nil {
		return more, err
	}
	return t.prune(ctx, "former_names", "name", "until <= $1", micros(since))
}
