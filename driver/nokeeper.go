package driver

import (
	"context"

	"github.com/keyhatch/keyhatch"
)

// noKeeper is for stores of a kind that nobody keeps.
type noKeeper struct{}

func (noKeeper) fail() error {
	return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported, "no buckets are made on stores of this kind").In("store")
}

func (n noKeeper) Answers(context.Context, keyhatch.Store) error { return n.fail() }

func (n noKeeper) Absent(context.Context, keyhatch.Store, string, string) (string, error) {
	return "", n.fail()
}

func (n noKeeper) Create(context.Context, keyhatch.Store, string, string) error { return n.fail() }

func (n noKeeper) Made(context.Context, keyhatch.Store, string, string) (bool, error) {
	return false, n.fail()
}

func (n noKeeper) Mark(context.Context, keyhatch.Store, string) (string, error) {
	return "", n.fail()
}

func (n noKeeper) Delete(context.Context, keyhatch.Store, string, string) error { return n.fail() }

func (n noKeeper) Usage(context.Context, keyhatch.Store, string) (keyhatch.BucketUsage, error) {
	return keyhatch.BucketUsage{}, n.fail()
}

func (n noKeeper) Object(context.Context, keyhatch.Store, string, string) (keyhatch.ObjectDetails, error) {
	return keyhatch.ObjectDetails{}, n.fail()
}
