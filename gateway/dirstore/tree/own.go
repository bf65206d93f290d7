package tree

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// replaceOwn writes a small file of our own whole, under a temporary name first.
func (t *Tree) replaceOwn(folder, name string, text []byte) error {
	f, temp, err := t.temp(0o600)
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
		err = t.root.Rename(temp, to)
	}
	if errors.Is(err, fs.ErrNotExist) {
		// The first of its kind: the folder is to be made, and its name to
		// be made durable in those above.
		if err = t.root.MkdirAll(folder, 0o700); err == nil {
			err = t.root.Rename(temp, to)
		}
		for above := filepath.Dir(folder); err == nil && above != "."; above = filepath.Dir(above) {
			err = t.syncOwn(above)
		}
	}
	if err != nil {
		t.root.Remove(temp)
		return err
	}
	return t.syncOwn(folder)
}

func (t *Tree) syncOwn(folder string) error {
	f, err := t.root.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer f.Close()
	return syncFolder(f)
}

// temp makes a file that has no meaning yet.
func (t *Tree) temp(perm fs.FileMode) (*os.File, string, error) {
	name := filepath.Join(tempFolder, rand.Text())
	const flags = os.O_RDWR | os.O_CREATE | os.O_EXCL
	f, err := t.root.OpenFile(name, flags, perm)
	if errors.Is(err, fs.ErrNotExist) {
		if err = t.root.MkdirAll(tempFolder, 0o700); err == nil {
			f, err = t.root.OpenFile(name, flags, perm)
		}
	}
	return f, name, err
}

// ownNames are the names in a folder of ours, which may not be there yet.
func (t *Tree) ownNames(folder string) ([]string, error) {
	f, err := t.root.Open(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}
