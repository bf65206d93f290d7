package kernel

import (
	"time"

	"github.com/keyhatch/keyhatch"
)

// Now has the microseconds that the database keeps, so that what is compared in
// memory and what was stored are the same.
func Now() time.Time { return Stored(time.Now()) }

// Stored is a time as the database keeps it.
func Stored(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// TimeText writes a time for people and events, "" for none.
func TimeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// CheckExpiry refuses an expiry that has passed; zero is none.
func (v View) CheckExpiry(at time.Time) error {
	if !at.IsZero() && !at.After(v.Now) {
		return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidExpiry, "it must expire in the future").In("expires_at")
	}
	return nil
}
