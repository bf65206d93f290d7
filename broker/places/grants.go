package places

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// The events of grants.
const (
	GrantGiven   keyhatch.Action = "grant.give"
	GrantUpdated keyhatch.Action = "grant.update"
	GrantTaken   keyhatch.Action = "grant.take"
)

// NewGrant is what a grant is made from.
type NewGrant struct {
	Workspace string // id or name; may be empty where one is implied
	Location  string // id or name
	Prefix    string // inside the location; empty: all of it
	Subject   keyhatch.SubjectKind
	Name      string // the id or name of the user, group or teamspace; empty for everyone
	Access    keyhatch.Access
	ExpiresAt time.Time // zero: until taken back
}

// GiveGrant lets a user, a group, a teamspace or everyone read or write a location
// or a prefix inside it. Its owner and the workspace's admins only.
func (svc *Service) GiveGrant(ctx context.Context, c keyhatch.Caller, n NewGrant) (g keyhatch.Grant, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		l, err := RuledLocation(w.View, n.Workspace, n.Location)
		if err != nil {
			return err
		}
		g, err = Give(w, l, n)
		return err
	})
	return g, err
}

// Give gives a grant on a location, for who decides over it.
func Give(w *kernel.Work, l keyhatch.Location, n NewGrant) (g keyhatch.Grant, err error) {
	prefix, err := l.Prefix.Join(n.Prefix)
	if err != nil {
		return g, err
	}
	if _, err := keyhatch.ParseAccess(string(n.Access)); err != nil {
		return g, err
	}
	subject, err := subject(w, l.Workspace, n.Subject, n.Name)
	if err != nil {
		return g, err
	}
	if err := roomForGrant(w, l.ID); err != nil {
		return g, err
	}
	g = keyhatch.Grant{
		ID: keyhatch.NewID(keyhatch.GrantID, w.Now), Workspace: l.Workspace, Location: l.ID, Bucket: l.BucketName, Prefix: prefix,
		Subject: subject, Access: n.Access, ExpiresAt: kernel.Stored(n.ExpiresAt), Since: w.Now,
		CreatedBy: w.Caller.User.ID, CreatedAt: w.Now,
	}
	if err := w.CheckExpiry(g.ExpiresAt); err != nil {
		return g, err
	}
	if err := w.Tx.InsertGrant(w.Ctx, g); err != nil {
		return g, err
	}
	return g, w.Record(GrantGiven, g.Workspace, g.ID, kernel.Detail("location", l.ID,
		"url", g.URL().String(),
		"to", string(subject.Kind), "subject", subject.ID, "access", string(g.Access), "expires", kernel.TimeText(g.ExpiresAt)))
}

// GrantChange says what of a grant changes; nil fields stay.
type GrantChange struct {
	Access    *keyhatch.Access
	ExpiresAt *time.Time // zero: until taken back
}

// UpdateGrant changes access or expiry. Narrowing a grant closes what rests on
// it, for leases already lent too; widening it leaves them as they are. The
// location's owner and the workspace's admins only.
func (svc *Service) UpdateGrant(ctx context.Context, c keyhatch.Caller, id string, change GrantChange) (g keyhatch.Grant, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		if g, err = ruledGrant(w, id); err != nil {
			return err
		}
		before := g
		kernel.Set(&g.Access, change.Access)
		if _, err := keyhatch.ParseAccess(string(g.Access)); err != nil {
			return err
		}
		if change.ExpiresAt != nil {
			g.ExpiresAt = kernel.Stored(*change.ExpiresAt)
			if err := w.CheckExpiry(g.ExpiresAt); err != nil {
				return err
			}
		}
		sooner := !g.ExpiresAt.IsZero() && (before.ExpiresAt.IsZero() || g.ExpiresAt.Before(before.ExpiresAt))
		if !g.Access.Covers(before.Access) || sooner {
			g.Since = w.Now
		}
		if err := w.Tx.UpdateGrant(ctx, g); err != nil {
			return err
		}
		return w.Record(GrantUpdated, g.Workspace, g.ID, kernel.Detail("location", g.Location,
			"access", string(g.Access), "expires", kernel.TimeText(g.ExpiresAt)))
	})
	return g, err
}

// TakeGrant removes a grant and closes what rests on it. The location's owner
// and the workspace's admins only.
func (svc *Service) TakeGrant(ctx context.Context, c keyhatch.Caller, id string) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		g, err := ruledGrant(w, id)
		if err != nil {
			return err
		}
		return Take(w, g)
	})
}

// Take removes a grant, for who decides over its location.
func Take(w *kernel.Work, g keyhatch.Grant) error {
	if err := w.Tx.DeleteGrant(w.Ctx, g); err != nil {
		return err
	}
	return w.Record(GrantTaken, g.Workspace, g.ID, kernel.Detail("location", g.Location,
		"to", string(g.Subject.Kind), "subject", g.Subject.ID, "access", string(g.Access)))
}

