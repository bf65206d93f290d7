package listing

import (
	"slices"
	"strconv"
	"strings"

	"github.com/keyhatch/keyhatch"
)

// comparisons are the operators that order, and what the comparison must be.
var comparisons = map[string]func(int) bool{
	"=":  func(n int) bool { return n == 0 },
	"<":  func(n int) bool { return n < 0 },
	"<=": func(n int) bool { return n <= 0 },
	">":  func(n int) bool { return n > 0 },
	">=": func(n int) bool { return n >= 0 },
}

func parseTest(f form, operator string, operand any, infixes map[string]string) (test, error) {
	switch operator {
	case "=", "!=", "<>":
		t, err := parseEqual(f, operand)
		if err == nil && operator != "=" {
			return func(v value) bool { return !t(v) }, nil
		}
		return t, err
	case "<", "<=", ">", ">=":
		if f != text && f != moment {
			break
		}
		bound, err := parseOperand(f, operand)
		if err != nil || bound.null {
			return nil, badOperand(operator)
		}
		holds := comparisons[operator]
		return func(v value) bool { return !v.null && holds(compare(f, v, bound)) }, nil
	case "in", "not in":
		t, err := parseIn(f, operand)
		if err == nil && operator == "not in" {
			return func(v value) bool { return !t(v) }, nil
		}
		return t, err
	case "like", "ilike":
		if f == text {
			return parseLike(operator == "ilike", operand)
		}
	case "is_a":
		if f == text {
			return parseIsA(operand, infixes)
		}
	case "contains":
		if f == list {
			return parseContains(operand)
		}
	case "exists": // keys of objects, which no attribute here has
	default:
		return nil, Argument("Invalid operator %s in filter", Quoted(operator))
	}
	return nil, Argument("Invalid operator %s for that attribute in filter", Quoted(operator))
}

func badOperand(operator string) error {
	return Argument("Invalid operand for '%s' operator in filters", operator)
}

// parseOperand reads what a column is compared with.
func parseOperand(f form, operand any) (value, error) {
	if operand == nil {
		return value{null: true}, nil
	}
	switch f {
	case text:
		if s, ok := operand.(string); ok {
			return value{text: s}, nil
		}
	case moment:
		if s, ok := operand.(string); ok {
			if at, ok := ParseTime(s); ok {
				return value{at: at}, nil
			}
		}
	case flag:
		switch operand {
		case true, "true", "t", "1":
			return value{yes: true}, nil
		case false, "false", "f", "0":
			return value{}, nil
		}
	case list:
		if items, ok := Texts(operand); ok {
			return value{list: items}, nil
		}
	}
	return value{}, badOperand("=")
}

// Texts reads a list of scopes or other texts.
func Texts(operand any) ([]string, bool) {
	items, ok := operand.([]any)
	if !ok || len(items) > keyhatch.MaxScopes {
		return nil, false
	}
	out := make([]string, len(items))
	for i, item := range items {
		if out[i], ok = item.(string); !ok {
			return nil, false
		}
	}
	return out, true
}

// parseEqual: null equals null, and lists are equal whatever their order.
func parseEqual(f form, operand any) (test, error) {
	want, err := parseOperand(f, operand)
	if err != nil {
		return nil, err
	}
	key := want.key()
	return func(v value) bool {
		if v.null || want.null {
			return v.null && want.null
		}
		if f == list {
			return v.key() == key
		}
		return compare(f, v, want) == 0
	}, nil
}

// parseIn looks up, so that a long list costs no more than a short one.
func parseIn(f form, operand any) (test, error) {
	items, ok := operand.([]any)
	if !ok || len(items) > maxOperands || f == list && len(items) > maxLists {
		return nil, badOperand("in")
	}
	null := false
	members := map[member]bool{}
	for _, item := range items {
		v, err := parseOperand(f, item)
		if err != nil {
			return nil, badOperand("in")
		}
		if v.null {
			null = true
		} else {
			members[v.key()] = true
		}
	}
	return func(v value) bool {
		if v.null {
			return null
		}
		return members[v.key()]
	}, nil
}

// member is a value as the key of a map. Of a list it is the set.
type member struct {
	text string
	unix int64
	nano int
	yes  bool
}

func (v value) key() member {
	k := member{text: v.text, yes: v.yes}
	if !v.at.IsZero() {
		k.unix, k.nano = v.at.Unix(), v.at.Nanosecond()
	}
	if len(v.list) > 0 {
		sorted := slices.Clone(v.list)
		slices.Sort(sorted)
		var text strings.Builder
		for _, s := range slices.Compact(sorted) { // the lengths tell ["a b"] from ["a", "b"]
			text.WriteString(strconv.Itoa(len(s)))
			text.WriteByte(' ')
			text.WriteString(s)
		}
		k.text = text.String()
	}
	return k
}

func parseLike(fold bool, operand any) (test, error) {
	pattern, ok := operand.(string)
	if !ok || len(pattern) > maxPattern {
		return nil, badOperand("like")
	}
	if fold {
		pattern = strings.ToLower(pattern)
	}
	parts := parsePattern(pattern)
	return func(v value) bool {
		s := v.text
		if fold {
			s = strings.ToLower(s)
		}
		return !v.null && like(parts, []rune(s))
	}, nil
}

// The two wildcards of SQL in a pattern that was taken apart.
const anyText, anyOne rune = -1, -2

func parsePattern(pattern string) (out []rune) {
	escaped := false
	for _, c := range pattern {
		switch {
		case escaped:
			escaped = false
			out = append(out, c)
		case c == '\\':
			escaped = true
		case c == '%':
			out = append(out, anyText)
		case c == '_':
			out = append(out, anyOne)
		default:
			out = append(out, c)
		}
	}
	return out
}

// like matches without going back further than to the last wildcard, so that no pattern
// costs more than the product of the lengths.
func like(pattern, text []rune) bool {
	p, last, mark := 0, -1, 0
	for t := 0; t < len(text); {
		switch {
		case p < len(pattern) && pattern[p] == anyText:
			last, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == anyOne || pattern[p] == text[t]):
			p++
			t++
		case last >= 0:
			mark++
			p, t = last+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == anyText {
		p++
	}
	return p == len(pattern)
}

// parseIsA tells what an id is of. A kind that there is not here names nothing.
func parseIsA(operand any, infixes map[string]string) (test, error) {
	if kind, ok := operand.(string); ok {
		operand = []any{kind}
	}
	wanted, ok := Texts(operand)
	if !ok {
		return nil, badOperand("is_a")
	}
	return func(v value) bool {
		return slices.ContainsFunc(wanted, func(kind string) bool {
			infix := infixes[kind]
			return infix != "" && len(v.text) > 11 && v.text[5:12] == "-"+infix+"-"
		})
	}, nil
}

func parseContains(operand any) (test, error) {
	if one, ok := operand.(string); ok {
		operand = []any{one}
	}
	wanted, ok := Texts(operand)
	if !ok || len(wanted) > maxContents {
		return nil, badOperand("contains")
	}
	return func(v value) bool {
		return !slices.ContainsFunc(wanted, func(s string) bool { return !slices.Contains(v.list, s) })
	}, nil
}
