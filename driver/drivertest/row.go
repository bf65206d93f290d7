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

// row is one check of the matrix.
type row struct {
	name    string
	lease   terms
	seeds   []string // objects besides the usual ones
	uploads []string // that the store's owner has under way
	try     attempt
	want    outcome
	// changes is what is different in the store afterwards, as changes tells it.
	changes []string

	needs Feature
	// without is how the row comes out where that is lacking, and what changes
	// then. The zero outcome stands for refused.
	without        outcome
	changesWithout []string
}

// terms are what a row's lease is asked for: access below prefixes of its world,
// or to the whole bucket.
type terms struct {
	access   keyhatch.Access
	prefixes []string
	whole    bool
	short    bool // ends while the row waits
	most     bool // as many prefixes as a lease can have
}

func reading(prefixes ...string) terms { return terms{access: keyhatch.Read, prefixes: prefixes} }
func writing(prefixes ...string) terms { return terms{access: keyhatch.Write, prefixes: prefixes} }

// attempt does one thing with a lease. A refusal is returned as the client gives
// it; a wrongAnswer fails the row whatever it wants.
type attempt func(*visit) error

// outcome is how an attempt may come out.
type outcome struct {
	name  string
	holds func(s Site, status int, code string) bool // status 0: it was done
}

var (
	allowed = outcome{"allowed", func(_ Site, status int, _ string) bool { return status == 0 }}
	// denied is a refusal for the lack of a right.
	denied = outcome{"403", func(_ Site, status int, _ string) bool { return status == http.StatusForbidden }}
	// missing tells that there is no such thing.
	missing = outcome{"404", func(_ Site, status int, _ string) bool { return status == http.StatusNotFound }}
	// refused is any refusal: stores differ in whether they look at the right or
	// at the request first.
	refused = outcome{"refused", func(_ Site, status int, _ string) bool {
		return status >= 400 && status < 500 || status == http.StatusNotImplemented
	}}
	// failed is a refusal for which the store blames itself.
	failed = outcome{"refused or failed", func(s Site, status int, code string) bool {
		return refused.holds(s, status, code) || status == http.StatusInternalServerError
	}}
	// either: what matters is what the answer holds.
	either = outcome{"allowed or refused", func(s Site, status int, code string) bool {
		return status == 0 || refused.holds(s, status, code)
	}}
	expired = outcome{"refused as expired", func(s Site, status int, code string) bool {
		return refused.holds(s, status, code) && (s.ExpiryCode == "" || s.ExpiryCode == code)
	}}
)

// wrongAnswer is an answer that is not what it should be.
type wrongAnswer struct{ what string }

func (w wrongAnswer) Error() string { return w.what }

func wrong(format string, args ...any) error { return wrongAnswer{fmt.Sprintf(format, args...)} }

// itemRefused is a refusal inside an answer that has the status 200.
type itemRefused struct{ code string }

func (i itemRefused) Error() string { return "refused in the answer: " + i.code }

// refusal reads a refusal: its HTTP status and S3's code. The status is 0 when
// there is no error, and -1 when it is another one than a store's refusal.
func refusal(err error) (status int, code string) {
	var item itemRefused
	var response *smithyhttp.ResponseError
	var api smithy.APIError
	switch {
	case err == nil:
		return 0, ""
	case errors.As(err, &item) && item.code == "AccessDenied":
		return http.StatusForbidden, item.code
	case errors.As(err, &item):
		return http.StatusBadRequest, item.code
	case !errors.As(err, &response):
		return -1, ""
	}
	if errors.As(err, &api) {
		code = api.ErrorCode()
	}
	return response.HTTPStatusCode(), code
}

// verdict is how a row came out.
type verdict struct {
	faults  []string // of the attempt
	changed string   // the fault in what changed in the store, if there is one
	lacking string   // why a feature that the row needs is not there
	told    string   // how the attempt came out
}

// all are the faults; none: the row holds.
func (v verdict) all() []string {
	if v.changed == "" {
		return v.faults
	}
	return append(slices.Clone(v.faults), v.changed)
}

func (v *verdict) fault(format string, args ...any) {
	v.faults = append(v.faults, fmt.Sprintf(format, args...))
}

// judge tries the row in a world, of which before is the truth.
func (r row) judge(ctx context.Context, w *world, before truth) (v verdict) {
	guest := &visit{Context: ctx, world: w, wrote: map[place]string{}}
	tryErr := guest.borrow(r.lease)
	lent := tryErr == nil
	if lent {
		tryErr = r.try(guest)
	}
	if why := w.site.lack(r.needs); why != "" && (r.needs != OddPrefixes || !lent) {
		v.lacking = why
	}
	after, err := w.look(ctx, r.looksAtTags(w.site))
	if err != nil {
		v.fault("afterwards: %v", err)
		return v
	}
	r.holdOutcome(&v, w.site, tryErr, lent)
	want := slices.Sorted(slices.Values(r.changes))
	if v.lacking != "" {
		want = slices.Sorted(slices.Values(r.changesWithout))
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
func (r row) looksAtTags(s Site) bool {
	return (r.needs == Tagging || r.needs == QuietUntagging) && s.lack(Tagging) == ""
}

// holdOutcome compares how the attempt came out with how it must.
func (r row) holdOutcome(v *verdict, s Site, err error, lent bool) {
	var answer wrongAnswer
	status, code := refusal(err)
	v.told = fmt.Sprint(status, " ", code)
	if status == 0 {
		v.told = "it was done"
	}
	want := r.want
	if v.lacking != "" {
		if want = r.without; want.holds == nil {
			want = refused
		}
	}
	switch {
	case errors.As(err, &answer) && (v.lacking == "" || want.name != either.name):
		v.fault("%s", answer.what)
	case errors.As(err, &answer):
		v.told = answer.what // less than all, as is to be expected without
	case !lent && v.lacking != "" && r.needs == OddPrefixes:
		v.told = "it was not lent"
	case !lent:
		v.fault("no lease: %v", err)
	case status == 0 && v.lacking != "" && !want.holds(s, status, code):
		v.fault("it works, though the site is said to lack %s: %s", r.needs, v.lacking)
	case !want.holds(s, status, code):
		v.fault("%s (%v), want %s", v.told, err, want.name)
	}
}
