package tiledb_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
)

// on is the store that a setting's bucket is on, as who manages it sees it.
func (w *world) on(setting string) keyhatch.Store {
	w.T.Helper()
	l, err := w.Broker.Places.Location(w.T.Context(), w.ann, "lab", setting)
	if err != nil {
		w.T.Fatal(err)
	}
	s, err := w.Broker.Places.Store(w.T.Context(), w.ann, l.Store)
	if err != nil {
		w.T.Fatal(err)
	}
	return s
}

// nativeLocation is a location on a store of the workspace that was made by itself.
func (w *world) nativeLocation(name, credential string) keyhatch.Location {
	w.T.Helper()
	p := w.Broker.Places
	s, err := p.CreateStore(w.T.Context(), w.ann, places.NewStore{Workspace: "lab", Name: "lab." + name, Kind: keyhatch.S3Store, Endpoint: "https://s3.example", Credential: credential})
	if err != nil {
		w.T.Fatal(err)
	}
	if _, err := w.Broker.Buckets.Register(w.T.Context(), w.ann, buckets.Existing{Workspace: "lab", Store: s.ID, Name: name}); err != nil {
		w.T.Fatal(err)
	}
	l, err := p.CreateLocation(w.T.Context(), w.ann, places.NewLocation{Workspace: "lab", Name: name, URL: "s3://" + name + "/a/"})
	if err != nil {
		w.T.Fatal(err)
	}
	return l
}

// TestSettingScopes: a setting is a location that is made with a bucket and a store, so
// that changing one takes the scopes of all three nouns. Once `locations` was enough to
// make stores, and to have them act through another credential.
func TestSettingScopes(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"cred1", "cred2"} {
		w.want(201, "", "ann", "POST", "/v4/credentials/lab", fmt.Sprintf(`{"name":%q,%s}`, name, someKeys))
	}
	for i, tc := range []struct {
		scopes             []keyhatch.Scope
		look, change, make int
	}{
		{[]keyhatch.Scope{"locations"}, 200, 403, 403},
		{[]keyhatch.Scope{"locations:read", "stores", "buckets"}, 200, 403, 403},
		{[]keyhatch.Scope{"stores"}, 403, 403, 403},
		{[]keyhatch.Scope{"locations", "stores"}, 200, 403, 403},
		{[]keyhatch.Scope{"locations", "stores", "buckets"}, 200, 204, 201},
		{[]keyhatch.Scope{"all"}, 200, 204, 201},
		{[]keyhatch.Scope{"GET /v4/storagesettings/", "PATCH /v4/storagesettings/", "POST /v4/storagesettings/", "DELETE /v4/storagesettings/"}, 200, 204, 201},
	} {
		w.want(201, "one setting", "ann", "POST", "/v4/storagesettings/lab", settingOf("one", "s3://whole/a", "cred1"))
		who := fmt.Sprint("scoped", i)
		w.key[who] = w.Secret(people.NewToken{User: w.ann.User.ID, Scopes: tc.scopes})
		for _, ask := range []struct {
			method, path, body string
			want               int
		}{
			{"GET", "", "", tc.look},
			{"GET", "/one", "", tc.look},
			{"PATCH", "/one", `{"credentials_name":"cred2"}`, tc.change},
			{"POST", "", settingOf("two", "s3://other/a", "cred1"), tc.make},
			{"DELETE", "/one", "", tc.change},
		} {
			if a := w.ask(who, ask.method, "/v4/storagesettings/lab"+ask.path, ask.body); a.Status != ask.want {
				t.Errorf("%s: %s %s: %d %s, want %d", tc.scopes, ask.method, ask.path, a.Status, a.Body, ask.want)
			}
		}
		for _, name := range []string{"one", "two"} {
			w.ask("ann", "DELETE", "/v4/storagesettings/lab/"+name, "")
		}
	}
}

