package textfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/keyhatch/keyhatch/deliver/filelock"
)

// maxText bounds a file that is edited, in bytes.
const maxText = 4 << 20

// Edit changes a text file. Whoever edits it this way waits for one another;
// who reads it sees the old text or the new. A file that is missing is made, for its
// owner alone, in a folder of the same kind.
func Edit(name string, edit func(string) (string, error)) (err error) {
	name, err = leadsTo(name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, made, err := lockedFile(name)
	if err != nil {
		return err
	}
	defer f.Close()
	defer func() {
		if info, statErr := f.Stat(); err != nil && made && statErr == nil && info.Size() == 0 {
			_ = os.Remove(name) // nothing has come of it
		}
	}()
	text, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err != nil {
		return err
	}
	if len(text) > maxText {
		return fmt.Errorf("it has more than %d bytes: is it the file that is meant?", maxText)
	}
	changed, err := edit(string(text))
	if err != nil || changed == string(text) {
		return err
	}
	return replaceFile(f, name, changed)
}

// leadsTo follows symbolic links, also to a file that is not there yet.
func leadsTo(name string) (string, error) {
	for range 40 { // as many as Linux follows
		target, err := os.Readlink(name)
		if err != nil {
			return name, nil // no link, or nothing
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(name), target)
		}
		name = target
	}
	return "", errors.New("it is a symbolic link that leads nowhere")
}

// lockedFile opens a file, making it if need be, and takes its lock. It looks again
// when another one has been put in its place meanwhile.
func lockedFile(name string) (f *os.File, made bool, err error) {
	const tries, pause = 500, 20 * time.Millisecond
	for range tries {
		_, err := os.Lstat(name)
		made := errors.Is(err, fs.ErrNotExist)
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, false, err
		}
		err = filelock.Try(f)
		if err == nil && isStill(f, name) {
			return f, made, nil
		}
		f.Close()
		if err != nil && !errors.Is(err, filelock.ErrLocked) {
			return nil, false, err
		}
		time.Sleep(pause)
	}
	return nil, false, errors.New("another program holds its lock: try again")
}

func isStill(f *os.File, name string) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(name)
	return err == nil && os.SameFile(opened, named)
}

// replaceFile puts a file of the new text, and of the old one's mode, in its place.
func replaceFile(old *os.File, name, text string) error {
	info, err := old.Stat()
	if err != nil {
		return err
	}
	folder, before := filepath.Dir(name), "."+filepath.Base(name)+".keyhatch-"
	if runtime.GOOS != "windows" { // where it is not for sure that nobody writes one now
		sweep(folder, before)
	}
	temp, err := os.CreateTemp(folder, before+"*") // 0600
	if err != nil {
		return err
	}
	_, err = temp.WriteString(text)
	if err == nil && runtime.GOOS != "windows" {
		err = temp.Chmod(info.Mode().Perm())
	}
	if err = errors.Join(err, temp.Sync(), temp.Close()); err == nil {
		if runtime.GOOS == "windows" { // a file that is open is not replaced there
			old.Close()
		}
		err = os.Rename(temp.Name(), name)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
		return err
	}
	return syncFolder(folder)
}

// sweep removes what a process left that was killed while it wrote: it may hold secrets.
// Who has the lock is the only one to write.
func sweep(folder, before string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return // it is only cleaner without
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), before) {
			_ = os.Remove(filepath.Join(folder, e.Name()))
		}
	}
}

// syncFolder makes sure that a new name is there after a power cut, too, where the
// system can do that.
func syncFolder(folder string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil // not with a folder of this kind
	}
	return errors.Join(err, f.Close())
}
