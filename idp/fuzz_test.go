package idp

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzOwnPath: wherever one is led, it is the same host, and the path as it was given.
func FuzzOwnPath(f *testing.F) {
	for _, s := range []string{"/", "/docs?a=b", "//evil.example", "/\\evil.example", "/%2fevil.example", "/../x", "https://evil.example", "/a//b", "/\t/x", ""} {
		f.Add(s)
	}
	base, err := url.Parse("https://keyhatch.example/logout")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, to string) {
		if !ownPath(to) {
			return
		}
		u, err := base.Parse(to)
		if err != nil {
			t.Fatalf("%q is taken: %v", to, err)
		}
		if u.Host != base.Host || u.Scheme != base.Scheme || u.User != nil || u.Fragment != "" || u.Path != strings.Split(to, "?")[0] {
			t.Fatalf("%q leads to %q", to, u)
		}
	})
}

// FuzzForm: what is read is what url.ParseQuery reads, once each, and is bounded.
func FuzzForm(f *testing.F) {
	for _, s := range []string{"", "token=a", "token=a&token=b", "a=%zz", "a;b", "a=%ff", "=x", "&&&", "token=a+b%20c", strings.Repeat("&", 64)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseForm(text)
		values, fault := url.ParseQuery(text)
		if err != nil {
			if got != nil {
				t.Fatalf("%q is refused, and read as %v", text, got)
			}
			return
		}
		if fault != nil || len(got) != len(values) || len(got) > maxParameters {
			t.Fatalf("%q is read as %v, and by others as %v", text, got, values)
		}
		for name, value := range got {
			if len(values[name]) != 1 || values[name][0] != value || !utf8.ValidString(name) || !utf8.ValidString(value) {
				t.Fatalf("%q is read as %v, and by others as %v", text, got, values)
			}
		}
	})
}
