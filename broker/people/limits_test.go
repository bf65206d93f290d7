package people_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/policy"
)

// from is a context of a request from the address, "" for one that is not known.
func from(t *testing.T, address string) context.Context {
	o := keyhatch.Origin{RequestID: "req-1"}
	if address != "" {
		o.Address = netip.MustParseAddr(address)
	}
	return keyhatch.WithOrigin(t.Context(), o)
}

func wantFailure(t *testing.T, what string, err error, kind keyhatch.Kind, code keyhatch.Code) *keyhatch.Error {
	t.Helper()
	var e *keyhatch.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Code != code {
		t.Errorf("%s: got %v, want %s, %s", what, err, kind, code)
		return &keyhatch.Error{}
	}
	return e
}

// TestS12_RequestLimit: a token may ask so often at once and on average, is told what
// is left and how long to wait, and what one does is nothing to another.
func TestS12_RequestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := coretest.New(t)
		c.Tokens = people.Limits{RequestsPerMinute: 100}
		c.Restart(t)
		make := func(perMinute int) keyhatch.Secret {
			_, secret, err := c.Broker.People.CreateToken(t.Context(), c.Admin, people.NewToken{RequestsPerMinute: perMinute})
			if err != nil {
				t.Fatal(err)
			}
			return secret
		}
		few, other, usual := make(6), make(6), make(0)
		ask := func(s keyhatch.Secret) (keyhatch.Allowance, error) {
			caller, err := c.Broker.People.Authenticate(t.Context(), s)
			return caller.Allowance, err
		}
		for i := range 6 {
			got, err := ask(few)
			want := keyhatch.Allowance{PerMinute: 6, Remaining: 5 - i, Full: time.Duration(i+1) * 10 * time.Second}
			if err != nil || got != want {
				t.Errorf("request %d: %+v, %v; want %+v", i, got, err, want)
			}
		}
		_, err := ask(few)
		if e := wantFailure(t, "a seventh", err, keyhatch.TooMany, keyhatch.CodeTooManyRequests); e.RetryAfter != 10*time.Second {
			t.Errorf("it is told to wait %v", e.RetryAfter)
		}
		if _, err := ask(other); err != nil {
			t.Errorf("another token: %v", err)
		}
		time.Sleep(9 * time.Second)
		_, err = ask(few)
		if e := wantFailure(t, "too soon", err, keyhatch.TooMany, keyhatch.CodeTooManyRequests); e.RetryAfter != time.Second {
			t.Errorf("it is told to wait %v", e.RetryAfter)
		}
		time.Sleep(time.Second)
		if _, err := ask(few); err != nil {
			t.Errorf("after as long as it was told: %v", err)
		}
		for i := range 100 {
			if _, err := ask(usual); err != nil {
				t.Fatalf("request %d of one without a limit of its own: %v", i, err)
			}
		}
		_, err = ask(usual)
		wantFailure(t, "one more than the installation lets", err, keyhatch.TooMany, keyhatch.CodeTooManyRequests)

		// A limit that changes holds at once.
		made, err := c.Broker.People.Inspect(t.Context(), c.Admin, other)
		if err != nil {
			t.Fatal(err)
		}
		one := 1
		if _, err := c.Broker.People.UpdateToken(t.Context(), c.Admin, made.Token.ID, people.TokenChange{RequestsPerMinute: &one}); err != nil {
			t.Fatal(err)
		}
		if got, err := ask(other); err != nil || got.PerMinute != 1 || got.Remaining != 0 {
			t.Errorf("the first of the new limit: %+v, %v", got, err)
		}
		_, err = ask(other)
		wantFailure(t, "a second", err, keyhatch.TooMany, keyhatch.CodeTooManyRequests)
	})
}

