package shield

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/maypok86/otter/v2"
)

// Shield implements driver.Vender.
type Shield struct {
	vender  driver.Vender
	config  Config
	budgets *otter.Cache[string, *budget] // by credential

	mu      sync.Mutex
	kept    *otter.Cache[key, kept]
	failed  *otter.Cache[key, error]
	learned *otter.Cache[key, time.Duration] // what a store as a whole gives for sure, where it refused more
	refused *otter.Cache[key, time.Duration] // the shortest life that it refused as too long
	guessed *otter.Cache[key, time.Duration] // one that it may have, by who asked for what
	flights map[key]*flight
}

// Config is how a Shield works. What is zero is as the comments say.
type Config struct {
	PerSecond float64       // requests for one credential: 480, which is 80 % of what AWS takes
	Queue     time.Duration // how long a request waits for its turn: 1 s
	AtATime   int           // vends for one credential: 512
	Within    time.Duration // how long a vend may take: 15 s
	Size      int           // credentials that are kept: 10,000
	Watch     Watch         // nobody
}

// Watch is who is told what becomes of requests; what is nil is not. They must not wait.
type Watch struct {
	Vended func(Outcome)
	Waited func(time.Duration) // for a turn in a credential's budget
}

// Outcome is what became of a request for credentials.
type Outcome string

// The outcomes.
const (
	Kept     Outcome = "kept"      // served again, nobody was asked
	Minted   Outcome = "minted"    // by the store
	Refused  Outcome = "refused"   // by the store
	NoAnswer Outcome = "no_answer" // of the store
	Spent    Outcome = "spent"     // the budget is: the store was not asked
)

func outcomeOf(err error) Outcome {
	var budget *spent
	switch {
	case err == nil:
		return Minted
	case errors.As(err, &budget):
		return Spent
	case errors.Is(err, driver.ErrNoAnswer):
		return NoAnswer
	}
	return Refused
}

func (s *Shield) tell(o Outcome) {
	if s.config.Watch.Vended != nil {
		s.config.Watch.Vended(o)
	}
}

const (
	// remembered is how long what failed is not tried again.
	remembered = 3 * time.Second
	// careful is how long a store that refused more than was wanted is asked for no more
	// than that, and how long is remembered what it refused.
	careful = 5 * time.Minute
	// rounds is how often one waits again for what others may not want as well.
	rounds = 3
	// worthKeeping is for how long credentials must serve others to be kept.
	worthKeeping = time.Minute
)

// errOutpaced is that there was room, and each time it was another's wish that was minted.
var errOutpaced = errors.New("what was minted did not fit, several times")

// New puts a shield before a vender.
func New(v driver.Vender, c Config) *Shield {
	c.PerSecond, c.Queue, c.AtATime = cmp.Or(c.PerSecond, 480), cmp.Or(c.Queue, time.Second), cmp.Or(c.AtATime, 512)
	c.Within, c.Size = cmp.Or(c.Within, 15*time.Second), cmp.Or(c.Size, 10_000)
	return &Shield{
		vender: v, config: c, flights: map[key]*flight{},
		budgets: cacheOf(c.Size, otter.ExpiryAccessing[string, *budget](10*time.Minute)),
		kept: cacheOf(c.Size, otter.ExpiryWritingFunc(func(e otter.Entry[key, kept]) time.Duration {
			return time.Until(e.Value.ExpiresAt)
		})),
		failed: cacheOf(c.Size, otter.ExpiryWritingFunc(func(otter.Entry[key, error]) time.Duration {
			return remembered/2 + rand.N(remembered/2)
		})),
		learned: cacheOf(c.Size, otter.ExpiryWriting[key, time.Duration](careful)),
		refused: cacheOf(c.Size, otter.ExpiryWriting[key, time.Duration](careful)),
		guessed: cacheOf(c.Size, otter.ExpiryWriting[key, time.Duration](careful)),
	}
}

func cacheOf[K comparable, V any](size int, expiry otter.ExpiryCalculator[K, V]) *otter.Cache[K, V] {
	return otter.Must(&otter.Options[K, V]{
		MaximumSize: size, ExpiryCalculator: expiry, Clock: clock{}, Executor: func(task func()) { task() },
	})
}

// clock has a cache cleaned up when it is used, and not beside that.
type clock struct{}

