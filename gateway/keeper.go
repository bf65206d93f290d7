package gateway

import (
	"context"
	"errors"
	"fmt"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/gateway/dirstore"
)

// Folders makes and removes the buckets of directory stores, and looks at what is in them.
// It implements driver.BucketKeeper for them.
type Folders struct {
	// Backends has them open.
	Backends func() *Backends
}

// Answers opens the folder, if nobody has yet.
func (f Folders) Answers(ctx context.Context, s keyhatch.Store) error {
	_, err := in(ctx, f, s, func(d *dirstore.Store) (any, error) { return nil, d.Reachable() })
	return err
}

// Absent begins to make a bucket. The proof is its id: as long as there is a folder of that
// name apart from the buckets, it was not made.
func (f Folders) Absent(ctx context.Context, s keyhatch.Store, name, id string) (proof string, err error) {
	return in(ctx, f, s, func(d *dirstore.Store) (string, error) { return id, d.PrepareBucket(name, id) })
}

// Create makes it of that folder.
func (f Folders) Create(ctx context.Context, s keyhatch.Store, name, proof string) error {
	_, err := in(ctx, f, s, func(d *dirstore.Store) (any, error) { return nil, d.MakeBucket(name, proof) })
	return err
}

// Made tells what became of that folder.
func (f Folders) Made(ctx context.Context, s keyhatch.Store, name, proof string) (made bool, err error) {
	return in(ctx, f, s, func(d *dirstore.Store) (bool, error) { return d.BucketMade(name, proof) })
}

// Mark is the same for all: no file system tells folders of a name apart for good. What
// Delete removes is an empty folder, at one stroke, whoever made it.
func (Folders) Mark(context.Context, keyhatch.Store, string) (string, error) { return "folder", nil }

// Delete removes the folder of an empty bucket.
func (f Folders) Delete(ctx context.Context, s keyhatch.Store, name, _ string) error {
	_, err := in(ctx, f, s, func(d *dirstore.Store) (any, error) { return nil, d.RemoveBucket(name) })
	return err
}

// Usage goes through all folders of a bucket.
func (f Folders) Usage(ctx context.Context, s keyhatch.Store, name string) (keyhatch.BucketUsage, error) {
	return in(ctx, f, s, func(d *dirstore.Store) (keyhatch.BucketUsage, error) { return d.Usage(ctx, name) })
}

// Object looks at a file, or a folder.
func (f Folders) Object(ctx context.Context, s keyhatch.Store, name, key string) (keyhatch.ObjectDetails, error) {
	return in(ctx, f, s, func(d *dirstore.Store) (keyhatch.ObjectDetails, error) { return d.Object(ctx, name, key) })
}

// in does something in the folder of a store, while the context lasts: a disk that does not
// answer is not waited for any longer. What the file system says is for the log.
func in[T any](ctx context.Context, f Folders, s keyhatch.Store, do func(*dirstore.Store) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		d, err := f.Backends().folder(s.Path)
		if r.err = err; err == nil {
			r.value, r.err = do(d)
		}
		done <- r
	}()
	var r result
	select {
	case r = <-done:
	case <-ctx.Done():
		r.err = ctx.Err()
	}
	var ours *keyhatch.Error
	if r.err == nil || errors.As(r.err, &ours) {
		return r.value, r.err
	}
	return r.value, keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "the store's folder cannot be used at the moment: try again").
		Because(fmt.Errorf("store %s: %w", s.Name, r.err))
}
