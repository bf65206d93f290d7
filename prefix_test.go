package keyhatch_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
)

// refusedPaths are refused as prefixes and as keys alike (S3).
var refusedPaths = map[string]string{
	"leading slash":          "/data",
	"slash":                  "/",
	"two slashes":            "//",
	"empty segment":          "data//a",
	"empty last segment":     "data//",
	"dot":                    ".",
	"dot folder":             "./",
	"dot first":              "./data",
	"dot inside":             "data/./a",
	"dot last":               "data/.",
	"dot-dot":                "..",
	"dot-dot folder":         "../",
	"dot-dot first":          "../data",
	"dot-dot inside":         "data/../secret",
	"dot-dot last":           "data/..",
	"dot-dot last, as one":   "data/../",
	"NUL":                    "da\x00ta",
	"NUL first":              "\x00",
	"NUL behind":             "data/a\x00",
	"invalid UTF-8":          "data/\xff",
	"cut UTF-8":              "data/\xc3",
	"overlong slash":         "data\xc0\xafa",
	"overlong dot":           "data/\xc0\xae\xc0\xae/a",
	"surrogate":              "data/\xed\xa0\x80",
	"1025 bytes":             strings.Repeat("a/", 512) + "a",
	"1025 bytes of a name":   strings.Repeat("a", 1025),
	"1025 bytes, last slash": strings.Repeat("a", 1024) + "/",
	"1025 bytes of accents":  strings.Repeat("é", 512) + "a",
	"a mebibyte":             strings.Repeat("data/", 1<<18),
}

// controls are refused in prefixes, which people read and type; a key may hold
// what a store took once.
var controls = map[string]string{
	"newline": "data/\n", "return": "da\rta", "tab": "\tdata", "escape": "data/\x1b[2J", "delete": "data\x7f",
	"C1": "data\u0085", "C1 control sequence": "data\u009b2J",
}

func TestS3_ParsePrefixRefuses(t *testing.T) {
	for name, s := range refusedPaths {
		wantInvalid(t, "ParsePrefix, "+name, keyhatch.CodeInvalidPrefix, second(keyhatch.ParsePrefix(s)))
		wantInvalid(t, "CheckKey, "+name, keyhatch.CodeInvalidPrefix, keyhatch.CheckKey(s))
		wantInvalid(t, "Join, "+name, keyhatch.CodeInvalidPrefix, second(keyhatch.Prefix("data/").Join(s)))
		wantInvalid(t, "ParseS3URL, "+name, keyhatch.CodeInvalidPrefix, second(keyhatch.ParseS3URL("s3://bucket/"+s)))
	}
	for name, s := range controls {
		wantInvalid(t, "ParsePrefix, "+name, keyhatch.CodeInvalidPrefix, second(keyhatch.ParsePrefix(s)))
		wantInvalid(t, "Join, "+name, keyhatch.CodeInvalidPrefix, second(keyhatch.Prefix("data/").Join(s)))
		wantInvalid(t, "ParseS3URL, "+name, keyhatch.CodeInvalidPrefix, second(keyhatch.ParseS3URL("s3://bucket/"+s)))
		if err := keyhatch.CheckKey(s); err != nil {
			t.Errorf("CheckKey, %s: %v", name, err)
		}
	}
	wantInvalid(t, "CheckKey, empty", keyhatch.CodeInvalidPrefix, keyhatch.CheckKey(""))
}

