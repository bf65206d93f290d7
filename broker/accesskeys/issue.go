package accesskeys

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/storekeys"
)

const (
	// issueWithin is how long the store may take to issue a pair: the rest of
	// storekeys.IssueFor is for what is under way there when it is given up.
	issueWithin = 30 * time.Second
	// issueWait is how long a pair waits for a key that its store is being asked about,
	// and issueLook how often it is looked.
	issueWait = 10 * time.Second
	issueLook = 50 * time.Millisecond
	// recordFor is how long it may take to write down what has happened already.
	recordFor = 10 * time.Second
)

// Issuing is the event that the store is about to issue a pair. Issued follows, or
// storekeys.NotIssued, or the key is deleted.
const Issuing keyhatch.Action = "access_key.issuing"

// issueThere has the store that keeps a key issue a pair. It is begun on record, with a
// job that comes after it whatever happens: a pair of which nobody learns, because the
// process or the caller ends at the wrong moment, is ended by that. The pair leaves when it
// is on record (S1), and when the store was told to end those that it replaces.
func (svc *Service) issueThere(ctx context.Context, c keyhatch.Caller, id string, store keyhatch.Store, grace time.Duration) (keyhatch.AccessKey, keyhatch.Credentials, error) {
	var none keyhatch.Credentials
	at, err := svc.stores.Keeper(store)
	if err != nil {
		return keyhatch.AccessKey{}, none, err
	}
	key, err := svc.beginIssue(ctx, c, id)
	if err != nil {
		return key, none, err
	}
	defer svc.kick()
	within, stop := context.WithTimeout(ctx, issueWithin)
	defer stop()
	pair, err := svc.issueIn(within, at, key)
	// What has happened is written down also for a caller that has gone.
	after, done := context.WithTimeout(context.WithoutCancel(ctx), recordFor)
	defer done()
	if err != nil {
		svc.undoIssue(after, key, err)
		return key, none, err
	}
	issued, ended, err := svc.recordIssue(after, c, key, pair, grace)
	if err != nil {
		svc.undoIssue(after, key, err)
		return key, none, err
	}
	withdrawn := at.Withdraw(within, key.ID, ended)
	if withdrawn != nil {
		svc.log.WarnContext(ctx, "a pair that was replaced has not ended in its store yet", "key", key.ID, "store", store.Name, "error", withdrawn)
	}
	if err := svc.endIssue(after, key, withdrawn != nil); err != nil { // its job comes, later
		svc.log.WarnContext(ctx, "it could not be noted that a pair was issued", "key", key.ID, "error", err)
	}
	return issued, keyhatch.Credentials{
		AccessKeyID: pair.AccessKeyID, SecretAccessKey: pair.SecretAccessKey, Endpoint: store.Endpoint, Region: store.Region, ExpiresAt: issued.ExpiresAt,
	}, nil
}

// notReady is why no pair can be issued; it may pass.
func notReady(format string, args ...any) *keyhatch.Error {
	return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeKeyNotReady, format, args...)
}

// errBusy is that the store is being asked about the key.
var errBusy = notReady("the store does not have the key yet as it is to be: try again in a moment")

// beginIssue notes that a pair is being issued, when nobody does anything else with the
// key in its store: it waits for that, for a while, and of all who do one looks.
func (svc *Service) beginIssue(ctx context.Context, c keyhatch.Caller, id string) (key keyhatch.AccessKey, err error) {
	if key, err = svc.tryToBegin(ctx, c, id); !errors.Is(err, errBusy) {
		return key, err
	}
	within, stop := context.WithTimeout(ctx, issueWait)
	defer stop()
	leave, ok := svc.waiting.join(within, id)
	if !ok {
		return key, err
	}
	defer leave()
	for errors.Is(err, errBusy) {
		svc.kick()
		if !svc.awaitFree(within, c, id) {
			return key, err
		}
		key, err = svc.tryToBegin(ctx, c, id)
	}
	return key, err
}

// awaitFree waits until it is worth while to try, and tells whether it is before ctx ends.
// It only looks: who writes holds up all others.
func (svc *Service) awaitFree(ctx context.Context, c keyhatch.Caller, id string) bool {
	tick := time.NewTicker(issueLook)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
		v := svc.k.View(ctx, c)
		key, err := v.AccessKey(ctx, id)
		busy := false
		if err == nil {
			busy, err = isBusy(v, key)
		}
		if err != nil || !busy { // trying tells what is wrong
			return ctx.Err() == nil
		}
	}
}

// isBusy tells whether the store does not have a key as it is to be, or is being asked about it.
func isBusy(v kernel.View, key keyhatch.AccessKey) (bool, error) {
	doing, found, err := v.Job(v.Ctx, storekeys.Provisioning, key.ID)
	return key.State == keyhatch.AccessKeyPending || !key.IssuingUntil.IsZero() || found && v.Now.Before(doing.ClaimedUntil), err
}

