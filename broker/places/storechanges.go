package places

import (
	"context"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// StoreChange is what can be changed of a store; nil leaves it as it is.
type StoreChange struct {
	Name       *string
	Credential *string // id or name
	Lends      *keyhatch.Lending
	Console    *string
}

// UpdateStore changes the name, or of an S3 store the credential, how it lends and its
// console. Installation admins only, and of a workspace's own store its admins. Where a
// store lies never changes: what was granted on one place must not open another. Leases
// that were lent before stay what they are.
func (svc *Service) UpdateStore(ctx context.Context, c keyhatch.Caller, ref string, ch StoreChange) (s keyhatch.Store, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		if s, err = ManagedStore(w, ref); err != nil {
			return err
		}
		if ch.Name != nil && *ch.Name != s.Name {
			if err := namedOf(w, kernel.Place{Workspace: s.Workspace}, *ch.Name); err != nil {
				return err
			}
			s.Name = *ch.Name
		}
		if err := keyhatch.CheckName(s.Name); err != nil {
			return err
		}
		if err := reachOtherwise(w, &s, ch); err != nil {
			return err
		}
		return storeStore(w, s)
	})
	return s, err
}

// reachOtherwise puts into an S3 store what of a change others do not have.
func reachOtherwise(w *kernel.Work, s *keyhatch.Store, ch StoreChange) error {
	given := map[string]string{"credential": with(ch.Credential), "lends": with(ch.Lends), "console": with(ch.Console)}
	if s.Kind != keyhatch.S3Store {
		return wantEmpty(s.Kind, given)
	}
	before := *s
	if ch.Lends != nil {
		if err := lendAs(s, *ch.Lends); err != nil {
			return err
		}
	}
	if ch.Console != nil {
		if err := checkConsole(*ch.Console); err != nil {
			return err
		}
		s.Console = *ch.Console
	}
	ref := s.Credential
	if ch.Credential != nil {
		ref = *ch.Credential
	}
	if ref == "" || ch.Credential == nil && s.Lends == before.Lends {
		return nil
	}
	if err := actFor(w, s, ref); err != nil {
		return err
	}
	return mayActInstead(w, *s, before.Credential)
}

// mayActInstead refuses another credential for a store that keeps keys while it has any:
// in another account the keys' users would be out of reach.
func mayActInstead(w *kernel.Work, s keyhatch.Store, before string) error {
	if !s.Keys.Kept() || before == "" || before == s.Credential {
		return nil
	}
	keys, err := w.HasAccessKeys(w.Ctx, s.ID)
	if err != nil {
		return err
	}
	if keys {
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeInUse,
			"the store keeps access keys as users of its credential's account: give that credential other keys of the account, or delete the access keys first").In("credential")
	}
	return noKeyIsLeaving(w, s)
}

// noKeyIsLeaving refuses what would leave a key in the store that has been deleted here
// and is not gone from there yet.
func noKeyIsLeaving(w *kernel.Work, s keyhatch.Store) error {
	left, err := w.JobsNaming(w.Ctx, s.ID)
	if err != nil || len(left) == 0 {
		return err
	}
	why := ""
	for _, j := range left {
		if j.LastError != "" {
			why = " (" + j.LastError + ")"
		}
	}
	return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeInUse,
		"%d access keys that were deleted are not gone from the store yet%s: wait until they are", len(left), why)
}

// storeStore writes what changed of a store.
func storeStore(w *kernel.Work, s keyhatch.Store) error {
	if err := w.Tx.UpdateStore(w.Ctx, s); err != nil {
		return err
	}
	return w.Record(StoreUpdated, s.Workspace, s.ID, kernel.Detail("name", s.Name, "credential", s.Credential, "lends", otherThan(keyhatch.LendsOwn, s.Lends), "console", s.Console))
}

// DeleteStore removes a store without buckets and without access keys, also such as are
// not gone from there yet. Who may is as with UpdateStore.
func (svc *Service) DeleteStore(ctx context.Context, c keyhatch.Caller, ref string) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		s, err := ManagedStore(w, ref)
		if err != nil {
			return err
		}
		return deleteStore(w, s)
	})
}

func deleteStore(w *kernel.Work, s keyhatch.Store) error {
	if err := noKeyIsLeaving(w, s); err != nil {
		return err
	}
	if err := w.Tx.DeleteStore(w.Ctx, s); err != nil {
		return err
	}
	return w.Record(StoreDeleted, s.Workspace, s.ID, kernel.Detail("name", s.Name))
}
