package idp

import (
	"context"
	"errors"
	"net/http"

	"github.com/keyhatch/keyhatch"
)

// maxToken is more than any token has in any spelling. What is longer is of another
// kind, such as the session token of a lease, and lives on: that must not look like
// success.
const maxToken = 128

// revoke ends a token. Whoever holds it may do that, so that nobody need be told. That
// there is no such token is success: it does not work.
func (d *Door) revoke(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(r)
	if err != nil {
		return err
	}
	if f["token"] == "" {
		return errNoToken
	}
	if err := d.end(r.Context(), keyhatch.Secret(f["token"])); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// end ends the token of a secret; what is no token at all does not work either.
func (d *Door) end(ctx context.Context, secret keyhatch.Secret) error {
	if keyhatch.LooksSigned(secret.Reveal()) {
		return d.bearers.End(ctx, secret)
	}
	if keyhatch.RefreshToken.Is(secret) {
		return d.oauth.EndByRefresh(ctx, secret)
	}
	if len(secret.Reveal()) > maxToken {
		return errLong
	}
	err := d.people.RevokeSecret(ctx, secret)
	var e *keyhatch.Error
	if errors.As(err, &e) && e.Code == keyhatch.CodeTokenMalformed {
		return nil
	}
	return err
}
