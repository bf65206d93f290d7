package logins

import (
	"errors"
	"slices"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/db"
)

// identify tells which user somebody is: the one of before; else the one that the configuration
// names; else a new one, where the rules let it in.
func (svc *Service) identify(w *kernel.Work, said keyhatch.LoginStatement) (u keyhatch.User, err error) {
	if !said.Allowed {
		return u, keyhatch.RefusedStranger
	}
	known, err := w.Identity(w.Ctx, said.Issuer, said.Subject)
	first := errors.Is(err, keyhatch.NotFound)
	switch {
	case err != nil && !first:
		return u, err
	case known.User != "":
		if u, err = w.User(w.Ctx, known.User); err != nil {
			return u, err
		}
	case said.Known != "":
		u, err = w.UserByName(w.Ctx, said.Known)
		if errors.Is(err, keyhatch.NotFound) {
			return u, keyhatch.RefusedUnknown
		}
		if err != nil {
			return u, err
		}
	case !first:
		return u, keyhatch.RefusedRemoved
	default:
		if u, err = svc.provision(w, said); err != nil {
			return u, err
		}
	}
	if !u.Active {
		return u, keyhatch.RefusedDisabled
	}
	if known.User != "" {
		return u, nil
	}
	w.Caller.User = u
	if err := w.Tx.PutIdentity(w.Ctx, db.Identity{Issuer: said.Issuer, Subject: said.Subject, User: u.ID, CreatedAt: w.Now}); err != nil {
		return u, err
	}
	return u, w.Record(Linked, "", u.ID, kernel.Detail("name", u.Name, "issuer", said.Issuer, "subject", said.Subject))
}

// provision makes a user of a name that nobody has, nor logs in with as an e-mail address. An
// e-mail address that somebody has is left away: that user logs in with it.
func (svc *Service) provision(w *kernel.Work, said keyhatch.LoginStatement) (u keyhatch.User, err error) {
	if said.Name == "" {
		return u, keyhatch.RefusedNameless
	}
	taken, err := w.Logins(w.Ctx, said.Name)
	if err != nil {
		return u, err
	}
	if len(taken) > 0 {
		return u, keyhatch.RefusedNameTaken
	}
	n := people.NewUser{Name: said.Name, FullName: said.FullName}
	if said.Email != "" {
		owners, err := w.Logins(w.Ctx, said.Email)
		if err != nil {
			return u, err
		}
		if len(owners) == 0 {
			n.Email = said.Email
		}
	}
	return svc.people.Provision(w, n)
}

// follow gives the caller of the work what the rules say, and takes what a login has given before
// and the rules do not say any more. What was given by hand stays.
func (svc *Service) follow(w *kernel.Work, said keyhatch.LoginStatement) error {
	wanted, err := svc.wanted(w, said)
	if err != nil {
		return err
	}
	given, err := w.Gifts(w.Ctx, w.Caller.User.ID, said.Issuer)
	if err != nil {
		return err
	}
	if err := svc.take(w, w.Caller.User, said.Issuer, given, wanted); err != nil {
		return err
	}
	for _, g := range wanted {
		done, err := svc.people.Give(w, w.Caller.User, g)
		if err != nil {
			return err
		}
		if done && !slices.Contains(given, g) {
			if err := w.Tx.AddGift(w.Ctx, w.Caller.User.ID, said.Issuer, g); err != nil {
				return err
			}
		}
	}
	if w.Caller.User, err = w.User(w.Ctx, w.Caller.User.ID); err != nil {
		return err
	}
	return nil
}

// take takes from a user what logins at the issuer have given it, but for what is to stay.
func (svc *Service) take(w *kernel.Work, u keyhatch.User, issuer string, given, stay []db.Gift) error {
	for _, g := range given {
		if slices.Contains(stay, g) {
			continue
		}
		done, err := svc.people.Take(w, u, g)
		if err != nil {
			return err
		}
		if !done {
			svc.Log.WarnContext(w.Ctx, "what a login has given cannot be taken: the user is the last admin, or owns locations there; it is tried again at the next login, or at the next start if there is no such provider any more",
				"user", u.ID, "workspace", g.Workspace, "issuer", issuer)
			continue
		}
		if err := w.Tx.DeleteGift(w.Ctx, u.ID, issuer, g); err != nil {
			return err
		}
	}
	return nil
}

// shutOut takes from a user all that logins at the issuer have given it, and ends its sessions of there, with what it has let
// programs do in them.
func (svc *Service) shutOut(w *kernel.Work, u keyhatch.User, issuer string) error {
	given, err := w.Gifts(w.Ctx, u.ID, issuer)
	if err != nil {
		return err
	}
	if err := svc.take(w, u, issuer, given, nil); err != nil {
		return err
	}
	if err := svc.people.EndConsentsAt(w, u.ID, issuer); err != nil {
		return err
	}
	return svc.sessions.EndAt(w, u.ID, issuer)
}

// wanted are the ids of what the rules say: each workspace before its groups. What is not there
// is not given.
func (svc *Service) wanted(w *kernel.Work, said keyhatch.LoginStatement) (out []db.Gift, err error) {
	add := func(g db.Gift) {
		if !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	if said.Admin {
		add(db.Gift{})
	}
	for _, p := range said.Places {
		ws, err := w.FindWorkspace(p.Workspace)
		var g keyhatch.Group
		if err == nil && p.Group != "" {
			g, err = w.GroupByName(w.Ctx, ws.ID, p.Group)
		}
		if errors.Is(err, keyhatch.NotFound) {
			svc.Log.WarnContext(w.Ctx, "a rule for logins names a workspace or a group that is not there", "workspace", p.Workspace, "group", p.Group)
			continue
		}
		if err != nil {
			return nil, err
		}
		add(db.Gift{Workspace: ws.ID})
		if p.Group != "" {
			add(db.Gift{Workspace: ws.ID, Circle: g.ID})
		}
	}
	return out, nil
}
