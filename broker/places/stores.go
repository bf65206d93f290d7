package places

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// The events of stores.
const (
	StoreCreated keyhatch.Action = "store.create"
	StoreUpdated keyhatch.Action = "store.update"
	StoreDeleted keyhatch.Action = "store.delete"
)

// NewStore is what a store is made from.
type NewStore struct {
	Workspace string // id or name; see kernel.View.PlaceFor
	Name      string
	Kind      keyhatch.StoreKind
	Path      string // of a directory store
	// Of an S3 store:
	Endpoint     string           // URL without a path
	Region       string           // empty: us-east-1
	Credential   string           // id or name
	Keys         keyhatch.KeysOf  // whose access keys work on it; empty: our own S3 endpoint's
	KeysEndpoint string           // URL of the service that keeps them; empty: see keyhatch.Store
	Lends        keyhatch.Lending // empty: our own S3 endpoint
	Console      string           // see keyhatch.Store
}

// CreateStore adds a store: one of the installation serves every workspace, and its
// admins may make it; one of a workspace speaks S3 and serves that one alone, and the
// workspace's admins may. A directory store must lie inside a folder, and the endpoint
// of an S3 store in a network, that the configuration allows, so that the API can
// never be made to serve another part of the machine or to reach into a network
// behind it (S10).
func (svc *Service) CreateStore(ctx context.Context, c keyhatch.Caller, n NewStore) (s keyhatch.Store, err error) {
	if n.Kind == keyhatch.S3Store { // before the transaction: names are looked up
		if _, err := placeOf(svc.k.View(ctx, c), n); err != nil {
			return s, err
		}
		if n.Endpoint, err = svc.k.CheckEndpoint(ctx, n.Endpoint); err != nil {
			return s, err
		}
		if n.KeysEndpoint, err = svc.checkKeysEndpoint(ctx, n.KeysEndpoint); err != nil {
			return s, err
		}
	}
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		in, err := placeOf(w.View, n)
		if err != nil {
			return err
		}
		if err := keyhatch.CheckName(n.Name); err != nil {
			return err
		}
		if err := namedOf(w, in, n.Name); err != nil {
			return err
		}
		s = keyhatch.Store{
			ID: keyhatch.NewID(keyhatch.StoreID, w.Now), Workspace: in.Workspace, Name: n.Name, Kind: n.Kind,
			Lends: keyhatch.LendsOwn, Keys: keyhatch.KeysOwn, CreatedAt: w.Now,
		}
		switch n.Kind {
		case keyhatch.DirectoryStore:
			err = svc.directory(w, n, &s)
		case keyhatch.S3Store:
			err = speaksS3(w, n, &s)
		default:
			err = keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidRequest, `a store's kind is "directory" or "s3"`).In("kind")
		}
		if err != nil {
			return err
		}
		return insertStore(w, s)
	})
	if err == nil {
		svc.WarnOf(s)
	}
	return s, err
}

func insertStore(w *kernel.Work, s keyhatch.Store) error {
	if err := w.Tx.InsertStore(w.Ctx, s); err != nil {
		return err
	}
	return w.Record(StoreCreated, s.Workspace, s.ID, kernel.Detail("name", s.Name, "kind", string(s.Kind),
		"path", s.Path, "endpoint", s.Endpoint, "region", s.Region, "credential", s.Credential, "keys", string(s.Keys), "keys_endpoint", s.KeysEndpoint, "lends", otherThan(keyhatch.LendsOwn, s.Lends), "console", s.Console))
}

// placeOf is where a store may be put: folders of the server's machine serve every
// workspace.
func placeOf(v kernel.View, n NewStore) (kernel.Place, error) {
	if n.Kind != keyhatch.S3Store {
		return kernel.Place{}, v.MustInstall()
	}
	return v.ManagedPlace(n.Workspace, "")
}

// namedOf holds the rule for the names of stores of workspaces: they begin with the
// workspace's, so that no workspace takes a name from others, or learns of theirs by
// trying.
func namedOf(w *kernel.Work, in kernel.Place, name string) error {
	if in.Workspace == "" {
		return nil
	}
	ws, err := w.Workspace(w.Ctx, in.Workspace)
	if err == nil && !strings.HasPrefix(name, ws.Name+".") {
		err = keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidName,
			"the name of a workspace's own store begins with the workspace's name and a dot").In("name")
	}
	return err
}

// WarnOf says in the log what an operator should know of a store.
func (svc *Service) WarnOf(s keyhatch.Store) {
	if s.InTheClear() {
		svc.log.Warn("objects on their way to and from a store, or secrets of its keys, can be read and changed: an endpoint of it has no TLS",
			"store", s.Name, "endpoint", s.Endpoint, "keys_endpoint", s.KeysEndpoint)
	}
}

// directory fills in what a directory store has.
func (svc *Service) directory(w *kernel.Work, n NewStore, s *keyhatch.Store) (err error) {
	if err := wantEmpty(keyhatch.DirectoryStore, map[string]string{
		"endpoint": n.Endpoint, "region": n.Region, "credential": n.Credential, "keys": string(n.Keys), "keys_endpoint": n.KeysEndpoint,
		"lends": otherThan(keyhatch.LendsOwn, n.Lends), "console": n.Console,
	}); err != nil {
		return err
	}
	if s.Path, err = svc.checkPath(n.Path); err != nil {
		return err
	}
	return noNestedStore(w, s.Path)
}

