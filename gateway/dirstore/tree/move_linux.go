package tree

import (
	"os"
	"path/filepath"
	"syscall"
)

// moveTo puts the draft into a folder that is open, where nobody who may write in
// it can lead us elsewhere: the path to it could be a link to another bucket by
// now. os.Root renames only within one folder of its own.
func (d *draft) moveTo(folder *os.Root, p place) error {
	from, err := d.t.root.Open(filepath.Dir(d.path))
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := folder.Open(".")
	if err != nil {
		return err
	}
	defer to.Close()
	return syscall.Renameat(int(from.Fd()), filepath.Base(d.path), int(to.Fd()), p.name)
}
