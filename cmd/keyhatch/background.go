package main

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch/audit"
	"github.com/keyhatch/keyhatch/db"
)

// uploadsKept is how long an upload in parts to a folder may rest before it is
// taken for abandoned.
const uploadsKept = 7 * 24 * time.Hour

func (in *instance) expireUploads(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		in.backends.ExpireUploads(time.Now().Add(-uploadsKept))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// changesKept is how long the change feed reaches back; memory that is further
// behind is read anew.
const changesKept = time.Hour

// prune removes, once an hour, what nothing can come of any more. It is no part of the
// start: a server serves whether or not its database lets it clean up.
func (in *instance) prune(ctx context.Context) {
	over := []struct {
		what   string
		remove func(context.Context) error
	}{
		{"changes that every memory knows", func(ctx context.Context) error {
			return in.db.WriteSteps(ctx, func(tx *db.Tx) (bool, error) { return tx.PruneChanges(ctx, time.Now().Add(-changesKept)) })
		}},
		{"tokens that have expired", in.broker.People.PruneTokens},
		{"sessions that have expired", in.broker.Sessions.Prune},
		{"logins that were begun and never ended", in.broker.Logins.Prune},
		{"what programs were let do and has expired", in.broker.OAuth.Prune},
	}
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		for _, o := range over {
			if err := o.remove(ctx); err != nil && ctx.Err() == nil {
				in.log.WarnContext(ctx, o.what+" could not be removed", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// headsEvery is how often the log tells how far the audit record has come.
const headsEvery = time.Hour

// checkpoints has the record say, now and once an hour, how far the chains of other processes
// have come, and the log how far all have: where logs are shipped, a record that was put back
// to an earlier state shows.
func (in *instance) checkpoints(ctx context.Context) {
	tick := time.NewTicker(headsEvery)
	defer tick.Stop()
	for {
		heads, err := in.broker.Record.Checkpoint(ctx)
		if err != nil && ctx.Err() == nil {
			in.log.WarnContext(ctx, "how far the audit record has come could not be recorded", "error", err)
		}
		in.tellHeads(heads)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (in *instance) tellHeads(heads []audit.Head) {
	for _, h := range heads {
		in.log.Info("audit head", "chain", h.Chain, "number", h.Number, "seq", h.Seq, "hash", h.Hash, "sign", h.Sign)
	}
}

// tellLastHeads is tellHeads of what went on since it was told last, at the end.
func (in *instance) tellLastHeads(ctx context.Context) {
	heads, err := in.db.AuditHeadsSince(ctx, time.Now().Add(-headsEvery))
	if err != nil {
		in.log.WarnContext(ctx, "how far the audit record has come cannot be read", "error", err)
	}
	in.tellHeads(heads)
}
