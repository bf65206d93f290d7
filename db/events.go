package db

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/audit"
)

// UseAuditKey gives the writer the key that signs the record. Without it no
// event can be written, and so nothing that records one. Call it before the
// first Write.
func (d *DB) UseAuditKey(mac audit.MAC) { d.mac = mac }

const eventColumns = "chain, seq, id, at, workspace, user_id, token, address, request_id, action, target, detail, hash"

func scanEvent(row row) (e keyhatch.Event, err error) {
	var hash []byte
	err = row.Scan(&e.Chain, &e.Seq, &e.ID, timeColumn{&e.At}, &e.Workspace, &e.User, &e.Token, &e.Address,
		&e.RequestID, &e.Action, &e.Target, jsonColumn{&e.Detail}, &hash)
	e.Hash = hash
	return e, err
}

// chain is this process's audit chain; it is opened by the first event. The
// writer takes it back with what a write undoes.
type chain struct {
	audit.Chain
	id   string
	open bool
	fed  int // lines that went to the change feed
}

// Record makes e the next event of this process's chain.
func (t *Tx) Record(ctx context.Context, e keyhatch.Event) error {
	if t.mac == nil {
		return errors.New("record an event: no audit key")
	}
	if !t.chain.open {
		if err := t.openChain(ctx); err != nil {
			return err
		}
	}
	e = t.chain.Link(e)
	t.recorded = append(t.recorded, e.Action)
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
	heads, err := t.AuditHeads(ctx)
	if err != nil {
		return err
	}
	// Counting on from what was tampered with would sign it.
	if !registry.Genuine(t.mac) || registry.Chains != int64(len(heads)) {
		return errors.New("record an event: the registry of the audit record was changed or removed; see keyhatch audit verify")
	}
	number := registry.Chains + 1
	opened := audit.NewChain(keyhatch.NewID(keyhatch.ChainID, time.Now()), number, t.mac)
	head := opened.Head()
	err = t.exec(ctx, "insert into audit_chains (id, number, seq, hash, sign) values ($1, $2, $3, $4, $5)",
		head.Chain, head.Number, head.Seq, hashBytes(head.Hash), []byte(head.Sign))
	if err != nil {
		return err
	}
	registry = audit.NewRegistry(number, t.mac)
	err = t.execOne(ctx, keyhatch.CodeInternal, "update audit_registry set chains = $1, sign = $2 where id = 1",
		registry.Chains, []byte(registry.Sign))
	if err != nil {
		return err
	}
	*t.chain = chain{opened, head.Chain, true, t.chain.fed}
	return nil
}

// OwnChain is the id of this process's chain, empty before its first event.
func (t *Tx) OwnChain() string { return t.chain.id }

// BeginRecord makes the registry of a new installation, which counts no chains.
func (t *Tx) BeginRecord(ctx context.Context) error {
	registry := audit.NewRegistry(0, t.mac)
	return t.exec(ctx, "insert into audit_registry (id, chains, sign) values (1, $1, $2)", registry.Chains, []byte(registry.Sign))
}

// saveHead keeps how far the chain has come when a transaction recorded events.
func saveHead(ctx context.Context, tx *sql.Tx, before, now chain) error {
	if !now.open || before.id == now.id && now.Seq() == before.Seq() {
		return nil
	}
	h, from := now.Head(), int64(0)
	if before.id == now.id {
		from = before.Seq()
	}
	result, err := tx.ExecContext(ctx, "update audit_chains set seq = $2, hash = $3, sign = $4 where id = $1 and seq = $5",
		h.Chain, h.Seq, hashBytes(h.Hash), []byte(h.Sign), from)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, errHeadGone)
	}
	return nil
}

// errHeadGone: the tables were put back to an earlier state under this process, or
// tampered with. What it would add hangs on nothing that is there.
var errHeadGone = errors.New("the head of this process's audit chain is gone")

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
	return many(ctx, r, scanHead, "select id, number, seq, hash, sign from audit_chains order by number")
}

// AuditHeadsSince returns the heads of the chains that had an event at a time or later, in the
// order of their opening.
func (r Reader) AuditHeadsSince(ctx context.Context, since time.Time) ([]audit.Head, error) {
	return many(ctx, r, scanHead, "select c.id, c.number, c.seq, c.hash, c.sign from audit_chains c join events e on e.chain = c.id and e.seq = c.seq where e.at >= $1 order by c.number", micros(since))
}

func scanHead(row row) (h audit.Head, err error) {
	var hash, sign []byte
	err = row.Scan(&h.Chain, &h.Number, &h.Seq, &hash, &sign)
	h.Hash, h.Sign = hash, sign
	return h, err
}

// EventsFrom returns events of a chain from a number on, at most so many.
func (r Reader) EventsFrom(ctx context.Context, chain string, seq int64, limit int) ([]keyhatch.Event, error) {
	return many(ctx, r, scanEvent, "select "+eventColumns+" from events where chain = $1 and seq >= $2 order by seq limit $3", chain, seq, limit)
}

// AllEvents yields the whole record by chain and seq, a page at a time.
func (r Reader) AllEvents(ctx context.Context) iter.Seq2[keyhatch.Event, error] {
	return inPages(func(last keyhatch.Event) ([]keyhatch.Event, error) {
		return many(ctx, r, scanEvent, "select "+eventColumns+" from events where (chain, seq) > ($1, $2) order by chain, seq limit $3",
			last.Chain, last.Seq, verifyPage)
	})
}

