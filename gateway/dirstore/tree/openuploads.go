package tree

import (
	"cmp"
	"errors"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/keyhatch/keyhatch"
)

// OpenUpload is an upload in a list of those that are under way.
type OpenUpload struct {
	Key     string
	ID      string
	Started time.Time
}

// openUploads are those of one bucket that are under way, by key. They are read from
// the disk when they are first asked for and kept: nobody else begins or ends one.
type openUploads struct {
	mu   sync.Mutex
	read bool
	top  openFolder
}

// openFolder is what there is below a beginning of keys that ends in a slash, or
// below the empty one. The names are those of a folder in keys: of folders in it
// with the slash.
type openFolder struct {
	names   []string // sorted, which is the order of keys
	folders map[string]*openFolder
	uploads map[string][]OpenUpload // by name, in the order of ids
}

// Uploads yields the uploads of a bucket that are under way whose keys begin with the
// prefix, from a key on: by key, and those of one key by their beginning. It costs
// what it yields, but for the first time in a process, which reads all of the bucket.
// The loop must not begin or end an upload.
func (t *Tree) Uploads(bucket, prefix, from string) iter.Seq2[OpenUpload, error] {
	return func(yield func(OpenUpload, error) bool) {
		if keyhatch.CheckBucketName(bucket) != nil {
			yield(OpenUpload{}, ErrNoBucket)
			return
		}
		open := t.uploads.openIn(bucket)
		open.mu.Lock()
		defer open.mu.Unlock()
		if !open.read {
			if err := t.readOpenUploads(bucket, &open.top); err != nil {
				open.top = openFolder{}
				yield(OpenUpload{}, err)
				return
			}
			open.read = true
		}
		open.top.list("", prefix, from, func(u OpenUpload) bool { return yield(u, nil) })
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
func (o *openUploads) begun(u OpenUpload) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.read {
		o.top.add(u.Key, u)
	}
}

func (o *openUploads) ended(key, id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.read {
		o.top.remove(key, id)
	}
}

func (t *Tree) readOpenUploads(bucket string, into *openFolder) error {
	ids, err := t.ownNames(filepath.Join(uploadsFolder, bucket))
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
		into.add(info.Key, OpenUpload{info.Key, info.ID, info.Started})
	}
	return nil
}

// cutName parts what is left of a key into the name in a folder and what is below it.
func cutName(rest string) (name, below string, isFolder bool) {
	i := strings.IndexByte(rest, '/')
	return rest[:i+1], rest[i+1:], i >= 0
}

// add adds an upload, rest being what of its key is below the folder.
func (f *openFolder) add(rest string, u OpenUpload) {
	if f.folders == nil {
		f.folders, f.uploads = map[string]*openFolder{}, map[string][]OpenUpload{}
	}
	name, below, ok := cutName(rest)
	if !ok {
		name = rest
	}
	if at, found := slices.BinarySearch(f.names, name); !found {
		f.names = slices.Insert(f.names, at, name)
	}
	if ok {
		if f.folders[name] == nil {
			f.folders[name] = &openFolder{}
		}
		f.folders[name].add(below, u)
		return
	}
	at, found := slices.BinarySearchFunc(f.uploads[name], u.ID, func(o OpenUpload, id string) int { return cmp.Compare(o.ID, id) })
	if !found {
		f.uploads[name] = slices.Insert(f.uploads[name], at, u)
	}
}

func (f *openFolder) remove(rest, id string) {
	name, below, ok := cutName(rest)
	if !ok {
		name = rest
	}
	if in := f.folders[name]; in != nil {
		in.remove(below, id)
		if len(in.names) > 0 {
			return
		}
	}
	f.uploads[name] = slices.DeleteFunc(f.uploads[name], func(u OpenUpload) bool { return u.ID == id })
	if len(f.uploads[name]) > 0 {
		return
	}
	delete(f.folders, name)
	delete(f.uploads, name)
	if at, found := slices.BinarySearch(f.names, name); found {
		f.names = slices.Delete(f.names, at, at+1)
	}
}

// list yields what is in the folder, whose keys begin with dir, until it is enough.
func (f *openFolder) list(dir, prefix, from string, yield func(OpenUpload) bool) (more bool) {
	for _, name := range f.names[f.start(dir, prefix, from):] {
		key := dir + name
		in := f.folders[name]
		switch {
		case in != nil && (strings.HasPrefix(prefix, key) || strings.HasPrefix(key, prefix)):
			if !in.list(key, prefix, from, yield) {
				return false
			}
		case !strings.HasPrefix(key, prefix):
			if key > prefix {
				return true
			}
		case key >= from:
			for _, u := range f.uploads[name] {
				if !yield(u) {
					return false
				}
			}
		}
	}
	return true
}

// start is the first of the names that can matter. What comes first may lie inside a
// folder, whose name is before it.
func (f *openFolder) start(dir, prefix, from string) int {
	at := 0
	for _, first := range []string{prefix, from} {
		if rest, ok := strings.CutPrefix(first, dir); ok {
			n, _ := slices.BinarySearch(f.names, rest)
			at = max(at, n-1)
		} else if first > dir {
			return len(f.names)
		}
	}
	return at
}
