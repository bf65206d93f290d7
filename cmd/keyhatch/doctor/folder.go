package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/keyhatch/keyhatch/db"
)

// folders looks at those in which directory stores may lie.
func folders(_ context.Context, p *patient) (out []Finding) {
	c := p.config
	for _, root := range c.DirectoryRoots {
		out = append(out, folder(root))
		real, err := filepath.EvalSymlinks(root)
		if err != nil {
			continue // which folder has told
		}
		files := []string{c.KeyFile, c.Keys.Previous.File, c.DatabasePasswordFile, c.Arvados.SystemRootTokenFile}
		if !db.OnServer(c.Database) {
			files = append(files, c.Database)
		}
		for _, file := range files {
			if at, err := filepath.EvalSymlinks(file); file != "" && err == nil && inside(real, at) {
				out = append(out, failed(root, "it holds "+file+", by a link: whoever may make stores could serve it", "move one of them elsewhere"))
			}
		}
	}
	return out
}

// folder looks whether a store could be served from a folder.
func folder(path string) Finding {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return failed(path, err.Error(), "make it, owned by the user that the server runs as: install -d -m 700 "+path)
	case !info.IsDir():
		return failed(path, "it is no folder", "name a folder")
	case !writable(path):
		return failed(path, "this user may not write to it", "chown it to the user that the server runs as, and run doctor as that user")
	}
	return room(path, "stores cannot be written to when it is full")
}

// inside tells whether a path is that of the folder, or leads below it.
func inside(folder, path string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// little is what is little room on a disk, in bytes.
const little = 1 << 30

// room looks at the room on the disk of a path.
func room(path, else_ string) Finding {
	free, total, known := space(path)
	switch {
	case !known:
		return ok(path, "it is there")
	case free < little || free < total/50:
		return warning(path, fmt.Sprintf("its disk has %s left of %s: %s", bytes(free), bytes(total), else_), "make room, or move it to a larger disk")
	}
	return ok(path, fmt.Sprintf("its disk has %s left of %s", bytes(free), bytes(total)))
}

// bytes writes a number of bytes as people read it.
func bytes(n uint64) string {
	if n < 1<<30 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d GiB", n>>30)
}
