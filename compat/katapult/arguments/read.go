package arguments

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"
)

// maxBody bounds what is read of a request (S9).
const maxBody = 1 << 20

// Read reads all that a request gives, from its query, a form, and JSON: that of the
// body, with any method, or of a parameter _arguments where the body is something else.
// Objects are merged, and what stands in several places is taken from the last of them.
func Read(w http.ResponseWriter, r *http.Request) (map[string]any, error) {
	given, err := parseNested(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var long *http.MaxBytesError
		if errors.As(err, &long) {
			return nil, Unreadable("it is longer than 1 MiB")
		}
		return nil, Unreadable("it did not arrive")
	}
	said := r.Header.Get("Content-Type")
	media := strings.ToLower(said)
	var form map[string]any
	switch {
	case strings.HasPrefix(media, "application/json"):
		object, err := parseObject(body)
		return merge(given, object), err
	case strings.HasPrefix(media, "multipart/form-data"):
		form, err = parseParts(said, body)
	case strings.HasPrefix(media, "application/x-www-form-urlencoded") || media == "" && r.Method == http.MethodPost:
		form, err = parseNested(string(body))
	}
	if err != nil {
		return nil, err
	}
	given = merge(given, form)
	if text, ok := given["_arguments"].(string); ok {
		object, err := parseObject([]byte(text))
		return merge(given, object), err
	}
	return given, nil
}

// parseObject reads JSON. Nothing, and what is no object, is an empty one.
func parseObject(text []byte) (map[string]any, error) {
	if len(text) == 0 {
		return nil, nil
	}
	if !utf8.Valid(text) {
		return nil, Unreadable("it is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, Unreadable("it is not JSON")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, Unreadable("there is something behind the JSON")
	}
	if deeper(v, maxDepth) {
		return nil, Unreadable("it is nested too deeply")
	}
	object, _ := v.(map[string]any)
	return object, nil
}

// deeper tells whether a value is nested deeper than so. The decoder itself stops at
// 10,000.
func deeper(v any, than int) bool {
	var inner []any
	switch v := v.(type) {
	case []any:
		inner = v
	case map[string]any:
		for _, item := range v {
			inner = append(inner, item)
		}
	default:
		return false
	}
	if than == 0 {
		return true
	}
	for _, item := range inner {
		if deeper(item, than-1) {
			return true
		}
	}
	return false
}

// merge puts what is over on top of what is under.
func merge(under, over map[string]any) map[string]any {
	for name, v := range over {
		below, ok := under[name].(map[string]any)
		if above, both := v.(map[string]any); ok && both {
			v = merge(below, above)
		}
		under[name] = v
	}
	return under
}
