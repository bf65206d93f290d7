package sts

import (
	"errors"
	"net/http"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
)

// provider is who vouches for a web identity that is an API token: this service.
const provider = "keyhatch"

// assumeRoleWithWebIdentity lends to the user of an API token.
func (d *Door) assumeRoleWithWebIdentity(r *http.Request, f form, _ signer) (result, error) {
	ask, err := f.request()
	if err != nil {
		return result{}, err
	}
	// A token file often ends with a line break, and SDKs send it as it is.
	token := keyhatch.Secret(strings.TrimRight(f["WebIdentityToken"], "\r\n"))
	caller, err := d.guard.AdmitToken(auth.InWorkspace(r.Context(), ask.Workspace), token, lendingRoute)
	if err != nil {
		return result{}, identity(err)
	}
	lent, err := d.lending.Lease(r.Context(), caller, ask)
	if err != nil {
		return result{}, identity(err)
	}
	out := assumed(lent, ask.Policy)
	out.Subject, out.Provider, out.Audience = caller.User.ID, provider, provider
	return out, nil
}

// identity is an error in which nobody could be told from the token.
func identity(err error) error {
	if errors.Is(err, keyhatch.Unauthenticated) {
		return errIdentityToken
	}
	return err
}

// assumeRole lends to who has signed: with a lease's keys a narrower one, with an access
// key a lease on what that opens.
func (d *Door) assumeRole(r *http.Request, f form, by signer) (result, error) {
	ask, err := f.request()
	if err != nil {
		return result{}, err
	}
	lent, err := by.lend(r.Context(), ask)
	if err != nil {
		return result{}, err
	}
	return assumed(lent, ask.Policy), nil
}

// getCallerIdentity tells whose lease or access key it is, if it stands.
func (d *Door) getCallerIdentity(r *http.Request, _ form, by signer) (result, error) {
	if err := by.stands(r.Context()); err != nil {
		return result{}, err
	}
	return result{Arn: by.arn, UserID: by.id, Account: account}, nil
}
