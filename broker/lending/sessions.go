package lending

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

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
		open, store, err = standing(l, image, keyhatch.OriginOf(ctx), svc.k.Now())
		return err
	})
	if errors.Is(err, keyhatch.NotFound) {
		err = policy.ErrLeaseRevoked
	}
	return open, store, err
}

func standing(l keyhatch.Lease, image *mirror.Image, o keyhatch.Origin, now time.Time) (open policy.Set, store keyhatch.Store, err error) {
	if l.Pair != "" {
		return standingWithKey(l, image, o, now)
	}
	if open, err = policy.Standing(l, image, now); err != nil {
		return nil, store, err
	}
	if store, err = image.Store(l.Store); err != nil {
		return nil, store, err
	}
	open, err = open.Beside(func(bucket string) ([]keyhatch.Location, error) {
		b, err := image.BucketByName(l.Workspace, bucket)
		if err != nil {
			return nil, err
		}
		return image.LocationsIn(b.ID), nil
	})
	if err != nil {
		return nil, store, err
	}
	return open.From(o.Address), store, tokenLets(l, store, image, o)
}

// Identify tells whether a lease stands, for who asks nothing else of it. It counts
// against the request limit of the lease's token. The errors are those of Standing, and
// keyhatch.TooMany.
func (svc *Service) Identify(ctx context.Context, l keyhatch.Lease) error {
	if _, _, err := svc.Standing(ctx, l); err != nil {
		return err
	}
	return svc.k.Mirror.View(ctx, func(image *mirror.Image) error {
		_, err := svc.holder(image, l)
		return err
	})
}

// holder is the caller that has shown a lease: its user, with the token or the access key
// that it was borrowed with. It counts one request more of that.
func (svc *Service) holder(image *mirror.Image, l keyhatch.Lease) (c keyhatch.Caller, err error) {
	c.Lease, c.Pair = l.ID, l.Pair
	if c.User, err = image.User(l.User); err != nil {
		return c, err
	}
	if l.Pair != "" {
		key, err := image.AccessKeyOfPair(l.Pair)
		if err != nil {
			return c, err
		}
		c.Token = keyhatch.KeyToken(key)
		c.Allowance, err = svc.k.CountRequestOf(key.ID, svc.k.Now())
		return c, err
	}
	if c.Token, err = image.Token(l.Token); err != nil {
		return c, err
	}
	c.Allowance, err = svc.k.CountRequest(c.Token, svc.k.Now())
	return c, err
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
