package postgres

import (
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// TestPatience: who waits for a silent server is told so in the end, and at once when pgx
// gives up, whichever of the two comes first.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			pgx, want time.Duration
		}{{0, patience}, {time.Second, time.Second}, {time.Hour, patience}, {-time.Second, 0}} {
			ours, theirs := net.Pipe()
			defer ours.Close()
			defer theirs.Close()
			conn := &impatient{Conn: ours}
			if c.pgx != 0 {
				if err := conn.SetDeadline(time.Now().Add(c.pgx)); err != nil {
					t.Fatal(err)
				}
			}
			begun := time.Now()
			if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begun) != c.want {
				t.Errorf("pgx waits %v: after %v, %v", c.pgx, time.Since(begun), err)
			}
		}
	})
}
