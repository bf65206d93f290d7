package transfer

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/binary"
	"fmt"

	"github.com/keyhatch/keyhatch/db/engine"
)

// maxParameters is of one statement: PostgreSQL takes 65,535.
const maxParameters = 10_000

// sum is of the rows of a table, in whatever order they come: each has a key, so none is
// there twice and takes itself out.
type sum struct {
	rows   int64
	digest [sha256.Size]byte
}

// Rows moves the rows. from is an SQLite file and to has the same tables in PostgreSQL, with
// nothing in them. told is called as it goes on. When it fails, nothing was moved.
func Rows(ctx context.Context, from, to engine.Pools, told func(table string, rows int64)) (tables int, rows int64, err error) {
	source, err := from.Writes.BeginTx(ctx, nil) // nobody writes there meanwhile
	if err != nil {
		return 0, 0, err
	}
	defer source.Rollback()
	all, err := tablesOf(ctx, source)
	if err != nil {
		return 0, 0, err
	}
	target, err := to.Writes.BeginTx(ctx, nil)
	if err != nil {
		return 0, 0, err
	}
	defer target.Rollback() // does nothing after Commit
	if err := to.Turn(ctx, target); err != nil {
		return 0, 0, err
	}
	for _, t := range all {
		sent, err := t.move(ctx, source, target, told)
		if err != nil {
			return 0, 0, fmt.Errorf("table %s: %w", t.name, err)
		}
		arrived, err := t.read(ctx, target, func([]any) error { return nil })
		if err != nil {
			return 0, 0, fmt.Errorf("table %s, read again: %w", t.name, err)
		}
		if sent != arrived {
			return 0, 0, fmt.Errorf("table %s: %d rows were sent, and the %d that arrived are not the same", t.name, sent.rows, arrived.rows)
		}
		rows += sent.rows
	}
	return len(all), rows, target.Commit()
}

// move sends the rows of one table.
func (t table) move(ctx context.Context, source, target *sql.Tx, told func(string, int64)) (sum, error) {
	most := max(1, maxParameters/len(t.columns))
	var waiting []any
	var sent int64
	send := func() error {
		n := len(waiting) / len(t.columns)
		if n == 0 {
			return nil
		}
		if _, err := target.ExecContext(ctx, t.insert(n), waiting...); err != nil {
			return err
		}
		sent += int64(n)
		told(t.name, sent)
		waiting = waiting[:0]
		return nil
	}
	told(t.name, 0)
	s, err := t.read(ctx, source, func(row []any) error {
		if waiting = append(waiting, row...); len(waiting) < most*len(t.columns) {
			return nil
		}
		return send()
	})
	if err != nil {
		return s, err
	}
	return s, send()
}

// read gives each row of the table to each, and tells their sum.
func (t table) read(ctx context.Context, tx *sql.Tx, each func(row []any) error) (s sum, err error) {
	rows, err := tx.QueryContext(ctx, t.query())
	if err != nil {
		return s, err
	}
	defer rows.Close()
	row, into := make([]any, len(t.columns)), make([]any, len(t.columns))
	for i := range row {
		into[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return s, err
		}
		hash := sha256.New()
		for i, kind := range t.kinds {
			var bytes []byte
			if row[i], bytes, err = value(kind, row[i]); err != nil {
				return s, fmt.Errorf("column %s: %w", t.columns[i], err)
			}
			length := int64(len(bytes))
			if row[i] == nil {
				length = -1
			}
			hash.Write(binary.BigEndian.AppendUint64(nil, uint64(length)))
			hash.Write(bytes)
		}
		s.rows++
		subtle.XORBytes(s.digest[:], s.digest[:], hash.Sum(nil))
		if err := each(row); err != nil {
			return s, err
		}
	}
	return s, rows.Err()
}

// value is what a column holds as both engines have it, and as bytes.
func value(kind string, v any) (any, []byte, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil, nil
	case string:
		if kind == "text" {
			return v, []byte(v), nil
		}
	case []byte:
		if kind == "blob" {
			return v, v, nil
		}
	case bool:
		if kind == "boolean" {
			return v, fmt.Append(nil, v), nil
		}
	case int64:
		switch {
		case kind == "bigint":
			return v, fmt.Append(nil, v), nil
		case kind == "boolean" && (v == 0 || v == 1): // how SQLite has it
			return v == 1, fmt.Append(nil, v == 1), nil
		}
	}
	return nil, nil, fmt.Errorf("a %T in a column of kind %s", v, kind)
}
