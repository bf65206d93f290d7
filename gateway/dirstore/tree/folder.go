package tree

import (
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"
)

// sortedFolders remembers the large folders that were listed last, so that
// paging through one reads it once and not once a page.
type sortedFolders struct {
	mu   sync.Mutex
	seen []sortedFolder // the latest first
}

type sortedFolder struct {
	path  string
	info  fs.FileInfo
	names []string
}

const (
	maxFolders  = 4
	largeFolder = 1000      // names; a smaller one is read about as fast as looked up
	hugeFolder  = 1_000_000 // names; four larger ones would hold too much memory
	// A folder's time may stand still for some milliseconds while it changes.
	// Only one that was left alone for longer can be told to be unchanged.
	settled = 2 * time.Second
)

// read returns the names in a folder that can be parts of keys, in the order of
// keys: folders have a slash at their end.
func (c *sortedFolders) read(t *Tree, path string, folder *os.Root) ([]string, error) {
	f, err := folder.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	begun := time.Now()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if names, ok := c.recall(path, info); ok {
		return names, nil
	}

	t.foldersRead.Add(1)
	var names []string
	for {
		entries, err := f.ReadDir(4096)
		for _, e := range entries {
			switch {
			case e.IsDir():
				names = append(names, e.Name()+"/")
			case e.Type().IsRegular():
				names = append(names, e.Name())
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(names)
	if len(names) >= largeFolder && len(names) <= hugeFolder && begun.Sub(info.ModTime()) > settled {
		c.remember(sortedFolder{path, info, names})
	}
	return names, nil
}

func (c *sortedFolders) recall(path string, info fs.FileInfo) ([]string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.seen {
		if f.path == path && unchanged(f.info, info) {
			return f.names, true
		}
	}
	return nil, false
}

func (c *sortedFolders) remember(f sortedFolder) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := slices.DeleteFunc(c.seen, func(o sortedFolder) bool { return o.path == f.path })
	c.seen = append([]sortedFolder{f}, kept[:min(len(kept), maxFolders-1)]...)
}
