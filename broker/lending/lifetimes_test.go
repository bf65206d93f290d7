package lending_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/own"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/policy"
)

const day = 24 * time.Hour

// lifetimes is the rule of a lease's life. Zero limits are none; asked 0 is the
// default. The answer is a life, or what the refusal names.
var lifetimes = []struct {
	location, grant, token     time.Duration // limits
	lenderMin, lenderMax, asks time.Duration
	gets                       time.Duration
	code                       keyhatch.Code
	names                      string
}{
	{gets: time.Hour},
	{asks: 2 * time.Hour, gets: 2 * time.Hour},
	{asks: 15 * time.Minute, gets: 15 * time.Minute},
	{asks: 15*time.Minute - 1, code: keyhatch.CodeInvalidDuration, names: "900 seconds"},
	{asks: time.Second, code: keyhatch.CodeInvalidDuration, names: "900 seconds"},
	{asks: -time.Hour, code: keyhatch.CodeInvalidDuration, names: "900 seconds"},
	{asks: -1 << 63, code: keyhatch.CodeInvalidDuration, names: "900 seconds"},
	{asks: 1<<63 - 1, code: keyhatch.CodeLifeExceedsLimit, names: "the longest lease of location alpha"},

	{asks: 12 * time.Hour, gets: 12 * time.Hour},
	{asks: 12*time.Hour + 1, code: keyhatch.CodeLifeExceedsLimit, names: "at most 43200 now: the limit is the longest lease of location alpha"},
	{location: 7 * day, asks: 7 * day, gets: 7 * day},
	{location: 7 * day, asks: 7*day + 1, code: keyhatch.CodeLifeExceedsLimit, names: "at most 604800"},
	{location: 30 * time.Minute, gets: 30 * time.Minute},
	{location: 30 * time.Minute, asks: 31 * time.Minute, code: keyhatch.CodeLifeExceedsLimit, names: "at most 1800 now: the limit is the longest lease of location alpha"},
	{location: 15 * time.Minute, gets: 15 * time.Minute},

	{grant: 40 * time.Minute, gets: 40 * time.Minute},
	{grant: 40 * time.Minute, asks: 40 * time.Minute, gets: 40 * time.Minute},
	{grant: 40 * time.Minute, asks: 40*time.Minute + 1, code: keyhatch.CodeLifeExceedsLimit, names: "at most 2400 now: the limit is grant GRANT"},
	{grant: 15 * time.Minute, gets: 15 * time.Minute},
	{grant: 14 * time.Minute, code: keyhatch.CodeLifeExceedsLimit, names: "at most 840 now: the limit is grant GRANT"},
	{grant: 14 * time.Minute, asks: 20 * time.Minute, code: keyhatch.CodeLifeExceedsLimit, names: "the limit is grant GRANT"},

	{token: 50 * time.Minute, gets: 50 * time.Minute},
	{token: 50 * time.Minute, asks: 51 * time.Minute, code: keyhatch.CodeLifeExceedsLimit, names: "at most 3000 now: the limit is the token's expiry"},
	{token: time.Minute, code: keyhatch.CodeLifeExceedsLimit, names: "at most 60 now: the limit is the token's expiry"},

	{lenderMax: 20 * time.Minute, gets: 20 * time.Minute},
	{lenderMax: 20 * time.Minute, asks: 21 * time.Minute, code: keyhatch.CodeLifeExceedsLimit, names: "the limit is the store's longest lease"},
	{lenderMin: 30 * time.Minute, asks: 20 * time.Minute, code: keyhatch.CodeInvalidDuration, names: "1800 seconds"},
	{lenderMin: 30 * time.Minute, gets: time.Hour},
	{lenderMin: time.Minute, asks: 14 * time.Minute, code: keyhatch.CodeInvalidDuration, names: "900 seconds"},
	{lenderMin: 30 * time.Minute, grant: 25 * time.Minute, code: keyhatch.CodeLifeExceedsLimit, names: "at least 1800 seconds can last at most 1500 now: the limit is grant GRANT"},

	{location: 20 * time.Minute, grant: 30 * time.Minute, token: 40 * time.Minute, lenderMax: 50 * time.Minute, asks: time.Hour, code: keyhatch.CodeLifeExceedsLimit, names: "location alpha"},
	{location: 30 * time.Minute, grant: 20 * time.Minute, token: 40 * time.Minute, lenderMax: 50 * time.Minute, asks: 25 * time.Minute, code: keyhatch.CodeLifeExceedsLimit, names: "grant GRANT"},
	{location: 30 * time.Minute, grant: 40 * time.Minute, token: 20 * time.Minute, lenderMax: 50 * time.Minute, asks: 25 * time.Minute, code: keyhatch.CodeLifeExceedsLimit, names: "the token's expiry"},
	{location: 30 * time.Minute, grant: 40 * time.Minute, token: 50 * time.Minute, lenderMax: 20 * time.Minute, gets: 20 * time.Minute},
}

// limited is a lender of other lifetimes.
type limited struct {
	driver.Lender
	min, max time.Duration
}

func (l limited) Capabilities() driver.Capabilities {
	c := l.Lender.Capabilities()
	if l.min != 0 {
		c.MinLife = l.min
	}
	if l.max != 0 {
		c.MaxLife = l.max
	}
	return c
}

func lenders(c *coretest.Core, wrap func(driver.Lender) driver.Lender) map[keyhatch.Lending]driver.Lender {
	return map[keyhatch.Lending]driver.Lender{keyhatch.LendsOwn: wrap(own.New(c.Keys, coretest.Endpoint, "local"))}
}

