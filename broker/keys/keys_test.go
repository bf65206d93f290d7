package keys_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/broker/keys"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/seal"
)

// TestRotation follows the keys from one to the next, with everything that was made
// before.
func TestRotation(t *testing.T) {
	t.Parallel()
	g := newGround(t, atOnce)
	ids := g.credentials(10)
	before := map[string]keyhatch.DataKey{}
	for _, name := range keys.Rotatable {
		before[name] = g.keys(name)[0]
	}
	g.rotate()
	for _, name := range keys.Rotatable {
		if diff := cmp.Diff([]string{"primary", "coming"}, states(g.keys(name))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if _, err := g.Broker.Keys.Rotate(t.Context(), g.Admin, nil); !errors.Is(err, keyhatch.Conflict) {
		t.Errorf("once more: %v", err)
	}
	g.opens(ids)
	g.step()
	g.opens(ids)
	after := g.keys(seal.ColumnsKeyset)
	if len(after) != 1 || after[0].NeededBy != 10 || after[0].ID == before[seal.ColumnsKeyset].ID {
		t.Errorf("columns: %+v", after)
	}
	if n := g.sealedWith(before[seal.ColumnsKeyset].ID); n != 0 {
		t.Errorf("%d secrets are sealed with the old key", n)
	}
	if peppers := g.keys(seal.TokensKeyset); !cmp.Equal([]string{"old", "primary"}, states(peppers)) || peppers[0].NeededBy != 1 {
		t.Errorf("tokens: %+v", peppers) // the admin's own
	}
	for a, want := range map[keyhatch.Action]int{keys.Rotated: 3, keys.Used: 3, keys.Resealed: 4, keys.Dropped: 2} {
		if got := len(g.events(a)); got != want {
			t.Errorf("%d events of %s, want %d", got, a, want)
		}
	}
	for _, told := range []string{"a new data key is used", "keyset=columns key=" + keys.KeyText(before[seal.ColumnsKeyset].ID) + " needed_by=10 not_before=", "secrets were sealed anew", "an old data key is gone", "secrets=10", "left=0"} {
		if !strings.Contains(g.log.String(), told) {
			t.Errorf("the log does not tell: %s", told)
		}
	}
	if strings.Contains(g.log.String(), "canary") {
		t.Error("a secret is in the log")
	}
	g.Restart(t)
	g.opens(ids)
	report, err := broker.VerifyAudit(t.Context(), g.DB, g.Keys)
	if err != nil || len(report.Findings) > 0 {
		t.Errorf("the record: %v, %v", report.Findings, err)
	}
}

// TestTokensOutliveTheirPepper: tokens from before a rotation work, also in another
// process, and hold their pepper; when they are gone it goes.
func TestTokensOutliveTheirPepper(t *testing.T) {
	t.Parallel()
	g := newGround(t, atOnce)
	other := g.beside()
	authenticate := func(name string, g *ground, s keyhatch.Secret) {
		t.Helper()
		if _, err := g.Broker.People.Authenticate(t.Context(), s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	old, oldSecret, err := g.Broker.People.CreateToken(t.Context(), g.Admin, people.NewToken{})
	g.must(err)
	g.rotate(seal.TokensKeyset)
	g.step()
	_, fresh, err := g.Broker.People.CreateToken(t.Context(), g.Admin, people.NewToken{})
	g.must(err)
	g.must(other.Mirror.CatchUp(t.Context())) // as it does within a second
	for name, g := range map[string]*ground{"this process": g, "another": other} {
		authenticate(name+", old", g, oldSecret)
		authenticate(name+", new", g, fresh)
		authenticate(name+", the admin's", g, g.AdminSecret)
	}
	replaced, newer, err := g.Broker.People.RotateToken(t.Context(), g.Admin, old.ID, time.Hour)
	g.must(err)
	g.step()
	if peppers := g.keys(seal.TokensKeyset); len(peppers) != 2 || peppers[0].NeededBy != 2 {
		t.Errorf("a secret that was replaced works for an hour yet: %+v", peppers)
	}
	authenticate("replaced", g, oldSecret)
	authenticate("its replacement", g, newer)
	g.must(g.Broker.People.RevokeToken(t.Context(), g.Admin, replaced.ID))
	g.step()
	if peppers := g.keys(seal.TokensKeyset); len(peppers) != 2 || peppers[0].NeededBy != 1 {
		t.Errorf("the admin's token still needs it: %+v", peppers)
	}
	caller, err := g.Broker.People.Authenticate(t.Context(), fresh)
	g.must(err)
	g.must(g.Broker.People.RevokeToken(t.Context(), caller, g.Admin.Token.ID))
	g.step()
	all, err := g.Broker.Keys.Keys(t.Context(), caller)
	if peppers := slices.DeleteFunc(all, func(k keyhatch.DataKey) bool { return k.Keyset != seal.TokensKeyset }); len(peppers) != 1 || err != nil {
		t.Errorf("nothing needs the old pepper: %+v, %v", peppers, err)
	}
	authenticate("after that", g, fresh)
	authenticate("after that, in another process", other, fresh)
}

// TestLeasesOutliveTheirKey: the old key of session tokens stays for the last lease.
func TestLeasesOutliveTheirKey(t *testing.T) {
	t.Parallel()
	g := newGround(t, atOnce)
	ws := g.Workspace(t, "lab")
	g.Grant(t, g.Location(t, ws, "s3://lab-data/a/"), g.Admin, keyhatch.Read)
	lend := func() *lending.Lent {
		t.Helper()
		lent, err := g.Broker.Lending.Lease(t.Context(), g.Admin, lending.LeaseRequest{Workspace: "lab", Location: "a", Access: keyhatch.Read, Life: time.Hour})
		g.must(err)
		return &lent
	}
	other := g.beside()
	old := lend()
	g.rotate(seal.SessionsKeyset)
	g.step()
	fresh := lend()
	for name, g := range map[string]*ground{"this process": g, "another": other} {
		for when, lent := range map[string]*lending.Lent{"before": old, "after": fresh} {
			if s, err := g.Keys.OpenSession(lent.Credentials.SessionToken.Reveal()); err != nil || s.Lease.ID != lent.Lease.ID {
				t.Errorf("%s, a lease from %s: %v", name, when, err)
			}
		}
	}
	all := g.keys(seal.SessionsKeyset)
	if len(all) != 2 || !all[0].Until.Equal(old.Lease.ExpiresAt) {
		t.Errorf("%+v, the lease ends at %s", all, old.Lease.ExpiresAt)
	}
	g.SQL(t, "update leases set issued_at = 1, expires_at = 2 where id = $1", old.Lease.ID) // it is over
	g.step()
	if all := g.keys(seal.SessionsKeyset); len(all) != 1 {
		t.Errorf("%+v", all)
	}
	if _, err := g.Keys.OpenSession(fresh.Credentials.SessionToken.Reveal()); err != nil {
		t.Errorf("a lease from after: %v", err)
	}
}

// TestS5_SwappedSecretsRefuse: a ciphertext that stands in another row opens there
// for nobody, is not sealed anew for that row, and keeps its key. Put back, all is
// well again.
func TestS5_SwappedSecretsRefuse(t *testing.T) {
	t.Parallel()
	g := newGround(t, atOnce)
	ids := g.credentials(5)
	swap := func() {
		g.SQL(t, "create table before as select * from credentials")
		g.SQL(t, `update credentials set secret = (select secret from before b
			where b.id in ($1, $2) and b.id <> credentials.id) where id in ($1, $2)`, ids[1], ids[3])
		g.SQL(t, "drop table before")
		g.Restart(t)
	}
	swap()
	for i, id := range ids {
		got, err := g.secret(id)
		if swapped := i == 1 || i == 3; swapped != (err != nil) || swapped != (got == "") {
			t.Errorf("credential %d: %q, %v", i, got, err)
		} else if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("the error tells: %v", err)
		}
	}
	g.rotate(seal.ColumnsKeyset)
	g.step()
	g.step()
	all := g.keys(seal.ColumnsKeyset)
	if !cmp.Equal([]string{"old", "primary"}, states(all)) || all[0].NeededBy != 2 || all[1].NeededBy != 3 {
		t.Errorf("with two that do not open: %+v", all)
	}
	for _, id := range []string{ids[1], ids[3]} {
		if strings.Count(g.log.String(), id) != 1 {
			t.Errorf("the log tells %d times of %s", strings.Count(g.log.String(), id), id)
		}
	}
	swap()
	g.opens(ids)
	g.step()
	g.opens(ids)
	if all := g.keys(seal.ColumnsKeyset); len(all) != 1 || all[0].NeededBy != 5 {
		t.Errorf("put back: %+v", all)
	}
}

// TestWaiting: nothing is sealed with a key that others cannot know yet, and none is
// dropped while what began with it may still run.
func TestWaiting(t *testing.T) {
	t.Parallel()
	g := newGround(t, keys.Pace{Settle: time.Hour, Grace: time.Hour, Batch: 100})
	ids := g.credentials(3)
	g.rotate(seal.ColumnsKeyset)
	next, err := g.Broker.Keys.Step(t.Context())
	if all := g.keys(seal.ColumnsKeyset); err != nil || next > time.Minute || !cmp.Equal([]string{"primary", "coming"}, states(all)) || all[1].NeededBy != 0 {
		t.Errorf("before it has settled: %+v, %v, %v", all, next, err)
	}
	g.KeysPace.Settle = 0
	g.Restart(t)
	for range 2 {
		g.step()
		all := g.keys(seal.ColumnsKeyset)
		if !cmp.Equal([]string{"old", "primary"}, states(all)) || all[0].NeededBy != 0 || all[1].NeededBy != 3 {
			t.Errorf("within the grace: %+v", all)
		}
		if until := all[0].RetiredAt.Add(time.Hour); !all[0].Until.Equal(until) {
			t.Errorf("it may go at %s, want %s", all[0].Until, until)
		}
	}
	g.SQL(t, "update data_keys set retired_at = 1 where retired_at is not null") // by a clock that is wrong
	g.step()
	if all := g.keys(seal.ColumnsKeyset); len(all) != 2 {
		t.Errorf("by this process's clock it is within the grace: %+v", all)
	}
	g.opens(ids)
}

// TestRotateRefuses what no keyset can do.
func TestRotateRefuses(t *testing.T) {
	t.Parallel()
	g := newGround(t, atOnce)
	for _, names := range [][]string{{seal.AuditKeyset}, {"x"}, {""}, {seal.ColumnsKeyset, seal.AuditKeyset}} {
		if _, err := g.Broker.Keys.Rotate(t.Context(), g.Admin, names); !errors.Is(err, keyhatch.Invalid) {
			t.Errorf("%q: %v", names, err)
		}
	}
	for _, name := range keys.Rotatable {
		if all := g.keys(name); len(all) != 1 {
			t.Errorf("%s: %+v", name, all)
		}
	}
	for len(g.keys(seal.TokensKeyset)) < keys.MaxKeys { // each has a token
		g.rotate(seal.TokensKeyset)
		g.step()
		_, _, err := g.Broker.People.CreateToken(t.Context(), g.Admin, people.NewToken{})
		g.must(err)
	}
	var refused *keyhatch.Error
	if _, err := g.Broker.Keys.Rotate(t.Context(), g.Admin, []string{seal.TokensKeyset}); !errors.As(err, &refused) || refused.Code != keyhatch.CodeLimitReached {
		t.Errorf("with %d peppers: %v", keys.MaxKeys, err)
	}
	if _, err := g.Broker.People.Authenticate(t.Context(), g.AdminSecret); err != nil {
		t.Errorf("with all peppers: %v", err)
	}
}

// TestTwoWhoRotateAtOnce: one of them is told so, and there is one new key.
func TestTwoWhoRotateAtOnce(t *testing.T) {
	t.Parallel()
	g := newGround(t, atOnce)
	processes := []*ground{g, g.beside(), g.beside()}
	failed := make(chan error)
	for _, p := range processes {
		go func() {
			_, err := p.Broker.Keys.Rotate(context.Background(), p.Admin, []string{seal.ColumnsKeyset})
			failed <- err
		}()
	}
	conflicts := 0
	for range processes {
		switch err := <-failed; {
		case errors.Is(err, keyhatch.Conflict):
			conflicts++
		case err != nil:
			t.Error(err)
		}
	}
	if all := g.keys(seal.ColumnsKeyset); conflicts != 2 || len(all) != 2 {
		t.Errorf("%d conflicts, keys %+v", conflicts, all)
	}
}

// TestCredentialsOfARestoredRow: a row that is put back from a backup after its key
// is gone does not open, and says so, and harms no other.
func TestCredentialsOfARestoredRow(t *testing.T) {
	t.Parallel()
	g := newGround(t, atOnce)
	ids := g.credentials(2)
	g.SQL(t, "create table backup as select * from credentials")
	g.rotate(seal.ColumnsKeyset)
	g.step()
	g.SQL(t, "update credentials set secret = (select secret from backup b where b.id = credentials.id) where id = $1", ids[0])
	g.SQL(t, "drop table backup")
	g.Restart(t)
	if _, err := g.secret(ids[0]); err == nil || errors.Is(err, keyhatch.Unavailable) {
		t.Errorf("sealed with a key that is gone: %v", err)
	}
	if got, err := g.secret(ids[1]); got != secretOf(1, 0) || err != nil {
		t.Errorf("the other: %v", err)
	}
	g.step()
	if !strings.Contains(g.log.String(), fmt.Sprintf("of credentials %s does not open", ids[0])) {
		t.Error("the log does not tell of it")
	}
	g.must(g.set(ids[0], secretOf(0, 0)))
	g.opens(ids)
}

// TestRootTokenOutlivesItsPepper: a server that is started after a rotation does not
// make the token of the system root anew, which would end what was borrowed with it.
func TestRootTokenOutlivesItsPepper(t *testing.T) {
	t.Parallel()
	g := newGround(t, atOnce)
	secret := keyhatch.NewTokenSecret()
	g.must(broker.SetRoot(t.Context(), g.DB, g.Keys, secret))
	before, err := g.DB.HashedToken(t.Context(), keyhatch.RootToken)
	g.must(err)
	g.rotate(seal.TokensKeyset)
	g.step()
	g.Restart(t)
	g.must(broker.SetRoot(t.Context(), g.DB, g.Keys, secret))
	after, err := g.DB.HashedToken(t.Context(), keyhatch.RootToken)
	if diff := cmp.Diff(before, after); diff != "" || err != nil {
		t.Errorf("%v (-before +after):\n%s", err, diff)
	}
	g.must(broker.SetRoot(t.Context(), g.DB, g.Keys, keyhatch.NewTokenSecret()))
	if other, err := g.DB.HashedToken(t.Context(), keyhatch.RootToken); err != nil || other.Hash == before.Hash || other.Hash.Pepper == before.Hash.Pepper {
		t.Errorf("another secret: %+v, %v", other, err)
	}
}
