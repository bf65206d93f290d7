package listing

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// TestParseJSON: what is read is what encoding/json reads, but for what is refused.
func TestParseJSON(t *testing.T) {
	for _, text := range []string{
		`null`, `true`, `"x"`, `1.5e3`, `[]`, `{}`, ` [1, "a", null, {"b": [false]}] `, `{"a":{"b":{"c":[]}}}`, `"\u00e9\ud83d\ude00"`,
	} {
		got, err := ParseJSON([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var want any
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&want); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %#v, want %#v, %v", text, got, want, err)
		}
	}
	for _, text := range []string{
		``, ` `, `[`, `]`, `}`, `{`, `[1,]`, `[,]`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{1:2}`, `[1}`, `{"a":1]`, `1 2`, `[] []`, `{"a":1,"a":1}`, `{"x":{"a":1,"b":2,"a":3}}`, `nul`, `"`,
		strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1),
	} {
		if got, err := ParseJSON([]byte(text)); err == nil {
			t.Errorf("%q is %#v", text, got)
		}
	}
}

// TestMarshal: what is written is what encoding/json writes, in the order that was meant.
func TestMarshal(t *testing.T) {
	got, err := Marshal(Object{
		{"b", []Object{{{"x", nil}}, {}}},
		{"a", []string{"<&>", "é\x00\"\\\n", ""}},
		{"n", -3},
		{"yes", true},
		{"\"", map[string]any{"k": []int{1}}},
		{"empty", []string{}},
	})
	const want = `{"b":[{"x":null},{}],"a":["<&>","é\u0000\"\\\n",""],"n":-3,"yes":true,"\"":{"k":[1]},"empty":[]}`
	if string(got) != want || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := Marshal(Object{{"a", func() {}}}); err == nil {
		t.Error("a function is written")
	}
}
