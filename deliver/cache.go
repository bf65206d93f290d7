package deliver

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/deliver/filelock"
)

// Cache keeps leases on disk, for processes that come and go: each asks for the
// lease of its request, and however many ask at once, one of them borrows it.
//
// A lease is in a file of its own, sealed (AES-256-GCM) under a key that comes from
// the API token and the server's address: who has the file but not the token has
// nothing, and with another token there is nothing in the cache. The name is a keyed
// hash of the request, so it does not tell what is read where. The beginning of the
// file tells when the lease ends, so that anybody's old ones can be swept.
type Cache struct {
	root  *os.Root
	names []byte
	aead  cipher.AEAD
}

// CacheFolder is where a user's leases are kept, unless told otherwise.
func CacheFolder() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(base, "keyhatch", "leases"), nil
}

// UnsafeFolder is the error of a cache folder in which others could read or write.
// Its caller goes on without a cache.
type UnsafeFolder struct{ Folder, Why string }

func (e *UnsafeFolder) Error() string {
	return fmt.Sprintf("leases are not kept in %s: %s", e.Folder, e.Why)
}

// OpenCache opens the folder, which is made when it is missing, for the leases that
// the token borrows from the server. The error is an UnsafeFolder when the folder is
// a symbolic link, another user's, or open to others. Close the cache after use.
func OpenCache(folder, server, token string) (*Cache, error) {
	if token == "" {
		return nil, errors.New("a cache of leases needs the token that they are borrowed with")
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("the cache of leases: %w", err)
	}
	// What is looked at is what is used: the open folder, not its name.
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("the cache of leases: %w", err)
	}
	if err := safe(root, folder); err != nil {
		root.Close()
		return nil, err
	}
	c := &Cache{root: root}
	if err := c.derive(strings.TrimSuffix(server, "/"), token); err != nil {
		root.Close()
		return nil, err
	}
	return c, nil
}

// Close lets go of the folder.
func (c *Cache) Close() error { return c.root.Close() }

func safe(root *os.Root, folder string) error {
	opened, err := root.Stat(".")
	if err != nil {
		return err
	}
	named, err := os.Lstat(folder)
	if err != nil {
		return err
	}
	switch {
	case !os.SameFile(opened, named):
		return &UnsafeFolder{folder, "it is a symbolic link: name the folder itself"}
	case !mine(opened):
		return &UnsafeFolder{folder, "it belongs to another user"}
	case open(opened):
		return &UnsafeFolder{folder, "other users can look into it: chmod 700 it"}
	}
	return nil
}

// derive makes the keys. The server and the token are joined so that no other pair
// makes the same ones.
func (c *Cache) derive(server, token string) error {
	salt := sha256.Sum256([]byte(server))
	root, err := hkdf.Extract(sha256.New, []byte(token), salt[:])
	if err != nil {
		return err
	}
	if c.names, err = hkdf.Expand(sha256.New, root, "keyhatch lease cache 1: names", 32); err != nil {
		return err
	}
	key, err := hkdf.Expand(sha256.New, root, "keyhatch lease cache 1: contents", 32)
	if err != nil {
		return err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	c.aead, err = cipher.NewGCMWithRandomNonce(block)
	return err
}

// Request is what a lease is borrowed for. Equal requests share a lease.
type Request struct {
	Workspace string // as it is given to the server; empty where it is implied
	api.LeaseRequest
}

const (
	leaseSuffix = ".lease"
	tempPrefix  = "new-"
	magic       = "keyhatch lease 1\n"
	header      = len(magic) + 8 // the magic, and when the lease ends (Unix seconds)
	maxFile     = 64 << 10
)

func (c *Cache) name(r Request) (string, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, c.names)
	mac.Write(text)
	sum := mac.Sum(nil)[:20]
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum)) + leaseSuffix, nil
}

