package buckets_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/places"
)

// outcomes are the words of the tables.
var outcomes = map[string]error{"ok": nil, "forbidden": keyhatch.Forbidden, "hidden": keyhatch.NotFound}

// TestWhoMay asks of each use case who may do it, to a bucket that bob owns in lab.
func TestWhoMay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stranger := w.User(t, "stranger")
	columns := []struct {
		name string
		keyhatch.Caller
	}{
		{"admin", w.Admin},
		{"ann", w.ann},
		{"bob", w.bob},
		{"cyd", w.cyd},
		{"eve", w.eve},
		{"stranger", stranger},
		{"task", w.task(w.ann)},
	}
	n := 0
	fresh := func() string {
		n++
		_, err := w.Broker.Buckets.Create(w.ctx, w.ann, buckets.NewBucket{
			Workspace: "lab", Store: "disk", Name: fmt.Sprintf("bobs-%d", n), Change: buckets.Change{Owner: &w.bob.User.ID},
		})
		w.must(err)
		return fmt.Sprintf("bobs-%d", n)
	}
	svc := w.Broker.Buckets
	update := func(ch buckets.Change) func(keyhatch.Caller) error {
		return func(c keyhatch.Caller) error { return second(svc.Update(w.ctx, c, "lab", fresh(), ch)) }
	}
	object := func(c keyhatch.Caller) error { return second(svc.Object(w.ctx, c, "lab", "lab-data", "a/b.txt")) }
	for _, row := range []struct {
		name string
		//           admin ann bob cyd eve stranger task
		want string
		do   func(keyhatch.Caller) error
	}{
		{"create", " ok ok        forbidden forbidden hidden hidden forbidden", func(c keyhatch.Caller) error {
			n++
			return second(svc.Create(w.ctx, c, buckets.NewBucket{Workspace: "lab", Store: "disk", Name: fmt.Sprintf("new-%d", n)}))
		}},
		{"register", " ok forbidden forbidden forbidden hidden hidden forbidden", func(c keyhatch.Caller) error {
			n++
			return second(svc.Register(w.ctx, c, buckets.Existing{Workspace: "lab", Store: "disk", Name: fmt.Sprintf("new-%d", n)}))
		}},
		{"unregister", " ok forbidden forbidden forbidden hidden hidden forbidden", func(c keyhatch.Caller) error { return svc.Unregister(w.ctx, c, "lab", fresh()) }},
		{"see", "        ok ok        ok        ok        hidden hidden ok", func(c keyhatch.Caller) error { return second(svc.Bucket(w.ctx, c, "lab", "lab-data")) }},
		{"list", "       ok ok        ok        ok        hidden hidden ok", func(c keyhatch.Caller) error { return second(svc.Buckets(w.ctx, c, "lab", kernel.Page{})) }},
		{"label", "      ok ok        ok        forbidden hidden hidden forbidden", update(buckets.Change{Label: ptr("x")})},
		{"hand over", "  ok ok        ok        forbidden hidden hidden forbidden", update(buckets.Change{Owner: &w.cyd.User.ID})},
		{"all keys", "   ok ok        ok        forbidden hidden hidden forbidden", update(buckets.Change{AllKeysWrite: ptr(true)})},
		{"make public", "ok ok        forbidden forbidden hidden hidden forbidden", update(public)},
		{"delete", "     ok ok        forbidden forbidden hidden hidden forbidden", func(c keyhatch.Caller) error { return svc.Delete(w.ctx, c, "lab", fresh()) }},
		{"usage", "      ok ok        ok        ok        hidden hidden ok", func(c keyhatch.Caller) error { return second(svc.Usage(w.ctx, c, "lab", "lab-data")) }},
		{"object", "     ok ok        ok        forbidden hidden hidden ok", object},
		{"keys on it", " ok ok        ok        ok        hidden hidden ok", func(c keyhatch.Caller) error {
			return second(w.Broker.AccessKeys.KeysOnBucket(w.ctx, c, "lab", "lab-data"))
		}},
		{"set keys on it", "ok ok ok forbidden hidden hidden forbidden", func(c keyhatch.Caller) error {
			return second(w.Broker.AccessKeys.SetOnBucket(w.ctx, c, "lab", "lab-data", accesskeys.OnBucketChange{Read: &[]string{}}))
		}},
	} {
		for i, want := range strings.Fields(row.want) {
			err := row.do(columns[i].Caller)
			if kind := outcomes[want]; kind == nil && err != nil || kind != nil && !errors.Is(err, kind) {
				t.Errorf("%s, %s: got %v, want %s", row.name, columns[i].name, err, want)
			}
		}
	}
	if got := len(strings.Fields("admin ann bob cyd eve stranger task")); got != len(columns) {
		t.Fatalf("%d columns", got)
	}
}

