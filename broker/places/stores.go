package places

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// The events of stores and buckets.
const (
	StoreCreated  keyhatch.Action = "store.create"
	StoreUpdated  keyhatch.Action = "store.update"
	StoreDeleted  keyhatch.Action = "store.delete"
	BucketCreated keyhatch.Action = "bucket.create"
	BucketDeleted keyhatch.Action = "bucket.delete"
)

// NewStore is what a store is made from.
type NewStore struct {
	Name string
	Kind keyhatch.StoreKind
	Path string // of a directory store
}

// CreateStore adds a store that serves every workspace. Installation admins
// only; a directory store must lie inside a folder that the configuration
// allows, so that the API can never be made to serve another part of the
// machine.
func (svc *Service) CreateStore(ctx context.Context, c keyhatch.Caller, n NewStore) (s keyhatch.Store, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		if err := w.MustInstall(); err != nil {
			return err
		}
		if err := keyhatch.CheckName(n.Name); err != nil {
			return err
		}
		if n.Kind != keyhatch.DirectoryStore {
			return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidRequest, `a store's kind is "directory"`).In("kind")
		}
		path, err := svc.checkPath(n.Path)
		if err != nil {
			return err
		}
		if err := noNestedStore(w, path); err != nil {
			return err
		}
		s = keyhatch.Store{
			ID: keyhatch.NewID(keyhatch.StoreID, w.Now), Name: n.Name, Kind: n.Kind, Path: path,
			Lends: keyhatch.LendsOwn, CreatedAt: w.Now,
		}
		if err := w.Tx.InsertStore(ctx, s); err != nil {
			return err
		}
		return w.Record(StoreCreated, "", s.ID, kernel.Detail("name", s.Name, "kind", string(s.Kind), "path", s.Path))
	})
	return s, err
}

func (svc *Service) checkPath(path string) (string, error) {
	path = filepath.Clean(path)
	if filepath.IsAbs(path) {
		for _, root := range svc.roots {
			if inside(path, root) {
				return path, nil
			}
		}
	}
	return "", keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidPath,
		"a directory store needs an absolute path inside one of the configured directory_roots").In("path")
}

// noNestedStore refuses a folder that another store serves, wholly or in part:
// the same object would have two addresses and two sets of rights.
func noNestedStore(w *kernel.Work, path string) error {
	stores, err := w.Stores(w.Ctx, "", kernel.Page{Limit: 1 << 30})
	if err != nil {
		return err
	}
	for _, s := range stores {
		if s.Kind == keyhatch.DirectoryStore && (inside(path, s.Path) || inside(s.Path, path)) {
			return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeInvalidPath,
				"the folder overlaps the one of store %s: choose another", s.Name).In("path")
		}
	}
	return nil
}

func inside(path, root string) bool {
	return path == root || strings.HasPrefix(path, strings.TrimSuffix(root, "/")+"/")
}

// RenameStore changes the name. Installation admins only.
func (svc *Service) RenameStore(ctx context.Context, c keyhatch.Caller, ref, name string) (s keyhatch.Store, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		if s, err = managedStore(w, ref); err != nil {
			return err
		}
		if err := keyhatch.CheckName(name); err != nil {
			return err
		}
		if err := w.Tx.RenameStore(ctx, s, name); err != nil {
			return err
		}
		s.Name = name
		return w.Record(StoreUpdated, s.Workspace, s.ID, kernel.Detail("name", name))
	})
	return s, err
}

// DeleteStore removes a store without buckets. Installation admins only.
func (svc *Service) DeleteStore(ctx context.Context, c keyhatch.Caller, ref string) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		s, err := managedStore(w, ref)
		if err != nil {
			return err
		}
		if err := w.Tx.DeleteStore(ctx, s); err != nil {
			return err
		}
		return w.Record(StoreDeleted, s.Workspace, s.ID, kernel.Detail("name", s.Name))
	})
}

// Store returns one store: a shared one, or one of a workspace that the caller
// belongs to.
func (svc *Service) Store(ctx context.Context, c keyhatch.Caller, ref string) (keyhatch.Store, error) {
	return visibleStore(svc.k.View(ctx, c), ref)
}

