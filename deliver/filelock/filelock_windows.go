package filelock

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// Try takes the file's lock, or returns ErrLocked. The lock ends when the file is
// closed, also by the end of the process.
func Try(f *os.File) error {
	connection, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = connection.Control(func(handle uintptr) {
		failed = windows.LockFileEx(windows.Handle(handle), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
			0, 1, 0, new(windows.Overlapped))
	})
	if errors.Is(failed, windows.ERROR_LOCK_VIOLATION) || errors.Is(failed, windows.ERROR_IO_PENDING) {
		return ErrLocked
	}
	return errors.Join(err, failed)
}
