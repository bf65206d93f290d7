package mirror

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
)

const (
	maxAge    = time.Second            // S7's bound, where no operator has lengthened it
	pollEvery = 250 * time.Millisecond // four chances within it

	// patience is how long who asks waits for a database that does not answer: a
	// refresh that has begun before, and one that covers what is asked. Neither may
	// take longer than maxAge to be of use.
	patience = 2 * maxAge
)

// Mirror is the image with what keeps it true.
type Mirror struct {
	db  *db.DB
	log *slog.Logger

	keysChanged func()        // never nil
	usable      time.Duration // how old the image may be when it is used

	refreshing chan struct{} // has room for the one refresh that runs

	mu    sync.RWMutex
	image *Image
	mark  db.FeedMark // of the last change that the image holds; zero: of an empty feed
	asOf  time.Time   // the image was true at this time
}

// Load reads the whole image.
func Load(ctx context.Context, d *db.DB, log *slog.Logger) (*Mirror, error) {
	m := &Mirror{db: d, log: log, keysChanged: func() {}, usable: maxAge, refreshing: make(chan struct{}, 1)}
	if err := m.reload(ctx, time.Now()); err != nil {
		return nil, err
	}
	return m, nil
}

// OnKeysChanged has fn called when the keysets were changed, before anything of the
// time after that can be seen. It must not wait for anything.
func (m *Mirror) OnKeysChanged(fn func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keysChanged = fn
}

// UseFor lengthens how old memory may be when it is used, from a second. While the database
// does not answer, what was revoked elsewhere works here for so long (S7): an operator may
// want that. It is to be called before anybody looks.
func (m *Mirror) UseFor(age time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.usable = max(age, maxAge)
}

// View runs fn on an image that was true within the last second, or what UseFor says. When that cannot
// be had within two, because the database does not answer, it is
// keyhatch.Unavailable. fn must not keep the image and must not wait for anything.
func (m *Mirror) View(ctx context.Context, fn func(*Image) error) error {
	m.mu.RLock()
	if m.age() <= m.usable {
		defer m.mu.RUnlock()
		return fn(m.image)
	}
	m.mu.RUnlock()
	if err := m.CatchUp(ctx); err != nil {
		return unknown(err)
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.age() > m.usable { // reading it took too long
		return unknown(errors.New("memory is too old although it was just read"))
	}
	return fn(m.image)
}

// age is how long ago the image was true. A machine that was suspended has a clock that
// stood still meanwhile, and one that tells the time of day, which may be put back.
func (m *Mirror) age() time.Duration {
	since, byDay := time.Since(m.asOf), time.Now().Round(0).Sub(m.asOf.Round(0))
	return max(since, byDay, -byDay)
}

func unknown(cause error) error {
	return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable,
		"the service cannot tell at the moment what is permitted; try again").Because(cause)
}

// Mark is that of the last change that the image holds.
func (m *Mirror) Mark() db.FeedMark {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.mark
}

// Age is for how long the image may not be true any more.
func (m *Mirror) Age() time.Duration {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return time.Since(m.asOf)
}

// CatchUp takes in every change that was committed before the call. It gives up on
// a database that hangs; the refresh goes on by itself then, and those that come
// while it does wait for it.
func (m *Mirror) CatchUp(ctx context.Context) error {
	called := time.Now()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case m.refreshing <- struct{}{}:
	case <-late.C:
		return errHangs
	case <-ctx.Done():
		return ctx.Err()
	}
	done := make(chan error, 1)
	go func() {
		defer func() { <-m.refreshing }()
		done <- m.refresh(ctx, called)
	}()
	select {
	case err := <-done:
		return err
	case <-late.C:
		return errHangs
	}
}

var errHangs = errors.New("the database does not answer")

// refresh is CatchUp for a call of that time.
func (m *Mirror) refresh(ctx context.Context, called time.Time) error {
	m.mu.RLock()
	mark, covered := m.mark, m.asOf.After(called)
	m.mu.RUnlock()
	if covered { // a refresh that began after the call has just ended
		return nil
	}
	begun := time.Now()
	var updates []update
	followed := false
	err := m.db.Snapshot(ctx, func(r db.Reader) (err error) {
		var changes []db.Change
		if changes, mark, followed, err = r.ChangesSince(ctx, mark); err != nil {
			return err
		}
		for _, c := range changes {
			u, err := read(ctx, r, c)
			if err != nil {
				return err
			}
			updates = append(updates, u)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !followed { // the feed was pruned past us, or is another one: of a backup, or of a standby that had not all
		return m.reload(ctx, begun)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, u := range updates {
		u(m.image)
	}
	if m.image.otherKeys {
		m.image.otherKeys = false
		m.keysChanged()
	}
	m.mark, m.asOf = mark, begun
	return nil
}

func (m *Mirror) reload(ctx context.Context, begun time.Time) error {
	image := newImage()
	var mark db.FeedMark
	err := m.db.Snapshot(ctx, func(r db.Reader) error {
		var err error
		if mark, err = r.FeedEnd(ctx); err != nil {
			return err
		}
		return fill(ctx, r, image)
	})
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.image, m.mark, m.asOf = image, mark, begun
	m.keysChanged() // maybe
	return nil
}

// Run keeps the image fresh until ctx ends.
func (m *Mirror) Run(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	news := make(chan struct{}, 1)
	var listening sync.WaitGroup
	listening.Go(func() {
		m.db.Listen(ctx, func() {
			select {
			case news <- struct{}{}:
			default: // it is to be looked anyway
			}
		})
	})
	defer listening.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-news:
		case <-tick.C:
		}
		if err := m.CatchUp(ctx); err != nil && ctx.Err() == nil {
			m.log.Error("memory could not be refreshed", "error", err)
		}
		m.mu.Lock()
		m.image.forgetExpired(time.Now())
		m.mu.Unlock()
	}
}
