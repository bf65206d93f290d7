package listing

import (
	"cmp"
	"crypto/sha256"
	"math/big"
	"slices"
	"strings"
	"time"
)

// form is what a column holds.
type form int

const (
	text   form = iota
	moment      // a time
	flag        // yes or no
	list        // a set of texts
	opaque      // JSON that nothing can be asked about
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

// Column is an attribute of a resource.
type Column[T any] struct {
	Name string
	form form
	of   func(T) value
}

// Text is a column of texts.
func Text[T any](name string, of func(T) string) Column[T] {
	return Column[T]{name, text, func(record T) value { return value{text: of(record)} }}
}

// TextOrNull is a column of texts in which the empty one is null.
func TextOrNull[T any](name string, of func(T) string) Column[T] {
	return Column[T]{name, text, func(record T) value { s := of(record); return value{text: s, null: s == ""} }}
}

// Time is a column of times in which the zero one is null.
func Time[T any](name string, of func(T) time.Time) Column[T] {
	return Column[T]{name, moment, func(record T) value { at := of(record); return value{at: at, null: at.IsZero()} }}
}

// Flag is a column of truth values.
func Flag[T any](name string, of func(T) bool) Column[T] {
	return Column[T]{name, flag, func(record T) value { return value{yes: of(record)} }}
}

// Set is a column of sets of texts, which are shown in their order.
func Set[T any](name string, of func(T) []string) Column[T] {
	return Column[T]{name, list, func(record T) value { return value{list: of(record)} }}
}

// Opaque is a column that is shown, and that nothing can be asked about.
func Opaque[T any](name string, always any) Column[T] {
	return Column[T]{name, opaque, func(T) value { return value{any: always} }}
}

// Type is the word of a schema for what the column holds.
func (c Column[T]) Type() string {
	return map[form]string{text: "string", moment: "datetime", flag: "boolean", list: "Array", opaque: "Hash"}[c.form]
}

// Resource is a table of columns.
type Resource[T any] struct {
	Class   string            // "User"
	Kind    string            // "arvados#user"
	Infixes map[string]string // of the ids of all kinds
	Columns []Column[T]
}

func (r Resource[T]) column(name string) (Column[T], bool) {
	i := slices.IndexFunc(r.Columns, func(c Column[T]) bool { return c.Name == name })
	if i < 0 {
		return Column[T]{}, false
	}
	return r.Columns[i], true
}

// timeForm has nine digits, always.
const timeForm = "2006-01-02T15:04:05.000000000Z"

// wire is the value in an answer.
func (v value) wire(f form) any {
	if v.null {
		return nil
	}
	switch f {
	case text:
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

// Encode makes the record's answer: its kind, a tag of what it holds, and the columns
// that were selected, or all.
func (r Resource[T]) Encode(item T, selected []string) Object {
	out := Object{{"kind", r.Kind}, {"etag", r.etag(item)}}
	return append(out, r.fields(item, selected)...)
}

func (r Resource[T]) fields(item T, selected []string) (out Object) {
	for _, c := range r.Columns {
		if selected == nil || slices.Contains(selected, c.Name) {
			out = append(out, Field{c.Name, c.of(item).wire(c.form)})
		}
	}
	return out
}

// etag changes with what the record holds.
func (r Resource[T]) etag(item T) string {
	all, err := Marshal(r.fields(item, nil))
	if err != nil { // our own values always encode
		return ""
	}
	sum := sha256.Sum256(all)
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
	case text:
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

// ParseTime reads a time.
func ParseTime(s string) (time.Time, bool) {
	for _, f := range timeForms {
		if t, err := time.Parse(f, strings.TrimSpace(s)); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
