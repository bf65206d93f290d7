package tree

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

// paused is a context that keeps who asks whether it has ended waiting, from the
// first question on, until it is let go.
type paused struct {
	context.Context
	asked, let chan struct{}
	once       *sync.Once
}

func pause(ctx context.Context) paused {
	return paused{ctx, make(chan struct{}), make(chan struct{}), &sync.Once{}}
}

func (p paused) Err() error {
	p.once.Do(func() { close(p.asked) })
	<-p.let
	return p.Context.Err()
}

// copying begins a completion and returns while it copies the parts.
func (s *site) copying(u *Upload, check Check, parts ...Part) (goOn func() error) {
	s.Helper()
	at, ended := pause(ctx), make(chan error, 1)
	go func() {
		_, err := u.Complete(at, parts, nil, check)
		ended <- err
	}()
	<-at.asked
	return func() error { close(at.let); return <-ended }
}

// soon fails the test when something does not come to its end.
func (s *site) soon(what string, do func() error) {
	s.Helper()
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		if err != nil {
			s.Errorf("%s: %v", what, err)
		}
	case <-time.After(20 * time.Second):
		s.Fatalf("%s waits for the completion", what)
	}
}

// While parts are copied the upload can be looked at and added to, and the key be
// written. All of that waited until the last byte of them was copied.
func TestCopyingPartsHoldsNothingUp(t *testing.T) {
	s := newSite(t)
	u := s.begin("k")
	one, two := s.part(u, 1, "one"), s.part(u, 2, "two")
	other := s.begin("other")
	last := s.part(other, 1, "x")
	goOn := s.copying(u, nil, one, two)
	s.soon("a part", func() error { _, err := u.PutPart(3, strings.NewReader("three"), 5); return err })
	s.soon("a list of parts", func() error { u.Parts(); return nil })
	s.soon("a check", func() error { return u.Check([]Part{one}) })
	s.soon("a reading of a part", func() error {
		f, err := u.OpenPart(two)
		if err == nil {
			f.Close()
		}
		return err
	})
	s.soon("finding the upload", func() error { _, err := s.tree.Upload(bucket, "k", u.ID); return err })
	s.soon("a write of the key", func() error { return s.tryPut("k", "before") })
	s.soon("another upload's completion", func() error { _, err := other.Complete(ctx, []Part{last}, nil, nil); return err })
	if err := goOn(); err != nil {
		t.Fatal(err)
	}
	if body, _ := s.get("k"); body != "onetwo" {
		t.Errorf("k is %q", body)
	}
	s.wantNoUploads()
}

// The condition of a completion is asked when the parts are copied: what was written
// meanwhile counts.
func TestConditionIsAskedAfterCopying(t *testing.T) {
	s := newSite(t)
	no := errors.New("it is there")
	u := s.begin("k")
	one := s.part(u, 1, "one")
	goOn := s.copying(u, func(old *Record) error {
		if old != nil {
			return no
		}
		return nil
	}, one)
	s.put("k", "before")
	s.wantIs(goOn(), no)
	if body, _ := s.get("k"); body != "before" {
		t.Errorf("k is %q", body)
	}
	s.upload("k", u.ID)
	s.wantClean()
}

// What was joined of parts that the upload has no more is not published.
func TestPartsChangeWhileTheyAreCopied(t *testing.T) {
	for name, c := range map[string]struct {
		change func(s *site, u *Upload)
		want   error
		stays  bool
	}{
		"a part is sent anew": {func(s *site, u *Upload) { s.part(u, 2, "other") }, ErrPart, true},
		"the upload is aborted": {func(s *site, u *Upload) {
			s.soon("an abort", u.Abort)
		}, ErrNoUpload, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			u := s.begin("k")
			one, two := s.part(u, 1, "one"), s.part(u, 2, "two")
			goOn := s.copying(u, nil, one, two)
			c.change(s, u)
			s.wantIs(goOn(), c.want)
			s.wantKeys()
			s.wantClean()
			if _, err := s.tree.Upload(bucket, "k", u.ID); (err == nil) != c.stays {
				t.Errorf("the upload: %v", err)
			}
		})
	}
}

// One completion copies at a time. Another one waits no longer than its request, and
// an upload that is being completed does not expire.
func TestOneCompletionAtATime(t *testing.T) {
	s := newSite(t)
	u := s.begin("k")
	one := s.part(u, 1, "one")
	goOn := s.copying(u, nil, one)
	over, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		_, err := u.Complete(over, []Part{one}, nil, nil)
		ended <- err
	}()
	cancel()
	s.wantIs(<-ended, context.Canceled)
	s.soon("expiring", func() error {
		ids, err := s.tree.ExpireUploads(time.Now().Add(time.Hour))
		if len(ids) != 0 {
			t.Error("it expired")
		}
		return err
	})
	if err := goOn(); err != nil {
		t.Error(err)
	}
	s.wantKeys("k")
	s.wantNoUploads()
}
