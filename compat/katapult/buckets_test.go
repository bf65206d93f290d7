package katapult_test

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/compat/katapult/wiretest"
	"github.com/keyhatch/keyhatch/db"
)

func bucketIn(t *testing.T, a answer) wiretest.BucketAnswer {
	t.Helper()
	return into[wiretest.OneBucket](t, a).Bucket
}

// aboutBucket is a request about a bucket on the store.
func aboutBucket(name, more string) string {
	return `{` + onDisk + `,"bucket":{"name":"` + name + `"}` + more + `}`
}

func (w *world) updated(properties string) wiretest.BucketAnswer {
	w.T.Helper()
	return bucketIn(w.T.(*testing.T), w.want(200, "ann", "PATCH", wiretest.Bucket, aboutBucket("data", `,"properties":`+properties)))
}

// keyNamed is the access key as it is now.
func (w *world) keyNow(id string) wiretest.AccessKey {
	w.T.Helper()
	return into[wiretest.OneAccessKey](w.T, w.want(200, "ann", "GET", wiretest.Key, aboutKey(id, ""))).Key
}

// TestLifeOfABucket: it is made at the store as terraform asks for it, changed in part,
// and removed from the store. Which keys read and write it is what they open at once.
func TestLifeOfABucket(t *testing.T) {
	w := newWorld(t)
	one := w.issued("ann", w.madeKey("ann", `{"name":"one"}`).ID)
	two := w.issued("ann", w.madeKey("ann", `{"name":"two"}`).ID)
	opens := func(what string, want ...string) {
		t.Helper()
		if got := []string{w.opens(*one.AccessKeyID), w.opens(*two.AccessKeyID)}; !slices.Equal(got, want) {
			t.Errorf("%s: the keys open %q, want %q", what, got, want)
		}
	}
	made := bucketIn(t, w.want(201, "ann", "POST", wiretest.NewBuckets, inRegion(`{"name":"data","label":"","serve_static_site":false,"static_site_error":"","static_site_index":"",
		"access_control_list":{"all_keys_read":false,"all_keys_write":false,"public_list":false,"public_read":false,"read_key_ids":["`+one.ID+`"],"write_key_ids":["`+two.ID+`"]}}`)))
	if made.Name != "data" || made.State != "configured" || made.Label != nil || made.Index != nil || made.Error != nil || made.URL != "http://s3.invalid/data/" || *made.Size != 0 || *made.Objects != 0 {
		t.Errorf("it is made as %+v", made)
	}
	if !w.Buckets.Has(w.Store.ID, "data") {
		t.Error("the store does not have it")
	}
	opens("made", "data:read", "data:write:only")
	if k := w.keyNow(one.ID); !slices.Equal(k.Read, []string{"data"}) || len(k.Write) != 0 || k.State != "configured" {
		t.Errorf("the key is %+v", k)
	}

	same := func(what string, b wiretest.BucketAnswer) {
		t.Helper()
		if b.ACL.PublicRead || b.ACL.AllKeysRead || !slices.Equal(b.ACL.Read, []string{one.ID}) || !slices.Equal(b.ACL.Write, []string{two.ID}) {
			t.Errorf("%s: the list is %+v", what, b.ACL)
		}
		opens(what, "data:read", "data:write:only")
	}
	same("nothing said", w.updated(`{}`))
	same("nothing in the list", w.updated(`{"access_control_list":{}}`))
	same("nulls", w.updated(`{"serve_static_site":null,"access_control_list":{"read_key_ids":null,"public_read":null}}`))
	b := w.updated(`{"label":"Site","serve_static_site":true,"static_site_index":"index.html","static_site_error":"404.html"}`)
	same("a site", b)
	if *b.Label != "Site" || !b.Site || *b.Index != "index.html" || *b.Error != "404.html" {
		t.Errorf("the site is %+v", b)
	}
	b = w.updated(`{"label":null,"static_site_error":""}`)
	if b.Label != nil || b.Error != nil || !b.Site || *b.Index != "index.html" {
		t.Errorf("the site is then %+v", b)
	}
	b = w.updated(`{"access_control_list":{"read_key_ids":["` + two.ID + `"]}}`)
	if !slices.Equal(b.ACL.Read, []string{two.ID}) || !slices.Equal(b.ACL.Write, []string{two.ID}) {
		t.Errorf("another list is %+v", b.ACL)
	}
	opens("another list", "", "data:write")
	w.updated(`{"access_control_list":{"all_keys_read":true,"write_key_ids":[]}}`)
	opens("all keys", "data:read", "data:read")
	w.updated(`{"access_control_list":{"all_keys_read":false,"read_key_ids":["` + one.ID + `","` + two.ID + `"]}}`)
	opens("both", "data:read", "data:read")

	w.Buckets.Put(w.Store.ID, "data", "a/b.txt", 7)
	a := w.refused("object_storage_bucket_deletion_error", "ann", "DELETE", wiretest.Bucket, aboutBucket("data", ""))
	if a.Status != 403 || !strings.Contains(a.Body, `"details":"`) {
		t.Errorf("it is refused with %d %s", a.Status, a.Body)
	}
	opens("it is not deleted", "data:read", "data:read")
	w.want(201, "ann", "POST", wiretest.NewBuckets, inRegion(`{"name":"other"}`))
	w.updated(`{"access_control_list":{"read_key_ids":[]}}`)
	w.want(200, "ann", "PATCH", "object_storage/disk/buckets/other", `{"properties":{"access_control_list":{"read_key_ids":["`+one.ID+`"]}}}`)
	w.want(200, "ann", "DELETE", "object_storage/disk/buckets/other", "")
	w.refused("object_storage_bucket_not_found", "ann", "GET", "object_storage/disk/buckets/other", "")
	if k := w.keyNow(one.ID); len(k.Read) != 0 || w.Buckets.Has(w.Store.ID, "other") {
		t.Errorf("it is gone, and the key is %+v", k)
	}
}

