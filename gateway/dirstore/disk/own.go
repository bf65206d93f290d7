package disk

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// ReplaceOwn writes a small file of our own whole, under a temporary name first.
func (d *Disk) ReplaceOwn(folder, name string, text []byte) error {
	f, temp, err := d.temp(0o600)
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
		err = d.Root.Rename(temp, to)
	}
	if errors.Is(err, fs.ErrNotExist) {
		// The first of its kind: the folder is to be made, and its name to
		// be made durable in those above.
		if err = d.Root.MkdirAll(folder, 0o700); err == nil {
			err = d.Root.Rename(temp, to)
		}
		for above := filepath.Dir(folder); err == nil && above != "."; above = filepath.Dir(above) {
			err = d.SyncOwn(above)
		}
	}
	if err != nil {
		d.Root.Remove(temp)
		return err
	}
	return d.SyncOwn(folder)
}

// SyncOwn makes the entries of a folder of ours durable.
func (d *Disk) SyncOwn(folder string) error {
	f, err := d.Root.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer f.Close()
	return SyncFolder(f)
}

// temp makes a file that has no meaning yet.
func (d *Disk) temp(perm fs.FileMode) (*os.File, string, error) {
	name := filepath.Join(tempFolder, rand.Text())
	const flags = os.O_RDWR | os.O_CREATE | os.O_EXCL
	f, err := d.Root.OpenFile(name, flags, perm)
	if errors.Is(err, fs.ErrNotExist) {
		if err = d.Root.MkdirAll(tempFolder, 0o700); err == nil {
			f, err = d.Root.OpenFile(name, flags, perm)
		}
	}
	return f, name, err
}

// OwnNames are the names in a folder of ours, which may not be there yet.
func (d *Disk) OwnNames(folder string) ([]string, error) {
	f, err := d.Root.Open(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

// Trash takes a folder of ours away at one stroke, so that a crash leaves none
// without some of what is in it. What it was is to be removed with RemoveAll then.
func (d *Disk) Trash(folder string) (trash string, err error) {
	trash = filepath.Join(tempFolder, rand.Text())
	err = d.Root.MkdirAll(tempFolder, 0o700)
	if err == nil {
		err = d.Root.Rename(folder, trash)
	}
	return trash, err
}
