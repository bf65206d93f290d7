// Package logged keeps what is written while a test runs, such as a log or what a
// program prints, so that the test can read it meanwhile.
package logged

import (
	"bytes"
	"sync"
)

// Text is what was written. Its zero value is ready, and it is safe for concurrent
// use.
type Text struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (t *Text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

// String returns all that was written.
func (t *Text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// Take returns what was written since it was last taken.
func (t *Text) Take() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer t.text.Reset()
	return t.text.String()
}
