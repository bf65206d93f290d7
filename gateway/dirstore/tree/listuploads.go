package tree

import (
	"errors"
	"iter"
	"path/filepath"
	"sync"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/gateway/dirstore/openuploads"
)

// openUploads are those of one bucket that are under way. They are read from the disk
// when they are first asked for and kept: nobody else begins or ends one.
type openUploads struct {
	mu    sync.Mutex
	read  bool
	index openuploads.Index
}

// Uploads yields the uploads of a bucket that are under way whose keys begin with the
// prefix, from a key on: by key, and those of one key by their beginning. It costs
// what it yields, but for the first time in a process, which reads all of the bucket.
// The loop must not begin or end an upload.
func (t *Tree) Uploads(bucket, prefix, from string) iter.Seq2[openuploads.Upload, error] {
	return func(yield func(openuploads.Upload, error) bool) {
		if keyhatch.CheckBucketName(bucket) != nil {
			yield(openuploads.Upload{}, ErrNoBucket)
			return
		}
		open := t.uploads.openIn(bucket)
		open.mu.Lock()
		defer open.mu.Unlock()
		if !open.read {
			if err := t.readOpenUploads(bucket, &open.index); err != nil {
				open.index = openuploads.Index{}
				yield(openuploads.Upload{}, err)
				return
			}
			open.read = true
		}
		open.index.List(prefix, from, func(u openuploads.Upload) bool { return yield(u, nil) })
	}
}

// openIn returns the uploads of a bucket.
func (m *uploads) openIn(bucket string) *openUploads {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.open == nil {
		m.open = map[string]*openUploads{}
	}
	if m.open[bucket] == nil {
		m.open[bucket] = &openUploads{}
	}
	return m.open[bucket]
}

// begun adds an upload that is on the disk. ended takes one away that is not any
// more. Before the uploads have been read neither has anything to do: what is read
// then is what the disk has.
func (o *openUploads) begun(u openuploads.Upload) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.read {
		o.index.Add(u)
	}
}

func (o *openUploads) ended(key, id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.read {
		o.index.Remove(key, id)
	}
}

func (t *Tree) readOpenUploads(bucket string, into *openuploads.Index) error {
	ids, err := t.disk.OwnNames(filepath.Join(uploadsFolder, bucket))
	if err != nil {
		return err
	}
	for _, id := range ids {
		info, err := t.readUpload(bucket, id)
		if errors.Is(err, ErrNoUpload) {
			continue // half made, or ended just now
		}
		if err != nil {
			return err
		}
		into.Add(info.open())
	}
	return nil
}
