package arguments

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
)

// everyKind is what no route takes all of.
var everyKind = []Argument{
	{Name: "thing", Kind: Lookup, Fields: []Argument{{Name: "id"}, {Name: "region"}}},
	{Name: "name", Rules: []Rule{{"not_bad", func(v any) bool { return v != "bad" }}}},
	{Name: "names", List: true},
	{Name: "number", Kind: Integer},
	{Name: "numbers", Kind: Integer, List: true, Rules: []Rule{{"greater_than_zero", func(v any) bool { return v.(int64) > 0 }}}},
	{Name: "flag", Kind: Boolean},
	{Name: "things", Kind: Object, List: true, Fields: []Argument{{Name: "key", Required: true}, {Name: "value"}}},
	{Name: "properties", Kind: Object, Fields: []Argument{
		{Name: "name", Required: true}, {Name: "flag", Kind: Boolean}, {Name: "inner", Kind: Object, Fields: []Argument{{Name: "ids", List: true}}},
	}},
	{Name: "page", Kind: Integer, Otherwise: int64(1)},
}

// TestArguments is what a route makes of what is given.
func TestArguments(t *testing.T) {
	for text, want := range map[string]Values{
		`{}`:                                 {},
		`{"unknown":1,"name":"a"}`:           {"name": "a"},
		`{"name":null}`:                      {"name": nil},
		`{"name":""}`:                        {"name": ""},
		`{"number":7}`:                       {"number": int64(7)},
		`{"number":"7"}`:                     {"number": int64(7)},
		`{"number":"-007"}`:                  {"number": int64(-7)},
		`{"number":-9}`:                      {"number": int64(-9)},
		`{"number":null}`:                    {"number": nil},
		`{"numbers":["1",2]}`:                {"numbers": l{int64(1), int64(2)}},
		`{"names":[]}`:                       {"names": l{}},
		`{"names":null}`:                     {"names": nil},
		`{"page":null}`:                      {},
		`{"page":3}`:                         {"page": int64(3)},
		`{"thing":{"id":"a"}}`:               {"thing": Values{"id": "a"}},
		`{"thing":{"id":null}}`:              {"thing": Values{"id": nil}},
		`{"thing":{"id":"a","x":"y"}}`:       {"thing": Values{"id": "a"}},
		`{"thing":{"region":"b"}}`:           {"thing": Values{"region": "b"}},
		`{"thing":{"id":null,"region":"b"}}`: {"thing": Values{"id": nil, "region": "b"}},
		`{"things":[{"key":"a","value":null},{"key":"b"}]}`: {"things": l{Values{"key": "a", "value": nil}, Values{"key": "b"}}},
		`{"properties":{"name":"a","inner":{"ids":["x"]}}}`: {"properties": Values{"name": "a", "inner": Values{"ids": l{"x"}}}},
	} {
		given, err := parseObject([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if want["page"] == nil {
			want["page"] = int64(1)
		}
		got, err := Take(everyKind, given, nil)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", text, err, diff)
		}
	}
}

func TestBooleans(t *testing.T) {
	for text, want := range map[string]any{
		`true`: true, `"true"`: true, `"yes"`: true, `1`: true, `"1"`: true, `false`: false, `"false"`: false, `"no"`: false, `0`: false, `"0"`: false,
		`"True"`: nil, `"TRUE"`: nil, `2`: nil, `""`: nil, `"on"`: nil, `"off"`: nil, `[]`: nil, `{}`: nil, `" true"`: nil, `-1`: nil, `"t"`: nil,
	} {
		got, err := readText(t, fmt.Sprintf(`{"flag":%s}`, text))
		if want == nil && !refuses(err) || want != nil && (err != nil || got["flag"] != want) {
			t.Errorf("%s is %v, %v", text, got["flag"], err)
		}
	}
}

func readText(t *testing.T, text string) (Values, error) {
	t.Helper()
	given, err := parseObject([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return Take(everyKind, given, nil)
}

// TestWrongArguments: what is wrong is told with where it is.
func TestWrongArguments(t *testing.T) {
	number := []string{"Integer must be provided as an integer or a string only containing numbers"}
	none := []string{}
	for text, want := range map[string]Wrong{
		`{"name":1}`:                        {Path: []string{"name"}, Issue: InvalidScalar, Errors: none},
		`{"name":{}}`:                       {Path: []string{"name"}, Issue: InvalidScalar, Errors: none},
		`{"name":["a"]}`:                    {Path: []string{"name"}, Issue: InvalidScalar, Errors: none},
		`{"name":true}`:                     {Path: []string{"name"}, Issue: InvalidScalar, Errors: none},
		`{"name":"a\u0000"}`:                {Path: []string{"name"}, Issue: InvalidScalar, Errors: none},
		`{"name":"bad"}`:                    {Path: []string{"name"}, Issue: ValidationErrors, Errors: []string{"not_bad"}},
		`{"names":"a"}`:                     {Path: []string{"names"}, Issue: ArrayExpected, Errors: none},
		`{"names":{}}`:                      {Path: []string{"names"}, Issue: ArrayExpected, Errors: none},
		`{"names":["a",1]}`:                 {Path: []string{"names"}, Index: at(1), Issue: InvalidScalar, Errors: none},
		`{"names":[null]}`:                  {Path: []string{"names"}, Index: at(0), Issue: InvalidScalar, Errors: none},
		`{"number":"a"}`:                    {Path: []string{"number"}, Issue: ParseError, Errors: number},
		`{"number":""}`:                     {Path: []string{"number"}, Issue: ParseError, Errors: number},
		`{"number":"+1"}`:                   {Path: []string{"number"}, Issue: ParseError, Errors: number},
		`{"number":" 1"}`:                   {Path: []string{"number"}, Issue: ParseError, Errors: number},
		`{"number":"1_0"}`:                  {Path: []string{"number"}, Issue: ParseError, Errors: number},
		`{"number":1.0}`:                    {Path: []string{"number"}, Issue: ParseError, Errors: number},
		`{"number":1e3}`:                    {Path: []string{"number"}, Issue: ParseError, Errors: number},
		`{"number":99999999999999999999}`:   {Path: []string{"number"}, Issue: ParseError, Errors: number},
		`{"number":true}`:                   {Path: []string{"number"}, Issue: ParseError, Errors: number},
		`{"numbers":[1,0]}`:                 {Path: []string{"numbers"}, Index: at(1), Issue: ValidationErrors, Errors: []string{"greater_than_zero"}},
		`{"thing":"a"}`:                     {Path: []string{"thing"}, Issue: ObjectExpected, Errors: none},
		`{"thing":[]}`:                      {Path: []string{"thing"}, Issue: ObjectExpected, Errors: none},
		`{"thing":{}}`:                      {Path: []string{"thing"}, Issue: MissingLookupValue, Errors: none},
		`{"thing":{"x":"y"}}`:               {Path: []string{"thing"}, Issue: MissingLookupValue, Errors: none},
		`{"thing":{"id":"a","region":"b"}}`: {Path: []string{"thing"}, Issue: AmbiguousLookupValues, Errors: none},
		`{"thing":{"id":1}}`:                {Path: []string{"thing", "id"}, Issue: InvalidScalar, Errors: none},
		`{"things":["a"]}`:                  {Path: []string{"things"}, Index: at(0), Issue: ObjectExpected, Errors: none},
		`{"properties":{"name":"a","flag":"x"}}`: {Path: []string{"properties", "flag"}, Issue: ParseError, Errors: []string{
			"Boolean must be provided as a boolean, as a string containing true or false or as 0 or 1 as an integer.",
		}},
		`{"properties":{"name":"a","inner":{"ids":"x"}}}`: {Path: []string{"properties", "inner", "ids"}, Issue: ArrayExpected, Errors: none},
	} {
		_, err := readText(t, text)
		var w *Wrong
		if !errors.As(err, &w) {
			t.Errorf("%s: %v", text, err)
		} else if diff := cmp.Diff(want, *w); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	for text, want := range map[string][]string{
		`{"properties":{}}`: {"properties", "name"}, `{"properties":{"name":null}}`: {"properties", "name"}, `{"things":[{"key":"a"},{}]}`: {"things", "key"},
	} {
		_, err := readText(t, text)
		var m *Missing
		if !errors.As(err, &m) || !slices.Equal(m.Path, want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// refuses tells whether it is about an argument.
func refuses(err error) bool {
	var w *Wrong
	var m *Missing
	return errors.As(err, &w) || errors.As(err, &m)
}

func at(i int) *int { return &i }

// TestWordsOfThePath: one is the first field of a lookup, unless something else is given.
func TestWordsOfThePath(t *testing.T) {
	wanted := []Argument{{Name: "thing", Kind: Lookup, Required: true, Fields: []Argument{{Name: "id"}, {Name: "region"}}}, {Name: "bucket"}}
	words := map[string]string{"thing": "_", "bucket": "b", "other": "x"}
	for text, want := range map[string]Values{
		`{}`:                       {"thing": Values{"id": "_"}, "bucket": "b"},
		`{"thing":{"id":"a"}}`:     {"thing": Values{"id": "a"}, "bucket": "b"},
		`{"thing":{"region":"a"}}`: {"thing": Values{"region": "a"}, "bucket": "b"},
		`{"thing":{}}`:             nil,
		`{"thing":null}`:           nil,
		`{"bucket":null}`:          {"thing": Values{"id": "_"}, "bucket": nil},
	} {
		var given map[string]any
		if err := json.Unmarshal([]byte(text), &given); err != nil {
			t.Fatal(err)
		}
		got, err := Take(wanted, given, words)
		if diff := cmp.Diff(want, got); diff != "" || (err != nil) != (want == nil) {
			t.Errorf("%s: %v (-want +got):\n%s", text, err, diff)
		}
	}
	const id = "ws_0mz3k8q2a7c4f9d"
	for text, want := range map[string]string{
		`{}`: "", `{"thing":{"id":"` + id + `"}}`: id, `{"thing":{"id":"lab"}}`: "", `{"thing":{"region":"lab"}}`: "lab", `{"thing":{"region":"` + id + `"}}`: id,
		`{"thing":{"id":null,"region":"lab"}}`: "lab", `{"thing":{"id":"tok` + id[2:] + `"}}`: "", `{"thing":{"id":null}}`: "",
	} {
		var given map[string]any
		if err := json.Unmarshal([]byte(text), &given); err != nil {
			t.Fatal(err)
		}
		got, err := Take(wanted, given, words)
		if err != nil || got.Reference("thing", keyhatch.WorkspaceID) != want || got.Reference("none", keyhatch.WorkspaceID) != "" {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}
