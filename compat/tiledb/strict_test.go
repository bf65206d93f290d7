package tiledb_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/internal/doortest"
)

// schemas are the objects of the format as its strictest clients read them: of Java,
// which takes an unknown field, a null, or an unknown word for a fault, and of Python,
// which demands the required ones.//
// Source: the published schema; see §A4 of it for credentials.
var schemas = doortest.Schemas{Rules: map[string]func(map[string]any) error{"credential": checkKinds}, Objects: map[string]map[string]string{
	"credential": {
		"credential_type": "workspace|teamspace", "id": "text", "name": "text", "provider": "AWS|AZURE|GCP", "created_at": "time",
		"provider_default*": "bool", "updated_at*": "time", "allowed_in_tasks*": "bool",
		"credential*": "of keys", "role*": "of role", "token*": "of token",
	},
	"of keys":    {"aws*": "aws keys", "azure*": "azure keys", "gcp*": "gcp keys"},
	"of role":    {"aws*": "aws role"},
	"of token":   {"azure*": "azure token", "gcp*": "gcp token"},
	"aws keys":   {"access_key_id": "text", "secret_access_key": "empty text", "endpoint*": "text"},
	"aws role":   {"role_arn": "text", "external_id": "empty text", "endpoint*": "text"},
	"azure keys": {"account_name*": "text", "account_key*": "empty text"}, "azure token": {"account_name": "text", "sas_token": "empty text"},
	"gcp keys": {"access_key_id*": "text", "secret_access_key*": "empty text"}, "gcp token": {"account_id": "text", "key_id": "text", "key_text": "empty text"},

	"workspace": {
		"workspace_id": "text", "name": "text", "created_by": "workspace user", "self": "workspace user", "created_at": "time",
		"image_id*": "text", "description*": "text", "updated_at*": "time",
	},
	"workspace user": {
		"user_id": "text", "username": "text", "display_name": "text", "email": "any text", "role": "owner|admin|member", "added_by": "any text", "created_at": "time",
		"image_id*": "text", "deleted_at*": "time",
	},
	"teamspace": {
		"teamspace_id": "text", "name": "text", "space_type": "teamspace|userspace|generalspace", "created_at": "time", "created_by": "teamspace user",
		"visibility": "private|public", "icon*": "text", "description*": "text", "self*": "teamspace user", "updated_at*": "time",
	},
	"teamspace user": {
		"user_id": "text", "username": "any text", "display_name": "any text", "email": "any text", "role": "owner|editor|viewer", "added_by": "any text", "created_at": "time",
		"image_id*": "text", "deleted_at*": "time",
	},
	"token": {
		"token_id": "text", "name": "any text", "created_at": "time", "expires_at": "time", "api_key": "any text", "workspace_id*": "text",
		"scope": "*|password_reset|confirm_email|user:read|user:read-write|user:admin|array:read|array:read-write|array:admin|organization:read|organization:read-write|organization:admin|group:read|group:read-write|group:admin",
	},
	"setting": {
		"storage_setting_id": "text", "name": "text", "is_default": "bool", "path": "text", "credentials_name": "text", "invalid": "bool", "reason*": "text",
	},
	"unreached setting": { // whose credential was taken away
		"storage_setting_id": "text", "name": "text", "is_default": "bool", "path": "text", "credentials_name": "empty text", "invalid": "bool", "reason": "text",
	},
	"self": {"user": "user", "workspaces": "[]workspace"},
	"user": {
		"id": "text", "display_name": "text", "email": "any text", "role": "owner|admin|member", "username": "text", "timezone": "text", "created_at": "time",
		"is_valid_email*": "bool", "image_id*": "text", "updated_at*": "time", "deleted_at*": "time",
	},

	"one credential": {"data": "credential"}, "credentials": {"data": "[]credential", "pagination_metadata": "metadata"},
	"one workspace": {"data": "workspace"}, "one teamspace": {"data": "teamspace"}, "teamspaces": {"data": "[]teamspace"},
	"one setting": {"data": "setting"}, "one unreached setting": {"data": "unreached setting"},
	"settings":  {"data": "[]setting", "pagination_metadata": "metadata"},
	"one token": {"data": "token"}, "tokens": {"data": "[]token", "pagination_metadata": "metadata"}, "oneself": {"data": "self"},
	"metadata": {"page": "int32", "per_page": "int32", "total_pages": "int32", "total_items": "int32"},

	"failure":    {"code": "int32", "message": "text", "request_id": "text", "validation_error*": "validation"},
	"validation": {"fields": "[]field"},
	"field":      {"field": "text", "message": "text"},
}}

// checkKinds demands of a credential one of the three kinds, and in it the one object of
// its provider: the schema alone says of each that it may be absent.
func checkKinds(credential map[string]any) error {
	var kinds, providers []string
	for _, kind := range []string{"credential", "role", "token"} {
		if of, ok := credential[kind].(map[string]any); ok {
			kinds = append(kinds, kind)
			providers = slices.AppendSeq(providers, maps.Keys(of))
		}
	}
	provider, _ := credential["provider"].(string)
	if len(kinds) != 1 || !slices.Equal(providers, []string{strings.ToLower(provider)}) {
		return fmt.Errorf("one of %s has %v, with what is of %v", provider, kinds, providers)
	}
	return nil
}

// TestStrict: the checker takes what the format has, and nothing else.
func TestStrict(t *testing.T) {
	t.Parallel()
	const (
		keys = `"credential":{"aws":{"access_key_id":"A","secret_access_key":""}}`
		role = `"role":{"aws":{"role_arn":"arn","external_id":""}}`
	)
	for _, tc := range []struct {
		rest string
		good bool
	}{
		{`"provider":"AWS",` + keys, true},
		{`"provider":"AWS",` + role, true},
		{`"provider":"AWS"`, false},
		{`"provider":"AWS",` + keys + `,` + role, false},
		{`"provider":"GCP",` + keys, false},
		{`"provider":"AWS","credential":{}`, false},
		{`"provider":"AWS","credential":{"aws":{"access_key_id":"A","secret_access_key":""},"azure":{}}`, false},
		{`"provider":"AWS","credential":{"aws":{"access_key_id":"A","secret_access_key":"x"}}`, false},
		{`"provider":"AWS","credential":{"aws":{"access_key_id":"A","secret_access_key":"","status":"x"}}`, false},
		{`"provider":"AWS","credential":{"aws":{"access_key_id":"A"}}`, false},
		{`"provider":"AWS","role":null,` + keys, false},
		{`"provider":"R2",` + keys, false},
	} {
		text := `{"credential_type":"workspace","id":"i","name":"n","created_at":"2026-01-02T03:04:05Z",` + tc.rest + `}`
		if err := schemas.Check("credential", []byte(text)); (err == nil) != tc.good {
			t.Errorf("%s: %v", tc.rest, err)
		}
	}
}