// TestNativeStoreKeepsItsCredential: a location of a store that serves other buckets too
// is a setting, but what that store acts through is changed there, and not for all of
// it by the way.
func TestNativeStoreKeepsItsCredential(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"cred1", "cred2"} {
		w.want(201, "", "ann", "POST", "/v4/credentials/lab", fmt.Sprintf(`{"name":%q,%s}`, name, someKeys))
	}
	l := w.nativeLocation("own", "cred1")
	const one = "/v4/storagesettings/lab/own"
	w.refused(409, "credentials_name", "ann", "PATCH", one, `{"credentials_name":"cred2"}`)
	w.want(204, "", "ann", "PATCH", one, `{"credentials_name":"cred1","name":"renamed"}`)
	if s := into[settingSeen](w, w.want(200, "one setting", "ann", "GET", "/v4/storagesettings/lab/renamed", "")).Data; s.ID != l.ID || s.Credential != "cred1" {
		t.Errorf("it is %+v", s)
	}
	w.want(204, "", "ann", "DELETE", "/v4/storagesettings/lab/renamed", "")
	if _, err := w.Broker.Buckets.Bucket(t.Context(), w.ann, "lab", "own"); err != nil {
		t.Errorf("the bucket of a store that was not made for it: %v", err)
	}
}

// TestWhoForgetsABucket: what was put on record for a setting goes with the last one
// when somebody removes it who might remove it by itself; for others it stays. Once a
// task's token and a location's owner removed stores.
func TestWhoForgetsABucket(t *testing.T) {
	w := newWorld(t)
	w.want(201, "", "ann", "POST", "/v4/credentials/lab", `{"name":"cred1",`+someKeys+`}`)
	task := w.Token(t, w.Admin, people.NewToken{User: w.ann.User.ID, Annotations: map[string]string{"task": "nightly"}})
	w.key["task"] = w.Secret(people.NewToken{User: w.ann.User.ID, Annotations: map[string]string{"task": "nightly"}})
	for _, tc := range []struct {
		what   string
		remove func() error
		goes   bool
	}{
		{"an owner who is a member", func() error { return w.Broker.Places.DeleteLocation(t.Context(), w.bob, "lab", "one") }, false},
		{"a task", func() error { return w.Broker.Places.DeleteLocation(t.Context(), task, "lab", "one") }, false},
		{"a task, as a setting", func() error {
			w.want(204, "", "task", "DELETE", "/v4/storagesettings/lab/one", "")
			return nil
		}, false},
		{"an admin", func() error { return w.Broker.Places.DeleteLocation(t.Context(), w.ann, "lab", "one") }, true},
	} {
		w.want(201, "one setting", "ann", "POST", "/v4/storagesettings/lab", settingOf("one", "s3://whole/a", "cred1"))
		if _, err := w.Broker.Places.UpdateLocation(t.Context(), w.ann, "lab", "one", places.LocationChange{Owner: &w.bob.User.ID}); err != nil {
			t.Fatal(err)
		}
		if err := tc.remove(); err != nil {
			t.Errorf("%s: %v", tc.what, err)
		}
		w.refused(404, "", "ann", "GET", "/v4/storagesettings/lab/one", "")
		if _, err := w.Broker.Buckets.Bucket(t.Context(), w.ann, "lab", "whole"); errors.Is(err, keyhatch.NotFound) != tc.goes {
			t.Errorf("%s: the bucket: %v", tc.what, err)
		}
	}
}

