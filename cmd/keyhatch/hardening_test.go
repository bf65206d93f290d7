package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch/api"
)

// Each test here was an attack that worked once.

// A member who owned a location could be removed, and then granted the way back
// to itself.
func TestS7_OwnersAreNotRemoved(t *testing.T) {
	r := start(t)
	admin := r.admin.Reveal()
	_, secret := r.user("keeper")
	must[api.WorkspaceMember](r, admin, "PUT", "/api/v1/workspaces/demo/members/keeper", `{"role":"member"}`)
	must[api.Location](r, admin, "PATCH", "/api/v1/locations/alpha", `{"owner":"keeper"}`)
	if p := r.call(admin, "DELETE", "/api/v1/workspaces/demo/members/keeper", "").problem(t); p.Code != "in_use" {
		t.Errorf("an owner was removed: %+v", p)
	}
	must[api.Location](r, admin, "PATCH", "/api/v1/locations/alpha", `{"owner":"admin"}`)
	must[struct{}](r, admin, "DELETE", "/api/v1/workspaces/demo/members/keeper", "")
	if a := r.call(secret, "POST", "/api/v1/grants?workspace=demo", `{"location":"alpha","to":"everyone","access":"write"}`); a.status != http.StatusNotFound {
		t.Errorf("a former owner grants: %d %s", a.status, a.text)
	}
}

// A lease could open one workspace's data and be recorded in another's.
func TestLeaseStaysInOneWorkspace(t *testing.T) {
	r := start(t)
	admin := r.admin.Reveal()
	must[api.Workspace](r, admin, "POST", "/api/v1/workspaces", `{"name":"other"}`)
	must[api.Bucket](r, admin, "POST", "/api/v1/buckets?workspace=other", `{"store":"local","name":"other-data"}`)
	must[api.Location](r, admin, "POST", "/api/v1/locations?workspace=other", `{"name":"mine","url":"s3://other-data/mine/"}`)
	must[api.Grant](r, admin, "POST", "/api/v1/grants?workspace=other", `{"location":"mine","to":"everyone","access":"read"}`)
	alpha := must[api.Location](r, admin, "GET", "/api/v1/locations/alpha?workspace=demo", "")
	p := r.call(admin, "POST", "/api/v1/leases?workspace=other",
		`{"location":"`+alpha.ID+`","access":"read","prefixes":["s3://other-data/mine/",""]}`).problem(t)
	if p.Code != "stores_differ" {
		t.Errorf("got %+v", p)
	}
}

// The name that was checked and the name that was read could differ.
func TestFieldNamesHaveOneSpelling(t *testing.T) {
	r := start(t)
	p := r.call(r.admin.Reveal(), "POST", "/api/v1/leases", `{"location":"alpha","access":"read","ACCESS":"write"}`).problem(t)
	if p.Code != "invalid_request" {
		t.Errorf("got %+v", p)
	}
}

// A scoped admin's token could make one of another user's, and do what that may.
func TestS4_ScopedTokensDoNotImpersonate(t *testing.T) {
	r := start(t)
	r.user("ann")
	scoped := r.token(`{"scopes":["tokens","leases"]}`).Secret
	if p := r.call(scoped, "POST", "/api/v1/tokens", `{"user":"ann"}`).problem(t); p.Code != "scope_too_broad" {
		t.Errorf("got %+v", p)
	}
}

// The zero time was taken for none, and made what it stood in last for ever.
func TestZeroTimeIsPast(t *testing.T) {
	r := start(t)
	for path, body := range map[string]string{
		"/api/v1/tokens": `{"expires_at":"0001-01-01T00:00:00Z"}`,
		"/api/v1/grants": `{"location":"alpha","to":"everyone","access":"read","expires_at":"0001-01-01T00:00:00Z"}`,
	} {
		if p := r.call(r.admin.Reveal(), "POST", path, body).problem(t); p.Code != "invalid_expiry" {
			t.Errorf("%s: %+v", path, p)
		}
	}
}

// Whether a workspace exists could be told from the answers.
func TestS6_WorkspacesCannotBeGuessed(t *testing.T) {
	r := start(t)
	_, stranger := r.user("stranger")
	confined := r.token(`{"workspace":"demo"}`).Secret
	must[api.Workspace](r, r.admin.Reveal(), "POST", "/api/v1/workspaces", `{"name":"hidden"}`)
	for _, token := range []string{stranger, confined} {
		for _, call := range [][3]string{
			{"POST", "/api/v1/leases?workspace=", `{"location":"alpha","access":"read"}`},
			{"GET", "/api/v1/locations?workspace=", ""},
			{"GET", "/api/v1/locations/alpha?workspace=", ""},
			{"GET", "/api/v1/groups?workspace=", ""},
			{"GET", "/api/v1/leases?workspace=", ""},
			{"GET", "/api/v1/events?workspace=", ""},
		} {
			there := r.call(token, call[0], call[1]+"hidden", call[2]).problem(t)
			gone := r.call(token, call[0], call[1]+"nowhere", call[2]).problem(t)
			if there.Status != gone.Status || there.Code != gone.Code || there.Detail != gone.Detail || there.Field != gone.Field {
				t.Errorf("%s %s: %+v, but %+v for one that does not exist", call[0], call[1], there, gone)
			}
		}
	}
}