// TestS15_Lifetimes: what is asked is given exactly, or refused with the limit
// named; what is given by default is as long as the limits let it. The clock
// stands still in here, so lives are exact.
func TestS15_Lifetimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := coretest.New(t)
		ws := c.Workspace(t, "lab")
		ann := c.User(t, "ann")
		for i, row := range lifetimes {
			what := fmt.Sprintf("row %d (%+v)", i+1, row)
			l := c.Location(t, ws, "s3://lab-data/alpha/")
			if row.location != 0 {
				did(t)(c.Broker.Places.UpdateLocation(t.Context(), c.Admin, "", l.ID, places.LocationChange{MaxLease: &row.location}))
			}
			expires := func(after time.Duration) time.Time {
				if after == 0 {
					return time.Time{}
				}
				return time.Now().Add(after)
			}
			g := get[keyhatch.Grant](t)(c.Broker.Places.GiveGrant(t.Context(), c.Admin, places.NewGrant{
				Location: l.ID, Subject: keyhatch.SubjectUser, Name: "ann", Access: keyhatch.Read, ExpiresAt: expires(row.grant),
			}))
			borrower := c.Token(t, ann, people.NewToken{ExpiresAt: expires(row.token)})
			b := c.With(lenders(c, func(own driver.Lender) driver.Lender { return limited{own, row.lenderMin, row.lenderMax} }))
			lent, err := b.Lending.Lease(t.Context(), borrower, lending.LeaseRequest{Location: l.ID, Access: keyhatch.Read, Life: row.asks})
			if row.code != "" {
				wantFail(t, what, err, keyhatch.Invalid, row.code, "duration_seconds")
				if names := strings.ReplaceAll(row.names, "GRANT", g.ID); err != nil && !strings.Contains(err.Error(), names) {
					t.Errorf("%s: %q does not say %q", what, err, names)
				}
			} else if err != nil {
				t.Errorf("%s: %v", what, err)
			} else {
				wantLife(t, c, what, lent, row.gets)
			}
			if err := c.Broker.Places.DeleteLocation(t.Context(), c.Admin, "", l.ID); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// wantLife checks that every place that says when the lease ends says the same.
func wantLife(t *testing.T, c *coretest.Core, what string, lent lending.Lent, life time.Duration) {
	t.Helper()
	end := time.Now().Add(life)
	session, err := c.Broker.Lending.OpenSession(lent.Lease.AccessKeyID, lent.Credentials.SessionToken.Reveal())
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	stored := get[keyhatch.Lease](t)(c.DB.Lease(t.Context(), lent.Lease.ID))
	for where, at := range map[string]time.Time{
		"the lease": lent.Lease.ExpiresAt, "the credentials": lent.Credentials.ExpiresAt,
		"the session token": session.Lease.ExpiresAt, "the record": stored.ExpiresAt,
	} {
		if !at.Equal(end) {
			t.Errorf("%s: %s ends %v after now, want %v", what, where, time.Until(at), life)
		}
	}
	if !lent.Lease.IssuedAt.Equal(time.Now()) || !session.Lease.IssuedAt.Equal(time.Now()) {
		t.Errorf("%s: issued at %v, sealed %v", what, lent.Lease.IssuedAt, session.Lease.IssuedAt)
	}
}

// TestS15_ShortestPartLimits: a lease of several prefixes ends with the first
// of its grants.
func TestS15_ShortestPartLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := coretest.New(t)
		ws := c.Workspace(t, "lab")
		ann := c.User(t, "ann")
		c.Member(t, ws, ann, keyhatch.MemberRole)
		for name, life := range map[string]time.Duration{"a": 50 * time.Minute, "b": 20 * time.Minute} {
			l := c.Location(t, ws, "s3://lab-data/"+name+"/")
			did(t)(c.Broker.Places.GiveGrant(t.Context(), c.Admin, places.NewGrant{
				Location: l.ID, Subject: keyhatch.SubjectUser, Name: "ann", Access: keyhatch.Read, ExpiresAt: time.Now().Add(life),
			}))
		}
		r := lending.LeaseRequest{Location: "a", Access: keyhatch.Read, Prefixes: []string{"x", "s3://lab-data/b/"}}
		lent := get[lending.Lent](t)(c.Broker.Lending.Lease(t.Context(), ann, r))
		wantLife(t, c, "two prefixes", lent, 20*time.Minute)
	})
}

// TestS7_LeaseExpires: a lease opens what it was lent for up to its end, not a
// moment longer, and a token that has expired borrows nothing.
func TestS7_LeaseExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := coretest.New(t)
		l := c.Location(t, c.Workspace(t, "lab"), "s3://lab-data/alpha/")
		ann := c.User(t, "ann")
		c.Grant(t, l, ann, keyhatch.Read)
		short := c.Token(t, ann, people.NewToken{ExpiresAt: time.Now().Add(30 * time.Minute)})
		lent := get[lending.Lent](t)(c.Broker.Lending.Lease(t.Context(), short, lending.LeaseRequest{Location: l.ID, Access: keyhatch.Read}))
		time.Sleep(30*time.Minute - time.Microsecond)
		if open, _, err := c.Broker.Lending.Standing(t.Context(), lent.Lease); err != nil || len(open) != 1 {
			t.Errorf("just before its end: %v, %v", open, err)
		}
		time.Sleep(time.Microsecond)
		if open, _, err := c.Broker.Lending.Standing(t.Context(), lent.Lease); !errors.Is(err, policy.ErrLeaseExpired) || len(open) != 0 {
			t.Errorf("at its end: %v, %v", open, err)
		}
		_, err := c.Broker.Lending.Lease(t.Context(), short, lending.LeaseRequest{Location: l.ID, Access: keyhatch.Read})
		if err == nil {
			t.Error("an expired token borrowed a lease")
		}
	})
}
