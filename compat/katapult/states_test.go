package katapult_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/compat/katapult/wiretest"
)

// TestEachRouteInEachState: whoever asks, and whatever is the matter, a route answers with
// what the format has for it, and with a fault of the server only when it has one.
func TestEachRouteInEachState(t *testing.T) {
	w := newWorld(t)
	w.newOrganization()
	w.keptStore(t)
	w.jobs()
	eve := w.User(t, "eve")
	w.Member(t, w.shop, eve, keyhatch.AdminRole)
	w.key["eve"] = w.Secret(people.NewToken{User: eve.User.ID})
	w.key["narrow"] = w.Secret(people.NewToken{User: w.ann.User.ID, Workspace: w.lab.ID, Scopes: []keyhatch.Scope{"all", "s3:read s3://lab-data/x/"}})
	w.Buckets.Put(w.Store.ID, "lab-data", "a", 7)
	jobsRun := true
	matters := w.matters(&jobsRun)
	refuse := keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported, "the store does not take its credential")
	for what, fault := range map[string]error{"the stores refuse": refuse, "the stores are silent": silent()} {
		matters[what] = func() func() {
			w.keeper.set(fault, nil)
			w.Buckets.Before = func(context.Context, string, string) error { return fault }
			return func() { w.keeper.set(nil, nil); w.Buckets.Before = nil }
		}
	}
	matters["nothing"] = func() func() { return func() {} }
	n := 0
	for _, matter := range slices.Sorted(maps.Keys(matters)) {
		for _, region := range []string{"disk", "theirs"} {
			n++
			properties := func(name string) string { return `,"properties":{"name":"` + name + string(rune('a'+n)) + `"}` }
			org, on := `"organization":{"sub_domain":"lab"}`, `"object_storage_cluster":{"region":"`+region+`"}`
			key := into[wiretest.OneAccessKey](t, w.want(201, "ann", "POST", wiretest.NewKeys, `{`+org+`,`+on+properties("key")+`}`)).Key
			w.jobs()
			inBucket := func(more string) string {
				return `{` + on + `,"bucket":{"name":"` + map[string]string{"disk": "lab-data", "theirs": "theirs-data"}[region] + `"}` + more + `}`
			}
			mend := matters[matter]()
			for _, who := range []string{"bob", "eve", "narrow", "ann"} {
				for _, ask := range [][2]string{
					{"GET " + wiretest.Account, `{` + org + `,` + on + `}`},
					{"POST " + wiretest.Account, `{"organization":{"sub_domain":"new"},` + on + `}`},
					{"DELETE " + wiretest.Account, `{` + org + `,` + on + `}`},
					{"GET " + wiretest.Keys, `{` + org + `}`},
					{"POST " + wiretest.NewKeys, `{` + org + `,` + on + properties("more-"+who) + `}`},
					{"GET " + wiretest.Key, aboutKey(key.ID, "")},
					{"POST " + wiretest.GenerateKey, aboutKey(key.ID, "")},
					{"PATCH " + wiretest.Key, aboutKey(key.ID, `,"properties":{"name":"`+key.Name+`","all_objects_read":true}`)},
					{"POST " + wiretest.NewBuckets, `{` + org + `,` + on + properties("data-"+who) + `}`},
					{"GET " + wiretest.Bucket, inBucket("")},
					{"PATCH " + wiretest.Bucket, inBucket(`,"properties":{"access_control_list":{"read_key_ids":["` + key.ID + `"]}}`)},
					{"GET " + wiretest.Bucket + "/object", inBucket(`,"path":"a"`)},
					{"POST " + wiretest.Bucket + "/presigned_url", inBucket(`,"path":"a"`)},
					{"POST " + wiretest.Bucket + "/revoke_presigned_urls", inBucket("")},
					{"GET " + wiretest.Trash, `{"trash_object":{"id":"trsh_000000000000000"}}`},
					{"GET organizations", ""},
					{"GET organizations/_", `{` + org + `}`},
					{"GET users/current", ""},
					{"GET " + orgTokens, `{` + org + `}`},
					{"POST " + orgTokens, `{` + org + `,"properties":{"scopes":["object_storage"]}}`},
					{"DELETE " + wiretest.Key, aboutKey(key.ID, "")},
				} {
					method, path, _ := strings.Cut(ask[0], " ")
					if who == "narrow" && (path == wiretest.GenerateKey || method == "DELETE") {
						continue // it may, and ann is to
					}
					a := w.ask(who, method, path, ask[1])
					if a.Status == 500 && matter != "a fault of ours" {
						t.Errorf("%s, %s: %s by %s: %s", matter, region, ask[0], who, a.Body)
					}
				}
			}
			mend()
			w.Jobs(t)
		}
	}
}

func silent() error {
	return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeStoreSilent, "the store does not answer")
}