// TestUsageAndObjects: what is in a bucket is counted, and looked at.
func TestUsageAndObjects(t *testing.T) {
	w := newWorld(t)
	w.Buckets.Put(w.Store.ID, "lab-data", "a/b c.txt", 7)
	w.Buckets.Put(w.Store.ID, "lab-data", "a/d", 5)
	b := bucketIn(t, w.want(200, "ann", "GET", wiretest.Bucket, aboutBucket("lab-data", "")))
	if *b.Objects != 2 || *b.Size != 12 {
		t.Errorf("there are %d objects of %d", *b.Objects, *b.Size)
	}
	for path, want := range map[string]string{
		"a/b c.txt": `{"object_details":{"filename":"b c.txt","bucket_name":"lab-data","full_path":"a/b c.txt","public_url":"http://s3.invalid/lab-data/a/b%20c.txt","size":7,"folder":false}}`,
		"a":         `{"object_details":{"filename":"a","bucket_name":"lab-data","full_path":"a","public_url":"http://s3.invalid/lab-data/a","size":null,"folder":true}}`,
		"a/":        `{"object_details":{"filename":"a","bucket_name":"lab-data","full_path":"a/","public_url":"http://s3.invalid/lab-data/a/","size":null,"folder":true}}`,
	} {
		if a := w.want(200, "ann", "GET", wiretest.Bucket+"/object", aboutBucket("lab-data", `,"path":"`+path+`"`)); a.Body != want {
			t.Errorf("%s is %s", path, a.Body)
		}
	}
	w.refused("object_not_found", "ann", "GET", wiretest.Bucket+"/object", aboutBucket("lab-data", `,"path":"none"`))
	w.refused("missing_required_argument", "ann", "GET", wiretest.Bucket+"/object", aboutBucket("lab-data", ""))
	w.refused("permission_denied", "bob", "GET", wiretest.Bucket+"/object", aboutBucket("lab-data", `,"path":"a/d"`))
	w.refused("object_not_found", "ann", "GET", wiretest.Bucket+"/object", aboutBucket("lab-data", `,"path":"a/../d"`))
}

