package passwords_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// Time stands still in these tests: only what is counted counts.

// failing is how many logins fail before one is refused without being looked at.
func failing(t *testing.T, c *coretest.Core, most int, login func(i int) (context.Context, string)) int {
	t.Helper()
	for i := range most {
		before := c.Broker.Passwords.Hashes()
		ctx, name := login(i)
		_, err := c.Broker.Passwords.Login(ctx, name, other)
		switch {
		case errors.Is(err, keyhatch.TooMany):
			var e *keyhatch.Error
			if errors.As(err, &e); e.RetryAfter <= 0 {
				t.Error("nobody is told how long to wait")
			}
			if c.Broker.Passwords.Hashes() != before {
				t.Error("work was done for a login that is refused")
			}
			return i
		case !errors.Is(err, keyhatch.Unauthenticated):
			t.Fatal(err)
		}
	}
	return most
}

// TestS12FailedLoginsAreLimited per name and address, per address, and per name, whether
// there is such a user or not; and nobody is locked out of where it works.
func TestS12FailedLoginsAreLimited(t *testing.T) { synctest.Test(t, testS12FailedLoginsAreLimited) }

func testS12FailedLoginsAreLimited(t *testing.T) {
	c := coretest.New(t)
	p := c.Broker.Passwords
	ann := withPassword(t, c, "ann")
	home, elsewhere := from(t, "192.0.2.1"), from(t, "192.0.2.2")
	if _, err := p.Login(home, "ann", good); err != nil {
		t.Fatal(err)
	}

	for _, name := range []string{"ann", "nobody"} {
		if n := failing(t, c, 30, func(int) (context.Context, string) { return elsewhere, name }); n != 10 {
			t.Errorf("%s from one address: refused after %d", name, n)
		}
	}
	_, err := p.Login(elsewhere, "ANN", good)
	wantCode(t, "the right one, but of one that tries too often", err, keyhatch.TooMany, keyhatch.CodeTooManyRequests)
	if _, err := p.Authenticate(home, "ann", good); err != nil {
		t.Errorf("the user elsewhere: %v", err)
	}

	if n := failing(t, c, 80, func(i int) (context.Context, string) { return from(t, "192.0.2.3"), fmt.Sprint("name", i) }); n != 60 {
		t.Errorf("one address: refused after %d", n)
	}

	// Many addresses: an IPv6 network counts as one.
	if n := failing(t, c, 30, func(i int) (context.Context, string) { return from(t, fmt.Sprintf("2001:db8::%x", i)), "ben" }); n != 10 {
		t.Errorf("one network: refused after %d", n)
	}
	if n := failing(t, c, 150, func(i int) (context.Context, string) { return from(t, fmt.Sprintf("10.0.0.%d", i)), "ann" }); n != 90 {
		t.Errorf("one name: refused after %d", n)
	}
	p.Forget()
	ann.Origin = keyhatch.OriginOf(home)
	if err := p.SetPassword(home, ann, "ann", good, other); err != nil {
		t.Errorf("the user from where it works: %v", err)
	}
	if _, err := p.Login(home, "ann", other); err != nil {
		t.Errorf("the user from where it works: %v", err)
	}
	p.Forget()
	_, err = p.Login(from(t, "198.51.100.1"), "ann", other)
	wantCode(t, "from where nobody has logged in", err, keyhatch.TooMany, keyhatch.CodeTooManyRequests)
	secret := c.Token(t, c.Admin, people.NewToken{User: "ann"})
	if _, err := c.Broker.People.Tokens(t.Context(), secret, "", page); err != nil {
		t.Errorf("its tokens: %v", err)
	}
}

// TestSuccessesAreNotCounted: who logs in is not taken for who guesses, and cannot make
// room for guesses either.
func TestSuccessesAreNotCounted(t *testing.T) { synctest.Test(t, testSuccessesAreNotCounted) }

func testSuccessesAreNotCounted(t *testing.T) {
	c := coretest.New(t)
	p := c.Broker.Passwords
	withPassword(t, c, "ann")
	ctx := from(t, "192.0.2.1")
	for i := range 9 {
		if _, err := p.Login(ctx, "nobody", other); !errors.Is(err, keyhatch.Unauthenticated) {
			t.Fatal(err)
		}
		if _, err := p.Login(ctx, "ann", good); err != nil {
			t.Fatalf("login %d: %v", i, err)
		}
	}
	if n := failing(t, c, 80, func(i int) (context.Context, string) { return ctx, fmt.Sprint("name", i) }); n != 51 {
		t.Errorf("refused after %d more", n)
	}
}

// TestS12RequestsByPasswordAreLimited as those of a token are.
func TestS12RequestsByPasswordAreLimited(t *testing.T) {
	synctest.Test(t, testS12RequestsByPasswordAreLimited)
}

func testS12RequestsByPasswordAreLimited(t *testing.T) {
	c := coretest.New(t)
	c.Tokens.RequestsPerMinute = 5
	c.Restart(t)
	withPassword(t, c, "ann")
	var err error
	for range 8 {
		if _, err = c.Broker.Passwords.Authenticate(t.Context(), "ann", good); err != nil {
			break
		}
	}
	wantCode(t, "the sixth", err, keyhatch.TooMany, keyhatch.CodeTooManyRequests)
}
