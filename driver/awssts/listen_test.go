package awssts

import (
	"strings"
	"testing"
)

// FuzzRefusal: whatever a token service answers, a code is read from it or none, and
// what is shown of it is a code.
func FuzzRefusal(f *testing.F) {
	for _, seed := range []string{
		"", "<", "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>", "<Error><Code>NoSuchEntity</Code></Error>",
		"<Code><Code>a</Code></Code>", strings.Repeat("<a>", 10_000), "<Code>\x00</Code>", "<?xml version='1.0' encoding='utf-16'?><Code/>", "<Message>Signature expired</Message>",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		code, message := codeIn(text)
		if len(code)+len(message) > len(text) {
			t.Fatalf("%q and %q are more than %q", code, message, text)
		}
	})
}

func TestCodeIn(t *testing.T) {
	for text, want := range map[string][2]string{
		"<ErrorResponse xmlns=\"x\"><Error><Type>Sender</Type><Code>A</Code><Message>b c</Message></Error></ErrorResponse>": {"A", "b c"},
		"<?xml version=\"1.0\"?><Error><Code>A</Code><Message></Message></Error>":                                           {"A", ""},
		"<Error><Message>b</Message><Code>A</Code><Code>B</Code></Error>":                                                   {"A", "b"},
		"<html><body>no": {"", ""},
		"not XML":        {"", ""},
	} {
		if code, message := codeIn([]byte(text)); code != want[0] || message != want[1] {
			t.Errorf("%s: %q, %q", text, code, message)
		}
	}
}
