package deliver

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

const (
	leaseSuffix = ".lease"
	tempPrefix  = "new-"
	magic       = "keyhatch lease 1\n"
	header      = len(magic) + 8 // the magic, and when the lease ends (Unix seconds)
	maxFile     = 64 << 10
)

// list is the names of all files.
func (c *Cache) list() ([]string, error) {
	dir, err := c.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.Readdirnames(-1)
}

// load reads a kept lease. Whatever is not exactly what store wrote is none.
func (c *Cache) load(name string) (h held, ok bool) {
	text, err := c.read(name, maxFile)
	if err != nil || len(text) < header || string(text[:len(magic)]) != magic {
		return held{}, false
	}
	plain, err := c.aead.Open(nil, nil, text[header:], associated(name, text[:header]))
	if err != nil || json.Unmarshal(plain, &h) != nil || CheckLent(h.Lent) != nil {
		return held{}, false
	}
	return h, true
}

// associated binds what is sealed to its file's name and beginning, so that one
// request's lease cannot be put in the place of another's.
func associated(name string, head []byte) []byte { return append([]byte(name+"\n"), head...) }

// read reads at most that much of a regular file of ours.
func (c *Cache) read(name string, most int64) ([]byte, error) {
	info, err := c.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || !mine(info) || open(info) {
		return nil, fs.ErrPermission
	}
	f, err := c.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}

// store writes a lease beside its place and puts it there whole. What a process
// leaves that is killed in between is sealed, and swept later.
func (c *Cache) store(name string, h held) error {
	plain, err := json.Marshal(h)
	if err != nil {
		return err
	}
	head := binary.BigEndian.AppendUint64([]byte(magic), uint64(h.Lent.ExpiresAt.Unix()))
	sealed := c.aead.Seal(nil, nil, plain, associated(name, head))
	temp := fmt.Sprintf("%s%d-%d", tempPrefix, os.Getpid(), time.Now().UnixNano())
	f, err := c.root.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(head, sealed...))
	if err = errors.Join(err, f.Close()); err == nil {
		err = c.root.Rename(temp, name)
	}
	if err != nil {
		_ = c.root.Remove(temp)
	}
	return err
}
