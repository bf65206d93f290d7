package conformance

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/compat/katapult/wiretest"
)

// TestKatapultKeptKey replays what terraform-provider-katapult asks in the life of an access
// key, over a store that keeps keys itself: the key is pending until that has it. What is
// generated works at the store's own address, in the buckets that name the key and as far
// as these say, and in no others.
func TestKatapultKeptKey(t *testing.T) {
	s := newKept(t, "iam", "reads", "both", "other")
	k := katapult{t, s.Server, "lab", "theirs"}
	for name := range s.buckets {
		s.must(s.put(s.store.Client(t), name, "theirs"))
	}
	made := k.createKey("terraform", false, false, false)
	if made.Region != "theirs" || !strings.HasSuffix(s.store.Endpoint, "://"+*made.Server) {
		t.Errorf("it is for %s in %s", *made.Server, made.Region)
	}
	first := s.withKatapult(made)
	s.want("list what names it not", false, s.list(first, "reads"))
	for bucket, acl := range map[string]fields{"reads": katapultACL([]string{made.ID}, nil), "both": katapultACL([]string{made.ID}, []string{made.ID})} {
		k.call(200, "PATCH", wiretest.Bucket, nil, k.onBucket(s.buckets[bucket], fields{"properties": fields{"access_control_list": acl}}), nil)
	}
	named := k.configuredKey(made.ID)
	if want := []string{s.buckets["both"], s.buckets["reads"]}; !slices.Equal(slices.Sorted(slices.Values(named.Read)), slices.Sorted(slices.Values(want))) || !slices.Equal(named.Write, want[:1]) {
		t.Errorf("it reads %q and writes %q", named.Read, named.Write)
	}
	if named.Secret != nil || *named.AccessKeyID != *made.AccessKeyID || *named.Server != *made.Server {
		t.Errorf("refreshed it is for %s at %s", *named.AccessKeyID, *named.Server)
	}
	for bucket, may := range map[string]struct{ read, write bool }{"reads": {true, false}, "both": {true, true}, "other": {false, false}} {
		s.want("list "+bucket, may.read, s.list(first, bucket))
		s.want("get from "+bucket, may.read, s.get(first, bucket, "theirs"))
		s.want("put into "+bucket, may.write, s.put(first, bucket, "own"))
		s.want("delete from "+bucket, may.write, s.remove(first, bucket, "own"))
	}

	var updated wiretest.OneAccessKey
	k.call(200, "PATCH", wiretest.Key, nil, fields{"access_key": fields{"id": made.ID}, "properties": fields{
		"name": "renamed", "all_buckets_read": false, "all_objects_read": true, "all_objects_write": false,
	}}, &updated)
	if got := updated.Key; got.Name != "renamed" || !got.ReadAll || len(got.Read) != 0 || *got.AccessKeyID != *made.AccessKeyID {
		t.Errorf("updated it is %+v", got)
	}
	k.configuredKey(made.ID)
	s.want("get from another, with rights on all", true, s.get(first, "other", "theirs"))
	s.want("put into it", false, s.put(first, "other", "own"))

	second := s.withKatapult(k.generate(made.ID))
	s.want("the second pair", true, s.put(second, "both", "more"))
	s.want("the first, replaced", false, s.get(first, "both", "theirs"))
	k.call(200, "DELETE", wiretest.Key, nil, fields{"access_key": fields{"id": made.ID}}, nil)
	k.refused(404, "object_storage_access_key_not_found", "GET", wiretest.Key, byID("access_key", made.ID), nil)
	s.soon("the second, deleted", false, func() error { return s.get(second, "both", "theirs") })
	for bucket := range s.buckets {
		var out wiretest.OneBucket
		k.call(200, "GET", wiretest.Bucket, url.Values{"object_storage_cluster[region]": {"theirs"}, "bucket[name]": {s.buckets[bucket]}}, nil, &out)
		if len(out.Bucket.ACL.Read)+len(out.Bucket.ACL.Write) != 0 {
			t.Errorf("%s names %+v", bucket, out.Bucket.ACL)
		}
	}
}

// configuredKey asks for a key until its store has it as it is to be.
func (k katapult) configuredKey(id string) wiretest.AccessKey {
	k.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		got := k.key(id)
		if got.State == "configured" {
			return got
		}
		if time.Now().After(end) {
			k.t.Fatalf("it is still %s", got.State)
		}
	}
}

// withKatapult is a client of the store with what was generated.
func (k kept) withKatapult(a wiretest.AccessKey) *s3.Client {
	return k.with(api.IssuedKey{AccessKeyID: *a.AccessKeyID, SecretAccessKey: *a.Secret})
}
