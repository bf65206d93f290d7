package driver

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
)

// KeyProvisioner keeps the access keys of stores that enforce them themselves. What a
// method is to bring about may be so already, wholly or in part: it can be called again
// whatever became of the call before. Errors that are keyhatch.Unavailable, or that are
// none of ours, may pass; a keyhatch.Conflict stays until the key is changed, and its
// message says why. Calls about one key come one after the other; those about others
// may run beside them.
//
// The keys of other installations, and what the store's own people made, are left alone:
// a key's user there bears the installation's cluster id and the key's id in its name.
type KeyProvisioner interface {
	// Put makes the key as ordered in the store, with these rights and no others. It
	// issues no pair. When it fails the key has the rights that it had before, which
	// may be more: who gets a keyhatch.Conflict has to Put an order that opens nothing,
	// and to Withdraw all pairs when that is refused too.
	Put(ctx context.Context, store keyhatch.Store, order KeyOrder) error

	// Issue makes another pair for a key that was Put. Nobody else gets to know the
	// secret, and it cannot be asked for again: a pair whose answer was lost is there,
	// and is Withdrawn as one that is not kept. With MaxPairs there already it is
	// TooManyPairs, and keyhatch.NotFound when the store does not have the key.
	Issue(ctx context.Context, store keyhatch.Store, key string) (keyhatch.KeyPair, error)

	// Pairs tells the access key ids of all of the key's pairs. Of a key that the store
	// does not have there are none.
	Pairs(ctx context.Context, store keyhatch.Store, key string) ([]string, error)

	// Withdraw ends the pairs of these access key ids, and no others, of the key.
	Withdraw(ctx context.Context, store keyhatch.Store, key string, ended []string) error

	// Drop removes the key with its pairs.
	Drop(ctx context.Context, store keyhatch.Store, key string) error

	// Keys tells which keys of this installation the store has: the access key ids of
	// their pairs by the keys' ids. They are all, or it fails: from a list that was cut
	// nothing may be concluded.
	Keys(ctx context.Context, store keyhatch.Store) (map[string][]string, error)
}

// KeyOrder says what a key is to open in a store.
type KeyOrder struct {
	Key string // its id
	// SeesAll: it may list the names of Buckets, and of no others. At a store that
	// would show others too it lists none.
	SeesAll bool
	Buckets []BucketRight
	Until   time.Time // from then on it opens nothing, whoever is there to end it; zero: no such time
}

// BucketRight is what a key may do in one bucket.
type BucketRight struct {
	Bucket string // name
	// Read is to list keys, and to read objects and their tags, also in older versions.
	// Write is to put objects and tags, in parts too, and to delete objects.
	Read, Write bool
	// Locked are prefixes in which nothing is written nonetheless.
	Locked []keyhatch.Prefix
	// Confined are prefixes in which nothing is done from elsewhere than from their
	// networks. From elsewhere the bucket's keys are not listed either, since no store can
	// say which of them such a list would show.
	Confined []policy.Confined `json:",omitempty"`
}

// TooManyPairs is that a key has keyhatch.MaxPairs already.
func TooManyPairs() *keyhatch.Error {
	return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeLimitReached, "the key has %d pairs at the store already", keyhatch.MaxPairs)
}
