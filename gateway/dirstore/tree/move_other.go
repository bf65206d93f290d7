//go:build !linux

package tree

import (
	"os"
	"path/filepath"
)

// moveTo puts the draft into a folder that is open. Here that takes its path.
func (d *draft) moveTo(_ *os.Root, p place) error {
	return d.t.root.Rename(d.path, filepath.FromSlash(p.bucket+"/"+p.key))
}
