package conformance

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch/internal/peers"
)

type tiledbSetting struct {
	ID         string `json:"storage_setting_id"`
	Path       string
	Default    bool   `json:"is_default"`
	Credential string `json:"credentials_name"`
	Invalid    bool
}

// TestTileDBStorageSettings: what the client makes in a workspace and in a teamspace is a
// location, whose objects a lease reaches through the setting's credential.
func TestTileDBStorageSettings(t *testing.T) {
	t.Parallel()
	c := newTileDB(t)
	store := peers.MinIO(t)
	create(t, c.server, "/api/v1/teamspaces?workspace=lab", map[string]any{"name": "teamspace1"})
	for _, teamspace := range []string{"", "teamspace1"} {
		bucket := store.Bucket(t)
		path := "s3://" + bucket + "/prefix"
		var made struct {
			Made                 tiledbSetting
			Path                 string
			Inside, Folder, Used tiledbRefusal
		}
		c.step(&made, c.byToken(), "make_settings", teamspace, store.Endpoint, store.AccessKeyID, store.SecretAccessKey, path)
		if m := made.Made; m.Path != path || made.Path != path || !m.Default || m.Credential != "cred1" || m.Invalid {
			t.Errorf("%q: made is %+v", teamspace, made)
		}
		for what, r := range map[string]struct {
			got     tiledbRefusal
			status  int
			message string
		}{
			"inside": {made.Inside, 409, "it overlaps location storage_setting1"},
			"folder": {made.Folder, 400, "s3://bucket/prefix/"},
			"used":   {made.Used, 409, "lab.of-"},
		} {
			if r.got.Status != r.status || !strings.Contains(r.got.Message, r.message) {
				t.Errorf("%q, %s: %+v", teamspace, what, r.got)
			}
		}

		create(t, c.server, "/api/v1/grants", map[string]any{"location": made.Made.ID, "to": "everyone", "access": "write"})
		l, err := c.server.Lease(t.Context(), path+"/", "write")
		if err != nil {
			t.Fatal(err)
		}
		key := aws.String("prefix/array")
		if _, err := newGoSDK(t, bucket).(goSDK).client(l).PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: key, Body: strings.NewReader("data")}); err != nil {
			t.Errorf("%q: with a lease: %v", teamspace, err)
		}
		if _, err := store.Client(t).HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &bucket, Key: key}); err != nil {
			t.Errorf("%q: in the store: %v", teamspace, err)
		}

		var changed struct {
			Before []tiledbSetting
			Gone   tiledbRefusal
			Left   []string
		}
		c.step(&changed, c.byToken(), "change_settings", teamspace)
		if b := changed.Before; len(b) != 1 || b[0].Credential != "cred2" || b[0].ID != made.Made.ID {
			t.Errorf("%q: changed are %+v", teamspace, b)
		}
		if changed.Gone.Status != 404 || len(changed.Left) != 0 {
			t.Errorf("%q: in the end %+v", teamspace, changed)
		}
	}
}
