package keyhatch_test

import (
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
)

// TestTrace: only what the standard allows is taken, so a header forges no line of a log and makes none long.
func TestTrace(t *testing.T) {
	const good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	if got := keyhatch.ParseTrace([]string{good}); string(got) != good || got.ID() != "4bf92f3577b34da6a3ce929d0e0e4736" {
		t.Errorf("%q %q", got, got.ID())
	}
	for _, wrong := range [][]string{
		nil,
		{good, good},
		{""},
		{strings.ToUpper(good)},
		{good + "-more"},
		{good + "\n"},
		{good + "\nlevel=INFO msg=forged"},
		{" " + good},
		{"01" + good[2:]},
		{"ff" + good[2:]},
		{"00-" + strings.Repeat("0", 32) + "-00f067aa0ba902b7-01"},
		{"00-4bf92f3577b34da6a3ce929d0e0e4736-" + strings.Repeat("0", 16) + "-01"},
		{good[:len(good)-1]},
		{strings.Repeat("a", 1<<20)},
	} {
		if got := keyhatch.ParseTrace(wrong); got != "" || got.ID() != "" {
			t.Errorf("%.80q is taken for %q", wrong, got)
		}
	}
}
