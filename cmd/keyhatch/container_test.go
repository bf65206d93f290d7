package main

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch/api"
)

const containerPath = "/api/v1/aws/container"

// container asks as an SDK does.
func (r *running) container(authorization, query string) answered {
	r.t.Helper()
	return r.send("GET", containerPath+"?"+query, "", "Authorization", authorization, "Accept", "application/json")
}

func TestContainerLends(t *testing.T) {
	r := start(t)
	admin := r.admin.Reveal()
	seen := map[string]bool{}
	for _, authorization := range []string{admin, admin, "Bearer " + admin, "bearer " + admin} {
		a := r.container(authorization, "location=alpha&access=read&duration_seconds=900")
		var got api.ContainerCredentials
		if err := json.Unmarshal([]byte(a.text), &got); err != nil || a.status != 200 {
			t.Fatalf("%d %s %v", a.status, a.text, err)
		}
		ends, err := time.Parse(time.RFC3339, got.Expiration)
		if err != nil || time.Until(ends) > 15*time.Minute || time.Until(ends) < 14*time.Minute || seen[got.AccessKeyID] {
			t.Errorf("a lease to %s, the same again: %v", got.Expiration, seen[got.AccessKeyID])
		}
		seen[got.AccessKeyID] = true
		if a.header.Get("Content-Type") != "application/json" || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%v", a.header)
		}
		lease := must[api.Page[api.Lease]](r, admin, "GET", "/api/v1/leases?limit=1", "").Items[0]
		if lease.AccessKeyID != got.AccessKeyID || lease.Access != "read" || strings.Join(lease.Prefixes, " ") != "s3://demo/alpha/" {
			t.Errorf("on record is %+v", lease)
		}
	}
	a := r.container(admin, url.Values{"location": {"alpha"}, "access": {"write"}, "prefixes": {"a,b/", "c/"}, "workspace": {"demo"}}.Encode())
	lease := must[api.Page[api.Lease]](r, admin, "GET", "/api/v1/leases?limit=1", "").Items[0]
	if a.status != 200 || lease.Access != "write" || strings.Join(lease.Prefixes, " ") != "s3://demo/alpha/a,b/ s3://demo/alpha/c/" {
		t.Errorf("%d, on record is %+v", a.status, lease)
	}
}

