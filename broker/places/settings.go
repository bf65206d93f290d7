package places

import (
	"context"
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
	looked, err := svc.reachedThrough(ctx, c, n, path.Bucket)
	if err != nil {
		return made, err
	}
	var opened keyhatch.Store
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		in, err := locationPlace(w.View, n.Workspace, n.Teamspace)
		if err != nil {
			return err
		}
		bucket, store, err := bucketThrough(w, in, path.Bucket, n.Credential, looked)
		if err != nil {
			return err
		}
		opened = store
		l, err := svc.InsertLocation(w, in, bucket, path.Prefix, NewLocation{Name: n.Name, Default: n.Default})
		if err != nil {
			return ofPath(err)
		}
		made, _, err = settingOf(w.View, l)
		return err
	})
	if err != nil {
		return Setting{}, err
	}
	svc.WarnOf(opened)
	return made, nil
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
	l, err := VisibleLocation(v, in.Workspace, ref)
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
