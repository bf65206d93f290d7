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

// Standing tells what of a lease is open now to who asks from where ctx tells, and on
// which store. The errors are policy.ErrLeaseExpired, policy.ErrLeaseRevoked,
// policy.ErrLeaseElsewhere, and keyhatch.Unavailable when the present is not known.
func (svc *Service) Standing(ctx context.Context, l keyhatch.Lease) (open policy.Set, store keyhatch.Store, err error) {
	err = svc.k.Mirror.View(ctx, func(image *mirror.Image) error {
		if open, err = policy.Standing(l, image, svc.k.Now()); err != nil {
			return err
		}
		if store, err = image.Store(l.Store); err != nil {
			return err
		}
		return tokenLets(l, store, image, keyhatch.OriginOf(ctx))
	})
	if errors.Is(err, keyhatch.NotFound) {
		err = policy.ErrLeaseRevoked
	}
	return open, store, err
}

// Identify tells whether a lease stands, for who asks nothing else of it. It counts
// against the request limit of the lease's token. The errors are those of Standing, and
// keyhatch.TooMany.
func (svc *Service) Identify(ctx context.Context, l keyhatch.Lease) error {
	if _, _, err := svc.Standing(ctx, l); err != nil {
		return err
	}
	return svc.count(ctx, l.Token)
}

func (svc *Service) count(ctx context.Context, token string) error {
	return svc.k.Mirror.View(ctx, func(image *mirror.Image) error {
		t, err := image.Token(token)
		if err == nil {
			_, err = svc.k.CountRequest(t, svc.k.Now())
		}
		return err
	})
}

// tokenLets refuses a lease outside the networks of the token that it was borrowed
// with: who may use the token only there shall not carry away what it opens. A task's
// token opens the store while its credential is for tasks.
func tokenLets(l keyhatch.Lease, s keyhatch.Store, image *mirror.Image, o keyhatch.Origin) error {
	token, err := image.Token(l.Token)
	if err != nil {
		return err
	}
	if !token.WorksFrom(o.Address) {
		return policy.ErrLeaseElsewhere
	}
	if err := allowsTask(token, s, image, l.IssuedAt); errors.Is(err, keyhatch.Forbidden) {
		return policy.ErrLeaseRevoked
	} else if err != nil {
		return err
	}
	return nil
}