// tryToBegin ends what there is no room for beside another pair. The newest one goes on
// until that is there.
func (svc *Service) tryToBegin(ctx context.Context, c keyhatch.Caller, id string) (key keyhatch.AccessKey, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) (err error) {
		if key, err = issuable(w, id); err != nil {
			return err
		}
		busy, err := isBusy(w.View, key)
		switch {
		case err != nil:
			return err
		case key.State == keyhatch.AccessKeyFailed:
			return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeKeyFailed, "the store refuses the key as it is: %s: change the key", key.Reason)
		case busy:
			return errBusy
		}
		for len(key.Pairs) >= keyhatch.MaxPairs {
			last := len(key.Pairs) - 1
			if err := storekeys.EndPair(w, key, key.Pairs[last].AccessKeyID, "it was replaced"); err != nil {
				return err
			}
			key.Pairs = key.Pairs[:last]
		}
		key.IssuingUntil = kernel.Stored(w.Now.Add(storekeys.IssueFor))
		if err := w.Tx.UpdateAccessKeyState(ctx, key); err != nil {
			return err
		}
		if err := w.Tx.AskJob(ctx, storekeys.Job(key, w.Now, key.IssuingUntil)); err != nil {
			return err
		}
		return w.Record(Issuing, key.Workspace, key.ID, kernel.Detail("name", key.Name))
	})
	return key, err
}

// issueIn makes room in the store, and has it issue a pair.
func (svc *Service) issueIn(ctx context.Context, at storekeys.Keeper, key keyhatch.AccessKey) (keyhatch.KeyPair, error) {
	there, err := at.Pairs(ctx, key.ID)
	if err != nil {
		return keyhatch.KeyPair{}, err
	}
	surplus := slices.DeleteFunc(there, func(id string) bool {
		return slices.ContainsFunc(key.Pairs, func(p keyhatch.IssuedPair) bool { return p.AccessKeyID == id })
	})
	if err := svc.stores.NoteSurplus(ctx, key, surplus); err != nil {
		return keyhatch.KeyPair{}, err
	}
	if err := at.Withdraw(ctx, key.ID, surplus); err != nil {
		return keyhatch.KeyPair{}, err
	}
	pair, err := at.Issue(ctx, key.ID)
	if errors.Is(err, keyhatch.NotFound) { // its job brings it there again
		err = notReady("the store had lost the key: try again in a moment").Because(err)
	}
	return pair, err
}

// mine finds the key while the pair that it was begun for is still the one that is being
// issued: nobody else has given that up.
func mine(w *kernel.Work, begun keyhatch.AccessKey) (keyhatch.AccessKey, error) {
	key, err := w.AccessKey(w.Ctx, begun.ID)
	if err == nil && !key.IssuingUntil.Equal(begun.IssuingUntil) {
		err = notReady("issuing the pair took too long: try again")
	}
	return key, err
}

// recordIssue puts a pair on record, if its caller may still have it and the key is what
// it was. It returns the access key ids of the pairs that end with that.
func (svc *Service) recordIssue(ctx context.Context, c keyhatch.Caller, begun keyhatch.AccessKey, pair keyhatch.KeyPair, grace time.Duration) (key keyhatch.AccessKey, ended []string, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		if _, err := issuable(w, begun.ID); err != nil {
			return err
		}
		if key, err = mine(w, begun); err != nil {
			return err
		}
		if key.Revision != begun.Revision {
			return notReady("the key was changed meanwhile: try again in a moment")
		}
		ended, err = svc.putPair(w, &key, pair.AccessKeyID, nil, grace)
		return err
	})
	return key, ended, err
}

// endIssue notes that no pair is being issued any more, and has the key's job run.
func (svc *Service) endIssue(ctx context.Context, begun keyhatch.AccessKey, pending bool) error {
	return svc.k.ByItself(ctx, func(w *kernel.Work) error {
		key, err := mine(w, begun)
		if err != nil {
			return err
		}
		return stopIssuing(w, key, pending)
	})
}

func stopIssuing(w *kernel.Work, key keyhatch.AccessKey, pending bool) error {
	key.IssuingUntil = time.Time{}
	if pending {
		key.State = keyhatch.AccessKeyPending
		key.Revision++
	}
	if err := w.Tx.UpdateAccessKeyState(w.Ctx, key); err != nil {
		return err
	}
	return w.Tx.AskJob(w.Ctx, storekeys.Job(key, w.Now, time.Time{}))
}

// undoIssue gives up a pair that is not on record, and says why. If that cannot be noted,
// it is when its time is over.
func (svc *Service) undoIssue(ctx context.Context, begun keyhatch.AccessKey, why error) {
	err := svc.k.ByItself(ctx, func(w *kernel.Work) error {
		key, err := mine(w, begun)
		switch {
		case err == nil:
			err = stopIssuing(w, key, true)
		case errors.Is(err, keyhatch.NotFound): // its store may have got it back by the pair
			err = w.Tx.AskJob(ctx, storekeys.Job(begun, w.Now, time.Time{}))
		case errors.Is(err, keyhatch.Conflict): // another has given it up, and said so
			return nil
		}
		if err != nil {
			return err
		}
		return w.Record(storekeys.NotIssued, begun.Workspace, begun.ID, kernel.Detail("name", begun.Name, "store", begun.Store, "reason", kernel.Said(why)))
	})
	if err != nil {
		svc.log.WarnContext(ctx, "it could not be noted that a pair was not issued", "key", begun.ID, "error", err)
	}
}
