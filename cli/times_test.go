package cli

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
			var m moment
			if err := m.UnmarshalText([]byte(text)); err != nil || !m.Equal(want) {
				t.Errorf("%s was %v, %v; want %v", text, m, err, want)
			}
		}
		for _, text := range []string{"", "yesterday", "-2h", "2100-01-01", "1969-01-01", "99999999999d", "2000-13-01", "10"} {
			if err := new(moment).UnmarshalText([]byte(text)); err == nil {
				t.Errorf("%q is taken for a time in the past", text)
			}
		}
		for text, want := range map[string]deadline{
			"2h": {at: now.Add(2 * time.Hour)}, "30d": {at: now.Add(30 * day)}, "never": {never: true},
			"2100-01-01": {at: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)},
		} {
			var d deadline
			if err := d.UnmarshalText([]byte(text)); err != nil || !d.at.Equal(want.at) || d.never != want.never || (d.or() == nil) != want.never {
				t.Errorf("%s is %+v, %v", text, d, err)
			}
		}
		for _, text := range []string{"", "0s", "-1d", "1999-12-31", "Never", "soon"} {
			if err := new(deadline).UnmarshalText([]byte(text)); err == nil {
				t.Errorf("%q is taken for a time to come", text)
			}
		}
		for text, want := range map[string]int{"90m": 5400, "1h30m": 5400, "2d": 172800} {
			var s span
			if err := s.UnmarshalText([]byte(text)); err != nil || *s.seconds() != want {
				t.Errorf("%s lasts %v, %v", text, s, err)
			}
		}
		for _, text := range []string{"", "0", "-5m", "long", "99999999999999999999d"} {
			if err := new(span).UnmarshalText([]byte(text)); err == nil {
				t.Errorf("%q is taken for a span", text)
			}
		}
	})
}
