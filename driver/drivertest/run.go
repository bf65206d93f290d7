package drivertest

import (
	"fmt"
	"slices"
	"testing"
)

// matrix is every row, each with a name of its own.
var matrix = slices.Concat(
	readRows,
	writeRows,
	listRows,
	copyRows,
	uploadRows,
	bucketRows,
	prefixRows,
	signatureRows,
	presignRows,
	lifeRows,
)

// Run holds leases of the site to the whole matrix, a subtest a row, and returns
// when all have ended. Rows that need what the site lacks are named in the log,
// with the reason.
func Run(t *testing.T, s Site) {
	t.Helper()
	if err := s.check(); err != nil {
		t.Fatal(err)
	}
	g := &ground{site: s}
	t.Run("matrix", func(t *testing.T) {
		for _, r := range matrix {
			t.Run(r.name, func(t *testing.T) {
				if !s.OneByOne {
					t.Parallel()
				}
				v := g.judge(t.Context(), r)
				for _, fault := range v.all() {
					t.Error(fault)
				}
				if v.lacking != "" {
					t.Logf("%s is lacking here: %s; %s", r.needs, v.lacking, v.told)
				}
			})
		}
	})
	t.Logf("%d rows; lacking here: %q", len(matrix), s.lacking())
}

// lacking names what rows need and the site does not have.
func (s Site) lacking() []string {
	rows := map[Feature]int{}
	for _, r := range matrix {
		if s.lack(r.needs) != "" {
			rows[r.needs]++
		}
	}
	var lines []string
	for f, n := range rows {
		lines = append(lines, fmt.Sprintf("%s (%d rows): %s", f, n, s.lack(f)))
	}
	slices.Sort(lines)
	return lines
}
