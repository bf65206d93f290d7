package tree

import (
	"crypto/md5"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// draft is a body on the disk that no key names yet.
type draft struct {
	t    *Tree
	path string
	info fs.FileInfo // as of its last change
	md5  string
}

// discard removes a draft that was not published; else there is nothing to do.
func (d *draft) discard() { d.t.root.Remove(d.path) }

// newDraft stores what fill writes, durably.
func (t *Tree) newDraft(fill func(f *os.File) (md5 string, err error)) (*draft, error) {
	f, path, err := t.temp(0o666)
	if err != nil {
		return nil, err
	}
	d := &draft{t: t, path: path}
	d.md5, err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		d.info, err = t.root.Lstat(path) // closed: no file system will change the time now
	}
	if err != nil {
		d.discard()
		return nil, err
	}
	return d, nil
}

// receive stores a body of size bytes, or of any length if that is negative. A
// body that breaks off, or whose verification fails, leaves nothing.
func (t *Tree) receive(body io.Reader, size int64) (*draft, error) {
	return t.newDraft(func(f *os.File) (string, error) {
		h := md5.New()
		room := int64(256 << 10)
		if size >= 0 {
			room = min(room, size+1)
		}
		n, err := io.CopyBuffer(io.MultiWriter(f, h), body, make([]byte, room))
		if err == nil && size >= 0 && n != size {
			err = ErrBodyLength
		}
		return fmt.Sprintf("%x", h.Sum(nil)), err
	})
}
