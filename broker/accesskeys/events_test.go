package accesskeys_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/db"
)

// The record names every pair that a rotation ends, and tells until when the one before
// works on: what a pair opened at a time is told from that.
func TestRotationIsOnRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		key, first := w.issued(w.ann, accesskeys.NewKey{Name: "key", Rights: accesskeys.Rights{Read: []string{"aaa"}}})
		time.Sleep(time.Minute) // events of one moment have no order
		begin := time.Now().UTC()
		issue := func(grace time.Duration) string {
			_, pair, err := w.Broker.AccessKeys.Issue(t.Context(), w.ann, "", key.ID, grace)
			w.must(err)
			time.Sleep(time.Minute)
			return pair.AccessKeyID
		}
		second, third, fourth := issue(time.Hour), issue(2*time.Hour), issue(0)
		events, err := w.DB.Events(t.Context(), db.EventFilter{Target: key.ID, Action: accesskeys.Issued}, db.Everything)
		w.must(err)
		text := func(after time.Duration) string { return begin.Add(after).Format("2006-01-02T15:04:05.000000Z") }
		want := []map[string]string{ // the newest first
			{"name": "key", "access_key_id": fourth, "grace": "0s", "ended": third + " " + second},
			{"name": "key", "access_key_id": third, "grace": "2h0m0s", "ended": first, "works_on": second, "until": text(time.Minute + 2*time.Hour)},
			{"name": "key", "access_key_id": second, "grace": "1h0m0s", "works_on": first, "until": text(time.Hour)},
			{"name": "key", "access_key_id": first, "grace": "0s"},
		}
		var got []map[string]string
		for _, e := range events {
			got = append(got, e.Detail)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("on record (-want +got):\n%s", diff)
		}
	})
}

// A pair is its key's, whoever issued it: when an admin who rotated another's key goes, what
// backs up with it goes on. The record tells which pairs are of whom.
func TestPairsOutliveWhoIssuedThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, _ := w.issued(w.bob, accesskeys.NewKey{Name: "backup", Rights: accesskeys.Rights{Write: []string{"bbb"}}})
	_, pair, err := w.Broker.AccessKeys.Issue(t.Context(), w.ann, "lab", "backup", 0)
	w.must(err)
	w.must(w.Broker.People.RemoveWorkspaceMember(t.Context(), w.Admin, w.lab.ID, w.ann.User.ID))
	no := false
	_, err = w.Broker.People.UpdateUser(t.Context(), w.Admin, w.ann.User.ID, people.UserChange{Active: &no})
	w.must(err)
	w.wantOpen("issued by who is inactive now", pair.AccessKeyID, "bbb:write:only[]")
	events, err := w.DB.Events(t.Context(), db.EventFilter{Action: accesskeys.Issued, User: w.ann.User.ID}, db.Everything)
	if err != nil || len(events) != 1 || events[0].Target != key.ID || events[0].Detail["access_key_id"] != pair.AccessKeyID {
		t.Errorf("on record are %+v, %v", events, err)
	}
	_, err = w.Broker.People.UpdateUser(t.Context(), w.Admin, w.bob.User.ID, people.UserChange{Active: &no})
	w.must(err)
	w.wantOpen("of an owner who is inactive", pair.AccessKeyID, "ended")
}
