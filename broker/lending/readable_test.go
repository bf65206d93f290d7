package lending_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/places"
)

// reads is what is lent to read, as addresses; else the code of the refusal, with its message.
func (w *lab) reads(c keyhatch.Caller, r lending.ReadRequest) string {
	w.t.Helper()
	lent, err := w.Broker.Lending.LeaseReadable(w.t.Context(), c, r)
	var e *keyhatch.Error
	if errors.As(err, &e) {
		return string(e.Code) + ": " + e.Message
	}
	return strings.Join(get[lending.Lent](w.t)(lent, err).Lease.URLs(), " ")
}

func (w *lab) letRead(who keyhatch.Caller, l keyhatch.Location, prefix string, until time.Time) {
	w.t.Helper()
	did(w.t)(w.Broker.Places.GiveGrant(w.t.Context(), w.Admin, places.NewGrant{
		Location: l.ID, Prefix: prefix, Subject: user, Name: who.User.ID, Access: read, ExpiresAt: until,
	}))
}

// TestReadableNow: where nothing is named, what is not open from here and what ends too soon is
// left out. It had everything refused. What is named is refused, and so is all when nothing is left.
func TestReadableNow(t *testing.T) {
	t.Parallel()
	w := newLab(t)
	beta := get[keyhatch.Location](t)(w.Broker.Places.CreateLocation(t.Context(), w.Admin, places.NewLocation{
		Workspace: w.ws.ID, URL: "s3://lab-data/beta/", Name: "beta", Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	}))
	gamma := w.Location(t, w.ws, "s3://lab-data/gamma/")
	soon := time.Now().Add(time.Minute)
	w.letRead(w.ann, beta, "", time.Time{})
	w.letRead(w.ann, gamma, "", soon)
	w.letRead(w.ann, gamma, "in/", time.Time{}) // in what ends soon
	bob, cas := w.User(t, "bob"), w.User(t, "cas")
	w.letRead(bob, beta, "", time.Time{})
	w.letRead(cas, gamma, "", soon)
	for _, tc := range []struct {
		who    keyhatch.Caller
		from   keyhatch.Origin
		r      lending.ReadRequest
		begins string
	}{
		{w.ann, inside, lending.ReadRequest{}, "s3://lab-data/alpha/ s3://lab-data/beta/ s3://lab-data/gamma/in/"},
		{w.ann, outside, lending.ReadRequest{}, "s3://lab-data/alpha/ s3://lab-data/gamma/in/"},
		{w.ann, outside, lending.ReadRequest{Location: beta.ID}, "outside_networks"},
		{w.ann, outside, lending.ReadRequest{Prefix: "s3://lab-data/beta/"}, "outside_networks"},
		{w.ann, inside, lending.ReadRequest{Location: gamma.ID}, "life_exceeds_limit"},
		{bob, inside, lending.ReadRequest{}, "s3://lab-data/beta/"},
		{bob, outside, lending.ReadRequest{}, "outside_networks"},
		{cas, inside, lending.ReadRequest{}, "life_exceeds_limit"},
	} {
		tc.who.Origin = tc.from
		if got := w.reads(tc.who, tc.r); got != tc.begins && !strings.HasPrefix(got, tc.begins+":") {
			t.Errorf("%s from %s asks for %+v: %s, want %s", tc.who.User.Name, tc.from.Address, tc.r, got, tc.begins)
		}
	}
}

// TestReadableOtherwise: what is configured is read where all is more than one lease can say, of
// another workspace or too long for a session token, by who may read it. Others were refused it, and
// not told what they may read; and what was too long was refused with what is configured, too.
func TestReadableOtherwise(t *testing.T) {
	t.Parallel()
	w := newLab(t)
	other := w.Location(t, w.Workspace(t, "other"), "s3://other-data/x/")
	beta := w.Location(t, w.ws, "s3://lab-data/beta/")
	bob, cas, dan := w.User(t, "bob"), w.User(t, "cas"), w.User(t, "dan")
	for _, who := range []keyhatch.Caller{w.ann, bob, dan} {
		w.letRead(who, other, "", time.Time{})
	}
	w.letRead(bob, w.location, "in/", time.Time{})
	w.letRead(dan, beta, "", time.Time{})
	for i := range 10 {
		w.letRead(cas, beta, fmt.Sprintf("%s%d/", strings.Repeat("long-", 160), i), time.Time{})
	}
	w.letRead(cas, w.location, "", time.Time{})
	const alpha, in = "s3://lab-data/alpha/", "s3://lab-data/alpha/in/"
	for _, tc := range []struct {
		who       keyhatch.Caller
		otherwise string
		want      string // or the code of the refusal
	}{
		{w.ann, w.location.Name, alpha},
		{w.ann, alpha, alpha},
		{w.ann, in, in},
		{bob, w.location.Name, in},
		{bob, w.location.ID, in},
		{bob, alpha, in},
		{bob, in, in},
		{bob, alpha + "out/", "location_required"},
		{cas, w.location.Name, alpha},
		{cas, "", "location_required"},
		{dan, w.location.Name, "location_required"},
		{dan, alpha, "location_required"},
		{dan, "none", "location_required"},
		{w.User(t, "eve"), alpha, "access_not_granted"},
	} {
		r := lending.ReadRequest{}
		if tc.otherwise != "" {
			r.OtherwiseIn, r.Otherwise = "lab", tc.otherwise
		}
		code, message, _ := strings.Cut(w.reads(tc.who, r), ": ")
		if code != tc.want || code == "location_required" && !strings.Contains(message, "s3://") {
			t.Errorf("%s, otherwise %q: %s %s, want %s", tc.who.User.Name, tc.otherwise, code, message, tc.want)
		}
	}
	if got := w.reads(dan, lending.ReadRequest{OtherwiseIn: "none", Otherwise: alpha}); !strings.Contains(got, "location_required") {
		t.Errorf("in no workspace: %s", got)
	}
}
