package conformance

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/compat/katapult/wiretest"
	"github.com/keyhatch/keyhatch/internal/devserver"
)

// katapult calls the API in the format of Katapult, as terraform-provider-katapult does:
// organizations by their sub-domains, clusters by their regions, and JSON also with
// DELETE.
type katapult struct {
	t                    *testing.T
	s                    *devserver.Server
	organization, region string
}

// devKatapult calls as one who has the organization and the region of keyhatch dev.
func devKatapult(t *testing.T, s *devserver.Server) katapult { return katapult{t, s, "demo", "local"} }

// katapultTerraform is how that provider names itself.
const katapultTerraform = "Terraform/1.9.8 (+https://www.terraform.io) Terraform-Plugin-Framework terraform-provider-katapult"

// call demands a status, and reads the answer, of which clients demand that it is JSON.
func (k katapult) call(status int, method, path string, query url.Values, body, out any) {
	k.t.Helper()
	got, text := k.ask(method, path, query, body)
	if got != status {
		k.t.Fatalf("%s %s: %d %s, want %d", method, path, got, devserver.Redact(string(text), k.s.Token), status)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(text, out); err != nil {
		k.t.Fatalf("%s %s: %v", method, path, err)
	}
}

// ask sends what a client sends, and returns what it is answered.
func (k katapult) ask(method, path string, query url.Values, body any) (status int, text []byte) {
	k.t.Helper()
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			k.t.Fatal(err)
		}
		sent = bytes.NewReader(text)
	}
	address := k.s.API + "/core/v1/" + path
	if query != nil {
		address += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(k.t.Context(), method, address, sent)
	if err != nil {
		k.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+k.s.Token)
	r.Header.Set("User-Agent", katapultTerraform)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		k.t.Fatal(err)
	}
	defer response.Body.Close()
	if text, err = io.ReadAll(response.Body); err != nil {
		k.t.Fatal(err)
	}
	if !strings.Contains(response.Header.Get("Content-Type"), "json") {
		k.t.Fatalf("%s %s: %d, and it is no JSON", method, path, response.StatusCode)
	}
	return response.StatusCode, text
}

// refused demands a failure, as those clients read it that want it wrapped.
func (k katapult) refused(status int, code, method, path string, query url.Values, body any) {
	k.t.Helper()
	var out struct{ Error struct{ Code string } }
	k.call(status, method, path, query, body, &out)
	if out.Error.Code != code {
		k.t.Errorf("%s %s is refused with %q, want %q", method, path, out.Error.Code, code)
	}
}

type fields = map[string]any

func (k katapult) inOrganization(more fields) fields {
	out := fields{"organization": fields{"sub_domain": k.organization}, "object_storage_cluster": fields{"region": k.region}}
	for name, v := range more {
		out[name] = v
	}
	return out
}

func byID(argument, id string) url.Values { return url.Values{argument + "[id]": {id}} }

// createKey does what terraform does to create a key: make it with all the flags, then
// generate its credentials, of which all three must be there.
func (k katapult) createKey(name string, seeAll, readAll, writeAll bool) wiretest.AccessKey {
	k.t.Helper()
	var made wiretest.OneAccessKey
	k.call(201, "POST", wiretest.NewKeys, nil, k.inOrganization(fields{"properties": fields{
		"name": name, "all_buckets_read": seeAll, "all_objects_read": readAll, "all_objects_write": writeAll,
	}}), &made)
	return k.generate(made.Key.ID)
}

// katapultAgain are the statuses after which terraform asks for credentials again.
var katapultAgain = []int{http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable}

// generate asks for credentials until they are ready.
func (k katapult) generate(id string) wiretest.AccessKey {
	k.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		status, text := k.ask("POST", wiretest.GenerateKey, nil, fields{"access_key": fields{"id": id}})
		if slices.Contains(katapultAgain, status) && time.Now().Before(end) {
			continue
		}
		var out wiretest.OneAccessKey
		if err := json.Unmarshal(text, &out); err != nil || status != http.StatusOK {
			k.t.Fatalf("generating: %d, %v", status, err)
		}
		if got := out.Key; got.Server == nil || got.AccessKeyID == nil || got.Secret == nil || *got.Server == "" || *got.AccessKeyID == "" || *got.Secret == "" {
			k.t.Fatalf("generated is %+v", out.Key)
		}
		return out.Key
	}
}

