package keyhatch

import "time"

// Keyset is a named set of data keys as it is stored: wrapped by the
// key-encryption key of that id.
type Keyset struct {
	Name      string
	KEK       string
	Wrapped   []byte
	CreatedAt time.Time
}

// TokenHash is a token's secret at rest: its keyed hash, and the id of the
// pepper that it was made with.
type TokenHash struct {
	Pepper uint32
	Hash   string // 32 bytes
}
