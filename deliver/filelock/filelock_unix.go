//go:build unix

package filelock

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Try takes the file's lock, or returns ErrLocked. The lock ends when the file is
// closed, also by the end of the process.
func Try(f *os.File) error {
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
		return ErrLocked
	}
	return errors.Join(err, failed)
}