// TestKeysKeepABucket: a bucket that access keys are for stays when its last setting goes,
// and with it the store.
func TestKeysKeepABucket(t *testing.T) {
	w := newWorld(t)
	w.want(201, "", "ann", "POST", "/v4/credentials/lab", `{"name":"cred1",`+someKeys+`}`)
	w.want(201, "one setting", "ann", "POST", "/v4/storagesettings/lab", settingOf("one", "s3://whole/a", "cred1"))
	key, err := w.Broker.AccessKeys.Create(t.Context(), w.ann, accesskeys.NewKey{
		Workspace: "lab", Store: w.on("one").Name, Name: "k", Rights: accesskeys.Rights{Read: []string{"whole"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.want(204, "", "ann", "DELETE", "/v4/storagesettings/lab/one", "")
	if _, err := w.Broker.Buckets.Bucket(t.Context(), w.ann, "lab", "whole"); err != nil {
		t.Errorf("the key's bucket: %v", err)
	}
	if err := w.Broker.AccessKeys.Delete(t.Context(), w.ann, "lab", key.ID); err != nil {
		t.Fatal(err)
	}
	w.want(201, "one setting", "ann", "POST", "/v4/storagesettings/lab", settingOf("one", "s3://whole/a", "cred1"))
	w.want(204, "", "ann", "DELETE", "/v4/storagesettings/lab/one", "")
	if _, err := w.Broker.Buckets.Bucket(t.Context(), w.ann, "lab", "whole"); !errors.Is(err, keyhatch.NotFound) {
		t.Errorf("the bucket without the key: %v", err)
	}
}

// TestS6_PrivateTeamspacesData: who may not see a teamspace sees neither its store nor
// its bucket, in lists and by name.
func TestS6_PrivateTeamspacesData(t *testing.T) {
	w := newWorld(t)
	for _, visibility := range []string{"private", "public"} {
		in := "?teamspace_id=" + visibility
		w.want(201, "one teamspace", "ann", "POST", "/v4/teamspaces/lab", fmt.Sprintf(`{"name":%q,"visibility":%q}`, visibility, visibility))
		w.want(201, "", "ann", "POST", "/v4/credentials/lab"+in, `{"name":"cred1",`+someKeys+`}`)
		w.want(201, "one setting", "ann", "POST", "/v4/storagesettings/lab"+in, settingOf(visibility, "s3://of-"+visibility+"/a", "cred1"))
	}
	p := w.Broker.Places
	confined := w.Token(t, w.Admin, people.NewToken{Workspace: w.lab.ID})
	insider := w.User(t, "cyd")
	w.Member(t, w.lab, insider, keyhatch.MemberRole)
	if _, err := w.Broker.People.PutTeamspaceMember(t.Context(), w.ann, "lab", "private", insider.User.ID, keyhatch.ViewerRole); err != nil {
		t.Fatal(err)
	}
	stores := map[string]keyhatch.Store{"private": w.on("private"), "public": w.on("public")}
	for who, tc := range map[string]struct {
		caller keyhatch.Caller
		sees   map[string]bool
	}{
		"bob":      {w.bob, map[string]bool{"public": true}},
		"cyd":      {insider, map[string]bool{"public": true, "private": true}},
		"ann":      {w.ann, map[string]bool{"public": true, "private": true}},
		"admin":    {w.Admin, map[string]bool{"public": true, "private": true}},
		"confined": {confined, map[string]bool{"public": true, "private": true}},
	} {
		found, err := w.Broker.Buckets.Buckets(t.Context(), tc.caller, "lab", kernel.Page{})
		if err != nil {
			t.Fatal(err)
		}
		all, err := p.Stores(t.Context(), tc.caller, kernel.Page{})
		if err != nil {
			t.Fatal(err)
		}
		listed := map[string]int{}
		for _, b := range found.Items {
			listed[strings.TrimPrefix(b.Name, "of-")]++
		}
		for _, s := range all.Items {
			for visibility, of := range stores {
				if s.ID == of.ID {
					listed[visibility] += 10
				}
			}
		}
		for visibility, s := range stores {
			want := map[bool]int{true: 11}[tc.sees[visibility]]
			if listed[visibility] != want {
				t.Errorf("%s, %s: listed %d, want %d", who, visibility, listed[visibility], want)
			}
			_, byID := p.Store(t.Context(), tc.caller, s.ID)
			_, byName := p.Store(t.Context(), tc.caller, s.Name)
			_, bucket := w.Broker.Buckets.Bucket(t.Context(), tc.caller, "lab", "of-"+visibility)
			for what, err := range map[string]error{"by id": byID, "by name": byName, "bucket": bucket} {
				if tc.sees[visibility] != (err == nil) || err != nil && !errors.Is(err, keyhatch.NotFound) {
					t.Errorf("%s, %s, %s: %v", who, visibility, what, err)
				}
			}
		}
	}
}

// TestStoreForOneBucket: a store that was made for a setting's bucket takes no other one,
// whatever it is called, and goes with it. Once its name told, which can be changed.
func TestStoreForOneBucket(t *testing.T) {
	w := newWorld(t)
	p := w.Broker.Places
	w.want(201, "", "ann", "POST", "/v4/credentials/lab", `{"name":"cred1",`+someKeys+`}`)
	w.want(201, "one setting", "ann", "POST", "/v4/storagesettings/lab", settingOf("one", "s3://whole/a", "cred1"))
	made := w.on("one")
	name := "lab.renamed"
	if _, err := p.UpdateStore(t.Context(), w.ann, made.ID, places.StoreChange{Name: &name}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Broker.Buckets.Register(t.Context(), w.ann, buckets.Existing{Workspace: "lab", Store: made.ID, Name: "more"}); !errors.Is(err, keyhatch.Conflict) {
		t.Errorf("another bucket in it: %v", err)
	}
	w.want(204, "", "ann", "DELETE", "/v4/storagesettings/lab/one", "")
	if _, err := p.Store(t.Context(), w.ann, made.ID); !errors.Is(err, keyhatch.NotFound) {
		t.Errorf("the store that was renamed is still there: %v", err)
	}

	// One that is called so was not made so.
	l := w.nativeLocation("own", "cred1")
	payload, _ := keyhatch.IDPayload(keyhatch.StoreID, l.Store)
	name = "lab.of-" + payload
	if _, err := p.UpdateStore(t.Context(), w.ann, l.Store, places.StoreChange{Name: &name}); err != nil {
		t.Fatal(err)
	}
	if err := p.DeleteLocation(t.Context(), w.ann, "lab", l.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Store(t.Context(), w.ann, l.Store); err != nil {
		t.Errorf("a store that was made by itself: %v", err)
	}
}

// TestStoreOfALongWorkspace: a store's name has no more than names have, so that it can
// be changed again.
func TestStoreOfALongWorkspace(t *testing.T) {
	w := newWorld(t)
	long, err := w.Broker.People.CreateWorkspace(t.Context(), w.Admin, strings.Repeat("w", 128))
	if err != nil {
		t.Fatal(err)
	}
	w.want(201, "", "admin", "POST", "/v4/credentials/"+long.Name, `{"name":"cred1",`+someKeys+`}`)
	w.want(201, "one setting", "admin", "POST", "/v4/storagesettings/"+long.Name, settingOf("one", "s3://whole/a", "cred1"))
	l, err := w.Broker.Places.Location(t.Context(), w.Admin, long.ID, "one")
	if err != nil {
		t.Fatal(err)
	}
	s, err := w.Broker.Places.Store(t.Context(), w.Admin, l.Store)
	if err != nil {
		t.Fatal(err)
	}
	if err := keyhatch.CheckName(s.Name); err != nil {
		t.Errorf("%s: %v", s.Name, err)
	}
	if _, err := w.Broker.Places.UpdateStore(t.Context(), w.Admin, s.ID, places.StoreChange{Credential: &s.Credential}); err != nil {
		t.Error(err)
	}
}

// TestCredentialStaysByName: the name that a setting's answer has is taken for what it
// was given for, also where the teamspace has one of that name itself.
func TestCredentialStaysByName(t *testing.T) {
	w := newWorld(t)
	const all, survey = "/v4/storagesettings/lab", "?teamspace_id=survey"
	w.want(201, "one teamspace", "ann", "POST", "/v4/teamspaces/lab", `{"name":"survey","visibility":"private"}`)
	w.want(201, "", "ann", "POST", "/v4/credentials/lab", `{"name":"cred1",`+someKeys+`}`)
	w.want(201, "one setting", "ann", "POST", all+survey, settingOf("one", "s3://whole/a", "cred1"))
	w.want(201, "", "ann", "POST", "/v4/credentials/lab"+survey, `{"name":"cred1",`+someKeys+`}`)
	w.want(204, "", "ann", "PATCH", all+"/one"+survey, `{"name":"renamed","credentials_name":"cred1"}`)
	w.want(201, "one setting", "ann", "POST", all+survey, settingOf("two", "s3://whole/b", "cred1"))
	if before, after := w.on("renamed"), w.on("two"); before.ID != after.ID || after.Teamspace != "" {
		t.Errorf("they are on %+v and %+v", before, after)
	}
	w.want(201, "one setting", "ann", "POST", all+survey, settingOf("three", "s3://part/b", "cred1"))
	if part := w.on("three"); part.Teamspace == "" {
		t.Errorf("of a new bucket it is %+v", part)
	}
	w.refused(409, "credentials_name", "ann", "POST", all, settingOf("four", "s3://part/c", "cred1")) // that one is the teamspace's
}
