package dirstore

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// record is what a file cannot hold, bound to the file that it describes.
type record struct {
	Size   int64             `json:"size"`
	Mtime  int64             `json:"mtime_ns"`
	Inode  uint64            `json:"inode,omitempty"`
	ETag   string            `json:"etag"`
	Header map[string]string `json:"header,omitempty"` // canonical names
	Parts  []int64           `json:"parts,omitempty"`  // sizes, of an upload in parts
}

// sidecar is the file that holds a key's records: one, or while the object is
// being replaced that of the old file and that of the new one. What a crash
// leaves behind is dropped by the next write of the key.
type sidecar struct {
	Key     string   `json:"key"`
	Records []record `json:"records"`
}

// maxSidecar is many times what two records of 10,000 parts and 2 kB of headers
// come to.
const maxSidecar = 1 << 20

func (r record) modified() time.Time { return time.Unix(0, r.Mtime) }

// bind makes the record one of this file.
func (r record) bind(info fs.FileInfo) record {
	r.Size, r.Mtime, r.Inode = info.Size(), info.ModTime().UnixNano(), inode(info)
	return r
}

// exact returns the record of this very file.
func exact(records []record, info fs.FileInfo) (record, bool) {
	for _, r := range records {
		if r.bind(info).sameFile(r) {
			return r, true
		}
	}
	return record{}, false
}

func (r record) sameFile(o record) bool {
	return r.Size == o.Size && r.Mtime == o.Mtime && r.Inode == o.Inode
}

// likely returns the record of a file that has none of its own: that of the same
// size and the same time to the nanosecond, which is a copy of the tree on
// another disk; else one made from what the file itself tells. A time of whole
// seconds proves too little.
func likely(records []record, info fs.FileInfo) record {
	found := record{ETag: bareTag(info)}
	matches := 0
	for _, r := range records {
		if r.Size == info.Size() && r.Mtime == info.ModTime().UnixNano() && r.Mtime%1e9 != 0 {
			found = r
			matches++
		}
	}
	if matches > 1 {
		found = record{ETag: bareTag(info)}
	}
	return found.bind(info)
}

// sidecarPath is where the records of a key are. Hashing spares the sidecars the
// limits and the conflicts that names have.
func sidecarPath(bucket, key string) (folder, name string) {
	sum := sha256.Sum256([]byte(key))
	h := hex.EncodeToString(sum[:])
	return filepath.Join(metaFolder, bucket, h[:2]), h[2:]
}

// readSidecar returns the records of a key. A sidecar that does not make sense
// counts as lost.
func (s *Store) readSidecar(bucket, key string) ([]record, error) {
	folder, name := sidecarPath(bucket, key)
	f, err := s.root.Open(filepath.Join(folder, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSidecar))
	if err != nil {
		return nil, err
	}
	var c sidecar
	if json.Unmarshal(text, &c) != nil || c.Key != key {
		s.log.Warn("directory store: a sidecar is damaged and ignored", "bucket", bucket, "sidecar", name)
		return nil, nil
	}
	return slices.DeleteFunc(c.Records, func(r record) bool { return !validTag.MatchString(r.ETag) }), nil
}

// writeSidecar replaces the records of a key, durably.
func (s *Store) writeSidecar(bucket, key string, records ...record) error {
	text, err := json.Marshal(sidecar{Key: key, Records: records})
	if err != nil {
		return err
	}
	folder, name := sidecarPath(bucket, key)
	return s.replaceOwn(folder, name, text)
}

// removeSidecar forgets the records of a key. That has to be durable only for a
// marker, which is nothing else.
func (s *Store) removeSidecar(p place) error {
	folder, name := sidecarPath(p.bucket, p.key)
	err := s.root.Remove(filepath.Join(folder, name))
	if err == nil && p.marker {
		err = s.syncOwn(folder)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// replaceOwn writes a small file of our own whole, under a temporary name first.
func (s *Store) replaceOwn(folder, name string, text []byte) error {
	f, temp, err := s.temp(0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	to := filepath.Join(folder, name)
	if err == nil {
		err = s.root.Rename(temp, to)
	}
	if errors.Is(err, fs.ErrNotExist) {
		// The first of its kind: the folder is to be made, and its name to
		// be made durable in those above.
		if err = s.root.MkdirAll(folder, 0o700); err == nil {
			err = s.root.Rename(temp, to)
		}
		for above := filepath.Dir(folder); err == nil && above != "."; above = filepath.Dir(above) {
			err = s.syncOwn(above)
		}
	}
	if err != nil {
		s.root.Remove(temp)
		return err
	}
	return s.syncOwn(folder)
}

func (s *Store) syncOwn(folder string) error {
	f, err := s.root.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer f.Close()
	return syncFolder(f)
}

// temp makes a file that has no meaning yet.
func (s *Store) temp(perm fs.FileMode) (*os.File, string, error) {
	name := filepath.Join(tempFolder, rand.Text())
	const flags = os.O_RDWR | os.O_CREATE | os.O_EXCL
	f, err := s.root.OpenFile(name, flags, perm)
	if errors.Is(err, fs.ErrNotExist) {
		if err = s.root.MkdirAll(tempFolder, 0o700); err == nil {
			f, err = s.root.OpenFile(name, flags, perm)
		}
	}
	return f, name, err
}
