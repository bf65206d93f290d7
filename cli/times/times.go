// Package times reads times as people write them on a command line.
package times

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Moment is a time in the past, as people write it on a command line.
type Moment struct{ time.Time }

// MomentForms is what --help says of it.
const MomentForms = `TIME is an instant (2026-07-01T12:00:00Z, 2026-07-01T14:00:00+02:00), a date (2026-07-01: its beginning, in
UTC), or how long ago it was (2h, 90m, 30d).`

// UnmarshalText reads a moment. How long ago it was is counted from now.
func (m *Moment) UnmarshalText(text []byte) error {
	at, ok := instant(string(text))
	if !ok {
		ago, err := readSpan(string(text))
		if err != nil {
			return errors.New("a time is written 2026-07-01T12:00:00Z, 2026-07-01, or 2h for two hours ago")
		}
		at = time.Now().Add(-ago)
	}
	if at.After(time.Now()) {
		return errors.New("the time is still to come")
	}
	if at.Year() < 1970 {
		return errors.New("nothing was on record before 1970")
	}
	m.Time = at
	return nil
}

// Deadline is a time to come, or never.
type Deadline struct {
	At    time.Time // in UTC
	Never bool
}

// DeadlineForms is what --help says of it.
const DeadlineForms = `TIME is an instant (2026-07-01T12:00:00Z, 2026-07-01T14:00:00+02:00), a date (2026-07-01: its beginning, in
UTC), how long from now it is (2h, 90m, 30d), or never.`

// UnmarshalText reads a deadline. How long it is from now is counted here.
func (d *Deadline) UnmarshalText(text []byte) error {
	if string(text) == "never" {
		d.Never = true
		return nil
	}
	at, ok := instant(string(text))
	if !ok {
		span, err := readSpan(string(text))
		if err != nil {
			return errors.New("a time is written 2026-07-01T12:00:00Z, 2026-07-01, 30d for thirty days from now, or never")
		}
		at = time.Now().Add(span)
	}
	if !at.After(time.Now()) {
		return errors.New("the time has passed")
	}
	d.At = at.UTC()
	return nil
}

// Or is the time, or nil for never and for one that was not given.
func (d Deadline) Or() *time.Time {
	if d.At.IsZero() {
		return nil
	}
	return &d.At
}

// Span is how long something lasts.
type Span struct{ time.Duration }

// UnmarshalText reads a span: 90m, 1h30m, 2d.
func (s *Span) UnmarshalText(text []byte) (err error) {
	s.Duration, err = readSpan(string(text))
	if err != nil || s.Duration <= 0 {
		return errors.New("a time is written 90m, 1h30m, or 2d for two days")
	}
	return nil
}

// WholeSeconds is the span in seconds, or nil for one that was not given.
func (s Span) WholeSeconds() *int {
	if s.Duration == 0 {
		return nil
	}
	n := int(s.Seconds())
	return &n
}

func instant(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, s); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// maxDays is more than any limit, and less than what a Duration holds.
const maxDays = 100 * 365

func readSpan(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < -maxDays || n > maxDays {
			return 0, errors.New("not a number of days")
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	return time.ParseDuration(s)
}
