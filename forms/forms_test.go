package forms_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch/forms"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]map[string]string{
		"":                              {},
		"&&":                            {},
		"a=b&c=d":                       {"a": "b", "c": "d"},
		"a=b+c%20d&%61b=%c3%bc":         {"a": "b c d", "ab": "ü"},
		"a":                             {"a": ""},
		"a=b=c":                         {"a": "b=c"},
		"a=1" + strings.Repeat("&", 63): {"a": "1"},
	} {
		if got, err := forms.Parse(text); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]error{
		"a=b&a=c": forms.ErrTwice, "a=b&a=b": forms.ErrTwice, "a=b&%61=b": forms.ErrTwice, "a&a": forms.ErrTwice,
		"=x": forms.ErrUnreadable, "a=%zz": forms.ErrUnreadable, "a=%": forms.ErrUnreadable, "a;b": forms.ErrUnreadable,
		"a=%ff": forms.ErrUnreadable, "%ff=a": forms.ErrUnreadable,
		"\xcd=\x83": forms.ErrUnreadable, "%cd=%83": forms.ErrUnreadable, // a character in two halves
		strings.Repeat("&", 64): forms.ErrUnreadable,
	} {
		if got, err := forms.Parse(text); got != nil || !errors.Is(err, want) {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
}

// FuzzParse: what is read is what url.ParseQuery reads, once each, and is bounded; it reads
// back the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "token=a", "token=a&token=b", "a=%zz", "a;b", "a=%ff", "=x", "&&&", "token=a+b%20c", "\xcd=\x83", strings.Repeat("&", 64)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := forms.Parse(text)
		values, fault := url.ParseQuery(text)
		if err != nil {
			if got != nil {
				t.Fatalf("%q is refused, and read as %v", text, got)
			}
			return
		}
		if fault != nil || len(got) != len(values) || len(got) > forms.MaxParameters {
			t.Fatalf("%q is read as %v, and by others as %v", text, got, values)
		}
		again := url.Values{}
		for name, value := range got {
			if len(values[name]) != 1 || values[name][0] != value || !utf8.ValidString(name) || !utf8.ValidString(value) {
				t.Fatalf("%q is read as %v, and by others as %v", text, got, values)
			}
			again.Set(name, value)
		}
		if read, err := forms.Parse(again.Encode()); err != nil || !cmp.Equal(read, got) {
			t.Fatalf("%q reads back as %v, %v", got, read, err)
		}
	})
}
