package coretest

import (
	"context"
	"strconv"
	"strings"
	"sync"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
)

// Buckets are those of all stores, in memory. It implements driver.BucketKeeper.
type Buckets struct {
	mu sync.Mutex
	// objects are sizes by key, by store and bucket.
	objects map[[2]string]map[string]int64
	proofs  map[[2]string]string
	marks   map[[2]string]string
	made    int

	// Before and After are called with what is asked for ("absent", "create", "made",
	// "mark", "delete", "usage", "object", "answers") before and after it was done; what they fail
	// with is the answer. They may be nil.
	Before, After func(ctx context.Context, what, bucket string) error
}

// NewBuckets makes a keeper of none.
func NewBuckets() *Buckets {
	return &Buckets{objects: map[[2]string]map[string]int64{}, proofs: map[[2]string]string{}, marks: map[[2]string]string{}}
}

// Put makes a bucket, or an object in one, past everybody. An empty key makes the bucket
// alone.
func (b *Buckets) Put(store, bucket, key string, size int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := [2]string{store, bucket}
	if b.objects[at] == nil {
		b.add(at)
	}
	if key != "" {
		b.objects[at][key] = size
	}
}

// Swap deletes a bucket and makes an empty one of its name, past everybody.
func (b *Buckets) Swap(store, bucket string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := [2]string{store, bucket}
	delete(b.proofs, at)
	b.add(at)
}

func (b *Buckets) add(at [2]string) {
	b.made++
	b.objects[at], b.marks[at] = map[string]int64{}, strconv.Itoa(b.made)
}

// Has tells whether the store has the bucket.
func (b *Buckets) Has(store, bucket string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.objects[[2]string{store, bucket}] != nil
}

func (b *Buckets) do(ctx context.Context, what, bucket string, act func() error) error {
	if b.Before != nil {
		if err := b.Before(ctx, what, bucket); err != nil {
			return err
		}
	}
	b.mu.Lock()
	err := act()
	b.mu.Unlock()
	if err == nil && b.After != nil {
		err = b.After(ctx, what, bucket)
	}
	return err
}

// Answers implements driver.BucketKeeper, as the other methods do.
func (b *Buckets) Answers(ctx context.Context, _ keyhatch.Store) error {
	return b.do(ctx, "answers", "", func() error { return nil })
}

// Absent gives the bucket's id as proof.
func (b *Buckets) Absent(ctx context.Context, s keyhatch.Store, name, id string) (proof string, err error) {
	return id, b.do(ctx, "absent", name, func() error {
		if b.objects[[2]string{s.ID, name}] != nil {
			return keyhatch.BucketExists()
		}
		return nil
	})
}

// Create keeps the proof.
func (b *Buckets) Create(ctx context.Context, s keyhatch.Store, name, proof string) error {
	return b.do(ctx, "create", name, func() error {
		at := [2]string{s.ID, name}
		if b.objects[at] != nil {
			return keyhatch.BucketExists()
		}
		b.add(at)
		b.proofs[at] = proof
		return nil
	})
}

// Made looks for the proof.
func (b *Buckets) Made(ctx context.Context, s keyhatch.Store, name, proof string) (made bool, err error) {
	err = b.do(ctx, "made", name, func() error {
		at := [2]string{s.ID, name}
		made = b.objects[at] != nil && b.proofs[at] == proof
		return nil
	})
	return made, err
}

// Mark is how many buckets were made when this one was.
func (b *Buckets) Mark(ctx context.Context, s keyhatch.Store, name string) (mark string, err error) {
	err = b.do(ctx, "mark", name, func() error {
		if mark = b.marks[[2]string{s.ID, name}]; mark == "" {
			mark = "none"
		}
		return nil
	})
	return mark, err
}

// Delete removes an empty bucket.
func (b *Buckets) Delete(ctx context.Context, s keyhatch.Store, name, mark string) error {
	return b.do(ctx, "delete", name, func() error {
		at := [2]string{s.ID, name}
		if len(b.objects[at]) > 0 {
			return keyhatch.BucketNotEmpty()
		}
		if b.objects[at] != nil && b.marks[at] != mark {
			return driver.ErrOtherBucket
		}
		delete(b.objects, at)
		delete(b.proofs, at)
		delete(b.marks, at)
		return nil
	})
}

// Usage counts the objects.
func (b *Buckets) Usage(ctx context.Context, s keyhatch.Store, name string) (u keyhatch.BucketUsage, err error) {
	err = b.do(ctx, "usage", name, func() error {
		for _, size := range b.objects[[2]string{s.ID, name}] {
			u.Objects++
			u.Bytes += size
		}
		return nil
	})
	return u, err
}

// Object looks at a key.
func (b *Buckets) Object(ctx context.Context, s keyhatch.Store, name, key string) (o keyhatch.ObjectDetails, err error) {
	o.Key = key
	err = b.do(ctx, "object", name, func() error {
		in := b.objects[[2]string{s.ID, name}]
		if size, there := in[key]; there {
			o.Size = size
			return nil
		}
		for k := range in {
			if strings.HasPrefix(k, strings.TrimSuffix(key, "/")+"/") {
				o.Folder = true
				return nil
			}
		}
		return keyhatch.NotFoundError(keyhatch.CodeObjectNotFound)
	})
	return o, err
}
