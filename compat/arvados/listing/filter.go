package listing

import (
	"regexp"
	"slices"
	"strings"
)

// The bounds of filters (S9): each is asked of every record.
const (
	maxFilters  = 50
	maxOperands = 10_000 // of "in"
	maxLists    = 100    // of "in" on a column of lists
	maxContents = 10     // of "contains"
	maxPattern  = 1000   // bytes
)

// condition tells whether a record is one that was asked for.
type condition[T any] func(T) bool

// test is a condition on a value.
type test func(value) bool

// parseFilters reads the parameter filters: an array of [attribute, operator, operand]
// and of expressions such as "(created_at < expires_at)".
//
// Source: Arvados' API documentation, "Common resource methods", available list filters.
func parseFilters[T any](r Resource[T], v any) ([]condition[T], error) {
	if v == nil {
		return nil, nil
	}
	items, ok := v.([]any)
	if !ok || len(items) > maxFilters {
		return nil, Argument("Invalid value for filters parameter: it must be an array of at most %d filters", maxFilters)
	}
	out := make([]condition[T], len(items))
	for i, item := range items {
		var err error
		switch item := item.(type) {
		case string:
			out[i], err = parseExpression(r, item)
		case []any:
			out[i], err = parseFilter(r, item)
		default:
			err = errFilter
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

var errFilter = Argument("Invalid element in filters array: it must be [attribute, operator, operand]")

func parseFilter[T any](r Resource[T], item []any) (condition[T], error) {
	if len(item) != 3 {
		return nil, errFilter
	}
	attribute, named := item[0].(string)
	operator, operated := item[1].(string)
	if !named || !operated {
		return nil, errFilter
	}
	operator = strings.ToLower(operator)
	if attribute == "any" {
		return parseAny(r, operator, item[2])
	}
	c, ok := r.column(attribute)
	if !ok {
		return nil, Argument("Invalid attribute %s in filter", Quoted(attribute))
	}
	t, err := parseTest(c.form, operator, item[2], r.Infixes)
	if err != nil {
		return nil, err
	}
	return func(record T) bool { return t(c.of(record)) }, nil
}

// parseAny is a filter on whichever column of text.
func parseAny[T any](r Resource[T], operator string, operand any) (condition[T], error) {
	if !slices.Contains([]string{"=", "in", "like", "ilike"}, operator) {
		return nil, Argument("Invalid operator %s for attribute 'any' in filter", Quoted(operator))
	}
	t, err := parseTest(text, operator, operand, r.Infixes)
	if err != nil {
		return nil, err
	}
	return func(record T) bool {
		return slices.ContainsFunc(r.Columns, func(c Column[T]) bool { return c.form == text && t(c.of(record)) })
	}, nil
}

var expression = regexp.MustCompile(`^ *\( *([a-z_]+) *(<=?|>=?|=) *([a-z_]+) *\) *$`)

// parseExpression compares two attributes of one form. Where either is null it is false.
func parseExpression[T any](r Resource[T], s string) (condition[T], error) {
	parts := expression.FindStringSubmatch(s)
	if parts == nil {
		return nil, Argument("Invalid expression in filters array: it must be \"(attribute operator attribute)\"")
	}
	a, known := r.column(parts[1])
	b, alsoKnown := r.column(parts[3])
	if !known || !alsoKnown {
		return nil, Argument("Invalid attribute in expression")
	}
	if a.form != b.form || a.form != text && a.form != moment {
		return nil, Argument("Invalid expression in filters array: the attributes must be of one type")
	}
	holds := comparisons[parts[2]]
	return func(record T) bool {
		x, y := a.of(record), b.of(record)
		return !x.null && !y.null && holds(compare(a.form, x, y))
	}, nil
}

// parseWhere reads the older parameter where as filters.
func parseWhere[T any](r Resource[T], v any) ([]condition[T], error) {
	if v == nil {
		return nil, nil
	}
	attributes, ok := v.(map[string]any)
	if !ok {
		return nil, Invalid("where")
	}
	var filters []any
	for name, want := range attributes {
		operator := "="
		if c, ok := r.column(name); ok && c.form != list {
			if _, several := want.([]any); several {
				operator = "in"
			}
		}
		filters = append(filters, []any{name, operator, want})
	}
	return parseFilters(r, filters)
}
