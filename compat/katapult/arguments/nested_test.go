package arguments

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
)

type (
	o = map[string]any
	l = []any
)

// TestParseNested is what Rack makes of the same.
func TestParseNested(t *testing.T) {
	for text, want := range map[string]o{
		"":                                 {},
		"&&":                               {},
		"a=1":                              {"a": "1"},
		"a=1&a=2":                          {"a": "2"},
		"a":                                {"a": nil},
		"a=":                               {"a": ""},
		"=1":                               {},
		"a=b=c":                            {"a": "b=c"},
		"a+b=c%20d+e":                      {"a b": "c d e"},
		"organization[id]=ws_1":            {"organization": o{"id": "ws_1"}},
		"organization%5Bsub_domain%5D=lab": {"organization": o{"sub_domain": "lab"}},
		"a[b]=1&a[c]=2":                    {"a": o{"b": "1", "c": "2"}},
		"a[b]":                             {"a": o{"b": nil}},
		"a[b][c]=1&a[b][d]=2":              {"a": o{"b": o{"c": "1", "d": "2"}}},
		"a[]=1&a[]=2":                      {"a": l{"1", "2"}},
		"a[]":                              {"a": l{nil}},
		"a[][b]=1&a[][c]=2&a[][b]=3":       {"a": l{o{"b": "1", "c": "2"}, o{"b": "3"}}},
		"a[][b][c]=1&a[][b][d]=2":          {"a": l{o{"b": o{"c": "1", "d": "2"}}}},
		"a[][b][]=1&a[][b][]=2":            {"a": l{o{"b": l{"1", "2"}}}},
		"a[][b]=1&a[]=2&a[][c]=3":          {"a": l{o{"b": "1"}, "2", o{"c": "3"}}},
		"a[0]=x":                           {"a": o{"0": "x"}},
		"a&a[b]=1":                         {"a": o{"b": "1"}},
		"a[b]=1&a=2":                       {"a": "2"},
		// Brackets that are no nesting are part of a name.
		"a[=1": {"a[": "1"}, "a[b=1": {"a[b": "1"}, "a[b]c=1": {"a[b]c": "1"}, "a]=1": {"a]": "1"}, "[]=1": {"[]": "1"}, "[a]=1": {"[a]": "1"}, "a[b[c]]=1": {"a[b[c]]": "1"},
		strings.Repeat("a=1&", maxParameters-1): {"a": "1"},
		"a" + strings.Repeat("[]", maxDepth-1):  {"a": nestedList(maxDepth - 1)},
	} {
		got, err := parseNested(text)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%.60q: %v (-want +got):\n%s", text, err, diff)
		}
	}
	for _, text := range []string{
		"a=%", "a=%zz", "%=a", "a=%ff", "%ff=a", "a=1&a[b]=2", "a=1&a[]=2", "a[]=1&a[b]=2", "a[b]=1&a[]=2", "a[b]=1&a[b][c]=2",
		strings.Repeat("a=1&", maxParameters), "a" + strings.Repeat("[b]", maxDepth), "a" + strings.Repeat("[]", maxDepth),
	} {
		if got, err := parseNested(text); !unreadable(err) {
			t.Errorf("%.60q is %v, %v", text, got, err)
		}
	}
}

func nestedList(depth int) any {
	var v any
	for range depth {
		v = l{v}
	}
	return v
}

func unreadable(err error) bool {
	var u Unreadable
	return errors.As(err, &u)
}

