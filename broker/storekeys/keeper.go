package storekeys

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
)

// callFor is as long as one call of a store that keeps keys may take, and listFor as long
// as it may take to tell all its keys: 50,000 of them, which takes as many requests, some at a
// time. One that does not answer a request is given up long before that.
const (
	callFor = 30 * time.Second
	listFor = 15 * time.Minute
)

// Keeper is a store that keeps keys, with what speaks to it. No call outlasts its time,
// so that a store that does not answer holds up nobody else for long.
type Keeper struct {
	driver driver.KeyProvisioner
	store  keyhatch.Store
}

// Keeper finds what keeps the keys of a store; it is keyhatch.Unavailable where this
// process has no such thing.
func (svc *Service) Keeper(s keyhatch.Store) (Keeper, error) {
	d, ok := svc.keepers[s.Keys]
	if !ok {
		return Keeper{}, keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeStoreUnsupported, "this process cannot reach stores with such keys")
	}
	return Keeper{d, s}, nil
}

func (k Keeper) put(ctx context.Context, order driver.KeyOrder) error {
	ctx, stop := context.WithTimeout(ctx, callFor)
	defer stop()
	return k.driver.Put(ctx, k.store, order)
}

func (k Keeper) Issue(ctx context.Context, key string) (keyhatch.KeyPair, error) {
	ctx, stop := context.WithTimeout(ctx, callFor)
	defer stop()
	return k.driver.Issue(ctx, k.store, key)
}

func (k Keeper) Pairs(ctx context.Context, key string) ([]string, error) {
	ctx, stop := context.WithTimeout(ctx, callFor)
	defer stop()
	return k.driver.Pairs(ctx, k.store, key)
}

// Withdraw ends pairs, if there are any to end.
func (k Keeper) Withdraw(ctx context.Context, key string, ended []string) error {
	if len(ended) == 0 {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, callFor)
	defer stop()
	return k.driver.Withdraw(ctx, k.store, key, ended)
}

func (k Keeper) drop(ctx context.Context, key string) error {
	ctx, stop := context.WithTimeout(ctx, callFor)
	defer stop()
	return k.driver.Drop(ctx, k.store, key)
}

func (k Keeper) keys(ctx context.Context) (map[string][]string, error) {
	ctx, stop := context.WithTimeout(ctx, listFor)
	defer stop()
	return k.driver.Keys(ctx, k.store)
}
