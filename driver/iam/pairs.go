package iam

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/keyhatch/keyhatch"
)

// askAtOnce is how many users a store is asked about at a time.
const askAtOnce = 8

// PairsOf asks for the access key ids of those users that are a cluster's keys, once each and
// some at a time, and returns them by the keys' ids. One that is keyhatch.NotFound has gone
// since it was listed; any other failure is that of all, and what was not asked yet is not.
func PairsOf(ctx context.Context, cluster string, users []string, ask func(ctx context.Context, user string) ([]string, error)) (map[string][]string, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	room := make(chan struct{}, askAtOnce)
	var mu sync.Mutex
	var all sync.WaitGroup
	keys := map[string][]string{}
	for _, user := range users {
		key, ours := KeyOf(cluster, user)
		if !ours {
			continue
		}
		room <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		all.Go(func() {
			defer func() { <-room }()
			ids, err := ask(ctx, user)
			if errors.Is(err, keyhatch.NotFound) {
				return
			}
			if err != nil {
				stop(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			keys[key] = ids
		})
	}
	all.Wait()
	err := context.Cause(ctx)
	if said := (*keyhatch.Error)(nil); err != nil && !errors.As(err, &said) {
		err = NoAnswer(fmt.Errorf("the users were not all asked about: %w", err))
	}
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// TooManyUsers is that a store has more users of ours than can be compared with the record.
func TooManyUsers() error {
	return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "the store lists more than %d users of Keyhatch's: it is not compared with the record", MaxUsers)
}