// TestURLs: one is signed for one object with a lease of its own, for as long as is asked
// or an hour, and ends when the bucket's are revoked.
func TestURLs(t *testing.T) {
	w := newWorld(t)
	presign, revoke := wiretest.Bucket+"/presigned_url", wiretest.Bucket+"/revoke_presigned_urls"
	for more, expires := range map[string]string{
		`,"path":"a/b c.txt"`: "3600", `,"path":"a/b c.txt","properties":{}`: "3600", `,"path":"a/b c.txt","properties":{"expiry_seconds":"86400"}`: "86400",
	} {
		made := into[struct{ URL string }](t, w.want(200, "ann", "POST", presign, aboutBucket("lab-data", more))).URL
		u, err := url.Parse(made)
		if err != nil || u.Host != "s3.invalid" || u.Path != "/lab-data/a/b c.txt" || u.Query().Get("X-Amz-Expires") != expires || u.Query().Get("X-Amz-Signature") == "" {
			t.Errorf("%s: the URL is for %s, %s, for %s seconds, %v", more, u.Host, u.Path, u.Query().Get("X-Amz-Expires"), err)
		}
		if strings.Contains(w.Log.String(), u.Query().Get("X-Amz-Security-Token")) {
			t.Error("what it is signed with is in the log")
		}
	}
	if n := len(w.Dump(t, "leases")["leases"]); n != 3 {
		t.Errorf("%d leases are on record", n)
	}
	for more, code := range map[string]string{
		``: "missing_required_argument", `,"path":"a","properties":{"expiry_seconds":0}`: "invalid_argument", `,"path":"a","properties":{"expiry_seconds":"x"}`: "invalid_argument",
		`,"path":"a","properties":{"expiry_seconds":86401}`: "validation_error", `,"path":"a","properties":{"expiry_seconds":9223372036854775807}`: "validation_error",
		`,"path":"a/../b"`: "validation_error",
	} {
		w.refused(code, "ann", "POST", presign, aboutBucket("lab-data", more))
	}
	w.refused("permission_denied", "bob", "POST", revoke, aboutBucket("lab-data", ""))
	w.refused("object_storage_bucket_not_found", "ann", "POST", revoke, aboutBucket("none", ""))
	w.refused("object_storage_bucket_not_found", "ann", "POST", presign, aboutBucket("shop-data", `,"path":"a"`))
	since := func() string {
		t.Helper()
		b, err := w.Broker.Buckets.OnStore(t.Context(), w.ann, "disk", "lab-data")
		if err != nil {
			t.Fatal(err)
		}
		return b.PresignedSince.String()
	}
	before := since()
	w.want(200, "ann", "POST", revoke, aboutBucket("lab-data", ""))
	if since() == before {
		t.Error("they are not revoked")
	}
	// One that a session of the store has signed works on, and who revokes is told so: it
	// used to be a success.
	b, err := w.Broker.Buckets.OnStore(t.Context(), w.ann, "disk", "lab-data")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	signed := keyhatch.Lease{
		ID: keyhatch.NewID(keyhatch.LeaseID, now), Workspace: b.Workspace, User: w.ann.User.ID, Token: w.ann.Token.ID, Store: b.Store, StoreName: "disk", AccessKeyID: "ASIA", Vend: "vend",
		Presigned: true, Access: keyhatch.Read, Parts: []keyhatch.Part{{Bucket: b.Name}}, IssuedAt: now, ExpiresAt: now.Add(time.Hour),
	}
	if err := w.DB.Write(t.Context(), func(tx *db.Tx) error { return tx.InsertLease(t.Context(), signed) }); err != nil {
		t.Fatal(err)
	}
	before = since()
	told := w.refused("permission_denied", "ann", "POST", revoke, aboutBucket("lab-data", ""))
	if want := "1 URLs that the store itself has signed work until " + signed.ExpiresAt.Format(time.RFC3339); !strings.Contains(told.Body, want) || since() == before {
		t.Errorf("it is told %s, and the others were revoked: %t", told.Body, since() != before)
	}
}

