package dirstore

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/rclone/gofakes3"
)

// list is one page of a bucket's keys. Within a folder, what is there is ordered
// as it appears in keys, folders with their slash: "a-b" before "a/", "a/" before
// "a0". So a walk in that order meets the keys in theirs.
type list struct {
	s                         *Store
	bucket                    string
	prefix, delimiter, marker string
	max                       int

	out  gofakes3.ObjectList
	last string // the result before
}

// errFull ends the walk at the first result that the page has no room for.
var errFull = errors.New("the page is full")

func (l *list) run(ctx context.Context) (*gofakes3.ObjectList, error) {
	if keyhatch.CheckBucketName(l.bucket) != nil {
		return nil, gofakes3.BucketNotFound(l.bucket)
	}
	// The walk begins in the folder that the prefix names.
	top := l.prefix[:strings.LastIndexByte(l.prefix, '/')+1]
	var segments []string
	if top != "" {
		p, err := locate(l.bucket, top)
		if err != nil {
			return &l.out, nil // no key can begin like that
		}
		segments = p.segments()
	}
	folder, err := l.s.folder(l.bucket, segments)
	if err != nil {
		if absent(err) {
			return &l.out, nil
		}
		return nil, err
	}
	defer folder.Close()
	if err := l.walk(ctx, folder, top); err != nil && err != errFull {
		return nil, err
	}
	return &l.out, nil
}

// walk goes through a folder whose keys all begin with dir.
func (l *list) walk(ctx context.Context, folder *os.Root, dir string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if strings.HasPrefix(dir, l.prefix) && dir != "" {
		if err := l.visit(folder, dir); err != nil {
			return err
		}
	}
	names, err := l.s.sorted.read(l.s, l.bucket+"/"+dir, folder)
	if err != nil {
		return err
	}
	for _, name := range names[l.start(names, dir):] {
		key := dir + name
		if !strings.HasPrefix(key, l.prefix) {
			if key > l.prefix {
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
	if rest, ok := strings.CutPrefix(l.marker, dir); ok {
		from, _ = slices.BinarySearch(names, rest)
		from = max(from-1, 0)
	} else if l.marker > dir {
		return len(names)
	}
	if rest, ok := strings.CutPrefix(l.prefix, dir); ok {
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
	if l.marker > dir && !strings.HasPrefix(l.marker, dir) {
		return nil
	}
	folder, err := step(above, strings.TrimSuffix(name, "/"))
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
	if l.delimiter == "" {
		return "", false
	}
	i := strings.Index(key[len(l.prefix):], l.delimiter)
	if i < 0 {
		return "", false
	}
	return key[:len(l.prefix)+i+len(l.delimiter)], true
}

// visit reports a key, if there is an object.
func (l *list) visit(folder *os.Root, key string) error {
	if common, ok := l.common(key); ok {
		return l.group(common)
	}
	if key <= l.marker {
		return nil
	}
	bare := strings.TrimSuffix(key, "/")
	segments := strings.Split(bare, "/")
	last := len(segments) - 1
	p := place{l.bucket, key, segments[:last], segments[last], bare != key}
	var o *object
	var err error
	if p.marker {
		o, err = l.s.findMarker(p)
	} else {
		o, err = l.s.findIn(folder, p, false)
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
	l.out.Add(&gofakes3.Content{
		Key:          key,
		LastModified: gofakes3.NewContentTime(o.modified()),
		ETag:         quoted(o.ETag),
		Size:         o.Size,
		StorageClass: gofakes3.StorageStandard,
	})
	return nil
}

// group reports a common prefix, once.
func (l *list) group(common string) error {
	if common <= l.marker || common == l.last {
		return nil
	}
	if err := l.room(common); err != nil {
		return err
	}
	l.out.AddPrefix(common)
	return nil
}

// room makes sure that the page can take one more result.
func (l *list) room(result string) error {
	if len(l.out.Contents)+len(l.out.CommonPrefixes) == l.max {
		l.out.IsTruncated, l.out.NextMarker = true, l.last
		return errFull
	}
	l.last = result
	return nil
}
