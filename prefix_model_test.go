package keyhatch_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/keyhatch/keyhatch"
	"pgregory.net/rapid"
)

// The model knows prefixes as lists of folder names and keys as a list of
// folders with a name behind it; it never compares beginnings of text.

type modelKey struct {
	folders []string
	name    string // empty: the folder's marker
}

func (k modelKey) text() string { return folderText(k.folders) + k.name }

func folderText(folders []string) string {
	var b strings.Builder
	for _, f := range folders {
		b.WriteString(f)
		b.WriteByte('/')
	}
	return b.String()
}

// inside tells whether the list is outer with nothing or something behind it.
func inside(list, outer []string) bool {
	return len(list) >= len(outer) && slices.Equal(list[:len(outer)], outer)
}

// segment draws names that are beginnings of each other, or hold what could be
// taken for a boundary.
func segment() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"a", "ab", "abc", "b", "A", "a.", "a-", "a ", "...", ".a", "%2F", `\`, "é", "e\u0301", "*", "a*"}),
		rapid.StringOfN(rapid.SampledFrom([]rune("ab.~")), 1, 3, -1).Filter(func(s string) bool { return s != "." && s != ".." }),
	)
}

func folders(most int) *rapid.Generator[[]string] { return rapid.SliceOfN(segment(), 0, most) }

func key() *rapid.Generator[modelKey] {
	return rapid.Custom(func(t *rapid.T) modelKey {
		k := modelKey{folders: folders(4).Draw(t, "folders"), name: rapid.OneOf(rapid.Just(""), segment()).Draw(t, "name")}
		if len(k.folders) == 0 && k.name == "" {
			k.name = "a"
		}
		return k
	})
}

func TestS3_PrefixIsAPathBoundary(t *testing.T) {
	if keyhatch.Prefix("data/a/").Covers("data/ab/") || keyhatch.Prefix("data/a/").Holds("data/ab") {
		t.Fatal("data/a opens data/ab")
	}
	rapid.Check(t, func(t *rapid.T) {
		pf, qf, k := folders(4).Draw(t, "p"), folders(4).Draw(t, "q"), key().Draw(t, "key")
		if rapid.Bool().Draw(t, "q begins like p") {
			qf = append(slices.Clone(pf), qf...)
		}
		if rapid.Bool().Draw(t, "key begins like p") {
			k.folders = append(slices.Clone(pf), k.folders...)
		}
		p, q := parsed(t, pf), parsed(t, qf)
		if err := keyhatch.CheckKey(k.text()); err != nil {
			t.Fatalf("key %q: %v", k.text(), err)
		}
		if got, want := p.Covers(q), inside(qf, pf); got != want {
			t.Errorf("%q covers %q: %t", p, q, got)
		}
		if got, want := p.Holds(k.text()), inside(k.folders, pf); got != want {
			t.Errorf("%q holds %q: %t", p, k.text(), got)
		}
		if got, want := p.Overlaps(q), inside(qf, pf) || inside(pf, qf); got != want {
			t.Errorf("%q overlaps %q: %t", p, q, got)
		}
		if p.Overlaps(q) != q.Overlaps(p) {
			t.Errorf("%q overlaps %q only one way round", p, q)
		}
		if p.Covers(q) && q.Holds(k.text()) && !p.Holds(k.text()) {
			t.Errorf("%q covers %q but not its key %q", p, q, k.text())
		}
		if p.Holds(k.text()) && q.Holds(k.text()) && !p.Overlaps(q) {
			t.Errorf("%q is in %q and in %q, which do not overlap", k.text(), p, q)
		}
	})
}

// parsed reads the folders with and without the last slash.
func parsed(t *rapid.T, folders []string) keyhatch.Prefix {
	text := folderText(folders)
	p, err := keyhatch.ParsePrefix(text)
	if err != nil || string(p) != text {
		t.Fatalf("ParsePrefix(%q) = %q, %v", text, p, err)
	}
	if bare, err := keyhatch.ParsePrefix(strings.TrimSuffix(text, "/")); err != nil || bare != p {
		t.Fatalf("ParsePrefix without %q's slash = %q, %v", text, bare, err)
	}
	return p
}

func TestS3_AncestorsCoverAndNothingElseDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pf, qf := folders(5).Draw(t, "p"), folders(5).Draw(t, "q")
		p, q := parsed(t, pf), parsed(t, qf)
		above := p.Ancestors()
		if len(above) != len(pf)+1 || above[0] != "" || above[len(pf)] != p {
			t.Fatalf("ancestors of %q: %q", p, above)
		}
		for i, a := range above {
			if string(a) != folderText(pf[:i]) {
				t.Errorf("ancestor %d of %q is %q", i, p, a)
			}
		}
		if slices.Contains(above, q) != q.Covers(p) {
			t.Errorf("%q covers %q: %t; among its ancestors: %t", q, p, q.Covers(p), slices.Contains(above, q))
		}
	})
}

// anyPath draws text that is often almost a path.
func anyPath() *rapid.Generator[string] {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{"/", "//", ".", "..", "../", "/..", "a", "data", "\x00", "\n", "\x7f", "\u0085", "\xff", "%2e", `..\`, " ", "é"}),
		rapid.String(),
	)
	return rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(piece, 0, 6).Draw(t, "pieces"), "") })
}

// modelRefuses says by itself which prefixes are refused.
func modelRefuses(s string) bool {
	if s == "" {
		return false
	}
	bare := strings.TrimSuffix(s, "/")
	if len(bare)+1 > 1024 || !utf8.ValidString(s) {
		return true
	}
	for _, r := range s {
		if unicode.In(r, unicode.Cc) {
			return true
		}
	}
	return slices.ContainsFunc(strings.Split(bare, "/"), func(seg string) bool { return seg == "" || seg == "." || seg == ".." })
}

func TestS3_ParsePrefixAgreesWithTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyPath().Draw(t, "s")
		p, err := keyhatch.ParsePrefix(s)
		if (err != nil) != modelRefuses(s) {
			t.Fatalf("ParsePrefix(%q) = %q, %v", s, p, err)
		}
		if err != nil && p != "" {
			t.Fatalf("ParsePrefix(%q) refuses and returns %q", s, p)
		}
	})
}

func TestS3_JoinNeverLeavesTheOuterPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		outer, relative := folders(4).Draw(t, "outer"), anyPath().Draw(t, "relative")
		p := parsed(t, outer)
		joined, err := p.Join(relative)
		if err != nil {
			if !modelRefuses(relative) && len(p)+len(relative) < 1024 {
				t.Fatalf("%q and %q: %v", p, relative, err)
			}
			return
		}
		if modelRefuses(relative) {
			t.Fatalf("%q took %q", p, relative)
		}
		got := strings.Split(strings.TrimSuffix(string(joined), "/"), "/")
		if joined == "" {
			got = nil
		}
		if !inside(got, outer) || !p.Covers(joined) || modelRefuses(string(joined)) {
			t.Fatalf("%q and %q lead to %q", p, relative, joined)
		}
		if want := folderText(outer) + relative; string(joined) != want && string(joined) != want+"/" {
			t.Fatalf("%q and %q lead to %q", p, relative, joined)
		}
	})
}
