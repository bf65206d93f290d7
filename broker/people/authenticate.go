package people

import (
	"context"
	"errors"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/mirror"
)

// Authenticate tells whose token the secret is. Unknown, wrong, expired and
// revoked tokens and those of inactive users fail alike, with
// keyhatch.Unauthenticated.
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
		token, err := firstToken(image, hashes)
		if err != nil {
			return err
		}
		user, err := image.User(token.User)
		if err != nil {
			return err
		}
		if !user.Active || !token.Live(svc.k.Now()) {
			return refused
		}
		c.User, c.Token = user, token
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
func firstToken(image *mirror.Image, hashes []keyhatch.TokenHash) (token keyhatch.Token, err error) {
	for _, h := range hashes {
		if token, err = image.TokenByHash(h); err == nil {
			return token, nil
		}
	}
	return token, err
}
