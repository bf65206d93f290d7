package shield_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/shield"
	"github.com/keyhatch/keyhatch/policy"
	"github.com/keyhatch/keyhatch/policy/sessionpolicy"
)

var _ driver.Vender = (*shield.Shield)(nil)

// mint is a token service: it takes a second for each request, and counts them.
type mint struct {
	sure    time.Duration // the least of the lives that it gives for sure; zero: 12 hours
	takes   time.Duration // zero: a second
	fails   func(driver.VendRequest) error
	gives   time.Duration // a life that is given whatever is asked, unless that is too little; zero: what is asked
	hangs   string        // name of a store that never answers
	mu      sync.Mutex
	minted  []driver.VendRequest
	highest int // requests at the same time
	now     int
}

func (m *mint) Lives(keyhatch.Store, driver.Acting) driver.Lives {
	sure := m.sure
	if sure == 0 {
		sure = 12 * time.Hour
	}
	return driver.Lives{Least: 15 * time.Minute, Longest: 12 * time.Hour, By: "the test", Sure: sure}
}

func (m *mint) Vend(ctx context.Context, r driver.VendRequest) (driver.Vended, error) {
	if err := r.Spend(ctx); err != nil {
		return driver.Vended{}, err
	}
	m.mu.Lock()
	m.minted = append(m.minted, r)
	n := len(m.minted)
	m.now++
	m.highest = max(m.highest, m.now)
	m.mu.Unlock()
	defer func() { m.mu.Lock(); m.now--; m.mu.Unlock() }()
	if m.hangs != "" && r.Store.ID == m.hangs {
		<-ctx.Done()
		return driver.Vended{}, keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "no answer").Because(driver.ErrNoAnswer)
	}
	takes := m.takes
	if takes == 0 {
		takes = time.Second
	}
	end := time.Now().Add(r.Life)
	if m.gives != 0 {
		end = time.Now().Add(m.gives)
	}
	if m.gives != 0 && m.gives < r.Least {
		return driver.Vended{}, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeLifeExceedsLimit, "the store gives less")
	}
	time.Sleep(takes)
	if m.fails != nil {
		if err := m.fails(r); err != nil {
			return driver.Vended{}, err
		}
	}
	return driver.Vended{ID: r.ID, Credentials: keyhatch.Credentials{AccessKeyID: fmt.Sprint("ASIA", n), ExpiresAt: end}}, nil
}

func (m *mint) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.minted)
}

func request(user string, life time.Duration) driver.VendRequest {
	return driver.VendRequest{
		ID: "vend_" + user, Store: keyhatch.Store{ID: "store_1"}, As: driver.Acting{Credential: "cred_1", Version: "1"}, User: user, UserID: "user_" + user, Life: life,
		Open: policy.Set{{Bucket: "lab", Prefix: "a/", Access: keyhatch.Read}},
	}
}

