package iam_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
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

// siteAt is a store whose IAM is at the endpoint.
func siteAt(root keyhatch.KeyPair, store keyhatch.Store, transport http.RoundTripper) keys.Site {
	client := service.New(service.Options{
		Region: store.Region, BaseEndpoint: &store.KeysEndpoint, HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider(root.AccessKeyID, root.SecretAccessKey.Reveal(), ""),
	})
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
	site := siteAt(root, keyhatch.Store{
		Name: store.Name, Kind: keyhatch.S3Store, Endpoint: store.Endpoint, Region: store.Region,
		Keys: keyhatch.KeysIAM, KeysEndpoint: store.IAM,
	}, store.HTTPClient(t).Transport)
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
