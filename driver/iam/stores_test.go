package iam_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	service "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/drivertest/keys"
	"github.com/keyhatch/keyhatch/driver/iam"
	"github.com/keyhatch/keyhatch/internal/moto"
	"github.com/keyhatch/keyhatch/internal/peers"
)

func TestMain(m *testing.M) { os.Exit(peers.Main(m)) }

// authority acts with one pair everywhere.
type authority keyhatch.KeyPair

func (a authority) KeysOf(context.Context, keyhatch.Store) (keyhatch.KeyPair, error) {
	return keyhatch.KeyPair(a), nil
}

func clientOf(root keyhatch.KeyPair, store keyhatch.Store, transport http.RoundTripper) *service.Client {
	return service.New(service.Options{
		Region: store.Region, BaseEndpoint: &store.KeysEndpoint, HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider(root.AccessKeyID, root.SecretAccessKey.Reveal(), ""),
	})
}

// leastUser makes a user that may do what docs/access-keys.md says that the store's
// credential needs, and nothing else, in some clusters.
func leastUser(t *testing.T, client *service.Client, clusters ...string) keyhatch.KeyPair {
	t.Helper()
	name := "keeper-of-" + clusters[0]
	user, err := client.CreateUser(t.Context(), &service.CreateUserInput{UserName: &name})
	if err != nil {
		t.Fatal(err)
	}
	account := strings.TrimSuffix(aws.ToString(user.User.Arn), ":user/"+name)
	var users []string
	for _, cluster := range clusters {
		users = append(users, account+":user/keyhatch/"+cluster+"/*")
	}
	ofUsers, ofAll := neededActions(t)
	policy, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []map[string]any{
		{"Effect": "Allow", "Resource": users, "Action": ofUsers},
		{"Effect": "Allow", "Resource": "*", "Action": ofAll},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.PutUserPolicy(t.Context(), &service.PutUserPolicyInput{
		UserName: &name, PolicyName: aws.String("keeper"), PolicyDocument: aws.String(string(policy)),
	}); err != nil {
		t.Fatal(err)
	}
	pair, err := client.CreateAccessKey(t.Context(), &service.CreateAccessKeyInput{UserName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return keyhatch.KeyPair{AccessKeyID: *pair.AccessKey.AccessKeyId, SecretAccessKey: keyhatch.Secret(*pair.AccessKey.SecretAccessKey)}
}

// neededActions are those that the documentation names, on the users of a cluster and
// on all.
func neededActions(t *testing.T) (ofUsers, ofAll []string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/access-keys.md")
	if err != nil {
		t.Fatal(err)
	}
	_, row, found := strings.Cut(string(text), "| `iam` | `")
	row, _, ends := strings.Cut(row, "` on `*` |")
	users, all, both := strings.Cut(row, "` on `arn:aws:iam::ACCOUNT:user/keyhatch/CLUSTER/*`; `")
	if !found || !ends || !both {
		t.Fatal("the documentation does not name the permissions")
	}
	return strings.Split(users, "`, `"), strings.Split(all, "`, `")
}

// siteAt is a store whose IAM is at the endpoint.
func siteAt(root keyhatch.KeyPair, store keyhatch.Store, transport http.RoundTripper) keys.Site {
	client := clientOf(root, store, transport)
	return keys.Site{
		Store: store, Transport: transport, TooMuch: 40,
		New: func(transport http.RoundTripper, cluster string) driver.KeyProvisioner {
			return iam.New(authority(root), transport, cluster)
		},
		Stranger: func(t *testing.T, name string) func() string {
			ctx := t.Context()
			_, err := client.CreateUser(ctx, &service.CreateUserInput{UserName: &name, Path: aws.String("/keyhatch/suite/")})
			if err == nil {
				_, err = client.CreateAccessKey(ctx, &service.CreateAccessKeyInput{UserName: &name})
			}
			if err != nil {
				t.Fatal(err)
			}
			return func() string {
				user, err := client.GetUser(ctx, &service.GetUserInput{UserName: &name})
				if err != nil {
					return err.Error()
				}
				pairs, err := client.ListAccessKeys(ctx, &service.ListAccessKeysInput{UserName: &name})
				if err != nil {
					return err.Error()
				}
				text, _ := json.Marshal([]any{user.User, pairs.AccessKeyMetadata})
				return string(text)
			}
		},
	}
}

// TestOnVersityGW: a store that enforces policies as AWS does, but for the escapes
// ${*}, ${?} and ${$}, which it does not know.
func TestOnVersityGW(t *testing.T) {
	store := peers.VersityGW(t)
	root := keyhatch.KeyPair{AccessKeyID: store.AccessKeyID, SecretAccessKey: keyhatch.Secret(store.SecretAccessKey)}
	of := keyhatch.Store{
		Name: store.Name, Kind: keyhatch.S3Store, Endpoint: store.Endpoint, Region: store.Region,
		Keys: keyhatch.KeysIAM, KeysEndpoint: store.IAM,
	}
	site := siteAt(root, of, store.HTTPClient(t).Transport)
	least := leastUser(t, clientOf(root, of, site.Transport), "suite", "suitf")
	site.New = func(transport http.RoundTripper, cluster string) driver.KeyProvisioner {
		return iam.New(authority(least), transport, cluster)
	}
	site.Admin, site.IAM = store.Client(t), store.IAM
	site.Client = func(pair keyhatch.KeyPair) *s3.Client {
		return store.ClientWith(t, aws.Credentials{AccessKeyID: pair.AccessKeyID, SecretAccessKey: pair.SecretAccessKey.Reveal()})
	}
	site.Bucket = func(t testing.TB) string { return store.Bucket(t) }
	site.Differs = map[string]string{
		"put the marker of what is locked": "the store asks its policies about the name without the slash at its end",
		"put beside an odd name":           `what is locked has "?" for what the store's policies cannot escape`,
	}
	keys.Run(t, site)
}

// TestOnMoto: AWS's own wire. moto enforces no policies.
func TestOnMoto(t *testing.T) {
	keys.Run(t, siteAt(keyhatch.KeyPair{AccessKeyID: "AKIAUS", SecretAccessKey: "secret"}, keyhatch.Store{
		Name: "moto", Kind: keyhatch.S3Store, Endpoint: "https://s3.example.com", Region: "us-east-1",
		Keys: keyhatch.KeysIAM, KeysEndpoint: moto.Start(t).URL,
	}, http.DefaultTransport))
}

// TestDropOfAUserWithMore: what the store's people gave a key's user keeps the user
// there, but no pair.
func TestDropOfAUserWithMore(t *testing.T) {
	store := peers.VersityGW(t)
	root := keyhatch.KeyPair{AccessKeyID: store.AccessKeyID, SecretAccessKey: keyhatch.Secret(store.SecretAccessKey)}
	of := keyhatch.Store{Kind: keyhatch.S3Store, Endpoint: store.Endpoint, Region: store.Region, KeysEndpoint: store.IAM}
	transport := store.HTTPClient(t).Transport
	p, ctx := iam.New(authority(root), transport, "abcde"), t.Context()
	user, err := iam.UserName("abcde", someKey)
	if err == nil {
		err = p.Put(ctx, of, driver.KeyOrder{Key: someKey})
	}
	if err == nil {
		_, err = p.Issue(ctx, of, someKey)
	}
	if err == nil {
		_, err = clientOf(root, of, transport).PutUserPolicy(ctx, &service.PutUserPolicyInput{
			UserName: &user, PolicyName: aws.String("theirs"), PolicyDocument: aws.String(closed),
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Drop(ctx, of, someKey); !errors.Is(err, keyhatch.Conflict) {
		t.Errorf("it says %v", err)
	}
	if all, err := p.Keys(ctx, of); err != nil || len(all) != 1 || len(all[someKey]) > 0 {
		t.Errorf("there is %v, %v", all, err)
	}
}
