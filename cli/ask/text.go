package ask

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Printable is a text without anything that would move a terminal's cursor or
// turn its line around: such a character is written as Go writes it. What is no UTF-8
// is written byte by byte, since a terminal may take a byte for such a character.
func Printable(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	var out strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if unicode.IsPrint(r) && (r != utf8.RuneError || size > 1) {
			out.WriteString(s[:size])
		} else {
			quoted := strconv.Quote(s[:size])
			out.WriteString(quoted[1 : len(quoted)-1])
		}
		s = s[size:]
	}
	return out.String()
}

// PrintableLines is a text of our own lines that is printable, each of them. What
// another one said in it goes through Printable first, so that its lines stay in ours.
func PrintableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = Printable(line)
	}
	return strings.Join(lines, "\n")
}

// TimeOf is how a time is written.
func TimeOf(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// TimeOr is how a time is written that may be missing.
func TimeOr(t *time.Time, none string) string {
	if t == nil {
		return none
	}
	return TimeOf(*t)
}

// Never is when something expires that does not, as flags take it, too.
const Never = "never"

// Seconds is how a number of seconds is written: 45s, 1h30m, 24h, 7d.
func Seconds(n int) string {
	const day = 24 * 60 * 60
	if n > day && n%day == 0 {
		return strconv.Itoa(n/day) + "d"
	}
	text := (time.Duration(n) * time.Second).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// Yes is how a choice is written.
func Yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

// Details are names and their values, in an order that does not change.
func Details(d map[string]string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(d)) {
		out = append(out, name+"="+d[name])
	}
	return strings.Join(out, " ")
}
