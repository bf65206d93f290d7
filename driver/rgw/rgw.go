package rgw

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/iam"
)

// MaxPolicy is how many characters a policy may have here. The gateway itself sets no
// limit, and reads the policy again for each request.
const MaxPolicy = 20_480

var language = iam.Language{Partition: "aws", Owners: true, Limit: MaxPolicy}

// policyName is what the one policy of a user is called.
const policyName = "keyhatch"

// Provisioner implements driver.KeyProvisioner.
type Provisioner struct {
	authority iam.Authority
	transport http.RoundTripper
	cluster   string
}

// New makes a provisioner of the installation with that cluster id. transport makes
// the connections; it decides to what addresses (S10).
func New(authority iam.Authority, transport http.RoundTripper, cluster string) *Provisioner {
	return &Provisioner{authority, iam.Bounded(transport), cluster}
}

// user is what the gateway tells of one; its secrets are not read.
//
// Source: Ceph Documentation, "Admin Operations", "Get user info".
type user struct {
	ID         string `json:"user_id"`
	MaxBuckets int    `json:"max_buckets"`
	Keys       []struct {
		AccessKey string `json:"access_key"`
	} `json:"keys"`
}

func (u user) pairs() []string {
	var ids []string
	for _, k := range u.Keys {
		ids = append(ids, k.AccessKey)
	}
	return ids
}

// reach begins work on a key's user.
func (p *Provisioner) reach(ctx context.Context, store keyhatch.Store, key string) (gateway, string, error) {
	name, err := iam.UserName(p.cluster, key)
	if err != nil {
		return gateway{}, "", err
	}
	g, err := p.gateway(ctx, store)
	return g, name, err
}

// user asks for a user: keyhatch.NotFound if there is none.
func (g gateway) user(ctx context.Context, name string) (user, error) {
	var u user
	if err := g.admin(ctx, http.MethodGet, url.Values{"uid": {name}}, &u); err != nil {
		return user{}, err
	}
	if u.ID != name {
		return user{}, iam.NoAnswer(errors.New("GET user: it is not the user that was asked for"))
	}
	return u, nil
}

// noBuckets is the limit with which a user may make none.
const noBuckets = "-1"

// Put makes the key's user and writes its policy.
func (p *Provisioner) Put(ctx context.Context, store keyhatch.Store, order driver.KeyOrder) error {
	policy, err := language.Policy(order)
	if err != nil {
		return err
	}
	g, name, err := p.reach(ctx, store, order.Key)
	if err != nil {
		return err
	}
	found, err := g.user(ctx, name)
	switch {
	case errors.Is(err, keyhatch.NotFound):
		if err := g.mustRead(ctx); err != nil {
			return err
		}
		err = g.admin(ctx, http.MethodPut, url.Values{
			"uid": {name}, "display-name": {name}, "max-buckets": {noBuckets}, "generate-key": {"false"},
		}, nil)
	case err == nil && found.MaxBuckets >= 0:
		err = g.admin(ctx, http.MethodPost, url.Values{"uid": {name}, "max-buckets": {noBuckets}}, nil)
	}
	if err != nil {
		return err
	}
	return g.iam(ctx, url.Values{
		"Action": {"PutUserPolicy"}, "UserName": {name}, "PolicyName": {policyName}, "PolicyDocument": {policy},
	})
}

// mustRead refuses a credential that could not read what keys put: an object is here its
// user's, and opens to the bucket's owner only where that is an administrator. Backups
// would be made that nobody but their key can restore, and leases would not show them.
func (g gateway) mustRead(ctx context.Context) error {
	var us user
	err := g.admin(ctx, http.MethodGet, url.Values{"access-key": {g.keys.AccessKeyID}}, &us)
	if errors.Is(err, keyhatch.NotFound) {
		return iam.NoAnswer(errors.New("GET user: it does not say whose the store's credential is"))
	}
	if err != nil {
		return err
	}
	r, err := g.record(ctx, us.ID)
	if err != nil {
		return err
	}
	if !r.is("admin") && !r.is("system") {
		return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeStoreUnsupported,
			"the store's credential could not read what keys put: it has to be of an administrator (radosgw-admin user modify --uid UID --admin)")
	}
	return nil
}

