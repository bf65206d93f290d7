package main

import (
	"strings"
	"testing"
)

// TestDoorsSideBySide: all formats are there on one address, what there is not under their
// paths answers in theirs, and a token of one is a token of all.
func TestDoorsSideBySide(t *testing.T) {
	r := start(t)
	admin := "Bearer " + r.admin.Reveal()
	for path, says := range map[string]string{
		"/api/v1/tokens/current": `"created_at"`, "/arvados/v1/users/current": `"arvados#user"`, "/v4/users/self": `"workspaces"`, "/core/v1/users/current": `"api_token_id"`,
		"/check-access/check-general-access": `"roles"`, "/": `"Health check successful."`,
		"/s3credentials": `"sessionToken":`, "/version": `"response_version"`,
	} {
		if a := r.send("GET", path, "", "Authorization", admin); a.status != 200 || !strings.Contains(a.text, says) {
			t.Errorf("%s: %d %s", path, a.status, a.text)
		}
	}
	for path, says := range map[string]string{
		"/api/v1/none": "404", "/arvados/v1/none": `"API endpoint not found"`, "/v4/none": `"request_id"`, "/core/v1/none": `"route_not_found"`, "/CORE/V1/none": `"route_not_found"`,
		"/registry/none": `{"detail":"Not Found"}`, "/check-access/none": `{"detail":"Not Found"}`,
	} {
		if a := r.send("GET", path, "", "Authorization", admin); a.status != 404 || !strings.Contains(a.text, says) {
			t.Errorf("%s: %d %s", path, a.status, a.text)
		}
	}
	made := r.send("POST", "/core/v1/organizations/organization/api_tokens", `{"organization":{"sub_domain":"demo"},"properties":{"scopes":["api_tokens:read"]}}`,
		"Authorization", admin, "Content-Type", "application/json")
	_, secret, _ := strings.Cut(made.text, `"secret":"`)
	secret, _, _ = strings.Cut(secret, `"`)
	if a := r.send("GET", "/api/v1/tokens/current", "", "Authorization", "Bearer "+secret); a.status != 403 || a.problem(t).Code != "scope_not_granted" {
		t.Errorf("its scope opens another door: %d %s", a.status, a.text)
	}
	if a := r.send("GET", "/core/v1/organizations/_/api_tokens?organization[sub_domain]=demo", "", "Authorization", "Bearer "+secret); a.status != 200 {
		t.Errorf("%d %s", a.status, a.text)
	}
	if strings.Contains(r.log.String(), secret) {
		t.Error("S5: the log holds a token")
	}
}
