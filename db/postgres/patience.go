package postgres

import (
	"net"
	"sync"
	"time"
)

// impatient is a connection on which the other side must not be silent for longer than
// patience while something is awaited. A network that swallows everything would keep who
// waits, and the connection's place in its pool, for a quarter of an hour or for ever.
type impatient struct {
	net.Conn

	mu    sync.Mutex
	until time.Time // that pgx set, zero for none
}

// patience is longer than any statement may take.
const patience = statementTimeout + 5*time.Second

func (c *impatient) Read(p []byte) (int, error) {
	c.mu.Lock()
	until := time.Now().Add(patience)
	if !c.until.IsZero() && c.until.Before(until) {
		until = c.until
	}
	err := c.Conn.SetReadDeadline(until)
	c.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *impatient) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = t
	return c.Conn.SetDeadline(t)
}

func (c *impatient) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = t
	return c.Conn.SetReadDeadline(t)
}
