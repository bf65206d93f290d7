package buckets_test

import (
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/places"
)

var (
	public = buckets.Change{PublicRead: ptr(true), PublicList: ptr(true)}
	closed = buckets.Change{PublicRead: ptr(false), PublicList: ptr(false)}
)

// TestPublic: a bucket is public while a grant lets everyone read all of it, whoever gave
// it, and not a moment longer.
func TestPublic(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, err := w.new("open", public)
	w.must(err)
	if !b.Public {
		t.Error("it is not")
	}
	borrow := func() error {
		_, err := w.Broker.Lending.Lease(w.ctx, w.eve, lending.LeaseRequest{Workspace: "lab", Location: "open", Access: keyhatch.Read})
		return err
	}
	w.must(borrow())
	_, err = w.Broker.Lending.Lease(w.ctx, w.eve, lending.LeaseRequest{Workspace: "lab", Location: "open", Access: keyhatch.Write})
	w.wantCode("writing to it", err, keyhatch.CodeAccessNotGranted)
	is := func() bool {
		b, err := w.Broker.Buckets.Bucket(w.ctx, w.ann, "lab", "open")
		w.must(err)
		return b.Public
	}
	_, err = w.Broker.Buckets.Update(w.ctx, w.ann, "lab", "open", buckets.Change{PublicRead: ptr(false)})
	w.wantCode("list alone", err, keyhatch.CodeInvalidRequest)
	b, err = w.Broker.Buckets.Update(w.ctx, w.ann, "lab", "open", closed)
	if err != nil || b.Public || is() {
		t.Errorf("it is public still: %v", err)
	}
	w.wantCode("then", borrow(), keyhatch.CodeLocationNotFound)
	_, err = w.Broker.Places.GiveGrant(w.ctx, w.ann, places.NewGrant{Workspace: "lab", Location: "open", Subject: keyhatch.SubjectEveryone, Access: keyhatch.Write})
	w.must(err)
	if !is() {
		t.Error("a grant did not make it so")
	}
	_, err = w.Broker.Buckets.Update(w.ctx, w.ann, "lab", "open", closed)
	w.must(err)
	if is() {
		t.Error("that grant was left")
	}
}

// TestPublicLocation: the location over all of a bucket is made with its name, or with
// another where that is taken; a bucket that is divided has none.
func TestPublicLocation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"taken", "part"} {
		_, err := w.new(name, buckets.Change{})
		w.must(err)
	}
	w.Location(t, w.lab, "s3://lab-data/taken/")
	w.Location(t, w.lab, "s3://part/inner/")
	_, err := w.Broker.Buckets.Update(w.ctx, w.ann, "lab", "taken", public)
	w.must(err)
	l, err := w.DB.LocationByName(w.ctx, w.lab.ID, "taken-2")
	if err != nil || l.BucketName != "taken" || l.Prefix != "" {
		t.Errorf("the location is %+v, %v", l, err)
	}
	_, err = w.Broker.Buckets.Update(w.ctx, w.ann, "lab", "part", public)
	w.wantCode("a bucket that is divided", err, keyhatch.CodeLocationsOverlap)
	// Its owner does not divide the workspace's buckets, and decides over a location of its own.
	_, err = w.Broker.Buckets.Update(w.ctx, w.ann, "lab", "part", buckets.Change{Owner: &w.bob.User.ID})
	w.must(err)
	_, err = w.new("bobs", buckets.Change{Owner: &w.bob.User.ID})
	w.must(err)
	_, err = w.Broker.Buckets.Update(w.ctx, w.bob, "lab", "bobs", public)
	w.wantCode("a location by the owner", err, keyhatch.CodeNotPermitted)
	_, err = w.Broker.Places.CreateLocation(w.ctx, w.ann, places.NewLocation{Workspace: "lab", Name: "bobs", URL: "s3://bobs/", Owner: w.bob.User.ID})
	w.must(err)
	_, err = w.Broker.Buckets.Update(w.ctx, w.bob, "lab", "bobs", public)
	w.must(err)
}

// TestNarrowTokens: a token whose s3 scopes do not reach all of a bucket opens it neither to
// all keys nor to everyone.
func TestNarrowTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	narrow := w.narrow(w.ann, keyhatch.ScopeAll, "s3:read s3://lab-data/")
	for what, ch := range map[string]buckets.Change{"writing": {AllKeysWrite: ptr(true)}} {
		_, err := w.Broker.Buckets.Update(w.ctx, narrow, "lab", "lab-data", ch)
		w.wantCode(what, err, keyhatch.CodeScopeTooBroad)
	}
	_, err := w.Broker.Buckets.Update(w.ctx, narrow, "lab", "lab-data", buckets.Change{AllKeysRead: ptr(true)})
	w.must(err)
	_, err = w.Broker.Buckets.Create(w.ctx, narrow, buckets.NewBucket{Workspace: "lab", Store: "disk", Name: "other", Change: public})
	w.wantCode("another public bucket", err, keyhatch.CodeScopeTooBroad)
}
