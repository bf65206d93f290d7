package sts

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
)

func TestParseRole(t *testing.T) {
	for text, want := range map[string]lending.LeaseRequest{
		"read/s3/demo":                        {Access: "read", Location: "s3://demo"},
		"read/s3/demo/":                       {Access: "read", Location: "s3://demo/"},
		"write/s3/demo/alpha/2024/":           {Access: "write", Location: "s3://demo/alpha/2024/"},
		"write/s3/demo/workspace/x":           {Access: "write", Location: "s3://demo/workspace/x"},
		"read/s3/demo/a b/%2F/ü":              {Access: "read", Location: "s3://demo/a b/%2F/ü"},
		"read/location/alpha":                 {Access: "read", Location: "alpha"},
		"read/location/alpha/":                {Access: "read", Location: "alpha"},
		"read/location/loc_0mz3k8q2a7c4f9d":   {Access: "read", Location: "loc_0mz3k8q2a7c4f9d"},
		"read/location/alpha/2024/05":         {Access: "read", Location: "alpha", Prefixes: []string{"2024/05"}},
		"read/location/alpha/s3/x":            {Access: "read", Location: "alpha", Prefixes: []string{"s3/x"}},
		"read/workspace/lab/s3/demo/alpha/":   {Access: "read", Workspace: "lab", Location: "s3://demo/alpha/"},
		"write/workspace/lab/location/a/b":    {Access: "write", Workspace: "lab", Location: "a", Prefixes: []string{"b"}},
		"read/workspace/workspace/location/s": {Access: "read", Workspace: "workspace", Location: "s"},
	} {
		got, err := parseRole(roleBeginning + text)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", text, err, diff)
		}
	}
	for _, text := range []string{
		"", "read", "read/", "read/s3", "read/s3/", "read/location", "read/location/", "READ/s3/demo", "admin/s3/demo", "/read/s3/demo", "read//s3/demo",
		"read/workspace/lab", "read/workspace/lab/", "read/workspace//s3/demo", "read/workspace/lab/workspace/lab/s3/demo", "read/bucket/demo",
		"s3/demo", "read/S3/demo",
	} {
		if got, err := parseRole(roleBeginning + text); err == nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
	for _, arn := range []string{
		"arn:aws:iam::123456789012:role/keyhatch/read/s3/demo", "arn:aws-cn:iam::000000000000:role/keyhatch/read/s3/demo",
		"arn:aws:iam::000000000000:user/keyhatch/read/s3/demo", " " + roleBeginning + "read/s3/demo", "role/keyhatch/read/s3/demo",
	} {
		if got, err := parseRole(arn); err == nil {
			t.Errorf("%q is %+v", arn, got)
		}
	}
}

// Every kind of failure has its code, and only what may work later is one that
// clients try again.
func TestEveryKindIsMapped(t *testing.T) {
	for _, kind := range keyhatch.Kinds {
		e := asSTS(keyhatch.Fail(kind, keyhatch.CodeInternal, "a message"))
		if e.code == "" || e.status < 400 || e.message == "" {
			t.Errorf("%s is %+v", kind, e)
		}
		if again := kind == keyhatch.Unavailable || kind == keyhatch.Internal; again != (e.status >= 500) {
			t.Errorf("%s is %+v", kind, e)
		}
	}
	if len(kinds) != len(keyhatch.Kinds) {
		t.Errorf("%d kinds are mapped of %d", len(kinds), len(keyhatch.Kinds))
	}
}

// FuzzRequest: a role that is read asks for one place.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		"", "a=b&c=d", "a=b&a=c", "a=%ff", "=x", "a;b", "a=%zz", "&&", "RoleArn=" + url.QueryEscape(roleBeginning+"read/workspace/lab/s3/demo/a/"),
		"RoleArn=x&DurationSeconds=900&Policy=", strings.Repeat("a&", 100),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseForm(text)
		if err != nil {
			return
		}
		r, err := got.request()
		if err != nil {
			return
		}
		if r.Location == "" || !r.Access.Covers(keyhatch.Read) || len(r.Prefixes) > 1 || r.Life < 0 {
			t.Fatalf("%q asks for %+v", text, r)
		}
	})
}
