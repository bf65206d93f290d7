package doortest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Schemas are the objects of a format, as its strictest clients read them: a field that
// the format does not have is a fault, and so is one that is not there.
type Schemas struct {
	// Objects are the fields of each by name, with their kinds. "*" behind the name of a
	// field marks what may be absent; "?" before a kind what may be null, "[]" a list.
	//
	// A kind is another object, or one of these: "text", which is not empty, "any text",
	// "empty text", "bool", "true", "number", which is whole and not negative, "int32", which is a
	// number of 32 bits, "time", by RFC 3339 in UTC, or words with "|" between.
	Objects map[string]map[string]string
	// Rules are what else is true of objects, by name.
	Rules map[string]func(object map[string]any) error
}

// Check tells how a JSON text breaks the schema of the name.
func (s Schemas) Check(name string, text []byte) error {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	return s.value(name, name, v)
}

func (s Schemas) value(where, kind string, v any) error {
	if of, optional := strings.CutPrefix(kind, "?"); optional {
		if v == nil {
			return nil
		}
		return s.value(where, of, v)
	}
	if of, list := strings.CutPrefix(kind, "[]"); list {
		items, ok := v.([]any)
		if !ok {
			return wrong(where, kind, v)
		}
		for i, item := range items {
			if err := s.value(fmt.Sprintf("%s[%d]", where, i), of, item); err != nil {
				return err
			}
		}
		return nil
	}
	if fields, ok := s.Objects[kind]; ok {
		object, ok := v.(map[string]any)
		if !ok {
			return wrong(where, kind, v)
		}
		if err := s.object(where, fields, object); err != nil {
			return err
		}
		if rule := s.Rules[kind]; rule != nil {
			if err := rule(object); err != nil {
				return fmt.Errorf("%s: %w", where, err)
			}
		}
		return nil
	}
	is, known := kinds[kind]
	if !known && !strings.Contains(kind, "|") {
		return fmt.Errorf("%s: there is no kind %q", where, kind)
	}
	if !known {
		is = func(v any) bool {
			word, ok := v.(string)
			return ok && slices.Contains(strings.Split(kind, "|"), word)
		}
	}
	if !is(v) {
		return wrong(where, kind, v)
	}
	return nil
}

func wrong(where, kind string, v any) error {
	return fmt.Errorf("%s is %v, which is no %s", where, v, kind)
}

// kinds are those of values that are no objects.
var kinds = map[string]func(any) bool{
	"text":       func(v any) bool { s, ok := v.(string); return ok && s != "" },
	"any text":   func(v any) bool { _, ok := v.(string); return ok },
	"empty text": func(v any) bool { return v == "" },
	"true":       func(v any) bool { return v == true },
	"bool":       func(v any) bool { _, ok := v.(bool); return ok },
	"number":     func(v any) bool { n, ok := v.(float64); return ok && n == float64(int64(n)) && n >= 0 },
	"int32":      func(v any) bool { n, ok := v.(float64); return ok && n == float64(int32(n)) && n >= 0 },
	"time": func(v any) bool {
		s, _ := v.(string)
		_, err := time.Parse(time.RFC3339, s)
		return err == nil && strings.HasSuffix(s, "Z")
	},
}

func (s Schemas) object(where string, fields map[string]string, object map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		kind, ok := fields[name]
		if !ok {
			kind, ok = fields[name+"*"]
		}
		if !ok {
			return fmt.Errorf("%s has a field %q, which the format does not have", where, name)
		}
		if err := s.value(where+"."+name, kind, object[name]); err != nil {
			return err
		}
	}
	for name := range fields {
		if _, there := object[name]; !there && !strings.HasSuffix(name, "*") {
			return fmt.Errorf("%s has no field %q", where, name)
		}
	}
	return nil
}
