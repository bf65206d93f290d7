package policy_test

import (
	"slices"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// grant makes one; hours is when it expires, seen from noon, 0 for never.
func grant(id string, access keyhatch.Access, prefix keyhatch.Prefix, hours int) keyhatch.Grant {
	g := keyhatch.Grant{ID: id, Access: access, Prefix: prefix}
	if hours != 0 {
		g.ExpiresAt = noon.Add(time.Duration(hours) * time.Hour)
	}
	return g
}

func TestBestGrant(t *testing.T) {
	for _, tc := range []struct {
		name   string
		grants []keyhatch.Grant
		access keyhatch.Access
		prefix keyhatch.Prefix
		want   string // empty: none
	}{
		{"no grants", nil, "read", "a/", ""},
		{"the one that fits", []keyhatch.Grant{grant("g1", "read", "a/", 0)}, "read", "a/", "g1"},
		{"one above", []keyhatch.Grant{grant("g1", "read", "", 0)}, "read", "a/b/", "g1"},
		{"write covers read", []keyhatch.Grant{grant("g1", "write", "a/", 0)}, "read", "a/", "g1"},
		{"read does not cover write", []keyhatch.Grant{grant("g1", "read", "a/", 0)}, "write", "a/", ""},
		{"one below is not enough", []keyhatch.Grant{grant("g1", "read", "a/b/", 0)}, "read", "a/", ""},
		{"one beside", []keyhatch.Grant{grant("g1", "read", "a/", 0)}, "read", "ab/", ""},
		{"two below do not add up", []keyhatch.Grant{grant("g1", "read", "a/b/", 0), grant("g2", "read", "a/c/", 0)}, "read", "a/", ""},
		{"two halves do not add up", []keyhatch.Grant{grant("g1", "read", "a/", 0), grant("g2", "write", "a/b/", 0)}, "write", "a/", ""},
		{"expired", []keyhatch.Grant{grant("g1", "read", "a/", -1)}, "read", "a/", ""},
		{"expires now", []keyhatch.Grant{{ID: "g1", Access: "read", Prefix: "a/", ExpiresAt: noon}}, "read", "a/", ""},
		{"expired beside a live one", []keyhatch.Grant{grant("g1", "read", "a/", -1), grant("g2", "read", "a/", 1)}, "read", "a/", "g2"},
		{"the longest", []keyhatch.Grant{grant("g1", "read", "a/", 1), grant("g2", "read", "a/", 3), grant("g3", "read", "a/", 2)}, "read", "a/", "g2"},
		{"for ever is longest", []keyhatch.Grant{grant("g1", "read", "a/", 9999), grant("g2", "read", "", 0)}, "read", "a/", "g2"},
		{"the oldest of equals", []keyhatch.Grant{grant("g3", "read", "a/", 2), grant("g1", "write", "", 2), grant("g2", "read", "a/", 2)}, "read", "a/", "g1"},
		{"the oldest of two for ever", []keyhatch.Grant{grant("g2", "read", "a/", 0), grant("g1", "read", "a/", 0)}, "read", "a/", "g1"},
		{"the longest that fits", []keyhatch.Grant{grant("g1", "read", "a/", 0), grant("g2", "write", "a/", 1)}, "write", "a/", "g2"},
		{"access that does not exist", []keyhatch.Grant{grant("g1", "write", "a/", 0)}, "admin", "a/", ""},
		{"access of a grant that does not exist", []keyhatch.Grant{grant("g1", "admin", "a/", 0)}, "read", "a/", ""},
	} {
		for range 2 { // the order of the grants must not matter
			got, ok := policy.BestGrant(tc.grants, tc.access, tc.prefix, noon)
			if got.ID != tc.want || ok != (tc.want != "") {
				t.Errorf("%s: %q, %t; want %q", tc.name, got.ID, ok, tc.want)
			}
			slices.Reverse(tc.grants)
		}
	}
}

func TestNearestGrant(t *testing.T) {
	for _, tc := range []struct {
		name   string
		grants []keyhatch.Grant
		access keyhatch.Access
		want   string
	}{
		{"none", nil, "read", ""},
		{"none live", []keyhatch.Grant{grant("g1", "read", "a/", -1)}, "read", ""},
		{"any", []keyhatch.Grant{grant("g1", "read", "z/", 0)}, "read", "g1"},
		{"covering with less access before inside", []keyhatch.Grant{grant("g1", "write", "a/b/", 0), grant("g2", "read", "a/", 0)}, "write", "g2"},
		{"inside with the access before without", []keyhatch.Grant{grant("g1", "read", "a/b/", 0), grant("g2", "write", "a/c/", 0)}, "write", "g2"},
		{"inside before any", []keyhatch.Grant{grant("g1", "write", "z/", 0), grant("g2", "read", "a/b/", 0)}, "write", "g2"},
		{"the oldest of equals", []keyhatch.Grant{grant("g2", "read", "a/b/", 0), grant("g1", "read", "a/c/", 0)}, "read", "g1"},
		{"not an expired one that is nearer", []keyhatch.Grant{grant("g1", "read", "a/", -1), grant("g2", "read", "z/", 0)}, "write", "g2"},
		{"beside is not covering", []keyhatch.Grant{grant("g1", "read", "ab/", 0), grant("g2", "read", "a/b/", 0)}, "read", "g2"},
	} {
		for range 2 {
			got, ok := policy.NearestGrant(tc.grants, tc.access, "a/", noon)
			if got.ID != tc.want || ok != (tc.want != "") {
				t.Errorf("%s: %q, %t; want %q", tc.name, got.ID, ok, tc.want)
			}
			slices.Reverse(tc.grants)
		}
	}
}
