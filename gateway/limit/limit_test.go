package limit

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

var refusals = Refusals{TooMany: errors.New("too many"), TooManyDocuments: errors.New("too many documents"), TooFast: errors.New("too fast")}

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// TestLimits: a credential has so many requests at a time and a second, and what
// one does is nothing to the other.
func TestLimits(t *testing.T) {
	t.Parallel()
	l := New(Limits{Concurrent: 3, PerSecond: 5}, refusals)
	var leave []func()
	for n := range 3 {
		out, err := l.Admit("a", false, noon)
		if err != nil {
			t.Fatalf("request %d: %v", n, err)
		}
		leave = append(leave, out)
	}
	if _, err := l.Admit("a", false, noon); err != refusals.TooMany {
		t.Errorf("a fourth at a time: %v", err)
	}
	if out, err := l.Admit("b", false, noon); err != nil {
		t.Errorf("another credential: %v", err)
	} else {
		out()
	}
	leave[0]()
	for n := 3; n < 10; n++ { // of the ten at once that 5 a second may be
		out, err := l.Admit("a", false, noon)
		if err != nil {
			t.Fatalf("request %d: %v", n, err)
		}
		out()
	}
	if _, err := l.Admit("a", false, noon); err != refusals.TooFast {
		t.Errorf("an eleventh at once: %v", err)
	}
	if out, err := l.Admit("a", false, noon.Add(200*time.Millisecond)); err != nil {
		t.Errorf("a fifth of a second later: %v", err)
	} else {
		out()
	}
}

// TestLimitsOfDocuments: of what is held in memory there is less at a time than
// of the rest.
func TestLimitsOfDocuments(t *testing.T) {
	t.Parallel()
	l := New(Limits{Concurrent: 100, Documents: 16, PerSecond: 1000}, refusals)
	var leave func()
	for range 16 {
		out, err := l.Admit("a", true, noon)
		if err != nil {
			t.Fatal(err)
		}
		leave = out
	}
	if _, err := l.Admit("a", true, noon); err != refusals.TooManyDocuments {
		t.Errorf("one more document: %v", err)
	}
	if _, err := l.Admit("a", false, noon); err != nil {
		t.Errorf("another request beside them: %v", err)
	}
	leave()
	if _, err := l.Admit("a", true, noon); err != nil {
		t.Errorf("another document when one has ended: %v", err)
	}
}

// TestLargeBatchesAreLetIn: a batch of more keys than may be asked at once is let
// in where nothing else was asked. It never was: it had to pay for itself and for
// all there can be.
func TestLargeBatchesAreLetIn(t *testing.T) {
	t.Parallel()
	l := New(Limits{Concurrent: 1, Documents: 1, PerSecond: 50}, refusals)
	leave, err := l.Admit("a", true, noon)
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	if err := l.Charge("a", 999, noon); err != nil {
		t.Errorf("the first batch: %v", err)
	}
	if err := l.Charge("a", 1, noon); err != refusals.TooFast {
		t.Errorf("one more key: %v", err)
	}
}

// TestLimitsForget: who stops asking is forgotten, and who is still being
// answered, or has asked too fast, is not.
func TestLimitsForget(t *testing.T) {
	t.Parallel()
	l := New(Limits{Concurrent: 1, PerSecond: 1}, refusals)
	for n := range 1000 {
		leave, err := l.Admit(fmt.Sprint(n), false, noon)
		if err != nil {
			t.Fatal(err)
		}
		leave()
	}
	if _, err := l.Admit("running", false, noon); err != nil {
		t.Fatal(err)
	}
	later := noon.Add(time.Hour)
	if leave, err := l.Admit("new", false, later); err != nil || len(l.uses) != 2 {
		t.Errorf("%d are remembered, %v", len(l.uses), err)
	} else {
		leave()
	}
	if _, err := l.Admit("running", false, later); err != refusals.TooMany {
		t.Errorf("a running one was forgotten: %v", err)
	}
}

// TestLimitsTogether: many at once never get more than there is.
func TestLimitsTogether(t *testing.T) {
	t.Parallel()
	l := New(Limits{Concurrent: 10, PerSecond: 1_000_000}, refusals)
	var mu sync.Mutex
	running, most := 0, 0
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for range 200 {
				leave, err := l.Admit("a", true, time.Now())
				if err != nil {
					continue
				}
				mu.Lock()
				running++
				most = max(most, running)
				mu.Unlock()
				mu.Lock()
				running--
				mu.Unlock()
				leave()
			}
		})
	}
	all.Wait()
	if most > 10 || l.uses["a"].running != 0 {
		t.Errorf("%d at a time, %d left", most, l.uses["a"].running)
	}
}
