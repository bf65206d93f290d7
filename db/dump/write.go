package dump

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// Querier runs statements, in the transaction that is dumped or filled.
type Querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Header is how a dump begins.
type Header struct {
	Format  int       `json:"keyhatch_dump"` // always 1
	Schema  int       `json:"schema"`        // the version of the schema
	Cluster string    `json:"cluster"`       // the installation's id
	TakenAt time.Time `json:"taken_at"`
}

const format = 1

// Counted is a table as far as it was dumped or filled.
type Counted struct {
	Name   string `json:"table"`
	Rows   int64  `json:"rows"`
	SHA256 []byte `json:"sha256"` // of the lines of its rows
}

// Summary is what a dump holds.
type Summary struct {
	Header
	Tables []Counted
	SHA256 []byte // of all but the last line
	Sign   []byte
}

// Rows counts the rows of all tables.
func (s Summary) Rows() (n int64) {
	for _, t := range s.Tables {
		n += t.Rows
	}
	return n
}

type opening struct {
	Name    string   `json:"table"`
	Columns []string `json:"columns"`
	Key     []string `json:"key"`
}

type ending struct {
	SHA256 []byte `json:"dump_sha256"`
	Sign   []byte `json:"sign"`
}

// page is how many rows are read at a time: no statement takes long, however large the table.
const page = 1000

// Shape is the columns of all tables, by name.
type Shape map[string][]string

// Read reads the shape of the tables. Where the engine has tables be changed while others
// read them, none is after that, until q's transaction ends.
func Read(ctx context.Context, q Querier) (Shape, error) {
	shape := Shape{}
	for _, t := range Tables {
		columns, err := columnsOf(ctx, q, t.Name)
		if err != nil {
			return nil, err
		}
		shape[t.Name] = columns
	}
	return shape, nil
}

// Write writes a dump of the tables of that shape as q sees them, which has to be what was there at one
// moment. sign signs the digest of the dump. told, if not nil, hears of each table and how
// many of its rows were written, now and then.
func Write(ctx context.Context, q Querier, shape Shape, to io.Writer, h Header, sign func(digest []byte) []byte, told func(table string, rows int64)) (Summary, error) {
	h.Format = format
	s := Summary{Header: h}
	all := sha256.New()
	out := io.MultiWriter(to, all)
	if err := writeLine(out, h); err != nil {
		return s, err
	}
	for _, t := range Tables {
		columns := shape[t.Name]
		if err := writeLine(out, opening{t.Name, columns, t.Key}); err != nil {
			return s, err
		}
		c, err := writeRows(ctx, q, out, t, columns, told)
		if err != nil {
			return s, fmt.Errorf("table %s: %w", t.Name, err)
		}
		if err := writeLine(out, c); err != nil {
			return s, err
		}
		s.Tables = append(s.Tables, c)
	}
	s.SHA256 = all.Sum(nil)
	s.Sign = sign(s.SHA256)
	return s, writeLine(to, ending{s.SHA256, s.Sign})
}

func writeLine(to io.Writer, v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = to.Write(append(line, '\n'))
	return err
}

// columnsOf are the names of a table's columns.
func columnsOf(ctx context.Context, q Querier, table string) ([]string, error) {
	rows, err := q.QueryContext(ctx, "select * from "+table+" limit 0")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	return columns, rows.Err()
}

// writeRows writes the lines of a table's rows.
func writeRows(ctx context.Context, q Querier, to io.Writer, t Table, columns []string, told func(string, int64)) (Counted, error) {
	c := Counted{Name: t.Name}
	sum := sha256.New()
	var after []any // the key of the last row
	for {
		n, last, err := writePage(ctx, q, io.MultiWriter(to, sum), t, columns, after)
		if err != nil {
			return c, err
		}
		c.Rows += n
		if told != nil {
			told(t.Name, c.Rows)
		}
		if n < page {
			c.SHA256 = sum.Sum(nil)
			return c, nil
		}
		after = last
	}
}

// writePage writes the rows behind the key, and returns how many, and the key of the last.
func writePage(ctx context.Context, q Querier, to io.Writer, t Table, columns []string, after []any) (n int64, last []any, err error) {
	key := strings.Join(t.Key, ", ")
	where := ""
	if after != nil {
		where = " where (" + key + ") > (" + places(1, len(after)) + ")"
	}
	rows, err := q.QueryContext(ctx, fmt.Sprintf("select %s, %s from %s%s order by %s limit %d", strings.Join(columns, ", "), key, t.Name, where, key, page), after...)
	if err != nil {
		return 0, nil, err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return 0, nil, err
	}
	values := make([]any, len(columns)+len(t.Key))
	into := make([]any, len(values))
	for i := range values {
		into[i] = &values[i]
	}
	var line []byte
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return n, nil, err
		}
		for i, v := range values {
			if number, is := v.(int64); is && strings.EqualFold(types[i].DatabaseTypeName(), "boolean") { // SQLite has no such value
				values[i] = number != 0
			}
		}
		if line, err = appendRow(line[:0], values[:len(columns)]); err != nil {
			return n, nil, err
		}
		if _, err := to.Write(append(line, '\n')); err != nil {
			return n, nil, err
		}
		n++
	}
	return n, append([]any{}, values[len(columns):]...), rows.Err()
}

// places are so many placeholders, from the one of a number on.
func places(from, count int) string {
	var b strings.Builder
	for i := range count {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", from+i)
	}
	return b.String()
}

// digestOf counts and hashes what a table holds as if it were written.
func digestOf(ctx context.Context, q Querier, t Table, columns []string) (Counted, error) {
	return writeRows(ctx, q, io.Discard, t, columns, nil)
}
