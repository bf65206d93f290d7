package people

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/policy"
)

// TokenChange says what of a token changes; nil fields stay.
type TokenChange struct {
	Name              *string
	Scopes            *[]keyhatch.Scope
	ExpiresAt         *time.Time // zero: until revoked; in the past: the token ends at once
	Networks          *[]netip.Prefix
	RequestsPerMinute *int
	Annotations       *map[string]string
}

// UpdateToken changes a token. The rules of making one hold before and after (S4):
// one's own token, or for installation admins anybody's, and none that may more, or
// longer, than the caller's. A token may narrow itself, and not widen itself. What was
// borrowed with it ends when its scopes or networks are narrowed.
func (svc *Service) UpdateToken(ctx context.Context, c keyhatch.Caller, id string, change TokenChange) (t keyhatch.Token, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		if t, err = visibleToken(w.View, id); err != nil {
			return err
		}
		if err := mustHaveNewest(w); err != nil {
			return err
		}
		if err := mayTakeOver(w, t); err != nil {
			return err
		}
		before := t
		kernel.Set(&t.Name, change.Name)
		kernel.Set(&t.Scopes, change.Scopes)
		kernel.Set(&t.Networks, change.Networks)
		kernel.Set(&t.RequestsPerMinute, change.RequestsPerMinute)
		kernel.Set(&t.Annotations, change.Annotations)
		if change.ExpiresAt != nil {
			t.ExpiresAt = kernel.Stored(*change.ExpiresAt)
		}
		t.UpdatedAt = w.Now
		if err := svc.mayBecome(w, before, t); err != nil {
			return err
		}
		narrowed, err := narrower(before, t)
		if err != nil {
			return err
		}
		if narrowed {
			t.Since = w.Now
		}
		if err := w.Tx.UpdateToken(ctx, t); err != nil {
			return err
		}
		if err := w.Record(TokenUpdated, t.Workspace, t.ID, kernel.Detail("user", t.User, "changed", changedFields(change),
			"name", t.Name, "scopes", joinScopes(t.Scopes), "expires", kernel.TimeText(t.ExpiresAt), "networks", keyhatch.NetworksText(t.Networks),
			"narrowed", kernel.Yes(narrowed))); err != nil || t.Consent == "" || t.Live(w.Now) {
			return err
		}
		return svc.revokeEach(w, []keyhatch.Token{t}, becauseRevoked) // to end one is to end what it came of
	})
	if err != nil {
		return keyhatch.Token{}, err
	}
	return t, nil
}

// mayBecome refuses what the caller could not have made. Limits that were not changed
// are not looked at again: those of the installation may have changed meanwhile.
func (svc *Service) mayBecome(w *kernel.Work, before, t keyhatch.Token) error {
	if err := checkToken(t); err != nil {
		return err
	}
	maker, err := makerOf(w)
	if err != nil {
		return err
	}
	if err := maker.holds(t); err != nil {
		return err
	}
	limited := t
	if t.ExpiresAt.Equal(before.ExpiresAt) {
		limited.ExpiresAt = w.Now
	}
	if t.RequestsPerMinute == before.RequestsPerMinute {
		limited.RequestsPerMinute = 0
	}
	return svc.checkLimits(w, limited)
}

// narrower tells whether a token may less than it did, as to what and from where.
func narrower(before, after keyhatch.Token) (bool, error) {
	scopes, err := policy.ParseScopes(before.Scopes)
	if err != nil {
		return false, err
	}
	now, err := policy.ParseScopes(after.Scopes)
	if err != nil {
		return false, err
	}
	_, was := before.OfTask()
	_, is := after.OfTask()
	return !scopes.Within(now) || !keyhatch.NetworksWithin(before.Networks, after.Networks) || is && !was, nil
}

func changedFields(c TokenChange) string {
	var out []string
	for name, is := range map[string]bool{
		"name": c.Name != nil, "scopes": c.Scopes != nil, "expires_at": c.ExpiresAt != nil, "networks": c.Networks != nil,
		"requests_per_minute": c.RequestsPerMinute != nil, "annotations": c.Annotations != nil,
	} {
		if is {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}
