package terms

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/places"
)

// The events of terms.
const (
	WereSet      keyhatch.Action = "terms.set"
	WereAccepted keyhatch.Action = "terms.accept"
)

// Service does the use cases.
type Service struct{ k *kernel.Kernel }

// New makes the service.
func New(k *kernel.Kernel) *Service { return &Service{k} }

// Asked are the terms that a location asks a caller to accept.
type Asked struct {
	keyhatch.Terms
	Name       string    // of the location
	AcceptedAt time.Time // zero: the caller has not accepted them
}

// Set has a location ask for the terms from now on; without title and text it asks for none.
// Another text has to be accepted by everybody, and one that somebody has accepted before is
// accepted. What was lent before stays what it is. The location's owner and the workspace's
// admins only.
func (svc *Service) Set(ctx context.Context, c keyhatch.Caller, workspace, ref, title, text string) (a Asked, err error) {
	var t keyhatch.Terms
	if strings.TrimSpace(title+text) != "" {
		if t, err = keyhatch.NewTerms(title, text); err != nil {
			return a, err
		}
	}
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		l, err := places.RuledLocation(w.View, workspace, ref)
		if err != nil {
			return err
		}
		if t.Version != "" {
			t.Location, t.Workspace, t.SetBy, t.SetAt = l.ID, l.Workspace, w.Caller.User.ID, w.Now
			if err := w.Tx.PutTerms(ctx, t); err != nil {
				return err
			}
		}
		l.Terms = t.Version
		if err := w.Tx.UpdateLocation(ctx, l); err != nil {
			return err
		}
		if err := w.Record(WereSet, l.Workspace, l.ID, kernel.Detail("name", l.Name, "version", t.Version, "title", t.Title)); err != nil {
			return err
		}
		if t.Version == "" {
			a = Asked{Terms: keyhatch.Terms{Location: l.ID, Workspace: l.Workspace}, Name: l.Name}
			return nil
		}
		a, err = asked(w.View, l)
		return err
	})
	return a, err
}

// Show returns the terms of a location that the caller may see.
func (svc *Service) Show(ctx context.Context, c keyhatch.Caller, workspace, ref string) (Asked, error) {
	v := svc.k.View(ctx, c)
	l, err := places.VisibleLocation(v, workspace, ref)
	if err != nil {
		return Asked{}, err
	}
	return asked(v, l)
}

func asked(v kernel.View, l keyhatch.Location) (Asked, error) {
	t, err := v.Terms(v.Ctx, l.ID, l.Terms)
	if err != nil {
		return Asked{}, err
	}
	all, err := v.AcceptedBy(v.Ctx, l.ID, v.Caller.User.ID)
	if err != nil {
		return Asked{}, err
	}
	a := Asked{Terms: t, Name: l.Name}
	for _, accepted := range all {
		if accepted.Version == t.Version {
			a.AcceptedAt = accepted.At
		}
	}
	return a, nil
}

// Accept notes that the caller accepts the version of a location's terms that it has read.
// It is for people who have logged in: a token is what programs have, and none of them
// accepts for its person. To accept again changes nothing.
func (svc *Service) Accept(ctx context.Context, c keyhatch.Caller, workspace, ref, version string) (Asked, error) {
	return svc.accept(ctx, c, workspace, ref, version, c.Token.ID == "" && c.Pair == "" && c.Lease == "")
}

// AcceptAtLogin is Accept for a caller whose token another login has signed, and has just given for
// a code that a browser has brought from there: somebody has logged in, and has pressed the button in that
// browser. Whether it was so is the door's to see to. Others accept nothing with it.
func (svc *Service) AcceptAtLogin(ctx context.Context, c keyhatch.Caller, workspace, ref, version string) (Asked, error) {
	return svc.accept(ctx, c, workspace, ref, version, c.Token.Bearer.Issuer != "" && c.Pair == "" && c.Lease == "")
}

func (svc *Service) accept(ctx context.Context, c keyhatch.Caller, workspace, ref, version string, person bool) (a Asked, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		l, err := places.VisibleLocation(w.View, workspace, ref)
		if err != nil {
			return err
		}
		if !person {
			return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted,
				"terms of use are accepted by people who have logged in, and not with a token: open the page %s of this service", keyhatch.TermsPage(l.ID))
		}
		if a, err = asked(w.View, l); err != nil {
			return err
		}
		if a.Version != version {
			return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidRequest,
				"these are not the terms that the location has now: read them again, and accept what you have read").In("version")
		}
		isNew, err := w.Tx.InsertAcceptance(ctx, keyhatch.Acceptance{Location: l.ID, Workspace: l.Workspace, User: w.Caller.User.ID, Version: version, At: w.Now})
		if err == nil && !isNew {
			err = errBefore
		}
		if err != nil {
			return err
		}
		a.AcceptedAt = w.Now
		return w.Record(WereAccepted, l.Workspace, l.ID, kernel.Detail("name", l.Name, "user", w.Caller.User.ID, "version", version))
	})
	if errors.Is(err, errBefore) {
		err = nil
	}
	return a, err
}

// errBefore is that there is nothing to change.
var errBefore = errors.New("the terms were accepted before")

// Acceptances lists who has accepted the terms that a location has now. The location's owner
// and the workspace's admins only.
func (svc *Service) Acceptances(ctx context.Context, c keyhatch.Caller, workspace, ref string, p kernel.Page) (kernel.List[keyhatch.Acceptance], error) {
	v := svc.k.View(ctx, c)
	l, err := places.RuledLocation(v, workspace, ref)
	if err != nil {
		return kernel.List[keyhatch.Acceptance]{}, err
	}
	return kernel.Paged(p, keyhatch.UserID, func(a keyhatch.Acceptance) string { return a.User },
		func(p kernel.Page) ([]keyhatch.Acceptance, error) { return v.Acceptances(ctx, l.ID, l.Terms, p) })
}

// LoginForm is what a form has to hold that accepts terms with AcceptAtLogin: for the browser of the secret, in which the
// caller has just logged in. A browser can make up a secret, and a program too; nobody but us makes this, and each of
// our servers knows it again.
func (svc *Service) LoginForm(c keyhatch.Caller, secret string) (string, error) {
	return svc.k.Keys.SealTicket(formOf(c, secret), "")
}

// IsLoginForm tells whether a form holds what LoginForm made for the caller and the secret.
func (svc *Service) IsLoginForm(c keyhatch.Caller, secret, form string) bool {
	_, err := svc.k.Keys.OpenTicket(formOf(c, secret), form)
	return err == nil
}

func formOf(c keyhatch.Caller, secret string) string { return "terms|" + c.User.ID + "|" + secret }
