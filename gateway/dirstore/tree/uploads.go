package tree

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Complete publishes parts of the upload as one object, and returns its record.
// Of each part its number and its ETag are looked at; the order is ascending. The
// object keeps what header adds to that of the upload's beginning. If
// it fails, or ctx ends before the object is there, the upload stays as it was; if the process ends after the object is
// there and before the upload is gone, completing again puts the same object
// there.
//
// Copying the parts takes its time and holds up other completions of the upload and
// nothing else: parts may come meanwhile, and it may be aborted. What was joined is
// published only if it still is what the upload has.
func (u *Upload) Complete(ctx context.Context, asked []Part, header map[string]string, check Check) (Record, error) {
	p, err := locate(u.Bucket, u.Key)
	if err != nil {
		return Record{}, err
	}
	select {
	case u.completing <- struct{}{}:
		defer func() { <-u.completing }()
	case <-ctx.Done():
		return Record{}, ctx.Err()
	}
	rec, parts, err := u.begun(asked, header)
	if err != nil {
		return Record{}, err
	}
	d, err := u.t.disk.NewDraft(func(f *os.File) (string, error) {
		for _, part := range parts {
			if err := u.appendPart(ctx, f, part); err != nil {
				return "", err
			}
		}
		return "", nil
	})
	if err != nil {
		if _, _, changed := u.begun(asked, header); changed != nil {
			return Record{}, changed // which is why a part could not be read
		}
		return Record{}, err
	}
	defer d.Discard()
	last := func(old *Record) error {
		if err := ctx.Err(); err != nil || check == nil {
			return err
		}
		return check(old)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.gone {
		return Record{}, ErrNoUpload
	}
	if _, _, err := u.join(asked, header); err != nil {
		return Record{}, err
	}
	if err := u.t.publish(p, d, rec, last); err != nil {
		return Record{}, err
	}
	if err := u.drop(); err != nil {
		u.t.log.Error("directory store: remove a completed upload: " + err.Error())
	}
	return rec.bind(d.Info), nil
}

// Completed returns the record of the object that an upload became of these parts:
// ErrNoUpload if the key names no such object, or no longer.
func (t *Tree) Completed(bucket, key, id string, asked []Part) (Record, error) {
	if !validID.MatchString(id) {
		return Record{}, ErrNoUpload
	}
	var tags []string
	for _, a := range asked {
		tags = append(tags, a.ETag)
	}
	o, err := t.Stat(bucket, key)
	if errors.Is(err, ErrNoObject) {
		return Record{}, ErrNoUpload
	}
	if err != nil {
		return Record{}, err
	}
	if o.Upload != id || o.ETag != partsTag(tags) {
		return Record{}, ErrNoUpload
	}
	return o.Record, nil
}

// Abort forgets the upload and its parts: ErrNoUpload if it has ended already.
func (u *Upload) Abort() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.gone {
		return ErrNoUpload
	}
	return u.drop()
}

// drop ends an upload that the caller has locked. An error can mean that it has
// ended and something of it is left on the disk.
func (u *Upload) drop() error {
	u.t.uploads.mu.Lock()
	trash, err := u.t.trashUpload(u.Bucket, u.ID)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		u.gone = true
		delete(u.t.uploads.known, u.ID)
	}
	u.t.uploads.mu.Unlock()
	if u.gone {
		u.t.uploads.openIn(u.Bucket).ended(u.Key, u.ID)
	}
	if err != nil {
		return err
	}
	return u.t.disk.Root.RemoveAll(trash)
}

// trashUpload takes an upload away. The caller has the lock of the uploads, so that
// nobody loads it meanwhile.
func (t *Tree) trashUpload(bucket, id string) (trash string, err error) {
	return t.disk.Trash(filepath.Join(uploadsFolder, bucket, id))
}

// ExpireUploads ends the uploads that nothing was added to since before, and
// returns their ids, also beside an error.
func (t *Tree) ExpireUploads(before time.Time) ([]string, error) {
	buckets, err := t.disk.OwnNames(uploadsFolder)
	if err != nil {
		return nil, err
	}
	var ended []string
	for _, bucket := range buckets {
		ids, err := t.disk.OwnNames(filepath.Join(uploadsFolder, bucket))
		if err != nil {
			return ended, err
		}
		for _, id := range ids {
			done, err := t.expire(bucket, id, before)
			if done {
				ended = append(ended, id)
			}
			if err != nil {
				return ended, err
			}
		}
	}
	return ended, nil
}

func (t *Tree) expire(bucket, id string, before time.Time) (done bool, err error) {
	info, err := t.disk.Root.Lstat(filepath.Join(uploadsFolder, bucket, id))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.ModTime().Before(before) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	t.uploads.mu.Lock()
	u := t.uploads.known[id]
	if u == nil {
		info, unknown := t.readUpload(bucket, id) // one that was half made has no key
		trash, err := t.trashUpload(bucket, id)
		t.uploads.mu.Unlock()
		if err != nil {
			return false, err
		}
		if unknown == nil {
			t.uploads.openIn(bucket).ended(info.Key, id)
		}
		return true, t.disk.Root.RemoveAll(trash)
	}
	t.uploads.mu.Unlock()
	select {
	case u.completing <- struct{}{}:
		defer func() { <-u.completing }()
	default:
		return false, nil // it is not abandoned: it is being completed
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.gone {
		return false, nil
	}
	err = u.drop()
	return u.gone, err
}
