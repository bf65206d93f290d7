//go:build unix

package tree

import (
	"os"
	"syscall"
	"testing"
	"time"
)

func TestSpecialFiles(t *testing.T) {
	s := newSite(t)
	s.file("real", "x")
	if err := syscall.Mkfifo(s.path(bucket, "fifo"), 0o666); err != nil {
		t.Skip(err)
	}
	done := make(chan bool)
	go func() {
		defer close(done)
		s.wantKeys("real")
		if _, _, err := s.tryGet("fifo"); err == nil {
			t.Error("a fifo was read")
		}
		if err := s.tryPut("fifo", "x"); err == nil {
			t.Error("a fifo was replaced")
		}
		s.remove("fifo")
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("a fifo holds up a request")
	}
	if _, err := os.Lstat(s.path(bucket, "fifo")); err != nil {
		t.Error("the fifo is gone")
	}
}
