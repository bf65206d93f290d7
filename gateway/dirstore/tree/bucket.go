package tree

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/gateway/dirstore/disk"
)

// Buckets are folders of the root. One that is to be made is a folder of our own first, and
// gets its name at one stroke: so whether it was made, and by whom, can be told after a
// crash by whether our own is still there.

// makingFolder holds what is to be a bucket, by the id that its maker gave it.
var makingFolder = filepath.Join(disk.Own, "making")

// metaFolderOf is where the sidecars of a bucket are.
func metaFolderOf(bucket string) string { return filepath.Join(metaFolder, bucket) }

// PrepareBucket begins to make a bucket of the name. Anything that is there is
// keyhatch.BucketExists, and is left alone.
func (t *Tree) PrepareBucket(name, id string) error {
	if err := checkMaking(name, id); err != nil {
		return err
	}
	if err := t.free(name, id); err != nil {
		return err
	}
	if err := t.disk.Root.MkdirAll(filepath.Join(makingFolder, id), 0o777); err != nil {
		return err
	}
	if err := t.disk.SyncOwn(disk.Own); err != nil {
		return err
	}
	return t.disk.SyncOwn(makingFolder)
}

func checkMaking(name, id string) error {
	if _, ok := keyhatch.IDPayload(keyhatch.BucketID, id); !ok || keyhatch.CheckBucketName(name) != nil {
		return ErrNoBucket
	}
	return nil
}

// free tells that nothing has the name. What is there ends what was begun.
func (t *Tree) free(name, id string) error {
	_, err := t.disk.Root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = t.disk.Root.RemoveAll(filepath.Join(makingFolder, id))
	}
	if err == nil {
		err = keyhatch.BucketExists()
	}
	return err
}

// MakeBucket gives the name to what was prepared.
func (t *Tree) MakeBucket(name, id string) error {
	if err := checkMaking(name, id); err != nil {
		return err
	}
	t.folders.Lock()
	defer t.folders.Unlock()
	if err := t.free(name, id); err != nil {
		return err
	}
	delete(t.removed, name)
	if err := t.disk.Root.RemoveAll(metaFolderOf(name)); err != nil { // of one that was removed by hand
		return err
	}
	if err := t.disk.Root.Rename(filepath.Join(makingFolder, id), name); err != nil {
		return err
	}
	return errors.Join(t.disk.SyncOwn("."), t.disk.SyncOwn(makingFolder))
}

// BucketMade tells whether MakeBucket has made the bucket of what was prepared.
func (t *Tree) BucketMade(name, id string) (bool, error) {
	if err := checkMaking(name, id); err != nil {
		return false, err
	}
	_, err := t.disk.Root.Lstat(filepath.Join(makingFolder, id))
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	info, err := t.disk.Root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && info.IsDir(), err
}

// resurrection is how long what was still being written to a bucket when that was removed
// does not make it anew.
const resurrection = 10 * time.Second

// RemoveBucket removes a bucket in which there is nothing, and no upload under way. One
// that is not there is no error; anything in it is keyhatch.BucketNotEmpty, and so is a
// file in its place.
func (t *Tree) RemoveBucket(name string) error {
	if keyhatch.CheckBucketName(name) != nil {
		return ErrNoBucket
	}
	t.folders.Lock()
	defer t.folders.Unlock()
	for _, err := range t.Uploads(name, "", "") {
		if err == nil {
			err = keyhatch.BucketNotEmpty()
		}
		return err
	}
	err := removeFolder(t.disk.Root, name)
	switch {
	case err == nil:
		err = t.disk.SyncOwn(".")
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	case errors.Is(err, syscall.ENOTEMPTY), errors.Is(err, fs.ErrExist), errors.Is(err, ErrNotFile):
		err = keyhatch.BucketNotEmpty()
	}
	if err != nil {
		return err
	}
	if t.removed == nil {
		t.removed = map[string]time.Time{}
	}
	t.removed[name] = time.Now()
	return errors.Join(t.disk.Root.RemoveAll(metaFolderOf(name)), t.disk.Root.RemoveAll(filepath.Join(uploadsFolder, name)))
}

// wasRemoved tells whether a bucket was removed a moment ago, for a caller that has the
// lock of the folders.
func (t *Tree) wasRemoved(name string) bool {
	at, ok := t.removed[name]
	return ok && time.Since(at) < resurrection
}

// Count tells how many objects are in a bucket, and how large they are together. It ends
// early with ctx.
func (t *Tree) Count(ctx context.Context, bucket string) (objects, bytes int64, err error) {
	for q := (Query{Max: 1000}); ; {
		page, err := t.List(ctx, bucket, q)
		if err != nil {
			return 0, 0, err
		}
		objects += int64(len(page.Entries))
		for _, e := range page.Entries {
			bytes += e.Size
		}
		if !page.Truncated {
			return objects, bytes, nil
		}
		q.Marker = page.Next
	}
}

// IsFolder tells whether there are keys below a folder of a bucket.
func (t *Tree) IsFolder(ctx context.Context, bucket, folder string) (bool, error) {
	page, err := t.List(ctx, bucket, Query{Prefix: folder, Max: 1})
	return len(page.Entries) > 0, err
}

// Reachable tells whether the root can be looked at.
func (t *Tree) Reachable() error {
	root, err := t.disk.Root.OpenRoot(".")
	if err != nil {
		return err
	}
	defer root.Close()
	_, err = root.Stat(".")
	return err
}

// mustNotRise keeps what was still being written from making a removed bucket anew.
func (t *Tree) mustNotRise(bucket string) error {
	if !t.wasRemoved(bucket) {
		return nil
	}
	if _, err := t.disk.Root.Lstat(bucket); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return ErrNoBucket
}
