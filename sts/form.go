package sts

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/keyhatch/keyhatch/forms"
)

const maxBody = 64 << 10 // S9; the longest parameter is a token of 20,000 characters

// form is the parameters of a request, each once.
type form map[string]string

// readForm reads the parameters, and the body as it came, which the signature is
// over.
func readForm(w http.ResponseWriter, r *http.Request) (form, []byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, nil, errTooLarge
	}
	if err != nil {
		return nil, nil, errForm
	}
	text := string(body)
	switch r.Method {
	case http.MethodPost:
		media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || media != "application/x-www-form-urlencoded" {
			return nil, nil, errMediaType
		}
		if r.URL.RawQuery != "" {
			return nil, nil, errBothForms
		}
	case http.MethodGet:
		if len(body) > 0 {
			return nil, nil, errBothForms
		}
		text = r.URL.RawQuery
	default:
		return nil, nil, errMethod
	}
	f, err := parseForm(text)
	return f, body, err
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

// signing are the parameters of a presigned request, which package sigv4 reads.
var signing = []string{
	"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Security-Token",
}

// unsupported are the parameters of AWS that narrow or mark a session in ways that
// there are none of here. Those with a dot begin a list.
var unsupported = []string{
	"PolicyArns.", "Tags.", "TransitiveTagKeys.", "ProvidedContexts.", "ProviderId", "ExternalId", "SerialNumber", "TokenCode", "SourceIdentity",
}

// check refuses what the action does not have.
func (f form) check(a action) error {
	for name := range f {
		known := name == "Action" || name == "Version"
		for _, p := range a.parameters {
			known = known || p == name
		}
		for _, p := range signing {
			known = known || a.signed && p == name
		}
		if known {
			continue
		}
		for _, p := range unsupported {
			if name == p || strings.HasSuffix(p, ".") && strings.HasPrefix(name, p) {
				return validation(strings.TrimSuffix(p, ".") + " is not supported: leave it away")
			}
		}
		return validation("the request has a parameter that the action does not know")
	}
	for _, p := range a.required {
		if f[p] == "" {
			return validation(p + " is required")
		}
	}
	return nil
}
