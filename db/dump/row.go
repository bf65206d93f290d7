package dump

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// odd is a value that JSON has no word for.
type odd struct {
	Bytes *[]byte `json:"bytes,omitempty"`
	Text  *[]byte `json:"text,omitempty"` // that is no UTF-8
}

// appendRow adds a row's line, without its end.
func appendRow(line []byte, values []any) ([]byte, error) {
	line = append(line, '[')
	for i, v := range values {
		if i > 0 {
			line = append(line, ',')
		}
		switch v := v.(type) {
		case nil:
			line = append(line, "null"...)
		case bool:
			line = strconv.AppendBool(line, v)
		case int64:
			line = strconv.AppendInt(line, v, 10)
		case []byte:
			line = appendOdd(line, "bytes", v)
		case string:
			if !utf8.ValidString(v) {
				line = appendOdd(line, "text", []byte(v))
				break
			}
			text, err := json.Marshal(v)
			if err != nil {
				return nil, err
			}
			line = append(line, text...)
		default:
			return nil, fmt.Errorf("a column holds a %T", v)
		}
	}
	return append(line, ']'), nil
}

func appendOdd(line []byte, kind string, v []byte) []byte {
	line = append(line, `{"`+kind+`":"`...)
	line = base64.StdEncoding.AppendEncode(line, v)
	return append(line, `"}`...)
}

var errRow = errors.New("a row cannot be read")

// readRow reads a line that appendRow has written.
func readRow(line []byte, columns int) ([]any, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(line, &raw); err != nil || len(raw) != columns {
		return nil, errRow
	}
	values := make([]any, columns)
	for i, r := range raw {
		v, err := readValue(r)
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	return values, nil
}

func readValue(r json.RawMessage) (any, error) {
	switch text := string(r); {
	case text == "null":
		return nil, nil
	case text == "true", text == "false":
		return text == "true", nil
	case bytes.HasPrefix(r, []byte(`"`)):
		var s string
		err := json.Unmarshal(r, &s)
		return s, err
	case bytes.HasPrefix(r, []byte("{")):
		var o odd
		err := json.Unmarshal(r, &o)
		switch {
		case err == nil && o.Bytes != nil:
			return *o.Bytes, nil
		case err == nil && o.Text != nil:
			return string(*o.Text), nil
		}
		return nil, errRow
	default:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, errRow
		}
		return n, nil
	}
}
