package dump

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"regexp"
	"slices"
	"strings"
)

// ErrDamaged is the cause of every refusal of what is no whole dump.
var ErrDamaged = errors.New("the backup is damaged, or was cut off")

func damaged(what string) error { return fmt.Errorf("%w: %s", ErrDamaged, what) }

const (
	longestLine = 64 << 20 // bytes
	values      = 2000     // that one statement inserts at most
)

// name is what tables and columns are called. Nothing else of a dump becomes part of a statement.
var name = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Load fills tables that are empty from a dump, and reads back what they hold. prepare makes them,
// of the version that the header says. Whatever is wrong, the transaction must not be
// committed; and who does has to check the signature of the digest before. told is as for Write.
func Load(ctx context.Context, q Querier, from io.Reader, prepare func(Header) error, told func(table string, rows int64)) (Summary, error) {
	l := &loader{ctx: ctx, q: q, lines: bufio.NewReaderSize(from, 1<<16), all: sha256.New(), told: told}
	if err := l.header(); err != nil {
		return Summary{}, err
	}
	if err := prepare(l.Header); err != nil {
		return Summary{}, err
	}
	for {
		ended, err := l.table()
		if err != nil || ended {
			return l.Summary, err
		}
	}
}

type loader struct {
	ctx   context.Context
	q     Querier
	lines *bufio.Reader
	all   hash.Hash // of the lines before the one that was read last
	last  []byte    // that line
	told  func(string, int64)
	Summary
}

// line reads the next line, with its end. It is good until the next one.
func (l *loader) line() ([]byte, error) {
	l.all.Write(l.last)
	l.last = l.last[:0]
	for {
		part, err := l.lines.ReadSlice('\n')
		l.last = append(l.last, part...)
		switch {
		case err == nil:
			return l.last, nil
		case errors.Is(err, io.EOF):
			return nil, damaged("it has no end")
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		case len(l.last) > longestLine:
			return nil, damaged("a line is too long")
		}
	}
}

func (l *loader) header() error {
	line, err := l.line()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(line, &l.Header); err != nil || l.Format < format {
		return damaged("it does not begin as one")
	}
	if l.Format > format {
		return fmt.Errorf("the backup is of format %d, which this program does not know: use the program that made it, or a newer one", l.Format)
	}
	return nil
}

// table fills the next table, or reads the end.
func (l *loader) table() (ended bool, err error) {
	line, err := l.line()
	if err != nil {
		return false, err
	}
	var begins struct {
		opening
		ending
	}
	if err := json.Unmarshal(line, &begins); err != nil {
		return false, damaged("a line cannot be read")
	}
	if begins.ending.SHA256 != nil {
		return true, l.end(begins.ending)
	}
	t := begins.opening
	if err := l.expected(t); err != nil {
		return false, err
	}
	c, err := l.rows(t)
	if err != nil {
		return false, fmt.Errorf("table %s: %w", t.Name, err)
	}
	held, err := digestOf(l.ctx, l.q, Table{t.Name, t.Key}, t.Columns)
	if err != nil {
		return false, fmt.Errorf("table %s: %w", t.Name, err)
	}
	if held.Rows != c.Rows || !bytes.Equal(held.SHA256, c.SHA256) {
		return false, fmt.Errorf("table %s: the database does not hold what it was given: rows %d of %d", t.Name, held.Rows, c.Rows)
	}
	l.Tables = append(l.Tables, c)
	return false, nil
}

// expected refuses a table that is not the one of the schema.
func (l *loader) expected(t opening) error {
	for _, n := range slices.Concat([]string{t.Name}, t.Columns, t.Key) {
		if !name.MatchString(n) {
			return damaged("it names no table")
		}
	}
	if len(t.Columns) == 0 || len(t.Key) == 0 || slices.ContainsFunc(t.Key, func(k string) bool { return !slices.Contains(t.Columns, k) }) {
		return damaged("table " + t.Name + " has no key")
	}
	have, err := columnsOf(l.ctx, l.q, t.Name)
	if err != nil {
		return fmt.Errorf("table %s: %w", t.Name, err)
	}
	if !slices.Equal(slices.Sorted(slices.Values(have)), slices.Sorted(slices.Values(t.Columns))) {
		return damaged("table " + t.Name + " has other columns in the schema")
	}
	return nil
}

// rows inserts the rows of a table.
func (l *loader) rows(t opening) (Counted, error) {
	c := Counted{Name: t.Name}
	sum := sha256.New()
	var waiting []any
	insert := func() error {
		if len(waiting) == 0 {
			return nil
		}
		_, err := l.q.ExecContext(l.ctx, inserting(t, len(waiting)/len(t.Columns)), waiting...)
		waiting = waiting[:0]
		if l.told != nil {
			l.told(t.Name, c.Rows)
		}
		return err
	}
	for {
		line, err := l.line()
		if err != nil {
			return c, err
		}
		if line[0] != '[' {
			if err := insert(); err != nil {
				return c, err
			}
			c.SHA256 = sum.Sum(nil)
			return c, l.counted(line, c)
		}
		sum.Write(line)
		row, err := readRow(line, len(t.Columns))
		if err != nil {
			return c, damaged(err.Error())
		}
		c.Rows++
		waiting = append(waiting, row...)
		if len(waiting)+len(row) > values {
			if err := insert(); err != nil {
				return c, err
			}
		}
	}
}

func (l *loader) counted(line []byte, have Counted) error {
	var said Counted
	if err := json.Unmarshal(line, &said); err != nil || said.Name != have.Name || said.Rows != have.Rows || !bytes.Equal(said.SHA256, have.SHA256) {
		return damaged("its rows are not those that were written")
	}
	return nil
}

func inserting(t opening, rows int) string {
	var b strings.Builder
	b.WriteString("insert into " + t.Name + " (" + strings.Join(t.Columns, ", ") + ") values ")
	for i := range rows {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("(" + places(1+i*len(t.Columns), len(t.Columns)) + ")")
	}
	return b.String()
}

// end reads what stands behind the tables, and that nothing does behind it.
func (l *loader) end(e ending) error {
	if l.SHA256 = l.all.Sum(nil); !bytes.Equal(l.SHA256, e.SHA256) {
		return damaged("it is not what was written")
	}
	l.Sign = e.Sign
	switch _, err := l.lines.ReadByte(); {
	case err == nil:
		return damaged("something stands behind its end")
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}
