package pgcluster

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Proxy stands between a program and the cluster, and does to their connections what
// networks do.
type Proxy struct {
	to, folder string

	mu       sync.Mutex
	open     map[net.Conn]bool
	atCommit Cut
	gone     bool
	hangs    chan struct{} // nil, or closed when it no longer does
}

// Cut is what happens when a program says "commit". The connection is always lost to it.
type Cut int

// The ways.
const (
	NoCut        Cut = iota
	BeforeCommit     // the server does not hear of it
	AfterCommit      // the server has done it, and its answer is lost: the connection is half closed
	LateCommit       // the server hears of it a moment later
	LateEnd          // the server hears a moment later that the connection is lost
)

// moment is longer than a program takes to connect again.
const moment = 300 * time.Millisecond

// serverSocket is the name of the socket of PostgreSQL's port.
const serverSocket = ".s.PGSQL.5432"

// Proxy starts one, which ends with the test.
func (c *Cluster) Proxy(t testing.TB) *Proxy {
	t.Helper()
	folder, err := os.MkdirTemp("", "keyhatch-pg-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	l, err := net.Listen("unix", filepath.Join(folder, serverSocket))
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{to: filepath.Join(c.folder, serverSocket), folder: folder, open: map[net.Conn]bool{}}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { p.serve(client) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.Mend()
		p.Cut()
		running.Wait()
	})
	return p
}

// Address is that of a database of the cluster, through the proxy.
func (p *Proxy) Address(of string) string {
	u, err := url.Parse(of)
	if err != nil {
		panic(err)
	}
	u.RawQuery = url.Values{"host": {p.folder}}.Encode()
	return u.String()
}

// AtCommit has it happen at the next commit.
func (p *Proxy) AtCommit(c Cut) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.atCommit = c
}

// Cut closes all connections and takes no others until Mend.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	for c := range p.open {
		c.Close()
	}
}

// Hang passes nothing on until Mend, and closes nothing.
func (p *Proxy) Hang() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hangs = make(chan struct{})
}

// Mend undoes Cut and Hang.
func (p *Proxy) Mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = false
	if p.hangs != nil {
		close(p.hangs)
		p.hangs = nil
	}
}

// keep notes a connection that Cut closes, unless there are none just now.
func (p *Proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		c.Close()
		return false
	}
	p.open[c] = true
	return true
}

func (p *Proxy) drop(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
	c.Close()
}

// wait waits while nothing is passed on.
func (p *Proxy) wait() {
	p.mu.Lock()
	hangs := p.hangs
	p.mu.Unlock()
	if hangs != nil {
		<-hangs
	}
}

func (p *Proxy) serve(client net.Conn) {
	if !p.keep(client) {
		return
	}
	defer p.drop(client)
	server, err := net.Dial("unix", p.to)
	if err != nil || !p.keep(server) {
		return
	}
	defer p.drop(server)
	answers := make(chan struct{})
	go func() {
		defer close(answers)
		defer client.Close()
		_ = p.pass(client, server)
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		p.wait()
		if err != nil {
			break
		}
		if bytes.Contains(buffer[:n], []byte("commit\x00")) {
			if cut := p.cut(); cut != NoCut {
				p.lose(cut, client, server, buffer[:n])
				break
			}
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			break
		}
	}
	server.Close()
	<-answers
}

// pass is io.Copy that hangs when the proxy does.
func (p *Proxy) pass(to io.Writer, from io.Reader) error {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		p.wait()
		if err != nil {
			return err
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return err
		}
	}
}

func (p *Proxy) cut() Cut {
	p.mu.Lock()
	defer p.mu.Unlock()
	cut := p.atCommit
	p.atCommit = NoCut
	return cut
}

// lose loses the connection to the client while it commits.
func (p *Proxy) lose(cut Cut, client, server net.Conn, commit []byte) {
	if cut == AfterCommit {
		// Nothing is passed to the client any more, but what the server says is heard.
		half, ok := client.(*net.UnixConn)
		if !ok {
			return
		}
		_ = half.CloseWrite()
		_, _ = server.Write(commit)
		time.Sleep(moment)
		return
	}
	client.Close()
	switch cut {
	case LateCommit:
		time.Sleep(moment)
		_, _ = server.Write(commit)
		time.Sleep(moment)
	case LateEnd:
		time.Sleep(moment)
	}
}
