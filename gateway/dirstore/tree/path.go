package tree

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/gateway/dirstore/disk"
)

// maxName is the longest name of a file or folder on every file system in use.
const maxName = 255

// place is where an object lives: a name in a folder of its bucket. A marker's
// name is that of the folder itself.
type place struct {
	bucket  string
	key     string
	folders []string // below the bucket's
	name    string
	marker  bool
}

// locate finds the place of a key, or says why it cannot have one.
func locate(bucket, key string) (place, error) {
	if keyhatch.CheckBucketName(bucket) != nil {
		return place{}, ErrNoBucket
	}
	if err := keyhatch.CheckKey(key); err != nil {
		var fail *keyhatch.Error
		if errors.As(err, &fail) {
			return place{}, refuse(ErrKey, "%s", fail.Message)
		}
		return place{}, err
	}
	bare, marker := strings.CutSuffix(key, "/")
	if _, err := filepath.Localize(bare); err != nil {
		return place{}, refuse(ErrKey, "The key cannot be the name of a file here.")
	}
	segments := strings.Split(bare, "/")
	for _, s := range segments {
		if len(s) > maxName {
			return place{}, refuse(ErrKeyTooLong, "A part of a key between slashes has at most %d bytes in this store.", maxName)
		}
	}
	last := len(segments) - 1
	return place{bucket, key, segments[:last], segments[last], marker}, nil
}

// id names the key among all locks.
func (p place) id() string { return p.bucket + "/" + p.key }

// segments are the folders and the name.
func (p place) segments() []string { return append(p.folders[:len(p.folders):len(p.folders)], p.name) }

// folder opens a folder of a bucket.
func (t *Tree) folder(bucket string, segments []string) (*os.Root, error) {
	at, err := disk.Step(t.disk.Root, bucket)
	for _, name := range segments {
		if err != nil {
			return nil, err
		}
		above := at
		at, err = disk.Step(above, name)
		above.Close()
	}
	return at, err
}

// makeFolder opens a folder and makes what is missing of it, durably. The caller has the
// lock of the folders.
func (t *Tree) makeFolder(bucket string, segments []string) (*os.Root, error) {
	if err := t.mustNotRise(bucket); err != nil {
		return nil, err
	}
	at, err := t.disk.Root.OpenRoot(".")
	for _, name := range append([]string{bucket}, segments...) {
		if err != nil {
			return nil, err
		}
		above := at
		at, err = disk.Step(above, name)
		if errors.Is(err, fs.ErrNotExist) {
			err = above.Mkdir(name, 0o777)
			if err == nil || errors.Is(err, fs.ErrExist) {
				err = disk.SyncFolder(above)
			}
			if err == nil {
				at, err = disk.Step(above, name)
			}
		}
		above.Close()
	}
	return at, err
}