// speaksS3 fills in what an S3 store has.
func speaksS3(w *kernel.Work, n NewStore, s *keyhatch.Store) error {
	if err := wantEmpty(keyhatch.S3Store, map[string]string{"path": n.Path}); err != nil {
		return err
	}
	if n.Keys != "" {
		s.Keys = n.Keys
	}
	if !slices.Contains(keyhatch.KindsOfKeys, s.Keys) {
		return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidRequest, `access keys are "own", "iam", "rgw" or "none"`).In("keys")
	}
	if n.KeysEndpoint != "" && !s.Keys.Kept() {
		return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidRequest, "only a store that keeps access keys itself has an endpoint for them").In("keys_endpoint")
	}
	if err := lendAs(s, n.Lends); err != nil {
		return err
	}
	if err := checkConsole(n.Console); err != nil {
		return err
	}
	s.Endpoint, s.Region, s.KeysEndpoint, s.Console = n.Endpoint, n.Region, n.KeysEndpoint, n.Console
	if s.Region == "" {
		s.Region = defaultRegion
	}
	if err := checkRegion(s.Region); err != nil {
		return err
	}
	return actFor(w, s, n.Credential)
}

func (svc *Service) checkKeysEndpoint(ctx context.Context, endpoint string) (string, error) {
	if endpoint == "" {
		return "", nil
	}
	checked, err := svc.k.CheckEndpoint(ctx, endpoint)
	var e *keyhatch.Error
	if errors.As(err, &e) {
		of := *e
		err = of.In("keys_endpoint")
	}
	return checked, err
}

// actFor puts a credential into a store: one of the store's own place, which those
// change whose data is in the store. One of a teamspace is its editors' to change.
func actFor(w *kernel.Work, s *keyhatch.Store, ref string) error {
	credential, err := w.ManagedCredential(s.Workspace, s.Teamspace, ref)
	if err == nil && (credential.Workspace != s.Workspace || credential.Teamspace != s.Teamspace) {
		err = kernel.NotFound(keyhatch.CodeCredentialNotFound)
	}
	if err != nil {
		return err
	}
	if !s.ReachedWith(credential.Provider, credential.Kind) {
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported,
			`a store is reached with keys of AWS or of an S3-compatible store, or with a role where it lends "sts" and its keys are "none": give it such a credential`).In("credential")
	}
	s.Credential = credential.ID
	return nil
}

// defaultRegion is what most stores take whatever their own is.
const defaultRegion = "us-east-1"

// wantEmpty refuses what a store of the kind does not have.
func wantEmpty(kind keyhatch.StoreKind, fields map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if fields[name] != "" {
			return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidRequest, "a store of kind %s has no %s", kind, name).In(name)
		}
	}
	return nil
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
	stores, err := w.Stores(w.Ctx, "", "", kernel.Page{Limit: 1 << 30})
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

// Store returns one store: a shared one, or one of a workspace that the caller
// belongs to. One of a teamspace is for who sees that.
func (svc *Service) Store(ctx context.Context, c keyhatch.Caller, ref string) (keyhatch.Store, error) {
	return visibleStore(svc.k.View(ctx, c), ref)
}

// Stores lists the stores that the caller may see.
func (svc *Service) Stores(ctx context.Context, c keyhatch.Caller, p kernel.Page) (kernel.List[keyhatch.Store], error) {
	v := svc.k.View(ctx, c)
	seenBy := c.User.ID
	if c.User.Admin { // of one workspace, when the token is confined to it
		seenBy = ""
	}
	return kernel.Paged(p, keyhatch.StoreID, func(s keyhatch.Store) string { return s.ID },
		func(p kernel.Page) ([]keyhatch.Store, error) {
			stores, err := v.Stores(ctx, seenBy, c.Token.Workspace, p)
			for i := range stores {
				if err == nil {
					stores[i], err = redact(v, stores[i])
				}
			}
			return stores, err
		})
}

func visibleStore(v kernel.View, ref string) (keyhatch.Store, error) {
	s, err := v.FindStore(ref)
	if err != nil {
		return s, err
	}
	if err := v.MustSeeStore(s, keyhatch.CodeStoreNotFound); err != nil {
		return keyhatch.Store{}, err
	}
	return redact(v, s)
}

// redact leaves out where a store lies and what opens it, for everybody but
// those who put it there.
func redact(v kernel.View, s keyhatch.Store) (keyhatch.Store, error) {
	whole := v.Installs()
	if s.Workspace != "" {
		role, err := v.Role(s.Workspace)
		if err != nil {
			return keyhatch.Store{}, err
		}
		whole = role.Manages()
	}
	if !whole {
		s.Path, s.Endpoint, s.Credential, s.KeysEndpoint, s.Console, s.Proof = "", "", "", "", "", nil
	}
	return s, nil
}

// ManagedStore finds a store, whole, for who put it there.
func ManagedStore(w *kernel.Work, ref string) (keyhatch.Store, error) {
	s, err := visibleStore(w.View, ref)
	if err == nil {
		err = w.MustNotBeTask()
	}
	if err != nil {
		return s, err
	}
	if s.Workspace != "" {
		return s, w.MustManage(s.Workspace, keyhatch.CodeStoreNotFound)
	}
	return s, w.MustInstall()
}

// checkRegion refuses what would not stand in a signature's scope.
func checkRegion(region string) error {
	for i := range len(region) {
		c := region[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidRequest, "a region has letters, digits, '-' and '_'").In("region")
		}
	}
	if len(region) > 64 {
		return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidRequest, "a region has at most 64 characters").In("region")
	}
	return nil
}
