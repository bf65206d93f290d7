package broker_test

import (
	"context"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/db"
)

// S15: a lease that was decided while its grant was being shortened ended later
// than the grant. The pauses only bring the writes into one transaction, in this
// order; without them the test would prove less and fail no more.
func TestS15_LeaseNeverOutlivesItsLimits(t *testing.T) {
	w := newLab(t)
	l, g := w.newLocation()
	ctx := context.Background()
	hold := func() (held, release chan struct{}) {
		held, release = make(chan struct{}), make(chan struct{})
		go w.DB.Write(ctx, func(*db.Tx) error {
			close(held)
			<-release
			return nil
		})
		return held, release
	}
	held, first := hold()
	<-held
	end, done, lent := time.Now().Add(30*time.Minute), make(chan error, 1), make(chan lending.Lent, 1)
	go func() {
		done <- only(w.Broker.Places.UpdateGrant(ctx, w.Admin, g.ID, places.GrantChange{ExpiresAt: &end}))
	}()
	time.Sleep(30 * time.Millisecond)
	behind, second := hold()
	time.Sleep(30 * time.Millisecond)
	close(first)
	<-behind
	go func() {
		v, _ := w.Broker.Lending.Lease(ctx, w.who["guest"], lending.LeaseRequest{Location: l.ID, Access: keyhatch.Read})
		lent <- v
	}()
	time.Sleep(50 * time.Millisecond)
	close(second)
	w.must(<-done)
	if v := <-lent; v.Lease.ExpiresAt.After(end) {
		t.Errorf("it ends at %v, its grant at %v", v.Lease.ExpiresAt, end)
	}
}

// The owner of a location, who need not be a member, could not list the grants
// on it.
func TestOwnersListTheirOwn(t *testing.T) {
	w := newLab(t)
	l, _ := w.newLocation()
	v, err := w.Broker.Places.Grants(w.ctx, w.who["keeper"], "", l.ID, page)
	if err != nil || len(v.Items) != 1 {
		t.Errorf("%v, %v", v.Items, err)
	}
}

// S6: a token confined to a workspace went on to name it after its user had left.
func TestS6_FormerMembersForgetTheWorkspace(t *testing.T) {
	w := newLab(t)
	u := w.User(t, "leaver")
	w.Member(t, w.ws, u, keyhatch.MemberRole)
	confined := w.Token(t, u, people.NewToken{Workspace: w.ws.ID})
	w.must(w.Broker.People.RemoveWorkspaceMember(w.ctx, w.Admin, w.ws.ID, u.User.ID))
	if v, err := w.Broker.People.Workspaces(w.ctx, confined, page); err != nil || len(v.Items) > 0 {
		t.Errorf("%v, %v", v.Items, err)
	}
}
