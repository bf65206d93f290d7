package tiledb_test

import (
	"fmt"
	"testing"

	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/places"
)

type settingSeen struct {
	ID         string `json:"storage_setting_id"`
	Name       string
	Path       string
	Default    bool   `json:"is_default"`
	Credential string `json:"credentials_name"`
	Invalid    bool
	Reason     string
}

const someKeys = `"provider":"AWS","credential":{"aws":{"access_key_id":"AKIA","secret_access_key":"x","endpoint":"https://s3.example"}}`

func settingOf(name, path, credential string) string {
	return fmt.Sprintf(`{"name":%q,"path":%q,"is_default":true,"credentials_name":%q,"test_settings":true}`, name, path, credential)
}

// TestStorageSettings: one is a location, with the credential that its store acts
// through; what has to be on record for it comes and goes with it. It is so in a
// workspace and in a teamspace, whose credential nothing else is reached through.
func TestStorageSettings(t *testing.T) {
	w := newWorld(t)
	w.want(201, "one teamspace", "ann", "POST", "/v4/teamspaces/lab", `{"name":"survey","visibility":"private"}`)
	const all = "/v4/storagesettings/lab"
	for place, bucket := range map[string]string{"": "whole", "?teamspace_id=survey": "part"} {
		one := func(name string) string { return all + "/" + name + place }
		path := "s3://" + bucket + "/of/all"
		for _, name := range []string{"cred1", "cred2"} {
			w.want(201, "", "ann", "POST", "/v4/credentials/lab"+place, fmt.Sprintf(`{"name":%q,%s}`, name, someKeys))
		}
		first := into[settingSeen](w, w.want(201, "one setting", "ann", "POST", all+place, settingOf(bucket, path, "cred1"))).Data
		if first.ID == "" || first.Name != bucket || first.Path != path || !first.Default || first.Credential != "cred1" || first.Invalid {
			t.Errorf("%s: made is %+v", place, first)
		}
		w.want(201, "one setting", "ann", "POST", all+place, settingOf(bucket+"2", "s3://"+bucket+"/beside/", "cred1"))
		if again := into[settingSeen](w, w.want(200, "one setting", "ann", "GET", one(first.ID), "")).Data; again.Default {
			t.Errorf("%s: the mark of the default has not passed on: %+v", place, again)
		}
		list := into[[]settingSeen](w, w.want(200, "settings", "ann", "GET", all+place, "")).Data
		if len(list) != 2 || list[0].Default || !list[1].Default {
			t.Errorf("%s: listed are %+v", place, list)
		}
		w.want(204, "", "ann", "PATCH", one(bucket), fmt.Sprintf(`{"name":"%s-renamed","path":%q,"credentials_name":"cred2","is_default":null}`, bucket, path))
		if now := into[settingSeen](w, w.want(200, "one setting", "ann", "GET", one(bucket+"-renamed"), "")).Data; now.ID != first.ID || now.Credential != "cred2" || now.Default {
			t.Errorf("%s: changed it is %+v", place, now)
		}
		if other := into[settingSeen](w, w.want(200, "one setting", "ann", "GET", one(bucket+"2"), "")).Data; other.Credential != "cred2" {
			t.Errorf("%s: of the same bucket, the credential is %s", place, other.Credential)
		}
		w.refused(409, "path", "ann", "PATCH", one(first.ID), `{"path":"s3://elsewhere/of/all"}`)
		w.refused(409, "", "ann", "DELETE", "/v4/credentials/lab/cred2"+place, "")
		w.want(204, "", "ann", "DELETE", one(first.ID), "")
		w.refused(404, "", "ann", "GET", one(first.ID), "")
		w.want(204, "", "ann", "DELETE", one(bucket+"2"), "")
		w.want(204, "", "ann", "DELETE", "/v4/credentials/lab/cred2"+place, "") // nothing is left that it acts for
	}
	w.want(204, "", "ann", "DELETE", "/v4/credentials/lab/cred1?teamspace_id=survey", "")
	w.want(204, "", "ann", "DELETE", "/v4/teamspaces/lab/survey", "")
}

