package times

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestTimes reads what people write, and refuses the rest.
func TestTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		day := 24 * time.Hour
		for text, want := range map[string]time.Time{
			"2h": now.Add(-2 * time.Hour), "0s": now, "30d": now.Add(-30 * day), "1999-12-31": time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC),
			"1999-12-31T23:00:00-01:00": time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC),
		} {
			var m Moment
			if err := m.UnmarshalText([]byte(text)); err != nil || !m.Equal(want) {
				t.Errorf("%s was %v, %v; want %v", text, m, err, want)
			}
		}
		for _, text := range []string{"", "yesterday", "-2h", "2100-01-01", "1969-01-01", "99999999999d", "2000-13-01", "10"} {
			if err := new(Moment).UnmarshalText([]byte(text)); err == nil {
				t.Errorf("%q is taken for a time in the past", text)
			}
		}
		for text, want := range map[string]Deadline{
			"2h": {At: now.Add(2 * time.Hour)}, "30d": {At: now.Add(30 * day)}, "never": {Never: true},
			"2100-01-01": {At: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)},
		} {
			var d Deadline
			if err := d.UnmarshalText([]byte(text)); err != nil || !d.At.Equal(want.At) || d.Never != want.Never || (d.Or() == nil) != want.Never {
				t.Errorf("%s is %+v, %v", text, d, err)
			}
		}
		for _, text := range []string{"", "0s", "-1d", "1999-12-31", "Never", "soon"} {
			if err := new(Deadline).UnmarshalText([]byte(text)); err == nil {
				t.Errorf("%q is taken for a time to come", text)
			}
		}
		for text, want := range map[string]int{"90m": 5400, "1h30m": 5400, "2d": 172800} {
			var s Span
			if err := s.UnmarshalText([]byte(text)); err != nil || *s.WholeSeconds() != want {
				t.Errorf("%s lasts %v, %v", text, s, err)
			}
		}
		for _, text := range []string{"", "0", "-5m", "long", "99999999999999999999d"} {
			if err := new(Span).UnmarshalText([]byte(text)); err == nil {
				t.Errorf("%q is taken for a Span", text)
			}
		}
	})
}
