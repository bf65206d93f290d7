package listing

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
)

// maxDepth bounds how deep JSON may be nested (S9). The deepest that clients send is a
// filter's operand inside attributes that are a string.
const maxDepth = 16

var (
	errJSON      = errors.New("it is not JSON")
	errJSONDepth = errors.New("it is nested too deeply")
	errJSONTwice = errors.New("an object has a name twice")
)

// ParseJSON reads one JSON value: null, bool, json.Number, string, []any or
// map[string]any. An object with a name twice is refused: who reads the first value and
// who reads the last would disagree.
func ParseJSON(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, err := parseValue(d, maxDepth)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errJSON
	}
	return v, nil
}

func parseValue(d *json.Decoder, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, errJSON
	}
	opening, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if depth == 0 {
		return nil, errJSONDepth
	}
	var out any
	switch opening {
	case '[':
		out, err = parseArray(d, depth-1)
	case '{':
		out, err = parseObject(d, depth-1)
	default:
		return nil, errJSON
	}
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != nil { // the closing one
		return nil, errJSON
	}
	return out, nil
}

func parseArray(d *json.Decoder, depth int) (any, error) {
	out := []any{}
	for d.More() {
		v, err := parseValue(d, depth)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func parseObject(d *json.Decoder, depth int) (any, error) {
	out := map[string]any{}
	for d.More() {
		token, err := d.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, errJSON
		}
		if _, twice := out[name]; twice {
			return nil, errJSONTwice
		}
		if out[name], err = parseValue(d, depth); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Field is a member of an object that keeps its order.
type Field struct {
	Name  string
	Value any
}

// Object is written with its members in their order.
type Object []Field

// Marshal writes JSON that is not escaped for HTML, as in Arvados; the answer's type is
// JSON. A list has a thousand records of a dozen fields, twice when their tags are made,
// so what those hold is written without reflection.
func Marshal(v any) ([]byte, error) { return appendJSON(nil, v) }

func appendJSON(out []byte, v any) (_ []byte, err error) {
	switch v := v.(type) {
	case nil:
		return append(out, "null"...), nil
	case bool:
		return strconv.AppendBool(out, v), nil
	case int:
		return strconv.AppendInt(out, int64(v), 10), nil
	case string:
		return appendText(out, v)
	case []string:
		return appendList(out, v)
	case []Object:
		return appendList(out, v)
	case Object:
		out = append(out, '{')
		for i, f := range v {
			if i > 0 {
				out = append(out, ',')
			}
			if out, err = appendText(out, f.Name); err != nil {
				return nil, err
			}
			if out, err = appendJSON(append(out, ':'), f.Value); err != nil {
				return nil, err
			}
		}
		return append(out, '}'), nil
	}
	return appendOther(out, v)
}

func appendList[T any](out []byte, items []T) (_ []byte, err error) {
	out = append(out, '[')
	for i, item := range items {
		if i > 0 {
			out = append(out, ',')
		}
		if out, err = appendJSON(out, item); err != nil {
			return nil, err
		}
	}
	return append(out, ']'), nil
}

func appendText(out []byte, s string) ([]byte, error) {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == '"' || s[i] == '\\' {
			return appendOther(out, s)
		}
	}
	return append(append(append(out, '"'), s...), '"'), nil
}

func appendOther(out []byte, v any) ([]byte, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return append(out, bytes.TrimSuffix(text.Bytes(), []byte("\n"))...), nil
}
