package tree

import (
	"io/fs"
	"os"

	"github.com/keyhatch/keyhatch/gateway/dirstore/disk"
)

// Object is what a key names at one moment.
type Object struct {
	Record
	File *os.File // open for reading; nil for a marker, and after Stat
}

// Close closes the file, if there is one.
func (o *Object) Close() {
	if o.File != nil {
		o.File.Close()
	}
}

// Stat looks at what a key names: ErrNoObject if that is nothing, or no object.
func (t *Tree) Stat(bucket, key string) (*Object, error) { return t.look(bucket, key, false) }

// Open is Stat that also opens the file. Whatever happens to the key afterwards,
// the object stays the one that was found, until Close.
func (t *Tree) Open(bucket, key string) (*Object, error) { return t.look(bucket, key, true) }

func (t *Tree) look(bucket, key string, open bool) (*Object, error) {
	p, err := locate(bucket, key)
	if err != nil {
		return nil, err
	}
	o, err := t.find(p, open)
	if err != nil {
		return nil, lookError(err)
	}
	return o, nil
}

// find looks at what is in a place, and opens it if asked to. The error tells
// what else is there; see absent.
func (t *Tree) find(p place, open bool) (*Object, error) {
	if p.marker {
		return t.findMarker(p)
	}
	folder, err := t.folder(p.bucket, p.folders)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	return t.findIn(folder, p, open)
}

func (t *Tree) findIn(folder *os.Root, p place, open bool) (*Object, error) {
	for range 100 {
		if o, err := t.glimpse(folder, p, open); o != nil || err != nil {
			return o, err
		}
	}
	return nil, ErrMoving
}

// glimpse looks at a file and then for its record. When it has none, it may have
// been replaced in between, with its record dropped: then the answer is nothing
// and the caller looks again.
func (t *Tree) glimpse(folder *os.Root, p place, open bool) (o *Object, err error) {
	o = &Object{}
	info, err := folder.Lstat(p.name)
	if err == nil {
		err = checkFile(info) // before the open, which can have effects on a device
	}
	if err == nil && open {
		if o.File, err = folder.OpenFile(p.name, os.O_RDONLY|disk.OpenFlags, 0); err == nil {
			info, err = o.File.Stat()
		}
		if err == nil {
			err = checkFile(info)
		}
	}
	var records []Record
	if err == nil {
		records, err = t.readSidecar(p.bucket, p.key)
	}
	if err != nil {
		o.Close()
		return nil, err
	}
	var found bool
	if o.Record, found = exact(records, info); found {
		return o, nil
	}
	if now, err := folder.Lstat(p.name); err != nil || !unchanged(info, now) {
		o.Close()
		return nil, nil
	}
	o.Record = likely(records, info)
	return o, nil
}

func checkFile(info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return ErrFolder
	case !info.Mode().IsRegular():
		return ErrNotFile
	}
	return nil
}

func unchanged(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// findMarker finds a folder that is also a key. The folder's own times change
// with what is in it, so its sidecar is bound to its name alone.
func (t *Tree) findMarker(p place) (*Object, error) {
	records, err := t.readSidecar(p.bucket, p.key)
	if err != nil {
		return nil, err
	}
	folder, err := t.folder(p.bucket, p.segments())
	if err != nil {
		return nil, err
	}
	folder.Close()
	if len(records) == 0 {
		return nil, fs.ErrNotExist
	}
	return &Object{Record: records[0]}, nil
}
