package iam

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/keyhatch/keyhatch"
)

// Authority opens what acts for us on stores.
type Authority interface {
	KeysOf(context.Context, keyhatch.Store) (keyhatch.KeyPair, error)
}

// Provisioner implements driver.KeyProvisioner.
type Provisioner struct {
	authority Authority
	transport http.RoundTripper
	cluster   string
}

// New makes a provisioner of the installation with that cluster id. transport makes
// the connections; it decides to what addresses (S10).
func New(authority Authority, transport http.RoundTripper, cluster string) *Provisioner {
	return &Provisioner{authority, Bounded(transport), cluster}
}

// UserName is how the user of a key is called at stores, for the cluster whose key it
// is.
func UserName(cluster, key string) (string, error) {
	if _, ok := keyhatch.IDPayload(keyhatch.KeyID, key); !ok {
		return "", keyhatch.Fail(keyhatch.Internal, keyhatch.CodeInternal, "it is no id of a key")
	}
	return UserPrefix(cluster) + key, nil
}

// UserPrefix is how the users' names of a cluster begin.
func UserPrefix(cluster string) string { return "keyhatch-" + cluster + "-" }

// KeyOf is the key whose user is called so, and whether it is one of the cluster.
func KeyOf(cluster, user string) (key string, ok bool) {
	key, ours := strings.CutPrefix(user, UserPrefix(cluster))
	_, isKey := keyhatch.IDPayload(keyhatch.KeyID, key)
	return key, ours && isKey
}

// policyName is what the one policy of a user is called.
const policyName = "keyhatch"

// path is where the users are.
func (p *Provisioner) path() string { return "/keyhatch/" + p.cluster + "/" }

// service is the IAM service of a store, for one piece of work.
type service struct {
	*iam.Client
	Language
}

// service reaches a store's IAM as what acts for us there.
func (p *Provisioner) service(ctx context.Context, store keyhatch.Store) (service, error) {
	place, err := placeOf(store)
	if err != nil {
		return service{}, err
	}
	keys, err := p.authority.KeysOf(ctx, store)
	if err != nil {
		return service{}, err
	}
	client := iam.New(iam.Options{
		Region:       place.region,
		BaseEndpoint: place.endpoint,
		Credentials:  credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey.Reveal(), ""),
		HTTPClient: &http.Client{
			Transport:     p.transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		Retryer: aws.NopRetryer{},
	})
	return service{client, place.language}, nil
}

// pairs are the access key ids of a user.
func (s service) pairs(ctx context.Context, user string) ([]string, error) {
	var ids []string
	pages := iam.NewListAccessKeysPaginator(s.Client, &iam.ListAccessKeysInput{UserName: &user})
	for n := 0; pages.HasMorePages(); n++ {
		if n == maxPages {
			return nil, endless("ListAccessKeys")
		}
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failure(err)
		}
		for _, key := range page.AccessKeyMetadata {
			ids = append(ids, aws.ToString(key.AccessKeyId))
		}
		if len(ids) > maxPairsListed || page.IsTruncated && !pages.HasMorePages() {
			return nil, endless("ListAccessKeys")
		}
	}
	return ids, nil
}

// endPairs ends those pairs of a user that are to end. It is keyhatch.NotFound when
// there is no such user: who may do something with our users alone may not even ask
// another way whether there is one, as of a user that is not there nobody knows the path.
func (s service) endPairs(ctx context.Context, user string, ends func(id string) bool) error {
	ids, err := s.pairs(ctx, user)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if !ends(id) {
			continue
		}
		_, err := s.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: &user, AccessKeyId: &id})
		if err := unlessGone(failure(err)); err != nil {
			return err
		}
	}
	return nil
}

// unlessGone is an error but that what it was about does not exist.
func unlessGone(err error) error {
	if errors.Is(err, keyhatch.NotFound) {
		return nil
	}
	return err
}

// usersIn are the names of an installation's users.
func (s service) usersIn(ctx context.Context, path string) ([]string, error) {
	var names []string
	pages := iam.NewListUsersPaginator(s.Client, &iam.ListUsersInput{PathPrefix: &path})
	for n := 0; pages.HasMorePages(); n++ {
		if n == maxPages {
			return nil, endless("ListUsers")
		}
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failure(err)
		}
		for _, user := range page.Users {
			names = append(names, aws.ToString(user.UserName))
		}
		switch {
		case len(names) > MaxUsers:
			return nil, TooManyUsers()
		case page.IsTruncated && !pages.HasMorePages():
			return nil, endless("ListUsers")
		}
	}
	return names, nil
}

// maxPages is as many pages as a list may have: of users it is ten times what an account
// of AWS has at most.
const maxPages = 500

// MaxUsers is how many users of ours are kept of what a store lists, and maxPairsListed
// how many pairs of one: it may list anything.
const (
	MaxUsers       = 50_000
	maxPairsListed = 100
)

// endless is that a list goes on, and is not followed: nothing may be concluded from what
// is not in it.
func endless(operation string) error {
	return NoAnswer(errors.New(operation + ": the list has no end, or was cut"))
}
