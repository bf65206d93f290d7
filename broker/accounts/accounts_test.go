package accounts_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// world has workspace lab with its admin ann and its member bob, workspace far with its
// admin eve, and a store "spare" that neither has anything on.
type world struct {
	*coretest.Core
	t             *testing.T
	ctx           context.Context
	lab           keyhatch.Workspace
	ann, bob, eve keyhatch.Caller
	spare         keyhatch.Store
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Core: coretest.New(t), t: t, ctx: t.Context()}
	w.lab = w.Workspace(t, "lab")
	far := w.Workspace(t, "far")
	w.ann, w.bob, w.eve = w.User(t, "ann"), w.User(t, "bob"), w.User(t, "eve")
	w.Member(t, w.lab, w.ann, keyhatch.AdminRole)
	w.Member(t, w.lab, w.bob, keyhatch.MemberRole)
	w.Member(t, far, w.eve, keyhatch.AdminRole)
	var err error
	w.spare, err = w.Broker.Places.CreateStore(w.ctx, w.Admin, places.NewStore{Name: "spare", Kind: keyhatch.DirectoryStore, Path: w.Root + "/spare"})
	w.must(err)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) wantCode(what string, err error, want keyhatch.Code) {
	w.t.Helper()
	var e *keyhatch.Error
	if !errors.As(err, &e) || e.Code != want {
		w.t.Errorf("%s: got %v, want %s", what, err, want)
	}
}

func (w *world) wantState(ref string, want keyhatch.AccountState) {
	w.t.Helper()
	a, err := w.Broker.Accounts.Account(w.ctx, w.ann, "lab", ref)
	if errors.Is(err, keyhatch.NotFound) {
		err = nil
	}
	if err != nil || a.State != want {
		w.t.Errorf("the account is %q, %v, want %q", a.State, err, want)
	}
}

func second[T any](_ T, err error) error { return err }

// TestOpen: an account is provisioned when its store answers, and nothing is made before.
func TestOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, err := w.Broker.Accounts.Open(w.ctx, w.ann, "lab", "spare")
	if err != nil || a.State != keyhatch.AccountPending {
		t.Fatalf("opened is %+v, %v", a, err)
	}
	make := func() error {
		return second(w.Broker.Buckets.Create(w.ctx, w.ann, buckets.NewBucket{Workspace: "lab", Store: "spare", Name: "fresh"}))
	}
	w.wantCode("a bucket before", make(), keyhatch.CodeAccountNotReady)
	w.wantCode("a key before", second(w.Broker.AccessKeys.Create(w.ctx, w.ann, accesskeys.NewKey{Workspace: "lab", Store: "spare", Name: "k"})), keyhatch.CodeAccountNotReady)
	w.wantCode("once more", second(w.Broker.Accounts.Open(w.ctx, w.ann, "lab", "spare")), keyhatch.CodeAccountExists)
	if failed := w.Jobs(t); len(failed) != 0 {
		t.Errorf("the job fails: %v", failed)
	}
	w.wantState("spare", keyhatch.AccountProvisioned)
	w.wantState(a.ID, keyhatch.AccountProvisioned)
	w.must(make())
	w.wantCode("who has one", second(w.Broker.Accounts.Open(w.ctx, w.ann, "lab", "disk")), keyhatch.CodeAccountExists)
	w.wantCode("no store", second(w.Broker.Accounts.Open(w.ctx, w.ann, "lab", "none")), keyhatch.CodeStoreNotFound)
}

// TestOpenFails: a store that refuses, or stays silent for long, fails the account, which
// can be opened again.
func TestOpenFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for what, fails := range map[string]error{
			"a refusal": keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported, "the store does not take its credential"),
			"silence":   keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "the store does not answer").Because(errors.New("10.0.0.7")),
		} {
			w.Buckets.Before = func(context.Context, string, string) error { return fails }
			w.must(second(w.Broker.Accounts.Open(w.ctx, w.ann, "lab", "spare")))
			for range 5 {
				w.Jobs(t)
				time.Sleep(time.Minute)
			}
			a, err := w.Broker.Accounts.Account(w.ctx, w.ann, "lab", "spare")
			if err != nil || a.State != keyhatch.AccountFailed || !strings.HasPrefix(a.Reason, "the store does not") || strings.Contains(a.Reason, "10.0") {
				t.Errorf("%s: it is %+v, %v", what, a, err)
			}
			w.wantCode("a key", second(w.Broker.AccessKeys.Create(w.ctx, w.ann, accesskeys.NewKey{Workspace: "lab", Store: "spare", Name: "k"})), keyhatch.CodeAccountNotReady)
		}
		w.Buckets.Before = nil
		w.must(second(w.Broker.Accounts.Open(w.ctx, w.ann, "lab", "spare")))
		w.Jobs(t)
		w.wantState("spare", keyhatch.AccountProvisioned)
	})
}

