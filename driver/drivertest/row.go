package drivertest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/keyhatch/keyhatch"
)

// Row is one check of the matrix.
type Row struct {
	Name    string
	Lease   Terms
	Seeds   []string // objects besides the usual ones
	Uploads []string // that the store's owner has under way
	Try     Attempt
	Want    Outcome
	// Changes is what is different in the store afterwards, as changes tells it.
	Changes []string

	Needs Feature
	// Without is how the row comes out where that is lacking, and what changes
	// then. The zero outcome stands for refused.
	Without        Outcome
	ChangesWithout []string
}

// Terms are what a row's lease is asked for: access below prefixes of its world,
// or to the whole bucket.
type Terms struct {
	Access   keyhatch.Access
	prefixes []string
	Whole    bool
	Short    bool // ends while the row waits
	Most     bool // as many prefixes as a lease can have
}

func Reading(prefixes ...string) Terms { return Terms{Access: keyhatch.Read, prefixes: prefixes} }
func Writing(prefixes ...string) Terms { return Terms{Access: keyhatch.Write, prefixes: prefixes} }

// Attempt does one thing with a lease. A refusal is returned as the client gives
// it; what Wrong makes fails the row whatever it wants.
type Attempt func(*Visit) error

// Outcome is how an attempt may come out.
type Outcome struct {
	name  string
	Holds func(s Site, status int, code string) bool // status 0: it was done
}

var (
	Allowed = Outcome{"allowed", func(_ Site, status int, _ string) bool { return status == 0 }}
	// Denied is a refusal for the lack of a right.
	Denied = Outcome{"403", func(_ Site, status int, _ string) bool { return status == http.StatusForbidden }}
	// Missing tells that there is no such thing.
	Missing = Outcome{"404", func(_ Site, status int, _ string) bool { return status == http.StatusNotFound }}
	// Refused is any refusal: stores differ in whether they look at the right or
	// at the request first.
	Refused = Outcome{"refused", func(_ Site, status int, _ string) bool {
		return status >= 400 && status < 500 || status == http.StatusNotImplemented
	}}
	// Failed is a refusal for which the store blames itself.
	Failed = Outcome{"refused or failed", func(s Site, status int, code string) bool {
		return Refused.Holds(s, status, code) || status == http.StatusInternalServerError
	}}
	// Either: what matters is what the answer holds.
	Either = Outcome{"allowed or refused", func(s Site, status int, code string) bool {
		return status == 0 || Refused.Holds(s, status, code)
	}}
	Expired = Outcome{"refused as expired", func(s Site, status int, code string) bool {
		return Refused.Holds(s, status, code) && (s.ExpiryCode == "" || s.ExpiryCode == code)
	}}
)

// wrongAnswer is an answer that is not what it should be.
type wrongAnswer struct{ what string }

func (w wrongAnswer) Error() string { return w.what }

func Wrong(format string, args ...any) error { return wrongAnswer{fmt.Sprintf(format, args...)} }

// ItemRefused is a refusal inside an answer that has the status 200.
type ItemRefused struct{ Code string }

func (i ItemRefused) Error() string { return "refused in the answer: " + i.Code }

// Refusal reads a refusal: its HTTP status and S3's code. The status is 0 when
// there is no error, and -1 when it is another one than a store's refusal.
func Refusal(err error) (status int, code string) {
	var item ItemRefused
	var response *smithyhttp.ResponseError
	var api smithy.APIError
	switch {
	case err == nil:
		return 0, ""
	case errors.As(err, &item) && item.Code == "AccessDenied":
		return http.StatusForbidden, item.Code
	case errors.As(err, &item):
		return http.StatusBadRequest, item.Code
	case !errors.As(err, &response):
		return -1, ""
	}
	if errors.As(err, &api) {
		code = api.ErrorCode()
	}
	return response.HTTPStatusCode(), code
}

// Verdict is how a row came out.
type Verdict struct {
	faults  []string // of the attempt
	changed string   // the fault in what changed in the store, if there is one
	lacking string   // why a feature that the row needs is not there
	Told    string   // how the attempt came out
}

// All are the faults; none: the row holds.
func (v Verdict) All() []string {
	if v.changed == "" {
		return v.faults
	}
	return append(slices.Clone(v.faults), v.changed)
}

func (v *Verdict) fault(format string, args ...any) {
	v.faults = append(v.faults, fmt.Sprintf(format, args...))
}

// judge tries the row in a world, of which before is the truth.
func (r Row) judge(ctx context.Context, w *World, before truth) (v Verdict) {
	guest := &Visit{Context: ctx, World: w, Wrote: map[Place]string{}}
	tryErr := guest.borrow(r.Lease)
	lent := tryErr == nil
	if lent {
		tryErr = r.Try(guest)
	}
	if why := w.Site.lack(r.Needs); why != "" && (r.Needs != OddPrefixes || !lent) {
		v.lacking = why
	}
	after, err := w.look(ctx, r.looksAtTags(w.Site))
	if err != nil {
		v.fault("afterwards: %v", err)
		return v
	}
	r.holdOutcome(&v, w.Site, tryErr, lent)
	want := slices.Sorted(slices.Values(r.Changes))
	if v.lacking != "" {
		want = slices.Sorted(slices.Values(r.ChangesWithout))
	}
	if got := changes(before, after); !slices.Equal(got, want) {
		v.changed = fmt.Sprintf("the store changed: %q, want %q", got, want)
	}
	for _, leak := range guest.leaks() {
		v.fault("an answer holds what the lease does not open: %s", leak)
	}
	return v
}

// looksAtTags tells whether the row could change nothing but an object's tags.
func (r Row) looksAtTags(s Site) bool {
	return (r.Needs == Tagging || r.Needs == QuietUntagging) && s.lack(Tagging) == ""
}

// holdOutcome compares how the attempt came out with how it must.
func (r Row) holdOutcome(v *Verdict, s Site, err error, lent bool) {
	var answer wrongAnswer
	status, code := Refusal(err)
	v.Told = fmt.Sprint(status, " ", code)
	if status == 0 {
		v.Told = "it was done"
	}
	want := r.Want
	if v.lacking != "" {
		if want = r.Without; want.Holds == nil {
			want = Refused
		}
	}
	switch {
	case errors.As(err, &answer) && (v.lacking == "" || want.name != Either.name):
		v.fault("%s", answer.what)
	case errors.As(err, &answer):
		v.Told = answer.what // less than all, as is to be expected without
	case !lent && v.lacking != "" && r.Needs == OddPrefixes:
		v.Told = "it was not lent"
	case !lent:
		v.fault("no lease: %v", err)
	case status == 0 && v.lacking != "" && !want.Holds(s, status, code):
		v.fault("it works, though the site is said to lack %s: %s", r.Needs, v.lacking)
	case !want.Holds(s, status, code):
		v.fault("%s (%v), want %s", v.Told, err, want.name)
	}
}
