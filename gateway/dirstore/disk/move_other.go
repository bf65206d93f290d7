//go:build !linux

package disk

import "os"

// MoveTo puts the draft into a folder that is open. Here that takes its path below the
// root.
func (d *Draft) MoveTo(_ *os.Root, _, path string) error {
	return d.d.Root.Rename(d.Path, path)
}
