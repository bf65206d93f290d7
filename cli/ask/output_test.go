package ask_test

import (
	"encoding/json"
	"strings"
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

// TestJSONIsPrintable shows nothing in JSON that a terminal would obey, and the same to
// programs.
func TestJSONIsPrintable(t *testing.T) {
	const name = "a\x1b[31m b\u009b31m c\u202egpj \U000e0041 d\x7f <Łukasz> \u2028 tab\t"
	var out strings.Builder
	if err := (ask.Format{Output: "json"}).Write(&out, map[string]string{"name": name}, nil); err != nil {
		t.Fatal(err)
	}
	if shown, _, _ := strings.Cut(strings.TrimPrefix(out.String(), "{\n"), "\n"); shown != ask.Printable(shown) {
		t.Errorf("it is %q", shown)
	}
	if !strings.Contains(out.String(), "<Łukasz>") {
		t.Errorf("what is printable is not shown: %s", &out)
	}
	var got map[string]string
	if err := json.Unmarshal([]byte(out.String()), &got); err != nil || got["name"] != name {
		t.Errorf("a program reads %q, %v", got["name"], err)
	}
}

// TestSeconds writes for people what the API tells in seconds.
func TestSeconds(t *testing.T) {
	for n, want := range map[int]string{0: "0s", 45: "45s", 60: "1m", 90: "1m30s", 900: "15m", 5400: "1h30m", 43200: "12h", 36020: "10h0m20s", 86400: "24h", 604800: "7d", 90000: "25h"} {
		if got := ask.Seconds(n); got != want {
			t.Errorf("%d seconds are %s, want %s", n, got, want)
		}
	}
}
