package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
)

// accesses asks until so many requests are on record: they are written together.
func (r *running) accesses(want int, args ...string) []api.ObjectRequest {
	r.t.Helper()
	var got []api.ObjectRequest
	for end := time.Now().Add(patience); len(got) < want && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		status, out, failed := r.ask(r.admin.Reveal(), append([]string{"audit", "access", "-o", "json"}, args...)...)
		if status != ask.ExitDone {
			r.t.Fatalf("%d: %s", status, failed)
		}
		got = nil
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			r.t.Fatal(err)
		}
		got = slices.DeleteFunc(got, func(q api.ObjectRequest) bool { return q.Status == 0 }) // noted while they ran
	}
	return got
}

// TestAccess: who read or wrote what, refused attempts included, can be asked for
// by location, person and time.
func TestAccess(t *testing.T) {
	r := start(t)
	lent := must[api.Lent](r, r.admin.Reveal(), "POST", "/api/v1/leases", `{"location":"alpha","access":"write"}`)
	c, ctx, b := s3Client(lent), t.Context(), aws.String("demo")
	if _, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: aws.String("alpha/new.txt"), Body: strings.NewReader("hello")}); err != nil {
		t.Fatal(err)
	}
	if _, err := get(ctx, c, "alpha/new.txt"); err != nil {
		t.Fatal(err)
	}
	if _, err := get(ctx, c, "elsewhere/secret.txt"); err == nil {
		t.Fatal("the lease opens what it does not")
	}
	if _, err := c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: b, Key: aws.String("alpha/copy.txt"), CopySource: aws.String("demo/alpha/new.txt")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b, Prefix: aws.String("alpha/")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: b, Delete: &types.Delete{Objects: []types.ObjectIdentifier{
		{Key: aws.String("alpha/new.txt")}, {Key: aws.String("alpha/copy.txt")}, {Key: aws.String("elsewhere/x")},
	}}}); err != nil {
		t.Fatal(err)
	}

	var got []string
	for _, q := range r.accesses(7, "--location", "s3://demo/alpha/", "--user", "admin", "--since", "1h") {
		if q.UserName != "admin" || q.Lease != lent.ID || q.Address != "127.0.0.1" {
			t.Errorf("%+v", q)
		}
		if q.Operation != "ListObjectsV2" { // how long the list is does not matter
			got = append(got, fmt.Sprintf("%s %s %s %d %d %s", q.Operation, q.Access, q.Key, q.Bytes, q.Status, q.Code))
		}
	}
	slices.Sort(got)
	want := []string{
		"CopyObject read alpha/new.txt 0 200 ", "CopyObject write alpha/copy.txt", "DeleteObjects write alpha/copy.txt 0 204 ",
		"DeleteObjects write alpha/new.txt 0 204 ", "GetObject read alpha/new.txt 5 200 ", "PutObject write alpha/new.txt 5 200 ",
	}
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("on record:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if one := r.accesses(1, "--location", "alpha", "--access", "write", "--limit", "1"); len(one) != 1 || one[0].Operation != "DeleteObjects" {
		t.Errorf("the newest that was written: %+v", one)
	}

	status, table, said := r.ask(r.admin.Reveal(), "audit", "access", "--location", "alpha", "--limit", "2")
	if status != ask.ExitDone || !strings.Contains(table, "s3://demo/alpha/copy.txt") || !strings.HasPrefix(table, "AT ") || !strings.Contains(said, "there is more") {
		t.Errorf("%d\n%s\n%s", status, table, said)
	}
	r.checkAccessTables(lent)
	for _, wrong := range []struct {
		status int
		args   []string
	}{
		{ask.ExitNotFound, []string{"--location", "nowhere"}},
		{ask.ExitNotFound, []string{"--location", "s3://demo/nowhere/"}},
		{ask.ExitNotFound, []string{"--location", "s3://nowhere/"}},
		{ask.ExitUsage, []string{"--location", "s3://demo/../"}},
		{ask.ExitUsage, []string{"--location", "alpha", "--since", "tomorrow"}},
		{ask.ExitUsage, []string{"--location", "alpha", "--access", "all"}},
		{ask.ExitNotFound, []string{"--location", "alpha", "--user", "nobody"}},
	} {
		if status, out, failed := r.ask(r.admin.Reveal(), append([]string{"audit", "access"}, wrong.args...)...); status != wrong.status || out != "" {
			t.Errorf("%v: %d, want %d: %s%s", wrong.args, status, wrong.status, out, failed)
		}
	}
	_, guest := r.user("guest")
	if status, _, failed := r.ask(guest, "audit", "access", "--location", "alpha", "--workspace", "demo"); status != ask.ExitNotFound && status != ask.ExitNotPermitted {
		t.Errorf("a guest: %d %s", status, failed)
	}
}

// checkAccessTables: the tables have the columns that the documentation shows, the
// narrow one fits a terminal, and the wide one leads on to the lease, the token and
// the request.
func (r *running) checkAccessTables(lent api.Lent) {
	r.t.Helper()
	text, err := os.ReadFile("../../docs/audit.md")
	if err != nil {
		r.t.Fatal(err)
	}
	shown := regexp.MustCompile(`(?m)^AT  .*$`).FindAllString(string(text), -1)
	one := r.accesses(1, "--location", "alpha", "--limit", "1")[0]
	if one.Lease != lent.ID || one.RequestID == "" || one.Token == "" || len(shown) != 2 {
		r.t.Fatalf("%+v, and %q", one, shown)
	}
	for i, args := range [][]string{nil, {"--wide"}} {
		status, table, failed := r.ask(r.admin.Reveal(), append([]string{"audit", "access", "--location", "alpha", "--limit", "1"}, args...)...)
		lines := strings.Split(strings.TrimSpace(table), "\n")
		if status != ask.ExitDone || len(lines) != 2 {
			r.t.Fatalf("%d\n%s\n%s", status, table, failed)
		}
		if got, want := strings.Fields(lines[0]), strings.Fields(shown[i]); !slices.Equal(got, want) {
			r.t.Errorf("%v: columns %v, the documentation shows %v", args, got, want)
		}
		for _, ending := range []string{one.Lease, one.Token, one.RequestID} {
			if strings.Contains(lines[1], ending) != (args != nil) {
				r.t.Errorf("%v: %s in %q", args, ending, lines[1])
			}
		}
		if args == nil && len(lines[1]) > 120 {
			r.t.Errorf("%d columns:\n%s", len(lines[1]), table)
		}
	}
}
