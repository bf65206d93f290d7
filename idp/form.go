package idp

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxParameters bounds what is looked at (S9); the server bounds the bytes.
const maxParameters = 64

// form is the parameters of a request, each once. Those that nobody knows are passed
// over, and one without a value is as good as none.
//
// Source: RFC 6749, sections 3.1 and 3.2.
type form map[string]string

// readForm reads the parameters from the body of a POST.
func readForm(r *http.Request) (form, error) {
	if r.URL.RawQuery != "" {
		return nil, errQuery
	}
	media, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset, given := parameters["charset"]
	if err != nil || media != "application/x-www-form-urlencoded" || given && !strings.EqualFold(charset, "utf-8") {
		return nil, errMediaType
	}
	text, err := readBody(r)
	if err != nil {
		return nil, err
	}
	return parseForm(text)
}

// readQuery reads the parameters from the URL of a GET.
func readQuery(r *http.Request) (form, error) {
	if text, err := readBody(r); err != nil || text != "" {
		return nil, errors.Join(err, errBody)
	}
	return parseForm(r.URL.RawQuery)
}

func readBody(r *http.Request) (string, error) {
	body, err := io.ReadAll(r.Body)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return "", errTooLarge
	}
	if err != nil {
		return "", errForm
	}
	return string(body), nil
}

// parseForm reads "name=value&name=value", percent-encoded. A name that comes twice is
// refused: who reads the first value and who reads the last would disagree.
func parseForm(text string) (form, error) {
	if strings.Count(text, "&") >= maxParameters {
		return nil, errForm
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, errForm
	}
	f := form{}
	for name, all := range values {
		if len(all) != 1 {
			return nil, errTwice
		}
		if !utf8.ValidString(name + all[0]) {
			return nil, errForm
		}
		f[name] = all[0]
	}
	return f, nil
}
