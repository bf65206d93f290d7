package conformance

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

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

// TestKatapultKeysWork: boto3 and rclone work with a key that was made in the format of
// Katapult, as far as its flags go, and with the pair that was generated last.
func TestKatapultKeysWork(t *testing.T) {
	eachClient(t, func(t *testing.T, s place, name string, c client) {
		k := katapult{t, s.Server}
		made := k.createKey("katapult-"+name, false, true, false)
		l, file := made.lease(s.Server), filepath.Join(t.TempDir(), "download")
		listed, r := c.list(l, s.own)
		r.must(t)
		if len(listed) == 0 {
			t.Errorf("%s: lists nothing", r.command)
		}
		key := s.own + "katapult-" + name
		mustStoreNothing(t, s, func(data []byte) {
			c.put(l, write(t, data), key).mustBeRefused(t, c.refusal(opPut, "AccessDenied"))
		})
		k.call(200, "PATCH", katapultKey, nil, fields{"access_key": fields{"id": made.ID}, "properties": fields{"name": made.Name, "all_objects_write": true}}, nil)
		data := content(name, 5000)
		c.put(l, write(t, data), key).must(t)
		c.get(l, key, file).must(t)
		mustHave(t, file, data)
		newer := k.generate(made.ID).lease(s.Server)
		c.get(newer, key, file).must(t)
		c.get(l, key, file+"2").mustBeRefused(t, c.refusal(opGet, "SignatureDoesNotMatch"))
		c.remove(newer, key).must(t)
		k.call(200, "DELETE", katapultKey, nil, fields{"access_key": fields{"id": made.ID}}, nil)
		c.get(newer, key, file+"3").mustBeRefused(t, c.refusal(opGet, "SignatureDoesNotMatch"))
	}, "boto3", "rclone")
}