// A symbolic link inside a configured root led a store out of it.
func TestStoresStayInsideTheRoots(t *testing.T) {
	r := start(t)
	admin, outside := r.admin.Reveal(), t.TempDir()
	link := filepath.Join(r.folder, "objects", "link")
	if err := os.Symlink(outside, link); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(outside, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(outside, "secrets", "passwd"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	must[api.Store](r, admin, "POST", "/api/v1/stores", `{"name":"link","kind":"directory","path":"`+link+`"}`)
	must[api.Bucket](r, admin, "POST", "/api/v1/buckets/register", `{"store":"link","name":"secrets"}`)
	must[api.Location](r, admin, "POST", "/api/v1/locations", `{"name":"secrets","url":"s3://secrets/"}`)
	must[api.Grant](r, admin, "POST", "/api/v1/grants", `{"location":"secrets","to":"everyone","access":"read"}`)
	lent := must[api.Lent](r, admin, "POST", "/api/v1/leases", `{"location":"secrets","access":"read"}`)
	_, err := s3Client(lent).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("secrets"), Key: aws.String("passwd")})
	if code(err) != "InternalError" {
		t.Errorf("got %v", err)
	}
	for _, path := range []string{"/etc", r.folder, r.folder + "/objects/../..", "objects/x", ""} {
		if p := r.call(admin, "POST", "/api/v1/stores", `{"name":"x","kind":"directory","path":"`+path+`"}`).problem(t); p.Code != "invalid_path" {
			t.Errorf("path %q: %+v", path, p)
		}
	}
	for _, path := range []string{"/objects", "/objects/local", "/objects/local/demo"} {
		if p := r.call(admin, "POST", "/api/v1/stores", `{"name":"x","kind":"directory","path":"`+r.folder+path+`"}`).problem(t); p.Code != "invalid_path" {
			t.Errorf("a folder that store local serves, %s: %+v", path, p)
		}
	}
}

// A token that somebody put into a path was written into the log.
func TestS5_TokensInPathsAreNotLogged(t *testing.T) {
	r := start(t)
	planted := r.token(`{}`).Secret
	for spelling, logged := range map[string]string{
		planted: "path=/api/v1/tokens/[redacted]",
		"v2/ab0cd-gj3su-0mz3k8q2a7c4f9d/" + planted:     "path=/api/v1/tokens/v2/ab0cd-gj3su-0mz3k8q2a7c4f9d/[redacted]",
		"kh-ws_0mz3k8q2a7c4f9d-" + planted[len("kh_"):]: "path=/api/v1/tokens/[redacted]",
	} {
		r.log.Take()
		r.call(r.admin.Reveal(), "DELETE", "/api/v1/tokens/"+spelling, "")
		log := r.log.String()
		if strings.Contains(log, planted[len("kh_"):]) {
			t.Error("the log holds the token")
		}
		if !strings.Contains(log, logged+" ") {
			t.Errorf("the request is not in the log:\n%s", log)
		}
	}
}

// A presigned parameter that stands for a header was dropped without a word.
func TestPresignedHeadersAreNotDropped(t *testing.T) {
	r := start(t)
	lent := r.lease("write")
	for _, name := range []string{"X-Amz-Object-Lock-Mode", "X-Amz-Copy-Source", "X-Amz-Acl", "X-Amz-Tagging"} {
		q, err := http.NewRequest(http.MethodPut, lent.Endpoint+"/demo/alpha/x?"+name+"=public-read", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		sign(t, q, lent, "UNSIGNED-PAYLOAD")
		answer, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusNotImplemented {
			t.Errorf("%s: %d", name, answer.StatusCode)
		}
	}
}

// An upload of nothing that waits for the word "continue" got its answer without
// it, and botocore took the next answer on the connection for a broken one.
func TestEmptyUploadsHearContinue(t *testing.T) {
	r := start(t)
	lent := r.lease("write")
	q, err := http.NewRequest(http.MethodPut, lent.Endpoint+"/demo/alpha/empty", nil)
	if err != nil {
		t.Fatal(err)
	}
	sign(t, q, lent, "UNSIGNED-PAYLOAD")
	c, err := net.Dial("tcp", q.URL.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\nExpect: 100-continue\r\n", q.URL.Path, q.URL.Host)
	if err := q.Header.Write(c); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(c, "\r\n")
	answers := bufio.NewReader(c)
	for _, want := range []int{100, 200} {
		answer, err := http.ReadResponse(answers, q)
		if err != nil || answer.StatusCode != want {
			t.Fatalf("%v, %v, want %d", answer, err, want)
		}
	}
}

// A list could name a prefix with dot segments.
func TestS3_ListsTakeNoDotSegments(t *testing.T) {
	r := start(t)
	c := s3Client(r.lease("read"))
	for _, prefix := range []string{"alpha/../beta/", "alpha/./", "alpha//", "alpha/\x00"} {
		if _, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("demo"), Prefix: &prefix}); code(err) != "InvalidArgument" {
			t.Errorf("%q: %v", prefix, err)
		}
	}
	for _, prefix := range []string{"alpha/.", "alpha/..", "alpha/le"} { // a beginning of a name
		if _, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("demo"), Prefix: &prefix}); err != nil {
			t.Errorf("%q: %v", prefix, err)
		}
	}
}
