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

// DataKey is one key of a keyset.
type DataKey struct {
	Keyset    string
	ID        uint32
	State     KeyState
	CreatedAt time.Time
	RetiredAt time.Time // since when another one is used instead; zero: it is not old
	NeededBy  int       // secrets that are sealed with it, tokens that are hashed with it
	// Until is when an old key goes at the earliest: what began with it has ended by
	// then, or the last lease. Zero for others.
	Until time.Time
}

// KeyState is what a data key is used for.
type KeyState string

// The states, in their order.
const (
	ComingKey  KeyState = "coming"  // every process learns of it; nothing is sealed with it yet
	PrimaryKey KeyState = "primary" // what is new is sealed with it
	OldKey     KeyState = "old"     // it only opens what was sealed with it
)

// TokenHash is a token's secret at rest: its keyed hash, and the id of the
// pepper that it was made with.
type TokenHash struct {
	Pepper uint32
	Hash   string // 32 bytes
}