// TestSuspend: keys and leases of a suspended account open nothing from then on, nothing is
// made, and only installation admins open it again.
func TestSuspend(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.Location(t, w.lab, "s3://lab-data/a/")
	w.Grant(t, l, w.bob, keyhatch.Write)
	lend := func() (lending.Lent, error) {
		return w.Broker.Lending.Lease(w.ctx, w.bob, lending.LeaseRequest{Location: l.ID, Access: keyhatch.Read})
	}
	lent, err := lend()
	w.must(err)
	key, err := w.Broker.AccessKeys.Create(w.ctx, w.ann, accesskeys.NewKey{Workspace: "lab", Store: "disk", Name: "k", Rights: accesskeys.Rights{ReadAll: true, SeeAll: true}})
	w.must(err)
	_, pair, err := w.Broker.AccessKeys.Issue(w.ctx, w.ann, "lab", key.ID, 0)
	w.must(err)
	open := func() int {
		t.Helper()
		ofKey, _, err := w.Broker.AccessKeys.Standing(w.ctx, pair.AccessKeyID)
		w.must(err)
		ofLease, _, err := w.Broker.Lending.Standing(w.ctx, lent.Lease)
		w.must(err)
		return len(ofKey) + len(ofLease)
	}
	if open() != 2 {
		t.Fatalf("%d are open", open())
	}
	w.must(second(w.Broker.Accounts.Suspend(w.ctx, w.Admin, "lab", "disk")))
	if open() != 0 {
		t.Errorf("%d are open", open())
	}
	_, err = lend()
	w.wantCode("a lease", err, keyhatch.CodeAccountSuspended)
	for what, err := range map[string]error{
		"a key":         second(w.Broker.AccessKeys.Create(w.ctx, w.ann, accesskeys.NewKey{Workspace: "lab", Store: "disk", Name: "k2"})),
		"a pair":        third(w.Broker.AccessKeys.Issue(w.ctx, w.ann, "lab", "k", 0)),
		"a bucket":      second(w.Broker.Buckets.Create(w.ctx, w.ann, buckets.NewBucket{Workspace: "lab", Store: "disk", Name: "fresh"})),
		"registering":   second(w.Broker.Buckets.Register(w.ctx, w.Admin, buckets.Existing{Workspace: "lab", Store: "disk", Name: "fresh"})),
		"an object":     second(w.Broker.Buckets.Object(w.ctx, w.ann, "lab", "lab-data", "a")),
		"deleting one":  w.Broker.Buckets.Delete(w.ctx, w.ann, "lab", "lab-data"),
		"deleting it":   second(w.Broker.Accounts.Delete(w.ctx, w.ann, "lab", "disk")),
		"opening it":    second(w.Broker.Accounts.Open(w.ctx, w.ann, "lab", "disk")),
		"suspending it": second(w.Broker.Accounts.Suspend(w.ctx, w.Admin, "lab", "disk")),
	} {
		want := keyhatch.CodeAccountSuspended
		if what == "deleting one" {
			want = keyhatch.CodeInUse // of its location
		}
		w.wantCode(what, err, want)
	}
	w.must(second(w.Broker.Accounts.Resume(w.ctx, w.Admin, "lab", "disk")))
	if open() != 2 {
		t.Errorf("%d are open", open())
	}
	w.wantCode("once more", second(w.Broker.Accounts.Resume(w.ctx, w.Admin, "lab", "disk")), keyhatch.CodeAccountExists)
}

func third[A, B any](_ A, _ B, err error) error { return err }

// TestTrash: what has nothing on it goes to the trash, comes back, and goes for good after
// its time or before.
func TestTrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.wantCode("with a bucket on it", second(w.Broker.Accounts.Delete(w.ctx, w.ann, "lab", "disk")), keyhatch.CodeInUse)
		w.must(second(w.Broker.Accounts.Open(w.ctx, w.ann, "lab", "spare")))
		w.Jobs(t)
		remove := func() {
			t.Helper()
			a, err := w.Broker.Accounts.Delete(w.ctx, w.ann, "lab", "spare")
			if err != nil || a.State != keyhatch.AccountTrash || time.Until(a.KeepUntil) != 48*time.Hour {
				t.Fatalf("deleted is %+v, %v", a, err)
			}
		}
		remove()
		w.wantCode("opening it", second(w.Broker.Accounts.Open(w.ctx, w.ann, "lab", "spare")), keyhatch.CodeAccountInTrash)
		w.wantCode("a key", second(w.Broker.AccessKeys.Create(w.ctx, w.ann, accesskeys.NewKey{Workspace: "lab", Store: "spare", Name: "k"})), keyhatch.CodeAccountInTrash)
		time.Sleep(47 * time.Hour)
		w.must(second(w.Broker.Accounts.Restore(w.ctx, w.ann, "lab", "spare")))
		w.wantState("spare", keyhatch.AccountProvisioned)
		w.wantCode("once more", second(w.Broker.Accounts.Restore(w.ctx, w.ann, "lab", "spare")), keyhatch.CodeAccountExists)
		w.wantCode("purging it", w.Broker.Accounts.Purge(w.ctx, w.ann, "lab", "spare"), keyhatch.CodeAccountExists)
		remove()
		time.Sleep(2 * time.Hour) // when it would have gone the first time
		w.Jobs(t)
		w.wantState("spare", keyhatch.AccountTrash)
		time.Sleep(46 * time.Hour)
		w.Jobs(t)
		w.wantState("spare", "")
		w.must(second(w.Broker.Accounts.Open(w.ctx, w.ann, "lab", "spare")))
		w.Jobs(t)
		remove()
		w.must(w.Broker.Accounts.Purge(w.ctx, w.ann, "lab", "spare"))
		w.wantState("spare", "")
		w.must(w.Broker.Places.DeleteStore(w.ctx, w.Admin, "spare"))
	})
}

