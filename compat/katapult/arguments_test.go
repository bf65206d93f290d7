package katapult

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
)

// everyKind is what no route takes all of.
var everyKind = []argument{
	{name: "thing", kind: lookup, fields: []argument{{name: "id"}, {name: "region"}}},
	{name: "name", rules: []rule{{"not_bad", func(v any) bool { return v != "bad" }}}},
	{name: "names", list: true},
	{name: "number", kind: integer},
	{name: "numbers", kind: integer, list: true, rules: []rule{positive}},
	{name: "flag", kind: boolean},
	{name: "things", kind: object, list: true, fields: []argument{{name: "key", required: true}, {name: "value"}}},
	{name: "properties", kind: object, fields: []argument{
		{name: "name", required: true}, {name: "flag", kind: boolean}, {name: "inner", kind: object, fields: []argument{{name: "ids", list: true}}},
	}},
	{name: "page", kind: integer, otherwise: int64(1)},
}

// TestArguments is what a route makes of what is given.
func TestArguments(t *testing.T) {
	for text, want := range map[string]arguments{
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
		`{"thing":{"id":"a"}}`:               {"thing": arguments{"id": "a"}},
		`{"thing":{"id":null}}`:              {"thing": arguments{"id": nil}},
		`{"thing":{"id":"a","x":"y"}}`:       {"thing": arguments{"id": "a"}},
		`{"thing":{"region":"b"}}`:           {"thing": arguments{"region": "b"}},
		`{"thing":{"id":null,"region":"b"}}`: {"thing": arguments{"id": nil, "region": "b"}},
		`{"things":[{"key":"a","value":null},{"key":"b"}]}`: {"things": l{arguments{"key": "a", "value": nil}, arguments{"key": "b"}}},
		`{"properties":{"name":"a","inner":{"ids":["x"]}}}`: {"properties": arguments{"name": "a", "inner": arguments{"ids": l{"x"}}}},
	} {
		given, err := parseObject([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if want["page"] == nil {
			want["page"] = int64(1)
		}
		got, err := read(everyKind, given, nil)
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
		if want == nil && !isCode(err, invalidArgument) || want != nil && (err != nil || got["flag"] != want) {
			t.Errorf("%s is %v, %v", text, got["flag"], err)
		}
	}
}

func readText(t *testing.T, text string) (arguments, error) {
	t.Helper()
	given, err := parseObject([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return read(everyKind, given, nil)
}

// TestWrongArguments: what is wrong is told with where it is.
func TestWrongArguments(t *testing.T) {
	number := []string{"Integer must be provided as an integer or a string only containing numbers"}
	none := []string{}
	for text, want := range map[string]wrongDetail{
		`{"name":1}`:                        {Path: []string{"name"}, Issue: invalidScalar, Errors: none},
		`{"name":{}}`:                       {Path: []string{"name"}, Issue: invalidScalar, Errors: none},
		`{"name":["a"]}`:                    {Path: []string{"name"}, Issue: invalidScalar, Errors: none},
		`{"name":true}`:                     {Path: []string{"name"}, Issue: invalidScalar, Errors: none},
		`{"name":"a\u0000"}`:                {Path: []string{"name"}, Issue: invalidScalar, Errors: none},
		`{"name":"bad"}`:                    {Path: []string{"name"}, Issue: validationErrors, Errors: []string{"not_bad"}},
		`{"names":"a"}`:                     {Path: []string{"names"}, Issue: arrayExpected, Errors: none},
		`{"names":{}}`:                      {Path: []string{"names"}, Issue: arrayExpected, Errors: none},
		`{"names":["a",1]}`:                 {Path: []string{"names"}, Index: at(1), Issue: invalidScalar, Errors: none},
		`{"names":[null]}`:                  {Path: []string{"names"}, Index: at(0), Issue: invalidScalar, Errors: none},
		`{"number":"a"}`:                    {Path: []string{"number"}, Issue: parseError, Errors: number},
		`{"number":""}`:                     {Path: []string{"number"}, Issue: parseError, Errors: number},
		`{"number":"+1"}`:                   {Path: []string{"number"}, Issue: parseError, Errors: number},
		`{"number":" 1"}`:                   {Path: []string{"number"}, Issue: parseError, Errors: number},
		`{"number":"1_0"}`:                  {Path: []string{"number"}, Issue: parseError, Errors: number},
		`{"number":1.0}`:                    {Path: []string{"number"}, Issue: parseError, Errors: number},
		`{"number":1e3}`:                    {Path: []string{"number"}, Issue: parseError, Errors: number},
		`{"number":99999999999999999999}`:   {Path: []string{"number"}, Issue: parseError, Errors: number},
		`{"number":true}`:                   {Path: []string{"number"}, Issue: parseError, Errors: number},
		`{"numbers":[1,0]}`:                 {Path: []string{"numbers"}, Index: at(1), Issue: validationErrors, Errors: []string{"greater_than_zero"}},
		`{"thing":"a"}`:                     {Path: []string{"thing"}, Issue: objectExpected, Errors: none},
		`{"thing":[]}`:                      {Path: []string{"thing"}, Issue: objectExpected, Errors: none},
		`{"thing":{}}`:                      {Path: []string{"thing"}, Issue: missingLookupValue, Errors: none},
		`{"thing":{"x":"y"}}`:               {Path: []string{"thing"}, Issue: missingLookupValue, Errors: none},
		`{"thing":{"id":"a","region":"b"}}`: {Path: []string{"thing"}, Issue: ambiguousLookupValues, Errors: none},
		`{"thing":{"id":1}}`:                {Path: []string{"thing", "id"}, Issue: invalidScalar, Errors: none},
		`{"things":["a"]}`:                  {Path: []string{"things"}, Index: at(0), Issue: objectExpected, Errors: none},
		`{"properties":{"name":"a","flag":"x"}}`: {Path: []string{"properties", "flag"}, Issue: parseError, Errors: []string{
			"Boolean must be provided as a boolean, as a string containing true or false or as 0 or 1 as an integer.",
		}},
		`{"properties":{"name":"a","inner":{"ids":"x"}}}`: {Path: []string{"properties", "inner", "ids"}, Issue: arrayExpected, Errors: none},
	} {
		_, err := readText(t, text)
		var f *failure
		if !errors.As(err, &f) || f.code != invalidArgument {
			t.Errorf("%s: %v", text, err)
			continue
		}
		name := strings.Join(want.Path, ".")
		want.Argument = wrongTarget{ID: name, Name: want.Path[len(want.Path)-1]}
		if d, ok := issues[want.Issue]; ok {
			want.IssueDescription = &d
		}
		if diff := cmp.Diff(any(want), f.detail); diff != "" || f.description != "The '"+name+"' argument is invalid" {
			t.Errorf("%s: %s (-want +got):\n%s", text, f.description, diff)
		}
	}
	for text, want := range map[string][]string{
		`{"properties":{}}`: {"properties", "name"}, `{"properties":{"name":null}}`: {"properties", "name"}, `{"things":[{"key":"a"},{}]}`: {"things", "key"},
	} {
		_, err := readText(t, text)
		var f *failure
		if !errors.As(err, &f) || f.code != missingRequiredArgument {
			t.Errorf("%s: %v", text, err)
			continue
		}
		detail := missingDetail{Path: want, Argument: missingTarget{Name: want[1]}}
		if diff := cmp.Diff(any(detail), f.detail); diff != "" || f.description != "The '"+strings.Join(want, ".")+"' argument is required but has not been provided" {
			t.Errorf("%s: %s (-want +got):\n%s", text, f.description, diff)
		}
	}
}

func at(i int) *int { return &i }

// TestWordsOfThePath: one is the first field of a lookup, unless something else is given.
func TestWordsOfThePath(t *testing.T) {
	wanted := []argument{{name: "thing", kind: lookup, required: true, fields: []argument{{name: "id"}, {name: "region"}}}, {name: "bucket"}}
	words := map[string]string{"thing": "_", "bucket": "b", "other": "x"}
	for text, want := range map[string]arguments{
		`{}`:                       {"thing": arguments{"id": "_"}, "bucket": "b"},
		`{"thing":{"id":"a"}}`:     {"thing": arguments{"id": "a"}, "bucket": "b"},
		`{"thing":{"region":"a"}}`: {"thing": arguments{"region": "a"}, "bucket": "b"},
		`{"thing":{}}`:             nil,
		`{"thing":null}`:           nil,
		`{"bucket":null}`:          {"thing": arguments{"id": "_"}, "bucket": nil},
	} {
		var given map[string]any
		if err := json.Unmarshal([]byte(text), &given); err != nil {
			t.Fatal(err)
		}
		got, err := read(wanted, given, words)
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
		got, err := read(wanted, given, words)
		if err != nil || got.reference("thing", keyhatch.WorkspaceID) != want || got.reference("none", keyhatch.WorkspaceID) != "" {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}
