package credentials

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// verifyTimeout bounds what the clouds are waited for.
const verifyTimeout = 20 * time.Second

// Verify tells whether an authority would do in a place, and stores nothing. What is
// wrong with the authority is in the checks. For who may put one there, since we go
// to the endpoint that it names, and as ourselves to the role.
func (svc *Service) Verify(ctx context.Context, c keyhatch.Caller, in In, a keyhatch.Authority) ([]keyhatch.Check, error) {
	v := svc.k.View(ctx, c)
	place, err := v.ManagedPlace(in.Workspace, in.Teamspace)
	if err != nil {
		return nil, err
	}
	return svc.verify(v, place, "", a)
}

// VerifyStored tells whether the authority of a credential does, and stores nothing.
// For who may change it.
func (svc *Service) VerifyStored(ctx context.Context, c keyhatch.Caller, in In, ref string) ([]keyhatch.Check, error) {
	v := svc.k.View(ctx, c)
	row, err := v.ManagedCredential(in.Workspace, in.Teamspace, ref)
	if err != nil {
		return nil, err
	}
	a, err := svc.open(row)
	if err != nil {
		return nil, err
	}
	return svc.verify(v, kernel.Place{Workspace: row.Workspace, Teamspace: row.Teamspace}, row.ID, a)
}

// verify looks at an authority, of the credential of the id if that has one. What is
// asked of clouds is put on record before: we are seen there. So is who asks for what is
// another workspace's, and no cloud is asked then.
func (svc *Service) verify(v kernel.View, in kernel.Place, id string, a keyhatch.Authority) ([]keyhatch.Check, error) {
	begun := time.Now()
	a, err := svc.looked(v.Ctx, a)
	structure := keyhatch.Check{Name: "structure", Outcome: keyhatch.Passed, Took: time.Since(begun)}
	var wrong *keyhatch.Error
	if errors.As(err, &wrong) && wrong.Kind == keyhatch.Invalid {
		structure.Outcome, structure.Reason = keyhatch.Failed, wrong.Field+": "+wrong.Message
		return []keyhatch.Check{structure}, nil
	}
	if err != nil {
		return nil, err
	}
	taken, err := svc.claimedElsewhere(v, in.Workspace, a)
	if err != nil {
		return nil, err
	}
	err = svc.k.Append(v.Ctx, v.Caller, func(w *kernel.Work) error {
		return w.Record(Verified, in.Workspace, id, kernel.Detail("teamspace", in.Teamspace, "provider", string(a.Provider), "kind", string(a.Kind),
			"principal", a.Principal, "endpoint", a.Endpoint, "claimed_elsewhere", kernel.Yes(taken)))
	})
	if err != nil {
		return nil, err
	}
	if taken { // or the external ids of others could be guessed through us
		return []keyhatch.Check{structure, {Name: "claim", Outcome: keyhatch.Failed, Reason: roleTaken}}, nil
	}
	base, err := svc.baseOf(v, in, a)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithTimeout(v.Ctx, verifyTimeout)
	defer stop()
	return append([]keyhatch.Check{structure}, svc.prober.Probe(ctx, a, base)...), nil
}

// baseOf is what a role is assumed through in the place; nil: as what Keyhatch
// itself is.
func (svc *Service) baseOf(v kernel.View, in kernel.Place, a keyhatch.Authority) (*keyhatch.Authority, error) {
	if a.Kind != keyhatch.RoleCredential {
		return nil, nil
	}
	row, err := baseIn(in, a, func(in kernel.Place) (db.SealedCredential, error) { return v.BaseCredential(v.Ctx, in) })
	if err != nil || row.ID == "" {
		return nil, err
	}
	base, err := svc.open(row)
	return &base, err
}

// baseIn is the credential through which a role of the place is assumed; none without an
// id. A base that is the role itself is not assumed through itself.
func baseIn(in kernel.Place, a keyhatch.Authority, find func(kernel.Place) (db.SealedCredential, error)) (db.SealedCredential, error) {
	row, err := find(in)
	if errors.Is(err, keyhatch.NotFound) && in.Teamspace != "" {
		row, err = find(kernel.Place{Workspace: in.Workspace})
	}
	if errors.Is(err, keyhatch.NotFound) || err == nil && row.Principal == a.Principal {
		return db.SealedCredential{}, nil
	}
	return row, err
}

// open opens a credential's secret.
func (svc *Service) open(row db.SealedCredential) (keyhatch.Authority, error) {
	secret, err := svc.k.Keys.OpenColumn(db.CredentialsTable, row.ID, db.SecretColumn, row.Sealed)
	return keyhatch.Authority{
		Provider: row.Provider, Kind: row.Kind, Principal: row.Principal, KeyID: row.KeyID, Endpoint: row.Endpoint, Secret: secret,
	}, err
}

// Failure is the error of checks of which one failed, for who asked for more than
// the checks; else nil.
func Failure(checks []keyhatch.Check) error {
	var failed []string
	for _, c := range checks {
		if c.Outcome == keyhatch.Failed {
			failed = append(failed, c.Name+" ("+c.Reason+")")
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeNotVerified, "it was not verified: %s", strings.Join(failed, "; "))
}
