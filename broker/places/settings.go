package places

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// Setting is a location with the credential through which its objects are reached, as
// TileDB has them: a storage setting. Its store is the workspace's own.
type Setting struct {
	keyhatch.Location
	Credential string // its name; empty: it was taken away, and the objects are not reached
}

// NewSetting is what a setting is made from.
type NewSetting struct {
	Workspace, Teamspace string // ids or names
	Name                 string
	Path                 string // s3://bucket/prefix
	Credential           string // id, or name in the place; in a teamspace, else one in the workspace
	Default              bool
}

// CreateSetting names a prefix of a bucket that is reached through a credential. What is
// not on record of the bucket, and of a store for it, is put there. All settings of a
// bucket share its credential. It is for the admins of the workspace, and as with every
// location nobody can read or write it before a grant says so.
func (svc *Service) CreateSetting(ctx context.Context, c keyhatch.Caller, n NewSetting) (made Setting, err error) {
	path, err := keyhatch.ParseS3URL(strings.TrimSuffix(n.Path, "/") + "/") // TileDB writes it without
	if err != nil {
		return made, ofPath(err)
	}
	reached, err := svc.reachedThrough(svc.k.View(ctx, c), n)
	if err != nil {
		return made, err
	}
	// Before the transaction: names are looked up.
	if reached.Endpoint, err = svc.k.CheckEndpoint(ctx, reached.Endpoint); err != nil {
		return made, err
	}
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		in, err := locationPlace(w.View, n.Workspace, n.Teamspace)
		if err != nil {
			return err
		}
		credential, err := settingCredential(w.View, in, n.Credential)
		if err != nil {
			return err
		}
		bucket, err := bucketThrough(w, path.Bucket, credential, &reached)
		if err != nil {
			return err
		}
		made.Credential = credential.Name
		made.Location, err = svc.insertLocation(w, in, bucket, path.Prefix, NewLocation{Name: n.Name, Default: n.Default})
		return ofPath(err)
	})
	if err != nil {
		return Setting{}, err
	}
	if made.Store == reached.ID {
		svc.WarnOf(reached)
	}
	return made, nil
}

// ofPath says that it was the path that was refused, when it was the address.
func ofPath(err error) error {
	var e *keyhatch.Error
	if errors.As(err, &e) && (e.Field == "" && e.Kind == keyhatch.Invalid || e.Field == "url") {
		of := *e
		return of.In("path")
	}
	return err
}

// settingCredential finds the credential of a setting, which those name who may change
// it: in the place, or for a teamspace in the workspace.
func settingCredential(v kernel.View, in kernel.Place, ref string) (db.SealedCredential, error) {
	c, err := v.ManagedCredential(in.Workspace, in.Teamspace, ref)
	if errors.Is(err, keyhatch.NotFound) && in.Teamspace != "" {
		c, err = v.ManagedCredential(in.Workspace, "", ref)
	}
	if err == nil && (c.Workspace != in.Workspace || c.Teamspace != "" && c.Teamspace != in.Teamspace) {
		err = kernel.NotFound(keyhatch.CodeCredentialNotFound)
	}
	return c, err
}

// onAWS are the endpoints of regions of AWS.
var onAWS = regexp.MustCompile(`^https://s3\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$`)

// reachedThrough is the store that the credential of a new setting opens.
func (svc *Service) reachedThrough(v kernel.View, n NewSetting) (s keyhatch.Store, err error) {
	in, err := locationPlace(v, n.Workspace, n.Teamspace)
	if err != nil {
		return s, err
	}
	credential, err := settingCredential(v, in, n.Credential)
	if err != nil {
		return s, err
	}
	s = keyhatch.Store{
		Workspace: credential.Workspace, Teamspace: credential.Teamspace, Kind: keyhatch.S3Store, Lends: keyhatch.LendsOwn, Keys: keyhatch.KeysOwn,
		Endpoint: credential.Endpoint, Region: defaultRegion,
	}
	if s.Endpoint == "" {
		s.Endpoint = "https://s3." + defaultRegion + ".amazonaws.com"
	}
	if found := onAWS.FindStringSubmatch(s.Endpoint); found != nil {
		s.Region = found[1]
	}
	return s, nil
}

