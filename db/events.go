package db

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/audit"
)

// UseAuditKey gives the writer the key that signs the record. Without it no
// event can be written, and so nothing that records one. Call it before the
// first Write.
func (d *DB) UseAuditKey(mac audit.MAC) { d.writer.mac = mac }

const eventColumns = "chain, seq, id, at, workspace, user_id, token, address, request_id, action, target, detail, hash"

func scanEvent(row row) (e keyhatch.Event, err error) {
	var hash []byte
	err = row.Scan(&e.Chain, &e.Seq, &e.ID, timeColumn{&e.At}, &e.Workspace, &e.User, &e.Token, &e.Address,
		&e.RequestID, &e.Action, &e.Target, jsonColumn{&e.Detail}, &hash)
	e.Hash = hash
	return e, err
}

// Record makes e the next event of this process's chain.
func (t *Tx) Record(ctx context.Context, e keyhatch.Event) error {
	if t.writer.mac == nil {
		return errors.New("record an event: no audit key")
	}
	if t.writer.chain == nil {
		if err := t.openChain(ctx); err != nil {
			return err
		}
	}
	e = t.writer.chain.Link(e)
	t.writer.chained = true
	return t.exec(ctx, "insert into events ("+eventColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
		e.Chain, e.Seq, e.ID, micros(e.At), e.Workspace, e.User, e.Token, e.Address, e.RequestID,
		string(e.Action), e.Target, jsonText(e.Detail), []byte(e.Hash))
}

// openChain begins this process's chain and counts it in the registry.
func (t *Tx) openChain(ctx context.Context) error {
	registry, err := t.AuditRegistry(ctx)
	if err != nil {
		return err
	}
	number := registry.Chains + 1
	chain := audit.NewChain(keyhatch.NewID(keyhatch.ChainID, time.Now()), number, t.writer.mac)
	head := chain.Head()
	err = t.exec(ctx, "insert into audit_chains (id, number, seq, hash, sign) values ($1, $2, $3, $4, $5)",
		head.Chain, head.Number, head.Seq, hashBytes(head.Hash), []byte(head.Sign))
	if err != nil {
		return err
	}
	registry = audit.NewRegistry(number, t.writer.mac)
	err = t.exec(ctx, `insert into audit_registry (id, chains, sign) values (1, $1, $2)
		on conflict (id) do update set chains = excluded.chains, sign = excluded.sign`,
		registry.Chains, []byte(registry.Sign))
	if err != nil {
		return err
	}
	t.writer.chain = &chain
	return nil
}

func saveHead(ctx context.Context, tx *sql.Tx, h audit.Head) error {
	_, err := tx.ExecContext(ctx, "update audit_chains set seq = $2, hash = $3, sign = $4 where id = $1",
		h.Chain, h.Seq, hashBytes(h.Hash), []byte(h.Sign))
	return err
}

// hashBytes is never null: an empty chain has an empty hash.
func hashBytes(h keyhatch.Hash) []byte { return append([]byte{}, h...) }

// AuditRegistry returns the registry of chains, zero before the first.
func (r Reader) AuditRegistry(ctx context.Context) (audit.Registry, error) {
	var g audit.Registry
	var sign []byte
	err := r.q.QueryRowContext(ctx, "select chains, sign from audit_registry where id = 1").Scan(&g.Chains, &sign)
	if errors.Is(err, sql.ErrNoRows) {
		return audit.Registry{}, nil
	}
	g.Sign = sign
	return g, dbError(err)
}

// AuditHeads returns the heads of all chains in the order of their opening.
func (r Reader) AuditHeads(ctx context.Context) ([]audit.Head, error) {
	return many(ctx, r, func(row row) (h audit.Head, err error) {
		var hash, sign []byte
		err = row.Scan(&h.Chain, &h.Number, &h.Seq, &hash, &sign)
		h.Hash, h.Sign = hash, sign
		return h, err
	}, "select id, number, seq, hash, sign from audit_chains order by number")
}

// AllEvents yields the whole record by chain and seq.
func (r Reader) AllEvents(ctx context.Context) iter.Seq2[keyhatch.Event, error] {
	return func(yield func(keyhatch.Event, error) bool) {
		rows, err := r.q.QueryContext(ctx, "select "+eventColumns+" from events order by chain, seq")
		if err != nil {
			yield(keyhatch.Event{}, dbError(err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			e, err := scanEvent(rows)
			if !yield(e, dbError(err)) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(keyhatch.Event{}, dbError(err))
		}
	}
}

// Snapshot runs fn on reads of one moment.
func (d *DB) Snapshot(ctx context.Context, fn func(Reader) error) error {
	tx, err := d.reads.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return dbError(err)
	}
	defer tx.Rollback()
	return fn(Reader{tx})
}

// Event returns the event of the id.
func (r Reader) Event(ctx context.Context, id string) (keyhatch.Event, error) {
	return one(ctx, r, keyhatch.CodeEventNotFound, scanEvent, "select "+eventColumns+" from events where id = $1", id)
}

// EventFilter narrows a list of events; empty fields do not.
type EventFilter struct {
	Workspace string
	User      string
	Target    string
	Action    keyhatch.Action
}

// Events lists events, newest first: what comes after a page's last id is
// older.
func (r Reader) Events(ctx context.Context, f EventFilter, p Page) ([]keyhatch.Event, error) {
	return many(ctx, r, scanEvent, "select "+eventColumns+` from events
		where ($1 = '' or id < $1) and ($2 = '' or workspace = $2) and ($3 = '' or user_id = $3)
		and ($4 = '' or target = $4) and ($5 = '' or action = $5)
		order by id desc limit $6`, p.After, f.Workspace, f.User, f.Target, string(f.Action), p.Limit)
}
