package katapult_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/compat/katapult"
	"github.com/keyhatch/keyhatch/internal/doortest"
)

// schemas are the objects of the format, with all the fields that they have.
//
// Source: Katapult's published schema of its Core API, and recorded answers.
var schemas = doortest.Schemas{Rules: map[string]func(map[string]any) error{"failure": twice}, Objects: map[string]map[string]string{
	"tokens":            {"pagination": "pagination", "api_tokens": "[]token"},
	"annotated token":   {"api_token": "token", "annotations": "[]annotation"},
	"annotated secret":  {"api_token": "secret token", "annotations": "[]annotation"},
	"one secret":        {"api_token": "secret token"},
	"ended token":       {"api_token": "ended"},
	"ended":             {"id": "text", "name": "any text"},
	"annotation":        {"key": "text", "value": "any text"},
	"token":             {"id": "text", "name": "any text", "organization_id": "?text", "authorized_ip_addresses": "[]text", "expires_at": "?number", "rate_limit": "number", "scopes": "[]text"},
	"secret token":      {"id": "text", "name": "any text", "organization_id": "?text", "authorized_ip_addresses": "[]text", "expires_at": "?number", "rate_limit": "number", "scopes": "[]text", "secret": "text"},
	"pagination":        {"current_page": "number", "total_pages": "?number", "total": "?number", "per_page": "number", "large_set": "bool"},
	"organizations":     {"organizations": "[]organization part"},
	"one organization":  {"organization": "organization"},
	"organization part": {"id": "text", "name": "text", "sub_domain": "text", "infrastructure_domain": "?text", "created_at": "number", "suspended": "bool", "managed": "bool"},
	"organization": {
		"id": "text", "name": "text", "sub_domain": "text", "infrastructure_domain": "?text", "created_at": "number", "suspended": "bool", "managed": "bool",
		"billing_name": "?text", "address1": "?text", "address2": "?text", "address3": "?text", "address4": "?text", "postcode": "?text",
		"vat_number": "?text", "phone_number": "?text", "currency": "?nothing", "country": "?nothing", "country_state": "?nothing",
	},
	"oneself":            {"user": "user", "organizations": "[]users organization", "api_token_id": "?text"},
	"user":               {"id": "text", "first_name": "text", "last_name": "any text", "avatar_url": "?text"},
	"users organization": {"id": "text", "name": "text", "sub_domain": "text"},

	"access keys":     {"pagination": "pagination", "object_storage_access_keys": "[]access key"},
	"one access key":  {"object_storage_access_key": "access key"},
	"one issued key":  {"object_storage_access_key": "issued key"},
	"access key":      with(keyFields, map[string]string{"server_url": "?text", "s3_access_key_id": "?text", "s3_secret_access_key": "?nothing"}),
	"issued key":      with(keyFields, map[string]string{"server_url": "text", "s3_access_key_id": "text", "s3_secret_access_key": "text"}),
	"one account":     {"object_storage_account": "account"},
	"trashed account": {"trash_object": "trash part", "object_storage_account": "account"},
	"account":         {"region": "text", "created_at": "number", "provisioning_state": "provisioning|provisioned|failed", "size": "number", "bucket_count": "number", "data_center": "data center"},
	"data center":     {"id": "text", "name": "text", "permalink": "text", "country": "?nothing"},
	"trash part":      {"id": "text", "keep_until": "number", "object_type": "text"},
	"one trash":       {"trash_object": "trash"},
	"trash":           {"id": "text", "keep_until": "number", "object_id": "text", "object_type": "text"},
	"one task":        {"task": "task"},
	"task":            {"id": "text", "name": "text", "status": "pending|completed", "created_at": "number", "started_at": "?number", "finished_at": "?number", "progress": "number"},

	"one bucket": {"object_storage_bucket": "bucket"},
	"bucket": {
		"name": "text", "label": "?text", "created_at": "number", "state": "pending|configured", "object_count": "?number", "size": "?number",
		"serve_static_site": "bool", "static_site_index": "?text", "static_site_error": "?text", "public_url": "text",
		"access_control_list": "access control list", "custom_domains": "[]nothing", "cors_origins": "[]nothing",
	},
	"access control list": {"public_read": "bool", "public_list": "bool", "all_keys_read": "bool", "all_keys_write": "bool", "read_key_ids": "[]text", "write_key_ids": "[]text"},
	"one url":             {"url": "text"},
	"one object":          {"object_details": "object"},
	"object":              {"filename": "text", "bucket_name": "text", "full_path": "text", "public_url": "text", "size": "?number", "folder": "bool"},
	"success":             {"success": "true"},

	"failure":      {"error": "bare failure", "code": "text", "description": "?text", "detail": "detail"},
	"bare failure": {"code": "text", "description": "?text", "detail": "detail"},
	"detail": {
		"details*": "?text", "ip_address*": "text", "scopes*": "[]text", "errors*": "[]text", "total_permitted*": "number",
		"path*": "[]text", "index*": "?number", "issue*": "text", "issue_description*": "?text", "argument*": "argument", "trash_object*": "trash",
	},
	"argument": {"id*": "text", "name": "text", "description": "?text"},
	"nothing":  {},
}}

var keyFields = map[string]string{
	"id": "text", "name": "text", "created_at": "number", "region": "text", "state": "pending|configured",
	"all_buckets_read": "bool", "all_objects_read": "bool", "all_objects_write": "bool", "read_buckets": "[]text", "write_buckets": "[]text",
}

func with(fields, more map[string]string) map[string]string {
	out := maps.Clone(fields)
	maps.Copy(out, more)
	return out
}

// twice demands that a failure is the same wrapped and bare.
func twice(failure map[string]any) error {
	bare := maps.Clone(failure)
	delete(bare, "error")
	if !reflect.DeepEqual(failure["error"], any(bare)) {
		return fmt.Errorf("it is not the same wrapped and bare: %v", failure)
	}
	return nil
}

// answers are the schemas of routes; "-" is any segment.
var answers = map[string]string{
	"GET users/current":                   "oneself",
	"GET organizations":                   "organizations",
	"GET organizations/-":                 "one organization",
	"GET organizations/-/api_tokens":      "tokens",
	"POST organizations/-/api_tokens":     "annotated secret",
	"PATCH api_tokens/-":                  "annotated token",
	"DELETE api_tokens/-":                 "ended token",
	"POST api_tokens/-/regenerate_secret": "one secret",

	"POST organizations/-/object_storage/-":   "one account",
	"GET organizations/-/object_storage/-":    "one account",
	"DELETE organizations/-/object_storage/-": "trashed account",
	"GET trash_objects/-":                     "one trash",
	"DELETE trash_objects/-":                  "one task",

	"POST organizations/-/object_storage/-/buckets": "one bucket",
	"GET object_storage/-/buckets/-":                "one bucket",
	"PATCH object_storage/-/buckets/-":              "one bucket",
	"DELETE object_storage/-/buckets/-":             "success",
	"GET object_storage/-/buckets/-/object":         "one object",

	"POST object_storage/-/buckets/-/presigned_url":         "one url",
	"POST object_storage/-/buckets/-/revoke_presigned_urls": "success",

	"GET organizations/-/object_storage/access_keys":         "access keys",
	"POST organizations/-/object_storage/-/access_keys":      "one access key",
	"GET object_storage/access_keys/-":                       "one access key",
	"PATCH object_storage/access_keys/-":                     "one access key",
	"DELETE object_storage/access_keys/-":                    "success",
	"POST object_storage/access_keys/-/generate_credentials": "one issued key",
}

// ofAll are the failures that each route can have.
const ofAll = "missing_api_token invalid_json_body missing_required_argument invalid_argument invalid_api_token unauthorized_network_for_api_token " +
	"invalid_capabilities_token scope_not_granted permission_denied rate_limit_reached service_unavailable unhandled_exception"

