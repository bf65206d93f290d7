package katapult_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// schemas are the objects of the format, with all the fields that they have: "?" marks
// what may be null, "*" what may be absent, "[]" a list.
//
// Source: Katapult's published schema of its Core API, and recorded answers.
var schemas = map[string]map[string]string{
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

	"failure":      {"error": "bare failure", "code": "text", "description": "?text", "detail": "detail"},
	"bare failure": {"code": "text", "description": "?text", "detail": "detail"},
	"detail": {
		"details*": "?text", "ip_address*": "text", "scopes*": "[]text", "errors*": "[]text", "total_permitted*": "number",
		"path*": "[]text", "index*": "?number", "issue*": "text", "issue_description*": "?text", "argument*": "argument",
	},
	"argument": {"id*": "text", "name": "text", "description": "?text"},
	"nothing":  {},
}

// answers are the schemas of routes.
var answers = map[string]string{
	"GET users/current":                   "oneself",
	"GET organizations":                   "organizations",
	"GET organizations/-":                 "one organization",
	"GET organizations/-/api_tokens":      "tokens",
	"POST organizations/-/api_tokens":     "annotated secret",
	"PATCH api_tokens/-":                  "annotated token",
	"DELETE api_tokens/-":                 "ended token",
	"POST api_tokens/-/regenerate_secret": "one secret",
}

// schemaOf is what a route answers with.
func schemaOf(method, path string) string {
	segments := strings.Split(strings.Trim(path, "/"), "/")[2:]
	if len(segments) > 1 && segments[0] != "users" {
		segments[1] = "-"
	}
	return answers[method+" "+strings.Join(segments, "/")]
}

// strict tells how a text breaks the schema of the name.
func strict(name string, text []byte) error {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	if name == "failure" {
		object, _ := v.(map[string]any)
		bare := maps.Clone(object)
		delete(bare, "error")
		if !reflect.DeepEqual(object["error"], any(bare)) {
			return fmt.Errorf("it is not the same wrapped and bare: %s", text)
		}
	}
	return checkValue(name, name, v)
}

func checkValue(where, kind string, v any) error {
	wrong := fmt.Errorf("%s is %v, which is no %s", where, v, kind)
	if of, optional := strings.CutPrefix(kind, "?"); optional {
		if v == nil {
			return nil
		}
		return checkValue(where, of, v)
	}
	if of, list := strings.CutPrefix(kind, "[]"); list {
		items, ok := v.([]any)
		if !ok {
			return wrong
		}
		for i, item := range items {
			if err := checkValue(fmt.Sprintf("%s[%d]", where, i), of, item); err != nil {
				return err
			}
		}
		return nil
	}
	if fields, ok := schemas[kind]; ok {
		object, ok := v.(map[string]any)
		if !ok {
			return wrong
		}
		return checkObject(where, fields, object)
	}
	text, ok := v.(string)
	switch kind {
	case "text":
		ok = ok && text != ""
	case "any text":
	case "bool":
		_, ok = v.(bool)
	case "number":
		n, isNumber := v.(float64)
		ok = isNumber && n == float64(int64(n)) && n >= 0
	default:
		return fmt.Errorf("%s: there is no schema %q", where, kind)
	}
	if !ok {
		return wrong
	}
	return nil
}

func checkObject(where string, fields map[string]string, object map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		kind, ok := fields[name]
		if !ok {
			kind, ok = fields[name+"*"]
		}
		if !ok {
			return fmt.Errorf("%s has a field %q, which the format does not have", where, name)
		}
		if err := checkValue(where+"."+name, kind, object[name]); err != nil {
			return err
		}
	}
	for name := range fields {
		if _, there := object[name]; !there && !strings.HasSuffix(name, "*") {
			return fmt.Errorf("%s has no field %q", where, name)
		}
	}
	return nil
}
