package drivertest

import (
	"fmt"
	"maps"
	"slices"
	"testing"
)

// Run holds leases of the site to rows, a subtest a row, and returns when all have
// ended. Rows that need what the site lacks are named in the log, with the reason.
func Run(t *testing.T, s Site, rows []Row) {
	t.Helper()
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	for name := range s.Differs {
		if !slices.ContainsFunc(rows, func(r Row) bool { return r.Name == name }) {
			t.Errorf("no row is named %q", name)
		}
	}
	g := NewGround(s, rows)
	t.Run("matrix", func(t *testing.T) {
		for _, r := range rows {
			t.Run(r.Name, func(t *testing.T) {
				if !s.OneByOne {
					t.Parallel()
				}
				v := g.Judge(t.Context(), r)
				if why := s.Differs[r.Name]; why != "" {
					if len(v.All()) == 0 {
						t.Errorf("it holds, though the site is said to differ: %s", why)
					}
					t.Logf("differs here: %s; %q", why, v.All())
					return
				}
				for _, fault := range v.All() {
					t.Error(fault)
				}
				if v.lacking != "" {
					t.Logf("%s is lacking here: %s; %s", r.Needs, v.lacking, v.Told)
				}
			})
		}
	})
	t.Logf("%d rows; lacking here: %q; differing: %q", len(rows), s.lacking(rows), slices.Sorted(maps.Keys(s.Differs)))
}

// lacking names what rows need and the site does not have.
func (s Site) lacking(rows []Row) []string {
	count := map[Feature]int{}
	for _, r := range rows {
		if s.lack(r.Needs) != "" {
			count[r.Needs]++
		}
	}
	var lines []string
	for f, n := range count {
		lines = append(lines, fmt.Sprintf("%s (%d rows): %s", f, n, s.lack(f)))
	}
	slices.Sort(lines)
	return lines
}