// TestS12_LeasesCountToo: who asks with a lease uses up the limit of its token.
func TestS12_LeasesCountToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := coretest.New(t)
		ws := c.Workspace(t, "lab")
		l := c.Location(t, ws, "s3://lab-data/a/")
		ann := c.User(t, "ann")
		c.Member(t, ws, ann, keyhatch.MemberRole)
		c.Grant(t, l, ann, keyhatch.Read)
		holder := c.Token(t, ann, people.NewToken{RequestsPerMinute: 4}) // one request
		lent, err := c.Broker.Lending.Lease(t.Context(), holder, lending.LeaseRequest{Location: l.ID, Access: keyhatch.Read})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Broker.Lending.Identify(t.Context(), lent.Lease); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := c.Broker.Lending.Relend(t.Context(), lent.Lease, lending.LeaseRequest{Location: l.ID, Access: keyhatch.Read}); err != nil {
				t.Fatal(err)
			}
		}
		_, err = c.Broker.Lending.Relend(t.Context(), lent.Lease, lending.LeaseRequest{Location: l.ID, Access: keyhatch.Read})
		wantFailure(t, "a fifth request", err, keyhatch.TooMany, keyhatch.CodeTooManyRequests)
		wantFailure(t, "and to identify", c.Broker.Lending.Identify(t.Context(), lent.Lease), keyhatch.TooMany, keyhatch.CodeTooManyRequests)
	})
}

// TestS12_FailuresOfAnAddress: an address, or a network of IPv6, fails so often; what
// is no token, unknown or has ended counts alike, other addresses do not suffer, and
// neither does a token that works.
func TestS12_FailuresOfAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := coretest.New(t)
		c.Tokens = people.Limits{FailuresPerMinute: 4}
		c.Restart(t)
		_, good, err := c.Broker.People.CreateToken(t.Context(), c.Admin, people.NewToken{})
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range [][2]string{{"192.0.2.1", "192.0.2.1"}, {"2001:db8::1", "2001:db8::ffff:1"}, {"", ""}} {
			ctx := from(t, at[0])
			fail := func(ctx context.Context, s keyhatch.Secret) error {
				_, err := c.Broker.People.Authenticate(ctx, s)
				return err
			}
			wantFailure(t, "unknown", fail(ctx, keyhatch.NewTokenSecret()), keyhatch.Unauthenticated, keyhatch.CodeTokenInvalid)
			wantFailure(t, "no token", fail(ctx, "kh_x"), keyhatch.Unauthenticated, keyhatch.CodeTokenInvalid)
			if err := c.Broker.People.ReportLeak(ctx, keyhatch.NewTokenSecret()); err != nil {
				t.Error(err)
			}
			if got, err := c.Broker.People.Inspect(ctx, c.Admin, keyhatch.NewTokenSecret()); err != nil || got.Active {
				t.Errorf("%+v, %v", got, err)
			}
			beside := from(t, at[1])
			for _, err := range []error{
				fail(beside, keyhatch.NewTokenSecret()), fail(ctx, "kh_x"), c.Broker.People.ReportLeak(ctx, keyhatch.NewTokenSecret()),
				c.Broker.People.RevokeSecret(ctx, "x"),
			} {
				if e := wantFailure(t, "a fifth from "+at[0], err, keyhatch.TooMany, keyhatch.CodeTooManyRequests); e.RetryAfter != 15*time.Second {
					t.Errorf("it is told to wait %v", e.RetryAfter)
				}
			}
			if err := fail(beside, good); err != nil {
				t.Errorf("a token that works, from %q: %v", at[1], err)
			}
		}
		wantFailure(t, "another address", func() error {
			_, err := c.Broker.People.Authenticate(from(t, "192.0.2.2"), keyhatch.NewTokenSecret())
			return err
		}(), keyhatch.Unauthenticated, keyhatch.CodeTokenInvalid)
		time.Sleep(15 * time.Second)
		wantFailure(t, "later", func() error {
			_, err := c.Broker.People.Authenticate(from(t, "192.0.2.1"), keyhatch.NewTokenSecret())
			return err
		}(), keyhatch.Unauthenticated, keyhatch.CodeTokenInvalid)
	})
}

