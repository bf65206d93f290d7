package conformance

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/keyhatch/keyhatch/internal/devserver"
)

const (
	syncedFiles = 500
	// Each round is a sync up and one down.
	syncRounds = 5
)

// TestSync keeps a folder of 500 files the same as a prefix, ten syncs in a row,
// with changed, new and removed files between them. Clients keep connections open
// and ask many things at once; not one request may fail, not even one that the
// client would repeat, so the server's log is read for that.
func TestSync(t *testing.T) {
	for turn, c := range movers {
		for _, k := range []kind{directory, inTurn(turn)} {
			t.Run(c.name+"/"+k.name, func(t *testing.T) {
				t.Parallel()
				c.make(t, "") // first, so that nothing is started when the client is not there
				p := overHTTP.with(t, k)
				m := c.make(t, p.bucket)
				prefix := p.own + "sync-" + c.name + "/"
				l := p.lend(t, prefix, "write")
				from, to := t.TempDir(), t.TempDir()
				files := map[string][]byte{}
				for i := range syncedFiles {
					files[fmt.Sprintf("%d/a b+c/ü%d.txt", i%7, i)] = content(fmt.Sprint(i), 10*i)
				}
				for round := range syncRounds {
					if round > 0 {
						change(files, round)
					}
					fill(t, from, files)
					m.syncUp(l, from, prefix).must(t)
					m.syncDown(l, prefix, to).must(t)
					mustBeFolder(t, to, files)
				}
				mustHaveAnsweredAll(t, p, l)
			})
		}
	}
}

// change rewrites, adds and removes some files.
func change(files map[string][]byte, round int) {
	names := slices.Sorted(maps.Keys(files))
	dice := rand.New(rand.NewPCG(0, uint64(round)))
	dice.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	for _, name := range names[:10] {
		delete(files, name)
	}
	for _, name := range names[10:40] {
		// Another size: clients look at that, and at times in whole seconds.
		files[name] = content(name, len(files[name])+round)
	}
	for i := range 10 {
		name := fmt.Sprintf("new/%d-%d", round, i)
		files[name] = content(name, 1000)
	}
}

// fill makes a folder have these files and no others. What has not changed is not
// touched.
func fill(t *testing.T, folder string, files map[string][]byte) {
	t.Helper()
	have := read(t, folder)
	for name := range have {
		if _, ok := files[name]; !ok {
			if err := os.Remove(filepath.Join(folder, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, text := range files {
		if old, ok := have[name]; ok && bytes.Equal(old, text) {
			continue
		}
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// read reads the files of a folder.
func read(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err == nil {
			files[filepath.ToSlash(name)], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func mustBeFolder(t *testing.T, folder string, want map[string][]byte) {
	t.Helper()
	got := read(t, folder)
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s came, and is not one of the files", name)
		}
	}
	for name, text := range want {
		if have, ok := got[name]; !ok || !bytes.Equal(have, text) {
			t.Errorf("%s came with %d bytes (%v), not as the %d that it has", name, len(have), ok, len(text))
		}
	}
}

// mustHaveAnsweredAll looks whether every request with the lease was done as
// asked, and that the log is one of such requests at all.
func mustHaveAnsweredAll(t *testing.T, p place, l devserver.Lease) {
	t.Helper()
	count := map[string]int{}
	for _, r := range mustLog(t, p, l.ID) {
		count[r.Operation]++
		if r.Operation == "ListObjects" || r.Operation == "ListObjectsV2" { // clients differ
			count["list"]++
		}
		if r.Status/100 != 2 && r.Status/100 != 3 {
			t.Errorf("a request failed: %+v", r)
		}
	}
	t.Log("requests:", count)
	for operation, least := range map[string]int{
		"list": 2 * syncRounds, "PutObject": syncedFiles, "GetObject": syncedFiles, "DeleteObject": 10,
	} {
		if count[operation] < least {
			t.Errorf("the log has %d of %s, want %d or more", count[operation], operation, least)
		}
	}
}
