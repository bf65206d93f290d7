package iam

import (
	"context"
	"errors"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
)

// user begins work on a key's user.
func (p *Provisioner) user(ctx context.Context, store keyhatch.Store, key string) (string, service, error) {
	name, err := UserName(p.cluster, key)
	if err != nil {
		return "", service{}, err
	}
	s, err := p.service(ctx, store)
	return name, s, err
}

// Put makes the key's user and writes its policy.
func (p *Provisioner) Put(ctx context.Context, store keyhatch.Store, order driver.KeyOrder) error {
	user, s, err := p.user(ctx, store, order.Key)
	if err != nil {
		return err
	}
	document, err := s.Policy(order)
	if err != nil {
		return err
	}
	_, err = s.CreateUser(ctx, &iam.CreateUserInput{UserName: &user, Path: aws.String(p.path())})
	if there := (*types.EntityAlreadyExistsException)(nil); err != nil && !errors.As(err, &there) {
		return failure(err)
	}
	_, err = s.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &user, PolicyName: aws.String(policyName), PolicyDocument: &document})
	return failure(err)
}

// Issue makes an access key of the key's user.
func (p *Provisioner) Issue(ctx context.Context, store keyhatch.Store, key string) (keyhatch.KeyPair, error) {
	user, s, err := p.user(ctx, store, key)
	if err != nil {
		return keyhatch.KeyPair{}, err
	}
	ids, err := s.pairs(ctx, user)
	if err != nil {
		return keyhatch.KeyPair{}, err
	}
	if len(ids) >= keyhatch.MaxPairs {
		return keyhatch.KeyPair{}, driver.TooManyPairs()
	}
	out, err := s.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &user})
	if full := (*types.LimitExceededException)(nil); errors.As(err, &full) {
		return keyhatch.KeyPair{}, driver.TooManyPairs()
	}
	if err != nil {
		return keyhatch.KeyPair{}, failure(err)
	}
	if out.AccessKey == nil || !accessKeyID.MatchString(aws.ToString(out.AccessKey.AccessKeyId)) || aws.ToString(out.AccessKey.SecretAccessKey) == "" {
		return keyhatch.KeyPair{}, keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "the store made an access key and did not tell it")
	}
	return keyhatch.KeyPair{
		AccessKeyID: *out.AccessKey.AccessKeyId, SecretAccessKey: keyhatch.Secret(*out.AccessKey.SecretAccessKey),
	}, nil
}

// accessKeyID is what AWS lets one be.
var accessKeyID = regexp.MustCompile(`^[A-Za-z0-9_]{16,128}$`)

// Pairs lists the user's access keys.
func (p *Provisioner) Pairs(ctx context.Context, store keyhatch.Store, key string) ([]string, error) {
	user, s, err := p.user(ctx, store, key)
	if err != nil {
		return nil, err
	}
	ids, err := s.pairs(ctx, user)
	return ids, unlessGone(err)
}

// Withdraw deletes access keys of the user.
func (p *Provisioner) Withdraw(ctx context.Context, store keyhatch.Store, key string, ended []string) error {
	user, s, err := p.user(ctx, store, key)
	if err != nil {
		return err
	}
	return unlessGone(s.endPairs(ctx, user, func(id string) bool { return slices.Contains(ended, id) }))
}

// Drop deletes the user, its access keys first. What the store's own people gave the
// user besides, such as a group, keeps the user there, without a pair: that is a
// keyhatch.Conflict.
func (p *Provisioner) Drop(ctx context.Context, store keyhatch.Store, key string) error {
	user, s, err := p.user(ctx, store, key)
	if err != nil {
		return err
	}
	err = s.endPairs(ctx, user, func(string) bool { return true })
	if err != nil {
		return unlessGone(err)
	}
	_, err = s.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: &user, PolicyName: aws.String(policyName)})
	if err := unlessGone(failure(err)); err != nil {
		return err
	}
	_, err = s.DeleteUser(ctx, &iam.DeleteUserInput{UserName: &user})
	return unlessGone(failure(err))
}

// Keys lists the users in the installation's path, and then the access keys of each.
func (p *Provisioner) Keys(ctx context.Context, store keyhatch.Store) (map[string][]string, error) {
	s, err := p.service(ctx, store)
	if err != nil {
		return nil, err
	}
	users, err := s.usersIn(ctx, p.path())
	if err != nil {
		return nil, err
	}
	return PairsOf(ctx, p.cluster, users, s.pairs)
}