// TestWithTheirStore: accounts on which nothing is keep neither a store nor a workspace.
func TestWithTheirStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(second(w.Broker.Accounts.Open(w.ctx, w.ann, "lab", "spare")))
	ws, err := w.Broker.People.CreateWorkspace(w.ctx, w.Admin, "brief")
	w.must(err)
	w.must(second(w.Broker.Accounts.Open(w.ctx, w.Admin, "brief", "spare")))
	w.must(w.Broker.People.DeleteWorkspace(w.ctx, w.Admin, ws.ID))
	w.must(w.Broker.Places.DeleteStore(w.ctx, w.Admin, "spare"))
	if failed := w.Jobs(t); len(failed) != 0 {
		t.Errorf("the jobs fail: %v", failed)
	}
}

// TestWhoMay asks of each use case who may do it.
func TestWhoMay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	svc := w.Broker.Accounts
	columns := []keyhatch.Caller{
		w.Admin, w.ann, w.bob, w.eve, w.User(t, "stranger"), w.Token(t, w.Admin, people.NewToken{Workspace: "lab"}),
		w.Token(t, w.ann, people.NewToken{Workspace: "lab", Annotations: map[string]string{"task": "t"}}),
	}
	outcomes := map[string]error{"ok": nil, "forbidden": keyhatch.Forbidden, "hidden": keyhatch.NotFound}
	// ready brings an account on the spare store into a state.
	ready := func(state keyhatch.AccountState) {
		w.SQL(t, "delete from jobs")
		w.SQL(t, "delete from store_accounts where store = ?", w.spare.ID)
		if state == "" {
			return
		}
		w.must(second(svc.Open(w.ctx, w.ann, "lab", "spare")))
		w.Jobs(t)
		switch state {
		case keyhatch.AccountSuspended:
			w.must(second(svc.Suspend(w.ctx, w.Admin, "lab", "spare")))
		case keyhatch.AccountTrash:
			w.must(second(svc.Delete(w.ctx, w.ann, "lab", "spare")))
		}
	}
	type do = func(keyhatch.Caller) error
	of := func(use func(context.Context, keyhatch.Caller, string, string) (keyhatch.StoreAccount, error)) do {
		return func(c keyhatch.Caller) error { return second(use(w.ctx, c, "lab", "spare")) }
	}
	for _, row := range []struct {
		name string
		//    admin ann    bob       eve    stranger confined  task
		want string
		from keyhatch.AccountState
		do   do
	}{
		{"open", "   ok ok        forbidden hidden hidden ok        forbidden", "", of(svc.Open)},
		{"see", "    ok ok        ok        hidden hidden ok        ok", keyhatch.AccountProvisioned, func(c keyhatch.Caller) error { return second(svc.Account(w.ctx, c, "lab", "spare")) }},
		{"list", "   ok ok        ok        hidden hidden ok        ok", keyhatch.AccountProvisioned, func(c keyhatch.Caller) error { return second(svc.Accounts(w.ctx, c, "lab", kernel.Page{})) }},
		{"suspend", "ok forbidden forbidden hidden hidden forbidden forbidden", keyhatch.AccountProvisioned, of(svc.Suspend)},
		{"resume", " ok forbidden forbidden hidden hidden forbidden forbidden", keyhatch.AccountSuspended, of(svc.Resume)},
		{"delete", " ok ok        forbidden hidden hidden ok        forbidden", keyhatch.AccountProvisioned, of(svc.Delete)},
		{"restore", "ok ok        forbidden hidden hidden ok        forbidden", keyhatch.AccountTrash, of(svc.Restore)},
		{"purge", "  ok ok        forbidden hidden hidden ok        forbidden", keyhatch.AccountTrash, func(c keyhatch.Caller) error { return svc.Purge(w.ctx, c, "lab", "spare") }},
	} {
		for i, want := range strings.Fields(row.want) {
			ready(row.from)
			err := row.do(columns[i])
			if kind := outcomes[want]; kind == nil && err != nil || kind != nil && !errors.Is(err, kind) {
				t.Errorf("%s, column %d: got %v, want %s", row.name, i, err, want)
			}
		}
	}
}