func must(t *testing.T, s *shield.Shield, r driver.VendRequest) driver.Vended {
	t.Helper()
	v, err := s.Vend(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// settle lets what is minted ahead come to its end.
func settle() {
	time.Sleep(time.Minute)
	synctest.Wait()
}

// together asks for all at once.
func together(t *testing.T, s *shield.Shield, all ...driver.VendRequest) (given []driver.Vended, failed []error) {
	t.Helper()
	var wg sync.WaitGroup
	given, failed = make([]driver.Vended, len(all)), make([]error, len(all))
	for i, r := range all {
		wg.Go(func() { given[i], failed[i] = s.Vend(t.Context(), r) })
	}
	wg.Wait()
	return given, failed
}

// TestManyAtOnce: 200 users who ask five times each at once, for two scopes, cost as
// many requests as there are users and scopes, and where it is allowed to share as many
// as there are scopes.
func TestManyAtOnce(t *testing.T) {
	for shared, want := range map[bool]int{false: 400, true: 2} {
		synctest.Test(t, func(t *testing.T) {
			m := &mint{}
			s := shield.New(m, shield.Config{})
			var all []driver.VendRequest
			for i := range 2000 {
				r := request(fmt.Sprint("user", i%200), time.Hour)
				r.Shared = shared
				r.Open = policy.Set{{Bucket: "lab", Prefix: keyhatch.Prefix(fmt.Sprint(i/1000, "/")), Access: keyhatch.Read}}
				all = append(all, r)
			}
			given, failed := together(t, s, all...)
			for i, err := range failed {
				if err != nil {
					t.Fatal(err)
				}
				if !shared && given[i].ID != "vend_"+all[i].User {
					t.Fatalf("%s has what is %s's", all[i].User, given[i].ID)
				}
			}
			if m.count() != want {
				t.Errorf("shared %t: %d requests, want %d", shared, m.count(), want)
			}
		})
	}
}

// TestServedWhileItLasts: what is kept is served while it lasts for what is asked, and
// to who asks for the same.
func TestServedWhileItLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{}
		s := shield.New(m, shield.Config{})
		first := must(t, s, request("ann", time.Hour))
		if left := time.Until(first.ExpiresAt); left < 2*time.Hour-2*time.Second || left > 2*time.Hour {
			t.Errorf("it lasts %v, and is to serve twice", left)
		}
		for _, other := range []func(*driver.VendRequest){
			func(r *driver.VendRequest) { r.UserID = "user_of_the_same_name" },
			func(r *driver.VendRequest) { r.Store.ID = "store_2" },
			func(r *driver.VendRequest) { r.As.Credential = "cred_2" },
			func(r *driver.VendRequest) { r.As.Version = "2" },
			func(r *driver.VendRequest) { r.Open[0].Access = keyhatch.Write },
			func(r *driver.VendRequest) { r.Keys = []string{"arn:aws:kms:eu-west-1:123456789012:key/k"} },
			func(r *driver.VendRequest) { r.Shared = true },
			func(r *driver.VendRequest) { r.Latest = time.Now().Add(70 * time.Minute) },
			func(r *driver.VendRequest) {
				p, err := sessionpolicy.ParseAll([]string{`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`})
				if err != nil {
					t.Fatal(err)
				}
				r.Policies = p
			},
		} {
			r := request("ann", time.Hour)
			r.Open = policy.Set{r.Open[0]}
			other(&r)
			before := m.count()
			if v := must(t, s, r); v.AccessKeyID == first.AccessKeyID || m.count() != before+1 {
				t.Errorf("%+v is served with what is another's", r)
			}
		}
		before := m.count()
		time.Sleep(29 * time.Minute)
		if again := must(t, s, request("ann", time.Hour)); again != first || m.count() != before {
			t.Error("what lasts for it is not served")
		}
		time.Sleep(31*time.Minute + time.Second) // an hour less a second is left
		again := must(t, s, request("ann", time.Hour))
		if left := time.Until(again.ExpiresAt); again == first || left < time.Hour {
			t.Errorf("it lasts %v, and an hour was asked", left)
		}
		settle()
	})
}

// TestLessIsAccepted: who takes less than it asks for is served with what is left.
func TestLessIsAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{sure: time.Hour}
		s := shield.New(m, shield.Config{})
		r := request("ann", time.Hour)
		r.Least = 30 * time.Minute
		first := must(t, s, r)
		time.Sleep(14 * time.Minute)
		if again := must(t, s, r); again != first || m.count() != 1 {
			t.Errorf("it is not served again: %d requests", m.count())
		}
		settle()
	})
}

// TestNothingToKeep: an hour of a session that cannot be longer has nothing left for
// others, and is not kept.
func TestNothingToKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{sure: time.Hour}
		s := shield.New(m, shield.Config{})
		for range 3 {
			must(t, s, request("ann", time.Hour))
		}
		if m.count() != 3 {
			t.Errorf("%d requests", m.count())
		}
	})
}

