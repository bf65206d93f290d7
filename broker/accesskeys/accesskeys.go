package accesskeys

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accounts"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/storekeys"
	"github.com/keyhatch/keyhatch/db"
)

// The events of access keys.
const (
	Created keyhatch.Action = "access_key.create"
	Updated keyhatch.Action = "access_key.update"
	Issued  keyhatch.Action = "access_key.issue"
	Deleted keyhatch.Action = "access_key.delete"
	// SetOn: which keys read and write a bucket was said from its side. Each that changed
	// has an event of its own.
	SetOn keyhatch.Action = "bucket.keys"
)

// Service does the use cases.
type Service struct {
	k                *kernel.Kernel
	endpoint, region string // of our own S3 endpoint
	stores           *storekeys.Service
	kick             func()
	uses             *kernel.Uses
	waiting          queues // for keys whose stores are being asked about them
	log              *slog.Logger
}

// Config is what the service works with.
type Config struct {
	// Endpoint and Region are where the keys of our own S3 endpoint are used.
	Endpoint, Region string
	// Stores has those follow that keep keys themselves.
	Stores *storekeys.Service
	// Kick has jobs done that were asked for.
	Kick func()
	Log  *slog.Logger
}

// New makes the service.
func New(k *kernel.Kernel, c Config) *Service {
	return &Service{
		k: k, endpoint: c.Endpoint, region: c.Region, stores: c.Stores, kick: c.Kick, uses: kernel.NewUses("access keys", k.DB, c.Log), log: c.Log,
	}
}

// RunUses writes when keys were last used, until ctx ends and then once more.
func (svc *Service) RunUses(ctx context.Context) {
	svc.uses.Run(ctx, svc.k.Now, func(ctx context.Context, tx *db.Tx, u kernel.Use) error { return tx.AccessKeyUsed(ctx, u.ID, u.At) })
}

// Used notes that a key was used.
func (svc *Service) Used(id string, at time.Time) { svc.uses.Note(id, at, "") }

// maxKeys is how many keys a workspace may have.
const maxKeys = 1000

// NewKey is what a key is made from.
type NewKey struct {
	Workspace string // id or name; may be empty where one is implied
	Store     string // id or name
	Name      string
	Rights    Rights
	ExpiresAt time.Time // zero: never, or when the caller's token ends, if that is confined
}

// Rights are a key's with buckets by name or id.
type Rights keyhatch.KeyRights

// Create makes a key, which has no pair yet. What it is to open lies within what the
// caller decides over: its admins over all buckets of a workspace, a bucket's owner over
// that; and within the scopes of the caller's token (S4). It works from the networks of
// that token only.
func (svc *Service) Create(ctx context.Context, c keyhatch.Caller, n NewKey) (key keyhatch.AccessKey, err error) {
	err = svc.changing(ctx, c, func(w *kernel.Work) error {
		ws, err := w.MemberWorkspace(n.Workspace)
		if err != nil {
			return err
		}
		if err := w.MustNotBeTask(); err != nil {
			return err
		}
		store, err := svc.servingStore(w.View, ws.ID, n.Store)
		if err != nil {
			return err
		}
		if err := keyhatch.CheckName(n.Name); err != nil {
			return err
		}
		if err := accounts.Ensure(w, ws.ID, store.ID); err != nil {
			return err
		}
		if err := roomForKey(w, ws.ID); err != nil {
			return err
		}
		key = keyhatch.AccessKey{
			ID: keyhatch.NewID(keyhatch.KeyID, w.Now), Workspace: ws.ID, Store: store.ID, Name: n.Name, Owner: w.Caller.User.ID,
			Token: w.Caller.Token.ID, Networks: w.Caller.Token.Networks, State: keyhatch.AccessKeyConfigured, CreatedAt: w.Now, ExpiresAt: kernel.Stored(n.ExpiresAt),
		}
		if key.Rights, err = within(w.View, key, n.Rights); err != nil {
			return err
		}
		if err := w.CheckExpiry(key.ExpiresAt); err != nil {
			return err
		}
		if key.ExpiresAt.IsZero() {
			if key.ExpiresAt, err = lastEnd(w.View); err != nil {
				return err
			}
		}
		if err := mayHaveMade(w, key); err != nil {
			return err
		}
		if store.Keys.Kept() && len(key.Networks) > 0 {
			return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeScopeTooBroad,
				"the store keeps its keys itself, and they work from everywhere: a token that is confined to networks makes none")
		}
		if err := storekeys.Follow(w, &key); err != nil {
			return err
		}
		if err := w.Tx.InsertAccessKey(ctx, key); err != nil {
			return err
		}
		return record(w, Created, key)
	})
	return key, err
}

