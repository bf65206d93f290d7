// Package buckets holds a driver.BucketKeeper to what is said of it, against a real store.
package buckets

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
)

// Site is a store with its keeper, and what can be done there past the keeper.
type Site struct {
	Keeper driver.BucketKeeper
	Store  keyhatch.Store

	Make   func(t *testing.T, bucket string)
	Has    func(t *testing.T, bucket string) bool
	Put    func(t *testing.T, bucket, key, text string)
	Remove func(t *testing.T, bucket, key string)
	// Upload begins an upload in parts, which abort ends.
	Upload func(t *testing.T, bucket, key string) (abort func())
}

// Run holds the keeper to it.
func Run(t *testing.T, s Site) {
	for _, row := range []struct {
		name string
		run  func(*testing.T, Site)
	}{
		{"Answers", func(t *testing.T, s Site) { must(t, s.Keeper.Answers(within(t), s.Store)) }},
		{"Life", life},
		{"NeverAdopts", neverAdopts},
		{"Proofs", proofs},
		{"NotEmpty", notEmpty},
		{"Others", others},
		{"Inside", inside},
		{"Deadline", deadline},
	} {
		t.Run(row.name, func(t *testing.T) { row.run(t, s) })
	}
}

// within is the context of one call.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func fresh() (name, id string) {
	return "keeper-" + strings.ToLower(rand.Text()[:12]), keyhatch.NewID(keyhatch.BucketID, time.Now())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, what string, err error, want keyhatch.Code) {
	t.Helper()
	var e *keyhatch.Error
	if !errors.As(err, &e) || e.Code != want {
		t.Errorf("%s: got %v, want %s", what, err, want)
	}
}

// make makes a bucket as the core does, and removes it in the end.
func (s Site) make(t *testing.T) (name string) {
	t.Helper()
	name, id := fresh()
	proof, err := s.Keeper.Absent(within(t), s.Store, name, id)
	must(t, err)
	must(t, s.Keeper.Create(within(t), s.Store, name, proof))
	return name
}

// delete removes a bucket as the core does.
func (s Site) delete(ctx context.Context, name string) error {
	mark, err := s.Keeper.Mark(ctx, s.Store, name)
	if err == nil && mark == "" {
		err = errors.New("the mark is empty")
	}
	if err != nil {
		return err
	}
	return s.Keeper.Delete(ctx, s.Store, name, mark)
}

// life: a bucket comes to be, is used, and goes; removing it again does nothing.
func life(t *testing.T, s Site) {
	name, id := fresh()
	proof, err := s.Keeper.Absent(within(t), s.Store, name, id)
	must(t, err)
	if s.Has(t, name) {
		t.Error("it is there before it is made")
	}
	if made, err := s.Keeper.Made(within(t), s.Store, name, proof); err != nil || made {
		t.Errorf("before, it is made: %t, %v", made, err)
	}
	must(t, s.Keeper.Create(within(t), s.Store, name, proof))
	if made, err := s.Keeper.Made(within(t), s.Store, name, proof); err != nil || !made || !s.Has(t, name) {
		t.Errorf("then, it is made: %t, %v", made, err)
	}
	s.Put(t, name, "a", "hello")
	s.Remove(t, name, "a")
	for range 2 {
		must(t, s.delete(within(t), name))
	}
	if s.Has(t, name) {
		t.Error("it is left")
	}
	name = s.make(t)
	must(t, s.delete(within(t), name))
}

// neverAdopts: what is there, empty or not, is told as such.
func neverAdopts(t *testing.T, s Site) {
	for _, key := range []string{"", "a"} {
		name, id := fresh()
		s.Make(t, name)
		if key != "" {
			s.Put(t, name, key, "theirs")
		}
		_, err := s.Keeper.Absent(within(t), s.Store, name, id)
		wantCode(t, "looking", err, keyhatch.CodeBucketExists)
		if !s.Has(t, name) {
			t.Error("it went")
		}
	}
	name, id := fresh()
	proof, err := s.Keeper.Absent(within(t), s.Store, name, id)
	must(t, err)
	s.Make(t, name)
	s.Put(t, name, "a", "theirs")
	wantCode(t, "when somebody was faster", s.Keeper.Create(within(t), s.Store, name, proof), keyhatch.CodeBucketExists)
}

