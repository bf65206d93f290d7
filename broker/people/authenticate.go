package people

import (
	"context"
	"errors"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/mirror"
)

// Authenticate tells whose token the secret is. Unknown, wrong, expired and
// revoked tokens, secrets that were replaced, and tokens of inactive users fail
// alike, with keyhatch.Unauthenticated.
func (svc *Service) Authenticate(ctx context.Context, secret keyhatch.Secret) (keyhatch.Caller, error) {
	refused := kernel.TokenInvalid()
	if !keyhatch.IsTokenSecret(secret.Reveal()) {
		return keyhatch.Caller{}, refused
	}
	hashes, err := svc.k.Keys.HashesOfToken(secret)
	if err != nil {
		return keyhatch.Caller{}, err
	}
	c := keyhatch.Caller{Origin: keyhatch.OriginOf(ctx)}
	err = svc.k.Mirror.View(ctx, func(image *mirror.Image) error {
		now := svc.k.Now()
		token, hash, err := firstToken(image, hashes, now)
		if err != nil {
			return err
		}
		user, err := image.User(token.User)
		if err != nil {
			return err
		}
		if !user.Active || !token.Live(now) {
			return refused
		}
		c.User, c.Token, c.Secret = user, token, hash
		return nil
	})
	if errors.Is(err, keyhatch.NotFound) {
		return keyhatch.Caller{}, refused
	}
	if err != nil {
		return keyhatch.Caller{}, err
	}
	return c, nil
}

// firstToken looks the hashes up. That the index is a map tells nothing of a
// secret by its timing: its keys are keyed hashes.
func firstToken(image *mirror.Image, hashes []keyhatch.TokenHash, now time.Time) (token keyhatch.Token, hash keyhatch.TokenHash, err error) {
	for _, hash = range hashes {
		if token, err = image.TokenByHash(hash, now); err == nil {
			return token, hash, nil
		}
	}
	return token, hash, err
}
