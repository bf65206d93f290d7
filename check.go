package keyhatch

import "time"

// Check is one thing that was looked at when an authority was verified.
type Check struct {
	Name    string // of lower-case letters and "_"; it never changes
	Outcome Outcome
	Took    time.Duration
	Reason  string // of what did not pass, or what there is to know; safe to show
}

// Outcome is how a check went.
type Outcome string

// The outcomes.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Skipped Outcome = "skipped" // it does not apply, or one before it failed
	Warning Outcome = "warning" // it works, and somebody should know how
)
