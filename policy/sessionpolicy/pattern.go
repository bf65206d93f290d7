package sessionpolicy

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// pattern is text in which wildcards may stand: "*" for any characters, also none,
// "?" for one. It is taken apart at its "*".
type pattern []piece

// piece is what stands between two "*". Where any is true, any character stands
// for the one there.
type piece struct {
	text []rune
	any  []bool
	// plain is the text of a piece without "?", which is found faster.
	plain   string
	isPlain bool
}

// maxSearched bounds a piece with "?" that stands between two "*", in characters:
// the time to find one grows with its length times that of the key.
const maxSearched = 100

// newPattern makes one of characters. wild tells which of them are wildcards.
func newPattern(text []rune, wild []bool) pattern {
	out := pattern{{isPlain: true}}
	for i, c := range text {
		if wild[i] && c == '*' {
			out = append(out, piece{isPlain: true})
			continue
		}
		p := &out[len(out)-1]
		p.text = append(p.text, c)
		p.any = append(p.any, wild[i])
		p.isPlain = p.isPlain && !wild[i]
	}
	for i := range out {
		out[i].plain = string(out[i].text)
	}
	return out
}

// searchable tells whether the pattern can be found in bounded time.
func (p pattern) searchable() bool {
	for i := 1; i < len(p)-1; i++ {
		if !p[i].isPlain && len(p[i].text) > maxSearched {
			return false
		}
	}
	return true
}

func matchesAny(patterns []pattern, s string) bool {
	return slices.ContainsFunc(patterns, func(p pattern) bool { return p.matches(s) })
}

// matches tells whether the pattern is that of all of s. The first place where a
// piece is found is as good as any later one: it leaves most to what follows.
func (p pattern) matches(s string) bool {
	n, ok := p[0].begins(s)
	if !ok {
		return false
	}
	if len(p) == 1 {
		return n == len(s)
	}
	s = s[n:]
	last := p[len(p)-1]
	for _, piece := range p[1 : len(p)-1] {
		end, ok := piece.find(s)
		if !ok {
			return false
		}
		s = s[end:]
	}
	return last.ends(s)
}

// begins tells whether s begins with the piece, and how many bytes that takes.
func (p piece) begins(s string) (n int, ok bool) {
	if p.isPlain {
		return len(p.plain), strings.HasPrefix(s, p.plain)
	}
	for i, c := range p.text {
		if n == len(s) {
			return 0, false
		}
		got, size := utf8.DecodeRuneInString(s[n:])
		if got != c && !p.any[i] {
			return 0, false
		}
		n += size
	}
	return n, true
}

// find tells where the first place of the piece in s ends.
func (p piece) find(s string) (end int, ok bool) {
	if p.isPlain {
		i := strings.Index(s, p.plain)
		return i + len(p.plain), i >= 0
	}
	for i := range s {
		if n, ok := p.begins(s[i:]); ok {
			return i + n, true
		}
	}
	return 0, false
}

// ends tells whether s ends with the piece.
func (p piece) ends(s string) bool {
	if p.isPlain {
		return strings.HasSuffix(s, p.plain)
	}
	from := len(s)
	for range p.text { // so many characters before the end
		if from == 0 {
			return false
		}
		_, size := utf8.DecodeLastRuneInString(s[:from])
		from -= size
	}
	n, ok := p.begins(s[from:])
	return ok && n == len(s)-from
}

// endsOpen tells whether anything may follow what the pattern matches.
func (p pattern) endsOpen() bool {
	return len(p) > 1 && len(p[len(p)-1].text) == 0
}

// matchesBelow tells whether the pattern matches something that begins with s: s is
// used up inside the first piece, or what comes behind that may be anything.
func (p pattern) matchesBelow(s string) bool {
	for i, c := range p[0].text {
		got, size := utf8.DecodeRuneInString(s)
		if size == 0 {
			return true
		}
		if got != c && !p[0].any[i] {
			return false
		}
		s = s[size:]
	}
	return len(p) > 1 || s == ""
}
