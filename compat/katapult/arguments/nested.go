package arguments

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxParameters and maxDepth bound how many parameters a query or a form has, and how
// deep arguments are nested (S9). The deepest that there are take four.
const (
	maxParameters = 1000
	maxDepth      = 16
)

// parameter is one of a query or a form. One without "=" is null.
type parameter struct {
	name  string
	value any // string or nil
}

// parseNested reads a query or a form into nested values.
func parseNested(text string) (map[string]any, error) {
	if strings.Count(text, "&") >= maxParameters {
		return nil, tooMany
	}
	var all []parameter
	for part := range strings.SplitSeq(text, "&") {
		escapedName, escapedValue, given := strings.Cut(part, "=")
		name, err := url.QueryUnescape(escapedName)
		if err != nil {
			return nil, Unreadable("a parameter is not percent-encoded")
		}
		value, err := url.QueryUnescape(escapedValue)
		if err != nil {
			return nil, Unreadable("a parameter is not percent-encoded")
		}
		p := parameter{name, value}
		if !given {
			p.value = nil
		}
		all = append(all, p)
	}
	return nest(all)
}

const tooMany Unreadable = "there are too many parameters"

// nest makes nested values of parameters: "a[b]=c" is in an object, "a[]=1" in a list, and
// "a[][b]=c" in an object in a list, which is the last one there until that has a b. Of a
// name that stands there twice the last one counts.
//
// Source: Rack, QueryParser, parse_nested_query.
func nest(all []parameter) (map[string]any, error) {
	var out any = map[string]any{}
	for _, p := range all {
		text, _ := p.value.(string)
		if !utf8.ValidString(p.name) || !utf8.ValidString(text) {
			return nil, Unreadable("the parameters are not UTF-8")
		}
		if p.name == "" {
			continue
		}
		steps := stepsOf(p.name)
		if len(steps) > maxDepth {
			return nil, Unreadable("the parameters are nested too deeply")
		}
		var err error
		if out, err = put(out, steps, p.value); err != nil {
			return nil, err
		}
	}
	return out.(map[string]any), nil
}

// stepsOf takes the name of a parameter apart: "a[b][]" is a, b and "", which stands for
// the next place in a list. A name with other brackets is one that has them in it.
func stepsOf(name string) []string {
	first := strings.IndexByte(name[1:], '[') + 1
	if first == 0 {
		return []string{name}
	}
	steps := []string{name[:first]}
	for rest := name[first:]; rest != ""; {
		inner, after, closed := strings.Cut(rest, "]")
		step, opened := strings.CutPrefix(inner, "[")
		if !closed || !opened {
			return []string{name}
		}
		steps, rest = append(steps, step), after
	}
	return steps
}

// put puts a value where the steps lead, and returns what stands there then.
func put(at any, steps []string, v any) (any, error) {
	if len(steps) == 0 {
		return v, nil
	}
	step, rest := steps[0], steps[1:]
	if step == "" {
		list, ok := at.([]any)
		if at != nil && !ok {
			return nil, Unreadable("a parameter is a list in one place and something else in another")
		}
		if n := len(list); n > 0 && len(rest) > 0 {
			if last, ok := list[n-1].(map[string]any); ok && !has(last, rest) {
				_, err := put(last, rest, v)
				return list, err
			}
		}
		item, err := put(nil, rest, v)
		return append(list, item), err
	}
	object, ok := at.(map[string]any)
	if at == nil {
		object = map[string]any{}
	} else if !ok {
		return nil, Unreadable("a parameter is an object in one place and something else in another")
	}
	inner, err := put(object[step], rest, v)
	object[step] = inner
	return object, err
}

// has tells whether there is something where the steps lead. In a list there is always
// room.
func has(at any, steps []string) bool {
	for _, step := range steps {
		object, ok := at.(map[string]any)
		if step == "" || !ok {
			return false
		}
		if at, ok = object[step]; !ok {
			return false
		}
	}
	return true
}