// TestS15_NoLongerThanAllowed: nothing that is served outlives what it rests on, also
// where others may have it for longer; and what is asked is never cut.
func TestS15_NoLongerThanAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{}
		s := shield.New(m, shield.Config{})
		now := time.Now()
		for _, life := range []time.Duration{15 * time.Minute, 17 * time.Minute, time.Hour, 100 * time.Minute, 5 * time.Hour, 12 * time.Hour} {
			for _, more := range []time.Duration{0, time.Second, 10 * time.Minute, life, 3 * life} {
				r := request("ann", life)
				r.Latest = time.Now().Add(life + more)
				v := must(t, s, r)
				if v.ExpiresAt.After(r.Latest) || time.Until(v.ExpiresAt) < life-2*time.Second {
					t.Errorf("asked was %v, allowed %v, given %v", life, life+more, time.Until(v.ExpiresAt))
				}
			}
		}
		r := request("ann", time.Hour)
		r.Latest = now.Add(30 * time.Minute)
		before := m.count()
		if _, err := s.Vend(t.Context(), r); !errors.Is(err, keyhatch.Invalid) || m.count() != before {
			t.Errorf("more than is allowed: %v", err)
		}
		settle()
	})
}

// TestRefreshedAhead: who asks every minute waits once, and always has what lasts for
// what it asks; others are minted as often as it takes, at times that differ.
func TestRefreshedAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{}
		s := shield.New(m, shield.Config{})
		waited := 0
		for range 20 * 60 {
			begun := time.Now()
			v := must(t, s, request("ann", time.Hour))
			if time.Since(begun) > 0 {
				waited++
			}
			if time.Until(v.ExpiresAt) < time.Hour-time.Second {
				t.Fatalf("it lasts %v", time.Until(v.ExpiresAt))
			}
			time.Sleep(time.Minute)
		}
		if waited != 1 || m.count() < 20 || m.count() > 45 {
			t.Errorf("it waited %d times, for %d requests in 20 hours", waited, m.count())
		}
		settle()
	})
}

// TestFailuresPass: what failed is not tried again for seconds, and then it is.
func TestFailuresPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{fails: func(driver.VendRequest) error {
			return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "refused")
		}}
		s := shield.New(m, shield.Config{})
		for range 100 {
			if _, err := s.Vend(t.Context(), request("ann", time.Hour)); !errors.Is(err, keyhatch.Unavailable) {
				t.Fatal(err)
			}
		}
		if m.count() != 1 {
			t.Errorf("it was asked %d times", m.count())
		}
		if _, err := s.Vend(t.Context(), request("bob", time.Hour)); err == nil || m.count() != 2 {
			t.Error("what one is refused is not tried for another")
		}
		m.fails = nil
		time.Sleep(4 * time.Second)
		must(t, s, request("ann", time.Hour))
	})
}

// TestRefreshFails: what is kept is served on while the store fails, which is asked now
// and then.
func TestRefreshFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{}
		s := shield.New(m, shield.Config{})
		first := must(t, s, request("ann", time.Hour))
		m.mu.Lock()
		m.fails = func(driver.VendRequest) error {
			return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "refused")
		}
		m.mu.Unlock()
		time.Sleep(55 * time.Minute)
		for range 1000 {
			if v := must(t, s, request("ann", time.Hour)); v != first {
				t.Fatal("another one is served")
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n := m.count(); n < 2 || n > 60 {
			t.Errorf("it was asked %d times in 100 seconds", n)
		}
		settle()
	})
}

// TestDeadStore: a store that does not answer keeps nobody waiting who asks another, and
// soon nobody who asks it.
func TestDeadStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{hangs: "dead"}
		s := shield.New(m, shield.Config{})
		var waiting sync.WaitGroup
		for i := range 300 {
			waiting.Go(func() {
				r := request(fmt.Sprint("user", i), time.Hour)
				r.Store.ID, r.As.Credential = "dead", "cred_dead"
				begun := time.Now()
				if _, err := s.Vend(t.Context(), r); err == nil || time.Since(begun) > 16*time.Second {
					t.Errorf("%v after %v", err, time.Since(begun))
				}
			})
		}
		synctest.Wait()
		begun := time.Now()
		must(t, s, request("ann", time.Hour))
		if took := time.Since(begun); took > time.Second {
			t.Errorf("another store took %v", took)
		}
		waiting.Wait()
		begun = time.Now()
		r := request("ann", time.Hour)
		r.Store.ID, r.As.Credential = "dead", "cred_dead"
		if _, err := s.Vend(t.Context(), r); !errors.Is(err, driver.ErrNoAnswer) || time.Since(begun) > 0 {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}

