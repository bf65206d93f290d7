package sessions

import (
	"context"
	"errors"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// Sessions lists those of the user, the caller's own when it is empty. One's own, or anybody's for an
// installation admin. Users are of the installation: a token that is confined to a workspace sees none.
func (svc *Service) Sessions(ctx context.Context, c keyhatch.Caller, user string, p kernel.Page) (kernel.List[keyhatch.BrowserSession], error) {
	v := svc.k.View(ctx, c)
	owner, err := reached(v, user)
	if err != nil {
		return kernel.List[keyhatch.BrowserSession]{}, err
	}
	return kernel.Paged(p, keyhatch.SessionID, func(s keyhatch.BrowserSession) string { return s.ID },
		func(p kernel.Page) ([]keyhatch.BrowserSession, error) { return v.Sessions(ctx, owner, v.Now, p) })
}

// Session returns one that the caller may see, as Sessions does.
func (svc *Service) Session(ctx context.Context, c keyhatch.Caller, id string) (keyhatch.BrowserSession, error) {
	return visible(svc.k.View(ctx, c), id)
}

// Revoke ends a session that the caller may see.
func (svc *Service) Revoke(ctx context.Context, c keyhatch.Caller, id string) error {
	return svc.k.Append(ctx, c, func(w *kernel.Work) error {
		s, err := visible(w.View, id)
		if err != nil {
			return err
		}
		return end(w, s)
	})
}

// RevokeAll ends all sessions of the user, the caller's own when it is empty, but for the one
// that is used when it is to be kept. It returns how many have ended.
func (svc *Service) RevokeAll(ctx context.Context, c keyhatch.Caller, user string, keepOwn bool) (n int, err error) {
	err = svc.k.Append(ctx, c, func(w *kernel.Work) error {
		owner, err := reached(w.View, user)
		if err != nil {
			return err
		}
		all, err := w.Sessions(ctx, owner, w.Now, db.Everything)
		if err != nil {
			return err
		}
		n = 0
		for _, s := range all {
			if keepOwn && s.ID == w.Caller.Session {
				continue
			}
			if err := end(w, s); err != nil {
				return err
			}
			n++
		}
		if n == 0 {
			return errNone
		}
		return nil
	})
	if errors.Is(err, errNone) {
		return 0, nil
	}
	return n, err
}

var errNone = errors.New("there is no session to end")

// reached is the id of the user whose sessions the caller asks about.
func reached(v kernel.View, user string) (string, error) {
	owner := v.Caller.User
	if user != "" {
		var err error
		if owner, err = v.VisibleUser(user); err != nil {
			return "", err
		}
	}
	if owner.ID != v.Caller.User.ID || v.Caller.Token.Workspace != "" {
		if err := v.MustInstall(); err != nil {
			return "", err
		}
	}
	return owner.ID, nil
}

func visible(v kernel.View, id string) (keyhatch.BrowserSession, error) {
	s, err := v.Session(v.Ctx, id, v.Now)
	if err == nil && !v.Installs() && !(s.User == v.Caller.User.ID && v.Caller.Token.Workspace == "") {
		err = kernel.NotFound(keyhatch.CodeSessionNotFound)
	}
	if err != nil {
		return keyhatch.BrowserSession{}, err
	}
	return s, nil
}
