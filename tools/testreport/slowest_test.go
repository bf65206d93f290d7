package main

import (
	"fmt"
	"strings"
	"testing"
)

// took is the stream of a package whose tests took some seconds each. Subtests come
// behind their parents, and end before them.
func took(output string, tests ...timed) string {
	var begin, end string
	for _, t := range tests {
		begin += fmt.Sprintf(`{"Action":"run","Package":"m/a","Test":%q}`+"\n", t.name)
		end = fmt.Sprintf(`{"Action":"pass","Package":"m/a","Test":%q,"Elapsed":%v}`+"\n", t.name, t.seconds) + end
	}
	return begin + end + fmt.Sprintf(`{"Action":"output","Package":"m/a","Output":%q}`, output) + "\n" +
		`{"Action":"pass","Package":"m/a","Elapsed":99}` + "\n"
}

func TestSlowest(t *testing.T) {
	many := make([]timed, 12)
	for i := range many {
		many[i] = timed{fmt.Sprintf("TestNumber%02d", i), float64(i + 1)}
	}
	tests := []struct {
		name, stream string
		want         string // in front of the last line; empty: nothing is said
	}{
		{"what is quick is not named", took("", timed{"TestQuick", 0.99}), ""},
		{"the slowest first", took("", timed{"TestSlow", 1}, timed{"TestSlower", 2.25}), "slowest:\n      2.2s m/a TestSlower\n      1.0s m/a TestSlow\n"},
		{"a parent does not count once more", took("", timed{"TestTree", 5}, timed{"TestTree/leaf", 4}), "slowest:\n      4.0s m/a TestTree/leaf\n"},
		{"what was remembered took no time", took("ok  \tm/a\t(cached)\n", timed{"TestSlow", 9}), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, _ := reportOn(t, tt.stream)
			if tt.want == "" && strings.Contains(out, "slowest") || !strings.Contains(out, tt.want) {
				t.Errorf("the report is\n%s\nwant in it\n%s", out, tt.want)
			}
		})
	}
	t.Run("ten of them", func(t *testing.T) {
		out, status := reportOn(t, took("", many...))
		expect(t, out, status, "12 passed, 0 failed, 0 skipped", 0, "12.0s m/a TestNumber11", " 3.0s m/a TestNumber02")
		if strings.Contains(out, "TestNumber01") {
			t.Errorf("the eleventh is named:\n%s", out)
		}
	})
	t.Run("failures too", func(t *testing.T) {
		stream := strings.ReplaceAll(took("", timed{"TestSlow", 7}), `"pass"`, `"fail"`)
		out, status := reportOn(t, stream)
		expect(t, out, status, "0 passed, 1 failed, 0 skipped", 1, "7.0s m/a TestSlow")
	})
}