func (clock) NowNano() int64                      { return time.Now().UnixNano() }
func (clock) Tick(time.Duration) <-chan time.Time { return nil }

// key is what credentials are the same for. Without a scope it is a store as a whole.
type key struct {
	credential, version, store string
	user                       string // id
	shared                     bool   // with whoever may have them; no user then
	scope                      string
	life                       time.Duration // that the store is asked for
}

// kept are credentials that are served again.
type kept struct {
	driver.Vended
	refresh time.Time // from when on others are minted ahead
}

// wish is what is wanted of a flight, beside what its key says.
type wish struct {
	least  time.Duration
	latest time.Time
}

func wishOf(r driver.VendRequest) wish { return wish{r.Least, r.Latest} }

// flight is a vend under way, for all who wait for it.
type flight struct {
	wish   wish // of who started it
	done   chan struct{}
	vended driver.Vended
	err    error
}

// Lives implements driver.Vender, with what was learned of the store in the last minutes.
func (s *Shield) Lives(store keyhatch.Store, as driver.Acting) driver.Lives {
	lives, whole := s.vender.Lives(store, as), wholeOf(store, as)
	if sure, there := s.learned.GetIfPresent(whole); there {
		lives.Sure = min(lives.Sure, sure)
	}
	lives.Refused, _ = s.refused.GetIfPresent(whole)
	return lives
}

// Vend implements driver.Vender. The credentials last at least as long as the request
// says, and end before its Latest, both but for driver.ClocksMayBeApart where they are
// minted now, and exactly where they are served again; when they are minted they are made to last longer,
// where that is allowed, so that they can serve again. Too many requests are
// keyhatch.TooMany, which says when to ask again.
func (s *Shield) Vend(ctx context.Context, r driver.VendRequest) (driver.Vended, error) {
	now := time.Now()
	if r.Least == 0 {
		r.Least = r.Life
	}
	if !r.Latest.IsZero() && now.Add(r.Life).After(r.Latest.Add(time.Second)) {
		return driver.Vended{}, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeLifeExceedsLimit, "the credentials can last %d seconds at most",
			max(0, int(r.Latest.Sub(now).Seconds()))).In("duration_seconds")
	}
	asked := r.Life
	k := wholeOf(r.Store, r.As)
	k.user, k.shared, k.scope = r.UserID, r.Shared, r.Scope()
	r.Life = ask(r, s.Lives(r.Store, r.As), now)
	k.life = r.Life
	if r.Shared {
		k.user = ""
	}
	for round := 0; ; round++ {
		v, f, err := s.serve(ctx, k, r, asked)
		if f == nil {
			return v, err
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return driver.Vended{}, keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "the store takes too long: ask again later").Because(ctx.Err())
		}
		if f.err == nil && fits(f.vended, r, driver.ClocksMayBeApart) {
			return f.vended, nil
		}
		othersWish := f.wish != wishOf(r)
		switch {
		case f.err != nil && !(tooLong(f.err) && othersWish && r.Least < f.wish.least):
			return driver.Vended{}, f.err
		case round == rounds:
			return driver.Vended{}, keyhatch.Fail(keyhatch.TooMany, keyhatch.CodeTooManyRequests,
				"others ask for the same credentials with another life at the moment: ask again after a second").After(time.Second).Because(errOutpaced)
		}
		// Others asked for less than this request wants, or for more, or may have more: it
		// gets what is asked for as it asks, with all who do.
		r.Life, k.life = asked, asked
	}
}

// serve finds credentials that are kept, or the flight that brings some: that of others,
// or a new one.
func (s *Shield) serve(ctx context.Context, k key, r driver.VendRequest, asked time.Duration) (driver.Vended, *flight, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.failure(k)
	if e, there := s.kept.GetIfPresent(k); there && fits(e.Vended, r, 0) {
		if err == nil && s.flights[k] == nil && !time.Now().Before(e.refresh) {
			s.start(ctx, k, r, asked)
		}
		s.tell(Kept)
		return e.Vended, nil, nil
	}
	if err != nil {
		return driver.Vended{}, nil, err
	}
	f := s.flights[k]
	if f == nil {
		f = s.start(ctx, k, r, asked)
	}
	return driver.Vended{}, f, nil
}

// failure is why nothing is minted for the key at the moment.
func (s *Shield) failure(k key) error {
	if err, there := s.failed.GetIfPresent(k); there {
		return err
	}
	err, _ := s.failed.GetIfPresent(k.whole())
	return err
}

