//go:build unix

package deliver

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// lockFile takes the file's lock, or says errLocked. The lock ends when the file is
// closed, also by the end of the process.
func lockFile(f *os.File) error {
	connection, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = connection.Control(func(fd uintptr) {
		failed = unix.Flock(int(fd), unix.LOCK_EX|unix.LOCK_NB)
		for errors.Is(failed, unix.EINTR) {
			failed = unix.Flock(int(fd), unix.LOCK_EX|unix.LOCK_NB)
		}
	})
	if errors.Is(failed, unix.EWOULDBLOCK) {
		return errLocked
	}
	return errors.Join(err, failed)
}

// mine tells whether the file belongs to the user who runs this process.
func mine(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// open tells whether other users can do anything with the file.
func open(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }
