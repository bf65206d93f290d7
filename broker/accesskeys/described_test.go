package accesskeys_test

import (
	"slices"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// A key is told with the names of what it is about.
func TestDescribed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, _ = w.issued(w.ann, accesskeys.NewKey{Name: "both", Rights: accesskeys.Rights{Read: []string{"ccc", "aaa"}, Write: []string{"bbb"}}})
	_, err := w.create(w.bob, accesskeys.NewKey{Name: "own", Rights: accesskeys.Rights{Read: []string{"bbb"}}})
	w.must(err)
	told := func(d accesskeys.Described) []string {
		return append(append(append([]string{d.Name, d.StoreName, d.Endpoint, "read"}, d.Read...), "write"), d.Write...)
	}
	both := []string{"both", w.Store.Name, coretest.Endpoint, "read", "aaa", "ccc", "write", "bbb"}
	own := []string{"own", w.Store.Name, coretest.Endpoint, "read", "bbb", "write"}
	d, err := w.Broker.AccessKeys.DescribedKey(t.Context(), w.ann, "lab", "both")
	if err != nil || !slices.Equal(told(d), both) || len(d.Pairs) != 1 {
		t.Errorf("it is told as %q, %v", told(d), err)
	}
	for who, tc := range map[string]struct {
		keyhatch.Caller
		sees [][]string
	}{"ann": {w.ann, [][]string{both, own}}, "bob": {w.bob, [][]string{own}}} {
		list, err := w.Broker.AccessKeys.DescribedKeys(t.Context(), tc.Caller, accesskeys.Filter{Workspace: "lab"}, kernel.Page{})
		w.must(err)
		var got [][]string
		for _, d := range list.Items {
			got = append(got, told(d))
		}
		if !slices.EqualFunc(got, tc.sees, slices.Equal) {
			t.Errorf("%s is told of %q", who, got)
		}
	}
}

// A key that its store keeps is used there.
func TestDescribedOfKeptKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, err := w.create(w.ann, accesskeys.NewKey{Name: "key"})
	w.must(err)
	w.SQL(t, "update stores set keys = 'iam', endpoint = 'https://s3.example'")
	d, err := w.Broker.AccessKeys.DescribedKey(t.Context(), w.ann, "", key.ID)
	if err != nil || d.Endpoint != "https://s3.example" {
		t.Errorf("it is used at %s, %v", d.Endpoint, err)
	}
}

// Who does not see a teamspace any more is not told the names of what is in it (S6).
func TestS6_DescribedTellsNothingOfTeamspaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	ts, err := w.Broker.People.CreateTeamspace(ctx, w.ann, people.NewTeamspace{Workspace: "lab", Name: "hidden", Visibility: keyhatch.Private})
	w.must(err)
	_, err = w.Broker.People.PutTeamspaceMember(ctx, w.ann, "lab", ts.ID, w.bob.User.ID, keyhatch.EditorRole)
	w.must(err)
	_, err = w.Broker.Credentials.Create(ctx, w.ann, credentials.NewCredential{
		In: credentials.In{Workspace: "lab", Teamspace: "hidden"}, Name: "part", Authority: keyhatch.AWSKeys("AKIA", "secret"),
	})
	w.must(err)
	made, err := w.Broker.Places.CreateSetting(ctx, w.ann, places.NewSetting{Workspace: "lab", Teamspace: "hidden", Name: "set", Path: "s3://hhh/x", Credential: "part"})
	w.must(err)
	bucket, err := w.Broker.Buckets.Bucket(ctx, w.ann, "lab", "hhh")
	w.must(err)
	owner := func(who string) {
		t.Helper()
		_, err := w.Broker.Buckets.Update(ctx, w.ann, "lab", bucket.ID, buckets.Change{Owner: &who})
		w.must(err)
	}
	owner(w.bob.User.ID)
	key, err := w.Broker.AccessKeys.Create(ctx, w.bob, accesskeys.NewKey{Workspace: "lab", Store: made.Store, Name: "key", Rights: accesskeys.Rights{Read: []string{"hhh"}}})
	w.must(err)
	told := func(store, bucket string) {
		t.Helper()
		d, err := w.Broker.AccessKeys.DescribedKey(ctx, w.bob, "", key.ID)
		if err != nil || d.StoreName != store || !slices.Equal(d.Read, []string{bucket}) {
			t.Errorf("he is told of %q on %s, %v", d.Read, d.StoreName, err)
		}
	}
	store, err := w.Broker.Places.Store(ctx, w.bob, made.Store)
	w.must(err)
	told(store.Name, "hhh")
	w.must(w.Broker.People.RemoveTeamspaceMember(ctx, w.ann, "lab", ts.ID, w.bob.User.ID))
	told(made.Store, "hhh") // which is his
	owner(w.ann.User.ID)
	told(made.Store, bucket.ID)
}

// Rights on all buckets change one by one, and the lists stay. What stays as it is is not
// looked at anew.
func TestOnAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	yes, no := true, false
	update := func(by keyhatch.Caller, ref string, ch accesskeys.Change) (keyhatch.AccessKey, error) {
		return w.Broker.AccessKeys.Update(t.Context(), by, "lab", ref, ch)
	}
	_, id := w.issued(w.ann, accesskeys.NewKey{Name: "key", Rights: accesskeys.Rights{SeeAll: true, Write: []string{"bbb"}}})
	for _, tc := range []struct {
		all   accesskeys.OnAll
		opens []string
	}{
		{accesskeys.OnAll{}, []string{"aaa:[]", "bbb:write:only[]", "ccc:[]", "lab-data:[]"}},
		{accesskeys.OnAll{ReadAll: &yes}, []string{"aaa:read[]", "bbb:write[]", "ccc:read[]", "lab-data:read[]"}},
		{accesskeys.OnAll{SeeAll: &no}, []string{"aaa:read[]", "bbb:write[]", "ccc:read[]", "lab-data:read[]"}},
		{accesskeys.OnAll{ReadAll: &no}, []string{"bbb:write:only[]"}},
		{accesskeys.OnAll{WriteAll: &yes}, []string{"aaa:write:only[]", "bbb:write:only[]", "ccc:write:only[]", "lab-data:write:only[]"}},
		{accesskeys.OnAll{WriteAll: &no}, []string{"bbb:write:only[]"}},
	} {
		_, err := update(w.ann, "key", accesskeys.Change{OnAll: tc.all})
		w.must(err)
		w.wantOpen("now", id, tc.opens...)
	}

	_, err := w.create(w.bob, accesskeys.NewKey{Name: "own", Rights: accesskeys.Rights{Read: []string{"bbb"}}})
	w.must(err)
	if _, err := update(w.bob, "own", accesskeys.Change{OnAll: accesskeys.OnAll{SeeAll: &yes}}); code(err) != keyhatch.CodeNotPermitted {
		t.Errorf("a member may have all buckets: %v", err)
	}
	_, err = w.Broker.Buckets.Update(t.Context(), w.ann, "lab", "bbb", buckets.Change{Owner: &w.ann.User.ID})
	w.must(err)
	name := "renamed"
	if key, err := update(w.bob, "own", accesskeys.Change{Name: &name, OnAll: accesskeys.OnAll{SeeAll: &no, ReadAll: &no, WriteAll: &no}}); err != nil || key.Name != name {
		t.Errorf("a key whose bucket was handed over is not renamed: %v", err)
	}
}
