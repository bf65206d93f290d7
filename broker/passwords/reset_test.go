package passwords_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

var page = kernel.Page{Limit: 100}

func newReset(t *testing.T, c *coretest.Core, user string) keyhatch.Secret {
	t.Helper()
	secret, _, err := c.Broker.Passwords.NewReset(t.Context(), c.Admin, user)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// TestResetWorksOnce, also for many at the same time, and lets in who was locked out.
func TestResetWorksOnce(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	p := c.Broker.Passwords
	withPassword(t, c, "ann")
	secret := newReset(t, c, "ann")
	if _, err := p.Login(t.Context(), "ann", good); err != nil {
		t.Errorf("the password before, until the reset is used: %v", err)
	}
	err := p.ResetPassword(t.Context(), secret, "ann ann ann ann ann")
	wantCode(t, "a bad password", err, keyhatch.Invalid, keyhatch.CodeInvalidPassword)
	var (
		wait  sync.WaitGroup
		mu    sync.Mutex
		taken []keyhatch.Secret
	)
	for _, word := range []string{"amber", "cobalt", "indigo", "olive"} {
		password := keyhatch.Secret("violet tractor under " + word)
		wait.Go(func() {
			err := p.ResetPassword(t.Context(), secret, password)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				taken = append(taken, password)
			} else {
				wantCode(t, "another", err, keyhatch.Unauthenticated, keyhatch.CodeResetInvalid)
			}
		})
	}
	wait.Wait()
	if len(taken) != 1 {
		t.Fatalf("%d set a password", len(taken))
	}
	if _, err := p.Login(t.Context(), "ann", taken[0]); err != nil {
		t.Error(err)
	}
	_, err = p.Login(t.Context(), "ann", good)
	wantCode(t, "the password before", err, keyhatch.Unauthenticated, keyhatch.CodeLoginFailed)
}

// TestResetEnds by another one, by the password being set or removed, with its user, and
// after a day.
func TestResetEnds(t *testing.T) {
	t.Parallel()
	no := false
	for what, end := range map[string]func(*coretest.Core, keyhatch.Caller) error{
		"replaced": func(c *coretest.Core, u keyhatch.Caller) error { newReset(t, c, u.User.ID); return nil },
		"set": func(c *coretest.Core, u keyhatch.Caller) error {
			return c.Broker.Passwords.SetPassword(t.Context(), u, "ann", good, other)
		},
		"removed": func(c *coretest.Core, u keyhatch.Caller) error {
			return c.Broker.Passwords.RemovePassword(t.Context(), u, "ann")
		},
		"removed with": func(c *coretest.Core, u keyhatch.Caller) error {
			return c.Broker.People.DeleteUser(t.Context(), c.Admin, u.User.ID)
		},
		"disabled": func(c *coretest.Core, u keyhatch.Caller) error {
			_, err := c.Broker.People.UpdateUser(t.Context(), c.Admin, u.User.ID, people.UserChange{Active: &no})
			return err
		},
	} {
		c := coretest.New(t)
		u := withPassword(t, c, "ann")
		secret := newReset(t, c, "ann")
		if err := end(c, u); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		err := c.Broker.Passwords.ResetPassword(t.Context(), secret, "violet tractor under amber")
		wantCode(t, what, err, keyhatch.Unauthenticated, keyhatch.CodeResetInvalid)
	}
	synctest.Test(t, func(t *testing.T) {
		c := coretest.New(t)
		early, late := c.User(t, "early"), c.User(t, "late")
		one, two := newReset(t, c, early.User.ID), newReset(t, c, late.User.ID)
		time.Sleep(24*time.Hour - time.Second)
		if err := c.Broker.Passwords.ResetPassword(t.Context(), one, good); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Second)
		err := c.Broker.Passwords.ResetPassword(t.Context(), two, good)
		wantCode(t, "after a day", err, keyhatch.Unauthenticated, keyhatch.CodeResetInvalid)
		synctest.Wait()
	})
}

// TestResetSecretsAreLimited: what is no reset counts against its address alone.
func TestResetSecretsAreLimited(t *testing.T) { synctest.Test(t, testResetSecretsAreLimited) }

func testResetSecretsAreLimited(t *testing.T) {
	c := coretest.New(t)
	ctx := from(t, "192.0.2.1")
	var err error
	n := 0
	for ; n < 80 && !errors.Is(err, keyhatch.TooMany); n++ {
		secret := keyhatch.NewResetSecret()
		if n%2 == 0 {
			secret = keyhatch.NewTokenSecret()
		}
		err = c.Broker.Passwords.ResetPassword(ctx, secret, good)
	}
	if n != 61 {
		t.Errorf("refused after %d: %v", n, err)
	}
	c.User(t, "ann")
	if err := c.Broker.Passwords.ResetPassword(from(t, "192.0.2.2"), newReset(t, c, "ann"), good); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
}

// TestLastAdminResets: the only admin of an installation can make a reset for itself.
func TestLastAdminResets(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	if err := c.Broker.Passwords.ResetPassword(t.Context(), newReset(t, c, "admin"), good); err != nil {
		t.Fatal(err)
	}
	by, err := c.Broker.Passwords.Authenticate(t.Context(), "admin", good)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Broker.Passwords.NewReset(t.Context(), by, "admin"); err != nil {
		t.Errorf("with its password: %v", err)
	}
}

