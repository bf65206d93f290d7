package people

import (
	"context"
	"sync"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
)

// usesEvery is how often a token's last use is written at most. A crash loses what
// was used since, and nothing else.
const usesEvery = time.Minute

// uses remembers which tokens were used until that is written, so that no request
// waits for it.
type uses struct {
	mu   sync.Mutex
	last map[string]*use // by token
}

type use struct {
	at      time.Time
	from    string
	written time.Time // the use that is on record
	due     time.Time // when the next one may be written
}

func newUses() *uses { return &uses{last: map[string]*use{}} }

func (u *uses) note(token string, at time.Time, from string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if l := u.last[token]; l != nil {
		l.at, l.from = at, from
		return
	}
	u.last[token] = &use{at: at, from: from}
}

// forget takes a token out that has ended.
func (u *uses) forget(token string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.last, token)
}

// noted is a use that is to be written.
type noted struct {
	token string
	at    time.Time
	from  string
}

// due are the uses that may be written now; all of them at the end. What was not used
// since it could have been written again is forgotten.
func (u *uses) take(now time.Time, all bool) (out []noted) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for token, l := range u.last {
		early := now.Before(l.due) && !all
		switch {
		case l.at.Equal(l.written) && !early:
			delete(u.last, token)
		case l.at.Equal(l.written) || early:
		default:
			out = append(out, noted{token, l.at, l.from})
			l.written, l.due = l.at, now.Add(usesEvery)
		}
	}
	return out
}

// RunUses writes when tokens were last used, until ctx ends and then once more.
func (svc *Service) RunUses(ctx context.Context) {
	tick := time.NewTicker(usesEvery / 12)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			svc.writeUses(context.WithoutCancel(ctx), true)
			return
		case <-tick.C:
			svc.writeUses(ctx, false)
		}
	}
}

// usesAtOnce bounds how long other writes wait for these.
const usesAtOnce = 500

func (svc *Service) writeUses(ctx context.Context, all bool) {
	due := svc.uses.take(svc.k.Now(), all)
	for len(due) > 0 {
		part := due[:min(usesAtOnce, len(due))]
		due = due[len(part):]
		err := svc.k.DB.Write(ctx, func(tx *db.Tx) error {
			for _, n := range part {
				if err := tx.TokenUsed(ctx, n.token, n.at, n.from); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil { // the next use of these tokens is written again
			svc.log.WarnContext(ctx, "the last uses of tokens could not be written", "tokens", len(part), "error", err)
		}
	}
}

// used notes that a caller has come in.
func (svc *Service) used(c keyhatch.Caller, now time.Time) {
	svc.uses.note(c.Token.ID, now, c.Origin.AddressText())
}
