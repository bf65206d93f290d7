package db

import (
	"context"
	"errors"

	"github.com/keyhatch/keyhatch"
)

// ErrOtherKeys is the cause of every refusal of what was made with a data key that is
// not in use any more: the process that made it has not read the keysets since, because
// it could not, or was stopped. With those that are stored it can be made again.
var ErrOtherKeys = errors.New("it was made with a data key that is not in use any more")

func otherKeys() error {
	return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable,
		"the data keys were replaced, and the service has not read the new ones yet: nothing was stored; try again").Because(ErrOtherKeys)
}

// MustBePrimary refuses a key in whose place another one is used: ErrOtherKeys.
func (t *Tx) MustBePrimary(ctx context.Context, keyset string, key uint32) error {
	old, err := exists(ctx, t.Reader, "select 1 from data_keys where keyset = $1 and id = $2 and retired_at is not null", keyset, key)
	if err == nil && old {
		err = otherKeys()
	}
	return err
}

func (t *Tx) dropped(ctx context.Context, keyset string, key uint32) (bool, error) {
	return exists(ctx, t.Reader, "select 1 from data_keys where keyset = $1 and id = $2 and dropped_at is not null", keyset, key)
}

// mustKnowPepper refuses a hash that was made with a pepper that is gone.
func (t *Tx) mustKnowPepper(ctx context.Context, h keyhatch.TokenHash) error {
	gone, err := t.dropped(ctx, keyhatch.TokensKeyset, h.Pepper)
	if err == nil && gone {
		err = otherKeys()
	}
	return err
}

// mustOpen refuses what is sealed with a key that is gone. What stands in the row
// already stays: maybe it was put back from a backup.
func (t *Tx) mustOpen(ctx context.Context, table, column, row string, sealed []byte) error {
	key, ours := keyhatch.SealedWith(sealed)
	if !ours {
		return nil
	}
	gone, err := t.dropped(ctx, keyhatch.ColumnsKeyset, key)
	if err != nil || !gone {
		return err
	}
	same, err := exists(ctx, t.Reader, "select 1 from "+table+" where id = $1 and "+column+" = $2", row, sealed)
	if err == nil && !same {
		err = otherKeys()
	}
	return err
}