// TestStorageSettingsRefused: what is wrong is said, with the field; and nothing is left
// behind of what was tried.
func TestStorageSettingsRefused(t *testing.T) {
	w := newWorld(t)
	w.want(201, "one teamspace", "ann", "POST", "/v4/teamspaces/lab", `{"name":"survey","visibility":"public"}`)
	const (
		all    = "/v4/storagesettings/lab"
		survey = "?teamspace_id=survey"
	)
	w.want(201, "", "ann", "POST", "/v4/credentials/lab", `{"name":"whole",`+someKeys+`}`)
	w.want(201, "", "ann", "POST", "/v4/credentials/lab", `{"name":"role","provider":"AWS",`+aRole+`}`)
	w.want(201, "", "ann", "POST", "/v4/credentials/lab"+survey, `{"name":"part",`+someKeys+`}`)
	w.want(201, "one setting", "ann", "POST", all, settingOf("one", "s3://whole/a", "whole"))
	w.want(201, "one setting", "ann", "POST", all+survey, settingOf("two", "s3://part/a", "part"))
	w.want(201, "one setting", "ann", "POST", all+survey, settingOf("three", "s3://whole/b", "whole")) // the workspace's credential
	before := w.Dump(t, "stores", "buckets", "locations")
	for _, bad := range []struct {
		who, body, query string
		status           int
		field            string
	}{
		{"ann", settingOf("x", "file:///data", "whole"), "", 400, "path"},
		{"ann", settingOf("x", "s3://", "whole"), "", 400, "path"},
		{"ann", settingOf("x", "s3://A/b", "whole"), "", 400, "path"},
		{"ann", settingOf("x", "s3://other/../b", "whole"), "", 400, "path"},
		{"ann", `{"path":7}`, "", 400, "path"},
		{"ann", `{`, "", 400, ""},
		{"ann", `{}`, "", 400, "path"},
		{"ann", settingOf("", "s3://other/b", "whole"), "", 400, "name"},
		{"ann", settingOf("one", "s3://other/b", "whole"), "", 409, "name"},
		{"ann", settingOf("x", "s3://whole/a/b", "whole"), "", 409, "path"},
		{"ann", settingOf("x", "s3://whole/b", "whole"), "", 409, "path"},
		{"ann", settingOf("x", "s3://whole/c", "part"), survey, 409, "credentials_name"},
		{"ann", settingOf("x", "s3://part/b", "whole"), "", 409, "credentials_name"},
		{"ann", settingOf("x", "s3://other/b", "role"), "", 409, "credentials_name"},
		{"ann", settingOf("x", "s3://other/b", "none"), "", 404, "credentials_name"},
		{"ann", settingOf("x", "s3://other/b", "part"), "", 404, "credentials_name"}, // it is the teamspace's
		{"ann", settingOf("x", "s3://other/b", ""), "", 400, "credentials_name"},
		{"ann", settingOf("x", "s3://whole/c", ""), "", 400, "credentials_name"},
		{"ann", `{"name":"x","path":"s3://other/b"}`, "", 400, "credentials_name"},
		{"ann", settingOf("x", "s3://other/b", "whole"), "?teamspace_id=none", 404, ""},
		{"bob", settingOf("x", "s3://other/b", "whole"), "", 403, ""},
		{"bob", settingOf("x", "s3://other/b", "part"), survey, 403, ""},
		{"nobody", settingOf("x", "s3://other/b", "whole"), "", 401, ""},
	} {
		w.refused(bad.status, bad.field, bad.who, "POST", all+bad.query, bad.body)
	}
	// The editors of a teamspace change its credential: it does not come to stand for
	// the workspace's data, nor the workspace's for theirs.
	part := into[struct{ ID string }](w, w.want(200, "one credential", "ann", "GET", "/v4/credentials/lab/part"+survey, "")).Data.ID
	w.refused(404, "credentials_name", "ann", "PATCH", all+"/one", fmt.Sprintf(`{"credentials_name":%q}`, part))
	w.refused(409, "credentials_name", "ann", "PATCH", all+"/three"+survey, `{"credentials_name":"part"}`)
	w.refused(409, "credentials_name", "ann", "PATCH", all+"/two"+survey, `{"credentials_name":"whole"}`)
	w.refused(400, "credentials_name", "ann", "PATCH", all+"/one", `{"credentials_name":""}`)
	w.refused(409, "name", "ann", "PATCH", all+"/three"+survey, `{"name":"one"}`)
	w.refused(404, "", "ann", "GET", all+"/two", "") // it is in the teamspace
	w.refused(404, "", "ann", "DELETE", all+"/two", "")
	w.refused(404, "", "ann", "GET", all+"/one"+survey, "")
	w.refused(404, "", "bob", "GET", all+"/one", "") // no grant tells him of it
	w.refused(404, "", "bob", "DELETE", all+"/one", "")
	w.refused(409, "", "ann", "DELETE", "/v4/teamspaces/lab/survey", "")
	if list := into[[]settingSeen](w, w.want(200, "settings", "bob", "GET", all, "")).Data; len(list) != 0 {
		t.Errorf("bob sees %+v", list)
	}
	if after := w.Dump(t, "stores", "buckets", "locations"); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("there were %v, and now %v", before, after)
	}
	// Nor does the native API put anything else behind the teamspace's credential.
	two := into[settingSeen](w, w.want(200, "one setting", "ann", "GET", all+"/two"+survey, "")).Data
	l, err := w.Broker.Places.Location(t.Context(), w.ann, "lab", two.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Broker.Places.CreateLocation(t.Context(), w.ann, places.NewLocation{Workspace: "lab", Name: "x", URL: "s3://part/x/"}); err == nil {
		t.Error("there is a location of the workspace in a bucket of the teamspace")
	}
	if _, err := w.Broker.Buckets.Register(t.Context(), w.ann, buckets.Existing{Workspace: "lab", Store: l.Store, Name: "more"}); err == nil {
		t.Error("there is another bucket in a store of the teamspace")
	}
	whole := into[struct{ ID string }](w, w.want(200, "one credential", "ann", "GET", "/v4/credentials/lab/whole", "")).Data.ID
	if _, err := w.Broker.Places.UpdateStore(t.Context(), w.ann, l.Store, places.StoreChange{Credential: &whole}); err == nil {
		t.Error("the store of the teamspace acts through a credential of the workspace")
	}
}

