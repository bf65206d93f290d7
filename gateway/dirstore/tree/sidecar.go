package tree

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
)

// sidecar is the file that holds a key's records: one, or while the object is
// being replaced that of the old file and that of the new one. What a crash
// leaves behind is dropped by the next write of the key.
type sidecar struct {
	Key     string   `json:"key"`
	Records []Record `json:"records"`
}

// maxSidecar is many times what two records of 10,000 parts and 2 kB of headers
// come to.
const maxSidecar = 1 << 20

// sidecarPath is where the records of a key are. Hashing spares the sidecars the
// limits and the conflicts that names have.
func sidecarPath(bucket, key string) (folder, name string) {
	sum := sha256.Sum256([]byte(key))
	h := hex.EncodeToString(sum[:])
	return filepath.Join(metaFolder, bucket, h[:2]), h[2:]
}

// readSidecar returns the records of a key. A sidecar that does not make sense
// counts as lost.
func (t *Tree) readSidecar(bucket, key string) ([]Record, error) {
	folder, name := sidecarPath(bucket, key)
	f, err := t.disk.Root.Open(filepath.Join(folder, name))
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
		t.log.Warn("directory store: a sidecar is damaged and ignored", "bucket", bucket, "sidecar", name)
		return nil, nil
	}
	return slices.DeleteFunc(c.Records, func(r Record) bool { return !validTag.MatchString(r.ETag) }), nil
}

// writeSidecar replaces the records of a key, durably.
func (t *Tree) writeSidecar(bucket, key string, records ...Record) error {
	text, err := json.Marshal(sidecar{Key: key, Records: records})
	if err != nil {
		return err
	}
	folder, name := sidecarPath(bucket, key)
	return t.disk.ReplaceOwn(folder, name, text)
}

// removeSidecar forgets the records of a key. That has to be durable only for a
// marker, which is nothing else.
func (t *Tree) removeSidecar(p place) error {
	folder, name := sidecarPath(p.bucket, p.key)
	err := t.disk.Root.Remove(filepath.Join(folder, name))
	if err == nil && p.marker {
		err = t.disk.SyncOwn(folder)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
