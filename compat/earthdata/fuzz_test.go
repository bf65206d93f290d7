package earthdata

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// FuzzWhereTo: a state that was not made with the secret leads nowhere, and one that was to the path
// that it was made of, on this server.
func FuzzWhereTo(f *testing.F) {
	for _, s := range []string{"/s3credentials", "/s3credentials?prefix=s3://b/p/", "/locate?bucket_name=b", "//evil.example/s3credentials", "/s3credentials@evil.example", "https://evil.example", "\\evil", "a.b.c", ""} {
		f.Add(s, s)
	}
	const secret = "secret"
	base, err := url.Parse("https://keys.example.org")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text, state string) {
		if to, ok := whereTo(secret, state); ok {
			if made, _ := stateOf(secret, to); made != state {
				t.Fatalf("%q leads to %q", state, to)
			}
		}
		path, _, _ := strings.Cut(text, "?")
		made, fits := stateOf(secret, text)
		if _, ok := whereTo("another", made); ok {
			t.Fatalf("a state of %q leads another browser on", text)
		}
		to, ok := whereTo(secret, made)
		if ok != (fits && slices.Contains(leadsTo, path)) {
			t.Fatalf("%q: %v", text, ok)
		}
		if !ok {
			return
		}
		// A raw query has no characters that end a header: the server has refused those.
		if u, err := base.Parse(to); err == nil && (u.Host != base.Host || u.Path != path || u.User != nil) {
			t.Fatalf("%q leads to %s", text, u)
		}
	})
}
