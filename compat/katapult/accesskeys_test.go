package katapult_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/compat/katapult/wiretest"
	"github.com/keyhatch/keyhatch/policy"
)

// inRegion is a request about something of lab's on the store.
func inRegion(properties string) string {
	return `{"organization":{"sub_domain":"lab"},"object_storage_cluster":{"region":"disk"},"properties":` + properties + `}`
}

func aboutKey(id, more string) string { return `{"access_key":{"id":"` + id + `"}` + more + `}` }

// madeKey makes a key of lab's.
func (w *world) madeKey(who, properties string) wiretest.AccessKey {
	w.T.Helper()
	return into[wiretest.OneAccessKey](w.T, w.want(201, who, "POST", wiretest.NewKeys, inRegion(properties))).Key
}

func (w *world) issued(who, id string) wiretest.AccessKey {
	w.T.Helper()
	return into[wiretest.OneAccessKey](w.T, w.want(200, who, "POST", wiretest.GenerateKey, aboutKey(id, ""))).Key
}

// opens tells what an access key id opens now.
func (w *world) opens(accessKeyID string) string {
	w.T.Helper()
	open, _, err := w.Broker.AccessKeys.Standing(w.T.Context(), accessKeyID)
	if errors.Is(err, policy.ErrKeyEnded) {
		return "ended"
	}
	if err != nil {
		w.T.Fatal(err)
	}
	var out []string
	for _, o := range open {
		out = append(out, fmt.Sprint(o.Bucket, ":", o.Access, map[bool]string{true: ":only"}[o.WriteOnly]))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// TestLifeOfAKey: a key has no pair before one is generated; another one is generated
// instead of that; and a change leaves it.
func TestLifeOfAKey(t *testing.T) {
	w := newWorld(t)
	made := w.madeKey("ann", `{"name":"backup","all_buckets_read":true,"all_objects_read":false,"all_objects_write":false}`)
	if made.Server != nil || made.AccessKeyID != nil || made.Secret != nil || made.Region != "disk" || made.Name != "backup" || !made.SeeAll {
		t.Errorf("it is made as %+v", made)
	}
	first := w.issued("ann", made.ID)
	if *first.Server != "s3.invalid:80" || len(*first.Secret) != 40 || first.ID != made.ID {
		t.Errorf("it is issued as %+v", first)
	}
	if _, secret, err := w.Broker.AccessKeys.Open(t.Context(), *first.AccessKeyID); err != nil || secret.Reveal() != *first.Secret {
		t.Errorf("requests signed with it are not known: %v", err)
	}
	got := into[wiretest.OneAccessKey](t, w.want(200, "ann", "GET", wiretest.Key+"?access_key[id]="+made.ID, "")).Key
	if got.Secret != nil || *got.Server != *first.Server || *got.AccessKeyID != *first.AccessKeyID {
		t.Errorf("it is shown as %+v", got)
	}
	changed := into[wiretest.OneAccessKey](t, w.want(200, "ann", "PATCH", wiretest.Key, aboutKey(made.ID, `,"properties":{"name":"other","all_objects_read":"true"}`))).Key
	if changed.Name != "other" || !changed.SeeAll || !changed.ReadAll || changed.WriteAll || *changed.AccessKeyID != *first.AccessKeyID || changed.ID != made.ID {
		t.Errorf("it is changed to %+v", changed)
	}
	if got := w.opens(*first.AccessKeyID); got != "lab-data:read" {
		t.Errorf("it opens %s", got)
	}
	second := w.issued("ann", made.ID)
	if w.opens(*first.AccessKeyID) != "ended" || w.opens(*second.AccessKeyID) != "lab-data:read" {
		t.Error("both pairs work, or none")
	}
	w.want(200, "ann", "DELETE", wiretest.Key, aboutKey(made.ID, ""))
	if w.opens(*second.AccessKeyID) != "ended" {
		t.Error("it works when it is gone")
	}
	w.refused("object_storage_access_key_not_found", "ann", "GET", wiretest.Key+"?access_key[id]="+made.ID, "")
	w.refused("object_storage_access_key_not_found", "ann", "DELETE", wiretest.Key, aboutKey(made.ID, ""))
	if text := w.Log.String() + string(w.DatabaseBytes(t)); strings.Contains(text, *first.Secret) || strings.Contains(text, *second.Secret) {
		t.Error("a secret is in the log, or in the database")
	}
}

// TestRightsOfKeys: what the flags open. Lists of buckets are told by name, and are empty
// where a flag says all; a change of flags leaves them.
func TestRightsOfKeys(t *testing.T) {
	w := newWorld(t)
	for flags, opens := range map[string]string{
		`{"name":"none"}`: "", `{"name":"null","all_objects_read":null}`: "",
		`{"name":"sees","all_buckets_read":true}`: "lab-data:", `{"name":"reads","all_objects_read":1}`: "lab-data:read",
		`{"name":"writes","all_objects_write":"yes"}`:                       "lab-data:write:only",
		`{"name":"both","all_objects_read":true,"all_objects_write":true}`:  "lab-data:write",
		`{"name":"no","all_objects_read":"no","all_objects_write":"false"}`: "",
	} {
		if got := w.opens(*w.issued("ann", w.madeKey("ann", flags).ID).AccessKeyID); got != opens {
			t.Errorf("%s opens %q, want %q", flags, got, opens)
		}
	}
	native, err := w.Broker.AccessKeys.Create(t.Context(), w.ann, accesskeys.NewKey{
		Workspace: "lab", Store: "disk", Name: "native", Rights: accesskeys.Rights{Read: []string{"lab-data"}, Write: []string{"lab-data"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		flags       string
		read, write int
	}{
		{`"all_buckets_read":false`, 1, 1}, {`"all_objects_read":true`, 0, 1}, {`"all_objects_read":false,"all_objects_write":true`, 1, 0}, {`"all_objects_write":false`, 1, 1},
	} {
		k := into[wiretest.OneAccessKey](t, w.want(200, "ann", "PATCH", wiretest.Key, aboutKey(native.ID, `,"properties":{"name":"native",`+tc.flags+`}`))).Key
		if len(k.Read) != tc.read || len(k.Write) != tc.write || slices.ContainsFunc(slices.Concat(k.Read, k.Write), func(name string) bool { return name != "lab-data" }) {
			t.Errorf("after %s it reads %q and writes %q", tc.flags, k.Read, k.Write)
		}
	}
}

// TestListOfKeys: who manages the organization sees its keys in all regions, others their
// own; of none there are no pages.
func TestListOfKeys(t *testing.T) {
	w := newWorld(t)
	list := func(who, query string) wiretest.AccessKeyList {
		t.Helper()
		return into[wiretest.AccessKeyList](t, w.want(200, who, "GET", wiretest.Keys+"?organization[sub_domain]=lab"+query, ""))
	}
	if l := list("ann", ""); len(l.Keys) != 0 || *l.Pagination.Total != 0 || *l.Pagination.TotalPages != 0 {
		t.Errorf("of none there are %+v", l)
	}
	for _, name := range []string{"k1", "k2", "k3"} {
		w.madeKey("ann", `{"name":"`+name+`"}`)
	}
	w.madeKey("bob", `{"name":"k4"}`)
	for what, tc := range map[string]struct {
		who, query, names string
		pages             int
	}{
		"all": {"ann", "", "k1 k2 k3 k4", 1}, "a page": {"ann", "&page=2&per_page=3", "k4", 2}, "behind the last": {"ann", "&page=3&per_page=3", "", 2},
		"one's own": {"bob", "", "k4", 1}, "of an admin": {"admin", "", "k1 k2 k3 k4", 1}, "as terraform asks": {"ann", "&page=1&per_page=100", "k1 k2 k3 k4", 1},
	} {
		l := list(tc.who, tc.query)
		var names []string
		for _, k := range l.Keys {
			names = append(names, k.Name)
			if k.Region != "disk" || k.Secret != nil {
				t.Errorf("%s: %+v", what, k)
			}
		}
		if strings.Join(names, " ") != tc.names || *l.Pagination.TotalPages != tc.pages {
			t.Errorf("%s: %q in %d pages", what, names, *l.Pagination.TotalPages)
		}
	}
	w.refused("organization_not_found", "ann", "GET", wiretest.Keys+"?organization[sub_domain]=shop", "")
	w.refused("invalid_argument", "ann", "GET", wiretest.Keys+"?organization[sub_domain]=lab&per_page=201", "")
}

// TestKeysOfOthers: who may not see a key is told that there is none (S6), and a token
// that is narrow hands on no more than it may itself (S4).
func TestKeysOfOthers(t *testing.T) {
	w := newWorld(t)
	eve := w.User(t, "eve")
	w.Member(t, w.shop, eve, keyhatch.AdminRole)
	w.key["eve"] = w.Secret(people.NewToken{User: eve.User.ID})
	w.key["elsewhere"] = w.Secret(people.NewToken{User: w.ann.User.ID, Workspace: w.shop.ID})
	w.key["narrow"] = w.Secret(people.NewToken{User: w.ann.User.ID, Workspace: w.lab.ID, Scopes: []keyhatch.Scope{"object_storage", "s3:read s3://lab-data/"}})
	made := w.madeKey("ann", `{"name":"backup","all_objects_read":true}`)
	before := w.Dump(t, "access_keys", "access_key_rights", "access_key_pairs")
	for _, who := range []string{"eve", "bob", "elsewhere"} {
		for _, call := range []string{"GET " + wiretest.Key, "PATCH " + wiretest.Key, "DELETE " + wiretest.Key, "POST " + wiretest.GenerateKey} {
			method, path, _ := strings.Cut(call, " ")
			w.refused("object_storage_access_key_not_found", who, method, path, aboutKey(made.ID, `,"properties":{"name":"mine"}`))
		}
	}
	w.refused("organization_not_found", "eve", "POST", wiretest.NewKeys, inRegion(`{"name":"x"}`))
	w.refused("permission_denied", "bob", "POST", wiretest.NewKeys, inRegion(`{"name":"x","all_buckets_read":true}`))
	w.refused("permission_denied", "narrow", "POST", wiretest.GenerateKey, aboutKey(made.ID, ""))
	w.refused("permission_denied", "narrow", "POST", wiretest.NewKeys, inRegion(`{"name":"x","all_objects_read":true}`))
	w.mustBe(before)
}

// mustBe demands that tables are as they were.
func (w *world) mustBe(before map[string][]string) {
	w.T.Helper()
	for table, rows := range before {
		if after := w.Dump(w.T, table)[table]; !slices.Equal(after, rows) {
			w.T.Errorf("%s is now\n%s\nand was\n%s", table, strings.Join(after, "\n"), strings.Join(rows, "\n"))
		}
	}
}

// TestBadKeys: what is wrong is told, and nothing is stored.
func TestBadKeys(t *testing.T) {
	w := newWorld(t)
	made := w.madeKey("ann", `{"name":"backup"}`)
	before := w.Dump(t, "access_keys", "access_key_rights", "access_key_pairs", "events")
	const inLabs, inShops = `"organization":{"sub_domain":"lab"}`, `"organization":{"sub_domain":"shop"}`
	const onDisk, nowhere = `"object_storage_cluster":{"region":"disk"}`, `"object_storage_cluster":{"region":"none"}`
	for body, code := range map[string]string{
		`{`:                               "invalid_json_body",
		`{}`:                              "missing_required_argument",
		`{` + inLabs + `,` + onDisk + `}`: "missing_required_argument",
		`{` + inLabs + `,` + onDisk + `,"properties":{}}`:                                       "missing_required_argument",
		`{` + inLabs + `,` + onDisk + `,"properties":{"name":null}}`:                            "missing_required_argument",
		`{` + inLabs + `,` + onDisk + `,"properties":[]}`:                                       "invalid_argument",
		`{` + inLabs + `,` + onDisk + `,"properties":{"name":1}}`:                               "invalid_argument",
		`{` + inLabs + `,` + onDisk + `,"properties":{"name":"x","all_objects_read":"TRUE"}}`:   "invalid_argument",
		`{` + inLabs + `,"object_storage_cluster":{},"properties":{"name":"x"}}`:                "invalid_argument",
		`{"organization":{"id":"x","sub_domain":"lab"},` + onDisk + `,"properties":{"name":1}}`: "invalid_argument",
		`{` + inShops + `,` + nowhere + `,"properties":{"name":""}}`:                            "organization_not_found",
		`{` + inLabs + `,` + nowhere + `,"properties":{"name":""}}`:                             "object_storage_cluster_not_found",
		`{` + inLabs + `,"properties":{"name":"x"}}`:                                            "object_storage_cluster_not_found",
		`{` + inLabs + `,` + onDisk + `,"properties":{"name":""}}`:                              "validation_error",
		`{` + inLabs + `,` + onDisk + `,"properties":{"name":"with a space"}}`:                  "validation_error",
		`{` + inLabs + `,` + onDisk + `,"properties":{"name":"backup"}}`:                        "validation_error",
	} {
		w.refused(code, "ann", "POST", wiretest.NewKeys, body)
	}
	for _, call := range []string{"GET " + wiretest.Key, "PATCH " + wiretest.Key, "DELETE " + wiretest.Key, "POST " + wiretest.GenerateKey} {
		method, path, _ := strings.Cut(call, " ")
		for body, code := range map[string]string{
			`{"access_key":{},"properties":{"name":"x"}}`:                              "invalid_argument",
			`{"access_key":"` + made.ID + `","properties":{"name":"x"}}`:               "invalid_argument",
			`{"access_key":{"id":"backup"},"properties":{"name":"x"}}`:                 "object_storage_access_key_not_found",
			`{"access_key":{"id":"` + w.lab.ID + `"},"properties":{"name":"x"}}`:       "object_storage_access_key_not_found",
			`{"access_key":{"id":"objkey_000000000000000"},"properties":{"name":"x"}}`: "object_storage_access_key_not_found",
			`{"access_key":{"id":null},"properties":{"name":"x"}}`:                     "object_storage_access_key_not_found",
			`{"properties":{"name":"x"}}`:                                              "object_storage_access_key_not_found",
		} {
			w.refused(code, "ann", method, path, body)
		}
	}
	w.refused("missing_required_argument", "ann", "PATCH", wiretest.Key, aboutKey(made.ID, ""))
	w.refused("missing_required_argument", "ann", "PATCH", wiretest.Key, aboutKey(made.ID, `,"properties":{"all_objects_read":true}`))
	w.refused("validation_error", "ann", "PATCH", wiretest.Key, aboutKey(made.ID, `,"properties":{"name":"no/name"}`))
	w.mustBe(before)
}

// TestWordsOfPathsOfKeys: organization, region and key can stand in the path.
func TestWordsOfPathsOfKeys(t *testing.T) {
	w := newWorld(t)
	a := w.want(201, "ann", "POST", "organizations/"+w.lab.ID+"/object_storage/disk/access_keys", "properties[name]=x&properties[all_objects_read]=1",
		"Content-Type", "application/x-www-form-urlencoded")
	made := into[wiretest.OneAccessKey](t, a).Key
	if !made.ReadAll || made.WriteAll {
		t.Errorf("it is %+v", made)
	}
	w.want(200, "ann", "POST", "object_storage/access_keys/"+made.ID+"/generate_credentials", "")
	w.want(200, "ann", "GET", "object_storage/access_keys/"+made.ID, "")
	w.want(200, "ann", "GET", "organizations/"+w.lab.ID+"/object_storage/access_keys", "")
	w.want(200, "ann", "DELETE", "object_storage/access_keys/"+made.ID, "")
}