// TestTokenNetworks: a token, and what is borrowed with it, works from its networks
// and from nowhere else; there it looks like one that never existed (S6).
func TestTokenNetworks(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	ws := c.Workspace(t, "lab")
	l := c.Location(t, ws, "s3://lab-data/a/")
	ann := c.User(t, "ann")
	c.Member(t, ws, ann, keyhatch.MemberRole)
	c.Grant(t, l, ann, keyhatch.Read)
	_, secret, err := c.Broker.People.CreateToken(t.Context(), ann, people.NewToken{Networks: networks("10.1.0.0/16", "2001:db8::/32")})
	if err != nil {
		t.Fatal(err)
	}
	inside, err := c.Broker.People.Authenticate(from(t, "10.1.2.3"), secret)
	if err != nil {
		t.Fatal(err)
	}
	lent, err := c.Broker.Lending.Lease(t.Context(), inside, lending.LeaseRequest{Location: l.ID, Access: keyhatch.Read})
	if err != nil {
		t.Fatal(err)
	}
	_, unknown := c.Broker.People.Authenticate(t.Context(), keyhatch.NewTokenSecret())
	for address, works := range map[string]bool{
		"10.1.0.0": true, "10.1.255.255": true, "::ffff:10.1.2.3": true, "2001:db8::1": true, "2001:db8:ffff::%eth0": true,
		"10.2.0.0": false, "10.0.255.255": false, "2001:db9::": false, "::1": false, "::ffff:10.2.0.0": false, "": false,
	} {
		ctx := from(t, address)
		_, err := c.Broker.People.Authenticate(ctx, secret)
		if works && err != nil || !works && (err == nil || err.Error() != unknown.Error()) {
			t.Errorf("from %q: %v", address, err)
		}
		if c.Broker.People.WorksElsewhere(ctx, secret) == works || c.Broker.People.WorksElsewhere(ctx, keyhatch.NewTokenSecret()) {
			t.Errorf("from %q: it is told wrongly whether the network is why", address)
		}
		_, _, standing := c.Broker.Lending.Standing(ctx, lent.Lease)
		_, relending := c.Broker.Lending.Relend(ctx, lent.Lease, lending.LeaseRequest{Location: l.ID, Access: keyhatch.Read})
		for what, err := range map[string]error{"a lease": standing, "a lease that lends": relending} {
			if works && err != nil || !works && !errors.Is(err, policy.ErrLeaseElsewhere) {
				t.Errorf("%s from %q: %v", what, address, err)
			}
		}
		// Who has moved since, or whose token was confined since, changes nothing.
		moved := inside
		moved.Origin = keyhatch.OriginOf(ctx)
		_, _, err = c.Broker.People.CreateToken(ctx, moved, people.NewToken{})
		if works != (err == nil) || !works && !errors.Is(err, keyhatch.Unauthenticated) {
			t.Errorf("a change from %q: %v", address, err)
		}
	}
}

func networks(texts ...string) []netip.Prefix {
	out := []netip.Prefix{}
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

// TestLastUse: it is written once a minute at most and at the end, and tells the last.
func TestLastUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := coretest.New(t)
		made, secret, err := c.Broker.People.CreateToken(t.Context(), c.Admin, people.NewToken{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { c.Broker.People.RunUses(ctx); close(ended) }()
		use := func(address string) time.Time {
			t.Helper()
			at := time.Now().UTC().Truncate(time.Microsecond)
			if _, err := c.Broker.People.Authenticate(from(t, address), secret); err != nil {
				t.Fatal(err)
			}
			return at
		}
		want := func(when string, at time.Time, address string) {
			t.Helper()
			got, err := c.Broker.People.Token(t.Context(), c.Admin, made.ID)
			if err != nil || !got.LastUsedAt.Equal(at) || got.LastUsedFrom != address {
				t.Errorf("%s: used %v from %q, want %v from %q (%v)", when, got.LastUsedAt, got.LastUsedFrom, at, address, err)
			}
		}
		want("never used", time.Time{}, "")
		first := use("192.0.2.1")
		want("at once", time.Time{}, "")
		time.Sleep(6 * time.Second)
		want("soon", first, "192.0.2.1")
		use("192.0.2.2")
		time.Sleep(10 * time.Second)
		last := use("192.0.2.3")
		time.Sleep(35 * time.Second)
		want("within the minute", first, "192.0.2.1")
		time.Sleep(15 * time.Second)
		want("after it", last, "192.0.2.3")
		time.Sleep(5 * time.Minute)
		want("not used since", last, "192.0.2.3")
		last = use("192.0.2.4")
		stop()
		<-ended
		want("at the end", last, "192.0.2.4")
	})
}
