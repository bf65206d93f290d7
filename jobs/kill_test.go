package jobs_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/internal/emptydb"
	"github.com/keyhatch/keyhatch/jobs"
)

// runnerFile names, in the environment of a child of the test, the database whose jobs
// the child does until it is killed.
const runnerFile = "KEYHATCH_TEST_RUNNER_FILE"

// briskly is a pace for tests in which time passes by itself.
var briskly = jobs.Pace{
	AtOnce: 3, Look: 10 * time.Millisecond, Claim: 600 * time.Millisecond, Longest: time.Minute,
	First: time.Millisecond, Most: 10 * time.Millisecond, Stop: time.Minute,
}

func TestMain(m *testing.M) {
	if path := os.Getenv(runnerFile); path != "" {
		fmt.Fprintln(os.Stderr, runForever(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// runForever does jobs, and says "begin SUBJECT" and "end SUBJECT" for each.
func runForever(path string) error {
	d, err := db.Open(context.Background(), path)
	if err != nil {
		return err
	}
	jobs.New(d, map[keyhatch.JobKind]jobs.Handler{work: func(_ context.Context, j keyhatch.Job) error {
		_, err := fmt.Printf("begin %s\nend %s\n", j.Subject, j.Subject)
		return err
	}}, briskly, slog.New(slog.DiscardHandler)).Run(context.Background())
	return nil
}

// TestKilledProcesses: whenever the processes are killed that do the jobs, each job is
// done in the end, and none that was on record as done is done again.
func TestKilledProcesses(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keyhatch.db")
	d, err := emptydb.Create(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	done, asked := map[string]int{}, 0
	for round := range 8 {
		for range 15 {
			asked++
			if err := ask(d, work, fmt.Sprint("subject-", asked)); err != nil {
				t.Fatal(err)
			}
		}
		left, err := d.Jobs(t.Context(), db.JobFilter{}, db.Everything)
		if err != nil {
			t.Fatal(err)
		}
		waits := map[string]bool{}
		for _, j := range left {
			waits[j.Subject] = true
		}
		for _, subject := range killRunner(t, path, 1+rand.IntN(2*15)) {
			if done[subject]++; !waits[subject] {
				t.Errorf("round %d: %s was done and is done again", round, subject)
			}
		}
	}
	// One after the other: the last one is alone.
	alone := briskly
	alone.AtOnce = 1
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	jobs.New(d, map[keyhatch.JobKind]jobs.Handler{work: func(ctx context.Context, j keyhatch.Job) error {
		done[j.Subject]++
		left, err := d.Jobs(ctx, db.JobFilter{}, db.Everything)
		if len(left) == 1 {
			stop()
		}
		return err
	}}, alone, slog.New(slog.DiscardHandler)).Run(ctx)
	for i := range asked {
		if subject := fmt.Sprint("subject-", i+1); done[subject] == 0 {
			t.Errorf("%s was never done", subject)
		}
	}
	left, err := d.Jobs(t.Context(), db.JobFilter{}, db.Everything)
	if err != nil || len(left) > 0 {
		t.Errorf("left are %v, error %v", left, err)
	}
}

// killRunner runs a child that does jobs, kills it after it has said so many lines, and
// returns what it has done.
func killRunner(t *testing.T, path string, after int) (done []string) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), runnerFile+"="+path)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for n := 1; ; n++ {
		line, err := lines.ReadString('\n')
		if err != nil { // a last line that was cut off does not count
			break
		}
		if subject, ended := strings.CutPrefix(strings.TrimSpace(line), "end "); ended {
			done = append(done, subject)
		}
		if n == after {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil || child.ProcessState.Exited() {
		t.Fatalf("the runner ended by itself: %v", err)
	}
	return done
}
