package listing

import (
	"iter"
	"slices"
	"strings"
)

// MaxLimit is how many records a list has at most.
const MaxLimit = 1000

const (
	defaultLimit = 100
	maxOrder     = 20
	maxSelect    = 100
)

// Question is what a list was asked for.
type Question[T any] struct {
	Resource[T]
	conditions    []condition[T]
	order         []func(a, b T) int
	selected      []string
	distinct      bool
	count         bool
	limit, offset int
}

// Ask reads the parameters of a list.
func Ask[T any](r Resource[T], v Values) (q Question[T], err error) {
	q.Resource = r
	if q.conditions, err = parseFilters(r, v["filters"]); err != nil {
		return q, err
	}
	where, err := parseWhere(r, v["where"])
	if err != nil {
		return q, err
	}
	q.conditions = append(q.conditions, where...)
	if q.order, err = parseOrder(r, v["order"]); err != nil {
		return q, err
	}
	if q.selected, err = ParseSelect(r, v); err != nil {
		return q, err
	}
	if q.limit, err = v.Integer("limit", defaultLimit); err != nil {
		return q, err
	}
	if q.offset, err = v.Integer("offset", 0); err != nil {
		return q, err
	}
	q.limit = min(q.limit, MaxLimit)
	q.distinct = v.Boolean("distinct")
	count, err := v.Text("count")
	if err != nil || count != "" && count != "exact" && count != "none" {
		return q, Invalid("count")
	}
	q.count = count != "none"
	return q, nil
}

// ParseSelect reads the names of attributes, nil for all.
func ParseSelect[T any](r Resource[T], v Values) ([]string, error) {
	names, err := v.Words("select", maxSelect)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, ok := r.column(name); !ok && name != "kind" && name != "etag" {
			return nil, Argument("Invalid attribute %s of %s in select parameter", Quoted(name), r.Class)
		}
	}
	return names, nil
}

// parseOrder reads "attribute direction", several in an array or with commas. What it
// does not know it passes over, as Arvados does. The newest are first, after what was
// asked for, and ids decide at last, so that the order is always the same one.
func parseOrder[T any](r Resource[T], asked any) (out []func(a, b T) int, err error) {
	items, err := orderItems(asked)
	if err != nil {
		return nil, err
	}
	for _, item := range append(items, "created_at desc", "uuid desc") {
		words := strings.Fields(item)
		if len(words) == 0 || len(words) > 2 {
			continue
		}
		name := words[0][strings.LastIndexByte(words[0], '.')+1:] // a table's name may stand before
		c, ok := r.column(name)
		if !ok {
			continue
		}
		down := len(words) == 2 && strings.EqualFold(words[1], "desc")
		out = append(out, func(a, b T) int {
			if down {
				a, b = b, a
			}
			return compare(c.form, c.of(a), c.of(b))
		})
	}
	return out, nil
}

func orderItems(v any) (out []string, err error) {
	switch v := v.(type) {
	case nil:
	case string:
		out = strings.Split(v, ",")
	case []any:
		for _, item := range v {
			word, ok := item.(string)
			if !ok {
				return nil, Invalid("order")
			}
			out = append(out, word)
		}
	default:
		return nil, Invalid("order")
	}
	if len(out) > maxOrder {
		return nil, Invalid("order")
	}
	return out, nil
}

// Answer makes the list of those records that were asked for.
func (q Question[T]) Answer(all iter.Seq2[T, error]) (Object, error) {
	var found []T
	for record, err := range all {
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(q.conditions, func(c condition[T]) bool { return !c(record) }) {
			found = append(found, record)
		}
	}
	slices.SortStableFunc(found, func(a, b T) int {
		for _, by := range q.order {
			if n := by(a, b); n != 0 {
				return n
			}
		}
		return 0
	})
	if q.distinct && q.selected != nil {
		var err error
		if found, err = q.differing(found); err != nil {
			return nil, err
		}
	}
	from := min(q.offset, len(found))
	page := found[from:min(from+q.limit, len(found))]
	items := make([]Object, len(page))
	for i, record := range page {
		items[i] = q.Encode(record, q.selected)
		if q.distinct && q.selected != nil { // a tag of one record would tell the others apart
			items[i] = append(Object{{"kind", q.Kind}}, q.fields(record, q.selected)...)
		}
	}
	out := Object{
		{"kind", q.Kind + "List"},
		{"etag", ""},
		{"self_link", ""},
		{"offset", q.offset},
		{"limit", q.limit},
		{"items", items},
	}
	if q.count {
		out = append(out, Field{"items_available", len(found)})
	}
	return out, nil
}

// differing are the records of which no earlier one has the same selected values.
func (q Question[T]) differing(found []T) (out []T, err error) {
	seen := map[string]bool{}
	for _, record := range found {
		text, err := Marshal(q.fields(record, q.selected))
		if err != nil {
			return nil, err
		}
		if !seen[string(text)] {
			seen[string(text)] = true
			out = append(out, record)
		}
	}
	return out, nil
}
