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

	"github.com/keyhatch/keyhatch/internal/devserver"
)

// katapult calls the API in the format of Katapult, as terraform-provider-katapult does:
// organizations by their sub-domains, clusters by their regions, and JSON also with
// DELETE.
type katapult struct {
	t *testing.T
	s *devserver.Server
}

// The organization and the region that keyhatch dev has.
const (
	katapultOrganization = "demo"
	katapultRegion       = "local"
)

// katapultTerraform is how that provider names itself.
const katapultTerraform = "Terraform/1.9.8 (+https://www.terraform.io) Terraform-Plugin-Framework terraform-provider-katapult"

// call demands a status, and reads the answer, of which clients demand that it is JSON.
func (k katapult) call(status int, method, path string, query url.Values, body, out any) {
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
	text, err := io.ReadAll(response.Body)
	if err != nil {
		k.t.Fatal(err)
	}
	if response.StatusCode != status || !strings.Contains(response.Header.Get("Content-Type"), "json") {
		k.t.Fatalf("%s %s: %d %s, want %d", method, path, response.StatusCode, devserver.Redact(string(text), k.s.Token), status)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(text, out); err != nil {
		k.t.Fatalf("%s %s: %v", method, path, err)
	}
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
	out := fields{"organization": fields{"sub_domain": katapultOrganization}, "object_storage_cluster": fields{"region": katapultRegion}}
	for name, v := range more {
		out[name] = v
	}
	return out
}

const (
	katapultCluster = "organizations/organization/object_storage/object_storage_cluster"
	katapultKeys    = "organizations/organization/object_storage/access_keys"
	katapultKey     = "object_storage/access_keys/access_key"
)

type katapultAccessKey struct {
	ID, Name, Region, State string
	SeeAll                  bool     `json:"all_buckets_read"`
	ReadAll                 bool     `json:"all_objects_read"`
	WriteAll                bool     `json:"all_objects_write"`
	Read                    []string `json:"read_buckets"`
	Write                   []string `json:"write_buckets"`
	Server                  *string  `json:"server_url"`
	AccessKeyID             *string  `json:"s3_access_key_id"`
	Secret                  *string  `json:"s3_secret_access_key"`
}

type katapultOneKey struct {
	Key katapultAccessKey `json:"object_storage_access_key"`
}

func byID(argument, id string) url.Values { return url.Values{argument + "[id]": {id}} }

// createKey does what terraform does to create a key: make it with all the flags, then
// generate its credentials, of which all three must be there.
func (k katapult) createKey(name string, seeAll, readAll, writeAll bool) katapultAccessKey {
	k.t.Helper()
	var made katapultOneKey
	k.call(201, "POST", katapultCluster+"/access_keys", nil, k.inOrganization(fields{"properties": fields{
		"name": name, "all_buckets_read": seeAll, "all_objects_read": readAll, "all_objects_write": writeAll,
	}}), &made)
	return k.generate(made.Key.ID)
}

func (k katapult) generate(id string) katapultAccessKey {
	k.t.Helper()
	var out katapultOneKey
	k.call(200, "POST", katapultKey+"/generate_credentials", nil, fields{"access_key": fields{"id": id}}, &out)
	if got := out.Key; got.Server == nil || got.AccessKeyID == nil || got.Secret == nil || *got.Server == "" || *got.AccessKeyID == "" || *got.Secret == "" {
		k.t.Fatalf("generated is %+v", out.Key)
	}
	return out.Key
}

func (k katapult) key(id string) katapultAccessKey {
	k.t.Helper()
	var out katapultOneKey
	k.call(200, "GET", katapultKey, byID("access_key", id), nil, &out)
	return out.Key
}

// lease is a pair as clients of S3 are given one. The server has no TLS here, and the
// format has no room for saying so.
func (a katapultAccessKey) lease(s *devserver.Server) devserver.Lease {
	return devserver.Lease{AccessKeyID: *a.AccessKeyID, SecretAccessKey: *a.Secret, Endpoint: "http://" + *a.Server, Region: s.Region}
}

// TestKatapultKey replays what terraform-provider-katapult asks in the life of an access
// key: create, refresh, update, delete.
func TestKatapultKey(t *testing.T) {
	t.Parallel()
	s := dev.get(t)
	k := katapult{t, s}
	made := k.createKey("terraform", false, true, false)
	if "http://"+*made.Server != s.S3 || made.Region != katapultRegion {
		t.Errorf("it is for %s in %s", *made.Server, made.Region)
	}
	refreshed := k.key(made.ID)
	if refreshed.Secret != nil || *refreshed.AccessKeyID != *made.AccessKeyID || *refreshed.Server != *made.Server || refreshed.SeeAll || !refreshed.ReadAll || refreshed.WriteAll {
		t.Errorf("refreshed it is %+v", refreshed)
	}
	var updated katapultOneKey
	k.call(200, "PATCH", katapultKey, nil, fields{"access_key": fields{"id": made.ID}, "properties": fields{
		"name": "renamed", "all_buckets_read": true, "all_objects_read": true, "all_objects_write": true,
	}}, &updated)
	if got := k.key(made.ID); got.Name != "renamed" || !got.SeeAll || !got.WriteAll || got.State != "configured" || *got.AccessKeyID != *made.AccessKeyID {
		t.Errorf("updated it is %+v", got)
	}
	var list struct {
		Pagination struct {
			CurrentPage int `json:"current_page"`
		}
		Keys []katapultAccessKey `json:"object_storage_access_keys"`
	}
	k.call(200, "GET", katapultKeys, url.Values{"organization[sub_domain]": {katapultOrganization}, "page": {"1"}, "per_page": {"100"}}, nil, &list)
	if list.Pagination.CurrentPage != 1 || len(list.Keys) == 0 || list.Keys[0].Region == "" {
		t.Errorf("the list is %+v", list)
	}
	var deleted struct{ Success bool }
	k.call(200, "DELETE", katapultKey, nil, fields{"access_key": fields{"id": made.ID}}, &deleted)
	if !deleted.Success {
		t.Error("it is not deleted")
	}
	k.refused(404, "object_storage_access_key_not_found", "GET", katapultKey, byID("access_key", made.ID), nil)
	k.refused(404, "object_storage_access_key_not_found", "DELETE", katapultKey, nil, fields{"access_key": fields{"id": made.ID}})
}

const (
	katapultBucket = "object_storage/object_storage_cluster/buckets/bucket"
	katapultTrash  = "trash_objects/trash_object"
)

type katapultOneBucket struct {
	Bucket struct {
		Name  string
		State string
		Label *string
		Size  *int64
		ACL   *struct {
			Read  []string `json:"read_key_ids"`
			Write []string `json:"write_key_ids"`
		} `json:"access_control_list"`
	} `json:"object_storage_bucket"`
}

func onKatapultBucket(name string, more fields) fields {
	out := fields{"object_storage_cluster": fields{"region": katapultRegion}, "bucket": fields{"name": name}}
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
	var made katapultOneBucket
	k.call(201, "POST", katapultCluster+"/buckets", nil, k.inOrganization(fields{"properties": fields{
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
	k := katapult{t, dev.get(t)}
	key := k.createKey("terraform-bucket", false, false, false)
	k.createBucket("terraform-data", []string{key.ID}, nil)
	if got := k.key(key.ID); !slices.Equal(got.Read, []string{"terraform-data"}) || got.State != "configured" {
		t.Errorf("the key is %+v", got)
	}
	where := url.Values{"object_storage_cluster[region]": {katapultRegion}, "bucket[name]": {"terraform-data"}}
	var out katapultOneBucket
	k.call(200, "GET", katapultBucket, where, nil, &out)
	if out.Bucket.Label != nil || out.Bucket.Size == nil || *out.Bucket.Size != 0 {
		t.Errorf("refreshed it is %+v", out.Bucket)
	}
	k.call(200, "PATCH", katapultBucket, nil, onKatapultBucket("terraform-data", fields{"properties": fields{
		"label": "Data", "access_control_list": katapultACL([]string{key.ID}, []string{key.ID}),
	}}), &out)
	if out.Bucket.Label == nil || *out.Bucket.Label != "Data" || !slices.Equal(out.Bucket.ACL.Write, []string{key.ID}) {
		t.Errorf("updated it is %+v", out.Bucket)
	}
	k.call(200, "DELETE", katapultBucket, nil, onKatapultBucket("terraform-data", nil), nil)
	k.refused(404, "object_storage_bucket_not_found", "GET", katapultBucket, where, nil)
	if got := k.key(key.ID); len(got.Read)+len(got.Write) != 0 {
		t.Errorf("the key is %+v", got)
	}
	k.call(200, "DELETE", katapultKey, nil, fields{"access_key": fields{"id": key.ID}}, nil)
}

// TestKatapultAccount replays the life of an account: there must be none, it is opened and
// polled until it is provisioned, has no buckets and no keys, is deleted, and purged until
// it is gone.
func TestKatapultAccount(t *testing.T) {
	t.Parallel()
	k := katapult{t, dev.get(t)}
	create(t, k.s, "/api/v1/workspaces", fields{"name": "terraform"})
	body := fields{"organization": fields{"sub_domain": "terraform"}, "object_storage_cluster": fields{"region": katapultRegion}}
	where := url.Values{"organization[sub_domain]": {"terraform"}, "object_storage_cluster[region]": {katapultRegion}}
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
	k.refused(404, "object_storage_account_not_found", "GET", katapultCluster, where, nil)
	k.call(201, "POST", katapultCluster, nil, body, &out)
	for begun := time.Now(); out.Account.State != "provisioned"; time.Sleep(50 * time.Millisecond) {
		if time.Since(begun) > time.Minute {
			t.Fatalf("it is still %s", out.Account.State)
		}
		k.call(200, "GET", katapultCluster, where, nil, &out)
	}
	if out.Account.BucketCount == nil || *out.Account.BucketCount != 0 {
		t.Errorf("it is %+v", out.Account)
	}
	var list struct {
		Keys []katapultAccessKey `json:"object_storage_access_keys"`
	}
	k.call(200, "GET", katapultKeys, url.Values{"organization[sub_domain]": {"terraform"}, "page": {"1"}, "per_page": {"100"}}, nil, &list)
	if len(list.Keys) != 0 {
		t.Errorf("it has keys: %+v", list.Keys)
	}
	k.call(200, "DELETE", katapultCluster, nil, body, &out)
	if out.Trash.ID == "" || out.Trash.KeepUntil <= time.Now().Unix() {
		t.Errorf("it is in the trash as %+v", out.Trash)
	}
	k.refused(406, "object_in_trash", "GET", katapultCluster, where, nil)
	k.call(200, "DELETE", katapultTrash, nil, fields{"trash_object": fields{"id": out.Trash.ID}}, nil)
	k.refused(404, "trash_object_not_found", "GET", katapultTrash, byID("trash_object", out.Trash.ID), nil)
	k.refused(404, "object_storage_account_not_found", "GET", katapultCluster, where, nil)
}

// TestKatapultKeysWork: boto3 and rclone work with a key that was made in the format of
// Katapult, in the buckets that name it and as far as these say: it reads one, writes
// another, and a third looks forbidden. The pair that was generated last works.
func TestKatapultKeysWork(t *testing.T) {
	eachClient(t, func(t *testing.T, s place, name string, c client) {
		k := katapult{t, s.Server}
		loader := k.createKey("loader-"+name, false, true, true)
		key := k.createKey("katapult-"+name, false, false, false)
		reads, writes, others := "kat-reads-"+name, "kat-writes-"+name, "kat-others-"+name
		k.createBucket(reads, []string{key.ID}, []string{})
		k.createBucket(writes, []string{key.ID}, []string{key.ID})
		k.createBucket(others, []string{}, []string{})
		inReads, inWrites, inOthers := clientOf(name)(t, reads), clientOf(name)(t, writes), clientOf(name)(t, others)
		all, l := loader.lease(s.Server), key.lease(s.Server)
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
		k.call(200, "POST", katapultBucket+"/presigned_url", nil, onKatapultBucket(reads, fields{"path": "folder/theirs", "properties": fields{"expiry_seconds": 600}}), &made)
		if status, got := getSigned(t, made.URL); status != http.StatusOK || !bytes.Equal(got, data) {
			t.Errorf("the URL answers %d with %d bytes", status, len(got))
		}
		k.call(200, "POST", katapultBucket+"/revoke_presigned_urls", nil, onKatapultBucket(reads, nil), nil)
		if status, _ := getSigned(t, made.URL); status != http.StatusForbidden {
			t.Errorf("the URL answers %d when the bucket's are revoked", status)
		}

		newer := k.generate(key.ID).lease(s.Server)
		inWrites.get(newer, "folder/own", file+"4").must(t)
		inWrites.get(l, "folder/own", file+"5").mustBeRefused(t, inWrites.refusal(opGet, "SignatureDoesNotMatch"))
		k.call(200, "PATCH", katapultBucket, nil, onKatapultBucket(writes, fields{"properties": fields{"access_control_list": fields{"write_key_ids": []string{}}}}), nil)
		inWrites.put(newer, write(t, data), "folder/more").mustBeRefused(t, inWrites.refusal(opPut, "AccessDenied"))
		k.refused(403, "object_storage_bucket_deletion_error", "DELETE", katapultBucket, nil, onKatapultBucket(writes, nil))
		inWrites.remove(all, "folder/own").must(t)
		k.call(200, "DELETE", katapultBucket, nil, onKatapultBucket(writes, nil), nil)
		k.call(200, "DELETE", katapultKey, nil, fields{"access_key": fields{"id": key.ID}}, nil)
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
