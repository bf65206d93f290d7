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
		const patience = 15 * time.Second
		for _, c := range []struct {
			own, pgx, want time.Duration
		}{
			{patience, 0, patience},
			{patience, time.Second, time.Second},
			{patience, time.Hour, patience},
			{patience, -time.Second, 0},
			{0, time.Hour, time.Hour},
		} {
			ours, theirs := net.Pipe()
			defer ours.Close()
			defer theirs.Close()
			conn := &impatient{Conn: ours, patience: c.own}
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
