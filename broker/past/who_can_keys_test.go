package past_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/past"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
)

// keysOf are an answer's keys in short: each with its owner, its rights, as what its owner
// decides, and how many pairs worked.
func keysOf(a past.WhoCan) string {
	var out []string
	for _, w := range a.Keys {
		out = append(out, fmt.Sprintf("%s of %s %s%s%d", w.Key.Name, w.Owner.Name, w.Rights, w.Standings, len(w.Pairs)))
	}
	return strings.Join(out, ", ")
}

func (w *lab) wantKeys(location string, access keyhatch.Access, at time.Time, want string) {
	w.t.Helper()
	a, err := w.ask(w.Admin, location, access, at)
	if err != nil || keysOf(a) != want || len(a.Doubts) > 0 {
		w.t.Errorf("which keys could %s %s at %v: %q in doubt of %v (%v), want %q", access, location, at, keysOf(a), a.Doubts, err, want)
	}
}

// newKey makes a key with a pair, of the workspace's bucket, a minute after what was
// before.
func (w *lab) newKey(by keyhatch.Caller, name string, r accesskeys.Rights) keyhatch.AccessKey {
	w.t.Helper()
	time.Sleep(time.Minute)
	k, err := w.Broker.AccessKeys.Create(w.ctx, by, accesskeys.NewKey{Workspace: "lab", Store: w.Store.ID, Name: name, Rights: r})
	w.must(err)
	w.issue(by, k, 0)
	return k
}

func (w *lab) issue(by keyhatch.Caller, k keyhatch.AccessKey, grace time.Duration) {
	w.t.Helper()
	_, _, err := w.Broker.AccessKeys.Issue(w.ctx, by, "", k.ID, grace)
	w.must(err)
}

// TestWhichKeysCould goes through the life of keys, their owners, their bucket and its
// locations, and then asks about each part of it.
func TestWhichKeysCould(t *testing.T) {
	inLab(t, func(w *lab) {
		var at []time.Time
		then := func(err error) {
			t.Helper()
			w.must(err)
			time.Sleep(time.Minute)
			at = append(at, time.Now())
			time.Sleep(time.Minute)
		}
		bucket := []string{"lab-data"}
		change := func(k keyhatch.AccessKey, ch accesskeys.Change) error {
			_, err := w.Broker.AccessKeys.Update(w.ctx, w.Admin, "", k.ID, ch)
			return err
		}
		user := func(ch people.UserChange) error {
			_, err := w.Broker.People.UpdateUser(w.ctx, w.Admin, "chief", ch)
			return err
		}
		then(nil) // 0: no keys
		unissued, err := w.Broker.AccessKeys.Create(w.ctx, w.Admin, accesskeys.NewKey{Workspace: "lab", Store: w.Store.ID, Name: "a", Rights: accesskeys.Rights{Write: bucket}})
		w.must(err)
		all := w.newKey(w.chief, "b", accesskeys.Rights{ReadAll: true, WriteAll: true})
		then(nil) // 1
		w.issue(w.chief, all, 90*time.Second)
		w.issue(w.Admin, unissued, 0)
		then(nil) // 2: after a minute both pairs work
		time.Sleep(time.Minute)
		then(change(all, accesskeys.Change{Rights: &accesskeys.Rights{Read: bucket}})) // 3: narrowed
		no, yes := false, true
		then(user(people.UserChange{Active: &no}))  // 4: the owner is inactive
		then(user(people.UserChange{Active: &yes})) // 5
		end := time.Now().Add(30 * time.Second)
		then(change(all, accesskeys.Change{ExpiresAt: &end})) // 6: expired
		never, name := time.Time{}, "c"
		then(change(all, accesskeys.Change{ExpiresAt: &never, Name: &name})) // 7: renamed
		_, err = w.Broker.People.PutWorkspaceMember(w.ctx, w.Admin, "lab", "chief", keyhatch.MemberRole)
		then(err) // 8: the owner is no admin any more
		chief := "chief"
		_, err = w.Broker.Buckets.Update(w.ctx, w.Admin, "lab", "lab-data", buckets.Change{Owner: &chief})
		then(err) // 9: and owns the bucket
		_, err = w.Broker.Places.UpdateLocation(w.ctx, w.Admin, "", w.location.ID, places.LocationChange{Locked: &yes})
		then(err)                                                            // 10
		then(w.Broker.AccessKeys.Delete(w.ctx, w.Admin, "", all.ID))         // 11
		then(w.Broker.Places.DeleteLocation(w.ctx, w.Admin, "lab", "alpha")) // 12
		const (
			writes  = "a of admin [bucket][installation_admin workspace_admin bucket_owner]1"
			manager = "b of chief [bucket][workspace_admin]1"
		)
		for i, want := range []struct{ read, write string }{
			{"", ""},
			{"b of chief [all][workspace_admin]1", "a of admin [bucket][installation_admin workspace_admin bucket_owner]0, b of chief [all][workspace_admin]1"},
			{"b of chief [all][workspace_admin]2", writes + ", b of chief [all][workspace_admin]2"},
			{manager, writes},
			{"", writes},
			{manager, writes},
			{"", writes},
			{"c of chief [bucket][workspace_admin]1", writes},
			{"", writes},
			{"c of chief [bucket][bucket_owner]1", "a of admin [bucket][installation_admin workspace_admin]1"},
			{"c of chief [bucket][bucket_owner]1", ""},
			{"", ""},
		} {
			w.wantKeys(w.location.ID, read, at[i], want.read)
			w.wantKeys("s3://lab-data/alpha/2024", write, at[i], want.write)
		}
		// The bucket's root is no location: what is locked of it is told, and what lies there.
		a, err := w.ask(w.Admin, "s3://lab-data/", write, at[10])
		if err != nil || keysOf(a) != "a of admin [bucket][installation_admin workspace_admin]1" || !slices.Equal(a.LockedParts, []keyhatch.Prefix{"alpha/"}) || a.Location.ID != "" {
			t.Errorf("above what is locked: %+v, %v", a, err)
		}
		if a, err := w.ask(w.Admin, "s3://lab-data/", read, at[10]); err != nil || len(a.LockedParts) > 0 {
			t.Errorf("what is locked is read: %+v, %v", a, err)
		}
		w.wantKeys("s3://lab-data/alpha/", write, time.Time{}, "a of admin [bucket][installation_admin workspace_admin]1")
	})
}

