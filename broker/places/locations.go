package places

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// The events of locations.
const (
	LocationCreated keyhatch.Action = "location.create"
	LocationUpdated keyhatch.Action = "location.update"
	LocationDeleted keyhatch.Action = "location.delete"
)

// NewLocation is what a location is made from.
type NewLocation struct {
	Workspace string // id or name; may be empty where one is implied
	Teamspace string // id or name; empty: it is the workspace's
	URL       string // s3://bucket/prefix/
	Name      string
	Owner     string        // id or name; empty: the caller
	MaxLease  time.Duration // zero: the default
	Default   bool          // the one of its teamspace or workspace, instead of another
	KMSKey    string        // see keyhatch.Location
	// SharedSessions: see keyhatch.Location.
	SharedSessions bool
	Networks       []netip.Prefix // from which it is reached; none: from everywhere
}

// CreateLocation names a prefix of one of the workspace's buckets. Locations
// never overlap. Admins of the workspace only. Nobody can read or write it
// before a grant says so, its owner included.
func (svc *Service) CreateLocation(ctx context.Context, c keyhatch.Caller, n NewLocation) (l keyhatch.Location, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		in, err := locationPlace(w.View, n.Workspace, n.Teamspace)
		if err != nil {
			return err
		}
		url, err := keyhatch.ParseS3URL(n.URL)
		if err != nil {
			return err
		}
		bucket, err := w.BucketByName(ctx, in.Workspace, url.Bucket)
		if err != nil {
			return err
		}
		if bucket.State != keyhatch.BucketConfigured {
			return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeBucketNotReady,
				"the store is making or removing the bucket: look at its state, and ask again").In("url")
		}
		l, err = svc.InsertLocation(w, in, bucket, url.Prefix, n)
		return err
	})
	return l, err
}

// locationPlace is where a location is to be made. The admins of the workspace divide
// its buckets, also among teamspaces.
func locationPlace(v kernel.View, workspace, teamspace string) (kernel.Place, error) {
	ws, err := v.WorkspaceFor(workspace)
	if err == nil {
		err = v.MustManage(ws.ID, keyhatch.CodeWorkspaceNotFound)
	}
	if err != nil || teamspace == "" {
		return kernel.Place{Workspace: ws.ID}, err
	}
	s, err := v.VisibleTeamspace(ws.ID, teamspace)
	if err == nil && s.Workspace != ws.ID {
		err = kernel.NotFound(keyhatch.CodeTeamspaceNotFound)
	}
	return kernel.Place{Workspace: ws.ID, Teamspace: s.ID}, err
}

// InsertLocation names a prefix of a bucket of the place's workspace, for who may.
func (svc *Service) InsertLocation(w *kernel.Work, in kernel.Place, bucket keyhatch.Bucket, prefix keyhatch.Prefix, n NewLocation) (l keyhatch.Location, err error) {
	if err := keyhatch.CheckName(n.Name); err != nil {
		return l, err
	}
	if err := mayServe(w, bucket.Store, in); err != nil {
		return l, err
	}
	if err := noOverlap(w, bucket.ID, prefix); err != nil {
		return l, err
	}
	owner := w.Caller.User
	if n.Owner != "" {
		if owner, err = w.NameableUser(n.Owner); err != nil {
			return l, err
		}
	}
	l = keyhatch.Location{
		ID: keyhatch.NewID(keyhatch.LocationID, w.Now), Workspace: in.Workspace, Teamspace: in.Teamspace, Store: bucket.Store, Bucket: bucket.ID,
		BucketName: bucket.Name, Prefix: prefix, Name: n.Name, Owner: owner.ID, WritableSince: w.Now,
		MaxLease: n.MaxLease, KMSKey: n.KMSKey, SharedSessions: n.SharedSessions, Networks: n.Networks, CreatedAt: w.Now,
	}
	if l.KMSKey != "" {
		if err := keyhatch.CheckKMSKey(l.KMSKey); err != nil {
			return l, err
		}
	}
	if l.MaxLease == 0 {
		l.MaxLease = keyhatch.DefaultMaxLeaseLife
	}
	if err := keyhatch.CheckMaxLease(l.MaxLease, svc.least); err != nil {
		return l, err
	}
	if err := keyhatch.CheckNetworks(l.Networks); err != nil {
		return l, err
	}
	if err := setDefault(w, &l, &n.Default); err != nil {
		return l, err
	}
	if err := w.Tx.InsertLocation(w.Ctx, l); err != nil {
		return l, err
	}
	if err := svc.confined(w, keyhatch.Location{}, l); err != nil {
		return l, err
	}
	return l, w.Record(LocationCreated, l.Workspace, l.ID, kernel.Detail("name", l.Name, "url", l.URL().String(), "owner", l.Owner,
		"teamspace", l.Teamspace, "default", kernel.Yes(l.Default), "networks", keyhatch.NetworksText(l.Networks)))
}

// mayServe refuses to put others' data where a teamspace's credential opens it: its
// editors change that.
func mayServe(w *kernel.Work, store string, in kernel.Place) error {
	s, err := w.Store(w.Ctx, store)
	if err != nil || s.Teamspace == "" || s.Teamspace == in.Teamspace {
		return err
	}
	return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported,
		"the bucket is reached through the credential of a teamspace, and is for locations of that teamspace").In("teamspace")
}

// mayDivide refuses a location's owner, who sees it, what is for the admins of its
// workspace.
func mayDivide(v kernel.View, workspace string) error {
	role, err := v.Role(workspace)
	if err == nil && !role.Manages() {
		err = keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted,
			"only an admin of the workspace says which location is its default: ask one of them")
	}
	return err
}