// bucketThrough finds the workspace's bucket, which has to be reached through the
// credential, or puts it on record with a store for it alone.
func bucketThrough(w *kernel.Work, name string, credential db.SealedCredential, reached *keyhatch.Store) (bucket keyhatch.Bucket, err error) {
	if bucket, err = w.BucketByName(w.Ctx, reached.Workspace, name); err == nil {
		s, err := w.Store(w.Ctx, bucket.Store)
		if err == nil && s.Credential != credential.ID {
			err = keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeNameTaken,
				"the bucket is on record already, with another credential: all storage settings of a bucket share its").In("credentials_name")
		}
		return bucket, err
	}
	if !errors.Is(err, keyhatch.NotFound) {
		return bucket, err
	}
	reached.ID, reached.CreatedAt = keyhatch.NewID(keyhatch.StoreID, w.Now), w.Now
	if reached.Name, err = forOneBucket(w, *reached); err != nil {
		return bucket, err
	}
	if err := actFor(w, reached, credential.ID); err != nil {
		return bucket, err
	}
	if err := insertStore(w, *reached); err != nil {
		return bucket, err
	}
	bucket = keyhatch.Bucket{ID: keyhatch.NewID(keyhatch.BucketID, w.Now), Workspace: reached.Workspace, Store: reached.ID, Name: name, Owner: w.Caller.User.ID, CreatedAt: w.Now}
	return bucket, insertBucket(w, *reached, bucket)
}

// forOneBucket is the name of a store that is made with its bucket, and goes with it.
func forOneBucket(w *kernel.Work, s keyhatch.Store) (string, error) {
	ws, err := w.Workspace(w.Ctx, s.Workspace)
	payload, _ := keyhatch.IDPayload(keyhatch.StoreID, s.ID)
	return ws.Name + ".of-" + payload, err
}

// isForOneBucket tells such a store by its name, whatever its workspace is called now.
func isForOneBucket(s keyhatch.Store) bool {
	payload, _ := keyhatch.IDPayload(keyhatch.StoreID, s.ID)
	return strings.HasSuffix(s.Name, ".of-"+payload)
}

// forgetBucket takes the bucket of a location that has gone off the record, when it has
// no other and its store was made for it.
func forgetBucket(w *kernel.Work, l keyhatch.Location) error {
	s, err := w.Store(w.Ctx, l.Store)
	if err != nil || !isForOneBucket(s) {
		return err
	}
	left, err := w.LocationsOfBucket(w.Ctx, l.Bucket)
	if err != nil || len(left) > 0 {
		return err
	}
	bucket, err := w.Bucket(w.Ctx, l.Bucket)
	if err != nil {
		return err
	}
	if err := deleteBucket(w, bucket); err != nil {
		return err
	}
	return deleteStore(w, s)
}

// SettingChange is what can be changed of a setting; nil leaves it as it is.
type SettingChange struct {
	Path       *string // it must be what it is: what was granted stays where it is
	Name       *string
	Default    *bool
	Credential *string // as in NewSetting; all settings of the bucket get it
}

// UpdateSetting changes a setting. Who may is as with CreateSetting.
func (svc *Service) UpdateSetting(ctx context.Context, c keyhatch.Caller, workspace, teamspace, ref string, ch SettingChange) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		s, err := managedSetting(w.View, workspace, teamspace, ref)
		if err != nil {
			return err
		}
		l := s.Location
		if ch.Path != nil && strings.TrimSuffix(*ch.Path, "/") != strings.TrimSuffix(l.URL().String(), "/") {
			return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeInvalidPath,
				"the path stays, as what was granted on it does: make another storage setting").In("path")
		}
		if ch.Credential != nil {
			if err := reachWith(w, l, *ch.Credential); err != nil {
				return err
			}
		}
		kernel.Set(&l.Name, ch.Name)
		if err := keyhatch.CheckName(l.Name); err != nil {
			return err
		}
		if err := setDefault(w, &l, ch.Default); err != nil {
			return err
		}
		return storeLocation(w, l)
	})
}