// wholeOf is a store as one credential has it.
func wholeOf(store keyhatch.Store, as driver.Acting) key {
	return key{credential: as.Credential, version: as.Version, store: store.ID}
}

// whole is the store of a key, as the credential.
func (k key) whole() key { return key{credential: k.credential, version: k.version, store: k.store} }

// fits tells whether credentials last as long as the request wants and no longer than it
// may have.
func fits(v driver.Vended, r driver.VendRequest, slack time.Duration) bool {
	return time.Until(v.ExpiresAt) >= r.Least-slack && (r.Latest.IsZero() || !v.ExpiresAt.After(r.Latest.Add(slack)))
}

// start mints credentials for a key, for who waits now and who will. That who asked
// first goes away is no reason to stop. A store that does not give as much room as was
// thought is asked for what was asked of us.
func (s *Shield) start(ctx context.Context, k key, r driver.VendRequest, asked time.Duration) *flight {
	f := &flight{wish: wishOf(r), done: make(chan struct{})}
	s.flights[k] = f
	go func() {
		ctx := context.WithoutCancel(ctx)
		f.vended, f.err = s.mint(ctx, r)
		if tooLong(f.err) && asked < r.Life {
			least(s.learned, k.whole(), asked)
			r.Life = asked
			f.vended, f.err = s.mint(ctx, r)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.flights, k)
		s.keep(k, r, f)
		close(f.done)
	}()
	return f
}

// least remembers a life of a store, if none that is shorter is remembered.
func least(in *otter.Cache[key, time.Duration], store key, life time.Duration) {
	in.Compute(store, func(old time.Duration, there bool) (time.Duration, otter.ComputeOp) {
		if there && old < life {
			return old, otter.CancelOp
		}
		return life, otter.WriteOp
	})
}

func tooLong(err error) bool {
	var failed *keyhatch.Error
	return errors.As(err, &failed) && failed.Code == keyhatch.CodeLifeExceedsLimit
}

// keep remembers how a flight ended.
func (s *Shield) keep(k key, r driver.VendRequest, f *flight) {
	var budget *spent
	switch {
	case errors.As(f.err, &budget): // it is the budget that says when there is room again
	case tooLong(f.err): // for who asked: another may take less
	case errors.Is(f.err, driver.ErrNoAnswer):
		s.failed.Set(k.whole(), f.err)
	case f.err != nil:
		s.failed.Set(k, f.err)
	default:
		useful := time.Until(f.vended.ExpiresAt) - r.Least
		if useful < worthKeeping {
			return
		}
		// Not all at the same time, and long enough before the end.
		ahead := useful/2 + rand.N(useful/4)
		s.kept.Set(k, kept{f.vended, time.Now().Add(ahead)})
	}
}

// Forget has the credentials of a vend served to nobody any more, as when they leaked.
func (s *Shield) Forget(vend string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, e := range s.kept.All() {
		if e.ID == vend {
			s.kept.Invalidate(k)
		}
	}
}

// mint asks the vender, within the credential's budget.
func (s *Shield) mint(ctx context.Context, r driver.VendRequest) (_ driver.Vended, err error) {
	defer func() { s.tell(outcomeOf(err)) }()
	ctx, stop := context.WithTimeout(ctx, s.config.Within)
	defer stop()
	b := s.budget(r.As.Credential)
	leave, err := b.enter(ctx)
	if err != nil {
		return driver.Vended{}, err
	}
	defer leave()
	r.Spend = b.spend
	v, err := s.vender.Vend(ctx, r)
	s.learn(r, err)
	return v, err
}

// learn remembers a life that a store refused, for all. Where it did not say what it refused,
// that was the life if the same is given for less.
func (s *Shield) learn(r driver.VendRequest, err error) {
	whole := wholeOf(r.Store, r.As)
	same := whole
	same.user, same.scope = r.UserID, r.Scope()
	switch {
	case tooLong(err) && errors.Is(err, driver.ErrUnnamed):
		least(s.guessed, same, r.Life)
	case tooLong(err):
		least(s.refused, whole, r.Life)
	case err == nil:
		if life, there := s.guessed.GetIfPresent(same); there && r.Life < life {
			least(s.refused, whole, life)
			s.guessed.Invalidate(same)
		}
	}
}
