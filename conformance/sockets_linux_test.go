package conformance

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// socket is one end of a connection, as the kernel tells of it.
type socket struct {
	local, remote int // ports
	state         int
	unsent        int // bytes that the other end has not got
	unread        int // bytes that nobody has read yet
}

const established = 1

// sockets are those of this machine.
func sockets(t *testing.T) []socket {
	t.Helper()
	var out []socket
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var s socket
			var n int
			var here, there string
			// sl local_address rem_address st tx_queue:rx_queue …
			_, err := fmt.Sscanf(strings.ReplaceAll(line, ":", " "), "%d %s %x %s %x %x %x %x", &n, &here, &s.local, &there, &s.remote, &s.state, &s.unsent, &s.unread)
			if err == nil {
				out = append(out, s)
			}
		}
	}
	return out
}

// awaitRead waits until the other end has read all that was sent on the connections,
// or has closed them, and tells how many it has not closed.
func awaitRead(t *testing.T, conns []net.Conn) (held int) {
	t.Helper()
	ours := map[int]bool{}
	server := 0
	for _, c := range conns {
		ours[c.LocalAddr().(*net.TCPAddr).Port] = true
		server = c.RemoteAddr().(*net.TCPAddr).Port
	}
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		waiting := 0
		held = 0
		for _, s := range sockets(t) {
			here, there := s.remote == server && ours[s.local], s.local == server && ours[s.remote]
			switch {
			case s.state != established:
			case here && s.unsent > 0, there && s.unread > 0:
				waiting++
			case there:
				held++
			}
		}
		if waiting == 0 {
			return held
		}
		if time.Since(begun) > commandTime {
			t.Fatalf("on %d connections something is not read", waiting)
		}
	}
}
