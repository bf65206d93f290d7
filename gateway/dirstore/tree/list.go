package tree

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/gateway/dirstore/disk"
)

// Query asks for a page of a bucket's keys. The zero value of each string asks
// for nothing special.
type Query struct {
	Prefix    string
	Delimiter string
	Marker    string // what the page before ended with; the page begins behind it
	Max       int    // results: keys and common prefixes
}

// Page is the answer. Entries and prefixes are each in byte order.
type Page struct {
	Entries   []Entry
	Prefixes  []string
	Truncated bool
	Next      string // the last result, if there are more
}

// Entry is an object in a list.
type Entry struct {
	Key      string
	Size     int64
	Modified time.Time
	ETag     string // without quotes
}

// List reads a page, and of the tree no more folders than that takes. It ends
// early with ctx.
func (t *Tree) List(ctx context.Context, bucket string, q Query) (Page, error) {
	if keyhatch.CheckBucketName(bucket) != nil {
		return Page{}, ErrNoBucket
	}
	l := &list{t: t, bucket: bucket, Query: q}
	if err := l.run(ctx); err != nil {
		return Page{}, err
	}
	return l.out, nil
}

// list is a page in the making. Within a folder, what is there is ordered as it
// appears in keys, folders with their slash: "a-b" before "a/", "a/" before
// "a0". So a walk in that order meets the keys in theirs.
type list struct {
	t      *Tree
	bucket string
	Query

	out  Page
	last string // the result before
}

// errFull ends the walk at the first result that the page has no room for.
var errFull = errors.New("the page is full")

func (l *list) run(ctx context.Context) error {
	// The walk begins in the folder that the prefix names.
	top := l.Prefix[:strings.LastIndexByte(l.Prefix, '/')+1]
	var segments []string
	if top != "" {
		p, err := locate(l.bucket, top)
		if err != nil {
			return nil // no key can begin like that
		}
		segments = p.segments()
	}
	folder, err := l.t.folder(l.bucket, segments)
	if err != nil {
		if absent(err) {
			return nil
		}
		return err
	}
	defer folder.Close()
	if err := l.walk(ctx, folder, top); err != nil && err != errFull {
		return err
	}
	return nil
}

// walk goes through a folder whose keys all begin with dir.
func (l *list) walk(ctx context.Context, folder *os.Root, dir string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if strings.HasPrefix(dir, l.Prefix) && dir != "" {
		if err := l.visit(folder, dir); err != nil {
			return err
		}
	}
	names, err := l.t.sorted.read(l.t, l.bucket+"/"+dir, folder)
	if err != nil {
		return err
	}
	for _, name := range names[l.start(names, dir):] {
		key := dir + name
		if !strings.HasPrefix(key, l.Prefix) {
			if key > l.Prefix {
				break
			}
			continue
		}
		if keyhatch.CheckKey(key) != nil {
			continue
		}
		if !strings.HasSuffix(name, "/") {
			err = l.visit(folder, key)
		} else {
			err = l.enter(ctx, folder, name, key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// start is the first of the folder's names that can matter: from the marker on,
// one earlier because the marker may lie inside a folder, and from the prefix on.
func (l *list) start(names []string, dir string) int {
	from := 0
	if rest, ok := strings.CutPrefix(l.Marker, dir); ok {
		from, _ = slices.BinarySearch(names, rest)
		from = max(from-1, 0)
	} else if l.Marker > dir {
		return len(names)
	}
	if rest, ok := strings.CutPrefix(l.Prefix, dir); ok {
		n, _ := slices.BinarySearch(names, rest)
		from = max(from, n)
	}
	return from
}

// enter goes into a folder, unless its keys are all behind the marker or show as
// one common prefix.
func (l *list) enter(ctx context.Context, above *os.Root, name, dir string) error {
	if common, ok := l.common(dir); ok {
		return l.group(common)
	}
	if l.Marker > dir && !strings.HasPrefix(l.Marker, dir) {
		return nil
	}
	folder, err := disk.Step(above, strings.TrimSuffix(name, "/"))
	if err != nil {
		if absent(err) {
			return nil // gone since its name was read
		}
		return err
	}
	defer folder.Close()
	return l.walk(ctx, folder, dir)
}

// common is the common prefix that a key, or all keys of a folder, fall under.
func (l *list) common(key string) (string, bool) {
	if l.Delimiter == "" {
		return "", false
	}
	i := strings.Index(key[len(l.Prefix):], l.Delimiter)
	if i < 0 {
		return "", false
	}
	return key[:len(l.Prefix)+i+len(l.Delimiter)], true
}

// visit reports a key, if there is an object.
func (l *list) visit(folder *os.Root, key string) error {
	if common, ok := l.common(key); ok {
		return l.group(common)
	}
	if key <= l.Marker {
		return nil
	}
	bare := strings.TrimSuffix(key, "/")
	segments := strings.Split(bare, "/")
	last := len(segments) - 1
	p := place{l.bucket, key, segments[:last], segments[last], bare != key}
	var o *Object
	var err error
	if p.marker {
		o, err = l.t.findMarker(p)
	} else {
		o, err = l.t.findIn(folder, p, false)
	}
	if err != nil {
		if absent(err) {
			return nil
		}
		return err
	}
	if err := l.room(key); err != nil {
		return err
	}
	l.out.Entries = append(l.out.Entries, Entry{key, o.Size, o.Modified(), o.ETag})
	return nil
}

// group reports a common prefix, once.
func (l *list) group(common string) error {
	if common <= l.Marker || common == l.last {
		return nil
	}
	if err := l.room(common); err != nil {
		return err
	}
	l.out.Prefixes = append(l.out.Prefixes, common)
	return nil
}

// room makes sure that the page can take one more result.
func (l *list) room(result string) error {
	if len(l.out.Entries)+len(l.out.Prefixes) == l.Max {
		l.out.Truncated, l.out.Next = true, l.last
		return errFull
	}
	l.last = result
	return nil
}
