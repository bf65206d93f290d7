package policy

import (
	"time"

	"github.com/keyhatch/keyhatch"
)

// BestGrant picks, of the grants that reach the caller, the one that a lease on
// the prefix rests on: it covers all of it with the access, is live, and lives
// longest. Ties go to the oldest, so that the choice is stable.
func BestGrant(grants []keyhatch.Grant, access keyhatch.Access, prefix keyhatch.Prefix, now time.Time) (keyhatch.Grant, bool) {
	var best keyhatch.Grant
	found := false
	for _, g := range grants {
		if !g.Live(now) || !g.Access.Covers(access) || !g.Prefix.Covers(prefix) {
			continue
		}
		if !found || outlives(g, best) {
			best, found = g, true
		}
	}
	return best, found
}

func outlives(a, b keyhatch.Grant) bool {
	switch {
	case a.ExpiresAt.Equal(b.ExpiresAt):
		return a.ID < b.ID
	case a.ExpiresAt.IsZero():
		return true
	case b.ExpiresAt.IsZero():
		return false
	}
	return a.ExpiresAt.After(b.ExpiresAt)
}

// NearestGrant picks the live grant that comes closest to what was asked, to
// tell a refused caller what would work: first one that covers the prefix with
// less access, then one inside the prefix, then any. None live: false.
func NearestGrant(grants []keyhatch.Grant, access keyhatch.Access, prefix keyhatch.Prefix, now time.Time) (keyhatch.Grant, bool) {
	var nearest keyhatch.Grant
	rank := 0
	for _, g := range grants {
		if !g.Live(now) {
			continue
		}
		r := 1
		switch {
		case g.Prefix.Covers(prefix):
			r = 4
		case prefix.Covers(g.Prefix) && g.Access.Covers(access):
			r = 3
		case prefix.Covers(g.Prefix):
			r = 2
		}
		if r > rank || r == rank && g.ID < nearest.ID {
			nearest, rank = g, r
		}
	}
	return nearest, rank > 0
}