func (k katapult) key(id string) wiretest.AccessKey {
	k.t.Helper()
	var out wiretest.OneAccessKey
	k.call(200, "GET", wiretest.Key, byID("access_key", id), nil, &out)
	return out.Key
}

// lease is a pair as clients of S3 are given one. The server has no TLS here, and the
// format has no room for saying so.
func katapultLease(s *devserver.Server, a wiretest.AccessKey) devserver.Lease {
	return devserver.Lease{AccessKeyID: *a.AccessKeyID, SecretAccessKey: *a.Secret, Endpoint: "http://" + *a.Server, Region: s.Region}
}

// TestKatapultKey replays what terraform-provider-katapult asks in the life of an access
// key: create, refresh, update, delete.
func TestKatapultKey(t *testing.T) {
	t.Parallel()
	s := dev.get(t)
	k := devKatapult(t, s)
	made := k.createKey("terraform", false, true, false)
	if "http://"+*made.Server != s.S3 || made.Region != k.region {
		t.Errorf("it is for %s in %s", *made.Server, made.Region)
	}
	refreshed := k.key(made.ID)
	if refreshed.Secret != nil || *refreshed.AccessKeyID != *made.AccessKeyID || *refreshed.Server != *made.Server || refreshed.SeeAll || !refreshed.ReadAll || refreshed.WriteAll {
		t.Errorf("refreshed it is %+v", refreshed)
	}
	var updated wiretest.OneAccessKey
	k.call(200, "PATCH", wiretest.Key, nil, fields{"access_key": fields{"id": made.ID}, "properties": fields{
		"name": "renamed", "all_buckets_read": true, "all_objects_read": true, "all_objects_write": true,
	}}, &updated)
	if got := k.key(made.ID); got.Name != "renamed" || !got.SeeAll || !got.WriteAll || got.State != "configured" || *got.AccessKeyID != *made.AccessKeyID {
		t.Errorf("updated it is %+v", got)
	}
	var list struct {
		Pagination struct {
			CurrentPage int `json:"current_page"`
		}
		Keys []wiretest.AccessKey `json:"object_storage_access_keys"`
	}
	k.call(200, "GET", wiretest.Keys, url.Values{"organization[sub_domain]": {k.organization}, "page": {"1"}, "per_page": {"100"}}, nil, &list)
	if list.Pagination.CurrentPage != 1 || len(list.Keys) == 0 || list.Keys[0].Region == "" {
		t.Errorf("the list is %+v", list)
	}
	var deleted struct{ Success bool }
	k.call(200, "DELETE", wiretest.Key, nil, fields{"access_key": fields{"id": made.ID}}, &deleted)
	if !deleted.Success {
		t.Error("it is not deleted")
	}
	k.refused(404, "object_storage_access_key_not_found", "GET", wiretest.Key, byID("access_key", made.ID), nil)
	k.refused(404, "object_storage_access_key_not_found", "DELETE", wiretest.Key, nil, fields{"access_key": fields{"id": made.ID}})
}

func (k katapult) onBucket(name string, more fields) fields {
	out := fields{"object_storage_cluster": fields{"region": k.region}, "bucket": fields{"name": name}}
	maps.Copy(out, more)
	return out
}

// katapultACL is a whole list, as terraform always sends it.
func katapultACL(read, write []string) fields {
	return fields{
		"public_read": false, "public_list": false, "all_keys_read": false, "all_keys_write": false,
		"read_key_ids": append([]string{}, read...), "write_key_ids": append([]string{}, write...),
	}
}

// createBucket does what terraform does to create a bucket.
func (k katapult) createBucket(name string, read, write []string) {
	k.t.Helper()
	var made wiretest.OneBucket
	k.call(201, "POST", wiretest.NewBuckets, nil, k.inOrganization(fields{"properties": fields{
		"name": name, "serve_static_site": false, "static_site_error": "", "static_site_index": "", "access_control_list": katapultACL(read, write),
	}}), &made)
	if made.Bucket.Name != name || made.Bucket.State != "configured" || made.Bucket.ACL == nil || !slices.Equal(made.Bucket.ACL.Read, read) || !slices.Equal(made.Bucket.ACL.Write, write) {
		k.t.Errorf("the bucket %s is made as %+v", name, made.Bucket)
	}
}