// EventsOf yields the events of the actions up to a time, that time included, in
// the order in which they happened. Events of one microsecond, as there are many
// when the clock was put back, come in the order of their chains' opening.
func (r Reader) EventsOf(ctx context.Context, actions []keyhatch.Action, until time.Time) iter.Seq2[keyhatch.Event, error] {
	return r.EventsSince(ctx, actions, time.UnixMicro(math.MinInt64), until)
}

// EventsSince is EventsOf from a time on, that time included.
func (r Reader) EventsSince(ctx context.Context, actions []keyhatch.Action, since, until time.Time) iter.Seq2[keyhatch.Event, error] {
	args := []any{micros(since), micros(until)}
	var list []string
	for _, a := range actions {
		args = append(args, string(a))
		list = append(list, "$"+strconv.Itoa(len(args)))
	}
	return r.eachEvent(ctx, "select "+eventColumns+" from events where action in ("+strings.Join(list, ", ")+`) and at >= $1 and at <= $2
		order by at, (select number from audit_chains where id = chain), seq`, args...)
}

func (r Reader) eachEvent(ctx context.Context, query string, args ...any) iter.Seq2[keyhatch.Event, error] {
	return func(yield func(keyhatch.Event, error) bool) {
		rows, err := r.q.QueryContext(ctx, query, args...)
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

// EventsByID yields the whole record in the order of ids, a page at a time.
func (r Reader) EventsByID(ctx context.Context) iter.Seq2[keyhatch.Event, error] {
	return inPages(func(last keyhatch.Event) ([]keyhatch.Event, error) {
		return many(ctx, r, scanEvent, "select "+eventColumns+" from events where id > $1 order by id limit $2", last.ID, verifyPage)
	})
}

// EventsOfAction yields the events of one action by time, a page at a time.
func (r Reader) EventsOfAction(ctx context.Context, action keyhatch.Action) iter.Seq2[keyhatch.Event, error] {
	return inPages(func(last keyhatch.Event) ([]keyhatch.Event, error) {
		return many(ctx, r, scanEvent, "select "+eventColumns+` from events where action = $1 and at >= $2 and (at, id) > ($2, $3)
			order by at, id limit $4`, string(action), micros(last.At), last.ID, verifyPage)
	})
}

// inPages yields page after page, each of what comes behind the last event.
func inPages(page func(last keyhatch.Event) ([]keyhatch.Event, error)) iter.Seq2[keyhatch.Event, error] {
	return func(yield func(keyhatch.Event, error) bool) {
		last := keyhatch.Event{At: time.UnixMicro(math.MinInt64)}
		for {
			events, err := page(last)
			if err != nil {
				yield(keyhatch.Event{}, err)
				return
			}
			for _, e := range events {
				if !yield(e, nil) {
					return
				}
				last = e
			}
			if len(events) < verifyPage {
				return
			}
		}
	}
}

// EventsBetween returns the events of one action from a time on and before another,
// by time, at most so many.
func (r Reader) EventsBetween(ctx context.Context, action keyhatch.Action, from, before time.Time, limit int) ([]keyhatch.Event, error) {
	return many(ctx, r, scanEvent, "select "+eventColumns+` from events where action = $1 and at >= $2 and at < $3
		order by at, id limit $4`, string(action), micros(from), micros(before), limit)
}

// LastEventOf returns the newest event of an action, and whether there is one.
func (r Reader) LastEventOf(ctx context.Context, action keyhatch.Action) (keyhatch.Event, bool, error) {
	events, err := many(ctx, r, scanEvent, "select "+eventColumns+" from events where action = $1 order by at desc, id desc limit 1", string(action))
	if err != nil || len(events) == 0 {
		return keyhatch.Event{}, false, err
	}
	return events[0], true, nil
}

// Genuine tells whether the event is what was written at its place of its chain, as
// far as the one before it tells. It is not when that one is gone.
func (t *Tx) Genuine(ctx context.Context, e keyhatch.Event) (bool, error) {
	if t.mac == nil {
		return false, errors.New("check an event: no audit key")
	}
	var before []byte
	if e.Seq > 1 {
		err := t.q.QueryRowContext(ctx, "select hash from events where chain = $1 and seq = $2", e.Chain, e.Seq-1).Scan(&before)
		if errors.Is(err, sql.ErrNoRows) {
			return false, nil
		}
		if err != nil {
			return false, dbError(err)
		}
	}
	return audit.Genuine(e, before, t.mac), nil
}

// LastEventAt returns when the newest event was recorded, zero for none.
func (r Reader) LastEventAt(ctx context.Context) (at time.Time, err error) {
	err = r.q.QueryRowContext(ctx, "select at from events order by id desc limit 1").Scan(timeColumn{&at})
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return at, dbError(err)
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
	Except    []keyhatch.Action
}

// Events lists events, newest first: what comes after a page's last id is
// older.
func (r Reader) Events(ctx context.Context, f EventFilter, p Page) ([]keyhatch.Event, error) {
	where := conditions{}
	where.add("id < ?", p.After)
	where.add("workspace = ?", f.Workspace)
	where.add("user_id = ?", f.User)
	where.add("target = ?", f.Target)
	where.add("action = ?", string(f.Action))
	for _, a := range f.Except {
		where.add("action <> ?", string(a))
	}
	return many(ctx, r, scanEvent, "select "+eventColumns+" from events"+where.sql("order by id desc limit ?", p.Limit), where.args...)
}
