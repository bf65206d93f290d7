package arvados

import (
	"cmp"
	"crypto/sha256"
	"math/big"
	"slices"
	"strings"
	"time"
)

// A resource is a table of columns, which filters, order, select and the answers are
// all made from.

// form is what a column holds.
type form int

const (
	words  form = iota // text
	moment             // a time
	flag               // yes or no
	list               // a set of texts
	opaque             // JSON that nothing can be asked about
)

// value is what a record has in a column.
type value struct {
	null bool
	text string
	at   time.Time
	yes  bool
	list []string
	any  any // of an opaque column
}

func textOrNull(s string) value    { return value{text: s, null: s == ""} }
func timeOrNull(t time.Time) value { return value{at: t, null: t.IsZero()} }

type column[T any] struct {
	name string
	form form
	of   func(T) value
}

type resource[T any] struct {
	class   string // "User"
	kind    string // "arvados#user"
	columns []column[T]
}

func (r resource[T]) column(name string) (column[T], bool) {
	i := slices.IndexFunc(r.columns, func(c column[T]) bool { return c.name == name })
	if i < 0 {
		return column[T]{}, false
	}
	return r.columns[i], true
}

// timeForm has nine digits, always.
const timeForm = "2006-01-02T15:04:05.000000000Z"

// wire is the value in an answer.
func (v value) wire(f form) any {
	if v.null {
		return nil
	}
	switch f {
	case words:
		return v.text
	case moment:
		return v.at.UTC().Format(timeForm)
	case flag:
		return v.yes
	case list:
		if v.list == nil {
			return []string{}
		}
		return v.list
	}
	return v.any
}

// encode makes the record's answer: its kind, a tag of what it holds, and the columns
// that were selected, or all.
func (r resource[T]) encode(item T, selected []string) object {
	out := object{{"kind", r.kind}, {"etag", r.etag(item)}}
	return append(out, r.fields(item, selected)...)
}

func (r resource[T]) fields(item T, selected []string) (out object) {
	for _, c := range r.columns {
		if selected == nil || slices.Contains(selected, c.name) {
			out = append(out, field{c.name, c.of(item).wire(c.form)})
		}
	}
	return out
}

// etag changes with what the record holds.
func (r resource[T]) etag(item T) string {
	text, err := marshal(r.fields(item, nil))
	if err != nil { // our own values always encode
		return ""
	}
	sum := sha256.Sum256(text)
	return new(big.Int).SetBytes(sum[:16]).Text(36)
}

// compare orders two values as PostgreSQL does, where null is greater than all others.
func compare(f form, a, b value) int {
	switch {
	case a.null && b.null:
		return 0
	case a.null:
		return 1
	case b.null:
		return -1
	}
	switch f {
	case words:
		return cmp.Compare(a.text, b.text)
	case moment:
		return a.at.Compare(b.at)
	case flag:
		return cmp.Compare(number(a.yes), number(b.yes))
	case list:
		return slices.Compare(a.list, b.list)
	}
	return 0
}

func number(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// timeForms are those in which clients write times. Without a zone it is UTC.
var timeForms = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999 -0700",
	"2006-01-02 15:04:05.999999999 UTC", "2006-01-02 15:04:05.999999999", time.DateOnly,
}

func parseTime(text string) (time.Time, bool) {
	for _, f := range timeForms {
		if t, err := time.Parse(f, strings.TrimSpace(text)); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