// Keep returns a Lend that hands out the kept lease of the request, and borrows and
// keeps one when there is none or it is due to be renewed. An error is not kept.
// One that may pass (see Final) is not even told while the lease that is there still
// lives. A file that cannot be read, or is not one of ours, counts as none.
//
// A cache that fails, as on a full disk, does not keep anybody from a lease.
func (c *Cache) Keep(r Request, lend Lend) Lend {
	return func(ctx context.Context) (api.Lent, error) {
		name, err := c.name(r)
		if err != nil {
			return api.Lent{}, err
		}
		before, _ := c.load(name)
		if before.fresh(time.Now()) {
			return before.Lent, nil
		}
		wait := lendTime
		if before.alive(time.Now().Add(waitForNextHere)) {
			wait = waitForNextHere
		}
		ctx, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		lock, h, err := c.turn(ctx, name)
		switch {
		case err != nil && before.alive(time.Now()):
			return before.Lent, nil
		case err != nil:
			return api.Lent{}, err
		case lock != nil:
			defer lock.Close()
		case h.fresh(time.Now()):
			return h.Lent, nil
		}
		return c.renew(ctx, name, h, lend)
	}
}

// Renew returns a Lend that borrows, and keeps it in the place of what is kept: one
// that ended early is handed out by Keep until it would have been due.
func (c *Cache) Renew(r Request, lend Lend) Lend {
	return func(ctx context.Context) (api.Lent, error) {
		name, err := c.name(r)
		if err != nil {
			return api.Lent{}, err
		}
		return c.renew(ctx, name, held{}, lend)
	}
}

// waitForNextHere is how long a process that has a lease that lives waits for the
// next one: the client behind it waits with it.
const waitForNextHere = 5 * time.Second

// turn waits until either somebody else has renewed the lease or it is this
// process's turn to. Without a lock and without a fresh lease, the folder cannot
// have locks.
func (c *Cache) turn(ctx context.Context, name string) (lock io.Closer, h held, err error) {
	const pause = 20 * time.Millisecond
	for {
		lock, err := c.tryLock(name)
		h, _ := c.load(name)
		switch {
		case h.fresh(time.Now()):
			if lock != nil {
				lock.Close()
			}
			return nil, h, nil
		case !errors.Is(err, filelock.ErrLocked):
			return lock, h, nil
		}
		select {
		case <-ctx.Done():
			return nil, h, context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

// tryLock takes the lock of a lease. There are a few locks for all leases: their
// files stay, and removing such a file while others wait for it would make two of
// them. The lock itself ends with the process.
func (c *Cache) tryLock(name string) (io.Closer, error) {
	file := "lock-" + name[:1]
	if info, err := c.root.Lstat(file); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", file)
	}
	f, err := c.root.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := filelock.Try(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (c *Cache) renew(ctx context.Context, name string, old held, lend Lend) (api.Lent, error) {
	h, err := borrow(ctx, lend)
	switch {
	case err == nil:
	case !ends(err) && old.alive(time.Now()):
		return old.Lent, nil
	default:
		return api.Lent{}, err
	}
	if err := c.store(name, h); err == nil {
		c.sweep()
	}
	return h.Lent, nil
}

// load reads a kept lease. Whatever is not exactly what store wrote is none.
func (c *Cache) load(name string) (h held, ok bool) {
	text, err := c.read(name, maxFile)
	if err != nil || len(text) < header || string(text[:len(magic)]) != magic {
		return held{}, false
	}
	plain, err := c.aead.Open(nil, nil, text[header:], associated(name, text[:header]))
	if err != nil || json.Unmarshal(plain, &h) != nil || check(h.Lent) != nil {
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

// unfinished is how long a file may rest that was to become a lease.
const unfinished = time.Hour

// sweep removes what is over: leases that have ended, whoever's they were, and what
// killed processes left behind. What goes wrong is for the next sweep.
func (c *Cache) sweep() {
	dir, err := c.root.Open(".")
	if err != nil {
		return
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return
	}
	for _, name := range names {
		if c.over(name) {
			_ = c.root.Remove(name)
		}
	}
}

func (c *Cache) over(name string) bool {
	switch {
	case strings.HasPrefix(name, tempPrefix):
		info, err := c.root.Lstat(name)
		return err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > unfinished
	case strings.HasSuffix(name, leaseSuffix):
		head, err := c.read(name, int64(header))
		if err != nil || len(head) < header || string(head[:len(magic)]) != magic {
			return false // not ours to remove
		}
		ends := time.Unix(int64(binary.BigEndian.Uint64(head[len(magic):])), 0)
		return time.Now().After(ends)
	}
	return false
}
