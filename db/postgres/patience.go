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
	patience time.Duration // longer than any statement may take; zero: it waits as long as pgx

	mu    sync.Mutex
	until time.Time // that pgx set, zero for none
}

func (c *impatient) Read(p []byte) (int, error) {
	c.mu.Lock()
	until := c.until
	if c.patience > 0 {
		if own := time.Now().Add(c.patience); until.IsZero() || own.Before(until) {
			until = own
		}
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
