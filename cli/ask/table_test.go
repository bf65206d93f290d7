package ask

import (
	"strings"
	"testing"
)

// TestFit cuts what may be cut, and no more than it may be.
func TestFit(t *testing.T) {
	const id, detail, url = "lease_0mz3k8q2a7c4f9d", "access=read expires=2026-11-22T21:37:50Z", "s3://demo/Łódź/2024/field-trip/"
	for _, c := range []struct {
		width       int
		detail, url string
	}{
		{200, detail, url},
		{21 + 2 + 40 + 2 + 31, detail, url},
		{21 + 2 + 39 + 2 + 31, detail[:38] + "…", url},
		{21 + 2 + 20 + 2 + 31, detail[:19] + "…", url},
		{21 + 2 + 10 + 2 + 24, detail[:9] + "…", "s3://demo/Łódź/2024/fie…"},
		{1, detail[:9] + "…", "s3://demo/Łódź/2024/fie…"}, // no narrower than that
	} {
		rows := [][]string{{"ID", "DETAIL", "URL"}, {id, detail, url}, {id, "short", ""}}
		fit(rows, []cuttable{{1, 10}, {2, 24}}, c.width)
		if got, want := strings.Join(rows[1], "|"), id+"|"+c.detail+"|"+c.url; got != want {
			t.Errorf("in %d characters it is %s, want %s", c.width, got, want)
		}
		if rows[2][1] != "short" {
			t.Errorf("what is short was cut: %s", rows[2][1])
		}
	}
	rows := [][]string{{id, detail}}
	fit(rows, nil, 10)
	if rows[0][1] != detail {
		t.Error("what may not be cut was cut")
	}
}