// TestWhoMayAskWhichKeysCould: the owner of a location is told of the keys that open it,
// and of no other place; nobody of another workspace's.
func TestWhoMayAskWhichKeysCould(t *testing.T) {
	inLab(t, func(w *lab) {
		other := w.Workspace(t, "other")
		w.newKey(w.chief, "ours", accesskeys.Rights{ReadAll: true})
		_, err := w.Broker.AccessKeys.Create(w.ctx, w.Admin, accesskeys.NewKey{Workspace: other.ID, Store: w.Store.ID, Name: "theirs", Rights: accesskeys.Rights{ReadAll: true}})
		w.must(err)
		time.Sleep(time.Minute)
		for _, c := range []keyhatch.Caller{w.keeper, w.chief, w.Admin} {
			a, err := w.ask(c, "s3://lab-data/alpha/x/", read, time.Time{})
			if err != nil || keysOf(a) != "ours of chief [all][workspace_admin]1" || a.Keys[0].Store.Name != w.Store.Name {
				t.Errorf("%s is told %q, %v", c.User.Name, keysOf(a), err)
			}
		}
		for _, c := range []keyhatch.Caller{w.keeper, w.ann, w.guest} {
			_, err := w.ask(c, "s3://lab-data/beta/", read, time.Time{})
			w.refused(c.User.Name+" asks about no location", err, keyhatch.NotFound, keyhatch.CodeLocationNotFound)
		}
		_, err = w.ask(w.chief, "s3://other-data/", read, time.Time{})
		w.refused("another workspace's bucket", err, keyhatch.NotFound, keyhatch.CodeLocationNotFound)
	})
}

// TestAddressesAboveLocations: about an address that is in no location, the ways into
// those that lie below are told, and nothing of those beside it.
func TestAddressesAboveLocations(t *testing.T) {
	inLab(t, func(w *lab) {
		w.give(user, "guest", read, "2024", time.Time{})
		w.location = w.newLocation("beta", "s3://lab-data/alphabet/")
		w.give(user, "ann", read, "", time.Time{})
		time.Sleep(time.Minute)
		w.want("s3://lab-data/", read, time.Time{}, "ann in alphabet/, guest in alpha/2024/")
		w.want("s3://lab-data/al/", read, time.Time{}, "")
		w.want("s3://lab-data/alphabet/", read, time.Time{}, "ann")
	})
}

// TestDamagedRecordsOfKeys: what does not fit is named.
func TestDamagedRecordsOfKeys(t *testing.T) {
	for name, statement := range map[string]string{
		"access_key.create":   "update events set detail = replace(detail, '\"owner\":\"', '\"owner\":\"x') where action = 'access_key.create'",
		"access_key.update":   "update events set detail = replace(detail, '\"expires\":\"', '\"expires\":\"x') where action = 'access_key.update'",
		"access_key.issue":    "update events set detail = replace(detail, '\"works_on\":\"', '\"works_on\":\"x') where action = 'access_key.issue'",
		"access_key.delete":   "delete from events where action = 'access_key.create' or action = 'access_key.update'",
		"access_key.withdraw": "delete from events where action = 'access_key.issue'",
		"workspace.create":    "delete from events where action = 'installation.create'",
		"bucket.create":       "delete from events where action = 'store.create'",
		"bucket.update":       "delete from events where action = 'bucket.create'",
		"location.create":     "delete from events where action = 'bucket.create'",
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(w *lab) {
				k := w.newKey(w.chief, "key", accesskeys.Rights{Read: []string{"lab-data"}})
				end, chief := time.Now().Add(time.Hour), "chief"
				_, err := w.Broker.AccessKeys.Update(w.ctx, w.Admin, "", k.ID, accesskeys.Change{ExpiresAt: &end})
				w.issue(w.chief, k, time.Hour)
				_, bucketErr := w.Broker.Buckets.Update(w.ctx, w.Admin, "lab", "lab-data", buckets.Change{Owner: &chief})
				_, secret, tokenErr := w.Broker.People.CreateToken(w.ctx, w.Admin, people.NewToken{})
				w.must(errors.Join(err, bucketErr, tokenErr))
				leaked, err := w.Broker.People.Authenticate(w.ctx, secret)
				w.must(err)
				w.issue(leaked, k, 0)
				w.must(w.Broker.People.ReportLeak(w.ctx, secret))
				w.must(w.Broker.AccessKeys.Delete(w.ctx, w.Admin, "", k.ID))
				w.wantKeys("alpha", read, time.Time{}, "")
				w.SQL(t, statement)
				a, err := w.ask(w.Admin, "alpha", read, time.Time{})
				if err != nil || !strings.Contains(strings.Join(a.Doubts, "\n"), "("+name+")") {
					t.Errorf("in doubt of %q, %v", a.Doubts, err)
				}
			})
		})
	}
}
