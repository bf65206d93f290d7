package bearers

import (
	"context"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
)

// Inspect tells what a signed token may, whoever shows it, as People.Inspect does. That is not
// showing it: no token is made that would stand for it, so one that was never shown has no id.
// One that works in several workspaces has none.
func (svc *Service) Inspect(ctx context.Context, asks keyhatch.Caller, jwt keyhatch.Secret) (people.Inspection, error) {
	now := svc.k.Now()
	s, err := svc.open(ctx, jwt, "", now)
	seen, err := svc.people.Seen(ctx, asks, s.caller, now, err)
	if err != nil || !seen.Active {
		return people.Inspection{}, err
	}
	seen.IssuedAt = s.SignedAt
	if !s.kept {
		seen.Token.ID = ""
	}
	return seen, nil
}
