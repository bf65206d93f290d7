package keyhatch

import (
	"net/netip"
	"time"
)

// AccessKey is a long-lived S3 key of a workspace, for what cannot use leases. It works
// on one store, on buckets of its workspace alone, and there it never opens more than
// its owner decides over: what the owner loses is closed to it.
type AccessKey struct {
	ID         string
	Workspace  string
	Store      string // id
	Name       string // unique in the workspace
	Owner      string // user id; a key of an inactive user opens nothing
	Token      string // id of the token that it was made with
	Rights     KeyRights
	Networks   []netip.Prefix // from which it works; empty: from everywhere
	State      AccessKeyState
	Reason     string // why it failed
	CreatedAt  time.Time
	ExpiresAt  time.Time // zero: never
	LastUsedAt time.Time // zero: never, or the store does not tell
	Pairs      []IssuedPair

	// Of a key that its store keeps:

	// Revision grows with each change that the store has to follow.
	Revision int64
	// Applied is a digest of the rights that the store has on record, or that it has
	// refused. Empty: it has had none yet.
	Applied string
	// IssuingUntil: a pair is being issued there, at most until then. Zero: none is.
	IssuingUntil time.Time
	// Attempts counts those that failed since the last change, and LastError says why
	// the last one did. They are told of single keys and in lists, and are of the job.
	Attempts  int
	LastError string
}

// KeyRights are what a key is to open. All and lists add up.
type KeyRights struct {
	// SeeAll lets it list the names of all buckets that the workspace has on the store.
	SeeAll bool
	// ReadAll and WriteAll are about the objects of all of them, also of later ones.
	ReadAll, WriteAll bool
	// Read and Write are ids of buckets. To write is not to read.
	Read, Write []string
}

// IssuedPair is an access key id that was handed out for a key, with the secret that
// nobody keeps in the clear.
type IssuedPair struct {
	AccessKeyID string
	Token       string // id of the token that it was issued with
	IssuedAt    time.Time
	EndsAt      time.Time // zero: with the key. Set for one that was replaced
}

// Live tells whether the key has not ended by the time.
func (k AccessKey) Live(now time.Time) bool { return k.ExpiresAt.IsZero() || now.Before(k.ExpiresAt) }

// Pair returns the pair of the access key id if it works at the time.
func (k AccessKey) Pair(accessKeyID string, now time.Time) (IssuedPair, bool) {
	for _, p := range k.Pairs {
		if p.AccessKeyID == accessKeyID && p.Live(now) {
			return p, true
		}
	}
	return IssuedPair{}, false
}

// Live tells whether the pair works at the time.
func (p IssuedPair) Live(now time.Time) bool { return p.EndsAt.IsZero() || now.Before(p.EndsAt) }

// AccessKeyState tells how far the store is with what a key is to be.
type AccessKeyState string

// The states.
const (
	// AccessKeyPending: the store does not have it yet as it is to be.
	AccessKeyPending AccessKeyState = "pending"
	// AccessKeyConfigured: it has.
	AccessKeyConfigured AccessKeyState = "configured"
	// AccessKeyFailed: the store refuses it, and trying again will not help; Reason tells.
	AccessKeyFailed AccessKeyState = "failed"
)

// MaxPairs is how many pairs of a key work at a time: the newest, and one before it
// until its time is over.
const MaxPairs = 2

// KeysOf is whose access keys work on a store.
type KeysOf string

// The kinds of keys.
const (
	// KeysOwn: our S3 endpoint enforces them, and forwards to the store.
	KeysOwn KeysOf = "own"
	// KeysIAM: users of the store's IAM, each with a policy.
	KeysIAM KeysOf = "iam"
	// KeysRGW: users of Ceph's RGW, each with a policy.
	KeysRGW KeysOf = "rgw"
	// KeysNone: the store has none.
	KeysNone KeysOf = "none"
)

// KindsOfKeys are all of them.
var KindsOfKeys = []KeysOf{KeysOwn, KeysIAM, KeysRGW, KeysNone}

// Kept tells whether the store keeps such keys itself, and holds them to their rights.
func (k KeysOf) Kept() bool { return k == KeysIAM || k == KeysRGW }
