package openuploads

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Upload is one that is under way.
type Upload struct {
	Key     string
	ID      string
	Started time.Time
}

// Index is a set of uploads. The zero value is empty. It is not safe for concurrent
// use.
type Index struct{ top folder }

// folder is what there is below a beginning of keys that ends in a slash, or below the
// empty one. The names are those of a folder in keys: of folders in it with the slash.
type folder struct {
	names   []string // sorted, which is the order of keys
	folders map[string]*folder
	uploads map[string][]Upload // by name, in the order of ids
}

// Add adds an upload, once.
func (x *Index) Add(u Upload) { x.top.add(u.Key, u) }

// Remove takes an upload away; one that is not there is no error.
func (x *Index) Remove(key, id string) { x.top.remove(key, id) }

// List yields the uploads whose keys begin with the prefix, from a key on, until yield
// has enough: by key, and those of one key by their ids. It costs what it yields, and
// the depth of the keys.
func (x *Index) List(prefix, from string, yield func(Upload) bool) {
	x.top.list("", prefix, from, yield)
}

// cutName parts what is left of a key into the name in a folder and what is below it.
func cutName(rest string) (name, below string, isFolder bool) {
	i := strings.IndexByte(rest, '/')
	return rest[:i+1], rest[i+1:], i >= 0
}

// add adds an upload, rest being what of its key is below the folder.
func (f *folder) add(rest string, u Upload) {
	if f.folders == nil {
		f.folders, f.uploads = map[string]*folder{}, map[string][]Upload{}
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
			f.folders[name] = &folder{}
		}
		f.folders[name].add(below, u)
		return
	}
	at, found := slices.BinarySearchFunc(f.uploads[name], u.ID, func(o Upload, id string) int { return cmp.Compare(o.ID, id) })
	if !found {
		f.uploads[name] = slices.Insert(f.uploads[name], at, u)
	}
}

func (f *folder) remove(rest, id string) {
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
	f.uploads[name] = slices.DeleteFunc(f.uploads[name], func(u Upload) bool { return u.ID == id })
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
func (f *folder) list(dir, prefix, from string, yield func(Upload) bool) (more bool) {
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
func (f *folder) start(dir, prefix, from string) int {
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