// Issue adds a key to the key's user.
func (p *Provisioner) Issue(ctx context.Context, store keyhatch.Store, key string) (keyhatch.KeyPair, error) {
	g, name, err := p.reach(ctx, store, key)
	if err != nil {
		return keyhatch.KeyPair{}, err
	}
	u, err := g.user(ctx, name)
	if err != nil {
		return keyhatch.KeyPair{}, err
	}
	if len(u.Keys) >= keyhatch.MaxPairs {
		return keyhatch.KeyPair{}, driver.TooManyPairs()
	}
	r, err := g.record(ctx, name)
	if err != nil {
		return keyhatch.KeyPair{}, err
	}
	pair := keyhatch.KeyPair{AccessKeyID: rand.Text()[:20], SecretAccessKey: keyhatch.Secret((rand.Text() + rand.Text())[:40])}
	r.add(pair)
	if err := g.replace(ctx, r); err != nil {
		return keyhatch.KeyPair{}, err
	}
	return pair, nil
}

// Pairs tells the user's keys.
func (p *Provisioner) Pairs(ctx context.Context, store keyhatch.Store, key string) ([]string, error) {
	g, name, err := p.reach(ctx, store, key)
	if err != nil {
		return nil, err
	}
	u, err := g.user(ctx, name)
	if errors.Is(err, keyhatch.NotFound) {
		return nil, nil
	}
	return u.pairs(), err
}

// Withdraw removes keys of the user, all at once.
func (p *Provisioner) Withdraw(ctx context.Context, store keyhatch.Store, key string, ended []string) error {
	g, name, err := p.reach(ctx, store, key)
	if err != nil {
		return err
	}
	u, err := g.user(ctx, name)
	switch {
	case errors.Is(err, keyhatch.NotFound):
		return nil
	case err != nil:
		return err
	case !slices.ContainsFunc(u.pairs(), func(id string) bool { return slices.Contains(ended, id) }):
		return nil // and nothing is written anew
	}
	r, err := g.record(ctx, name)
	if err != nil {
		return err
	}
	r.remove(ended)
	return g.replace(ctx, r)
}

// Drop deletes the user, its keys first.
func (p *Provisioner) Drop(ctx context.Context, store keyhatch.Store, key string) error {
	g, name, err := p.reach(ctx, store, key)
	if err != nil {
		return err
	}
	u, err := g.user(ctx, name)
	if errors.Is(err, keyhatch.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, id := range u.pairs() { // should the user have to stay, they end all the same
		if err := g.admin(ctx, http.MethodDelete, url.Values{"key": {""}, "uid": {name}, "access-key": {id}}, nil); err != nil {
			return err
		}
	}
	err = g.admin(ctx, http.MethodDelete, url.Values{"uid": {name}}, nil)
	if errors.Is(err, keyhatch.NotFound) {
		return nil
	}
	return err
}

// Keys looks through all users of the gateway for ours, and asks for each of those.
func (p *Provisioner) Keys(ctx context.Context, store keyhatch.Store) (map[string][]string, error) {
	g, err := p.gateway(ctx, store)
	if err != nil {
		return nil, err
	}
	ours, err := g.users(ctx, func(name string) bool { _, is := iam.KeyOf(p.cluster, name); return is })
	if err != nil {
		return nil, err
	}
	return iam.PairsOf(ctx, p.cluster, ours, func(ctx context.Context, name string) ([]string, error) {
		u, err := g.user(ctx, name)
		return u.pairs(), err
	})
}

// page is how many users are listed at a time, and maxPages how often: a gateway has users
// of others too, and a million of them in all at most.
const (
	page     = "1000"
	maxPages = 1000
)

var errEndless = iam.NoAnswer(errors.New("GET user?list: the list has no end, or was cut"))

// users are the names of those users of the gateway that are ours, in no order. There
// are iam.MaxUsers at most.
func (g gateway) users(ctx context.Context, ours func(name string) bool) ([]string, error) {
	var names []string
	for marker, n := "", 0; n < maxPages; n++ {
		var some *struct {
			Keys      []string `json:"keys"`
			Truncated bool     `json:"truncated"`
			Marker    string   `json:"marker"`
		}
		if err := g.admin(ctx, http.MethodGet, url.Values{"list": {""}, "max-entries": {page}, "marker": {marker}}, &some); err != nil {
			return nil, err
		}
		if some == nil || some.Truncated && (some.Marker == "" || some.Marker == marker) {
			return nil, errEndless
		}
		for _, name := range some.Keys {
			if ours(name) {
				names = append(names, name)
			}
		}
		if len(names) > iam.MaxUsers {
			return nil, iam.TooManyUsers()
		}
		if !some.Truncated {
			return names, nil
		}
		marker = some.Marker
	}
	return nil, errEndless
}
