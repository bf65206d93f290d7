package ask_test

import (
	"testing"

	"github.com/keyhatch/keyhatch/cli/ask"
)

// TestPrintable lets through what people write, and shows what a terminal would obey.
func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "",
		`Ada "Countess" Łukasz\`:      `Ada "Countess" Łukasz\`,
		"red \x1b[31m \"alert\"":      `red \x1b[31m "alert"`,
		"two\nlines\r\tand a tab":     `two\nlines\r\tand a tab`,
		"c1 \u009b31m":                `c1 \u009b31m`,
		"turned \u202egpj.exe":        `turned \u202egpj.exe`,
		"an 8-bit CSI \x9b31m":        `an 8-bit CSI \x9b31m`,
		"a replaced one \ufffd stays": "a replaced one \ufffd stays",
	} {
		if got := ask.Printable(text); got != want {
			t.Errorf("%q is shown as %s, want %s", text, got, want)
		}
	}
	if got, want := ask.PrintableLines("one\x1b\ntwo"), `one\x1b`+"\ntwo"; got != want {
		t.Errorf("lines are shown as %q, want %q", got, want)
	}
}