// TestWhoMayWithWhatToken: tokens of other workspaces, and those that s3 scopes bound, do
// less than their users.
func TestWhoMayWithWhatToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	elsewhere := w.Token(t, w.Admin, tokenOf("far"))
	confined := w.Token(t, w.Admin, tokenOf("lab"))
	svc := w.Broker.Buckets
	for what, tc := range map[string]struct {
		err  error
		want error
	}{
		"seeing from elsewhere":      {second(svc.Bucket(w.ctx, elsewhere, "", w.bucket("lab-data").ID)), keyhatch.NotFound},
		"deleting from elsewhere":    {svc.Delete(w.ctx, elsewhere, "", w.bucket("lab-data").ID), keyhatch.NotFound},
		"an object from elsewhere":   {second(svc.Object(w.ctx, elsewhere, "", w.bucket("lab-data").ID, "a/b.txt")), keyhatch.NotFound},
		"registering when confined":  {second(svc.Register(w.ctx, confined, buckets.Existing{Store: "disk", Name: "abc"})), keyhatch.Forbidden},
		"unregistering too":          {svc.Unregister(w.ctx, confined, "", "lab-data"), keyhatch.Forbidden},
		"an object out of its scope": {second(svc.Object(w.ctx, w.narrow(w.ann, keyhatch.ScopeAll, "s3:read s3://lab-data/c/"), "lab", "lab-data", "a/b.txt")), keyhatch.Forbidden},
	} {
		if !errors.Is(tc.err, tc.want) {
			t.Errorf("%s: got %v, want %v", what, tc.err, tc.want)
		}
	}
	w.must(second(svc.Object(w.ctx, w.narrow(w.ann, keyhatch.ScopeAll, "s3:read s3://lab-data/a/"), "lab", "lab-data", "a/b.txt")))
}

// TestObject: whom a grant lets read there learns of an object, and of nothing beside.
func TestObject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Buckets.Put(w.Store.ID, "lab-data", "other/c.txt", 9)
	l := w.Location(t, w.lab, "s3://lab-data/a/")
	w.Grant(t, l, w.eve, keyhatch.Read)
	o, err := w.Broker.Buckets.Object(w.ctx, w.eve, "lab", "lab-data", "a/b.txt")
	if err != nil || o.Size != 7 || o.Folder {
		t.Errorf("it is %+v, %v", o, err)
	}
	for key, want := range map[string]keyhatch.Code{
		"a/none": keyhatch.CodeObjectNotFound, "other/c.txt": keyhatch.CodeBucketNotFound, "a": keyhatch.CodeBucketNotFound, "": keyhatch.CodeBucketNotFound, "a/../other/c.txt": keyhatch.CodeInvalidPrefix,
	} {
		_, err := w.Broker.Buckets.Object(w.ctx, w.eve, "lab", "lab-data", key)
		w.wantCode(key, err, want)
	}
	if o, err := w.Broker.Buckets.Object(w.ctx, w.ann, "lab", "lab-data", "a"); err != nil || !o.Folder {
		t.Errorf("a folder is %+v, %v", o, err)
	}
}

// TestObjectConditions: of an object in a location nobody learns who has not accepted its
// terms, or who asks from elsewhere than its networks, as nobody is lent it. They were told
// that it is there and how large it is.
func TestObjectConditions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Buckets.Put(w.Store.ID, "lab-data", "other/c.txt", 9)
	l := w.Location(t, w.lab, "s3://lab-data/a/")
	w.Grant(t, l, w.eve, keyhatch.Read)
	look := func(c keyhatch.Caller, address, key string) error {
		c.Origin.Address = netip.MustParseAddr(address)
		return second(w.Broker.Buckets.Object(w.ctx, c, "lab", "lab-data", key))
	}
	const inside, outside = "10.1.2.3", "198.51.100.7"
	networks := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	w.must(second(w.Broker.Places.UpdateLocation(w.ctx, w.Admin, "", l.ID, places.LocationChange{Networks: &networks})))
	for who, c := range map[string]keyhatch.Caller{"who has a grant": w.eve, "an admin": w.ann, "the bucket's owner": w.bob} {
		w.wantCode(who+" from elsewhere", look(c, outside, "a/b.txt"), keyhatch.CodeOutsideNetworks)
		w.wantCode(who+" from elsewhere, of none", look(c, outside, "a/none"), keyhatch.CodeOutsideNetworks)
		w.must(look(c, inside, "a/b.txt"))
	}
	w.must(look(w.ann, outside, "other/c.txt"))
	w.wantCode("who has no grant", look(w.cyd, outside, "a/b.txt"), keyhatch.CodeAccessNotGranted)

	asked, err := w.Broker.Terms.Set(w.ctx, w.Admin, "", l.ID, "Terms", "Be kind.")
	w.must(err)
	w.wantCode("before terms are accepted", look(w.eve, inside, "a/b.txt"), keyhatch.CodeTermsNotAccepted)
	w.wantCode("an admin too", look(w.ann, inside, "a/b.txt"), keyhatch.CodeTermsNotAccepted)
	const password = "of paper and glue, and some string"
	w.must(w.Broker.Passwords.SetPassword(w.ctx, w.eve, w.eve.User.ID, "", password))
	eve, err := w.Broker.Passwords.Authenticate(w.ctx, "eve", password)
	w.must(err)
	w.must(second(w.Broker.Terms.Accept(w.ctx, eve, "", l.ID, asked.Version)))
	w.must(look(w.eve, inside, "a/b.txt"))
}

func second[T any](_ T, err error) error { return err }
