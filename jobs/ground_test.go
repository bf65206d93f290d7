package jobs_test

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/internal/emptydb"
	"github.com/keyhatch/keyhatch/jobs"
)

const work keyhatch.JobKind = "test.work"

// pace is the real one: time is the test's.
var pace = jobs.DefaultPace

// ground is a database with jobs, and the log of those who do them.
type ground struct {
	*db.DB
	t    *testing.T
	path string
	log  logged
}

// inBubble runs a test whose time passes when everything waits.
func inBubble(t *testing.T, test func(t *testing.T, g *ground)) {
	t.Helper()
	t.Parallel()
	bubble(t, test)
}

func bubble(t *testing.T, test func(t *testing.T, g *ground)) {
	path := filepath.Join(t.TempDir(), "keyhatch.db")
	synctest.Test(t, func(t *testing.T) {
		d, err := emptydb.Create(t.Context(), path)
		g := &ground{DB: d, t: t, path: path}
		g.must(err)
		t.Cleanup(func() { d.Close() })
		test(t, g)
	})
}

func (g *ground) must(err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}

// another opens the database as another process does.
func (g *ground) another() *db.DB {
	g.t.Helper()
	d, err := db.Open(g.t.Context(), g.path)
	g.must(err)
	g.t.Cleanup(func() { d.Close() })
	return d
}

// ask asks for work on the subjects, to begin at once.
func (g *ground) ask(subjects ...string) {
	g.t.Helper()
	for _, subject := range subjects {
		g.must(ask(g.DB, work, subject))
	}
}

func ask(d *db.DB, kind keyhatch.JobKind, subject string) error {
	ctx, now := context.Background(), time.Now()
	return d.Write(ctx, func(tx *db.Tx) error {
		return tx.AskJob(ctx, keyhatch.Job{ID: keyhatch.NewID(keyhatch.JobID, now), Kind: kind, Subject: subject, CreatedAt: now})
	})
}

// job is what is stored of the work on a subject.
func (g *ground) job(subject string) keyhatch.Job {
	g.t.Helper()
	j, found, err := g.Job(g.t.Context(), work, subject)
	g.must(err)
	if !found {
		g.t.Fatalf("there is no job about %s", subject)
	}
	return j
}

func (g *ground) wantNone() {
	g.t.Helper()
	if left := g.left(); len(left) > 0 {
		g.t.Errorf("jobs are left: %v", left)
	}
}

func (g *ground) left() []keyhatch.Job {
	g.t.Helper()
	left, err := g.Jobs(g.t.Context(), db.JobFilter{}, db.Everything)
	g.must(err)
	return left
}

// running is a runner that runs.
type running struct {
	*jobs.Runner
	stop func() // and waits for its end
}

// start has a runner do the work, until the test ends.
func (g *ground) start(d *db.DB, handle jobs.Handler) running {
	return g.startAll(d, map[keyhatch.JobKind]jobs.Handler{work: handle})
}

func (g *ground) startAll(d *db.DB, handlers map[keyhatch.JobKind]jobs.Handler) running {
	ctx, cancel := context.WithCancel(context.Background())
	r := jobs.New(d, handlers, pace, slog.New(slog.NewTextHandler(&g.log, nil)))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.Run(ctx)
	}()
	stop := func() {
		cancel()
		<-ended
	}
	g.t.Cleanup(stop)
	synctest.Wait() // it has looked once
	return running{r, stop}
}

// logged keeps the lines of a log.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(bytes.TrimSpace(line)))
	return len(line), nil
}

// with returns the lines that have the text.
func (l *logged) with(text string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// rollCall counts who works on what, and fails the test when two do.
type rollCall struct {
	t       interface{ Errorf(string, ...any) }
	mu      sync.Mutex
	at      map[string]int
	begun   map[string]int
	most    int // subjects that were worked on at a time
	present int
}

func newRollCall(t *testing.T) *rollCall {
	return &rollCall{t: t, at: map[string]int{}, begun: map[string]int{}}
}

func (c *rollCall) begin(subject string) (end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun[subject]++
	c.at[subject]++
	c.present++
	c.most = max(c.most, c.present)
	if c.at[subject] > 1 {
		c.t.Errorf("%d work on %s at a time", c.at[subject], subject)
	}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.at[subject]--
		c.present--
	}
}

func (c *rollCall) times(subject string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.begun[subject]
}

func (c *rollCall) all() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, times := range c.begun {
		n += times
	}
	return n
}

// pass lets time pass, and what is due then be done until it waits.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
