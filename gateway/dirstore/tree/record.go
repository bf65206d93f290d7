package tree

import (
	"io/fs"
	"time"

	"github.com/keyhatch/keyhatch/gateway/dirstore/disk"
)

// Record is what a file cannot hold, bound by size, time and inode to the file
// that it describes. A marker's is bound to nothing.
type Record struct {
	Size   int64             `json:"size"`
	Mtime  int64             `json:"mtime_ns"`
	Inode  uint64            `json:"inode,omitempty"`
	ETag   string            `json:"etag"`             // without quotes
	Header map[string]string `json:"header,omitempty"` // canonical names, UTF-8 values
	Parts  []int64           `json:"parts,omitempty"`  // sizes, of an upload in parts
	Upload string            `json:"upload,omitempty"` // its id
}

// Modified is the file's modification time.
func (r Record) Modified() time.Time { return time.Unix(0, r.Mtime) }

// bind makes the record one of this file.
func (r Record) bind(info fs.FileInfo) Record {
	r.Size, r.Mtime, r.Inode = info.Size(), info.ModTime().UnixNano(), disk.Inode(info)
	return r
}

// exact returns the record of this very file.
func exact(records []Record, info fs.FileInfo) (Record, bool) {
	for _, r := range records {
		if r.bind(info).sameFile(r) {
			return r, true
		}
	}
	return Record{}, false
}

func (r Record) sameFile(o Record) bool {
	return r.Size == o.Size && r.Mtime == o.Mtime && r.Inode == o.Inode
}

// likely returns the record of a file that has none of its own: that of the same
// size and the same time to the nanosecond, which is a copy of the tree on
// another disk; else one made from what the file itself tells. A time of whole
// seconds proves too little.
func likely(records []Record, info fs.FileInfo) Record {
	found := Record{ETag: bareTag(info)}
	matches := 0
	for _, r := range records {
		if r.Size == info.Size() && r.Mtime == info.ModTime().UnixNano() && r.Mtime%1e9 != 0 {
			found = r
			matches++
		}
	}
	if matches > 1 {
		found = Record{ETag: bareTag(info)}
	}
	return found.bind(info)
}
