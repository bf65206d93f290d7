package katapult_test

import (
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
)

// TestScopes: which scopes open which calls, over the wire.
func TestScopes(t *testing.T) {
	w := newWorld(t)
	calls := []string{ // refused behind the scope, so that nothing changes
		"GET users/current", "GET organizations", "GET organizations/none", "GET organizations/none/api_tokens", "POST organizations/none/api_tokens",
		"PATCH api_tokens/none", "DELETE api_tokens/none", "POST api_tokens/none/regenerate_secret",
		"GET organizations/none/object_storage/access_keys", "POST organizations/none/object_storage/none/access_keys",
		"GET object_storage/access_keys/none", "PATCH object_storage/access_keys/none", "DELETE object_storage/access_keys/none", "POST object_storage/access_keys/none/generate_credentials",
		"GET organizations/none/object_storage/none", "POST organizations/none/object_storage/none", "DELETE organizations/none/object_storage/none",
		"GET trash_objects/none", "DELETE trash_objects/none", "POST organizations/none/object_storage/none/buckets",
		"GET object_storage/none/buckets/none", "PATCH object_storage/none/buckets/none", "DELETE object_storage/none/buckets/none", "GET object_storage/none/buckets/none/object",
		"POST object_storage/none/buckets/none/presigned_url", "POST object_storage/none/buckets/none/revoke_presigned_urls",
	}
	const prefix = "api.katapult.io/core/v1/"
	for scope, opens := range map[keyhatch.Scope]string{ // in the order of the calls
		"": "y------- ------ ------------", "all": "yyyyyyyy yyyyyy yyyyyyyyyyyy",
		"api_tokens": "y--yyyyy ------ ------------", prefix + "api_tokens": "y--yyyyy ------ ------------", "api_tokens:read": "y--y---- ------ ------------", prefix + "api_tokens:read": "y--y---- ------ ------------",
		"organizations:read": "yyy----- ------ ------------", prefix + "organizations:read": "yyy----- ------ ------------",
		"object_storage": "y------- yyyyyy -yy--y-yy-yy", prefix + "object_storage": "y------- yyyyyy -yy--y-yy-yy", "object_storage:read": "y------- ------ y-----y--y--", prefix + "object_storage:read": "y------- ------ y-----y--y--",
		"trash_objects:purge": "y------- ------ ----y-------", "tasks:read": "y------- ------ ------------", "access-keys": "y------- yyyyyy ------------", "access-keys:read": "y------- y-y--- ------------",
		"tokens": "y--yyyyy ------ ------------", "tokens:read": "y--y---- ------ ------------", "workspaces": "yyy----- ------ ------------", "workspaces:read": "yyy----- ------ ------------",
		"users": "y------- ------ ------------", "keys": "y------- ------ ------------", "leases": "y------- ------ ------------",
		"GET /core/v1/": "yyyy---- y-y--- y--y--y--y--", "POST /core/v1/": "y---y--y -y---y -y---y----yy", "GET /": "yyyy---- y-y--- y--y--y--y--", "GET /core/v1/organizations": "yy------ ------ ------------",
		"GET /core/v1/organizations/": "y-yy---- y----- y-----------", "GET /core/v1/organizations/organization": "y-y----- ------ ------------", "GET /core/v1/organizations/none": "y------- ------ ------------",
		"DELETE /core/v1/api_tokens/api_token": "y-----y- ------ ------------", "DELETE /core/v1/api_tokens/none": "y------- ------ ------------",
		"POST /core/v1/object_storage/access_keys/access_key/generate_credentials": "y------- -----y ------------", "PATCH /core/v1/object_storage/": "y------- ---y-- -------y----",
		"trash_objects:read": "y------- ------ ---y--------", "store-accounts": "y------- ------ yyyyy-------", "store-accounts:read": "y------- ------ y--y--------",
		"buckets": "y------- ------ -----yyyyyyy", "buckets:read": "y------- ------ ------y--y--",
		"GET /core/v1/object_storage/object_storage_cluster/buckets/bucket": "y------- ------ ------y-----",
		"GET /api/v1/": "y------- ------ ------------",
	} {
		if scope == "" {
			w.key["scoped"] = w.scoped()
		} else {
			w.key["scoped"] = w.scoped(scope)
		}
		opens = strings.ReplaceAll(opens, " ", "")
		for i, call := range calls {
			method, path, _ := strings.Cut(call, " ")
			a := w.ask("scoped", method, path, "")
			if open := a.Status == 200 || a.code(t) != "scope_not_granted"; open != (opens[i] == 'y') {
				t.Errorf("%s with %q: %d %s", call, scope, a.Status, a.Body)
			}
		}
	}
}