// TestS4BoundedTokensSetNoPassword: who could log in with it would do more than the
// token may.
func TestS4BoundedTokensSetNoPassword(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	p := c.Broker.Passwords
	ws := c.Workspace(t, "lab")
	for what, n := range map[string]people.NewToken{
		"scopes":      {Scopes: []keyhatch.Scope{"users"}},
		"networks":    {Networks: networks(t)},
		"requests":    {RequestsPerMinute: 1000},
		"a task":      {Annotations: map[string]string{"task": "x"}},
		"a workspace": {Workspace: ws.ID},
	} {
		_, secret, err := c.Broker.People.CreateToken(t.Context(), c.Admin, n)
		if err != nil {
			t.Fatal(err)
		}
		by, err := c.Broker.People.Authenticate(from(t, "10.0.0.1"), secret)
		if err != nil {
			t.Fatal(err)
		}
		err = p.SetPassword(t.Context(), by, "admin", "", good)
		wantCode(t, what+": a first password", err, keyhatch.Forbidden, keyhatch.CodeScopeTooBroad)
		_, _, err = p.NewReset(t.Context(), by, "admin")
		if !errors.Is(err, keyhatch.Forbidden) {
			t.Errorf("%s: a reset: %v", what, err)
		}
	}
	// A program that its user let do everything did, and stayed in when that was ended.
	made, secret, err := c.Broker.People.CreateToken(t.Context(), c.Admin, people.NewToken{})
	if err != nil {
		t.Fatal(err)
	}
	c.SQL(t, "update tokens set consent = 'consent_000000000000000' where id = ?", made.ID)
	c.Restart(t)
	p = c.Broker.Passwords
	program, err := c.Broker.People.Authenticate(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, "a program: a first password", p.SetPassword(t.Context(), program, "admin", "", good), keyhatch.Forbidden, keyhatch.CodeScopeTooBroad)
	if _, _, err := p.NewReset(t.Context(), program, "admin"); !errors.Is(err, keyhatch.Forbidden) {
		t.Errorf("a program: a reset: %v", err)
	}
	if err := p.SetPassword(t.Context(), c.Admin, "admin", "", good); err != nil {
		t.Fatal(err)
	}
	by := c.Token(t, c.Admin, people.NewToken{Scopes: []keyhatch.Scope{"users"}})
	err = p.SetPassword(t.Context(), by, "admin", other, "violet tractor under amber")
	wantCode(t, "with another password", err, keyhatch.Forbidden, keyhatch.CodeNotPermitted)
	if err := p.SetPassword(t.Context(), by, "admin", good, other); err != nil {
		t.Errorf("who knows the password: %v", err)
	}
}

// TestS5PasswordsAreSealed: the database holds no password and no hash that can be tried,
// and a row moved to another user opens nothing.
func TestS5PasswordsAreSealed(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	p := c.Broker.Passwords
	withPassword(t, c, "ann")
	ben := withPassword(t, c, "ben")
	if err := p.SetPassword(t.Context(), ben, "ben", good, other); err != nil {
		t.Fatal(err)
	}
	secret := newReset(t, c, "ann")
	for table, rows := range c.Dump(t) {
		for _, needle := range []string{good, other, secret.Reveal(), strings.TrimPrefix(secret.Reveal(), "khr_"), "argon2id"} {
			if strings.Contains(strings.Join(rows, "\n"), needle) {
				t.Errorf("table %s holds what it must not", table)
			}
		}
	}
	c.SQL(t, "update passwords set hash = (select hash from passwords where id = $1) where id <> $1", ben.User.ID)
	_, err := p.Login(t.Context(), "ann", other)
	if err == nil || errors.Is(err, keyhatch.Unauthenticated) {
		t.Errorf("with another user's hash: %v", err)
	}
}

// TestHashesAreRenewed: a hash that is weaker than new ones is made anew at a login.
func TestHashesAreRenewed(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	p := c.Broker.Passwords
	u := withPassword(t, c, "ann")
	before, err := c.DB.Password(t.Context(), u.User.ID)
	if err != nil {
		t.Fatal(err)
	}
	p.CostMore()
	for i, want := range []int{2, 0} { // the second is remembered
		n := p.Hashes()
		if _, err := p.Login(t.Context(), "ann", good); err != nil || p.Hashes()-n != want {
			t.Errorf("login %d: %d hashes, %v", i, p.Hashes()-n, err)
		}
	}
	after, err := c.DB.Password(t.Context(), u.User.ID)
	if err != nil || after.ID != before.ID || string(after.Sealed) == string(before.Sealed) {
		t.Errorf("%+v, %v", after.ID, err)
	}
	p.Forget()
	n := p.Hashes()
	if _, err := p.Login(t.Context(), "ann", good); err != nil || p.Hashes()-n != 1 {
		t.Errorf("afterwards: %d hashes, %v", p.Hashes()-n, err)
	}
}
