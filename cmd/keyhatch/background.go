package main

import (
	"context"
	"time"
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

// pruneTokens removes tokens that expired long ago, sessions that have expired, and of the
// authorization server what nothing can come of any more.
func (in *instance) pruneTokens(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := in.broker.People.PruneTokens(ctx); err != nil && ctx.Err() == nil {
			in.log.WarnContext(ctx, "tokens that have expired could not be removed", "error", err)
		}
		if err := in.broker.Sessions.Prune(ctx); err != nil && ctx.Err() == nil {
			in.log.WarnContext(ctx, "sessions that have expired could not be removed", "error", err)
		}
		if err := in.broker.Logins.Prune(ctx); err != nil && ctx.Err() == nil {
			in.log.WarnContext(ctx, "logins that were begun and never ended could not be removed", "error", err)
		}
		if err := in.broker.OAuth.Prune(ctx); err != nil && ctx.Err() == nil {
			in.log.WarnContext(ctx, "what programs were let do and has expired could not be removed", "error", err)
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

func (in *instance) tellHeads(ctx context.Context) {
	tick := time.NewTicker(headsEvery)
	defer tick.Stop()
	in.tellHead(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			in.tellHead(ctx)
		}
	}
}

// tellHead writes the newest head of the audit record into the log: where logs
// are shipped, a record that was put back to an earlier state shows.
func (in *instance) tellHead(ctx context.Context) {
	heads, err := in.db.AuditHeads(ctx)
	if err != nil || len(heads) == 0 {
		in.log.Warn("the audit record's head cannot be read", "error", err)
		return
	}
	h := heads[len(heads)-1]
	in.log.Info("audit head", "chain", h.Chain, "number", h.Number, "seq", h.Seq, "hash", h.Hash, "sign", h.Sign)
}
