package listing

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
)

// ArgumentError is what is wrong with a parameter or an attribute.
type ArgumentError struct{ Message string }

func (e *ArgumentError) Error() string { return e.Message }

// Argument makes an ArgumentError. The format's arguments reach the client: what it has
// sent goes through Quoted.
func Argument(format string, args ...any) *ArgumentError {
	return &ArgumentError{fmt.Sprintf(format, args...)}
}

// Invalid is a parameter that has not the form that it must have.
func Invalid(name string) *ArgumentError { return Argument("Invalid value for %s parameter", name) }

var plainWord = regexp.MustCompile(`^[a-z_<>!=]{1,40}$`)

// Quoted is a word of the request in the messages that name one. What does not look
// like an attribute or an operator could be anything, a secret too, and is not echoed.
func Quoted(word string) string {
	if !plainWord.MatchString(word) {
		return "(not repeated)"
	}
	return "'" + word + "'"
}

// Values are the parameters of a request: JSON, of which texts and lists are read on by
// who knows what they mean.
type Values map[string]any

// Integer reads a number; absent and -1, which structs of Go send, are the fallback.
func (v Values) Integer(name string, fallback int) (int, error) {
	var digits string
	switch given := v[name].(type) {
	case nil:
		return fallback, nil
	case json.Number:
		digits = given.String()
	case string:
		digits = given
	}
	n, err := strconv.Atoi(digits)
	switch {
	case err != nil || n < -1:
		return 0, Invalid(name)
	case n == -1:
		return fallback, nil
	}
	return n, nil
}

// Boolean reads a truth value: nothing, false and 0 are false, in whatever spelling, and
// everything else is true.
func (v Values) Boolean(name string) bool {
	switch given := v[name].(type) {
	case nil:
		return false
	case bool:
		return given
	case string:
		return given != "false" && given != "0"
	case json.Number:
		return given.String() != "0"
	}
	return true
}

// Words reads a list of strings, nil for none.
func (v Values) Words(name string, most int) ([]string, error) {
	given := v[name]
	if given == nil {
		return nil, nil
	}
	items, ok := given.([]any)
	if !ok || len(items) > most {
		return nil, Invalid(name)
	}
	out := make([]string, len(items))
	for i, item := range items {
		if out[i], ok = item.(string); !ok {
			return nil, Invalid(name)
		}
	}
	return out, nil
}

// Text reads a string, "" for none.
func (v Values) Text(name string) (string, error) {
	switch given := v[name].(type) {
	case nil:
		return "", nil
	case string:
		return given, nil
	}
	return "", Invalid(name)
}
