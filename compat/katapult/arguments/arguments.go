package arguments

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/keyhatch/keyhatch"
)

// Kind is of what an argument is.
type Kind int

// The kinds.
const (
	Text    Kind = iota // string
	Integer             // int64; its digits as a string are taken too
	Boolean             // bool; also "true", "yes", 1, "1", "false", "no", 0, "0"
	Object              // Values
	Lookup              // Values, of which one tells which thing is meant
)

// Argument is one that a route takes. What a request gives beside those of its route is
// left alone.
type Argument struct {
	Name      string
	Kind      Kind
	List      bool // of such values
	Required  bool // and not null
	Otherwise any  // instead of nothing or null
	// Fields are those of an object or a lookup. A word of the path is the first one of a
	// lookup.
	Fields []Argument
	Rules  []Rule
}

// Rule holds for a value that is not null; its name is told to who breaks it.
type Rule struct {
	Name  string
	Holds func(any) bool
}

// Values are what was given, by name: null is nil, what was not given is not there.
type Values map[string]any

// Get is an argument's value, if there is one and it is not null. T is that of its kind,
// []any for a list.
func Get[T any](a Values, name string) (v T, ok bool) {
	v, ok = a[name].(T)
	return v, ok
}

// Texts are the values of a list of strings, and whether it was given.
func (a Values) Texts(name string) ([]string, bool) {
	list, ok := Get[[]any](a, name)
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = v.(string)
	}
	return out, ok
}

// Objects are the values of a list of objects, and whether it was given.
func (a Values) Objects(name string) ([]Values, bool) {
	list, ok := Get[[]any](a, name)
	out := make([]Values, len(list))
	for i, v := range list {
		out[i] = v.(Values)
	}
	return out, ok
}

// Reference is what a lookup of a thing of ours says. An id that is none names nothing: a
// word of the path that only says what stands there must not be taken for a name.
func (a Values) Reference(name string, kind keyhatch.IDKind) string {
	found, _ := Get[Values](a, name)
	for field, v := range found {
		said, ok := v.(string)
		_, isID := keyhatch.IDPayload(kind, said)
		if ok && (field != "id" || isID) {
			return said
		}
	}
	return ""
}

// Take picks what a route takes out of what a request gives and its path says, in the
// route's order: the first that is wrong is told.
func Take(wanted []Argument, given map[string]any, words map[string]string) (Values, error) {
	all := make(map[string]any, len(given)+len(words))
	for _, a := range wanted {
		word, ok := words[a.Name]
		switch {
		case !ok:
		case a.Kind == Lookup && word == a.Name: // as the documentation writes it
			all[a.Name] = map[string]any{a.Fields[0].Name: nil}
		case a.Kind == Lookup:
			all[a.Name] = map[string]any{a.Fields[0].Name: word}
		default:
			all[a.Name] = word
		}
	}
	for name, v := range given {
		all[name] = v
	}
	return readObject(wanted, all, nil)
}

func readObject(wanted []Argument, given map[string]any, path []string) (Values, error) {
	out := Values{}
	for _, a := range wanted {
		path := append(slices.Clip(path), a.Name)
		v, there := given[a.Name]
		if v == nil && a.Otherwise != nil {
			v, there = a.Otherwise, true
		}
		if v == nil && a.Required {
			return nil, &Missing{path}
		}
		if !there {
			continue
		}
		v, err := a.parse(v, path)
		if err != nil {
			return nil, err
		}
		out[a.Name] = v
	}
	return out, nil
}

func (a Argument) parse(v any, path []string) (any, error) {
	switch items, isList := v.([]any); {
	case v == nil:
		return nil, nil
	case !a.List:
		return a.parseOne(v, path, nil)
	case !isList:
		return nil, wrong(path, nil, ArrayExpected)
	default:
		out := make([]any, len(items))
		for i, item := range items {
			parsed, err := a.parseOne(item, path, &i)
			if err != nil {
				return nil, err
			}
			out[i] = parsed
		}
		return out, nil
	}
}

func (a Argument) parseOne(v any, path []string, index *int) (out any, err error) {
	switch a.Kind {
	case Text:
		s, ok := v.(string)
		if !ok || strings.ContainsRune(s, 0) { // which no text that is kept can hold
			return nil, wrong(path, index, InvalidScalar)
		}
		out = s
	case Integer:
		n, ok := asInteger(v)
		if !ok {
			return nil, wrong(path, index, ParseError, "Integer must be provided as an integer or a string only containing numbers")
		}
		out = n
	case Boolean:
		b, ok := asBoolean(v)
		if !ok {
			return nil, wrong(path, index, ParseError,
				"Boolean must be provided as a boolean, as a string containing true or false or as 0 or 1 as an integer.")
		}
		out = b
	case Object, Lookup:
		inner, ok := v.(map[string]any)
		if !ok {
			return nil, wrong(path, index, ObjectExpected)
		}
		fields, err := readObject(a.Fields, inner, path)
		if err != nil {
			return nil, err
		}
		if a.Kind == Lookup {
			if err := checkLookup(fields, path, index); err != nil {
				return nil, err
			}
		}
		out = fields
	}
	return out, a.check(out, path, index)
}

func (a Argument) check(v any, path []string, index *int) error {
	var broken []string
	for _, r := range a.Rules {
		if !r.Holds(v) {
			broken = append(broken, r.Name)
		}
	}
	if broken != nil {
		return wrong(path, index, ValidationErrors, broken...)
	}
	return nil
}

// checkLookup wants one field, which may be null: then nothing is found.
func checkLookup(fields Values, path []string, index *int) error {
	said := 0
	for _, v := range fields {
		if v != nil {
			said++
		}
	}
	switch {
	case len(fields) == 0:
		return wrong(path, index, MissingLookupValue)
	case said > 1:
		return wrong(path, index, AmbiguousLookupValues)
	}
	return nil
}

func asInteger(v any) (int64, bool) {
	var digits string
	switch v := v.(type) {
	case int64: // of a line of the table
		return v, true
	case json.Number:
		digits = v.String()
	case string:
		digits = v
	}
	if strings.HasPrefix(digits, "+") {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil
}

func asBoolean(v any) (is, ok bool) {
	if b, ok := v.(bool); ok {
		return b, true
	}
	word, isText := v.(string)
	if n, ok := v.(json.Number); ok && (n == "1" || n == "0") {
		word, isText = n.String(), true
	}
	if !isText {
		return false, false
	}
	is = slices.Contains([]string{"true", "yes", "1"}, word)
	return is, is || slices.Contains([]string{"false", "no", "0"}, word)
}
