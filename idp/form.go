package idp

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/keyhatch/keyhatch/forms"
)

// form is the parameters of a request, each once. Those that nobody knows are passed
// over, and one without a value is as good as none.
//
// Source: RFC 6749, sections 3.1 and 3.2.
type form map[string]string

// only are some of the parameters, where there are such.
func (f form) only(names []string) map[string]string {
	out := map[string]string{}
	for _, name := range names {
		if value := f[name]; value != "" {
			out[name] = value
		}
	}
	return out
}

// values are the parameters as a query has them.
func (f form) values() url.Values {
	out := url.Values{}
	for name, value := range f.only(asked) {
		out.Set(name, value)
	}
	return out
}

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

func parseForm(text string) (form, error) {
	f, err := forms.Parse(text)
	switch {
	case errors.Is(err, forms.ErrTwice):
		return nil, errTwice
	case err != nil:
		return nil, errForm
	}
	return f, nil
}
