package arguments

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch/compat/katapult/wiretest"
)

// TestParseParts: a form in parts says what the same form says without.
func TestParseParts(t *testing.T) {
	for text, want := range map[string]o{
		wiretest.Parts():                                                           {},
		wiretest.Parts("a", "1"):                                                   {"a": "1"},
		wiretest.Parts("a", ""):                                                    {"a": ""},
		wiretest.Parts("a", "1", "a", "2"):                                         {"a": "2"},
		wiretest.Parts("a[b]", "1", "a[c][]", "2=&%\n"):                            {"a": o{"b": "1", "c": l{"2=&%\n"}}},
		wiretest.Parts("", "1", "b", "é"):                                          {"b": "é"},
		"before\r\n" + wiretest.Parts("a", "1") + "behind":                         {"a": "1"},
		"--X\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n1\r\n--X--\r\n": {},
		"--X\r\n\r\n1\r\n--X--\r\n":                                                {},
		"--X\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-Type: x/y\r\n\r\n=41\r\n--X--": {"a": "=41"},
	} {
		got, err := parseParts(wiretest.InParts, []byte(text))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: %v (-want +got):\n%s", text, err, diff)
		}
	}
	for _, text := range []string{
		"", "a=1", "{}", "--X", "--Y--\r\n", strings.TrimSuffix(wiretest.Parts("a", "1"), "--X--\r\n"), strings.TrimSuffix(wiretest.Parts("a", "1"), "\r\n--X--\r\n"),
		wiretest.Parts("a", "\xff"), wiretest.Parts("\xff", "a"), wiretest.Parts("a", "1", "a[b]", "2"), wiretest.Parts("a"+strings.Repeat("[b]", maxDepth), "1"),
		"--X\r\nContent-Disposition: form-data; name=\"a\"; filename=\"f\"\r\n\r\n1\r\n--X--\r\n",
		wiretest.Parts(strings.Split(strings.Repeat("a,1,", maxParameters+1)+"b,2", ",")...),
	} {
		if got, err := parseParts(wiretest.InParts, []byte(text)); !unreadable(err) {
			t.Errorf("%.60q is %v, %v", text, got, err)
		}
	}
	for _, media := range []string{"multipart/form-data", "multipart/form-data; boundary", `multipart/form-data; boundary=""`, "multipart/form-data; boundary=X; boundary=Y"} {
		if got, err := parseParts(media, []byte(wiretest.Parts("a", "1"))); !unreadable(err) {
			t.Errorf("%s: %v, %v", media, got, err)
		}
	}
}

// FuzzParseParts: whatever is sent is refused, or is nested no deeper than is allowed.
func FuzzParseParts(f *testing.F) {
	for _, text := range []string{wiretest.Parts("a", "1"), wiretest.Parts("a[b]", "1", "a[][c]", "2"), "--X\r\nContent-Disposition: form-data; name=\"a\"; filename*=utf-8''f\r\n\r\n", "--X--", "--X \r\n\r\n--X--"} {
		f.Add(wiretest.InParts, []byte(text))
	}
	f.Add(`multipart/form-data; boundary="a b"`, []byte("--a b--"))
	f.Fuzz(func(t *testing.T, media string, body []byte) {
		got, err := parseParts(media, body)
		if err != nil {
			if !unreadable(err) {
				t.Errorf("%q %q: %v", media, body, err)
			}
			return
		}
		if deeper(got, maxDepth) {
			t.Errorf("%q is nested too deeply: %v", body, got)
		}
		if _, err := Take(everyKind, got, nil); err != nil && !refuses(err) {
			t.Errorf("%q: %v", body, err)
		}
	})
}