// TestStorageSettingWithoutCredential: one whose credential was taken away by force says
// so, and gets another.
func TestStorageSettingWithoutCredential(t *testing.T) {
	w := newWorld(t)
	w.want(201, "", "ann", "POST", "/v4/credentials/lab", `{"name":"cred1",`+someKeys+`}`)
	w.want(201, "one setting", "ann", "POST", "/v4/storagesettings/lab", settingOf("one", "s3://whole/a", "cred1"))
	if err := w.Broker.Credentials.Delete(t.Context(), w.ann, credentials.In{Workspace: "lab"}, "cred1", true); err != nil {
		t.Fatal(err)
	}
	if s := into[settingSeen](w, w.want(200, "one unreached setting", "ann", "GET", "/v4/storagesettings/lab/one", "")).Data; !s.Invalid {
		t.Errorf("it is %+v", s)
	}
	w.want(201, "", "ann", "POST", "/v4/credentials/lab", `{"name":"cred2",`+someKeys+`}`)
	w.want(204, "", "ann", "PATCH", "/v4/storagesettings/lab/one", `{"credentials_name":"cred2"}`)
	if s := into[settingSeen](w, w.want(200, "one setting", "ann", "GET", "/v4/storagesettings/lab/one", "")).Data; s.Invalid || s.Credential != "cred2" {
		t.Errorf("with another it is %+v", s)
	}
}
