package keyhatch_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
)

func TestAccessCovers(t *testing.T) {
	for _, tc := range []struct {
		a, b keyhatch.Access
		want bool
	}{
		{keyhatch.Write, keyhatch.Write, true},
		{keyhatch.Write, keyhatch.Read, true},
		{keyhatch.Read, keyhatch.Read, true},
		{keyhatch.Read, keyhatch.Write, false},
		{"", keyhatch.Read, false},
		{"", "", false},
		{keyhatch.Write, "", false},
		{keyhatch.Read, "", false},
		{keyhatch.Write, "admin", false},
		{"admin", keyhatch.Read, false},
		{"admin", "admin", false},
		{"WRITE", keyhatch.Read, false},
	} {
		if got := tc.a.Covers(tc.b); got != tc.want {
			t.Errorf("%q covers %q: %t", tc.a, tc.b, got)
		}
	}
}

func TestParseAccess(t *testing.T) {
	for _, a := range []keyhatch.Access{keyhatch.Read, keyhatch.Write} {
		if got, err := keyhatch.ParseAccess(string(a)); got != a || err != nil {
			t.Errorf("%q: %q, %v", a, got, err)
		}
	}
	for _, s := range []string{"", "Read", "read ", "rw", "readwrite", "admin", "*"} {
		got, err := keyhatch.ParseAccess(s)
		wantInvalid(t, s, keyhatch.CodeInvalidRequest, err)
		if got != "" {
			t.Errorf("%q is refused and returns %q", s, got)
		}
	}
}

func TestCheckMaxLease(t *testing.T) {
	for d, ok := range map[time.Duration]bool{
		keyhatch.MinLeaseLife:            true,
		keyhatch.MinLeaseLife - 1:        false,
		keyhatch.DefaultMaxLeaseLife:     true,
		keyhatch.LongestMaxLeaseLife:     true,
		keyhatch.LongestMaxLeaseLife + 1: false,
		0:                                false,
		-time.Hour:                       false,
	} {
		err := keyhatch.CheckMaxLease(d, keyhatch.MinLeaseLife)
		if ok && err != nil {
			t.Errorf("%s: %v", d, err)
		}
		if !ok {
			wantInvalid(t, d.String(), keyhatch.CodeInvalidDuration, err)
		}
	}
	if keyhatch.DefaultLeaseLife < keyhatch.MinLeaseLife || keyhatch.DefaultLeaseLife > keyhatch.DefaultMaxLeaseLife {
		t.Error("what is lent by default is outside of its limits")
	}
}

func TestRoleManages(t *testing.T) {
	for role, want := range map[keyhatch.Role]bool{
		keyhatch.OwnerRole: true, keyhatch.AdminRole: true, keyhatch.MemberRole: false, keyhatch.NoRole: false, "root": false, "Owner": false,
	} {
		if got := role.Manages(); got != want {
			t.Errorf("%q manages: %t", role, got)
		}
	}
}

func TestLeaseTellsWhatItRestsOn(t *testing.T) {
	l := keyhatch.Lease{Parts: []keyhatch.Part{
		{Bucket: "demo", Prefix: "a/", Location: "loc_1", Grant: "grant_1"},
		{Bucket: "demo", Location: "loc_2", Grant: "grant_2"},
	}}
	if diff := cmp.Diff([]string{"s3://demo/a/", "s3://demo/"}, l.URLs()); diff != "" {
		t.Errorf("URLs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"grant_1", "grant_2"}, l.Grants()); diff != "" {
		t.Errorf("grants (-want +got):\n%s", diff)
	}
	if got := (keyhatch.Location{BucketName: "demo", Prefix: "a/"}).URL().String(); got != "s3://demo/a/" {
		t.Errorf("location's URL %s", got)
	}
	if got := (keyhatch.Grant{Bucket: "demo", Prefix: "a/b/"}).URL().String(); got != "s3://demo/a/b/" {
		t.Errorf("grant's URL %s", got)
	}
}

func TestOrigin(t *testing.T) {
	if got := keyhatch.OriginOf(context.Background()); got != (keyhatch.Origin{}) || got.AddressText() != "" {
		t.Errorf("of an empty context: %+v", got)
	}
	o := keyhatch.Origin{Address: netip.MustParseAddr("2001:db8::1"), RequestID: "r1"}
	got := keyhatch.OriginOf(keyhatch.WithOrigin(context.Background(), o))
	if got != o || got.AddressText() != "2001:db8::1" {
		t.Errorf("%+v, %s", got, got.AddressText())
	}
}

func TestHashIsHexadecimal(t *testing.T) {
	if got := (keyhatch.Hash{0x00, 0xab, 0xff}).String(); got != "00abff" {
		t.Errorf("%q", got)
	}
	if got := keyhatch.Hash(nil).String(); got != "" {
		t.Errorf("none: %q", got)
	}
}

// What could be a token is not repeated, wherever in a text it stands.
func TestMayHoldToken(t *testing.T) {
	for text, may := range map[string]bool{
		"kh_abc": true, "x-kh_": true, "v2/kh-ws_1": true, "eyJhbGciOiJFZERTQSJ9.e30.c2ln": true, "Bearer eyJhbGciOiJFZERTQSJ9.e30.": true,
		"": false, "organizations": false, "y.tar.gz": false, "eyJ": false, "eyJ.x": false, "a.b.eyJ": false,
	} {
		if got := keyhatch.MayHoldToken(text); got != may {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// TestStoreInTheClear: objects, and secrets of keys that a store keeps, can be read on
// their way where one of its endpoints has no TLS.
func TestStoreInTheClear(t *testing.T) {
	for _, s := range []struct {
		endpoint, keys string
		want           bool
	}{
		{"", "", false},
		{"https://s3.example", "", false},
		{"http://s3.example", "", true},
		{"http://127.0.0.1:9000", "", false},
		{"http://localhost:9000", "http://[::1]:9001", false},
		{"https://s3.example", "https://iam.example", false},
		{"https://s3.example", "http://iam.example", true},
	} {
		if got := (keyhatch.Store{Endpoint: s.endpoint, KeysEndpoint: s.keys}).InTheClear(); got != s.want {
			t.Errorf("%q with keys at %q: %t", s.endpoint, s.keys, got)
		}
	}
}
