package driver

import (
	"context"
	"errors"

	"github.com/keyhatch/keyhatch"
)

// BucketKeeper makes and removes the buckets of stores, and looks at what is in them.
//
// Errors that are keyhatch.Unavailable, or that are none of ours, may pass. A
// keyhatch.Conflict stays as long as the store is as it is, and its message says why.
// Nothing takes longer than the context lasts.
type BucketKeeper interface {
	// Answers fails when the store cannot be reached with what acts for us there.
	Answers(ctx context.Context, store keyhatch.Store) error

	// Absent tells that the store has no bucket of the name, whoever's; it is a
	// keyhatch.Conflict of CodeBucketExists when it has. id is the id that the bucket is
	// to have. The proof, which is no secret, is to be kept before Create is called.
	Absent(ctx context.Context, store keyhatch.Store, name, id string) (proof string, err error)

	// Create makes a bucket that was just seen to be absent. It is a keyhatch.Conflict
	// when somebody else was faster, or when the store refuses. After any other error it
	// may have been made, which Made tells.
	Create(ctx context.Context, store keyhatch.Store, name, proof string) error

	// Made tells whether the store has a bucket of the name that a Create with the proof
	// has made. One that somebody else may have made is none.
	Made(ctx context.Context, store keyhatch.Store, name, proof string) (bool, error)

	// Mark tells the bucket that has the name from those that may have it later, as well
	// as the store lets them be told apart. It is no secret, never empty, and to be kept
	// before Delete is called: that may be long after.
	Mark(ctx context.Context, store keyhatch.Store, name string) (string, error)

	// Delete removes the bucket of the mark. One that is not there is no error; one with
	// objects, versions or unfinished uploads in it is a keyhatch.Conflict of
	// CodeBucketNotEmpty, and stays as it was; and so does an empty one of another mark,
	// which is ErrOtherBucket.
	Delete(ctx context.Context, store keyhatch.Store, name, mark string) error

	// Usage counts what is in a bucket. CountedAt is not set.
	Usage(ctx context.Context, store keyhatch.Store, name string) (keyhatch.BucketUsage, error)

	// Object looks at what a key names: an object, or else the beginning of others up to
	// a slash. Nothing at all is keyhatch.NotFound of CodeObjectNotFound.
	Object(ctx context.Context, store keyhatch.Store, name, key string) (keyhatch.ObjectDetails, error)
}

// ErrOtherBucket is that a bucket of the name was made after the one that is meant.
var ErrOtherBucket = errors.New("the store has another bucket of the name by now")

// Keepers are the keepers of stores by their kind. It is one itself.
type Keepers map[keyhatch.StoreKind]BucketKeeper

func (k Keepers) of(s keyhatch.Store) BucketKeeper {
	if keeper := k[s.Kind]; keeper != nil {
		return keeper
	}
	return noKeeper{}
}

// Answers implements BucketKeeper, as the other methods do.
func (k Keepers) Answers(ctx context.Context, s keyhatch.Store) error { return k.of(s).Answers(ctx, s) }

// Absent asks the keeper of the store's kind.
func (k Keepers) Absent(ctx context.Context, s keyhatch.Store, name, id string) (string, error) {
	return k.of(s).Absent(ctx, s, name, id)
}

// Create asks the keeper of the store's kind.
func (k Keepers) Create(ctx context.Context, s keyhatch.Store, name, proof string) error {
	return k.of(s).Create(ctx, s, name, proof)
}

// Made asks the keeper of the store's kind.
func (k Keepers) Made(ctx context.Context, s keyhatch.Store, name, proof string) (bool, error) {
	return k.of(s).Made(ctx, s, name, proof)
}

// Mark asks the keeper of the store's kind.
func (k Keepers) Mark(ctx context.Context, s keyhatch.Store, name string) (string, error) {
	return k.of(s).Mark(ctx, s, name)
}

// Delete asks the keeper of the store's kind.
func (k Keepers) Delete(ctx context.Context, s keyhatch.Store, name, mark string) error {
	return k.of(s).Delete(ctx, s, name, mark)
}

// Usage asks the keeper of the store's kind.
func (k Keepers) Usage(ctx context.Context, s keyhatch.Store, name string) (keyhatch.BucketUsage, error) {
	return k.of(s).Usage(ctx, s, name)
}

// Object asks the keeper of the store's kind.
func (k Keepers) Object(ctx context.Context, s keyhatch.Store, name, key string) (keyhatch.ObjectDetails, error) {
	return k.of(s).Object(ctx, s, name, key)
}
