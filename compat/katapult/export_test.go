package katapult

import (
	"slices"
	"strings"
)

// Tells are the failures of OfSome that each line of the table has, by its method and its
// path, in which "-" stands for any segment.
func Tells() map[string][]string {
	out := map[string][]string{}
	for _, t := range routes {
		words := strings.Split(t.path, "/")
		for i, word := range words {
			if slices.Contains(parameters, word) {
				words[i] = "-"
			}
		}
		out[t.method+" "+strings.Join(words, "/")] = texts(t.tells)
	}
	return out
}

// OfSome are the failures that the format has for some routes only.
func OfSome() []string { return texts(ofSome) }

func texts(codes []code) (out []string) {
	for _, c := range codes {
		out = append(out, string(c))
	}
	return out
}
