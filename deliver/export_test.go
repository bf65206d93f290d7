package deliver

// Into is WriteProfile without a file, for the fuzzer.
func (p Profile) Into(text string) (string, error) {
	command, err := p.check()
	if err != nil {
		return "", err
	}
	return p.into(text, command, false)
}

// Opened is a lock that has been opened and not yet taken, as by a process that is
// interrupted in between.
type Opened struct{ lock *lock }

// OpenLock opens the lock of the request's lease.
func (c *Cache) OpenLock(r Request) (Opened, error) {
	name, err := c.name(r)
	if err != nil {
		return Opened{}, err
	}
	l, err := c.openLock(name)
	return Opened{l}, err
}

// Take goes on.
func (o Opened) Take() error { return o.lock.take() }

// Release lets go of it.
func (o Opened) Release() { o.lock.release() }
