package accesskeys

import (
	"context"
	"errors"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/driver"
)

// issueFor is how long a store may take to issue a pair: no pair that is not on record is
// ended there meanwhile.
const issueFor = time.Minute

// issueThere has the store that keeps a key issue a pair. It is begun on record, so that a
// pair of which nobody learns, because the process ends at the wrong moment, is ended
// later; and it leaves when it is on record, with the pairs that have ended (S1).
func (svc *Service) issueThere(ctx context.Context, c keyhatch.Caller, key keyhatch.AccessKey, store keyhatch.Store, grace time.Duration) (keyhatch.AccessKey, keyhatch.Credentials, error) {
	keeper := svc.keepers[store.Keys]
	var none keyhatch.Credentials
	if keeper == nil {
		return key, none, keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeStoreUnsupported, "this process cannot reach stores with such keys")
	}
	key, err := svc.beginIssue(ctx, c, key)
	if err != nil {
		return key, none, err
	}
	defer svc.kick()
	pair, err := issueIn(ctx, keeper, store, key)
	if err != nil {
		return key, none, errors.Join(err, svc.endIssue(ctx, c, key))
	}
	var made keyhatch.Credentials
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		if key, err = ruled(w, "", key.ID); err != nil {
			return err
		}
		if key.Pairs, err = endPairs(w, key, grace); err != nil {
			return err
		}
		issued := keyhatch.IssuedPair{AccessKeyID: pair.AccessKeyID, Token: w.Caller.Token.ID, IssuedAt: w.Now}
		if err := w.Tx.InsertPair(ctx, key, issued, nil); err != nil {
			return err
		}
		key.Pairs = append([]keyhatch.IssuedPair{issued}, key.Pairs...)
		key.IssuingUntil = time.Time{}
		if err := svc.pending(w, &key); err != nil {
			return err
		}
		if err := w.Tx.UpdateAccessKey(ctx, key); err != nil {
			return err
		}
		made = keyhatch.Credentials{
			AccessKeyID: pair.AccessKeyID, SecretAccessKey: pair.SecretAccessKey, Endpoint: store.Endpoint, Region: store.Region, ExpiresAt: key.ExpiresAt,
		}
		return w.Record(Issued, key.Workspace, key.ID, kernel.Detail("name", key.Name, "access_key_id", pair.AccessKeyID, "grace", grace.String()))
	})
	if err != nil {
		return key, none, err
	}
	// What was replaced ends now; if that fails, the job that was asked for does it.
	if err := withdraw(ctx, keeper, store, key); err != nil {
		svc.log.WarnContext(ctx, "a pair that was replaced has not ended in its store yet", "key", key.ID, "store", store.Name, "error", err)
	}
	return key, made, nil
}

// beginIssue notes that a pair is being issued, and ends what there is no room for
// beside it. The newest one goes on until there is another.
func (svc *Service) beginIssue(ctx context.Context, c keyhatch.Caller, key keyhatch.AccessKey) (keyhatch.AccessKey, error) {
	err := svc.k.Change(ctx, c, func(w *kernel.Work) (err error) {
		if key, err = ruled(w, "", key.ID); err != nil {
			return err
		}
		switch {
		case w.Now.Before(key.IssuingUntil):
			return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeKeyNotReady, "another pair of the key is being issued at the moment: try again")
		case key.State == keyhatch.AccessKeyFailed:
			return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeKeyNotReady, "the store refuses the key as it is: see its reason, and change it")
		case key.Applied == "":
			return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeKeyNotReady, "the store does not have the key yet: try again in a moment")
		}
		for len(key.Pairs) >= keyhatch.MaxPairs {
			last := len(key.Pairs) - 1
			if err := w.Tx.DeletePair(ctx, key, key.Pairs[last].AccessKeyID); err != nil {
				return err
			}
			key.Pairs = key.Pairs[:last]
		}
		key.IssuingUntil = w.Now.Add(issueFor)
		if err := w.Tx.UpdateAccessKey(ctx, key); err != nil {
			return err
		}
		return w.Record(Issuing, key.Workspace, key.ID, kernel.Detail("name", key.Name))
	})
	return key, err
}

// issueIn makes room in the store, and has it issue a pair.
func issueIn(ctx context.Context, keeper driver.KeyProvisioner, store keyhatch.Store, key keyhatch.AccessKey) (keyhatch.KeyPair, error) {
	if err := withdraw(ctx, keeper, store, key); err != nil {
		return keyhatch.KeyPair{}, err
	}
	return keeper.Issue(ctx, store, key.ID)
}

// withdraw ends the pairs of a key in its store that are not on record.
func withdraw(ctx context.Context, keeper driver.KeyProvisioner, store keyhatch.Store, key keyhatch.AccessKey) error {
	var kept []string
	for _, p := range key.Pairs {
		kept = append(kept, p.AccessKeyID)
	}
	return keeper.Withdraw(ctx, store, key.ID, kept)
}

// endIssue notes that no pair is being issued any more.
func (svc *Service) endIssue(ctx context.Context, c keyhatch.Caller, key keyhatch.AccessKey) error {
	return svc.k.Change(context.WithoutCancel(ctx), c, func(w *kernel.Work) error {
		now, err := ruled(w, "", key.ID)
		if err != nil {
			return err
		}
		now.IssuingUntil = time.Time{}
		if err := svc.pending(w, &now); err != nil {
			return err
		}
		if err := w.Tx.UpdateAccessKey(ctx, now); err != nil {
			return err
		}
		return w.Record(NotIssued, now.Workspace, now.ID, kernel.Detail("name", now.Name))
	})
}
