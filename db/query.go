package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db/engine"
	"github.com/keyhatch/keyhatch/db/groupcommit"
	"github.com/keyhatch/keyhatch/db/postgres"
	"github.com/keyhatch/keyhatch/db/sqlite"
)

// Reader has every query. DB and Tx embed one.
type Reader struct{ q groupcommit.Querier }

// Page asks for a part of a list: what comes after the id, at most Limit rows.
type Page struct {
	After string
	Limit int
}

// Everything is the page that holds all rows.
var Everything = Page{Limit: math.MaxInt32}

type row interface{ Scan(dest ...any) error }

// one reads a single row; none is the noun's NotFound error.
func one[T any](ctx context.Context, r Reader, missing keyhatch.Code, scan func(row) (T, error), query string, args ...any) (T, error) {
	if !heldByText(args) {
		var none T
		return none, notFound(missing)
	}
	v, err := scan(r.q.QueryRowContext(ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return v, notFound(missing)
	}
	return v, dbError(err)
}

// many reads all rows.
func many[T any](ctx context.Context, r Reader, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	if !heldByText(args) {
		return nil, nil
	}
	rows, err := r.q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, dbError(err)
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, dbError(err)
		}
		out = append(out, v)
	}
	return out, dbError(rows.Err())
}

// heldByText tells whether the texts can stand in a column. What is not UTF-8, or has a
// zero in it, stands in none; some engines fail when they are asked for it.
func heldByText(args []any) bool {
	return !slices.ContainsFunc(args, func(arg any) bool {
		text, is := arg.(string)
		return is && (strings.ContainsRune(text, 0) || !utf8.ValidString(text))
	})
}

// scanValue reads a row of one column.
func scanValue[T any](row row) (v T, err error) {
	err = row.Scan(&v)
	return v, err
}

// exists tells whether the query has a row.
func exists(ctx context.Context, r Reader, query string, args ...any) (bool, error) {
	if !heldByText(args) {
		return false, nil
	}
	var found bool
	err := r.q.QueryRowContext(ctx, "select exists ("+query+")", args...).Scan(&found)
	return found, dbError(err)
}

// exec runs a statement that may touch any number of rows.
func (t *Tx) exec(ctx context.Context, query string, args ...any) error {
	_, err := t.q.ExecContext(ctx, query, args...)
	return dbError(err)
}

// execOne runs a statement that must touch one row; none is the noun's NotFound
// error.
func (t *Tx) execOne(ctx context.Context, missing keyhatch.Code, query string, args ...any) error {
	result, err := t.q.ExecContext(ctx, query, args...)
	if err != nil {
		return dbError(err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return dbError(err)
	}
	if n == 0 {
		return notFound(missing)
	}
	return nil
}

// PruneStep is how many rows of a table one transaction removes at most of what is over:
// everybody who wants to write waits for it.
const PruneStep = 500

// prune takes a step: it removes rows of a table, which columns tell apart. more tells that there
// may be others.
func (t *Tx) prune(ctx context.Context, table, columns, where string, args ...any) (more bool, err error) {
	result, err := t.q.ExecContext(ctx, fmt.Sprintf("delete from %[1]s where (%[2]s) in (select %[2]s from %[1]s where %[3]s limit %[4]d)", table, columns, where, PruneStep), args...)
	if err != nil {
		return false, dbError(err)
	}
	n, err := result.RowsAffected()
	return n == PruneStep, dbError(err)
}

func notFound(code keyhatch.Code) error {
	return keyhatch.NotFoundError(code)
}

// errIDTaken: a row of that id exists. Names are unique by other constraints.
var errIDTaken = errors.New("the id is taken")

// dbError gives the constraint violations that a request can cause their kind.
// Everything else keeps none and is a fault of ours. What is unique beside the id is the
// name; other things that are (a mark, a prefix, a hash) are looked for before.
func dbError(err error) error {
	switch max(sqlite.Broken(err), postgres.Broken(err)) { // each knows its own errors
	case engine.UniqueID:
		return fmt.Errorf("%w: %w", errIDTaken, err)
	case engine.UniqueName:
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeNameTaken, "it exists already: choose another name").In("name").Because(err)
	case engine.Reference:
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeInUse, "something still belongs to it or names it (a store's buckets and access keys, a bucket's locations, the access keys that name it, a user's locations, what a workspace holds): remove or hand over that first").Because(err)
	}
	if postgres.Away(err) {
		return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "the service cannot reach its database at the moment; try again").Because(err)
	}
	return err
}

// Times are microseconds in UTC; the zero time is null.

func micros(t time.Time) int64 { return t.UnixMicro() }

func optMicros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

type timeColumn struct{ to *time.Time }

func (c timeColumn) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*c.to = time.Time{}
	case int64:
		*c.to = time.UnixMicro(v).UTC()
	default:
		return fmt.Errorf("a time column holds a %T", v)
	}
	return nil
}

func optText(s string) any {
	if s == "" {
		return nil
	}
	return s
}

type textColumn struct{ to *string }

func (c textColumn) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*c.to = ""
	case string:
		*c.to = v
	case []byte:
		*c.to = string(v)
	default:
		return fmt.Errorf("a text column holds a %T", v)
	}
	return nil
}

// jsonText encodes what a text column holds as JSON. The types are our own and
// always encode.
func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("db: encode %T: %v", v, err))
	}
	return string(b)
}

// optJSON is jsonText of a list or map of that size; null when it is empty.
func optJSON(v any, size int) any {
	if size == 0 {
		return nil
	}
	return jsonText(v)
}

type jsonColumn struct{ to any }

func (c jsonColumn) Scan(v any) error {
	switch v := v.(type) {
	case nil: // an empty list or map
		return nil
	case string:
		return json.Unmarshal([]byte(v), c.to)
	case []byte:
		return json.Unmarshal(v, c.to)
	}
	return fmt.Errorf("a JSON column holds a %T", v)
}
