package gateway

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
	"github.com/keyhatch/keyhatch/sigv4"
)

// signer is what a request is signed with: a lease, or an access key.
type signer struct {
	id          string // of the lease or the access key
	accessKeyID string
	pair        string // of an access key: that signed, or that the lease was borrowed with
	workspace   string
	user        string
	token       string // that borrowed the lease or made the access key
	store       string
	since       time.Time
	what        string // lease or accessKey
	secret      keyhatch.Secret
	policies    []string // that narrow a lease
	// standing tells what of it is open now, and on which store. What it opens in other
	// buckets than those that are named it may leave out; none named is all.
	standing func(ctx context.Context, buckets ...string) (policy.Set, keyhatch.Store, error)
}

// What a signer is, in words.
const (
	lease     = "lease"
	accessKey = "access key"
)

// find tells who claims to have signed. An error that is keyhatch.Unauthenticated says
// that there is no such credential.
func (g *Gateway) find(ctx context.Context, claim *sigv4.Claim) (signer, error) {
	if claim.SessionToken == "" {
		return g.byKey(ctx, claim.AccessKeyID)
	}
	session, err := g.Lending.OpenSession(claim.AccessKeyID, claim.SessionToken)
	l := session.Lease
	return signer{
		id: l.ID, accessKeyID: l.AccessKeyID, pair: l.Pair, workspace: l.Workspace, user: l.User, token: l.Token, store: l.Store, since: l.IssuedAt,
		what: lease, secret: session.SecretKey, policies: l.Policies,
		standing: func(ctx context.Context, _ ...string) (policy.Set, keyhatch.Store, error) {
			return g.Lending.Standing(ctx, l)
		},
	}, err
}

func (g *Gateway) byKey(ctx context.Context, accessKeyID string) (signer, error) {
	k, secret, err := g.AccessKeys.Open(ctx, accessKeyID)
	return signer{
		id: k.ID, accessKeyID: accessKeyID, pair: accessKeyID, workspace: k.Workspace, user: k.Owner, token: k.Token, store: k.Store, since: k.CreatedAt,
		what: accessKey, secret: secret,
		standing: func(ctx context.Context, buckets ...string) (policy.Set, keyhatch.Store, error) {
			return g.AccessKeys.Standing(ctx, accessKeyID, buckets...)
		},
	}, err
}