// TestWhoAskedFirstGoes: those who wait with it have their credentials all the same.
func TestWhoAskedFirstGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{}
		s := shield.New(m, shield.Config{})
		ctx, leave := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() {
			_, err := s.Vend(ctx, request("ann", time.Hour))
			gone <- err
		}()
		synctest.Wait()
		stayed := make(chan error, 1)
		go func() {
			_, err := s.Vend(t.Context(), request("ann", time.Hour))
			stayed <- err
		}()
		synctest.Wait()
		leave()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("who went away has %v", err)
		}
		if err := <-stayed; err != nil || m.count() != 1 {
			t.Errorf("who stayed has %v, after %d requests", err, m.count())
		}
	})
}

// TestBudget: a credential is asked no faster than its budget, who would wait too long
// is told when to ask again, and other credentials have budgets of their own.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{takes: time.Millisecond}
		s := shield.New(m, shield.Config{PerSecond: 100, Queue: 500 * time.Millisecond, AtATime: 10_000})
		var all []driver.VendRequest
		for i := range 1000 {
			all = append(all, request(fmt.Sprint("user", i), time.Hour))
		}
		begun := time.Now()
		_, failed := together(t, s, all...)
		if took := time.Since(begun); took > time.Second {
			t.Errorf("it took %v to know", took)
		}
		refused := 0
		for _, err := range failed {
			var e *keyhatch.Error
			if err == nil {
				continue
			}
			if !errors.As(err, &e) || e.Kind != keyhatch.TooMany || e.RetryAfter < time.Second {
				t.Fatal(err)
			}
			refused++
		}
		if m.count() < 50 || m.count() > 65 || refused != 1000-m.count() {
			t.Errorf("%d requests, %d refused", m.count(), refused)
		}
		other := request("ann", time.Hour)
		other.As.Credential = "cred_2"
		must(t, s, other)
		time.Sleep(2 * time.Second)               // who was refused took nothing of it
		must(t, s, request("user999", time.Hour)) // what the budget refused is not remembered as a failure
	})
}

// TestRoom: no more vends are under way for a credential than there is room for.
func TestRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{takes: 10 * time.Second}
		s := shield.New(m, shield.Config{AtATime: 5})
		var all []driver.VendRequest
		for i := range 20 {
			all = append(all, request(fmt.Sprint("user", i), time.Hour))
		}
		_, failed := together(t, s, all...)
		refused := 0
		for _, err := range failed {
			if errors.Is(err, keyhatch.TooMany) {
				refused++
			}
		}
		if m.highest != 5 || refused != 15 {
			t.Errorf("%d at a time, %d refused", m.highest, refused)
		}
	})
}

// TestOneTakesLess: who waits with somebody that takes less than it does gets its own,
// where the store gives less than it was asked for.
func TestOneTakesLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{gives: 30 * time.Minute}
		s := shield.New(m, shield.Config{})
		least, most := request("ann", time.Hour), request("ann", time.Hour)
		least.Least = 15 * time.Minute
		taken := make(chan error, 1)
		go func() {
			_, err := s.Vend(t.Context(), least)
			taken <- err
		}()
		synctest.Wait()
		_, err := s.Vend(t.Context(), most)
		if !errors.Is(err, keyhatch.Invalid) || m.count() != 2 {
			t.Errorf("it has %v, after %d requests", err, m.count())
		}
		if err := <-taken; err != nil {
			t.Error(err)
		}
	})
}

