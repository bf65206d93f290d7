package keyhatch_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
)

func TestCheckName(t *testing.T) {
	for _, name := range []string{
		"a", "A", "0", "alice", "Alice.Smith-2", "alice@example.org", "ci+deploy", "a_b", "a.", "a..b", "tok", "tok_",
		"tok_0mz3k8q2a7c4f9", "tok_0mz3k8q2a7c4f9dd", "tok_0mz3k8q2a7c4f9D", "xtok_0mz3k8q2a7c4f9d", strings.Repeat("a", 128),
	} {
		if err := keyhatch.CheckName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for what, name := range map[string]string{
		"empty": "", "129": strings.Repeat("a", 129), "a mebibyte": strings.Repeat("a", 1<<20),
		"dot": ".", "dot-dot": "..", "dot first": ".a", "dash first": "-a", "underscore first": "_a", "plus first": "+a", "at first": "@a",
		"space": "a b", "space last": "a ", "slash": "a/b", "backslash": `a\b`, "colon": "a:b", "comma": "a,b", "quote": `a"b`, "less": "a<b",
		"percent": "a%20b", "question": "a?b", "hash": "a#b", "star": "a*", "NUL": "a\x00", "newline": "a\n", "escape": "a\x1b[2J",
		"accent": "é", "accent inside": "aé", "look-alike": "аlice", "right to left": "a\u202eb", "invalid UTF-8": "a\xff",
	} {
		wantInvalid(t, what, keyhatch.CodeInvalidName, keyhatch.CheckName(name))
	}
}

// TestNamesAreNeverIDs: where a name is taken an id is too, and whoever is named
// like an id of somebody else would be taken for them.
func TestNamesAreNeverIDs(t *testing.T) {
	for _, kind := range idKinds {
		wantInvalid(t, string(kind), keyhatch.CodeInvalidName, keyhatch.CheckName(keyhatch.NewID(kind, time.Now())))
	}
}

func TestCheckText(t *testing.T) {
	for _, s := range []string{"", "Ada Lovelace", "größer", "a/b <c>", strings.Repeat("a", 500), strings.Repeat("é", 250)} {
		if err := keyhatch.CheckText("full_name", s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	for what, s := range map[string]string{
		"501": strings.Repeat("a", 501), "501 of accents": strings.Repeat("é", 250) + "a", "NUL": "a\x00b", "newline": "a\nb",
		"return": "a\rb", "tab": "a\tb", "escape": "\x1b]0;x\x07", "delete": "a\x7f",
	} {
		err := keyhatch.CheckText("full_name", s)
		wantInvalid(t, what, keyhatch.CodeInvalidRequest, err)
		if e, ok := err.(*keyhatch.Error); !ok || e.Field != "full_name" {
			t.Errorf("%s: the field is not named: %#v", what, err)
		}
	}
}

func TestCheckSessionName(t *testing.T) {
	for _, name := range []string{"ab", "job-7", "a_b+c=d,e.f@g-h", strings.Repeat("x", 64), "--"} {
		if err := keyhatch.CheckSessionName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", "a", strings.Repeat("x", 65), "a b", "a/b", "a:b", "a\n", "é!", "aé", "a\x00b"} {
		var e *keyhatch.Error
		if err := keyhatch.CheckSessionName(name); !errors.As(err, &e) || e.Code != keyhatch.CodeInvalidName || e.Field != "session_name" {
			t.Errorf("%q: %v", name, err)
		}
	}
}
