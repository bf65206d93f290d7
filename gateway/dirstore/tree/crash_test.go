package tree

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const victimEnv = "TREE_TEST_VICTIM"

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimEnv); dir != "" {
		victim(dir)
	}
	os.Exit(m.Run())
}

// crashKeys are replaced all the time; the second also goes with its folders.
var crashKeys = []string{"k", "a/b/c/k"}

// victim puts and deletes objects until it is killed. It says a word before each
// round and after each of its puts.
func victim(dir string) {
	tree, err := Open(dir, nil)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	s := &site{tree: tree}
	for n := 1; ; n++ {
		for _, key := range crashKeys {
			if err := s.tryPut(key, version(n), "n", fmt.Sprint(n)); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
			fmt.Println("put", key, n)
		}
		if n%3 == 0 {
			tree.Remove(bucket, crashKeys[1])
		}
	}
}

func TestKilledWhileWriting(t *testing.T) {
	dir := t.TempDir()
	kills := 20
	if testing.Short() {
		kills = 3
	}
	for range kills {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), victimEnv+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		lines.Scan() // it is at work
		if !strings.HasPrefix(lines.Text(), "put") {
			t.Fatalf("the victim says %q", lines.Text())
		}
		time.AfterFunc(time.Duration(rand.IntN(60_000))*time.Microsecond, func() { cmd.Process.Kill() })
		acknowledged := 1
		for lines.Scan() {
			fmt.Sscanf(lines.Text(), "put "+crashKeys[0]+" %d", &acknowledged)
		}
		cmd.Wait()

		tree, err := Open(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		s := &site{t, dir, tree}
		s.wantClean()
		for _, key := range s.keys() {
			body, rec := s.get(key)
			s.wantWhole(body, rec)
			if key == crashKeys[0] && body != version(acknowledged) && body != version(acknowledged+1) {
				t.Errorf("version %d was acknowledged, there is %.6s", acknowledged, body)
			}
		}
		tree.Close()
	}
}

// The moments between the steps of a put, one by one.
func TestBetweenTheSteps(t *testing.T) {
	s := newSite(t)
	s.put("k", version(1), "n", "1")
	p, _ := locate(bucket, "k")
	check := func(step string, n int) {
		t.Helper()
		body, rec := s.get("k")
		s.wantWhole(body, rec)
		if body != version(n) {
			t.Errorf("%s: not version %d", step, n)
		}
		if e := s.entries()[0]; e.ETag != rec.ETag {
			t.Errorf("%s: listed with ETag %s", step, e.ETag)
		}
	}
	d, err := s.tree.disk.Receive(strings.NewReader(version(2)), -1)
	if err != nil {
		t.Fatal(err)
	}
	check("body received", 1)
	old, err := s.tree.find(p, false)
	if err != nil {
		t.Fatal(err)
	}
	rec := Record{ETag: d.MD5, Header: map[string]string{"n": "2"}}
	if err := s.tree.writeSidecar(bucket, "k", rec.bind(d.Info), old.Record); err != nil {
		t.Fatal(err)
	}
	check("sidecar written", 1)
	s = s.restart() // a crash here: the draft goes, the object stays
	check("after a crash", 1)
	s.put("k", version(3), "n", "3")
	check("the next put", 3)
	d, _ = s.tree.disk.Receive(strings.NewReader(version(4)), -1)
	old, _ = s.tree.find(p, false)
	rec = Record{ETag: d.MD5, Header: map[string]string{"n": "4"}}
	if err := s.tree.writeSidecar(bucket, "k", rec.bind(d.Info), old.Record); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(s.dir, d.Path), s.path(bucket, "k")); err != nil {
		t.Fatal(err)
	}
	s = s.restart()
	check("a crash after the rename", 4)
}
