package tree

import (
	"errors"
	"io/fs"
	"os"
	"path"

	"github.com/keyhatch/keyhatch/gateway/dirstore/disk"
)

// Remove takes an object away, durably; one that is not there is no error. So
// are the folders that become empty by it.
func (t *Tree) Remove(bucket, key string) error {
	p, err := locate(bucket, key)
	if err != nil {
		return err
	}
	defer t.keys.Lock(p.id())()
	return t.remove(p)
}

// RemoveLocked is Remove for a caller that has the key's lock.
func (t *Tree) RemoveLocked(bucket, key string) error {
	p, err := locate(bucket, key)
	if err != nil {
		return err
	}
	return t.remove(p)
}

func (t *Tree) remove(p place) error {
	if _, err := t.find(p, false); err != nil {
		if absent(err) {
			return t.removeSidecar(p) // of a file that was removed by hand
		}
		return err
	}
	folders := p.folders
	if p.marker {
		folders = p.segments()
	} else {
		// The file goes first: a sidecar without one means nothing.
		folder, err := t.folder(p.bucket, folders)
		if err != nil {
			return err
		}
		defer folder.Close()
		if err := folder.Remove(p.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := t.removeSidecar(p); err != nil {
		return err
	}
	left, err := t.folder(p.bucket, t.prune(p.bucket, folders))
	if err != nil {
		if absent(err) {
			return nil // another removal took it, and syncs the one above
		}
		return err
	}
	defer left.Close()
	return disk.SyncFolder(left)
}

// prune removes a folder and those above it, up to the bucket's, as far as they
// are empty and not markers. It returns what is left of the path.
func (t *Tree) prune(bucket string, segments []string) []string {
	t.folders.Lock()
	defer t.folders.Unlock()
	for len(segments) > 0 {
		last := len(segments) - 1
		marker := path.Join(segments...) + "/"
		if records, err := t.readSidecar(bucket, marker); err != nil || len(records) > 0 {
			break
		}
		above, err := t.folder(bucket, segments[:last])
		if err == nil {
			err = removeFolder(above, segments[last])
			above.Close()
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			break
		}
		segments = segments[:last]
	}
	return segments
}

// removeFolder removes a folder if it is one and empty. Remove alone would also
// take a file.
func removeFolder(above *os.Root, name string) error {
	info, err := above.Lstat(name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return ErrNotFile
	}
	return above.Remove(name)
}
