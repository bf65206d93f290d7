package broker_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/mirror"
)

// secretsOf are the use cases whose answer has a secret in it.
var secretsOf = map[string]func(*lab, keyhatch.Caller) (answer any, secrets []keyhatch.Secret, err error){
	"lease": func(w *lab, c keyhatch.Caller) (any, []keyhatch.Secret, error) {
		lent, err := w.Broker.Lending.Lease(w.ctx, c, lending.LeaseRequest{Workspace: "lab", Location: "shared", Access: keyhatch.Read})
		return lent, []keyhatch.Secret{lent.Credentials.SecretAccessKey, lent.Credentials.SessionToken}, err
	},
	"token": func(w *lab, c keyhatch.Caller) (any, []keyhatch.Secret, error) {
		k, secret, err := w.Broker.People.CreateToken(w.ctx, c, people.NewToken{})
		return k, []keyhatch.Secret{secret}, err
	},
	"reset": func(w *lab, _ keyhatch.Caller) (any, []keyhatch.Secret, error) {
		secret, _, err := w.Broker.Passwords.NewReset(w.ctx, w.Admin, "member")
		return nil, []keyhatch.Secret{secret}, err
	},
	"session": func(w *lab, _ keyhatch.Caller) (any, []keyhatch.Secret, error) {
		c, err := w.Broker.Passwords.Authenticate(w.ctx, "member", labPassword)
		if err != nil {
			return nil, nil, err
		}
		secret, s, err := w.Broker.Sessions.Begin(w.ctx, c, "a browser")
		return s, []keyhatch.Secret{secret}, err
	},
	"rotated token": func(w *lab, c keyhatch.Caller) (any, []keyhatch.Secret, error) {
		k, secret, err := w.Broker.People.RotateToken(w.ctx, c, w.spare.ID, time.Hour)
		return k, []keyhatch.Secret{secret}, err
	},
}

// newSharedLab is a lab with a location "shared" that the member may read.
func newSharedLab(t *testing.T) (*lab, keyhatch.Caller) {
	t.Helper()
	w := newLab(t)
	l := w.Location(t, w.ws, "s3://lab/shared/")
	w.Grant(t, l, w.who["member"], keyhatch.Read)
	w.spare = w.newToken(w.who["member"])
	w.givePassword("member")
	return w, w.who["member"]
}

// TestS1_NoSecretWithoutItsRecord: when the lease or token, or its event, cannot
// be committed, the answer is an error and holds no secret, and nothing is kept.
func TestS1_NoSecretWithoutItsRecord(t *testing.T) {
	t.Parallel()
	for _, fault := range []struct {
		name string
		make func(*testing.T, *lab) (mend func())
	}{
		{"no audit key", func(t *testing.T, w *lab) func() {
			w.DB.UseAuditKey(nil)
			return func() { w.DB.UseAuditKey(w.Keys.AuditMAC) }
		}},
		{"the commit fails on the event", func(t *testing.T, w *lab) func() { return w.BreakCommits(t, "events") }},
		{"the commit fails on the lease", func(t *testing.T, w *lab) func() { return w.BreakCommits(t, "leases") }},
		{"the commit fails on the token", func(t *testing.T, w *lab) func() { return w.BreakCommits(t, "tokens") }},
		{"the commit fails on the chain's head", func(t *testing.T, w *lab) func() { return w.BreakCommits(t, "audit_chains") }},
		{"the event is refused", func(t *testing.T, w *lab) func() {
			w.SQL(t, "create trigger refuses before insert on events begin select raise(abort, 'refused'); end")
			return func() { w.SQL(t, "drop trigger refuses") }
		}},
		{"the event takes the transaction with it", func(t *testing.T, w *lab) func() {
			w.SQL(t, "create trigger refuses before insert on events begin select raise(rollback, 'refused'); end")
			return func() { w.SQL(t, "drop trigger refuses") }
		}},
		{"the database is closed", func(t *testing.T, w *lab) func() {
			w.must(w.DB.Close())
			return func() { w.Restart(t) }
		}},
	} {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			w, member := newSharedLab(t)
			before := w.Dump(t)
			mend := fault.make(t, w)
			for name, ask := range secretsOf {
				if strings.HasSuffix(fault.name, "on the lease") && name != "lease" || strings.HasSuffix(fault.name, "on the token") && (name == "lease" || name == "reset" || name == "session") {
					continue
				}
				answer, secrets, err := ask(w, member)
				if err == nil {
					t.Errorf("%s: it was answered: %+v", name, answer)
				}
				for _, s := range secrets {
					if s != "" {
						t.Errorf("%s: the error %v came with a secret", name, err)
					}
				}
			}
			mend()
			if diff := gocmp.Diff(before, w.Dump(t)); diff != "" {
				t.Errorf("something was kept:\n%s", diff)
			}
			for name, ask := range secretsOf {
				if _, _, err := ask(w, member); err != nil {
					t.Errorf("%s, once it can be recorded: %v", name, err)
				}
			}
			wantWholeRecord(t, w.Core)
		})
	}
}

// TestS7_MemoryThatCannotFollow: when memory cannot take a change in, the change
// stands and is told so, no secret leaves, and a second later nothing is
// answered from memory any more, until it can follow.
func TestS7_MemoryThatCannotFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, member := newSharedLab(t)
		w.SQL(t, "insert into changes (seq, at, workspace, kind, id) select max(seq) + 1, 0, '', 'of a newer program', '' from changes")
		k, secret, err := w.Broker.People.CreateToken(w.ctx, member, people.NewToken{})
		if !errors.Is(err, keyhatch.Unavailable) || secret != "" || k.ID != "" {
			t.Errorf("a token was answered: %v, %v", k, err)
		}
		time.Sleep(time.Second + 1)
		look := func() error { return w.Mirror.View(w.ctx, func(*mirror.Image) error { return nil }) }
		if err := look(); !errors.Is(err, keyhatch.Unavailable) {
			t.Errorf("memory answered: %v", err)
		}
		if _, _, err := secretsOf["lease"](w, member); !errors.Is(err, keyhatch.Unavailable) {
			t.Errorf("a lease: %v", err)
		}
		w.SQL(t, "delete from changes where kind = 'of a newer program'")
		if err := look(); err != nil {
			t.Errorf("memory that can follow again: %v", err)
		}
	})
}

// TestS5_NoSecretAtRest: who steals the database files finds no token, no key
// and no session in them, and neither does who reads the record.
func TestS5_NoSecretAtRest(t *testing.T) {
	t.Parallel()
	w, member := newSharedLab(t)
	var secrets []keyhatch.Secret
	for _, ask := range secretsOf {
		_, more, err := ask(w, member)
		w.must(err)
		secrets = append(secrets, more...)
	}
	stolen := w.DatabaseBytes(t)
	if !bytes.Contains(stolen, []byte(member.Token.ID)) {
		t.Fatal("the database does not even hold the id of a token: the test looks at the wrong bytes")
	}
	for _, s := range secrets {
		if len(s.Reveal()) < 40 {
			t.Fatalf("a secret has %d characters", len(s.Reveal()))
		}
		for _, part := range []string{s.Reveal(), s.Reveal()[8:30]} {
			if bytes.Contains(stolen, []byte(part)) {
				t.Error("a secret lies in the database")
			}
		}
	}
}
