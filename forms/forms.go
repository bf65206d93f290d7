// Package forms reads the parameters of a request where each must come once:
// "name=value&name=value", percent-encoded, as a query or a form has them.
package forms

import (
	"errors"
	"net/url"
	"strings"
	"unicode/utf8"
)

// MaxParameters bounds what is looked at (S9); the server bounds the bytes.
const MaxParameters = 64

// What can be wrong with parameters.
var (
	ErrUnreadable = errors.New("the parameters are not percent-encoded UTF-8, have no name, or are too many")
	ErrTwice      = errors.New("a parameter is given twice")
)

// Parse reads parameters. A name that comes twice is refused, also with the same value:
// who reads the first one and who reads the last would disagree. The errors are
// ErrUnreadable and ErrTwice.
func Parse(text string) (map[string]string, error) {
	if strings.Count(text, "&") >= MaxParameters {
		return nil, ErrUnreadable
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, ErrUnreadable
	}
	f := map[string]string{}
	for name, all := range values {
		if len(all) != 1 {
			return nil, ErrTwice
		}
		if name == "" || !utf8.ValidString(name) || !utf8.ValidString(all[0]) {
			return nil, ErrUnreadable
		}
		f[name] = all[0]
	}
	return f, nil
}
