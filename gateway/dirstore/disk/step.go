package disk

import (
	"errors"
	"os"
)

// What stands where a folder is looked for.
var (
	ErrFileAbove = errors.New("a file is where a folder is needed")
	ErrNotFile   = errors.New("neither a file nor a folder is there")
	ErrMoving    = errors.New("replaced too often for a steady look")
)

// Step opens a folder in a folder. os.Root alone would follow a link that stays
// inside the tree, and so lead from one bucket or prefix into another.
func Step(parent *os.Root, name string) (*os.Root, error) {
	for range 100 {
		if child, err := tryStep(parent, name); child != nil || err != nil {
			return child, err
		}
	}
	return nil, ErrMoving
}

// tryStep is Step that returns nothing when something else took the folder's place
// meanwhile: that can be a folder too, removed and made again.
func tryStep(parent *os.Root, name string) (*os.Root, error) {
	before, err := parent.Lstat(name)
	switch {
	case err != nil:
		return nil, err
	case before.Mode().IsRegular():
		return nil, ErrFileAbove
	case !before.IsDir():
		return nil, ErrNotFile
	}
	child, err := parent.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	after, err := child.Stat(".")
	if err != nil || !os.SameFile(before, after) {
		child.Close()
		return nil, err
	}
	return child, nil
}
