package peers

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"testing"
)

// running is what has been started and must be ended.
var running struct {
	mu    sync.Mutex
	open  bool // Main is there to end what is started
	sites []*site
}

var errClosed = errors.New("the tests have ended, or TestMain does not call peers.Main")

// Main runs the tests, ends the stores that they have started and returns the
// status to exit with. TestMain must call it in the place of m.Run: without it
// no store is started.
func Main(m interface{ Run() int }) int {
	running.mu.Lock()
	running.open = true
	running.mu.Unlock()

	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() {
		by := <-interrupted
		// A terminal has told the stores too, so that it is no news if they have
		// ended.
		_ = end()
		fmt.Fprintln(os.Stderr, "peers: stopped by", by)
		os.Exit(1)
	}()

	code := m.Run()
	if err := end(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	return code
}

// end ends everything that has been started, and lets nothing more start. It is
// an error if a store had ended before.
func end() error {
	running.mu.Lock()
	defer running.mu.Unlock()
	running.open = false
	var errs []error
	for _, s := range slices.Backward(running.sites) {
		errs = append(errs, s.end())
	}
	running.sites = nil
	return errors.Join(errs...)
}

// peer is a kind of store, of which a test binary has one at most.
type peer struct {
	name     string
	variable string // of the environment, names the program
	program  string // for people
	start    func(*site) (Store, error)

	once  sync.Once
	store Store
	err   error
}

// shared returns the store, and starts it when it is the first to ask. It skips
// the test when the program is not there.
func (p *peer) shared(t testing.TB) Store {
	t.Helper()
	path := os.Getenv(p.variable)
	if path == "" {
		t.Skipf("needs %s (run make test)", p.program)
	}
	first := false
	p.once.Do(func() {
		first = true
		p.store, p.err = p.open(path)
	})
	switch {
	case p.err != nil && first:
		t.Fatalf("starting %s: %v", p.name, p.err)
	case p.err != nil:
		t.Fatalf("no %s: another test, the first that needed it, says why", p.name)
	}
	return p.store
}

func (p *peer) open(path string) (Store, error) {
	s, err := newSite(p.name, path)
	if err != nil {
		return Store{}, err
	}
	store, err := p.start(s)
	if err == nil {
		store.Name = p.name
		err = s.awaitReady(store)
	}
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, s.logs())
		s.giveUp()
		return Store{}, err
	}
	return store, nil
}
