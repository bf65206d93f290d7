package tree

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/gateway/dirstore/disk"
)

func TestLinksAreNotFollowed(t *testing.T) {
	s := newSite(t)
	outside := t.TempDir()
	for _, path := range []string{filepath.Join(outside, "secret"), s.path("other", "secret"), s.path(bucket, "real", "secret")} {
		os.MkdirAll(filepath.Dir(path), 0o777)
		if err := os.WriteFile(path, []byte("secret"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	links := map[string]string{
		"out":        outside,
		"out-file":   filepath.Join(outside, "secret"),
		"other":      filepath.Join("..", "other"),
		"other-file": filepath.Join("..", "other", "secret"),
		"same":       "real",
		"same-file":  filepath.Join("real", "secret"),
		"own":        filepath.Join("..", disk.Own),
		"dangling":   "nothing",
	}
	for name, to := range links {
		if err := os.Symlink(to, s.path(bucket, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("other", s.path("linked")); err != nil { // a bucket
		t.Fatal(err)
	}
	s.wantKeys("real/secret")
	for name := range links {
		for _, key := range []string{name, name + "/secret", name + "/", name + "/lock"} {
			if _, _, err := s.tryGet(key); err == nil {
				t.Errorf("read through the link %s", key)
			}
			s.remove(key)
			body := "x"
			if strings.HasSuffix(key, "/") {
				body = ""
			}
			s.wantIs(s.tryPut(key, body), ErrNotFile)
		}
		if _, err := os.Lstat(s.path(bucket, name)); err != nil {
			t.Errorf("the link %s is gone", name)
		}
		page, err := s.tree.List(ctx, bucket, Query{Prefix: name + "/", Max: 1000})
		if err != nil || len(page.Entries) > 0 {
			t.Errorf("listed through the link %s: %v, %v", name, page, err)
		}
	}
	if _, err := s.tree.Open("linked", "secret"); err == nil {
		t.Error("a link is a bucket")
	}
	for _, path := range []string{filepath.Join(outside, "secret"), s.path("other", "secret")} {
		if b, _ := os.ReadFile(path); string(b) != "secret" {
			t.Errorf("%s was changed", path)
		}
	}
	s.wantClean()
}
