package driver

import (
	"time"

	"github.com/keyhatch/keyhatch"
)

// Report is what was found so far by looking at one thing after the other.
type Report struct{ Checks []keyhatch.Check }

// Finding is how a check went, and why.
type Finding struct {
	Outcome keyhatch.Outcome
	Reason  string
}

// Passed is a finding of which there is nothing to tell.
var Passed = Finding{Outcome: keyhatch.Passed}

// Found is a finding with a reason, which is safe to show.
func Found(o keyhatch.Outcome, reason string) Finding { return Finding{o, reason} }

// Failed is that of what did not pass.
func Failed(reason string) Finding { return Found(keyhatch.Failed, reason) }

// Check looks at one thing, and tells whether what rests on it can be looked at.
func (r *Report) Check(name string, look func() Finding) (goOn bool) {
	begun := time.Now()
	f := look()
	r.Checks = append(r.Checks, keyhatch.Check{Name: name, Outcome: f.Outcome, Took: time.Since(begun), Reason: f.Reason})
	return f.Outcome != keyhatch.Failed
}

// Skip tells what was not looked at.
func (r *Report) Skip(reason string, names ...string) {
	for _, name := range names {
		r.Checks = append(r.Checks, keyhatch.Check{Name: name, Outcome: keyhatch.Skipped, Reason: reason})
	}
}
