package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"pgregory.net/rapid"
)

// happening is one thing of a history, some time after the one before.
type happening struct {
	after   time.Duration
	what    string // ask, kill or stop
	subject int    // to ask for
	process int    // to kill or stop, and to start again
}

func histories() *rapid.Generator[[]happening] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) happening {
		return happening{
			after:   time.Duration(rapid.IntRange(0, 20_000).Draw(t, "ms")) * time.Millisecond,
			what:    rapid.SampledFrom([]string{"ask", "ask", "ask", "kill", "stop"}).Draw(t, "what"),
			subject: rapid.IntRange(0, 2).Draw(t, "subject"),
			process: rapid.IntRange(0, 1).Draw(t, "process"),
		}
	}), 5, 15)
}

// runs are how the runs of a history go, one after the other and again from the start.
func runs() *rapid.Generator[[]outcome] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) outcome {
		return outcome{
			takes: time.Duration(rapid.SampledFrom([]int{0, 10, 3_000, 45_000}).Draw(t, "ms")) * time.Millisecond,
			fails: rapid.IntRange(0, 3).Draw(t, "fails") == 0,
		}
	}), 1, 7)
}

type outcome struct {
	takes time.Duration
	fails bool
}

// TestNoAskIsLost: whoever is killed or stopped while whatever is asked for, no two
// work on a subject at a time, and after the last time that it was asked for a run
// begins that comes to its end.
func TestNoAskIsLost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		history, outcomes := histories().Draw(rt, "history"), runs().Draw(rt, "runs")
		var wrong []string
		bubble(t, func(t *testing.T, g *ground) {
			w := &world{ground: g, outcomes: outcomes, asked: map[string]int{}, done: map[string]int{}}
			w.calls = newRollCall(t)
			w.calls.t = w
			w.processes[0], w.processes[1] = w.boot(), w.boot()
			for _, h := range history {
				pass(h.after)
				w.happen(h)
			}
			w.settle()
			wrong = w.wrong
		})
		if len(wrong) > 0 {
			rt.Fatalf("%s\nin the history %v\nof runs %v", strings.Join(wrong, "\n"), history, outcomes)
		}
	})
}

// settle lets all that is left be done, which nothing hinders any more.
func (w *world) settle() {
	w.calls.mu.Lock()
	w.outcomes = []outcome{{}}
	w.calls.mu.Unlock()
	for until := time.Now().Add(pace.Claim + pace.Most + time.Minute); len(w.left()) > 0 && time.Now().Before(until); {
		pass(5 * time.Second)
	}
	for _, p := range w.processes {
		p.end()
	}
	for subject, at := range w.asked {
		if w.done[subject] < at {
			w.Errorf("%s was asked for as number %d, and the last run that came to its end began as %d", subject, at, w.done[subject])
		}
	}
	if left := w.left(); len(left) > 0 {
		w.Errorf("jobs are left: %v", left)
	}
}

// world is a database with two processes on it that are killed and stopped.
type world struct {
	*ground
	outcomes  []outcome
	next      int // numbers asks and the beginnings of runs
	calls     *rollCall
	asked     map[string]int // when last
	done      map[string]int // when the last run began that came to its end
	processes [2]*process
	wrong     []string
}

// Errorf keeps what is wrong, for who has drawn the history.
func (w *world) Errorf(format string, args ...any) {
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

type process struct {
	running
	db     *db.DB
	killed chan struct{}
}

func (w *world) boot() *process {
	d, err := db.Open(context.Background(), w.path)
	w.must(err)
	p := &process{db: d, killed: make(chan struct{})}
	p.running = w.start(d, func(ctx context.Context, j keyhatch.Job) error {
		defer w.calls.begin(j.Subject)()
		begun, x := w.number()
		select {
		case <-p.killed:
			return errKilled
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(x.takes):
		}
		if x.fails {
			return errors.New("it fails")
		}
		w.calls.mu.Lock()
		defer w.calls.mu.Unlock()
		w.done[j.Subject] = begun
		return nil
	})
	return p
}

var errKilled = errors.New("killed")

// number counts on, and tells how the run of the number goes.
func (w *world) number() (int, outcome) {
	w.calls.mu.Lock()
	defer w.calls.mu.Unlock()
	w.next++
	return w.next, w.outcomes[w.next%len(w.outcomes)]
}

// end stops the process in order.
func (p *process) end() {
	p.stop()
	p.db.Close()
}

// kill lets nothing of the process be written any more.
func (p *process) kill() {
	p.db.Close()
	close(p.killed)
	p.stop()
}

func (w *world) happen(h happening) {
	switch h.what {
	case "ask":
		subject := fmt.Sprint("subject-", h.subject)
		w.asked[subject], _ = w.number()
		w.ask(subject)
		if h.process == 0 {
			w.processes[0].Kick()
		}
	case "kill":
		w.processes[h.process].kill()
		w.processes[h.process] = w.boot()
	case "stop":
		w.processes[h.process].end()
		w.processes[h.process] = w.boot()
	}
	synctest.Wait()
}
