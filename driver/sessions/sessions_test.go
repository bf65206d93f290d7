package sessions_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/sessions"
	"github.com/keyhatch/keyhatch/driver/shield"
)

// role is a token service whose sessions last so long at most, which nobody was told.
type role struct {
	gives time.Duration
	asked []time.Duration
}

func (*role) Lives(keyhatch.Store, driver.Acting) driver.Lives {
	return driver.Lives{Least: 15 * time.Minute, Longest: 12 * time.Hour, By: "the test", Sure: time.Hour}
}

func (r *role) Vend(_ context.Context, q driver.VendRequest) (driver.Vended, error) {
	r.asked = append(r.asked, q.Life)
	if q.Life > r.gives {
		return driver.Vended{}, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeLifeExceedsLimit, "the limit is the role's")
	}
	return driver.Vended{ID: q.ID, Credentials: keyhatch.Credentials{AccessKeyID: "ASIAX", ExpiresAt: time.Now().Add(q.Life)}}, nil
}

// TestRefusedLifeIsRemembered: where nobody knows how long a role's sessions can last, it is
// asked for too long once in five minutes, and not for each lease (as a client of Provena asks
// for, eight hours or less); who wants no less is refused by the store itself.
func TestRefusedLifeIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		as := driver.Acting{Credential: "cred_1", Version: "1", With: "x"}
		store := keyhatch.Store{ID: "store_1", Proof: &keyhatch.Proof{With: "x"}}
		r := &role{gives: time.Hour}
		l := sessions.New(sessions.Config{
			Vender: shield.New(r, shield.Config{}), Acting: func(context.Context, keyhatch.Store) (driver.Acting, error) { return as, nil },
		})
		lend := func(life time.Duration, unasked bool) (time.Duration, error) {
			now := time.Now()
			v, err := l.Lend(t.Context(), driver.LendRequest{
				Store: store, User: "ann", Unasked: unasked, Latest: now.Add(life),
				Lease: keyhatch.Lease{User: "user_ann", IssuedAt: now, ExpiresAt: now.Add(life), Parts: []keyhatch.Part{{Bucket: "lab", Prefix: "a/"}}, Access: keyhatch.Read},
			})
			return v.ExpiresAt.Sub(now), err
		}
		wantAsked := func(what string, want int) {
			t.Helper()
			if len(r.asked) != want {
				t.Errorf("%s: the store was asked for %v", what, r.asked)
			}
			r.asked = nil
		}
		gets := func(unasked time.Duration, want time.Duration) {
			t.Helper()
			if got, err := lend(unasked, true); err != nil || got != want {
				t.Errorf("%v, %v", got, err)
			}
		}
		gets(8*time.Hour, time.Hour)
		wantAsked("the first", 2)
		gets(8*time.Hour, time.Hour)
		gets(12*time.Hour, time.Hour)
		wantAsked("two others", 2)
		if _, err := lend(8*time.Hour, false); !errors.Is(err, keyhatch.Invalid) {
			t.Errorf("who asks for eight hours: %v", err)
		}
		wantAsked("who takes no less", 1)
		r.gives = 2 * time.Hour
		gets(2*time.Hour, 2*time.Hour) // which was not refused
		wantAsked("less than was refused", 1)
		r.gives = 12 * time.Hour
		gets(8*time.Hour, time.Hour)
		wantAsked("still", 1)
		as.Version = "2"
		gets(8*time.Hour, 8*time.Hour)
		wantAsked("as another authority", 1)
		as.Version = "1"
		time.Sleep(5*time.Minute + time.Second)
		gets(8*time.Hour, 8*time.Hour)
		wantAsked("after five minutes", 1)
	})
}
