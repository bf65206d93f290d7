//go:build unix

package deliver

import (
	"io/fs"
	"os"
	"syscall"
)

// mine tells whether the file belongs to the user who runs this process.
func mine(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// open tells whether other users can do anything with the file.
func open(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }
