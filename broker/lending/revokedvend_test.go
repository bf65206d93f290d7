package lending_test

import (
	"context"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/sessions"
	"github.com/keyhatch/keyhatch/driver/shield"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// shielded is the site's installation as another process has it, with sessions of its own
// that serve again.
func (s *site) shielded(c *coretest.Core) (b *broker.Broker) {
	vender := shield.New(s.service, shield.Config{})
	return c.With(map[keyhatch.Lending]driver.Lender{keyhatch.LendsSTS: sessions.New(sessions.Config{
		Vender: vender, Acting: func(ctx context.Context, st keyhatch.Store) (driver.Acting, error) {
			return b.Credentials.ActingOn(ctx, st)
		},
	})})
}

// TestRevokedVendIsServedByNobody: the process that revoked a lease forgot its session; another
// one served that again to the same user, to its end.
func TestRevokedVendIsServedByNobody(t *testing.T) {
	t.Parallel()
	s := proven(t)
	s.service.lives.Sure = s.service.lives.Longest // so that they serve again
	here, there := s.shielded(s.Core), s.shielded(s.Beside(t))
	borrow := func(b *broker.Broker) keyhatch.Lease {
		t.Helper()
		return get[lending.Lent](t)(b.Lending.Lease(t.Context(), s.ann, lending.LeaseRequest{Location: s.location.ID, Access: keyhatch.Read})).Lease
	}
	first := borrow(there)
	if again := borrow(there); again.Vend != first.Vend || again.ID == first.ID {
		t.Fatalf("it does not serve again: %+v after %+v", again, first)
	}
	did(t)(nil, here.Lending.RevokeLease(t.Context(), s.ann, first.ID))
	after := borrow(there)
	if after.Vend == first.Vend {
		t.Errorf("revoked by another process, the session of %s is lent again", first.Vend)
	}
	if again := borrow(there); again.Vend != after.Vend {
		t.Error("the session after a revoked one does not serve again")
	}
}
