package sessionpolicy

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestGlobs: of patterns of a small alphabet, what is said of two holds for every text
// that there is up to a length: covering and being apart are certain where they are
// told, and where both meet is what both match.
func TestGlobs(t *testing.T) {
	var texts []string
	for level := []string{""}; len(level[0]) < 6; {
		texts = append(texts, level...)
		var next []string
		for _, s := range level {
			next = append(next, s+"a", s+"b")
		}
		level = next
	}
	drawn := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "a", "b", "b", "?", "*"}), 0, 5).Draw(t, "signs"), "")
	})
	told := map[string]int{}
	try := func(t *rapid.T) {
		a, b := drawn.Draw(t, "a"), drawn.Draw(t, "b")
		p, err := wildcards(a)
		if err != nil {
			t.Fatal(err)
		}
		q, err := wildcards(b)
		if err != nil {
			t.Fatal(err)
		}
		g, h := p.signs(), q.signs()
		if back, ok := g.written(true); !ok || strings.ReplaceAll(back, "**", "*") != back || len(back) > len(a) {
			t.Fatalf("%q is written %q", a, back)
		}
		covers, apart := g.covers(h), g.apart(h)
		meeting, exact := g.meet(h)
		for what, is := range map[string]bool{"covers": covers, "apart": apart, "exact": exact, "several": len(meeting) > 1} {
			if is {
				told[what]++
			}
		}
		for _, s := range texts {
			inP, inQ := p.matches(s), q.matches(s)
			if covers && inQ && !inP {
				t.Fatalf("%q is said to cover %q, and does not match %q", a, b, s)
			}
			if apart && inP && inQ {
				t.Fatalf("%q and %q are said to be apart, and match %q", a, b, s)
			}
			met := slices.ContainsFunc(meeting, func(m glob) bool {
				text, _ := m.written(true)
				r, err := wildcards(text)
				return err == nil && r.matches(s)
			})
			if exact && met != (inP && inQ) {
				t.Fatalf("%q: %t where %q and %q meet, which is %v", s, met, a, b, meeting)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		for range 50 {
			try(t)
		}
	})
	if told["covers"] < 100 || told["apart"] < 100 || told["exact"] < 1000 || told["several"] < 5 {
		t.Errorf("told were %v: too few to tell", told)
	}
}
