package main

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// moment is a time in the past as people write it on a command line.
type moment struct{ time.Time }

// momentForms is what --help says of it.
const momentForms = `TIME is an instant (2026-07-01T12:00:00Z, 2026-07-01T14:00:00+02:00), a date (2026-07-01: its beginning, in
UTC), or how long ago it was (2h, 90m, 30d).`

// UnmarshalText reads a moment. How long ago it was is counted from now.
func (m *moment) UnmarshalText(text []byte) error {
	s := string(text)
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return m.set(at)
	}
	if at, err := time.Parse(time.DateOnly, s); err == nil {
		return m.set(at)
	}
	if ago, err := time.ParseDuration(s); err == nil {
		return m.set(time.Now().Add(-ago))
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil {
			return m.set(time.Now().AddDate(0, 0, -n))
		}
	}
	return errors.New("a time is written 2026-07-01T12:00:00Z, 2026-07-01, or 2h for two hours ago")
}

func (m *moment) set(at time.Time) error {
	if at.After(time.Now()) {
		return errors.New("the time is still to come")
	}
	if at.Year() < 1970 {
		return errors.New("nothing was on record before 1970")
	}
	m.Time = at
	return nil
}
