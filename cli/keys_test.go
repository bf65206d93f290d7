package cli

import (
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/api"
)

// TestWhenKeysGo says of each key what needs it, and when an old one goes.
func TestWhenKeysGo(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		key          api.Key
		needed, goes string
	}{
		{api.Key{Keyset: "columns", State: "primary", NeededBy: 1}, "1 secret", "-"},
		{api.Key{Keyset: "columns", State: "coming"}, "0 secrets", "-"},
		{api.Key{Keyset: "columns", State: "old", NeededBy: 2, Until: &at}, "2 secrets", "when they are sealed anew"},
		{api.Key{Keyset: "columns", State: "old", Until: &at}, "0 secrets", "after 2026-06-01T12:00:00Z"},
		{api.Key{Keyset: "tokens", State: "old", NeededBy: 3, Until: &at}, "3 tokens", "when they have ended"},
		{api.Key{Keyset: "sessions", State: "old", Until: &at}, "leases", "after 2026-06-01T12:00:00Z"},
		{api.Key{Keyset: "audit", State: "primary"}, "the audit record", "-"},
	} {
		if needed, goes := neededBy(c.key), goes(c.key); needed != c.needed || goes != c.goes {
			t.Errorf("%+v: %q, %q", c.key, needed, goes)
		}
	}
}

// TestRotationAtWork: --wait ends when the new keys are used and no secret is sealed
// with an old one, which may stay for long.
func TestRotationAtWork(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		keys []api.Key
		left bool
		text string
	}{
		{[]api.Key{{Keyset: "tokens", State: "primary"}, {Keyset: "tokens", State: "coming"}}, true, "every process of the server learns of the new keys"},
		{[]api.Key{{Keyset: "columns", State: "old", NeededBy: 3}, {Keyset: "columns", State: "primary", NeededBy: 2}}, true, "sealed with the new key: 2 of 5 secrets"},
		{[]api.Key{{Keyset: "columns", State: "old"}, {Keyset: "columns", State: "primary", NeededBy: 5}, {Keyset: "tokens", State: "old", NeededBy: 9}}, false, "sealed with the new key: 5 of 5 secrets"},
	} {
		if left, text := atWork(c.keys); left != c.left || text != c.text {
			t.Errorf("%+v: %v, %q", c.keys, left, text)
		}
	}
}
