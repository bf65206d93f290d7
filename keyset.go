package keyhatch

import (
	"encoding/binary"
	"time"
)

// The keysets by name.
const (
	ColumnsKeyset  = "columns"  // secrets in rows
	SessionsKeyset = "sessions" // session tokens of our S3 endpoint
	TokensKeyset   = "tokens"   // peppers of API token hashes
	AuditKeyset    = "audit"    // the hashes of the audit record
)

// Tink begins what it seals with a byte and the id of the key.
const (
	sealedVersion     = 1
	SealedPrefixBytes = 5
)

// SealedPrefix is what all begins with that is sealed with the data key.
func SealedPrefix(key uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{sealedVersion}, key)
}

// SealedWith is the data key that something is sealed with, as it says itself. What
// does not say is not ours.
func SealedWith(sealed []byte) (key uint32, ok bool) {
	if len(sealed) < SealedPrefixBytes || sealed[0] != sealedVersion {
		return 0, false
	}
	return binary.BigEndian.Uint32(sealed[1:]), true
}

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
