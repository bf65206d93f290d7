package katapult

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/compat/katapult/arguments"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/internal/logged"
)

// TestEveryKindIsMapped: to a failure that there is, with a detail of its type.
func TestEveryKindIsMapped(t *testing.T) {
	for _, kind := range keyhatch.Kinds {
		f := asFailure(keyhatch.Fail(kind, keyhatch.CodeInternal, "a message"), 7)
		line, ok := catalogue[f.code]
		if !ok || reflect.TypeOf(f.detail) != reflect.TypeOf(line.detail) {
			t.Errorf("%s is %s with a %T", kind, f.code, f.detail)
		}
		later := kind == keyhatch.Unavailable || kind == keyhatch.TooMany
		if again := line.status == 429 || line.status == 503; again != later { // which clients try again
			t.Errorf("%s is %d", kind, line.status)
		}
	}
	if len(kinds) != len(keyhatch.Kinds) {
		t.Errorf("%d kinds are mapped of %d", len(kinds), len(keyhatch.Kinds))
	}
	for from, to := range codes {
		f := asFailure(keyhatch.Fail(keyhatch.Internal, from, "a message"), 7)
		if f.code != to || reflect.TypeOf(f.detail) != reflect.TypeOf(catalogue[to].detail) {
			t.Errorf("%s is %s with a %T", from, f.code, f.detail)
		}
	}
	if f := asFailure(errors.New("the cause"), 7); f.code != unhandledException {
		t.Errorf("an error without a kind is %v", f)
	}
	if f := asFailure(fmt.Errorf("around: %w", fail(taskQueueingError, details{})), 7); f.code != taskQueueingError {
		t.Errorf("a failure with something around it is %v", f)
	}
	message := asFailure(keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeNameTaken, "émile has that name"), 7)
	if got := message.detail.(messages).Errors; !slices.Equal(got, []string{"Émile has that name"}) {
		t.Errorf("it says %q", got)
	}
}

// TestFailuresOfArguments: what is wrong with one is told by its path.
func TestFailuresOfArguments(t *testing.T) {
	index := 1
	why, parse := "it is not JSON", "The value provided could not be parsed into an appropriate value by the server. For example, if a date was expected and the value could not be interpreted as such."
	for _, tc := range []struct {
		err  error
		want failure
	}{
		{arguments.Unreadable(why), failure{code: invalidJSONBody, detail: details{&why}}},
		{&arguments.Missing{Path: []string{"properties", "name"}}, failure{
			code: missingRequiredArgument, description: "The 'properties.name' argument is required but has not been provided",
			detail: missingDetail{[]string{"properties", "name"}, missingTarget{Name: "name"}},
		}},
		{&arguments.Wrong{Path: []string{"a", "b"}, Index: &index, Issue: arguments.ParseError, Errors: []string{"why"}}, failure{
			code: invalidArgument, description: "The 'a.b' argument is invalid",
			detail: wrongDetail{[]string{"a", "b"}, &index, "parse_error", &parse, []string{"why"}, wrongTarget{ID: "a.b", Name: "b"}},
		}},
		{&arguments.Wrong{Path: []string{"a"}, Issue: arguments.ValidationErrors, Errors: []string{}}, failure{
			code: invalidArgument, description: "The 'a' argument is invalid",
			detail: wrongDetail{Path: []string{"a"}, Issue: "validation_errors", Errors: []string{}, Argument: wrongTarget{ID: "a", Name: "a"}},
		}},
	} {
		if got := asFailure(tc.err, 7); !reflect.DeepEqual(*got, tc.want) {
			t.Errorf("%v is %+v", tc.err, got)
		}
	}
}

// TestCatalogue holds it to the list of the wire's failures.
func TestCatalogue(t *testing.T) {
	text, err := os.ReadFile("testdata/failures.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[code]bool{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.Split(strings.TrimSuffix(line, "\n"), " | ")
		if len(parts) != 4 {
			t.Fatalf("a line is %q", line)
		}
		c := code(parts[1])
		got := catalogue[c]
		seen[c] = true
		var fields []string
		if of := reflect.TypeOf(got.detail); of != nil {
			for i := range of.NumField() {
				name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
				fields = append(fields, name)
			}
		}
		if fmt.Sprint(got.status) != parts[0] || got.description != strings.Trim(parts[3], "-") || strings.Join(fields, " ") != strings.Trim(parts[2], "-") {
			t.Errorf("%s is %d %v %q", c, got.status, fields, got.description)
		}
	}
	for c := range catalogue {
		if !seen[c] {
			t.Errorf("%s is in no list", c)
		}
	}
}

// TestEveryFailureAsItIsTold: wrapped and bare alike, with its headers, its detail an
// object; and what is behind one is in the log only.
func TestEveryFailureAsItIsTold(t *testing.T) {
	var log logged.Text
	d := New(coretest.New(t).Broker, slog.New(slog.NewTextHandler(&log, nil)))
	for _, c := range slices.Sorted(maps.Keys(catalogue)) {
		line := catalogue[c]
		w := httptest.NewRecorder()
		d.refuse(w, httptest.NewRequest("GET", "/core/v1/x", nil), &call{route: route{tells: ofSome}}, &failure{code: c, detail: line.detail, cause: errors.New("behind " + string(c))})
		var got struct {
			Error map[string]any
		}
		var bare map[string]any
		if err := errors.Join(json.Unmarshal(w.Body.Bytes(), &got), json.Unmarshal(w.Body.Bytes(), &bare)); err != nil {
			t.Fatalf("%s: %v", c, err)
		}
		delete(bare, "error")
		if !reflect.DeepEqual(got.Error, bare) || len(bare) != 3 || bare["code"] != string(c) {
			t.Errorf("%s: %s", c, w.Body)
		}
		if _, ok := bare["detail"].(map[string]any); !ok {
			t.Errorf("%s: its detail is no object: %s", c, w.Body)
		}
		if described := bare["description"] != nil; described != (line.description != "") {
			t.Errorf("%s: %s", c, w.Body)
		}
		h := w.Header()
		if w.Code != line.status || h.Get("X-Api-Schema") != "json-error" || h.Get("Cache-Control") != "no-cache" || h.Get("Etag") != "" || h.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %v", c, w.Code, h)
		}
		if again := h.Get("Retry-After") != ""; again != (w.Code == 429 || w.Code == 503) {
			t.Errorf("%s: %v", c, h)
		}
		if strings.Contains(w.Body.String(), "behind") || strings.Contains(log.String(), "behind "+string(c)) != (w.Code >= 500) {
			t.Errorf("%s: what is behind it is told to the wrong ones", c)
		}
	}
}
