package keyhatch_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
)

// TestSessionsOfCredentials: what a token service would refuse is refused when it is set,
// and named.
func TestSessionsOfCredentials(t *testing.T) {
	t.Parallel()
	many := map[string]string{}
	for i := range 51 {
		many[fmt.Sprint(i)] = ""
	}
	for _, tc := range []struct {
		sessions keyhatch.Sessions
		field    string // at fault; empty: none
	}{
		{keyhatch.Sessions{}, ""},
		{keyhatch.Sessions{Name: "{user}@{client}"}, ""},
		{keyhatch.Sessions{Name: "kh-{vend}"}, ""},
		{keyhatch.Sessions{Name: "keyhatch"}, "sessions.name"},
		{keyhatch.Sessions{Name: "{user}/x"}, "sessions.name"},
		{keyhatch.Sessions{Name: "{who}"}, "sessions.name"},
		{keyhatch.Sessions{Name: "{user}+x"}, "sessions.name"}, // Ceph's RGW refuses a plus
		{keyhatch.Sessions{Name: "{user} x"}, "sessions.name"},
		{keyhatch.Sessions{Name: "{user}" + strings.Repeat("x", 60)}, "sessions.name"},
		{keyhatch.Sessions{Longest: 15 * time.Minute}, ""},
		{keyhatch.Sessions{Longest: 7 * 24 * time.Hour}, ""},
		{keyhatch.Sessions{Longest: 14 * time.Minute}, "sessions.longest_seconds"},
		{keyhatch.Sessions{Longest: 8 * 24 * time.Hour}, "sessions.longest_seconds"},
		{keyhatch.Sessions{Longest: time.Hour + time.Millisecond}, "sessions.longest_seconds"},
		{keyhatch.Sessions{Tags: map[string]string{"team": "Brücke 7"}}, ""},
		{keyhatch.Sessions{Tags: map[string]string{"": "x"}}, "sessions.tags"},
		{keyhatch.Sessions{Tags: map[string]string{"a;b": "x"}}, "sessions.tags"},
		{keyhatch.Sessions{Tags: map[string]string{"a": strings.Repeat("x", 257)}}, "sessions.tags"},
		{keyhatch.Sessions{Tags: many}, "sessions.tags"},
		{keyhatch.Sessions{WebIdentity: true, Longest: time.Hour, Name: "{user}"}, ""},
		{keyhatch.Sessions{WebIdentity: true, Tags: map[string]string{"team": "lab"}}, "sessions.tags"},
		{keyhatch.Sessions{WebIdentity: true, SourceIdentity: true}, "sessions.source_identity"},
	} {
		err := tc.sessions.Check()
		var failed *keyhatch.Error
		if tc.field == "" && err != nil || tc.field != "" && (!errors.As(err, &failed) || failed.Field != tc.field) {
			t.Errorf("%+v: %v, want one of %q", tc.sessions, err, tc.field)
		}
	}
}

// TestS8_ProofOfSessions: only what was proven with what acts, or was accepted, lends; and
// that a role asks for its external id is accepted by nobody.
func TestS8_ProofOfSessions(t *testing.T) {
	t.Parallel()
	const with = "AWS role https://s3.example"
	check := func(o, external keyhatch.Outcome) []keyhatch.Check {
		return []keyhatch.Check{{Name: "a", Outcome: keyhatch.Passed}, {Name: "b", Outcome: o}, {Name: "c", Outcome: keyhatch.Skipped}, {Name: keyhatch.ExternalID, Outcome: external}}
	}
	const passed, failed, warning, skipped = keyhatch.Passed, keyhatch.Failed, keyhatch.Warning, keyhatch.Skipped
	for _, tc := range []struct {
		what     string
		proof    *keyhatch.Proof
		with     string
		external bool
		lends    bool
	}{
		{"not tried", nil, with, false, false},
		{"passed", &keyhatch.Proof{With: with, Checks: check(passed, passed)}, with, true, true},
		{"failed", &keyhatch.Proof{With: with, Checks: check(failed, passed)}, with, true, false},
		{"weak", &keyhatch.Proof{With: with, Checks: check(warning, passed)}, with, true, false},
		{"weak and accepted", &keyhatch.Proof{With: with, Checks: check(warning, passed), AcceptedBy: "user_1"}, with, true, true},
		{"failed and accepted", &keyhatch.Proof{With: with, Checks: check(failed, passed), AcceptedBy: "user_1"}, with, true, true},
		{"passed with another", &keyhatch.Proof{With: with, Checks: check(passed, passed), AcceptedBy: "user_1"}, with + " other", true, false},
		{"a role that admits everybody, accepted", &keyhatch.Proof{With: with, Checks: check(passed, warning), AcceptedBy: "user_1"}, with, true, false},
		{"a role of which it could not be told", &keyhatch.Proof{With: with, Checks: check(passed, skipped), AcceptedBy: "user_1"}, with, true, false},
		{"a role of which it was not asked", &keyhatch.Proof{With: with, Checks: check(passed, passed)[:3], AcceptedBy: "user_1"}, with, true, false},
		{"a role that may admit everybody", &keyhatch.Proof{With: with, Checks: check(passed, skipped)}, with, false, true},
	} {
		err := tc.proof.MayLend(tc.with, tc.external)
		var refused *keyhatch.Error
		if tc.lends && err != nil || !tc.lends && (!errors.As(err, &refused) || refused.Code != keyhatch.CodeStoreNotProven) {
			t.Errorf("%s: %v", tc.what, err)
		}
	}
}

// TestKMSKeys: a key is named by its ARN, and a policy can hold nothing else by it.
func TestKMSKeys(t *testing.T) {
	t.Parallel()
	const key = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	if err := keyhatch.CheckKMSKey(key); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "*", "arn:aws:kms:eu-west-1:123456789012:key/*", "arn:aws:kms:eu-west-1:123456789012:alias/x", key + "?", "x" + key, strings.Replace(key, "eu-west-1", "*", 1)} {
		if err := keyhatch.CheckKMSKey(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
