package kernel

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/keyhatch/keyhatch/db"
)

const (
	// usesEvery is how often the last use of one thing is written at most. A crash loses
	// what was used since, and nothing else.
	usesEvery = time.Minute
	// usesAtOnce bounds how long other writes wait for these.
	usesAtOnce = 500
)

// Uses remembers when tokens or keys were last used until that is written, so that no
// request waits for it.
type Uses struct {
	what string // they are, for the log
	db   *db.DB
	log  *slog.Logger

	mu   sync.Mutex
	last map[string]*use // by id
}

type use struct {
	at      time.Time
	from    string
	written time.Time // the use that is on record
	due     time.Time // when the next one may be written
}

// NewUses remembers the uses of what is called so.
func NewUses(what string, d *db.DB, log *slog.Logger) *Uses {
	return &Uses{what: what, db: d, log: log, last: map[string]*use{}}
}

// Note notes a use.
func (u *Uses) Note(id string, at time.Time, from string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if l := u.last[id]; l != nil {
		l.at, l.from = at, from
		return
	}
	u.last[id] = &use{at: at, from: from}
}

// Forget takes out what has ended.
func (u *Uses) Forget(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.last, id)
}

// Use is one that is to be written.
type Use struct {
	ID   string
	At   time.Time
	From string
}

// take gives the uses that may be written now; all of them at the end. What was not used
// since it could have been written again is forgotten.
func (u *Uses) take(now time.Time, all bool) (out []Use) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for id, l := range u.last {
		early := now.Before(l.due) && !all
		switch {
		case l.at.Equal(l.written) && !early:
			delete(u.last, id)
		case l.at.Equal(l.written) || early:
		default:
			out = append(out, Use{id, l.at, l.from})
			l.written, l.due = l.at, now.Add(usesEvery)
		}
	}
	return out
}

// Run writes the last uses, until ctx ends and then once more.
func (u *Uses) Run(ctx context.Context, now func() time.Time, write func(context.Context, *db.Tx, Use) error) {
	tick := time.NewTicker(usesEvery / 12)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			u.write(context.WithoutCancel(ctx), u.take(now(), true), write)
			return
		case <-tick.C:
			u.write(ctx, u.take(now(), false), write)
		}
	}
}

func (u *Uses) write(ctx context.Context, due []Use, write func(context.Context, *db.Tx, Use) error) {
	for len(due) > 0 {
		part := due[:min(usesAtOnce, len(due))]
		due = due[len(part):]
		err := u.db.Write(ctx, func(tx *db.Tx) error {
			for _, n := range part {
				if err := write(ctx, tx, n); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil { // the next use of these is written again
			u.log.WarnContext(ctx, "the last uses could not be written", "of", u.what, "number", len(part), "error", err)
		}
	}
}
