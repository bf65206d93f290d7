package lending

import (
	"context"
	"crypto/subtle"
	"errors"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/mirror"
	"github.com/keyhatch/keyhatch/policy"
	"github.com/keyhatch/keyhatch/seal"
)

// OpenSession opens a session token of our own S3 endpoint, which must belong
// to the access key id that it came with. It says nothing of whether the lease
// still stands: ask Standing once the request's signature has been checked with
// the session's secret. A token that is not ours fails with
// keyhatch.Unauthenticated.
func (svc *Service) OpenSession(accessKeyID, sessionToken string) (keyhatch.Session, error) {
	refused := keyhatch.Fail(keyhatch.Unauthenticated, keyhatch.CodeTokenInvalid, "the session token is not valid")
	s, err := svc.k.Keys.OpenSession(sessionToken)
	if errors.Is(err, seal.ErrSessionToken) {
		return keyhatch.Session{}, refused
	}
	if err != nil {
		return keyhatch.Session{}, err
	}
	if subtle.ConstantTimeCompare([]byte(s.Lease.AccessKeyID), []byte(accessKeyID)) != 1 {
		return keyhatch.Session{}, refused
	}
	return s, nil
}

// Standing tells what of a lease is open now, and on which store. The errors
// are policy.ErrLeaseExpired, policy.ErrLeaseRevoked, and keyhatch.Unavailable
// when the present is not known.
func (svc *Service) Standing(ctx context.Context, l keyhatch.Lease) (open policy.Set, store keyhatch.Store, err error) {
	err = svc.k.Mirror.View(ctx, func(image *mirror.Image) error {
		if open, err = policy.Standing(l, image, svc.k.Now()); err != nil {
			return err
		}
		store, err = image.Store(l.Store)
		return err
	})
	if errors.Is(err, keyhatch.NotFound) {
		err = policy.ErrLeaseRevoked
	}
	return open, store, err
}
