// Package figures writes what was measured into the documentation, for the tests that measure.
package figures

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Write puts a text into a file, in place of what stands between the comments
// "<!-- BY writes what follows -->" and "<!-- end -->" after it.
func Write(file, by, text string) error {
	begin, end := "<!-- "+by+" writes what follows -->\n", "<!-- end -->"
	was, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(was), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return fmt.Errorf("%s has no place for what %s writes", file, by)
	}
	return os.WriteFile(file, []byte(before+begin+"\n"+strings.TrimSpace(text)+"\n\n"+end+after), 0o644)
}

// Grouped is a number as people read it.
func Grouped(n int) string {
	text := strconv.Itoa(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