func TestParsePrefixAccepts(t *testing.T) {
	for in, want := range map[string]keyhatch.Prefix{
		"":                        "",
		"a":                       "a/",
		"a/":                      "a/",
		"data/2024":               "data/2024/",
		"data/2024/":              "data/2024/",
		"...":                     ".../",
		"..a/b..":                 "..a/b../",
		".hidden":                 ".hidden/",
		"a b":                     "a b/",
		" ":                       " /",
		"*?$[x]":                  "*?$[x]/", // nothing here is a pattern
		"%2e%2e":                  "%2e%2e/", // nothing is decoded
		"%2F":                     "%2F/",
		`a\..\b`:                  `a\..\b/`, // a backslash is a letter
		"daten/größe":             "daten/größe/",
		"e\u0301":                 "e\u0301/", // nothing is normalized
		"․․":                      "․․/",      // one-dot leaders are not dots
		"a∕b":                     "a∕b/",     // a division slash is no slash
		strings.Repeat("a", 1023): keyhatch.Prefix(strings.Repeat("a", 1023) + "/"),
		strings.Repeat("a/", 512): keyhatch.Prefix(strings.Repeat("a/", 512)),
	} {
		got, err := keyhatch.ParsePrefix(in)
		if err != nil || got != want {
			t.Errorf("ParsePrefix(%q) = %q, %v; want %q", in, got, err, want)
		}
		if in == "" {
			continue
		}
		if err := keyhatch.CheckKey(in); err != nil {
			t.Errorf("CheckKey(%q): %v", in, err)
		}
	}
	if err := keyhatch.CheckKey(strings.Repeat("k", keyhatch.MaxKeyBytes)); err != nil {
		t.Errorf("the longest key: %v", err)
	}
}

func TestS3_PrefixNeighbours(t *testing.T) {
	for _, tc := range []struct {
		outer, inner            keyhatch.Prefix
		covers, covered, either bool
	}{
		{"data/a/", "data/ab/", false, false, false},
		{"data/a/", "data/a/", true, true, true},
		{"data/a/", "data/a/b/", true, false, true},
		{"data/a/", "data/", false, true, true},
		{"data/a/", "data/A/", false, false, false},
		{"data/a/", "data/a./", false, false, false},
		{"data/a/", "xdata/a/", false, false, false},
		{"data/a/", "a/", false, false, false},
		{"", "data/a/", true, false, true},
		{"", "", true, true, true},
	} {
		if got := tc.outer.Covers(tc.inner); got != tc.covers {
			t.Errorf("%q covers %q: %t", tc.outer, tc.inner, got)
		}
		if got := tc.inner.Covers(tc.outer); got != tc.covered {
			t.Errorf("%q covers %q: %t", tc.inner, tc.outer, got)
		}
		if got := tc.outer.Overlaps(tc.inner); got != tc.either {
			t.Errorf("%q overlaps %q: %t", tc.outer, tc.inner, got)
		}
	}
	for key, want := range map[string]bool{
		"data/a/": true, "data/a/x": true, "data/a/b/c": true,
		"data/a": false, "data/ab": false, "data/ab/x": false, "data/": false, "data": false, "": false, "x/data/a/x": false,
	} {
		if got := keyhatch.Prefix("data/a/").Holds(key); got != want {
			t.Errorf("data/a/ holds %q: %t", key, got)
		}
	}
}

func TestJoin(t *testing.T) {
	for _, tc := range []struct {
		outer    keyhatch.Prefix
		relative string
		want     keyhatch.Prefix
	}{
		{"", "", ""},
		{"", "a", "a/"},
		{"data/", "", "data/"},
		{"data/", "a", "data/a/"},
		{"data/", "a/b/", "data/a/b/"},
		{"data/", "data/", "data/data/"},
		{"data/", "s3:", "data/s3:/"},
	} {
		if got, err := tc.outer.Join(tc.relative); err != nil || got != tc.want {
			t.Errorf("%q and %q: %q, %v; want %q", tc.outer, tc.relative, got, err, tc.want)
		}
	}
	long := keyhatch.Prefix(strings.Repeat("a/", 300))
	wantInvalid(t, "two that are too long together", keyhatch.CodeInvalidPrefix, second(long.Join(string(long))))
}

func TestAncestors(t *testing.T) {
	for p, want := range map[keyhatch.Prefix][]keyhatch.Prefix{
		"":         {""},
		"a/":       {"", "a/"},
		"a/b/c/":   {"", "a/", "a/b/", "a/b/c/"},
		"ab/a/ab/": {"", "ab/", "ab/a/", "ab/a/ab/"},
	} {
		if diff := cmp.Diff(want, p.Ancestors()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", p, diff)
		}
	}
}

// wantInvalid demands a refusal that the sender can fix, with the code.
func wantInvalid(t *testing.T, what string, code keyhatch.Code, err error) {
	t.Helper()
	var e *keyhatch.Error
	if !errors.Is(err, keyhatch.Invalid) || !errors.As(err, &e) || e.Code != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

func second[T any](_ T, err error) error { return err }