// TestKatapultBucket replays the life of a bucket: create, refresh, update, delete, and
// that a key which it names is not in the way.
func TestKatapultBucket(t *testing.T) {
	t.Parallel()
	k := devKatapult(t, dev.get(t))
	key := k.createKey("terraform-bucket", false, false, false)
	k.createBucket("terraform-data", []string{key.ID}, nil)
	if got := k.key(key.ID); !slices.Equal(got.Read, []string{"terraform-data"}) || got.State != "configured" {
		t.Errorf("the key is %+v", got)
	}
	where := url.Values{"object_storage_cluster[region]": {k.region}, "bucket[name]": {"terraform-data"}}
	var out wiretest.OneBucket
	k.call(200, "GET", wiretest.Bucket, where, nil, &out)
	if out.Bucket.Label != nil || out.Bucket.Size == nil || *out.Bucket.Size != 0 {
		t.Errorf("refreshed it is %+v", out.Bucket)
	}
	k.call(200, "PATCH", wiretest.Bucket, nil, k.onBucket("terraform-data", fields{"properties": fields{
		"label": "Data", "access_control_list": katapultACL([]string{key.ID}, []string{key.ID}),
	}}), &out)
	if out.Bucket.Label == nil || *out.Bucket.Label != "Data" || !slices.Equal(out.Bucket.ACL.Write, []string{key.ID}) {
		t.Errorf("updated it is %+v", out.Bucket)
	}
	k.call(200, "DELETE", wiretest.Bucket, nil, k.onBucket("terraform-data", nil), nil)
	k.refused(404, "object_storage_bucket_not_found", "GET", wiretest.Bucket, where, nil)
	if got := k.key(key.ID); len(got.Read)+len(got.Write) != 0 {
		t.Errorf("the key is %+v", got)
	}
	k.call(200, "DELETE", wiretest.Key, nil, fields{"access_key": fields{"id": key.ID}}, nil)
}

// TestKatapultAccount replays the life of an account: there must be none, it is opened and
// polled until it is provisioned, has no buckets and no keys, is deleted, and purged until
// it is gone.
func TestKatapultAccount(t *testing.T) {
	t.Parallel()
	k := devKatapult(t, ownDev(t))
	create(t, k.s, "/api/v1/workspaces", fields{"name": "terraform"})
	body := fields{"organization": fields{"sub_domain": "terraform"}, "object_storage_cluster": fields{"region": k.region}}
	where := url.Values{"organization[sub_domain]": {"terraform"}, "object_storage_cluster[region]": {k.region}}
	type account struct {
		State       string `json:"provisioning_state"`
		BucketCount *int   `json:"bucket_count"`
	}
	var out struct {
		Account account `json:"object_storage_account"`
		Trash   struct {
			ID        string
			KeepUntil int64 `json:"keep_until"`
		} `json:"trash_object"`
	}
	k.refused(404, "object_storage_account_not_found", "GET", wiretest.Account, where, nil)
	k.call(201, "POST", wiretest.Account, nil, body, &out)
	for begun := time.Now(); out.Account.State != "provisioned"; time.Sleep(50 * time.Millisecond) {
		if time.Since(begun) > time.Minute {
			t.Fatalf("it is still %s", out.Account.State)
		}
		k.call(200, "GET", wiretest.Account, where, nil, &out)
	}
	if out.Account.BucketCount == nil || *out.Account.BucketCount != 0 {
		t.Errorf("it is %+v", out.Account)
	}
	var list struct {
		Keys []wiretest.AccessKey `json:"object_storage_access_keys"`
	}
	k.call(200, "GET", wiretest.Keys, url.Values{"organization[sub_domain]": {"terraform"}, "page": {"1"}, "per_page": {"100"}}, nil, &list)
	if len(list.Keys) != 0 {
		t.Errorf("it has keys: %+v", list.Keys)
	}
	k.call(200, "DELETE", wiretest.Account, nil, body, &out)
	if out.Trash.ID == "" || out.Trash.KeepUntil <= time.Now().Unix() {
		t.Errorf("it is in the trash as %+v", out.Trash)
	}
	k.refused(406, "object_in_trash", "GET", wiretest.Account, where, nil)
	k.call(200, "DELETE", wiretest.Trash, nil, fields{"trash_object": fields{"id": out.Trash.ID}}, nil)
	k.refused(404, "trash_object_not_found", "GET", wiretest.Trash, byID("trash_object", out.Trash.ID), nil)
	k.refused(404, "object_storage_account_not_found", "GET", wiretest.Account, where, nil)
}

