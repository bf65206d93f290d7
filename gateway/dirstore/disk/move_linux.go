package disk

import (
	"os"
	"path/filepath"
	"syscall"
)

// MoveTo puts the draft into a folder that is open, under a name, where nobody who may write in
// it can lead us elsewhere: the path to it could be a link to another bucket by
// now. os.Root renames only within one folder of its own.
func (d *Draft) MoveTo(folder *os.Root, name, _ string) error {
	from, err := d.d.Root.Open(filepath.Dir(d.Path))
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := folder.Open(".")
	if err != nil {
		return err
	}
	defer to.Close()
	return syscall.Renameat(int(from.Fd()), filepath.Base(d.Path), int(to.Fd()), name)
}
