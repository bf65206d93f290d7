package keyhatch_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"pgregory.net/rapid"
)

// idKinds are all kinds of id; TestIDKindsAreAllListed holds that.
var idKinds = []keyhatch.IDKind{
	keyhatch.UserID, keyhatch.GroupID, keyhatch.WorkspaceID, keyhatch.TeamspaceID, keyhatch.TokenID, keyhatch.PasswordID, keyhatch.SessionID, keyhatch.CredentialID, keyhatch.StoreID,
	keyhatch.BucketID, keyhatch.LocationID, keyhatch.GrantID, keyhatch.LeaseID, keyhatch.EventID, keyhatch.ChainID, keyhatch.ObjectRequestID,
	keyhatch.KeyID, keyhatch.JobID, keyhatch.StoreAccountID, keyhatch.VendID,
	keyhatch.OAuthClientID, keyhatch.ConsentID, keyhatch.DeviceID, keyhatch.RefreshID, keyhatch.SigningKeyID,
}

const base36 = "0123456789abcdefghijklmnopqrstuvwxyz"

func TestIDKindsAreAllListed(t *testing.T) {
	declared := constants(t, "id.go", "IDKind")
	if len(declared) != len(idKinds) {
		t.Errorf("id.go declares %d kinds, the tests know %d", len(declared), len(idKinds))
	}
	seen := map[string]string{}
	for name, value := range declared {
		if !slices.Contains(idKinds, keyhatch.IDKind(value)) {
			t.Errorf("%s (%q) is not in the tests' list", name, value)
		}
		if other, taken := seen[value]; taken {
			t.Errorf("%s and %s are both %q", name, other, value)
		}
		seen[value] = name
	}
}

func TestNewIDHasItsShape(t *testing.T) {
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for _, kind := range idKinds {
		id := keyhatch.NewID(kind, now)
		rest, ok := strings.CutPrefix(id, string(kind)+"_")
		if !ok || len(rest) != 15 || strings.Trim(rest, base36) != "" {
			t.Errorf("%q is not %s_ and 15 of base36", id, kind)
		}
		payload, ok := keyhatch.IDPayload(kind, id)
		if !ok || payload != rest {
			t.Errorf("IDPayload(%s, %q) = %q, %t", kind, id, payload, ok)
		}
		for _, other := range idKinds {
			if _, ok := keyhatch.IDPayload(other, id); ok != (other == kind) {
				t.Errorf("IDPayload(%s, %q) = %t", other, id, ok)
			}
		}
	}
}

func TestIDPayloadRefuses(t *testing.T) {
	const good = "0mz3k8q2a7c4f9d"
	for _, tc := range []struct{ name, id string }{
		{"empty", ""},
		{"kind alone", "tok"},
		{"no payload", "tok_"},
		{"another kind", "user_" + good},
		{"kind in capitals", "TOK_" + good},
		{"a kind that ends alike", "xtok_" + good},
		{"a dash", "tok-" + good},
		{"too short", "tok_" + good[1:]},
		{"too long", "tok_" + good + "0"},
		{"a capital", "tok_" + good[:14] + "D"},
		{"a space", "tok_ " + good[1:]},
		{"a slash", "tok_" + good[:14] + "/"},
		{"a NUL", "tok_" + good[:14] + "\x00"},
		{"fifteen bytes of other letters", "tok_" + "éé" + good[4:]},
		{"a newline behind", "tok_" + good + "\n"},
		{"two kinds", "tok_tok_" + good[4:]},
	} {
		if payload, ok := keyhatch.IDPayload(keyhatch.TokenID, tc.id); ok || payload != "" {
			t.Errorf("%s: IDPayload(%q) = %q, %t", tc.name, tc.id, payload, ok)
		}
	}
	if payload, ok := keyhatch.IDPayload(keyhatch.TokenID, "tok_"+good); !ok || payload != good {
		t.Errorf("a good id: %q, %t", payload, ok)
	}
}

func TestIDsSortByTheirTime(t *testing.T) {
	// The time part must not wrap in any year that a database will see.
	first, last := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(5138, 1, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Int64Range(first.UnixMilli(), last.UnixMilli())
		a, b := ms.Draw(t, "a"), ms.Draw(t, "b")
		if a == b {
			b++
		}
		kind := rapid.SampledFrom(idKinds).Draw(t, "kind")
		early, late := keyhatch.NewID(kind, time.UnixMilli(min(a, b))), keyhatch.NewID(kind, time.UnixMilli(max(a, b)))
		if early >= late {
			t.Fatalf("made at %d: %s; made at %d: %s", min(a, b), early, max(a, b), late)
		}
	})
}

func TestIDsCarryTheirMilliseconds(t *testing.T) {
	now := time.Date(2026, 6, 1, 12, 0, 0, 123_000_000, time.UTC)
	payload, ok := keyhatch.IDPayload(keyhatch.LeaseID, keyhatch.NewID(keyhatch.LeaseID, now.In(time.FixedZone("east", 7200))))
	if !ok {
		t.Fatal("not an id")
	}
	var ms int64
	for _, c := range payload[:9] {
		ms = ms*36 + int64(strings.IndexRune(base36, c))
	}
	if ms != now.UnixMilli() {
		t.Errorf("%s carries %d ms, want %d", payload, ms, now.UnixMilli())
	}
}

// TestIDsOfOneMillisecondDiffer: with 36^6 values a millisecond, 500 ids collide
// once in 17,000 runs; two pairs of them never do in practice.
func TestIDsOfOneMillisecondDiffer(t *testing.T) {
	const n = 500
	now := time.Now()
	seen := map[string]bool{}
	for range n {
		seen[keyhatch.NewID(keyhatch.LeaseID, now)] = true
	}
	if len(seen) < n-1 {
		t.Errorf("%d ids of one millisecond are only %d different ones", n, len(seen))
	}
}

func TestRandomPartUsesTheWholeAlphabet(t *testing.T) {
	var counts [36]int
	now := time.Now()
	for range 2000 {
		id := keyhatch.NewID(keyhatch.LeaseID, now)
		for _, c := range id[len(id)-6:] {
			counts[strings.IndexRune(base36, c)]++
		}
	}
	// 12,000 characters, 333 of each; 200 is more than seven deviations away.
	for i, n := range counts {
		if n < 200 || n > 470 {
			t.Errorf("%q came %d times of 12000", base36[i], n)
		}
	}
}

func TestNewClusterID(t *testing.T) {
	seen := map[string]bool{}
	for range 50 {
		id := keyhatch.NewClusterID()
		if len(id) != 5 || strings.Trim(id, base36) != "" {
			t.Errorf("%q is not five of base36", id)
		}
		seen[id] = true
	}
	if len(seen) < 48 {
		t.Errorf("50 cluster ids are only %d different ones", len(seen))
	}
}
