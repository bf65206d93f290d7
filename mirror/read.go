package mirror

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
)

// update puts what one change has brought into an image.
type update func(*Image)

// read reads again what a change names. What is gone is dropped.
func read(ctx context.Context, r db.Reader, c db.Change) (update, error) {
	switch c.Kind {
	case db.UserChanged:
		return row(ctx, c.ID, r.User, func(i *Image) *table[keyhatch.User] { return &i.users })
	case db.WorkspaceChanged:
		return row(ctx, c.ID, r.Workspace, func(i *Image) *table[keyhatch.Workspace] { return &i.workspaces })
	case db.WorkspaceMemberChanged:
		return row(ctx, c.ID, pair(r.WorkspaceMember), func(i *Image) *table[keyhatch.WorkspaceMember] { return &i.members })
	case db.CircleMemberChanged:
		return row(ctx, c.ID, pair(r.CircleMember), func(i *Image) *table[keyhatch.CircleMember] { return &i.circleMembers })
	case db.TokenChanged:
		return row(ctx, c.ID, r.HashedToken, func(i *Image) *table[db.HashedToken] { return &i.tokens })
	case db.CredentialChanged:
		return row(ctx, c.ID, r.SealedCredential, func(i *Image) *table[db.SealedCredential] { return &i.credentials })
	case db.StoreChanged:
		return row(ctx, c.ID, r.Store, func(i *Image) *table[keyhatch.Store] { return &i.stores })
	case db.StoreAccountChanged:
		return row(ctx, c.ID, r.StoreAccount, func(i *Image) *table[keyhatch.StoreAccount] { return &i.accounts })
	case db.BucketChanged:
		return row(ctx, c.ID, r.Bucket, func(i *Image) *table[keyhatch.Bucket] { return &i.buckets })
	case db.LocationChanged:
		return row(ctx, c.ID, r.Location, func(i *Image) *table[keyhatch.Location] { return &i.locations })
	case db.GrantChanged:
		return row(ctx, c.ID, r.Grant, func(i *Image) *table[keyhatch.Grant] { return &i.grants })
	case db.TermsAccepted:
		return row(ctx, c.ID, pair(accepted(r)), func(i *Image) *table[[]keyhatch.Acceptance] { return &i.accepted })
	case db.AccessKeyChanged:
		return row(ctx, c.ID, r.AccessKey, func(i *Image) *table[keyhatch.AccessKey] { return &i.accessKeys })
	case db.PairChanged:
		return row(ctx, c.ID, r.SealedPair, func(i *Image) *table[db.SealedPair] { return &i.pairs })
	case db.KeysetChanged:
		return func(i *Image) { i.otherKeys = true }, nil
	case db.LeaseRevoked:
		lease, err := r.Lease(ctx, c.ID)
		if errors.Is(err, keyhatch.NotFound) { // its record went: it had expired
			return func(*Image) {}, nil
		}
		if err != nil {
			return nil, err
		}
		return func(i *Image) { i.revoked[lease.ID] = lease.ExpiresAt }, nil
	}
	return nil, fmt.Errorf("the change feed has a line of an unknown kind %q", c.Kind)
}

func row[V any](ctx context.Context, id string, get func(context.Context, string) (V, error), in func(*Image) *table[V]) (update, error) {
	v, err := get(ctx, id)
	if errors.Is(err, keyhatch.NotFound) {
		return func(i *Image) { in(i).drop(id) }, nil
	}
	if err != nil {
		return nil, err
	}
	return func(i *Image) { in(i).put(id, v) }, nil
}

// pair makes a look-up by two ids one by the text that the change feed has.
func pair[V any](get func(ctx context.Context, a, b string) (V, error)) func(context.Context, string) (V, error) {
	return func(ctx context.Context, id string) (V, error) {
		a, b, _ := strings.Cut(id, db.PairSeparator)
		return get(ctx, a, b)
	}
}

// accepted reads what a user has accepted of a location: nothing is as what is gone.
func accepted(r db.Reader) func(ctx context.Context, location, user string) ([]keyhatch.Acceptance, error) {
	return func(ctx context.Context, location, user string) ([]keyhatch.Acceptance, error) {
		all, err := r.AcceptedBy(ctx, location, user)
		if err == nil && len(all) == 0 {
			err = keyhatch.NotFoundError(keyhatch.CodeTermsNotFound)
		}
		return all, err
	}
}

// fill reads everything into an empty image.
func fill(ctx context.Context, r db.Reader, i *Image) error {
	users, err := r.Users(ctx, "", "", db.Everything)
	if err != nil {
		return err
	}
	for _, u := range users {
		i.users.put(u.ID, u)
	}
	workspaces, err := r.Workspaces(ctx, "", db.Everything)
	if err != nil {
		return err
	}
	for _, w := range workspaces {
		i.workspaces.put(w.ID, w)
	}
	members, err := r.AllWorkspaceMembers(ctx)
	if err != nil {
		return err
	}
	for _, m := range members {
		i.members.put(m.Workspace+db.PairSeparator+m.User, m)
	}
	circleMembers, err := r.AllCircleMembers(ctx)
	if err != nil {
		return err
	}
	for _, m := range circleMembers {
		i.circleMembers.put(m.Circle+db.PairSeparator+m.User, m)
	}
	tokens, err := r.AllTokens(ctx)
	if err != nil {
		return err
	}
	for _, t := range tokens {
		i.tokens.put(t.ID, t)
	}
	return fillPlaces(ctx, r, i)
}

func fillPlaces(ctx context.Context, r db.Reader, i *Image) error {
	credentials, err := r.AllCredentials(ctx)
	if err != nil {
		return err
	}
	for _, c := range credentials {
		i.credentials.put(c.ID, c)
	}
	stores, err := r.Stores(ctx, "", "", db.Everything)
	if err != nil {
		return err
	}
	for _, s := range stores {
		i.stores.put(s.ID, s)
	}
	accounts, err := r.StoreAccounts(ctx, "", "", db.Everything)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		i.accounts.put(a.ID, a)
	}
	buckets, err := r.Buckets(ctx, "", db.Everything)
	if err != nil {
		return err
	}
	for _, b := range buckets {
		i.buckets.put(b.ID, b)
	}
	locations, err := r.AllLocations(ctx)
	if err != nil {
		return err
	}
	for _, l := range locations {
		i.locations.put(l.ID, l)
	}
	grants, err := r.AllGrants(ctx)
	if err != nil {
		return err
	}
	for _, g := range grants {
		i.grants.put(g.ID, g)
	}
	acceptances, err := r.AllAcceptances(ctx)
	if err != nil {
		return err
	}
	for _, a := range acceptances {
		of := a.Location + db.PairSeparator + a.User
		i.accepted.put(of, append(i.accepted.rows[of], a))
	}
	keys, err := r.AccessKeys(ctx, db.AccessKeyFilter{}, db.Everything)
	if err != nil {
		return err
	}
	for _, k := range keys {
		i.accessKeys.put(k.ID, k)
	}
	pairs, err := r.AllSealedPairs(ctx)
	if err != nil {
		return err
	}
	for _, p := range pairs {
		i.pairs.put(p.AccessKeyID, p)
	}
	revoked, err := r.RevokedLeases(ctx, time.Now())
	if err != nil {
		return err
	}
	for _, l := range revoked {
		i.revoked[l.ID] = l.ExpiresAt
	}
	return nil
}