// changing is a change of keys: what their stores have to do for it begins when it is
// durable.
func (svc *Service) changing(ctx context.Context, c keyhatch.Caller, act func(*kernel.Work) error) error {
	err := svc.k.Change(ctx, c, act)
	svc.kick()
	return err
}

// servingStore finds a store that the workspace's keys can be for.
func (svc *Service) servingStore(v kernel.View, workspace, ref string) (keyhatch.Store, error) {
	s, err := accounts.StoreFor(v, workspace, ref)
	if err == nil && s.Keys != keyhatch.KeysOwn && !svc.stores.Keeps(s.Keys) {
		err = keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported, "there are no access keys for this store: borrow leases").In("store")
	}
	return s, err
}

func roomForKey(w *kernel.Work, workspace string) error {
	have, err := w.CountAccessKeys(w.Ctx, workspace)
	if err == nil && have >= maxKeys {
		err = keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeLimitReached, "a workspace has at most %d access keys: delete some first", maxKeys)
	}
	return err
}

// Change says what of a key changes; nil fields stay.
type Change struct {
	Name      *string
	Rights    *Rights
	OnAll     OnAll
	ExpiresAt *time.Time // zero: never
}

// OnAll says which of a key's rights on all buckets change; nil fields stay, and so do the
// lists.
type OnAll struct{ SeeAll, ReadAll, WriteAll *bool }

// rights are those that a key is to have, and whether they are others than it has.
func (ch Change) rights(has keyhatch.KeyRights) (asked Rights, others bool) {
	asked = Rights(has)
	if ch.Rights != nil {
		asked, others = *ch.Rights, true
	}
	for to, said := range map[*bool]*bool{&asked.SeeAll: ch.OnAll.SeeAll, &asked.ReadAll: ch.OnAll.ReadAll, &asked.WriteAll: ch.OnAll.WriteAll} {
		others = others || said != nil && *said != *to
		kernel.Set(to, said)
	}
	return asked, others
}

// Update changes a key. Its owner and the workspace's admins only; what it is then is held
// to what Create holds it to, also what is not changed: who changes a key could have made
// it.
func (svc *Service) Update(ctx context.Context, c keyhatch.Caller, workspace, ref string, ch Change) (key keyhatch.AccessKey, err error) {
	err = svc.changing(ctx, c, func(w *kernel.Work) error {
		if key, err = ruled(w, workspace, ref); err != nil {
			return err
		}
		key, err = svc.change(w, key, ch)
		return err
	})
	return key, err
}

// change changes a key that the caller may change.
func (svc *Service) change(w *kernel.Work, key keyhatch.AccessKey, ch Change) (_ keyhatch.AccessKey, err error) {
	kernel.Set(&key.Name, ch.Name)
	if err := keyhatch.CheckName(key.Name); err != nil {
		return key, err
	}
	asked, others := ch.rights(key.Rights)
	if others {
		if key.Rights, err = within(w.View, key, asked); err != nil {
			return key, err
		}
	}
	if ch.ExpiresAt != nil {
		key.ExpiresAt = kernel.Stored(*ch.ExpiresAt)
		if err := w.CheckExpiry(key.ExpiresAt); err != nil {
			return key, err
		}
	}
	if err := mayHaveMade(w, key); err != nil {
		return key, err
	}
	// A store that has refused the key is asked again, whatever changes.
	return put(w, key, others || ch.ExpiresAt != nil || key.State == keyhatch.AccessKeyFailed)
}

// put writes what a key has become: whatever changes a key's rights ends here. follows:
// its store has to know.
func put(w *kernel.Work, key keyhatch.AccessKey, follows bool) (keyhatch.AccessKey, error) {
	if follows {
		if err := storekeys.Follow(w, &key); err != nil {
			return key, err
		}
	}
	if err := w.Tx.UpdateAccessKey(w.Ctx, key); err != nil {
		return key, err
	}
	return key, record(w, Updated, key)
}

// Delete removes a key; its pairs end at once. Who may is as with Update.
func (svc *Service) Delete(ctx context.Context, c keyhatch.Caller, workspace, ref string) error {
	return svc.changing(ctx, c, func(w *kernel.Work) error {
		key, err := ruled(w, workspace, ref)
		if err != nil {
			return err
		}
		return svc.end(w, key)
	})
}

func (svc *Service) end(w *kernel.Work, key keyhatch.AccessKey) error {
	if err := w.Tx.DeleteAccessKey(w.Ctx, key); err != nil {
		return err
	}
	svc.uses.Forget(key.ID)
	if err := storekeys.Ask(w, key); err != nil {
		return err
	}
	return record(w, Deleted, key)
}

