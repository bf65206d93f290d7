package dirstore

import (
	"io/fs"
	"os"
)

// object is what a key names at one moment.
type object struct {
	record
	file *os.File // open for reading; nil for a marker, or when not asked for
}

func (o *object) close() {
	if o.file != nil {
		o.file.Close()
	}
}

// find looks at what is in a place, and opens it if asked to. The error tells
// what else is there; see absent.
func (s *Store) find(p place, open bool) (*object, error) {
	if p.marker {
		return s.findMarker(p)
	}
	folder, err := s.folder(p.bucket, p.folders)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	return s.findIn(folder, p, open)
}

func (s *Store) findIn(folder *os.Root, p place, open bool) (*object, error) {
	for range 100 {
		if o, err := s.glimpse(folder, p, open); o != nil || err != nil {
			return o, err
		}
	}
	return nil, errMoving
}

// glimpse looks at a file and then for its record. When it has none, it may have
// been replaced in between, with its record dropped: then the answer is nothing
// and the caller looks again.
func (s *Store) glimpse(folder *os.Root, p place, open bool) (o *object, err error) {
	o = &object{}
	info, err := folder.Lstat(p.name)
	if err == nil {
		err = checkFile(info) // before the open, which can have effects on a device
	}
	if err == nil && open {
		if o.file, err = folder.OpenFile(p.name, os.O_RDONLY|openFlags, 0); err == nil {
			info, err = o.file.Stat()
		}
		if err == nil {
			err = checkFile(info)
		}
	}
	var records []record
	if err == nil {
		records, err = s.readSidecar(p.bucket, p.key)
	}
	if err != nil {
		o.close()
		return nil, err
	}
	var found bool
	if o.record, found = exact(records, info); found {
		return o, nil
	}
	if now, err := folder.Lstat(p.name); err != nil || !unchanged(info, now) {
		o.close()
		return nil, nil
	}
	o.record = likely(records, info)
	return o, nil
}

func checkFile(info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return errFolder
	case !info.Mode().IsRegular():
		return errNotFile
	}
	return nil
}

func unchanged(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// findMarker finds a folder that is also a key. The folder's own times change
// with what is in it, so its sidecar is bound to its name alone.
func (s *Store) findMarker(p place) (*object, error) {
	records, err := s.readSidecar(p.bucket, p.key)
	if err != nil {
		return nil, err
	}
	folder, err := s.folder(p.bucket, p.segments())
	if err != nil {
		return nil, err
	}
	folder.Close()
	if len(records) == 0 {
		return nil, fs.ErrNotExist
	}
	return &object{record: records[0]}, nil
}
