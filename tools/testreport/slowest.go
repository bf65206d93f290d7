package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
)

// timed is a leaf that has run, and how many seconds of its own it took: those in which
// it waited for its turn beside others do not count.
type timed struct {
	name    string
	seconds float64
}

const (
	slowestShown = 10
	slowSeconds  = 1 // what takes less is not worth a line
)

// showSlowest says which tests took longest.
func showSlowest(out io.Writer, all []timed) {
	all = slices.DeleteFunc(all, func(t timed) bool { return t.seconds < slowSeconds })
	if len(all) == 0 {
		return
	}
	slices.SortStableFunc(all, func(a, b timed) int { return cmp.Compare(b.seconds, a.seconds) })
	fmt.Fprintln(out, "slowest:")
	for _, t := range all[:min(len(all), slowestShown)] {
		fmt.Fprintf(out, "  %7.1fs %s\n", t.seconds, t.name)
	}
}