// setDefault gives a location that is about to be written the mark, and takes it from
// the one of its place that has it.
func setDefault(w *kernel.Work, l *keyhatch.Location, to *bool) error {
	kernel.Set(&l.Default, to)
	if to == nil || !*to {
		return nil
	}
	other, err := w.DefaultLocation(w.Ctx, kernel.Place{Workspace: l.Workspace, Teamspace: l.Teamspace})
	if errors.Is(err, keyhatch.NotFound) || err == nil && other.ID == l.ID {
		return nil
	}
	if err != nil {
		return err
	}
	other.Default = false
	return storeLocation(w, other)
}

// storeLocation writes what changed of a location.
func storeLocation(w *kernel.Work, l keyhatch.Location) error {
	if err := w.Tx.UpdateLocation(w.Ctx, l); err != nil {
		return err
	}
	return w.Record(LocationUpdated, l.Workspace, l.ID, kernel.Detail("name", l.Name, "owner", l.Owner, "default", kernel.Yes(l.Default),
		"locked", kernel.Yes(l.Locked), "release", string(l.Release), "max_lease", l.MaxLease.String(), "kms_key", l.KMSKey, "shared_sessions", kernel.Yes(l.SharedSessions),
		"networks", keyhatch.NetworksText(l.Networks), "networks_narrowed", kernel.Yes(l.NetworksSince.Equal(w.Now))))
}

func noOverlap(w *kernel.Work, bucket string, prefix keyhatch.Prefix) error {
	other, found, err := w.OverlappingLocation(w.Ctx, bucket, prefix)
	if err != nil || !found {
		return err
	}
	return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeLocationsOverlap,
		"it overlaps location %s (%s), and each object belongs to one location: use that one, or a prefix beside it",
		other.Name, other.URL()).In("url")
}

// LocationChange says what of a location changes; nil fields stay.
type LocationChange struct {
	Name     *string
	Default  *bool   // the mark passes on from the location of its place that has it
	Owner    *string // id or name
	Locked   *bool
	MaxLease *time.Duration
	KMSKey   *string // empty: none
	// SharedSessions: see keyhatch.Location.
	SharedSessions *bool
	Networks       *[]netip.Prefix // empty: from everywhere
	// Release locks it unless it is NotReleased, which leaves the lock as it is.
	Release *keyhatch.Release
}

// UpdateLocation changes a location. Its owner and the workspace's admins only; which one is
// the default, and what is said of sessions, those admins alone. Locking it closes what is open for writing at once; unlocking it does not
// reopen that. Narrowing its networks ends at our own S3 endpoint what was lent of it.
func (svc *Service) UpdateLocation(ctx context.Context, c keyhatch.Caller, workspace, ref string, change LocationChange) (l keyhatch.Location, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		if l, err = RuledLocation(w.View, workspace, ref); err != nil {
			return err
		}
		kernel.Set(&l.Name, change.Name)
		if err := keyhatch.CheckName(l.Name); err != nil {
			return err
		}
		if change.Default != nil {
			if err := mayDivide(w.View, l.Workspace); err != nil {
				return err
			}
			if err := setDefault(w, &l, change.Default); err != nil {
				return err
			}
		}
		if err := setSessions(w.View, &l, change); err != nil {
			return err
		}
		if change.Owner != nil {
			owner, err := w.NameableUser(*change.Owner)
			if err != nil {
				return err
			}
			l.Owner = owner.ID
		}
		was := l
		if err := change.lock(w, &l); err != nil {
			return err
		}
		if err := change.confine(w, &l); err != nil {
			return err
		}
		kernel.Set(&l.MaxLease, change.MaxLease)
		if err := keyhatch.CheckMaxLease(l.MaxLease, svc.least); err != nil {
			return err
		}
		if err := storeLocation(w, l); err != nil {
			return err
		}
		if err := svc.confined(w, was, l); err != nil || l.Locked == was.Locked {
			return err
		}
		if err := svc.locks.Changed(w, l); err != nil {
			return err
		}
		l, err = w.Location(ctx, l.ID) // which tells how far the store is
		return err
	})
	svc.locks.Durable()
	return l, err
}

// lock locks or unlocks a location that is about to be written. What is being published
// stays locked.
func (ch LocationChange) lock(w *kernel.Work, l *keyhatch.Location) error {
	kernel.Set(&l.Release, ch.Release)
	locked := l.Locked
	kernel.Set(&locked, ch.Locked)
	switch {
	case l.Release == keyhatch.NotReleased:
	case ch.Locked != nil && !locked:
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeLocationLocked,
			"the location's release is %s, and while it is nobody writes: take that back first", l.Release).In("locked")
	default:
		locked = true
	}
	if l.Locked && !locked {
		l.WritableSince = w.Now
	}
	l.Locked = locked
	return nil
}

// DeleteLocation removes a location and its grants; leases on it close. The
// objects stay. Its owner and the workspace's admins only.
func (svc *Service) DeleteLocation(ctx context.Context, c keyhatch.Caller, workspace, ref string) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		l, err := RuledLocation(w.View, workspace, ref)
		if err != nil {
			return err
		}
		return deleteLocation(w, l)
	})
}

func deleteLocation(w *kernel.Work, l keyhatch.Location) error {
	if err := DropLocation(w, l); err != nil {
		return err
	}
	return forgetBucket(w, l)
}

// DropLocation removes a location with its grants, for who may.
func DropLocation(w *kernel.Work, l keyhatch.Location) error {
	grants, err := w.Tx.DeleteLocation(w.Ctx, l)
	if err != nil {
		return err
	}
	return w.Record(LocationDeleted, l.Workspace, l.ID, kernel.Detail("name", l.Name, "url", l.URL().String(), "grants", strconv.Itoa(grants)))
}