// TestParseObject is what a JSON body says.
func TestParseObject(t *testing.T) {
	for text, want := range map[string]o{
		"": nil, "null": nil, "[]": nil, `"a"`: nil, "1": nil, "true": nil, `[{"a":1}]`: nil, "{}": {}, ` {} `: {},
		`{"a":"b","a":"c"}`: {"a": "c"}, `{"a":{"b":null}}`: {"a": o{"b": nil}}, `{"a":[]}`: {"a": l{}},
		strings.Repeat(`{"a":`, maxDepth-1) + "{}" + strings.Repeat("}", maxDepth-1): nestedObject(maxDepth - 1),
	} {
		got, err := parseObject([]byte(text))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%.60q: %v (-want +got):\n%s", text, err, diff)
		}
	}
	for _, text := range []string{
		" ", "{", "{}}", "{} {}", `{"a":1,}`, "{'a':1}", `{"a"}`, "{\"a\":\"\xff\"}", "nul", "\x00", "NaN", "\ufeff{}",
		strings.Repeat(`{"a":`, maxDepth) + "{}" + strings.Repeat("}", maxDepth), strings.Repeat("[", 1<<16), strings.Repeat("[", 1<<16) + strings.Repeat("]", 1<<16),
		strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1),
	} {
		if got, err := parseObject([]byte(text)); !unreadable(err) {
			t.Errorf("%.60q is %v, %v", text, got, err)
		}
	}
}

func nestedObject(depth int) o {
	v := o{}
	for range depth {
		v = o{"a": v}
	}
	return v
}

func TestMerge(t *testing.T) {
	got := merge(o{"a": o{"b": "1", "c": l{"1"}}, "d": "1", "e": o{"f": "1"}, "g": nil}, o{"a": o{"b": "2", "c": l{"2"}}, "e": nil, "g": o{}, "h": "2"})
	want := o{"a": o{"b": "2", "c": l{"2"}}, "d": "1", "e": nil, "g": o{}, "h": "2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := merge(o{"a": "1"}, nil); !cmp.Equal(got, o{"a": "1"}) {
		t.Errorf("nothing on top makes it %v", got)
	}
}

// FuzzParseNested: whatever is sent is refused, or is nested no deeper than is allowed;
// and what stands there once comes out where its name says.
func FuzzParseNested(f *testing.F) {
	for _, text := range []string{"a=1", "a[b]=c&a[d]=e", "a[][b]=c&a[][b]=d", "a[b=1", "a[]&a[]", "%61[%62]=%63", "a[b][c][d]=1&a[b][c]=2", "=&[]=&[a]=1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseNested(text)
		if err != nil {
			if !unreadable(err) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if deeper(got, maxDepth) {
			t.Errorf("%q is nested too deeply: %v", text, got)
		}
		if again, _ := parseNested(text); !reflect.DeepEqual(got, again) {
			t.Errorf("%q is %v and %v", text, got, again)
		}
		_, err = Take(everyKind, got, map[string]string{"thing": "x"})
		if err != nil && !refuses(err) {
			t.Errorf("%q: %v", text, err)
		}
	})
}

// FuzzParseObject: a body is refused, or what a route takes of it is of the kinds that the
// route says.
func FuzzParseObject(f *testing.F) {
	for _, text := range []string{`{"name":"a"}`, `{"thing":{"id":"a"},"flag":"yes","number":"12"}`, `{"things":[{"key":"a"},null]}`, `{"numbers":[1,"2",3.0]}`, `[[[]]]`, `{"thing":{}}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		given, err := parseObject(text)
		if err != nil {
			if !unreadable(err) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		a, err := Take(everyKind, given, nil)
		if err != nil {
			if !refuses(err) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		for _, w := range everyKind {
			if v := a[w.Name]; v != nil && !isKind(w, v) {
				t.Errorf("%q: %s is %#v", text, w.Name, v)
			}
		}
		a.Reference("thing", keyhatch.TokenID)
		a.Objects("things")
		a.Texts("names")
	})
}

func isKind(a Argument, v any) bool {
	if a.List {
		items, ok := v.([]any)
		a.List = false
		for _, item := range items {
			ok = ok && isKind(a, item)
		}
		return ok
	}
	ok := false
	switch a.Kind {
	case Text:
		_, ok = v.(string)
	case Integer:
		_, ok = v.(int64)
	case Boolean:
		_, ok = v.(bool)
	case Object, Lookup:
		_, ok = v.(Values)
	}
	return ok
}
