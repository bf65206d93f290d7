package broker_test

import (
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/audit"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

func wantWholeRecord(t *testing.T, c *coretest.Core) audit.Report {
	t.Helper()
	report := findings(t, c)
	for _, f := range report.Findings {
		t.Errorf("the record is damaged: %s", f)
	}
	return report
}

func findings(t *testing.T, c *coretest.Core) audit.Report {
	t.Helper()
	report, err := broker.VerifyAudit(t.Context(), c.DB, c.Keys)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// TestVerifyAuditNamesTheRow: what somebody who holds the database does to the
// record is found, with its place. Each row begins with a whole record of three
// chains: 1 event, 6 events, 3 events.
func TestVerifyAuditNamesTheRow(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	for _, name := range []string{"ann", "bob", "cy", "di", "eve"} {
		if _, err := c.Broker.People.CreateUser(t.Context(), c.Admin, people.NewUser{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	c.Restart(t)
	for _, name := range []string{"fay", "gil", "hal"} {
		if _, err := c.Broker.People.CreateUser(t.Context(), c.Admin, people.NewUser{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	if r := wantWholeRecord(t, c); r.Chains != 3 || r.Events != 10 {
		t.Fatalf("%d events in %d chains", r.Events, r.Chains)
	}
	heads, err := c.DB.AuditHeads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first, second, third := heads[0].Chain, heads[1].Chain, heads[2].Chain
	event := func(chain string, seq int64) (id string) {
		for e, err := range c.DB.AllEvents(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if e.Chain == chain && e.Seq == seq {
				return e.ID
			}
		}
		t.Fatalf("no event %d of %s", seq, chain)
		return ""
	}
	e3, e4 := event(second, 3), event(second, 4)
	for _, tamper := range []struct {
		what string
		do   []string
		args []any // of every statement
		want []string
	}{
		{"another user did it", []string{"update events set user_id = 'user_000000000000000' where id = $1"}, []any{e3}, []string{"changed in CHAIN, event 3 (" + e3 + ")"}},
		{"at another time", []string{"update events set at = at + 1 where id = $1"}, []any{e3}, []string{"changed in CHAIN, event 3"}},
		{"something else", []string{"update events set action = 'user.delete' where id = $1"}, []any{e3}, []string{"changed in CHAIN, event 3"}},
		{"from elsewhere", []string{"update events set address = '192.0.2.1' where id = $1"}, []any{e3}, []string{"changed in CHAIN, event 3"}},
		{"in another workspace", []string{"update events set workspace = 'ws_000000000000000' where id = $1"}, []any{e3}, []string{"changed in CHAIN, event 3"}},
		{"with other facts", []string{"update events set detail = '{}' where id = $1"}, []any{e3}, []string{"changed in CHAIN, event 3"}},
		{"under another id", []string{"update events set id = 'event_000000000000000' where id = $1"}, []any{e3}, []string{"changed in CHAIN, event 3 (event_000000000000000)"}},
		{"with another hash", []string{"update events set hash = x'00' where id = $1"}, []any{e3}, []string{"changed in CHAIN, event 3"}},
		{"one deleted", []string{"delete from events where id = $1"}, []any{e3}, []string{"missing in CHAIN, event 3"}},
		{"one deleted, the rest moved up", []string{"delete from events where id = $1", "update events set seq = -(seq - 1) where chain = $2 and seq > 3", "update events set seq = -seq where seq < 0"}, []any{e3, second}, []string{"changed in CHAIN, event 3", "cut off in CHAIN, event 6"}},
		{"two swapped", []string{"update events set seq = 100 where id = $1", "update events set seq = 3 where id = $2", "update events set seq = 4 where id = $1"}, []any{e3, e4}, []string{"reordered in CHAIN, event 3 (" + e4 + "): it was written as event 4", "reordered in CHAIN, event 4 (" + e3 + "): it was written as event 3"}},
		{"the end cut off", []string{"delete from events where chain = $1 and seq > 4"}, []any{second}, []string{"cut off in CHAIN, events 5 to 6"}},
		{"the end cut off, and the head set back", []string{"delete from events where chain = $1 and seq > 4", "update audit_chains set seq = 4, hash = (select hash from events where chain = $1 and seq = 4) where id = $1"}, []any{second}, []string{"bad head in CHAIN"}},
		{"all of a chain deleted", []string{"delete from events where chain = $1"}, []any{second}, []string{"cut off in CHAIN, events 1 to 6"}},
		{"a chain dropped with its head", []string{"delete from events where chain = $1", "delete from audit_chains where id = $1"}, []any{second}, []string{"chain gone: chain number 2 of 3"}},
		{"the last chain dropped, and the registry set back", []string{"delete from events where chain = $1", "delete from audit_chains where id = $1", "update audit_registry set chains = 2"}, []any{third}, []string{"chain gone: the registry"}},
		{"a head removed", []string{"delete from audit_chains where id = $1"}, []any{second}, []string{"chain gone: chain number 2", "unknown in CHAIN, events 1 to 6"}},
		{"the registry removed", []string{"delete from audit_registry"}, nil, []string{"chain gone: the registry"}},
		{"an event added at the end", []string{"insert into events select chain, 7, 'event_000000000000000', at, workspace, user_id, token, address, request_id, action, target, detail, hash from events where id = $1"}, []any{e3}, []string{"changed in CHAIN, event 7", "unknown in CHAIN, event 7"}},
		{"an event moved to another chain", []string{"update events set chain = $2, seq = 2 where id = $1"}, []any{e3, first}, []string{"missing in CHAIN, event 3", "event 2 (" + e3 + ")"}},
	} {
		c.SQL(t, "create table kept_events as select * from events")
		c.SQL(t, "create table kept_chains as select * from audit_chains")
		c.SQL(t, "create table kept_registry as select * from audit_registry")
		for _, statement := range tamper.do {
			var args []any
			for i, a := range tamper.args {
				if strings.Contains(statement, []string{"$1", "$2"}[i]) {
					args = append(args, a)
				}
			}
			if !strings.Contains(statement, "$1") {
				statement = strings.ReplaceAll(statement, "$2", "$1")
			}
			c.SQL(t, statement, args...)
		}
		var got strings.Builder
		for _, f := range findings(t, c).Findings {
			got.WriteString(f.String() + "\n")
		}
		for _, want := range tamper.want {
			if !strings.Contains(got.String(), strings.ReplaceAll(want, "CHAIN", second)) {
				t.Errorf("%s: want %q among the findings:\n%s", tamper.what, want, got.String())
			}
		}
		for table, kept := range map[string]string{"events": "kept_events", "audit_chains": "kept_chains", "audit_registry": "kept_registry"} {
			c.SQL(t, "delete from "+table)
			c.SQL(t, "insert into "+table+" select * from "+kept)
			c.SQL(t, "drop table "+kept)
		}
		wantWholeRecord(t, c)
	}
}
