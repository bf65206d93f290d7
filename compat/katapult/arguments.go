package katapult

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/keyhatch/keyhatch"
)

// kind is of what an argument is.
type kind int

const (
	text    kind = iota // string
	integer             // int64; its digits as a string are taken too
	boolean             // bool; also "true", "yes", 1, "1", "false", "no", 0, "0"
	object              // arguments
	lookup              // arguments, of which one tells which thing is meant
)

// argument is one that a route takes. What a request gives beside those of its route is
// left alone.
type argument struct {
	name      string
	kind      kind
	list      bool // of such values
	required  bool // and not null
	otherwise any  // instead of nothing or null
	// fields are those of an object or a lookup. A word of the path is the first one of a
	// lookup.
	fields []argument
	rules  []rule
}

// rule holds for a value that is not null; its name is told to who breaks it.
type rule struct {
	name  string
	holds func(any) bool
}

// arguments are what was given, by name: null is nil, what was not given is not there.
type arguments map[string]any

// given is an argument's value, if there is one and it is not null. T is that of its
// kind, []any for a list.
func given[T any](a arguments, name string) (v T, ok bool) {
	v, ok = a[name].(T)
	return v, ok
}

// texts are the values of a list of strings, and whether it was given.
func (a arguments) texts(name string) ([]string, bool) {
	list, ok := given[[]any](a, name)
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = v.(string)
	}
	return out, ok
}

// objects are the values of a list of objects, and whether it was given.
func (a arguments) objects(name string) ([]arguments, bool) {
	list, ok := given[[]any](a, name)
	out := make([]arguments, len(list))
	for i, v := range list {
		out[i] = v.(arguments)
	}
	return out, ok
}

// reference is what a lookup of a thing of ours says. An id that is none names nothing: a
// word of the path that only says what stands there must not be taken for a name.
func (a arguments) reference(name string, kind keyhatch.IDKind) string {
	found, _ := given[arguments](a, name)
	for field, v := range found {
		said, ok := v.(string)
		_, isID := keyhatch.IDPayload(kind, said)
		if ok && (field != "id" || isID) {
			return said
		}
	}
	return ""
}

// read picks what a route takes out of what a request gives and its path says, in the
// route's order: the first that is wrong is told.
func read(wanted []argument, given map[string]any, words map[string]string) (arguments, error) {
	all := make(map[string]any, len(given)+len(words))
	for _, a := range wanted {
		word, ok := words[a.name]
		switch {
		case !ok:
		case a.kind == lookup && word == a.name: // as the documentation writes it
			all[a.name] = map[string]any{a.fields[0].name: nil}
		case a.kind == lookup:
			all[a.name] = map[string]any{a.fields[0].name: word}
		default:
			all[a.name] = word
		}
	}
	for name, v := range given {
		all[name] = v
	}
	return readObject(wanted, all, nil)
}

func readObject(wanted []argument, given map[string]any, path []string) (arguments, error) {
	out := arguments{}
	for _, a := range wanted {
		path := append(slices.Clip(path), a.name)
		v, there := given[a.name]
		if v == nil && a.otherwise != nil {
			v, there = a.otherwise, true
		}
		if v == nil && a.required {
			return nil, missing(path)
		}
		if !there {
			continue
		}
		v, err := a.parse(v, path)
		if err != nil {
			return nil, err
		}
		out[a.name] = v
	}
	return out, nil
}

func (a argument) parse(v any, path []string) (any, error) {
	switch items, isList := v.([]any); {
	case v == nil:
		return nil, nil
	case !a.list:
		return a.parseOne(v, path, nil)
	case !isList:
		return nil, wrong(path, nil, arrayExpected)
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

func (a argument) parseOne(v any, path []string, index *int) (out any, err error) {
	switch a.kind {
	case text:
		s, ok := v.(string)
		if !ok || strings.ContainsRune(s, 0) { // which no text that is kept can hold
			return nil, wrong(path, index, invalidScalar)
		}
		out = s
	case integer:
		n, ok := asInteger(v)
		if !ok {
			return nil, wrong(path, index, parseError, "Integer must be provided as an integer or a string only containing numbers")
		}
		out = n
	case boolean:
		b, ok := asBoolean(v)
		if !ok {
			return nil, wrong(path, index, parseError,
				"Boolean must be provided as a boolean, as a string containing true or false or as 0 or 1 as an integer.")
		}
		out = b
	case object, lookup:
		inner, ok := v.(map[string]any)
		if !ok {
			return nil, wrong(path, index, objectExpected)
		}
		fields, err := readObject(a.fields, inner, path)
		if err != nil {
			return nil, err
		}
		if a.kind == lookup {
			if err := checkLookup(fields, path, index); err != nil {
				return nil, err
			}
		}
		out = fields
	}
	return out, a.check(out, path, index)
}

func (a argument) check(v any, path []string, index *int) error {
	var broken []string
	for _, r := range a.rules {
		if !r.holds(v) {
			broken = append(broken, r.name)
		}
	}
	if broken != nil {
		return wrong(path, index, validationErrors, broken...)
	}
	return nil
}

// checkLookup wants one field, which may be null: then nothing is found.
func checkLookup(fields arguments, path []string, index *int) error {
	said := 0
	for _, v := range fields {
		if v != nil {
			said++
		}
	}
	switch {
	case len(fields) == 0:
		return wrong(path, index, missingLookupValue)
	case said > 1:
		return wrong(path, index, ambiguousLookupValues)
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
