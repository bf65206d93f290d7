package deliver

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// lockFile takes the file's lock, or says errLocked. The lock ends when the file is
// closed, also by the end of the process.
func lockFile(f *os.File) error {
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
		return errLocked
	}
	return errors.Join(err, failed)
}

// Who may use a file is told by its folder's access list here, and a user's own
// folders let nobody else in.
func mine(fs.FileInfo) bool { return true }
func open(fs.FileInfo) bool { return false }
