package deliver

import (
	"cmp"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
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
	Workspace string // as it is given to the server, an id in profiles; empty where it is implied
	api.LeaseRequest
}

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
// lives, and the server is then left alone for a while. A file that cannot be read, or
// is not one of ours, counts as none.
//
// A cache that fails, as on a full disk, does not keep anybody from a lease.
func (c *Cache) Keep(r Request, lend Lend) Lend {
	return func(ctx context.Context) (api.Lent, error) {
		name, err := c.name(r)
		if err != nil {
			return api.Lent{}, err
		}
		before, _ := c.load(name)
		if before.goesOn(time.Now(), askAgainHere) {
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
			defer lock.Release()
		case h.goesOn(time.Now(), askAgainHere):
			return h.Lent, nil
		}
		return c.renew(ctx, name, h, lend)
	}
}

// Renew returns a Lend that borrows, and keeps it in the place of what is kept: one
// that ended early is handed out by Keep until it would have been due. It is kept for
// the request that names the workspace of the lease, as a profile's does.
func (c *Cache) Renew(r Request, lend Lend) Lend {
	return func(ctx context.Context) (api.Lent, error) {
		h, err := borrow(ctx, lend)
		if err != nil {
			return api.Lent{}, err
		}
		r := r
		r.Workspace = cmp.Or(h.Lent.Workspace, r.Workspace)
		name, err := c.name(r)
		if err != nil {
			return api.Lent{}, err
		}
		defer c.lock(ctx, name).Release()
		c.keep(name, h)
		return h.Lent, nil
	}
}

const (
	// waitForNextHere is how long a process that has a lease that lives waits for the
	// next one: the client behind it waits with it.
	waitForNextHere = 5 * time.Second
	// askAgainHere is how long processes that have a lease that lives leave a server
	// alone that failed. Some clients run one for each request.
	askAgainHere = 30 * time.Second
)

// turn waits until either somebody else has renewed the lease, or tried to, or it is
// this process's turn to. Without a lock and without a lease to go on with, the folder
// cannot have locks.
func (c *Cache) turn(ctx context.Context, name string) (*filelock.Named, held, error) {
	for {
		l, err := c.tryLock(name)
		h, _ := c.load(name)
		switch {
		case h.goesOn(time.Now(), askAgainHere):
			l.Release()
			return nil, h, nil
		case !errors.Is(err, filelock.ErrLocked):
			return l, h, nil
		}
		select {
		case <-ctx.Done():
			return nil, h, context.Cause(ctx)
		case <-time.After(lockPause):
		}
	}
}

// renew borrows in the turn of this process.
func (c *Cache) renew(ctx context.Context, name string, old held, lend Lend) (api.Lent, error) {
	h, err := borrow(ctx, lend)
	switch {
	case err == nil:
		c.keep(name, h)
		return h.Lent, nil
	case ends(err):
		_ = c.root.Remove(name) // S3 says no to it anyway
	case old.alive(time.Now()):
		old.Failed = time.Now()
		_ = c.store(name, old) // else the next process finds out by itself
		return old.Lent, nil
	}
	return api.Lent{}, err
}

// keep stores a lease, and sweeps.
func (c *Cache) keep(name string, h held) {
	if err := c.store(name, h); err == nil {
		c.sweep()
	}
}

// Drop forgets a lease that has ended, by its id, so that the next who wants one like
// it gets another. Only leases that this cache's token borrowed can be looked at.
func (c *Cache) Drop(ctx context.Context, id string) error {
	names, err := c.list()
	if err != nil {
		return err
	}
	for _, name := range names {
		if h, ok := c.load(name); ok && h.Lent.ID == id {
			return c.drop(ctx, name, id)
		}
	}
	return nil
}

// drop removes a lease, unless another is in its place when it is nobody's turn.
func (c *Cache) drop(ctx context.Context, name, id string) error {
	defer c.lock(ctx, name).Release()
	if h, ok := c.load(name); !ok || h.Lent.ID != id {
		return nil
	}
	return c.root.Remove(name)
}
