package provena

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/keyhatch/keyhatch"
)

// body is what a request brings, and what it says of which kind that is.
type body struct {
	kind string // Content-Type; empty: JSON
	text []byte
}

// problem is one thing that is wrong with what was sent, as the format's framework tells
// it. What was sent is not repeated.
type problem struct {
	Where []any  `json:"loc"`
	Text  string `json:"msg"`
	Type  string `json:"type"`
}

func invalid(problems ...problem) *refusal {
	return &refusal{status: http.StatusUnprocessableEntity, detail: problems}
}

// object is a JSON object in a body, from which fields are read one by one. Those that
// nobody asks for are left alone: clients send more than is published. Names are compared
// letter by letter, and the last of several counts.
type object struct {
	at       []any
	fields   map[string]json.RawMessage
	problems []problem
}

// object reads the body.
func (b body) object() (*object, error) {
	if len(b.text) == 0 {
		return nil, invalid(problem{[]any{"body"}, "field required", "value_error.missing"})
	}
	if !b.isJSON() {
		return nil, invalid(noObject("body"))
	}
	text := bytes.TrimSpace(b.text)
	if err := wellFormed(text); err != nil {
		var syntax *json.SyntaxError
		at := 0
		if errors.As(err, &syntax) {
			at = int(syntax.Offset)
		}
		return nil, invalid(problem{[]any{"body", at}, "the body is no JSON", "value_error.jsondecode"})
	}
	if string(text) == "null" {
		return nil, invalid(problem{[]any{"body"}, "field required", "value_error.missing"})
	}
	o := &object{at: []any{"body"}}
	if json.Unmarshal(text, &o.fields) != nil {
		return nil, invalid(noObject("body"))
	}
	return o, nil
}

// wellFormed refuses what is no JSON in UTF-8.
func wellFormed(text []byte) error {
	if !utf8.Valid(text) {
		return errors.New("it is no UTF-8")
	}
	var any json.RawMessage
	return json.Unmarshal(text, &any)
}

// isJSON tells whether the body says that it is JSON, or says nothing.
func (b body) isJSON() bool {
	if b.kind == "" {
		return true
	}
	kind, _, err := mime.ParseMediaType(b.kind)
	return err == nil && (kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json"))
}

func noObject(at ...any) problem {
	return problem{at, "value is not a valid dict", "type_error.dict"}
}

func (o *object) wrong(name, text, kind string) {
	at := append(append([]any{}, o.at...), name)
	o.problems = append(o.problems, problem{at, text, kind})
}

// required is the field, which has to be there and not null.
func (o *object) required(name string) (json.RawMessage, bool) {
	raw, has := o.fields[name]
	switch {
	case !has:
		o.wrong(name, "field required", "value_error.missing")
	case string(raw) == "null":
		o.wrong(name, "none is not an allowed value", "type_error.none.not_allowed")
	default:
		return raw, true
	}
	return nil, false
}

func (o *object) text(name string) (out string) {
	if raw, ok := o.required(name); ok && json.Unmarshal(raw, &out) != nil {
		o.wrong(name, "str type expected", "type_error.str")
	}
	return out
}

// words are the texts that the format's framework takes for yes and no, beside the values
// themselves: data-api.sh sends what its user types as a text.
var words = map[string]bool{
	"true": true, "t": true, "yes": true, "y": true, "on": true, "1": true,
	"false": false, "f": false, "no": false, "n": false, "off": false, "0": false,
}

func (o *object) flag(name string) bool {
	raw, ok := o.required(name)
	if !ok {
		return false
	}
	word := string(raw)
	if json.Unmarshal(raw, &word) == nil {
		word = strings.ToLower(word)
	}
	is, known := words[word]
	if !known {
		o.wrong(name, "value could not be parsed to a boolean", "type_error.bool")
	}
	return is
}

// number is a whole number, also in a text, from least to most; otherwise where the field
// is not there.
func (o *object) number(name string, otherwise, least, most int64) int64 {
	if _, has := o.fields[name]; !has {
		return otherwise
	}
	raw, ok := o.required(name)
	if !ok {
		return otherwise
	}
	word := string(raw)
	if json.Unmarshal(raw, &word) == nil {
		word = strings.TrimSpace(word)
	}
	n, err := strconv.ParseInt(word, 10, 64)
	if float, ferr := strconv.ParseFloat(word, 64); err != nil && ferr == nil && float == math.Trunc(float) && math.Abs(float) < 1<<53 {
		n, err = int64(float), nil
	}
	switch {
	case err != nil:
		o.wrong(name, "value is not a valid integer", "type_error.integer")
	case n < least:
		o.wrong(name, "ensure this value is greater than or equal to "+strconv.FormatInt(least, 10), "value_error.number.not_ge")
	case n > most:
		o.wrong(name, "ensure this value is less than or equal to "+strconv.FormatInt(most, 10), "value_error.number.not_le")
	}
	return n
}

// inner is the object in a field. What is wrong in it is told with what is wrong here.
func (o *object) inner(name string) *object {
	in := &object{at: append(append([]any{}, o.at...), name)}
	raw, ok := o.required(name)
	if !ok {
		return nil
	}
	if json.Unmarshal(raw, &in.fields) != nil {
		o.problems = append(o.problems, noObject(in.at...))
		return nil
	}
	return in
}

// done is what is wrong with all that was read.
func (o *object) done() error {
	if len(o.problems) > 0 {
		return invalid(o.problems...)
	}
	return nil
}

// wanted is what a request for credentials asks, whichever form it has.
type wanted struct {
	dataset string // a handle, or the s3:// address of what lies in one
	console bool
}

// wanted reads a request for credentials. The newest form names the dataset; the one
// before says where it lies, beside the flag; the first is that place and nothing else.
func (b body) wanted() (out wanted, err error) {
	o, err := b.object()
	if err != nil {
		return out, err
	}
	has := func(names ...string) bool {
		for _, n := range names {
			if _, ok := o.fields[n]; ok {
				return true
			}
		}
		return false
	}
	switch {
	case has("dataset_id"):
		out.dataset, out.console = o.text("dataset_id"), o.flag("console_session_required")
	case has("s3_location"):
		if in := o.inner("s3_location"); in != nil {
			out.dataset = in.place()
			o.problems = append(o.problems, in.problems...)
		}
		out.console = o.flag("console_session_required")
	case has("bucket_name", "path", "s3_uri"):
		out.dataset = o.place()
	default: // told as the newest form is
		o.text("dataset_id")
		o.flag("console_session_required")
	}
	return out, o.done()
}

// place is the address that an S3Location says: its bucket and its path decide, and
// s3_uri, which says the same once more, has to be there.
func (o *object) place() string {
	bucket, path := o.text("bucket_name"), o.text("path")
	o.text("s3_uri")
	if strings.Contains(bucket, "/") { // it would be read as a part of the path
		bucket = ""
	}
	return keyhatch.S3URL{Bucket: bucket}.String() + strings.TrimRight(path, "/")
}

// file is what a request for a presigned URL asks.
type file struct {
	dataset, path string
	seconds       int64 // zero: it does not say
}

// The bounds of a presigned URL, in seconds.
const (
	leastSeconds = 1
	mostSeconds  = 86400
)

func (b body) file() (out file, err error) {
	o, err := b.object()
	if err != nil {
		return out, err
	}
	out.dataset, out.path, out.seconds = o.text("dataset_id"), o.text("file_path"), o.number("expires_in", 0, leastSeconds, mostSeconds)
	return out, o.done()
}