func TestContainerRefuses(t *testing.T) {
	r := start(t)
	admin := r.admin.Reveal()
	reader := r.token(`{"workspace":"demo","scopes":["s3:read s3://demo/alpha/"]}`).Secret
	looker := r.token(`{"scopes":["leases:read","GET /api/v1/","GET ` + containerPath + `"]}`).Secret
	const good = "location=alpha&access=read"
	if a := r.container(reader, good); a.status != 200 {
		t.Errorf("a token with s3 scopes: %d %s", a.status, a.text)
	}
	for what, c := range map[string]struct {
		authorization, query string
		status               int
		code                 string
	}{
		"no token":                     {"", good, 401, "token_malformed"},
		"a mistyped token":             {flip(admin), good, 401, "token_malformed"},
		"another scheme":               {"Digest " + admin, good, 401, "token_malformed"},
		"a token that may only look":   {looker, good, 403, "scope_not_granted"},
		"more than its scopes":         {reader, "location=alpha&access=write", 403, "scope_not_granted"},
		"an unknown location":          {admin, "location=" + canary + "&access=read", 404, "location_not_found"},
		"no location":                  {admin, "access=read", 422, "invalid_request"},
		"no access":                    {admin, "location=alpha", 422, "invalid_request"},
		"another access":               {admin, "location=alpha&access=" + canary, 422, "invalid_request"},
		"an unknown parameter":         {admin, good + "&" + canary + "=1", 422, "invalid_request"},
		"a life that is none":          {admin, good + "&duration_seconds=0", 422, "invalid_request"},
		"too short a life":             {admin, good + "&duration_seconds=899", 422, "invalid_duration"},
		"too long a life":              {admin, good + "&duration_seconds=99999999", 422, "life_exceeds_limit"},
		"a life that is not a number":  {admin, good + "&duration_seconds=" + canary, 422, "invalid_request"},
		"prefixes beside the location": {admin, good + "&prefixes=s3%3A%2F%2Fdemo%2F" + canary, 404, "location_not_found"},
		// Each of these was left out without a word, and the lease was for all of alpha,
		// or of the first one named.
		"an empty prefix":               {admin, good + "&prefixes=", 422, "invalid_request"},
		"an empty prefix among others":  {admin, good + "&prefixes=a/&prefixes=", 422, "invalid_request"},
		"a prefix without a value":      {admin, good + "&prefixes", 422, "invalid_request"},
		"a prefix that is not escaped":  {admin, good + "&prefixes=a;b/", 422, "invalid_request"},
		"a prefix that is escaped so":   {admin, good + "&prefixes=%zz", 422, "invalid_request"},
		"two locations":                 {admin, good + "&location=beta", 422, "invalid_request"},
		"two kinds of access":           {admin, good + "&access=read", 422, "invalid_request"},
		"two lives":                     {admin, good + "&duration_seconds=900&duration_seconds=1000", 422, "invalid_request"},
		"two workspaces":                {admin, good + "&workspace=demo&workspace=demo", 422, "invalid_request"},
		"an empty life":                 {admin, good + "&duration_seconds=", 422, "invalid_request"},
		"an empty workspace":            {admin, good + "&workspace=", 422, "invalid_request"},
		"an empty location":             {admin, "location=&access=read", 422, "invalid_request"},
		"a parameter in another case":   {admin, good + "&Prefixes=a/", 422, "invalid_request"},
		"prefixes that climb":           {admin, good + "&prefixes=..%2F", 422, "invalid_prefix"},
		"a workspace that is not there": {admin, good + "&workspace=" + canary, 404, "location_not_found"},
	} {
		a := r.container(c.authorization, c.query)
		if a.status == 200 {
			t.Errorf("%s: it lends", what) // and what it says is not for a log
			continue
		}
		var got map[string]string
		if err := json.Unmarshal([]byte(a.text), &got); err != nil || len(got) != 2 || got["message"] == "" {
			t.Errorf("%s: %s %v", what, a.text, err)
		}
		if a.status != c.status || got["code"] != c.code || a.header.Get("Content-Type") != "application/json" || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s, want %d %s: %s", what, a.status, got["code"], c.status, c.code, a.text)
		}
		if strings.Contains(a.text, canary) || strings.Contains(a.text, "see errors") {
			t.Errorf("%s: %s", what, a.text)
		}
	}
	lent := len(must[api.Page[api.Lease]](r, admin, "GET", "/api/v1/leases", "").Items)
	if a := r.send("HEAD", containerPath+"?"+good, "", "Authorization", admin); a.status != 405 || a.header.Get("Allow") != "GET" {
		t.Errorf("HEAD: %d, allowed is %q", a.status, a.header.Get("Allow"))
	}
	if a := r.send("POST", containerPath+"?"+good, "", "Authorization", admin); a.status != 405 || a.header.Get("Allow") != "GET" {
		t.Errorf("POST: %d, allowed is %q", a.status, a.header.Get("Allow"))
	}
	if n := len(must[api.Page[api.Lease]](r, admin, "GET", "/api/v1/leases", "").Items); n != lent {
		t.Errorf("HEAD lent %d leases", n-lent)
	}
	// Elsewhere a token without a scheme is none.
	if a := r.send("GET", "/api/v1/leases", "", "Authorization", admin); a.status != 401 {
		t.Errorf("a bare token is taken by another call: %d", a.status)
	}
}

// The Go SDK and boto3 need nothing but the address and a token.
func TestContainerAndSDKs(t *testing.T) {
	r := start(t)
	uri := r.in.apiURL + containerPath + "?" + url.Values{"location": {"s3://demo/alpha/"}, "access": {"read"}}.Encode()
	provider := endpointcreds.New(uri, func(o *endpointcreds.Options) { o.AuthorizationToken = r.admin.Reveal() })
	c := s3.New(s3.Options{
		BaseEndpoint: aws.String(r.in.s3URL), Region: r.in.config.S3.Region, UsePathStyle: true, Credentials: aws.NewCredentialsCache(provider),
	})
	if _, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("demo"), Key: aws.String("alpha/README.txt")}); err != nil {
		t.Errorf("Go: %v", err)
	}
	provider = endpointcreds.New(strings.Replace(uri, "alpha", "omega", 1), func(o *endpointcreds.Options) { o.AuthorizationToken = r.admin.Reveal() })
	if _, err := provider.Retrieve(t.Context()); err == nil || !strings.Contains(err.Error(), "location_not_found") {
		t.Errorf("Go is told %v", err)
	}
	python := os.Getenv("KEYHATCH_PYTHON")
	if python == "" {
		t.Skip("needs boto3 (run make test)")
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(r.admin.Reveal()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{"AWS_CONTAINER_AUTHORIZATION_TOKEN=" + r.admin.Reveal(), "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=" + file} {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, python, "-c", `import boto3; print(boto3.client("s3").list_objects_v2(Bucket="demo", Prefix="alpha/")["KeyCount"])`)
		cmd.Env = []string{
			"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), token, "AWS_CONTAINER_CREDENTIALS_FULL_URI=" + uri,
			"AWS_ENDPOINT_URL_S3=" + r.in.s3URL, "AWS_DEFAULT_REGION=" + r.in.config.S3.Region,
		}
		if out, err := cmd.Output(); err != nil || strings.TrimSpace(string(out)) != "3" {
			t.Errorf("boto3: %q %v", out, err)
		}
	}
}
