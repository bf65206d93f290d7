package conformance

import (
	"crypto/ed25519"
	"testing"

	"github.com/keyhatch/keyhatch/api"
	keyhatch "github.com/keyhatch/keyhatch/client"
	"github.com/keyhatch/keyhatch/compat/katapult/wiretest"
	"github.com/keyhatch/keyhatch/internal/devserver"
)

// TestKatapultCapabilities: a job that was given a signed token with scopes in Katapult's
// words, of either spelling, makes a key in its workspace, and generates what works. It does
// no more than its user and its scopes let it.
func TestKatapultCapabilities(t *testing.T) {
	t.Parallel()
	p, c := serveCapabilities(t)
	create(t, p.Server, "/api/v1/workspaces", fields{"name": "others"})
	owner := "jobs"
	if _, err := keyhatch.New(p.API, p.Token).In(workspace).UpdateBucket(t.Context(), p.bucket, api.BucketChange{Owner: &owner}); err != nil {
		t.Fatal(err)
	}
	as := func(jwt string) katapult {
		return katapult{t, &devserver.Server{Ready: devserver.Ready{API: p.API, S3: p.S3, Region: p.Region, Token: jwt}}, workspace, directory.name}
	}
	for _, scope := range []string{"object_storage", "api.katapult.io/core/v1/object_storage"} {
		k := as(c.sign(scope))
		key := k.createKey("job-"+scope[:3], false, false, false)
		k.call(200, "PATCH", wiretest.Bucket, nil, k.onBucket(p.bucket, fields{"properties": fields{"access_control_list": fields{"read_key_ids": []string{key.ID}}}}), nil)
		held := katapultLease(p.Server, key)
		in := newGoSDK(t, p.bucket)
		if _, r := in.list(held, p.own); r.err != nil {
			t.Errorf("with %s it made a key that lists nothing: %v", scope, r.err)
		}
		// All buckets are for admins, whatever the token says.
		k.refused(403, "permission_denied", "PATCH", wiretest.Key, nil, fields{"access_key": fields{"id": key.ID}, "properties": fields{"name": key.Name, "all_objects_read": true}})
		k.refused(403, "scope_not_granted", "GET", wiretest.Bucket, nil, k.onBucket(p.bucket, nil))
		k.organization = "others"
		k.refused(404, "organization_not_found", "POST", wiretest.NewKeys, nil, k.inOrganization(fields{"properties": fields{"name": "x"}}))
		k.call(200, "DELETE", wiretest.Key, nil, fields{"access_key": fields{"id": key.ID}}, nil)
	}
	as(c.sign()).refused(403, "scope_not_granted", "GET", wiretest.Keys, nil, fields{"organization": fields{"sub_domain": workspace}})
	for what, jwt := range map[string]string{
		"a scope that there is not": c.sign("object_storage:write"),
		"the key of somebody else":  capabilities{t, ed25519.NewKeyFromSeed(make([]byte, 32))}.sign("object_storage"),
	} {
		t.Log(what)
		as(jwt).refused(403, "invalid_capabilities_token", "GET", wiretest.Keys, nil, fields{"organization": fields{"sub_domain": workspace}})
	}
}
