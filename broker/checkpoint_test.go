package broker_test

import (
	"testing"

	"github.com/keyhatch/keyhatch/audit"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/record"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// TestCheckpoints: of two processes each says how far the other has come, and not how far it
// has itself. Then one of them cannot be put back to an earlier state, with its head of that
// time, which nothing told of.
func TestCheckpoints(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	other := c.Beside(t)
	user := func(c *coretest.Core, name string) {
		t.Helper()
		if _, err := c.Broker.People.CreateUser(t.Context(), c.Admin, people.NewUser{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	headOf := func(name string) audit.Head {
		t.Helper()
		events, err := c.DB.Events(t.Context(), db.EventFilter{Action: people.UserCreated}, db.Everything)
		if err != nil {
			t.Fatal(err)
		}
		heads, err := c.DB.AuditHeads(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			for _, h := range heads {
				if e.Detail["name"] == name && e.Chain == h.Chain {
					return h
				}
			}
		}
		t.Fatalf("there is no event of %s", name)
		return audit.Head{}
	}
	user(other, "ann")
	early := headOf("ann")
	user(other, "bob")
	late := headOf("ann")
	user(c, "cy")
	own := headOf("cy").Chain
	if _, err := c.Broker.Record.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	e, _, err := c.DB.LastEventOf(t.Context(), record.Checkpointed)
	if err != nil || e.Chain != own || e.Detail[own] != "" || e.Detail[late.Chain] != audit.Checkpoint([]audit.Head{late})[late.Chain] {
		t.Errorf("the checkpoint says %v, %v", e, err)
	}
	wantWholeRecord(t, c)
	c.SQL(t, "delete from events where chain = $1 and seq > $2", early.Chain, early.Seq)
	c.SQL(t, "update audit_chains set seq = $1, hash = $2, sign = $3 where id = $4", early.Seq, []byte(early.Hash), []byte(early.Sign), early.Chain)
	found := findings(t, c).Findings
	if len(found) != 1 || found[0].Problem != audit.PutBack || found[0].Chain != early.Chain || found[0].Seq != late.Seq {
		t.Errorf("%v", found)
	}
}
