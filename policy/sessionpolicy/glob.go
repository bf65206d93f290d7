package sessionpolicy

import (
	"slices"
	"strings"
)

// glob is a pattern as it is written, sign by sign.
type glob []sign

type sign struct {
	r    rune
	kind signKind
}

type signKind int

const (
	itself signKind = iota
	one             // "?": any character
	many            // "*": any characters, also none
)

// text makes a glob of characters that stand for themselves.
func text(s string) glob {
	var g glob
	for _, r := range s {
		g = append(g, sign{r, itself})
	}
	return g
}

// below makes a glob of everything that begins with s.
func below(s string) glob { return append(text(s), sign{kind: many}) }

// signs puts a pattern together again.
func (p pattern) signs() glob {
	var g glob
	for i, piece := range p {
		if i > 0 {
			g = append(g, sign{kind: many})
		}
		for j, r := range piece.text {
			kind := itself
			if piece.any[j] {
				kind, r = one, 0
			}
			g = append(g, sign{r, kind})
		}
	}
	// Many in a row are one: nothing is gained by them, and here they would be states.
	return slices.CompactFunc(g, func(a, b sign) bool { return a.kind == many && b.kind == many })
}

func globs(patterns []pattern) []glob {
	out := make([]glob, len(patterns))
	for i, p := range patterns {
		out[i] = p.signs()
	}
	return out
}

// literal is how much of g stands for itself before the first wildcard, and whether
// nothing else follows it, or "*" alone.
func (g glob) literal() (n int, open, simple bool) {
	n = slices.IndexFunc(g, func(s sign) bool { return s.kind != itself })
	if n < 0 {
		return len(g), false, true
	}
	return n, g[n].kind == many, g[n].kind == many && n == len(g)-1
}

// states are where in g one can be. A "*" can be passed without a character.
func (g glob) states(at map[int]bool) map[int]bool {
	for i := range g {
		if at[i] && g[i].kind == many {
			at[i+1] = true
		}
	}
	return at
}

// after are the states in which g is behind one more sign of what it is to match.
// What is matched may have wildcards itself: such a one is matched by its like or by
// "*" alone.
func (g glob) after(at map[int]bool, s sign) map[int]bool {
	next := map[int]bool{}
	for i := range at {
		switch {
		case i == len(g):
		case g[i].kind == many:
			next[i] = true
		case s.kind == many:
		case g[i].kind == one, g[i] == s:
			next[i+1] = true
		}
	}
	return g.states(next)
}

// covers tells whether g matches everything that h matches. Yes is certain.
func (g glob) covers(h glob) bool {
	at := g.states(map[int]bool{0: true})
	for _, s := range h {
		at = g.after(at, s)
	}
	return at[len(g)]
}

// apart tells whether nothing is matched by both. Yes is certain: they begin or end
// differently.
func (g glob) apart(h glob) bool {
	differ := func(g, h glob) bool {
		for i := range min(len(g), len(h)) {
			switch {
			case g[i].kind == many || h[i].kind == many:
				return false
			case g[i].kind == itself && h[i].kind == itself && g[i] != h[i]:
				return true
			}
		}
		short, long := g, h
		if len(g) > len(h) {
			short, long = h, g
		}
		// All of the short one is used up, and the long one wants more.
		return slices.ContainsFunc(long[len(short):], func(s sign) bool { return s.kind != many })
	}
	backwards := func(g glob) glob {
		b := slices.Clone(g)
		slices.Reverse(b)
		return b
	}
	return differ(g, h) || differ(backwards(g), backwards(h))
}

// meet are globs that together match what both match, no more and no less. exact is
// false when they cannot be told.
func (g glob) meet(h glob) (out []glob, exact bool) {
	switch {
	case g.covers(h):
		return []glob{h}, true
	case h.covers(g):
		return []glob{g}, true
	case g.apart(h):
		return nil, true
	}
	if _, _, simple := g.literal(); !simple {
		g, h = h, g
	}
	n, open, simple := g.literal()
	switch {
	case !simple:
		return nil, false
	case !open:
		return nil, true // it would be covered
	}
	// g is everything that begins with some text. What h has left behind that text is
	// what both have in common, for each way to come so far.
	at := h.states(map[int]bool{0: true})
	for _, s := range g[:n] {
		at = h.after(at, s)
	}
	for i := range len(h) + 1 {
		if at[i] {
			out = append(out, slices.Concat(g[:n], h[i:]))
		}
	}
	return outermostOf(out), true
}

// outermostOf are the globs that no other one covers, each once.
func outermostOf(all []glob) []glob {
	var out []glob
	for i, g := range all {
		covered := false
		for j, h := range all {
			covered = covered || i != j && h.covers(g) && (j < i || !g.covers(h))
		}
		if !covered {
			out = append(out, g)
		}
	}
	return out
}

// meetAll are globs that match what some of both lists match.
func meetAll(a, b []glob) (out []glob, exact bool) {
	for _, g := range a {
		for _, h := range b {
			both, exact := g.meet(h)
			if !exact {
				return nil, false
			}
			out = append(out, both...)
		}
	}
	return outermostOf(out), true
}

// written is the glob in a policy's language. sayable is false when a character that
// means something there cannot be said: it would open more.
func (g glob) written(escapes bool) (s string, sayable bool) {
	var out strings.Builder
	for i, c := range g {
		switch {
		case c.kind == many:
			out.WriteByte('*')
		case c.kind == one:
			out.WriteByte('?')
		case escapes && strings.ContainsRune("*?$", c.r):
			out.WriteString("${" + string(c.r) + "}")
		case c.r == '*', c.r == '?', c.r == '$' && i+1 < len(g) && g[i+1] == sign{'{', itself}:
			return "", false
		default:
			out.WriteRune(c.r)
		}
	}
	return out.String(), true
}
