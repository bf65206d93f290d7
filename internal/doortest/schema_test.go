package doortest

import (
	"errors"
	"testing"
)

// TestSchemas: a text is taken that is as the schema says, and no other.
func TestSchemas(t *testing.T) {
	t.Parallel()
	s := Schemas{
		Objects: map[string]map[string]string{
			"thing": {"name": "text", "note*": "?any text", "kind*": "a|b", "parts*": "[]part", "size*": "number", "pages*": "int32", "at*": "time", "on*": "bool", "secret*": "empty text", "done*": "true"},
			"part":  {"id": "text"},
			"lost":  {"of": "unheard of"},
			"even":  {"n": "number"},
		},
		Rules: map[string]func(map[string]any) error{"even": func(o map[string]any) error {
			if int(o["n"].(float64))%2 != 0 {
				return errors.New("it is odd")
			}
			return nil
		}},
	}
	for _, tc := range []struct {
		schema, text string
		good         bool
	}{
		{"thing", `{"name":"x"}`, true},
		{"thing", `{"name":"x","note":null,"kind":"b","parts":[{"id":"y"}],"size":4294967296,"pages":3,"at":"2026-01-02T03:04:05Z","on":false,"secret":""}`, true},
		{"thing", `{"name":"x","note":""}`, true},
		{"thing", `{"name":"x","parts":[]}`, true},
		{"thing", `{}`, false},
		{"thing", `[]`, false},
		{"thing", `{"name":"x"`, false},
		{"thing", `{"name":""}`, false},
		{"thing", `{"name":null}`, false},
		{"thing", `{"name":1}`, false},
		{"thing", `{"name":"x","more":1}`, false},
		{"thing", `{"name":"x","note":1}`, false},
		{"thing", `{"name":"x","kind":"c"}`, false},
		{"thing", `{"name":"x","kind":null}`, false},
		{"thing", `{"name":"x","parts":null}`, false},
		{"thing", `{"name":"x","parts":[{"id":"y"},{}]}`, false},
		{"thing", `{"name":"x","parts":[null]}`, false},
		{"thing", `{"name":"x","size":-1}`, false},
		{"thing", `{"name":"x","size":1.5}`, false},
		{"thing", `{"name":"x","size":"1"}`, false},
		{"thing", `{"name":"x","pages":4294967296}`, false},
		{"thing", `{"name":"x","at":"2026-01-02T03:04:05+01:00"}`, false},
		{"thing", `{"name":"x","at":1}`, false},
		{"thing", `{"name":"x","on":"true"}`, false},
		{"thing", `{"name":"x","secret":"s"}`, false},
		{"thing", `{"name":"x","done":true}`, true},
		{"thing", `{"name":"x","done":false}`, false},
		{"even", `{"n":2}`, true},
		{"even", `{"n":3}`, false},
		{"lost", `{"of":"x"}`, false},
		{"none", `{}`, false},
	} {
		if err := s.Check(tc.schema, []byte(tc.text)); (err == nil) != tc.good {
			t.Errorf("%s %s: %v", tc.schema, tc.text, err)
		}
	}
}
