package arvados

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/keyhatch/keyhatch/compat/arvados/listing"
)

// parameters are those of a request, from wherever they came: query, form, JSON.
type parameters struct {
	query, form url.Values
	body        map[string]any // of JSON; nil when there was none
	values      listing.Values // query, form and JSON body, read
}

// maxParameters bounds those of the query and of a form (S9).
const maxParameters = 200

// readForms takes the query apart and, if the body is a form, the body: a token can be in
// there. What they say, and a JSON body, is read when the caller is known.
func readForms(r *http.Request) (*parameters, error) {
	p := &parameters{values: listing.Values{}}
	var err error
	if p.query, err = parseForm(r.URL.RawQuery); err != nil {
		return nil, err
	}
	media, options, err := mediaType(r)
	if err != nil {
		return nil, err
	}
	switch media {
	case "application/x-www-form-urlencoded":
		text, err := readBody(r)
		if err != nil {
			return nil, err
		}
		if p.form, err = parseForm(string(text)); err != nil {
			return nil, err
		}
	case "multipart/form-data":
		if p.form, err = readMultipart(r.Body, options["boundary"]); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// read reads everything. Of a name in several places the body's wins.
func (p *parameters) read(r *http.Request) (err error) {
	for _, from := range []url.Values{p.query, p.form} {
		for name, all := range from {
			if shown[name] {
				continue
			}
			if p.values[name], err = guess(name, all[0]); err != nil {
				return err
			}
		}
	}
	return p.readJSON(r)
}

// shown are the parameters that carry tokens: they are read as they are, and there can
// be several.
var shown = map[string]bool{"api_token": true, "oauth_token": true, "reader_tokens": true, "reader_tokens[]": true}

// mediaType is the body's, "" for JSON that does not say so and for none.
func mediaType(r *http.Request) (media string, options map[string]string, err error) {
	if r.Header.Get("Content-Type") == "" {
		return "", nil, nil
	}
	if media, options, err = mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil {
		return "", nil, malformed("The header Content-Type cannot be read")
	}
	return media, options, nil
}

// readBody reads what the server lets in.
func readBody(r *http.Request) ([]byte, error) {
	text, err := io.ReadAll(r.Body)
	return text, asBody(err)
}

func asBody(err error) error {
	switch tooLarge := (*http.MaxBytesError)(nil); {
	case err == nil:
		return nil
	case errors.As(err, &tooLarge):
		return errTooLarge
	}
	return malformed("The body cannot be read")
}

func parseForm(text string) (url.Values, error) {
	if strings.Count(text, "&") >= maxParameters {
		return nil, malformed("A request has at most %d parameters", maxParameters)
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, malformed("The parameters cannot be read: send them percent-encoded")
	}
	return values, checkForm(values)
}

func readMultipart(body io.Reader, boundary string) (url.Values, error) {
	values := url.Values{}
	parts := multipart.NewReader(body, boundary)
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return values, checkForm(values)
		}
		if err != nil {
			return nil, asBody(err)
		}
		if n == maxParameters {
			return nil, malformed("A request has at most %d parameters", maxParameters)
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return nil, asBody(err)
		}
		values.Add(part.FormName(), string(text))
	}
}

// checkForm refuses what is not text, and a name with different values.
func checkForm(values url.Values) error {
	for name, all := range values {
		for _, v := range all {
			if !utf8.ValidString(name) || !utf8.ValidString(v) {
				return malformed("The parameters must be UTF-8")
			}
			if v != all[0] && !shown[name] {
				return malformed("A parameter is given twice, with different values")
			}
		}
	}
	return nil
}

// readJSON reads the body, unless it was a form. Of a type that is neither it must be
// empty: what is not read would be missed.
func (p *parameters) readJSON(r *http.Request) error {
	if p.form != nil {
		return nil
	}
	text, err := readBody(r)
	if err != nil || len(strings.TrimSpace(string(text))) == 0 {
		return err
	}
	media, _, err := mediaType(r)
	if err != nil {
		return err
	}
	if media != "" && media != "application/json" {
		return malformed("The body must be JSON or a form")
	}
	if !utf8.Valid(text) {
		return malformed("The body must be UTF-8")
	}
	v, err := listing.ParseJSON(text)
	if err != nil {
		return malformed("The body cannot be read: %s", err)
	}
	body, ok := v.(map[string]any)
	if !ok && v != nil {
		return malformed("The body must be one JSON object")
	}
	p.body = map[string]any{}
	for name, v := range body {
		if text, ok := v.(string); ok && name != "api_token" {
			if v, err = guess(name, text); err != nil {
				return err
			}
		}
		p.body[name], p.values[name] = v, v
	}
	return nil
}

// guess reads a parameter that is text by its beginning, as Arvados does: what begins
// like JSON is JSON, and nothing is null.
func guess(name, text string) (any, error) {
	if text == "" || text == "null" {
		return nil, nil
	}
	if !strings.ContainsRune(`[{"`, rune(text[0])) {
		return text, nil
	}
	v, err := listing.ParseJSON([]byte(text))
	if err != nil {
		return nil, listing.Argument("Invalid value for %s parameter: %s", parameterName(name), err)
	}
	return v, nil
}

// parameterName names a parameter in an error, if it is one that there is.
func parameterName(name string) string {
	if slices.Contains(known, name) {
		return name
	}
	return "a"
}

// maxReaders is the format's bound. A list of so many tokens is no longer than
// maxReadersText, and longer ones are not read: nobody knows yet who asks.
const (
	maxReaders     = 99
	maxReadersText = 32 << 10
)

// readers are the reader_tokens: several values, or one that is a JSON array.
func (p *parameters) readers() (out []string, err error) {
	for _, from := range []url.Values{p.query, p.form} {
		for _, name := range []string{"reader_tokens", "reader_tokens[]"} {
			for _, text := range from[name] {
				if !strings.HasPrefix(text, "[") {
					out = append(out, text)
					continue
				}
				var list []string
				if len(text) > maxReadersText || json.Unmarshal([]byte(text), &list) != nil {
					return nil, listing.Invalid("reader_tokens")
				}
				out = append(out, list...)
			}
		}
	}
	if len(out) > maxReaders {
		return nil, listing.Invalid("reader_tokens")
	}
	return out, nil
}
