package gateway

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// TestLimits: a credential has so many requests at a time and a second, and what
// one does is nothing to the other.
func TestLimits(t *testing.T) {
	t.Parallel()
	l := newLimiter(Limits{Concurrent: 3, PerSecond: 5})
	var leave []func()
	for n := range 3 {
		out, err := l.admit("a", noon)
		if err != nil {
			t.Fatalf("request %d: %v", n, err)
		}
		leave = append(leave, out)
	}
	if _, err := l.admit("a", noon); err != errTooMany {
		t.Errorf("a fourth at a time: %v", err)
	}
	if out, err := l.admit("b", noon); err != nil {
		t.Errorf("another credential: %v", err)
	} else {
		out()
	}
	leave[0]()
	for n := 3; n < 10; n++ { // of the ten at once that 5 a second may be
		out, err := l.admit("a", noon)
		if err != nil {
			t.Fatalf("request %d: %v", n, err)
		}
		out()
	}
	if _, err := l.admit("a", noon); err != errTooFast {
		t.Errorf("an eleventh at once: %v", err)
	}
	if out, err := l.admit("a", noon.Add(200*time.Millisecond)); err != nil {
		t.Errorf("a fifth of a second later: %v", err)
	} else {
		out()
	}
}

// TestLimitsForget: who stops asking is forgotten, and who is still being
// answered, or has asked too fast, is not.
func TestLimitsForget(t *testing.T) {
	t.Parallel()
	l := newLimiter(Limits{Concurrent: 1, PerSecond: 1})
	for n := range 1000 {
		leave, err := l.admit(fmt.Sprint(n), noon)
		if err != nil {
			t.Fatal(err)
		}
		leave()
	}
	if _, err := l.admit("running", noon); err != nil {
		t.Fatal(err)
	}
	later := noon.Add(time.Hour)
	if leave, err := l.admit("new", later); err != nil || len(l.uses) != 2 {
		t.Errorf("%d are remembered, %v", len(l.uses), err)
	} else {
		leave()
	}
	if _, err := l.admit("running", later); err != errTooMany {
		t.Errorf("a running one was forgotten: %v", err)
	}
}

// TestLimitsTogether: many at once never get more than there is.
func TestLimitsTogether(t *testing.T) {
	t.Parallel()
	l := newLimiter(Limits{Concurrent: 10, PerSecond: 1_000_000})
	var mu sync.Mutex
	running, most := 0, 0
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for range 200 {
				leave, err := l.admit("a", time.Now())
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
