package dirstore

import (
	"os/signal"
	"syscall"
	"testing"
)

// A disk that refuses in the middle of a body is not the fault of the body. It
// once was answered as one that is longer than its length says, because what had
// not been read of it was still there.
func TestDiskThatRefuses(t *testing.T) {
	s := newSite(t)
	s.put("k", "old")
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	small := before
	small.Cur = 8 << 20 // of every file of this process: what the tests themselves write is less
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
		t.Fatal(err)
	}
	err := s.tryPut("k", filler(9<<20))
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	s.wantCode(err, "InternalError")
	if body, _ := s.get("k"); body != "old" {
		t.Errorf("k became %d bytes", len(body))
	}
	s.wantClean()
}