// What routes of several kinds can have beside those.
const (
	ofOrganization = "organization_not_found"
	ofAccount      = ofOrganization + " object_storage_cluster_not_found object_storage_account_not_found object_storage_account_not_provisioned object_storage_account_suspended object_in_trash"
	ofAccessKey    = "object_storage_access_key_not_found"
	ofBucket       = "object_storage_cluster_not_found object_storage_bucket_not_found object_in_trash"
	// notReady is what we add, also of keys that are generated: a bucket that its store does not have yet, on an account that is closed.
	notReady = " object_storage_provisioning_error object_storage_account_suspended"
)

// failures are those that routes have beside ofAll; "-" is any segment.
var failures = map[string]string{
	"GET users/current":                   "",
	"GET organizations":                   "",
	"GET organizations/-":                 ofOrganization,
	"GET organizations/-/api_tokens":      ofOrganization,
	"POST organizations/-/api_tokens":     ofOrganization + " validation_error",
	"PATCH api_tokens/-":                  "api_token_not_found validation_error",
	"DELETE api_tokens/-":                 "api_token_not_found validation_error",
	"POST api_tokens/-/regenerate_secret": "api_token_not_found validation_error",

	"POST organizations/-/object_storage/-":   ofAccount + " task_queueing_error validation_error",
	"GET organizations/-/object_storage/-":    ofAccount,
	"DELETE organizations/-/object_storage/-": ofAccount + " validation_error",
	"GET trash_objects/-":                     "trash_object_not_found",
	"DELETE trash_objects/-":                  "trash_object_not_found",

	"POST organizations/-/object_storage/-/buckets": ofAccount + " validation_error",
	"GET object_storage/-/buckets/-":                ofBucket,
	"PATCH object_storage/-/buckets/-":              ofBucket + notReady + " validation_error",
	"DELETE object_storage/-/buckets/-":             ofBucket + notReady + " object_storage_bucket_deletion_error network_error",
	"GET object_storage/-/buckets/-/object":         ofBucket + notReady + " object_not_found network_error",

	"POST object_storage/-/buckets/-/presigned_url":         ofBucket + notReady + " validation_error network_error",
	"POST object_storage/-/buckets/-/revoke_presigned_urls": ofBucket + " network_error",

	"GET organizations/-/object_storage/access_keys":         ofOrganization,
	"POST organizations/-/object_storage/-/access_keys":      ofAccount + " validation_error",
	"GET object_storage/access_keys/-":                       ofAccessKey,
	"PATCH object_storage/access_keys/-":                     ofAccessKey + " task_queueing_error object_storage_provisioning_error validation_error",
	"DELETE object_storage/access_keys/-":                    ofAccessKey + " network_error",
	"POST object_storage/access_keys/-/generate_credentials": ofAccessKey + " task_queueing_error object_storage_provisioning_error object_storage_account_suspended",
}

// TestFailuresOfRoutes: what the door's table lets a route tell is what the format has for
// it, line by line: they are written down apart, and nobody held the one to the other.
func TestFailuresOfRoutes(t *testing.T) {
	tells := katapult.Tells()
	for route, line := range failures {
		var want []string
		for _, c := range strings.Fields(line) {
			if slices.Contains(katapult.OfSome(), c) {
				want = append(want, c)
			}
		}
		got, served := tells[route]
		if slices.Sort(got); !served || !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("%s (served: %t) tells %q, and the format has %q", route, served, got, want)
		}
		delete(tells, route)
	}
	for route := range tells {
		t.Errorf("%s is in no line of the format", route)
	}
}

// lineOf is what a table says of a request's route, "no route" for one that is in none.
func lineOf(table map[string]string, method, path string) string {
	segments := strings.Split(strings.Trim(path, "/"), "/")[2:]
	for _, route := range slices.Backward(slices.Sorted(maps.Keys(table))) { // words before "-"
		how, pattern, _ := strings.Cut(route, " ")
		if how == method && slices.EqualFunc(strings.Split(pattern, "/"), segments, func(want, got string) bool { return want == "-" || want == got }) {
			return table[route]
		}
	}
	return "no route"
}