// TestPublicBuckets: public is everyone who is signed in, by a grant; reading and listing
// go together. Who is no member of the workspace is told of no bucket here all the same.
func TestPublicBuckets(t *testing.T) {
	w := newWorld(t)
	eve := w.User(t, "eve")
	reads := func() bool {
		t.Helper()
		_, err := w.Broker.Buckets.Object(t.Context(), eve, w.lab.ID, "data", "a")
		return err == nil
	}
	w.want(201, "ann", "POST", wiretest.NewBuckets, inRegion(`{"name":"data","access_control_list":{"public_read":true,"public_list":true}}`))
	w.Buckets.Put(w.Store.ID, "data", "a", 1)
	if b := bucketIn(t, w.want(200, "ann", "GET", wiretest.Bucket, aboutBucket("data", ""))); !b.ACL.PublicRead || !b.ACL.PublicList || !reads() {
		t.Errorf("it is public: %+v, and eve reads it: %v", b.ACL, reads())
	}
	w.Member(t, w.shop, eve, keyhatch.MemberRole)
	w.key["eve"] = w.Secret(people.NewToken{User: eve.User.ID})
	w.refused("object_storage_bucket_not_found", "eve", "GET", wiretest.Bucket+"/object", aboutBucket("data", `,"path":"a"`))
	w.refused("object_storage_bucket_not_found", "eve", "POST", wiretest.Bucket+"/presigned_url", aboutBucket("data", `,"path":"a"`))
	w.want(200, "bob", "GET", wiretest.Bucket+"/object", aboutBucket("data", `,"path":"a"`))
	for _, one := range []string{`{"public_read":false}`, `{"public_list":false}`} {
		w.refused("validation_error", "ann", "PATCH", wiretest.Bucket, aboutBucket("data", `,"properties":{"access_control_list":`+one+`}`))
	}
	w.refused("validation_error", "ann", "POST", wiretest.NewBuckets, inRegion(`{"name":"half","access_control_list":{"public_read":true}}`))
	b := w.updated(`{"access_control_list":{"public_read":false,"public_list":false}}`)
	if b.ACL.PublicRead || b.ACL.PublicList || reads() {
		t.Errorf("it is not public: %+v, and eve reads it: %v", b.ACL, reads())
	}
}

// TestWhereBucketsAre: at our own endpoint, or at that of a store that lends at its own.
func TestWhereBucketsAre(t *testing.T) {
	w := newWorld(t)
	w.keptStore(t)
	w.Buckets.Put(w.storeNamed(t, "theirs"), "theirs-data", "a b", 1)
	const theirs = `{"object_storage_cluster":{"region":"theirs"},"bucket":{"name":"theirs-data"},"path":"a b"}`
	want := func(at string) {
		t.Helper()
		if b := bucketIn(t, w.want(200, "ann", "GET", wiretest.Bucket, theirs)); b.URL != at+"/theirs-data/" {
			t.Errorf("it is at %s", b.URL)
		}
		if a := w.want(200, "ann", "GET", wiretest.Bucket+"/object", theirs); !strings.Contains(a.Body, `"public_url":"`+at+`/theirs-data/a%20b"`) {
			t.Errorf("an object is %s", a.Body)
		}
	}
	want("http://s3.invalid")
	w.SQL(t, "update stores set lends = 'sts' where name = 'theirs'")
	want("https://s3.example")
}

func (w *world) storeNamed(t *testing.T, name string) (id string) {
	t.Helper()
	s, err := w.Broker.Places.Store(t.Context(), w.ann, name)
	if err != nil {
		t.Fatal(err)
	}
	return s.ID
}

