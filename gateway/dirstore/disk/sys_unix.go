//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package disk

import (
	"io/fs"
	"os"
	"syscall"
)

// OpenFlags keep an open from following a link and from waiting for the other
// end of a fifo that took a file's place after it was looked at.
const OpenFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// Inode is the file's number, or 0 when it is not known.
func Inode(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Ino)
	}
	return 0
}

// lockFile takes the lock that ends with the process, or fails at once.
func lockFile(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

// SyncFolder makes the entries of a folder durable.
func SyncFolder(folder *os.Root) error {
	f, err := folder.Open(".")
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
