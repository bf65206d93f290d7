package lending_test

import (
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/broker/record"
)

// TestReleaseLocks: what is being published, or was, is not written, and stays locked
// until that is taken back.
func TestReleaseLocks(t *testing.T) {
	t.Parallel()
	w := newLab(t)
	change := func(ch places.LocationChange) (keyhatch.Location, error) {
		return w.Broker.Places.UpdateLocation(t.Context(), w.Admin, "", w.location.ID, ch)
	}
	release := func(r keyhatch.Release) keyhatch.Location {
		t.Helper()
		return get[keyhatch.Location](t)(change(places.LocationChange{Release: &r}))
	}
	unlocked := false
	for _, r := range []keyhatch.Release{keyhatch.ReleasePending, keyhatch.Released} {
		lent := get[struct{ keyhatch.Lease }](t)(w.writing())
		if l := release(r); !l.Locked || l.Release != r {
			t.Errorf("%s: %+v", r, l)
		}
		if got := w.standing(lent.Lease); got != "read" {
			t.Errorf("%s: a lease to write opens %s", r, got)
		}
		_, err := w.lease(w.ann, w.location.ID, keyhatch.Write)
		wantFail(t, string(r), err, keyhatch.Conflict, keyhatch.CodeLocationLocked, "")
		_, err = change(places.LocationChange{Locked: &unlocked})
		wantFail(t, "unlocking what is "+string(r), err, keyhatch.Conflict, keyhatch.CodeLocationLocked, "locked")
		events := get[kernel.List[keyhatch.Event]](t)(w.Broker.Record.Events(t.Context(), w.Admin, record.EventFilter{Action: places.LocationUpdated}, kernel.Page{Limit: 1}))
		if d := events.Items[0].Detail; d["release"] != string(r) || d["locked"] != "yes" {
			t.Errorf("on record is %v", d)
		}
		if l := release(keyhatch.NotReleased); !l.Locked {
			t.Error("taking a release back has unlocked")
		}
		none := keyhatch.NotReleased
		if l := get[keyhatch.Location](t)(change(places.LocationChange{Release: &none, Locked: &unlocked})); l.Locked {
			t.Error("it stays locked")
		}
		if got := w.standing(lent.Lease); got != "read" {
			t.Errorf("%s: a lease from before opens %s again", r, got)
		}
	}
}

func (w *lab) writing() (out struct{ keyhatch.Lease }, err error) {
	lent, err := w.lease(w.ann, w.location.ID, keyhatch.Write)
	out.Lease = lent.Lease
	return out, err
}