// proofs: a bucket of which the proof is another's, or that somebody has begun to use, was
// not made by us.
func proofs(t *testing.T, s Site) {
	name, id := fresh()
	proof, err := s.Keeper.Absent(within(t), s.Store, name, id)
	must(t, err)
	s.Make(t, name)
	s.Put(t, name, "a", "theirs")
	if made, err := s.Keeper.Made(within(t), s.Store, name, proof); err != nil || made {
		t.Errorf("somebody else's is ours: %t, %v", made, err)
	}
	if _, err := time.Parse(time.RFC3339, proof); err == nil {
		long := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
		empty := s.make(t)
		if made, err := s.Keeper.Made(within(t), s.Store, empty, long); err != nil || made {
			t.Errorf("what was made long after we looked is ours: %t, %v", made, err)
		}
		must(t, s.delete(within(t), empty))
	}
}

// notEmpty: objects and unfinished uploads keep a bucket.
func notEmpty(t *testing.T, s Site) {
	name := s.make(t)
	s.Put(t, name, "deep/in/it", "x")
	wantCode(t, "with an object", s.delete(within(t), name), keyhatch.CodeBucketNotEmpty)
	s.Remove(t, name, "deep/in/it")
	abort := s.Upload(t, name, "large")
	wantCode(t, "with an upload", s.delete(within(t), name), keyhatch.CodeBucketNotEmpty)
	abort()
	must(t, s.delete(within(t), name))
}

// others: a bucket that is another one by its mark stays, also when it is empty. Stores that
// tell none apart, by nothing, are told by their marks.
func others(t *testing.T, s Site) {
	name, another := s.make(t), s.make(t)
	mark, err := s.Keeper.Mark(within(t), s.Store, name)
	must(t, err)
	if none, err := s.Keeper.Mark(within(t), s.Store, "never-made"); err == nil && none == mark {
		must(t, s.delete(within(t), name))
		must(t, s.delete(within(t), another))
		return
	}
	long := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339Nano)
	if err := s.Keeper.Delete(within(t), s.Store, name, long); !errors.Is(err, driver.ErrOtherBucket) || !s.Has(t, name) {
		t.Errorf("with the mark of one that was made before: %v, and it is there: %t", err, s.Has(t, name))
	}
	must(t, s.Keeper.Delete(within(t), s.Store, name, mark))
	must(t, s.Keeper.Delete(within(t), s.Store, name, mark))
	must(t, s.delete(within(t), another))
}

// inside: what is in a bucket is counted and looked at.
func inside(t *testing.T, s Site) {
	name := s.make(t)
	for _, key := range []string{"a", "b/c", "b/d ü"} {
		s.Put(t, name, key, "hello")
	}
	if u, err := s.Keeper.Usage(within(t), s.Store, name); err != nil || u.Objects != 3 || u.Bytes != 15 {
		t.Errorf("usage is %+v, %v", u, err)
	}
	for key, folder := range map[string]bool{"a": false, "b/d ü": false, "b": true, "b/": true} {
		o, err := s.Keeper.Object(within(t), s.Store, name, key)
		if err != nil || o.Key != key || o.Folder != folder || !folder && (o.Size != 5 || time.Since(o.Modified).Abs() > time.Hour) {
			t.Errorf("%q is %+v, %v", key, o, err)
		}
	}
	for _, key := range []string{"none", "b/none", "a/", "b/c/"} {
		_, err := s.Keeper.Object(within(t), s.Store, name, key)
		wantCode(t, key, err, keyhatch.CodeObjectNotFound)
	}
	for _, key := range []string{"a", "b/c", "b/d ü"} {
		s.Remove(t, name, key)
	}
	must(t, s.delete(within(t), name))
}

// deadline: what has no time left fails as something that may pass.
func deadline(t *testing.T, s Site) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	name, id := fresh()
	if _, err := s.Keeper.Absent(ctx, s.Store, name, id); !errors.Is(err, keyhatch.Unavailable) {
		t.Errorf("looking: %v", err)
	}
	if err := s.Keeper.Delete(ctx, s.Store, name, "mark"); !errors.Is(err, keyhatch.Unavailable) {
		t.Errorf("removing: %v", err)
	}
}
