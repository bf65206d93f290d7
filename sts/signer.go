package sts

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/sigv4"
)

// signer is whose keys a request is signed with: a lease's, or an access key's.
type signer struct {
	arn, id string // as AWS has it for sessions and for users
	secret  keyhatch.Secret
	stands  func(context.Context) error
	lend    func(context.Context, lending.LeaseRequest) (lending.Lent, error)
}

// authenticate finds who signed. An unknown one answers like a wrong signature; whether
// it still stands is told to those alone who know its secret.
func (d *Door) authenticate(r *http.Request, f form, body []byte) (signer, error) {
	if _, inQuery := f["X-Amz-Signature"]; !inQuery && r.Header.Get("Authorization") == "" {
		return signer{}, errNotSigned
	}
	claim, err := sigv4.ParseBody(r, body)
	if err != nil {
		return signer{}, err
	}
	by, err := d.find(r.Context(), claim)
	if errors.Is(err, keyhatch.Unauthenticated) {
		return signer{}, mismatch(claim.Refuse(d.endpoint, time.Now()))
	}
	if err != nil {
		return signer{}, err
	}
	if _, err := claim.Verify(by.secret.Reveal(), d.endpoint, time.Now()); err != nil {
		return signer{}, mismatch(err)
	}
	return by, nil
}

// find tells who claims to have signed.
func (d *Door) find(ctx context.Context, claim *sigv4.Claim) (signer, error) {
	if claim.SessionToken == "" {
		return d.byKey(ctx, claim.AccessKeyID)
	}
	session, err := d.lending.OpenSession(claim.AccessKeyID, claim.SessionToken)
	held := session.Lease
	return signer{
		arn: arnOf(held), id: idOf(held), secret: session.SecretKey,
		stands: func(ctx context.Context) error { return d.lending.Identify(ctx, held) },
		lend: func(ctx context.Context, ask lending.LeaseRequest) (lending.Lent, error) {
			return d.lending.Relend(ctx, held, ask)
		},
	}, err
}

func (d *Door) byKey(ctx context.Context, accessKeyID string) (signer, error) {
	key, secret, err := d.keys.Open(ctx, accessKeyID)
	return signer{
		arn: fmt.Sprintf("arn:aws:iam::%s:user/%s", account, key.Owner), id: key.ID, secret: secret,
		stands: func(ctx context.Context) error { return d.keys.Identify(ctx, key, accessKeyID) },
		lend: func(ctx context.Context, ask lending.LeaseRequest) (lending.Lent, error) {
			return d.lending.LendWithKey(ctx, accessKeyID, ask)
		},
	}, err
}
