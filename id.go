package keyhatch

import (
	"crypto/rand"
	"encoding/binary"
	"strings"
	"time"
)

// IDKind is the first part of an id and tells which noun it names.
type IDKind string

// The kinds of id, in their native spelling.
const (
	UserID          IDKind = "user"
	GroupID         IDKind = "group"
	WorkspaceID     IDKind = "ws"
	TeamspaceID     IDKind = "ts"
	TokenID         IDKind = "tok"
	PasswordID      IDKind = "pwd"
	SessionID       IDKind = "sess"
	CredentialID    IDKind = "cred"
	StoreID         IDKind = "store"
	StoreAccountID  IDKind = "objacc"
	BucketID        IDKind = "bucket"
	LocationID      IDKind = "loc"
	GrantID         IDKind = "grant"
	LeaseID         IDKind = "lease"
	KeyID           IDKind = "objkey"
	JobID           IDKind = "job"
	EventID         IDKind = "event"
	ChainID         IDKind = "chain"
	ObjectRequestID IDKind = "req"
	VendID          IDKind = "vend"
	OAuthClientID   IDKind = "client"
	ConsentID       IDKind = "consent"
	DeviceID        IDKind = "device"
	RefreshID       IDKind = "refresh"
	SigningKeyID    IDKind = "sigkey"
)

const (
	base36       = "0123456789abcdefghijklmnopqrstuvwxyz"
	idTimeChars  = 9 // 36^9 ms reaches the year 5188
	idRandChars  = 6 // 2^31 values in each millisecond
	idPayload    = idTimeChars + idRandChars
	clusterChars = 5
)

// NewID makes an id of the kind: "loc_" and 15 base36 characters, of which the
// first nine are the milliseconds of now, so that ids of one kind sort by their
// time of making. Ids are unique by the database's constraint, not by
// construction; they name things and are never secret.
func NewID(kind IDKind, now time.Time) string {
	var payload [idPayload]byte
	ms := uint64(now.UnixMilli())
	for i := idTimeChars - 1; i >= 0; i-- {
		payload[i] = base36[ms%36]
		ms /= 36
	}
	copy(payload[idTimeChars:], randomBase36(idRandChars))
	return string(kind) + "_" + string(payload[:])
}

// FirstID is the smallest id of the kind that can be made at the time: ids made
// earlier sort before it.
func FirstID(kind IDKind, at time.Time) string {
	id := NewID(kind, at)
	return id[:len(id)-idRandChars] + strings.Repeat("0", idRandChars)
}

// NewClusterID makes the five characters that name an installation in the
// foreign spellings of its ids.
func NewClusterID() string { return string(randomBase36(clusterChars)) }

// IDPayload returns the 15 characters after the kind, and whether s is a
// well-formed id of that kind.
func IDPayload(kind IDKind, s string) (payload string, ok bool) {
	payload, ok = strings.CutPrefix(s, string(kind)+"_")
	if !ok || len(payload) != idPayload {
		return "", false
	}
	for i := range len(payload) {
		if strings.IndexByte(base36, payload[i]) < 0 {
			return "", false
		}
	}
	return payload, true
}

// randomBase36 returns n characters. The remainder of a 64-bit number by 36 is
// uneven by 2^-58, which no one can see.
func randomBase36(n int) []byte {
	out := make([]byte, n)
	var word [8]byte
	for i := range out {
		rand.Read(word[:]) // never fails (crypto/rand)
		out[i] = base36[binary.BigEndian.Uint64(word[:])%36]
	}
	return out
}
