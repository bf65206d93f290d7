package disk

import (
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Draft is a body on the disk that nothing names yet.
type Draft struct {
	Path string      // below the root
	Info fs.FileInfo // as of its last change
	MD5  string      // in hex, when it was received
	d    *Disk
}

// Discard removes a draft that was not published; else there is nothing to do.
func (d *Draft) Discard() { d.d.Root.Remove(d.Path) }

// NewDraft stores what fill writes, durably.
func (d *Disk) NewDraft(fill func(f *os.File) (md5 string, err error)) (*Draft, error) {
	f, path, err := d.temp(0o666)
	if err != nil {
		return nil, err
	}
	made := &Draft{Path: path, d: d}
	made.MD5, err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		made.Info, err = d.Root.Lstat(path) // closed: no file system will change the time now
	}
	if err != nil {
		made.Discard()
		return nil, err
	}
	return made, nil
}

// ErrBodyLength tells that a body has another length than was said.
var ErrBodyLength = errors.New("the body has another length than was said")

// Receive stores a body of size bytes, or of any length if that is negative. A
// body that breaks off, or whose verification fails, leaves nothing.
func (d *Disk) Receive(body io.Reader, size int64) (*Draft, error) {
	return d.NewDraft(func(f *os.File) (string, error) {
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