// TestBadBuckets: what is wrong is told, and neither the record nor the store has it.
func TestBadBuckets(t *testing.T) {
	w := newWorld(t)
	key := w.madeKey("ann", `{"name":"named"}`)
	w.Buckets.Put(w.Store.ID, "taken", "", 0)
	tables := []string{"buckets", "locations", "grants", "access_key_rights", "jobs"}
	before := w.Dump(t, tables...)
	list := func(ids string) string { return `{"name":"data","access_control_list":{"read_key_ids":` + ids + `}}` }
	for properties, code := range map[string]string{
		`{}`: "missing_required_argument", `{"name":1}`: "invalid_argument", `{"name":"x","serve_static_site":"maybe"}`: "invalid_argument",
		list(`"` + key.ID + `"`): "invalid_argument", list(`[1]`): "invalid_argument",
		`{"name":"Data"}`: "validation_error", `{"name":"d_ata"}`: "validation_error", `{"name":"no"}`: "validation_error", `{"name":"lab-data"}`: "validation_error",
		`{"name":"taken"}`: "validation_error", `{"name":"shop-data"}`: "validation_error",
		`{"name":"data","label":"` + strings.Repeat("x", 256) + `"}`: "validation_error",
		list(`["named"]`): "validation_error", list(`["objkey_000000000000000"]`): "validation_error", list(`["` + key.ID + `","` + w.lab.ID + `"]`): "validation_error",
	} {
		w.refused(code, "ann", "POST", wiretest.NewBuckets, inRegion(properties))
	}
	w.refused("permission_denied", "bob", "POST", wiretest.NewBuckets, inRegion(`{"name":"data"}`))
	if w.Buckets.Has(w.Store.ID, "data") {
		t.Error("the store has it")
	}
	const no = `,"properties":{"label":"no","access_control_list":{"write_key_ids":["objkey_000000000000000"]}}`
	w.refused("validation_error", "ann", "PATCH", wiretest.Bucket, aboutBucket("lab-data", no))
	w.mustBe(before)
}

// TestBucketsOfOthers: who may not see a bucket is told that there is none, and the words
// of a path as it is documented name none.
func TestBucketsOfOthers(t *testing.T) {
	w := newWorld(t)
	eve := w.User(t, "eve")
	w.Member(t, w.shop, eve, keyhatch.AdminRole)
	w.key["eve"] = w.Secret(people.NewToken{User: eve.User.ID})
	w.want(201, "ann", "POST", wiretest.NewBuckets, inRegion(`{"name":"bucket"}`))
	before := w.Dump(t, "buckets", "locations", "grants")
	for _, call := range []string{"GET " + wiretest.Bucket, "PATCH " + wiretest.Bucket, "DELETE " + wiretest.Bucket, "GET " + wiretest.Bucket + "/object"} {
		method, path, _ := strings.Cut(call, " ")
		const more = `,"path":"a","properties":{"label":"mine"}`
		w.refused("object_storage_bucket_not_found", "eve", method, path, aboutBucket("bucket", more))
		w.refused("object_storage_bucket_not_found", "ann", method, path, aboutBucket("none", more))
		w.refused("object_storage_bucket_not_found", "ann", method, path, `{`+onDisk+more+`}`)
		w.refused("object_storage_cluster_not_found", "ann", method, path, `{"bucket":{"name":"bucket"}`+more+`}`)
		w.refused("invalid_argument", "ann", method, path, `{`+onDisk+`,"bucket":{}`+more+`}`)
	}
	w.refused("permission_denied", "bob", "PATCH", wiretest.Bucket, aboutBucket("bucket", `,"properties":{"label":"mine"}`))
	w.refused("permission_denied", "bob", "DELETE", wiretest.Bucket, aboutBucket("bucket", ""))
	w.want(200, "bob", "GET", wiretest.Bucket, aboutBucket("bucket", ""))
	w.mustBe(before)
}

// TestStoreThatIsSilent: a bucket is made when the store answers again; what cannot wait
// is told of the network.
func TestStoreThatIsSilent(t *testing.T) {
	w := newWorld(t)
	w.Buckets.Before = func(context.Context, string, string) error {
		return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeStoreSilent, "the store does not answer")
	}
	made := bucketIn(t, w.want(201, "ann", "POST", wiretest.NewBuckets, inRegion(`{"name":"data"}`)))
	if made.State != "pending" || made.Size != nil || made.Objects != nil {
		t.Errorf("it is made as %+v", made)
	}
	w.refused("object_storage_bucket_deletion_error", "ann", "DELETE", wiretest.Bucket, aboutBucket("data", ""))
	w.refused("network_error", "ann", "GET", wiretest.Bucket+"/object", aboutBucket("lab-data", `,"path":"a"`))
	if a := w.refused("network_error", "ann", "DELETE", wiretest.Bucket, aboutBucket("lab-data", "")); a.Status != 504 {
		t.Errorf("it is refused with %d", a.Status)
	}
	w.want(200, "ann", "GET", wiretest.Bucket, aboutBucket("data", ""))
	w.refused("validation_error", "ann", "POST", wiretest.NewBuckets, inRegion(`{"name":"data"}`))
}