// TestManyTakeNoLess: a hundred who wait with somebody that takes less than they do cost one
// request more together, and not one each.
func TestManyTakeNoLess(t *testing.T) {
	for _, lasts := range []time.Duration{20 * time.Minute, 2 * time.Hour} { // the second is enough for all of them
		synctest.Test(t, func(t *testing.T) {
			m := &mint{sure: time.Hour}
			m.fails = func(r driver.VendRequest) error { // as of one that gives what is wanted at least, after the first
				m.mu.Lock()
				defer m.mu.Unlock()
				if m.gives = 0; r.Least > lasts {
					return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeLifeExceedsLimit, "the store gives less")
				}
				return nil
			}
			m.gives = 20 * time.Minute
			s := shield.New(m, shield.Config{})
			least := request("ann", time.Hour)
			least.Least = 15 * time.Minute
			first := make(chan error, 1)
			go func() {
				_, err := s.Vend(t.Context(), least)
				first <- err
			}()
			synctest.Wait()
			var all []driver.VendRequest
			for i := range 100 {
				r := request("ann", time.Hour)
				r.Latest = time.Now().Add(time.Hour + time.Duration(i)*time.Millisecond)
				all = append(all, r)
			}
			given, failed := together(t, s, all...)
			for i := range all {
				if works := failed[i] == nil; works != (lasts > time.Hour) || works && time.Until(given[i].ExpiresAt) < 58*time.Minute || !works && !errors.Is(failed[i], keyhatch.Invalid) {
					t.Fatalf("it has %v of %+v", failed[i], given[i])
				}
			}
			if err := <-first; err != nil || m.count() > 3 {
				t.Errorf("%v, after %d requests for 101", err, m.count())
			}
		})
	}
}

// TestOneTakesMore: who waits with somebody that takes no less than the store refuses is asked
// for what it takes, and is not told what the other is.
func TestOneTakesMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{sure: time.Hour}
		m.fails = func(r driver.VendRequest) error {
			if r.Least > 45*time.Minute {
				return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeLifeExceedsLimit, "the store gives less")
			}
			return nil
		}
		s := shield.New(m, shield.Config{})
		strict := make(chan error, 1)
		go func() {
			_, err := s.Vend(t.Context(), request("ann", time.Hour))
			strict <- err
		}()
		synctest.Wait()
		takes := request("ann", time.Hour)
		takes.Least = 30 * time.Minute
		must(t, s, takes)
		if err := <-strict; !errors.Is(err, keyhatch.Invalid) || m.count() != 2 {
			t.Errorf("%v, after %d requests", err, m.count())
		}
	})
}

// TestBounded: no more is kept than there is room for.
func TestBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{takes: time.Millisecond}
		s := shield.New(m, shield.Config{Size: 10})
		for range 2 {
			for i := range 100 {
				must(t, s, request(fmt.Sprint("user", i), time.Hour))
			}
		}
		if m.count() < 180 {
			t.Errorf("%d requests for 200 users, of whom 10 are kept", m.count())
		}
	})
}

// TestRoomThatIsNotGiven: a store that gives less than was thought sure is asked for what
// was asked of us, and no more is refused than it refuses.
func TestRoomThatIsNotGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{fails: func(r driver.VendRequest) error {
			if r.Life > time.Hour {
				return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeLifeExceedsLimit, "the limit is the store's")
			}
			return nil
		}}
		s := shield.New(m, shield.Config{})
		v := must(t, s, request("ann", time.Hour))
		if left := time.Until(v.ExpiresAt); left < 59*time.Minute || m.count() != 2 {
			t.Errorf("it lasts %v, after %d requests", left, m.count())
		}
		if _, err := s.Vend(t.Context(), request("ann", 90*time.Minute)); err == nil {
			t.Error("what the store does not give was given")
		}
	})
}

