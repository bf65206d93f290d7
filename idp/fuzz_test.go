package idp

import (
	"net/url"
	"strings"
	"testing"
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
