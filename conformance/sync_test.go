package conformance

import (
	"bytes"
	"crypto/md5"
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

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/keyhatch/keyhatch/internal/devserver"
)

const (
	syncedFiles = 500
	syncs       = 10
)

// TestSync keeps a prefix the same as a folder of 500 files, ten syncs in a row, with
// changed, new and removed files between them; after each the store must have what
// the folder has. Another folder is made the same as the prefix, after the first and
// after the last. Clients keep connections open and ask many things at once; not one
// request may fail, not even one that the client would repeat, so the server's log is
// read for that.
func TestSync(t *testing.T) {
	for turn, name := range ableTo(opSyncUp) {
		for _, v := range bothKinds(turn) {
			v.at(t, name, func(t *testing.T, p place, c client) {
				prefix := p.own + "sync-" + name + "/"
				l := p.lend(t, prefix, "write")
				var connections *atomic.Int64
				l.Endpoint, connections = counted(t, l.Endpoint)
				looking := newGoSDK(t, p.bucket).(goSDK).client(p.lend(t, prefix, "read"))

				from, to := t.TempDir(), t.TempDir()
				files := map[string][]byte{}
				for i := range syncedFiles {
					files[fmt.Sprintf("%d/a b+c/ü%d.txt", i%7, i)] = content(fmt.Sprint(i), 10*i)
				}
				if !can(name, opPutEmpty) {
					files["0/a b+c/ü0.txt"] = content("0", 1)
				}
				for round := range syncs {
					if round > 0 {
						change(files, round, can(name, opRemove))
					}
					fill(t, from, files)
					c.also(opSyncUp, l, insideOf(name, from), prefix).must(t)
					mustHold(t, listAll(t, looking, p.bucket, prefix), files)
					if round == 0 || round == syncs-1 {
						c.also(opSyncDown, l, prefix, insideOf(name, to)).must(t)
						mustBeFolder(t, to, files)
					}
				}
				requests := mustHaveAnsweredAll(t, p, l, name)
				t.Logf("%d connections for the requests %v", connections.Load(), requests)
				// DuckDB opens one for each file.
				if all := int64(requests["all"]); connections.Load() > all/4 && name != "duckdb" {
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

// change rewrites and adds some files, and removes some if that is wanted.
func change(files map[string][]byte, round int, remove bool) {
	names := slices.Sorted(maps.Keys(files))
	dice := rand.New(rand.NewPCG(0, uint64(round)))
	dice.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	if remove {
		for _, name := range names[:10] {
			delete(files, name)
		}
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

// mustHold compares what is listed with the files, and the sum of what was sent in one
// piece.
func mustHold(t *testing.T, listed map[string]types.Object, want map[string][]byte) {
	t.Helper()
	for name := range listed {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is there, and is not one of the files", name)
		}
	}
	for name, text := range want {
		o, ok := listed[name]
		if !ok {
			t.Errorf("%s is not there", name)
			continue
		}
		sum := strings.Trim(aws.ToString(o.ETag), `"`)
		if size := aws.ToInt64(o.Size); size != int64(len(text)) || !strings.Contains(sum, "-") && sum != fmt.Sprintf("%x", md5.Sum(text)) {
			t.Errorf("%s is there with %d bytes and the MD5 %s, want %d and %x", name, size, sum, len(text), md5.Sum(text))
		}
	}
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
func mustHaveAnsweredAll(t *testing.T, p place, l devserver.Lease, client string) map[string]int {
	t.Helper()
	count := map[string]int{}
	for _, r := range mustLog(t, p, l.ID) {
		count["all"]++
		count[r.Operation]++
		switch r.Operation { // clients differ
		case "ListObjects", "ListObjectsV2":
			count["list"]++
		case "PutObject", "CompleteMultipartUpload":
			count["store"]++
		case "DeleteObject", "DeleteObjects":
			count["delete"]++
		}
		if r.Status/100 != 2 && r.Status/100 != 3 {
			t.Errorf("a request failed: %+v", r)
		}
	}
	least := map[string]int{"list": syncs, "store": syncedFiles + 40*(syncs-1), "GetObject": syncedFiles + 40, "delete": syncs - 1}
	if !can(client, opRemove) {
		delete(least, "delete")
	}
	for operation, least := range least {
		if count[operation] < least {
			t.Errorf("the log has %d of %s, want %d or more", count[operation], operation, least)
		}
	}
	return count
}