// TestRoomIsLearned: what a store refused to give is asked of it once, for all who ask for
// less, and again after some minutes.
func TestRoomIsLearned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{fails: func(r driver.VendRequest) error {
			if r.Life > time.Hour {
				return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeLifeExceedsLimit, "the limit is the store's")
			}
			return nil
		}}
		s := shield.New(m, shield.Config{})
		for i := range 20 {
			must(t, s, request(fmt.Sprint("user", i), time.Hour))
		}
		if m.count() != 21 {
			t.Errorf("%d requests for 20 users", m.count())
		}
		half := must(t, s, request("ann", 30*time.Minute))
		if left := time.Until(half.ExpiresAt); left < 59*time.Minute || m.count() != 22 {
			t.Errorf("what is given all the same is not asked for: it lasts %v, after %d requests", left, m.count())
		}
		other := request("bob", time.Hour)
		other.As.Version = "2"
		if must(t, s, other); m.count() != 24 {
			t.Errorf("after %d requests: another authority has what the one before was refused", m.count())
		}
		time.Sleep(6 * time.Minute)
		if must(t, s, request("cid", time.Hour)); m.count() != 26 {
			t.Errorf("after %d requests: it is never tried again", m.count())
		}
	})
}

// TestRefusalThatNamesNothing: what a store refused without saying what, as one user's session
// name, was taken as a matter of time for all. It is one when the same is given for less.
func TestRefusalThatNamesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{fails: func(r driver.VendRequest) error {
			if r.User == "odd" || r.Life > time.Hour {
				return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeLifeExceedsLimit, "too long, perhaps").Because(driver.ErrUnnamed)
			}
			return nil
		}}
		s := shield.New(m, shield.Config{})
		refused := func() time.Duration {
			r := request("ann", time.Hour)
			return s.Lives(r.Store, r.As).Refused
		}
		if _, err := s.Vend(t.Context(), request("odd", 2*time.Hour)); !errors.Is(err, keyhatch.Invalid) || refused() != 0 {
			t.Errorf("%v: %v is refused to all", err, refused())
		}
		if must(t, s, request("bob", 30*time.Minute)); refused() != 0 {
			t.Errorf("%v is refused to all since another was given less", refused())
		}
		if _, err := s.Vend(t.Context(), request("ann", 2*time.Hour)); !errors.Is(err, keyhatch.Invalid) || refused() != 0 {
			t.Errorf("%v: %v is refused", err, refused())
		}
		if must(t, s, request("ann", time.Hour)); refused() != 2*time.Hour {
			t.Errorf("%v is refused since the same was given for less", refused())
		}
	})
}

// TestNothingFits: who was given what does not fit, again and again, was told that a budget
// was spent, of which there was enough.
func TestNothingFits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shield.New(&mint{gives: 2 * time.Hour}, shield.Config{})
		r := request("ann", time.Hour)
		r.Latest = time.Now().Add(time.Hour)
		_, err := s.Vend(t.Context(), r)
		var failed *keyhatch.Error
		if !errors.As(err, &failed) || failed.Kind != keyhatch.TooMany || failed.RetryAfter != time.Second || strings.Contains(err.Error(), "budget") {
			t.Errorf("it has %v", err)
		}
		r.Latest = time.Time{}
		must(t, s, r)
	})
}

// TestTooLongForOne: who asks for more than the store gives has others refused nothing, who
// take less.
func TestTooLongForOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{sure: time.Hour, gives: 45 * time.Minute}
		s := shield.New(m, shield.Config{})
		if _, err := s.Vend(t.Context(), request("ann", time.Hour)); !errors.Is(err, keyhatch.Invalid) {
			t.Fatal(err)
		}
		takes := request("ann", time.Hour)
		takes.Least = 30 * time.Minute
		must(t, s, takes)
	})
}

// TestForgotten: what was ended is served to nobody any more.
func TestForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{}
		s := shield.New(m, shield.Config{})
		first := must(t, s, request("ann", time.Hour))
		if again := must(t, s, request("ann", time.Hour)); again.AccessKeyID != first.AccessKeyID {
			t.Fatal("it was not served again, and the test is about nothing")
		}
		other := must(t, s, request("bob", time.Hour))
		s.Forget(first.ID)
		if again := must(t, s, request("ann", time.Hour)); again.AccessKeyID == first.AccessKeyID {
			t.Error("it is served although it was ended")
		}
		if again := must(t, s, request("bob", time.Hour)); again.AccessKeyID != other.AccessKeyID {
			t.Error("another's was forgotten")
		}
	})
}