// Grant returns one grant: one that reaches the caller, or one on a location
// that it decides over.
func (svc *Service) Grant(ctx context.Context, c keyhatch.Caller, id string) (keyhatch.Grant, error) {
	return visibleGrant(svc.k.View(ctx, c), id)
}

// Grants lists the grants of a workspace that the caller may see, those on one
// location when it is named.
func (svc *Service) Grants(ctx context.Context, c keyhatch.Caller, workspace, location string, p kernel.Page) (kernel.List[keyhatch.Grant], error) {
	v := svc.k.View(ctx, c)
	var f db.GrantFilter
	if location != "" {
		l, err := VisibleLocation(v, workspace, location)
		if err != nil {
			return kernel.List[keyhatch.Grant]{}, err
		}
		f.Location, workspace = l.ID, l.Workspace
	}
	ws, seenBy, err := visibleWorkspace(v, workspace)
	if err != nil {
		return kernel.List[keyhatch.Grant]{}, err
	}
	f.Workspace, f.SeenBy = ws.ID, seenBy
	return kernel.Paged(p, keyhatch.GrantID, func(g keyhatch.Grant) string { return g.ID },
		func(p kernel.Page) ([]keyhatch.Grant, error) { return v.Grants(ctx, f, v.Now, p) })
}

func visibleGrant(v kernel.View, id string) (keyhatch.Grant, error) {
	g, err := v.Grant(v.Ctx, id)
	if err != nil {
		return g, err
	}
	if !v.Within(g.Workspace) {
		return keyhatch.Grant{}, kernel.NotFound(keyhatch.CodeGrantNotFound)
	}
	l, err := v.Location(v.Ctx, g.Location)
	if err != nil {
		return g, err
	}
	rules, err := rules(v, l)
	if err != nil || rules {
		return g, err
	}
	reaches, err := v.GrantReachesUser(v.Ctx, g.ID, v.Caller.User.ID, v.Now)
	if err == nil && !reaches {
		err = kernel.NotFound(keyhatch.CodeGrantNotFound)
	}
	if err != nil {
		return keyhatch.Grant{}, err
	}
	return g, nil
}

func ruledGrant(w *kernel.Work, id string) (keyhatch.Grant, error) {
	g, err := visibleGrant(w.View, id)
	if err != nil {
		return g, err
	}
	_, err = RuledLocation(w.View, g.Workspace, g.Location)
	return g, err
}

// maxGrants bounds the grants on one location (S9): a decision looks at each.
// Many people are a group or a teamspace.
const maxGrants = 1000

func roomForGrant(w *kernel.Work, location string) error {
	n, err := w.CountGrants(w.Ctx, location)
	if err == nil && n >= maxGrants {
		err = keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeLimitReached,
			"a location has at most %d grants: grant to a group or a teamspace instead of its members", maxGrants)
	}
	return err
}

// subject resolves whom a grant names. A user needs not belong to the
// workspace: data is shared across them. A group is one of the workspace's, and so
// is a teamspace, one that the caller sees.
func subject(w *kernel.Work, workspace string, kind keyhatch.SubjectKind, name string) (keyhatch.Subject, error) {
	switch kind {
	case keyhatch.SubjectEveryone:
		if name != "" {
			return keyhatch.Subject{}, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidRequest,
				"a grant to everyone names nobody").In("subject")
		}
		return keyhatch.Subject{Kind: kind}, nil
	case keyhatch.SubjectUser:
		u, err := w.NameableUser(name)
		return keyhatch.Subject{Kind: kind, ID: u.ID}, err
	case keyhatch.SubjectGroup:
		g, err := group(w.View, workspace, name)
		return keyhatch.Subject{Kind: kind, ID: g.ID}, err
	case keyhatch.SubjectTeamspace:
		s, err := w.VisibleTeamspace(workspace, name)
		if err == nil && s.Workspace != workspace {
			err = kernel.NotFound(keyhatch.CodeTeamspaceNotFound)
		}
		return keyhatch.Subject{Kind: kind, ID: s.ID}, err
	}
	return keyhatch.Subject{}, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidRequest,
		`a grant is to "user", "group", "teamspace" or "everyone"`).In("to")
}

func group(v kernel.View, workspace, ref string) (keyhatch.Group, error) {
	if _, ok := keyhatch.IDPayload(keyhatch.GroupID, ref); !ok {
		return v.GroupByName(v.Ctx, workspace, ref)
	}
	g, err := v.Group(v.Ctx, ref)
	if err == nil && g.Workspace != workspace {
		err = kernel.NotFound(keyhatch.CodeGroupNotFound)
	}
	return g, err
}
