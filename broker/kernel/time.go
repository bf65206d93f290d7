package kernel

import (
	"time"

	"github.com/keyhatch/keyhatch"
)

// Now is the time, in the microseconds that the database keeps, so that what is
// compared in memory and what was stored are the same. It never goes back, also
// when the clock does, and does not stand still then: what ended a moment ago must
// not look as if it had ended before what rests on it was made, or when it was.
func (k *Kernel) Now() time.Time {
	for {
		last := k.last.Load()
		now := time.Now().UnixMicro()
		if now < last {
			now = last + 1
		}
		if k.last.CompareAndSwap(last, now) {
			return time.UnixMicro(now).UTC()
		}
	}
}

// NotBefore makes Now begin no earlier than a time that is on record.
func (k *Kernel) NotBefore(t time.Time) {
	if t.IsZero() {
		return
	}
	for {
		last := k.last.Load()
		if t.UnixMicro() <= last || k.last.CompareAndSwap(last, t.UnixMicro()) {
			return
		}
	}
}

// Stored is a time as the database keeps it. Only none becomes none: what is left of the
// first microsecond that there is must not turn an end into none.
func Stored(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	if kept := t.UTC().Truncate(time.Microsecond); !kept.IsZero() {
		return kept
	}
	return time.Time{}.Add(time.Microsecond)
}

// TimeText writes a time for events, "" for none: to the microsecond, as the
// database keeps it, so that the record tells exactly when something ended.
func TimeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000Z")
}

// CheckExpiry refuses an expiry that has passed; zero is none.
func (v View) CheckExpiry(at time.Time) error {
	if !at.IsZero() && !at.After(v.Now) {
		return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidExpiry, "it must expire in the future").In("expires_at")
	}
	return nil
}