// Stores lists the stores that the caller may see.
func (svc *Service) Stores(ctx context.Context, c keyhatch.Caller, p kernel.Page) (kernel.List[keyhatch.Store], error) {
	v := svc.k.View(ctx, c)
	member := c.User.ID
	if v.Installs() {
		member = ""
	}
	return kernel.Paged(p, keyhatch.StoreID, func(s keyhatch.Store) string { return s.ID },
		func(p kernel.Page) ([]keyhatch.Store, error) {
			stores, err := v.Stores(ctx, member, p)
			for i := range stores {
				stores[i] = redact(v, stores[i])
			}
			return stores, err
		})
}

func visibleStore(v kernel.View, ref string) (keyhatch.Store, error) {
	s, err := v.FindStore(ref)
	if err != nil {
		return s, err
	}
	if s.Workspace != "" {
		if err := v.MustBelong(s.Workspace, keyhatch.CodeStoreNotFound); err != nil {
			return s, err
		}
	}
	return redact(v, s), nil
}

// redact leaves out where on the server a store lies, for everybody but those
// who put it there.
func redact(v kernel.View, s keyhatch.Store) keyhatch.Store {
	if !v.Installs() {
		s.Path = ""
	}
	return s
}

func managedStore(w *kernel.Work, ref string) (keyhatch.Store, error) {
	s, err := visibleStore(w.View, ref)
	if err != nil {
		return s, err
	}
	return s, w.MustInstall()
}

// NewBucket is what a bucket is made from.
type NewBucket struct {
	Workspace string // id or name; may be empty where one is implied
	Store     string // id or name
	Name      string
}

// CreateBucket puts a bucket of a store on record as a workspace's. On a
// directory store, a folder of the name that exists already is served as it
// is; therefore only installation admins may do this.
func (svc *Service) CreateBucket(ctx context.Context, c keyhatch.Caller, n NewBucket) (bk keyhatch.Bucket, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		ws, err := w.MemberWorkspace(n.Workspace)
		if err != nil {
			return err
		}
		if err := w.MustInstall(); err != nil {
			return err
		}
		if err := keyhatch.CheckBucketName(n.Name); err != nil {
			return err
		}
		s, err := visibleStore(w.View, n.Store)
		if err != nil {
			return err
		}
		bk = keyhatch.Bucket{ID: keyhatch.NewID(keyhatch.BucketID, w.Now), Workspace: ws.ID, Store: s.ID, Name: n.Name, CreatedAt: w.Now}
		if err := w.Tx.InsertBucket(ctx, bk); err != nil {
			return err
		}
		return w.Record(BucketCreated, ws.ID, bk.ID, kernel.Detail("name", bk.Name, "store", s.ID))
	})
	return bk, err
}

// DeleteBucket takes a bucket without locations off the record; its objects
// stay in the store. Installation admins only.
func (svc *Service) DeleteBucket(ctx context.Context, c keyhatch.Caller, id string) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		bk, err := visibleBucket(w.View, id)
		if err != nil {
			return err
		}
		if err := w.MustInstall(); err != nil {
			return err
		}
		if err := w.Tx.DeleteBucket(ctx, bk); err != nil {
			return err
		}
		return w.Record(BucketDeleted, bk.Workspace, bk.ID, kernel.Detail("name", bk.Name, "store", bk.Store))
	})
}

// Bucket returns one bucket of a workspace that the caller belongs to.
func (svc *Service) Bucket(ctx context.Context, c keyhatch.Caller, id string) (keyhatch.Bucket, error) {
	return visibleBucket(svc.k.View(ctx, c), id)
}

// Buckets lists a workspace's buckets. Members only.
func (svc *Service) Buckets(ctx context.Context, c keyhatch.Caller, workspace string, p kernel.Page) (kernel.List[keyhatch.Bucket], error) {
	v := svc.k.View(ctx, c)
	ws, err := v.MemberWorkspace(workspace)
	if err != nil {
		return kernel.List[keyhatch.Bucket]{}, err
	}
	return kernel.Paged(p, keyhatch.BucketID, func(b keyhatch.Bucket) string { return b.ID },
		func(p kernel.Page) ([]keyhatch.Bucket, error) { return v.Buckets(ctx, ws.ID, p) })
}

func visibleBucket(v kernel.View, id string) (keyhatch.Bucket, error) {
	bk, err := v.Bucket(v.Ctx, id)
	if err != nil {
		return bk, err
	}
	return bk, v.MustBelong(bk.Workspace, keyhatch.CodeBucketNotFound)
}
