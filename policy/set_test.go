package policy_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
)

func TestS8_EmptySetOpensNothing(t *testing.T) {
	for name, s := range map[string]policy.Set{
		"nil": nil, "empty": {}, "no access": {{Bucket: "demo"}}, "access that does not exist": {{Bucket: "demo", Access: "admin"}},
	} {
		for _, key := range []string{"", "a", "a/", "a/b"} {
			for _, access := range []keyhatch.Access{keyhatch.Read, keyhatch.Write, "", "admin"} {
				if s.AllowsObject(access, "demo", key) {
					t.Errorf("%s: allows to %s %q", name, access, key)
				}
			}
			if s.AllowsList(keyhatch.Read, "demo", key) {
				t.Errorf("%s: allows to list %q", name, key)
			}
		}
	}
	if got := policy.Set(nil).Buckets(); len(got) != 0 {
		t.Errorf("buckets of nothing: %q", got)
	}
	if got := policy.Set(nil).Prefixes("demo"); len(got) != 0 {
		t.Errorf("prefixes of nothing: %q", got)
	}
}

func TestSetAllows(t *testing.T) {
	s := policy.Set{
		{Bucket: "demo", Prefix: "data/a/", Access: keyhatch.Read},
		{Bucket: "demo", Prefix: "data/a/in/", Access: keyhatch.Write},
		{Bucket: "whole", Prefix: "", Access: keyhatch.Write},
	}
	for _, tc := range []struct {
		bucket, key       string
		read, write, list bool
	}{
		{"demo", "data/a/x", true, false, true},
		{"demo", "data/a/", true, false, true},
		{"demo", "data/a", false, false, false},
		{"demo", "data/ab", false, false, false},
		{"demo", "data/ab/x", false, false, false},
		{"demo", "data/", false, false, false},
		{"demo", "data/a/in/x", true, true, true},
		{"demo", "data/a/in", true, false, true},
		{"demo", "data/a/inx", true, false, true},
		{"demo", "DATA/a/x", false, false, false},
		{"demo", "/data/a/x", false, false, false},
		{"demo", "x", false, false, false},
		{"demo", "", false, false, false},
		{"whole", "x", true, true, true},
		{"whole", "data/a/x", true, true, true},
		{"whole", "", false, false, true}, // a list of all, but no object
		{"demo2", "data/a/x", false, false, false},
		{"", "data/a/x", false, false, false},
		{"Demo", "data/a/x", false, false, false},
	} {
		if got := s.AllowsObject(keyhatch.Read, tc.bucket, tc.key); got != tc.read {
			t.Errorf("read %q in %q: %t", tc.key, tc.bucket, got)
		}
		if got := s.AllowsObject(keyhatch.Write, tc.bucket, tc.key); got != tc.write {
			t.Errorf("write %q in %q: %t", tc.key, tc.bucket, got)
		}
		if got := s.AllowsList(keyhatch.Read, tc.bucket, tc.key); got != tc.list {
			t.Errorf("list %q in %q: %t", tc.key, tc.bucket, got)
		}
		for _, access := range []keyhatch.Access{"", "admin", "READ"} {
			if s.AllowsObject(access, tc.bucket, tc.key) {
				t.Errorf("%q on %q in %q is allowed", access, tc.key, tc.bucket)
			}
		}
	}
	if diff := cmp.Diff([]string{"demo", "whole"}, s.Buckets()); diff != "" {
		t.Errorf("buckets (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"s3://demo/data/a/", "s3://demo/data/a/in/"}, s.Prefixes("demo")); diff != "" {
		t.Errorf("prefixes (-want +got):\n%s", diff)
	}
	if got := s.Prefixes("demo2"); len(got) != 0 {
		t.Errorf("prefixes of another bucket: %q", got)
	}
}

// A lock is named where it alone is in the way of writing.
func TestWhichLock(t *testing.T) {
	s := policy.Set{
		{Bucket: "demo", Prefix: "data/a/", Access: keyhatch.Read, Locked: []keyhatch.Prefix{"data/"}}, // of a lease
		{Bucket: "whole", Access: keyhatch.Write, Locked: []keyhatch.Prefix{"x/", "y/z/"}},
		{Bucket: "read", Access: keyhatch.Read},
	}
	for _, c := range []struct {
		bucket, key string
		want        keyhatch.Prefix
	}{
		{"demo", "data/a/x", "data/"},
		{"demo", "data/ab", ""},
		{"demo", "x/", ""},
		{"whole", "x/y", "x/"},
		{"whole", "x", ""},
		{"whole", "y/z/", "y/z/"},
		{"whole", "y/x", ""},
		{"read", "x/y", ""},
		{"none", "x/y", ""},
	} {
		p, is := s.Locked(c.bucket, c.key)
		if p != c.want || is != (c.want != "") || is && s.AllowsObject(keyhatch.Write, c.bucket, c.key) {
			t.Errorf("%s in %s: %q, %t", c.key, c.bucket, p, is)
		}
	}
}

// TestBesideWhatIsNotKnown: of a bucket that could not be looked into all was listed, without
// the networks of what is in it. Who lists no bucket as a whole is not held up by that.
func TestBesideWhatIsNotKnown(t *testing.T) {
	lost := errors.New("no such bucket")
	fails := func(string) ([]keyhatch.Location, error) { return nil, lost }
	one := policy.Open{Bucket: "demo", Prefix: "a/", Access: keyhatch.Read}
	if s, err := (policy.Set{one}).Beside(fails); err != nil || len(s) != 1 {
		t.Errorf("without a list: %v, %v", s, err)
	}
	one.ListsBucket = true
	if s, err := (policy.Set{one}).Beside(fails); !errors.Is(err, lost) || s.AllowsList(keyhatch.Read, "demo", "") {
		t.Errorf("with one: %v, %v", s, err)
	}
}

// TestListOfAllOpensNothing: who may list all of a bucket sees names, and that is all.
func TestListOfAllOpensNothing(t *testing.T) {
	s := policy.Set{{Bucket: "demo", Prefix: "data/a/", Access: keyhatch.Write, ListsBucket: true}}
	for _, prefix := range []string{"", "data/", "data/a/", "other/", "data/ab"} {
		if !s.AllowsList(keyhatch.Read, "demo", prefix) {
			t.Errorf("%q is not listed", prefix)
		}
		inside := prefix == "data/a/"
		if s.AllowsList(keyhatch.Write, "demo", prefix) != inside { // of uploads
			t.Errorf("uploads below %q", prefix)
		}
		if s.AllowsObject(keyhatch.Read, "demo", prefix+"x") != inside || s.AllowsObject(keyhatch.Write, "demo", prefix+"x") != inside {
			t.Errorf("objects below %q", prefix)
		}
	}
	for _, prefix := range []keyhatch.Prefix{"", "data/", "other/"} {
		if s.Covers(keyhatch.Read, keyhatch.Part{Bucket: "demo", Prefix: prefix}) {
			t.Errorf("%q is covered", prefix)
		}
	}
	if s.AllowsList(keyhatch.Read, "demo2", "") || (policy.Set{{Bucket: "demo", Prefix: "a/", ListsBucket: true}}).AllowsList(keyhatch.Read, "demo", "") {
		t.Error("another bucket is listed, or with no access at all")
	}
}
