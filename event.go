package keyhatch

import (
	"encoding/hex"
	"time"
)

// Action names what an event records: the noun and what was done to it.
type Action string

// Event is one line of the audit record. The record is append-only and chained:
// Hash covers every other field and the hash of the event before.
type Event struct {
	ID        string
	Chain     string // of the process that wrote it
	Seq       int64  // 1, 2, 3 … in its chain
	At        time.Time
	Workspace string // empty: of the installation
	User      string // who did it; empty for the installation itself
	Token     string // id of the token that was used
	Address   string
	RequestID string
	Action    Action
	Target    string            // id of what it was done to
	Detail    map[string]string // facts a reader needs; never a secret
	Hash      Hash
}

// Hash is a chained, keyed hash of an event (HMAC-SHA-256).
type Hash []byte

// MarshalText is the hash in hexadecimal, for logs and JSON.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// String is the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h) }