// record notes what became of a key, with what it may open.
func record(w *kernel.Work, what keyhatch.Action, k keyhatch.AccessKey) error {
	return w.Record(what, k.Workspace, k.ID, kernel.Detail("name", k.Name, "store", k.Store, "owner", k.Owner,
		"see_all", kernel.Yes(k.Rights.SeeAll), "read_all", kernel.Yes(k.Rights.ReadAll), "write_all", kernel.Yes(k.Rights.WriteAll),
		"read", joined(k.Rights.Read), "write", joined(k.Rights.Write), "expires", kernel.TimeText(k.ExpiresAt), "pairs", joined(idsOf(k.Pairs))))
}

// Key returns one key that the caller may see: those of a workspace that it manages, and
// its own.
func (svc *Service) Key(ctx context.Context, c keyhatch.Caller, workspace, ref string) (keyhatch.AccessKey, error) {
	v := svc.k.View(ctx, c)
	key, _, err := visible(v, workspace, ref)
	if err != nil {
		return key, err
	}
	j, _, err := v.Job(ctx, storekeys.Provisioning, key.ID)
	key.Attempts, key.LastError = j.Attempts, j.LastError
	return key, err
}

// Filter says which keys of a workspace a list has; empty fields are all.
type Filter struct{ Workspace, Store string } // ids or names

// Keys lists the keys of a workspace that the caller may see. Members only.
func (svc *Service) Keys(ctx context.Context, c keyhatch.Caller, f Filter, p kernel.Page) (kernel.List[keyhatch.AccessKey], error) {
	v := svc.k.View(ctx, c)
	ws, err := v.MemberWorkspace(f.Workspace)
	if err != nil {
		return kernel.List[keyhatch.AccessKey]{}, err
	}
	wanted := db.AccessKeyFilter{Workspace: ws.ID, Owner: c.User.ID}
	role, err := v.Role(ws.ID)
	if err != nil {
		return kernel.List[keyhatch.AccessKey]{}, err
	}
	if role.Manages() {
		wanted.Owner = ""
	}
	if f.Store != "" {
		store, err := svc.servingStore(v, ws.ID, f.Store)
		if err != nil {
			return kernel.List[keyhatch.AccessKey]{}, err
		}
		wanted.Store = store.ID
	}
	return kernel.Paged(p, keyhatch.KeyID, func(k keyhatch.AccessKey) string { return k.ID },
		func(p kernel.Page) ([]keyhatch.AccessKey, error) {
			keys, err := v.AccessKeys(ctx, wanted, p)
			return withAttempts(v, ws.ID, keys, err)
		})
}

// withAttempts tells of keys what has become of those of their jobs that wait.
func withAttempts(v kernel.View, workspace string, keys []keyhatch.AccessKey, err error) ([]keyhatch.AccessKey, error) {
	if err != nil || len(keys) == 0 {
		return keys, err
	}
	waiting, err := v.Jobs(v.Ctx, db.JobFilter{Kind: storekeys.Provisioning, Workspace: workspace}, db.Everything)
	of := map[string]keyhatch.Job{}
	for _, j := range waiting {
		of[j.Subject] = j
	}
	for i, k := range keys {
		keys[i].Attempts, keys[i].LastError = of[k.ID].Attempts, of[k.ID].LastError
	}
	return keys, err
}

// visible finds a key by id, or by name in a workspace, and the caller's role there. A
// key that it may not see is not found.
func visible(v kernel.View, workspace, ref string) (key keyhatch.AccessKey, role keyhatch.Role, err error) {
	if _, ok := keyhatch.IDPayload(keyhatch.KeyID, ref); ok {
		key, err = v.AccessKey(v.Ctx, ref)
	} else {
		var ws keyhatch.Workspace
		if ws, err = v.WorkspaceFor(workspace); errors.Is(err, keyhatch.NotFound) {
			err = kernel.NotFound(keyhatch.CodeAccessKeyNotFound) // like a key in one that the caller may not see
		}
		if err == nil {
			key, err = v.AccessKeyByName(v.Ctx, ws.ID, ref)
		}
	}
	if err == nil {
		role, err = v.Role(key.Workspace)
	}
	if err == nil && !role.Manages() && (role == keyhatch.NoRole || key.Owner != v.Caller.User.ID) {
		err = kernel.NotFound(keyhatch.CodeAccessKeyNotFound)
	}
	if err != nil {
		return keyhatch.AccessKey{}, keyhatch.NoRole, err
	}
	return key, role, nil
}

// ruled finds a key that the caller may change: whoever sees it, but for tasks.
func ruled(w *kernel.Work, workspace, ref string) (keyhatch.AccessKey, error) {
	key, _, err := visible(w.View, workspace, ref)
	if err == nil {
		err = w.MustNotBeTask()
	}
	return key, err
}