// reachWith gives the store of a location another credential, for the same endpoint: its
// objects stay where they are.
func reachWith(w *kernel.Work, l keyhatch.Location, ref string) error {
	s, err := managedStore(w, l.Store)
	if err != nil {
		return err
	}
	credential, err := settingCredential(w.View, kernel.Place{Workspace: l.Workspace, Teamspace: l.Teamspace}, ref)
	switch {
	case err != nil:
		return err
	case credential.ID == s.Credential:
		return nil
	case credential.Teamspace != s.Teamspace:
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported,
			"who may change the credential stays: one of a teamspace takes the place of one of that teamspace, and one of the workspace of one of the workspace").In("credentials_name")
	case credential.Endpoint != s.Endpoint && (credential.Endpoint != "" || !onAWS.MatchString(s.Endpoint)):
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported,
			"the credential is of another store than the objects are on: make another storage setting").In("credentials_name")
	}
	if err := actFor(w, &s, credential.ID); err != nil {
		return err
	}
	return storeStore(w, s)
}

// DeleteSetting removes a setting and its grants; its objects stay. Who may is as with
// CreateSetting.
func (svc *Service) DeleteSetting(ctx context.Context, c keyhatch.Caller, workspace, teamspace, ref string) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		s, err := managedSetting(w.View, workspace, teamspace, ref)
		if err != nil {
			return err
		}
		return deleteLocation(w, s.Location)
	})
}

// Setting returns one setting of a place. Who may see the place and, as a location, the
// setting, does.
func (svc *Service) Setting(ctx context.Context, c keyhatch.Caller, workspace, teamspace, ref string) (Setting, error) {
	return setting(svc.k.View(ctx, c), workspace, teamspace, ref)
}

func setting(v kernel.View, workspace, teamspace, ref string) (Setting, error) {
	in, _, err := v.PlaceFor(workspace, teamspace)
	if err != nil {
		return Setting{}, err
	}
	l, err := visibleLocation(v, in.Workspace, ref)
	if err != nil {
		return Setting{}, err
	}
	s, is, err := settingOf(v, l)
	if err == nil && (!is || l.Workspace != in.Workspace || l.Teamspace != in.Teamspace) {
		err = kernel.NotFound(keyhatch.CodeLocationNotFound)
	}
	if err != nil {
		return Setting{}, err
	}
	return s, nil
}

func managedSetting(v kernel.View, workspace, teamspace, ref string) (Setting, error) {
	s, err := setting(v, workspace, teamspace, ref)
	if err == nil {
		err = v.MustManage(s.Workspace, keyhatch.CodeLocationNotFound)
	}
	return s, err
}

// settingOf is a location as a setting; only those on stores of the workspace are.
func settingOf(v kernel.View, l keyhatch.Location) (s Setting, is bool, err error) {
	store, err := v.Store(v.Ctx, l.Store)
	if err != nil || store.Workspace != l.Workspace {
		return s, false, err
	}
	s.Location = l
	if store.Credential == "" {
		return s, true, nil
	}
	credential, err := v.SealedCredential(v.Ctx, store.Credential)
	s.Credential = credential.Name
	return s, true, err
}

// Settings lists the settings of a place. Who sees them is as with Setting.
func (svc *Service) Settings(ctx context.Context, c keyhatch.Caller, workspace, teamspace string) (out []Setting, err error) {
	v := svc.k.View(ctx, c)
	in, _, err := v.PlaceFor(workspace, teamspace)
	if err != nil {
		return nil, err
	}
	_, seenBy, err := visibleWorkspace(v, in.Workspace)
	if err != nil {
		return nil, err
	}
	all, err := v.Locations(ctx, in.Workspace, seenBy, v.Now, db.Everything)
	if err != nil {
		return nil, err
	}
	for _, l := range all {
		if l.Teamspace != in.Teamspace {
			continue
		}
		s, is, err := settingOf(v, l)
		if err != nil {
			return nil, err
		}
		if is {
			out = append(out, s)
		}
	}
	return out, nil
}
