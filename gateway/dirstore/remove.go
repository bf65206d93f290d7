package dirstore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
)

// remove takes an object away, durably; one that is not there is no error.
func (s *Store) remove(ctx context.Context, bucket, key string) error {
	p, err := locate(bucket, key)
	if err != nil {
		return err
	}
	defer s.lockKey(ctx, p)()
	if _, err := s.find(p, false); err != nil {
		if absent(err) {
			return s.removeSidecar(p) // of a file that was removed by hand
		}
		return err
	}
	folders := p.folders
	if p.marker {
		folders = p.segments()
	} else {
		// The file goes first: a sidecar without one means nothing.
		folder, err := s.folder(bucket, folders)
		if err != nil {
			return err
		}
		defer folder.Close()
		if err := folder.Remove(p.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := s.removeSidecar(p); err != nil {
		return err
	}
	left, err := s.folder(bucket, s.prune(bucket, folders))
	if err != nil {
		if absent(err) {
			return nil // another removal took it, and syncs the one above
		}
		return err
	}
	defer left.Close()
	return syncFolder(left)
}

// prune removes a folder and those above it, up to the bucket's, as far as they
// are empty and not markers. It returns what is left of the path.
func (s *Store) prune(bucket string, segments []string) []string {
	s.tree.Lock()
	defer s.tree.Unlock()
	for len(segments) > 0 {
		last := len(segments) - 1
		marker := path.Join(segments...) + "/"
		if records, err := s.readSidecar(bucket, marker); err != nil || len(records) > 0 {
			break
		}
		above, err := s.folder(bucket, segments[:last])
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
		return errNotFile
	}
	return above.Remove(name)
}
