package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/gateway/dirstore/disk"
)

func TestConcurrentPutsOfOneKey(t *testing.T) {
	s := newSite(t)
	s.put("d/k", version(0), "n", "0")
	var writers, readers sync.WaitGroup
	var done atomic.Bool
	for w := range 4 {
		writers.Go(func() {
			for i := range 25 {
				n := w*100 + i
				s.put("d/k", version(n), "n", fmt.Sprint(n))
			}
		})
	}
	for range 2 {
		readers.Go(func() {
			for !done.Load() {
				s.wantWhole(s.get("d/k"))
				if entries := s.entries(); len(entries) != 1 || strings.HasSuffix(entries[0].ETag, "-1") {
					t.Errorf("listed as %v", entries)
				}
			}
		})
	}
	writers.Wait()
	done.Store(true)
	readers.Wait()
	s.wantClean()
}

// Folders come and go under puts and removes; no put is lost to that.
func TestPutsAndRemovesInOneFolder(t *testing.T) {
	s := newSite(t)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			key := fmt.Sprintf("a/b/c/%d", w)
			for n := range 15 {
				s.put(key, version(n), "n", fmt.Sprint(n))
				s.wantWhole(s.get(key))
				if n%2 == 0 {
					s.remove(key)
					continue
				}
				unlock := s.tree.Lock(bucket, key)
				if err := s.tree.RemoveLocked(bucket, key); err != nil {
					t.Error(err)
				}
				unlock()
			}
		})
	}
	wg.Wait()
	s.wantKeys()
}

// Between a look under the lock and the removal nobody writes.
func TestLockKeepsWritersOut(t *testing.T) {
	s := newSite(t)
	s.put("k", version(0), "n", "0")
	unlock := s.tree.Lock(bucket, "k")
	taken := errors.New("somebody wrote")
	var put sync.WaitGroup
	put.Go(func() {
		_, err := s.tree.Put(bucket, "k", nil, strings.NewReader(version(1)), -1, func(old *Record) error {
			if old != nil {
				return taken
			}
			return nil
		})
		if err != nil {
			t.Errorf("the put came before the removal: %v", err)
		}
	})
	time.Sleep(20 * time.Millisecond) // the put gets as far as it can
	s.wantWhole(s.get("k"))
	if err := s.tree.RemoveLocked(bucket, "k"); err != nil {
		t.Error(err)
	}
	unlock()
	put.Wait()
	s.wantKeys("k")
}

// A folder that is removed and made again between two looks at it is a folder all
// the same. It was once taken for a link, and a put refused.
func TestFolderMadeAgain(t *testing.T) {
	s := newSite(t)
	s.put("x", "") // and the bucket's folder
	root, err := os.OpenRoot(s.path(bucket))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var done atomic.Bool
	var maker sync.WaitGroup
	maker.Go(func() {
		for n := 0; !done.Load(); n++ {
			// Another folder is ready, so that the inode is another one.
			os.Mkdir(s.path(bucket, fmt.Sprint("next", n%2)), 0o777)
			os.Remove(s.path(bucket, "d"))
			os.Rename(s.path(bucket, fmt.Sprint("next", n%2)), s.path(bucket, "d"))
		}
	})
	defer maker.Wait()
	defer done.Store(true)
	for range 5000 {
		folder, err := disk.Step(root, "d")
		if err == nil {
			folder.Close()
		} else if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
}