// TestKatapultKeysWork: boto3 and rclone work with a key that was made in the format of
// Katapult, in the buckets that name it and as far as these say: it reads one, writes
// another, and a third looks forbidden. The pair that was generated last works.
func TestKatapultKeysWork(t *testing.T) {
	eachClient(t, func(t *testing.T, s place, name string, c client) {
		k := devKatapult(t, s.Server)
		loader := k.createKey("loader-"+name, false, true, true)
		key := k.createKey("katapult-"+name, false, false, false)
		reads, writes, others := "kat-reads-"+name, "kat-writes-"+name, "kat-others-"+name
		k.createBucket(reads, []string{key.ID}, []string{})
		k.createBucket(writes, []string{key.ID}, []string{key.ID})
		k.createBucket(others, []string{}, []string{})
		inReads, inWrites, inOthers := clientOf(name)(t, reads), clientOf(name)(t, writes), clientOf(name)(t, others)
		all, l := katapultLease(s.Server, loader), katapultLease(s.Server, key)
		data, file := content(name, 5000), filepath.Join(t.TempDir(), "download")
		inReads.put(all, write(t, data), "folder/theirs").must(t)
		inOthers.put(all, write(t, data), "folder/theirs").must(t)

		inReads.get(l, "folder/theirs", file).must(t)
		mustHave(t, file, data)
		listed, r := inReads.list(l, "folder/")
		r.must(t)
		if len(listed) != 1 || listed[0].size != len(data) {
			t.Errorf("%s: lists %v", r.command, listed)
		}
		inReads.put(l, write(t, data), "folder/own").mustBeRefused(t, inReads.refusal(opPut, "AccessDenied"))
		inReads.remove(l, "folder/theirs").mustBeRefused(t, inReads.refusal(opRemove, "AccessDenied"))
		inReads.get(all, "folder/theirs", file).must(t)
		inWrites.put(l, write(t, data), "folder/own").must(t)
		inWrites.get(l, "folder/own", file+"2").must(t)
		mustHave(t, file+"2", data)
		for what, in := range map[string]client{"another bucket": inOthers, "no bucket": clientOf(name)(t, "kat-none-"+name)} {
			t.Log(what)
			in.get(l, "folder/theirs", file+"3").mustBeRefused(t, in.refusal(opGet, "AccessDenied"))
			_, r := in.list(l, "folder/")
			r.mustBeRefused(t, in.refusal(opList, "AccessDenied"))
		}

		var made struct{ URL string }
		k.call(200, "POST", wiretest.Bucket+"/presigned_url", nil, k.onBucket(reads, fields{"path": "folder/theirs", "properties": fields{"expiry_seconds": 600}}), &made)
		if status, got := getSigned(t, made.URL); status != http.StatusOK || !bytes.Equal(got, data) {
			t.Errorf("the URL answers %d with %d bytes", status, len(got))
		}
		k.call(200, "POST", wiretest.Bucket+"/revoke_presigned_urls", nil, k.onBucket(reads, nil), nil)
		if status, _ := getSigned(t, made.URL); status != http.StatusForbidden {
			t.Errorf("the URL answers %d when the bucket's are revoked", status)
		}

		newer := katapultLease(s.Server, k.generate(key.ID))
		inWrites.get(newer, "folder/own", file+"4").must(t)
		inWrites.get(l, "folder/own", file+"5").mustBeRefused(t, inWrites.refusal(opGet, "SignatureDoesNotMatch"))
		k.call(200, "PATCH", wiretest.Bucket, nil, k.onBucket(writes, fields{"properties": fields{"access_control_list": fields{"write_key_ids": []string{}}}}), nil)
		inWrites.put(newer, write(t, data), "folder/more").mustBeRefused(t, inWrites.refusal(opPut, "AccessDenied"))
		k.refused(403, "object_storage_bucket_deletion_error", "DELETE", wiretest.Bucket, nil, k.onBucket(writes, nil))
		inWrites.remove(all, "folder/own").must(t)
		k.call(200, "DELETE", wiretest.Bucket, nil, k.onBucket(writes, nil), nil)
		k.call(200, "DELETE", wiretest.Key, nil, fields{"access_key": fields{"id": key.ID}}, nil)
		inReads.get(newer, "folder/theirs", file+"6").mustBeRefused(t, inReads.refusal(opGet, "SignatureDoesNotMatch"))
	}, "boto3", "rclone")
}

// getSigned gets what is at a URL.
func getSigned(t *testing.T, at string) (status int, body []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err = io.ReadAll(response.Body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, body
}
