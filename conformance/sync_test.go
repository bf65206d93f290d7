package conformance

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/keyhatch/keyhatch/internal/devserver"
)

const syncedFiles = 500

// syncs are how many there are in a row. rclone asks for every file in each of
// them.
var syncs = map[string]int{"aws-s3": 10, "rclone": 10, "s3cmd": 2}

// TestSync keeps a prefix the same as a folder of 500 files, ten syncs in a row, with
// changed, new and removed files between them, and another folder the same as the
// prefix: after the first and after the last. Clients keep connections open and ask
// many things at once; not one request may fail, not even one that the client would
// repeat, so the server's log is read for that.
func TestSync(t *testing.T) {
	for turn, name := range ableTo(opSyncUp) {
		servers := []*sharedServer{overHTTP, overTLS}
		for _, v := range []visit{{servers[turn%2], directory}, {servers[(turn+1)%2], inTurn(turn)}} {
			v.at(t, name, func(t *testing.T, p place, c client) {
				prefix := p.own + "sync-" + name + "/"
				l := p.lend(t, prefix, "write")
				var connections *atomic.Int64
				l.Endpoint, connections = counted(t, l.Endpoint)
				from, to := t.TempDir(), t.TempDir()
				files := map[string][]byte{}
				for i := range syncedFiles {
					files[fmt.Sprintf("%d/a b+c/ü%d.txt", i%7, i)] = content(fmt.Sprint(i), 10*i)
				}
				for round := range syncs[name] {
					if round > 0 {
						change(files, round)
					}
					fill(t, from, files)
					c.also(opSyncUp, l, insideOf(name, from), prefix).must(t)
					if round == 0 || round == syncs[name]-1 {
						c.also(opSyncDown, l, prefix, insideOf(name, to)).must(t)
						mustBeFolder(t, to, files)
					}
				}
				requests := mustHaveAnsweredAll(t, p, l, syncs[name])
				t.Logf("%d connections for the requests %v", connections.Load(), requests)
				if all := int64(requests["all"]); connections.Load() > all/4 {
					t.Errorf("%d requests on %d connections: they are not kept", all, connections.Load())
				}
			})
		}
	}
}

// counted gives another address of an endpoint, at which connections are counted.
func counted(t *testing.T, endpoint string) (address string, connections *atomic.Int64) {
	t.Helper()
	scheme, host, _ := strings.Cut(endpoint, "://")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	connections = &atomic.Int64{}
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			far, err := net.Dial("tcp", host)
			if err != nil {
				near.Close()
				continue
			}
			for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
				go func() {
					io.Copy(way[0], way[1])
					way[0].(*net.TCPConn).CloseWrite()
				}()
			}
		}
	}()
	return scheme + "://" + l.Addr().String(), connections
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
// asked, and that the log is one of such requests at all. It counts them by
// operation.
func mustHaveAnsweredAll(t *testing.T, p place, l devserver.Lease, syncs int) map[string]int {
	t.Helper()
	count := map[string]int{}
	for _, r := range mustLog(t, p, l.ID) {
		count["all"]++
		count[r.Operation]++
		switch r.Operation { // clients differ
		case "ListObjects", "ListObjectsV2":
			count["list"]++
		case "DeleteObject", "DeleteObjects":
			count["delete"]++
		}
		if r.Status/100 != 2 && r.Status/100 != 3 {
			t.Errorf("a request failed: %+v", r)
		}
	}
	for operation, least := range map[string]int{
		"list": syncs + 2, "PutObject": syncedFiles + 40*(syncs-1), "GetObject": syncedFiles + 40, "delete": syncs - 1,
	} {
		if count[operation] < least {
			t.Errorf("the log has %d of %s, want %d or more", count[operation], operation, least)
		}
	}
	return count
}
