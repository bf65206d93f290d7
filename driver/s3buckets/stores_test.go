package s3buckets_test

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/drivertest/buckets"
	"github.com/keyhatch/keyhatch/driver/s3buckets"
	"github.com/keyhatch/keyhatch/internal/peers"
)

var _ driver.BucketKeeper = (*s3buckets.Keeper)(nil)

func TestMain(m *testing.M) { os.Exit(peers.Main(m)) }

// TestStores holds the keeper to its contract on real stores.
func TestStores(t *testing.T) {
	for _, p := range peers.All {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			store := p.Start(t)
			buckets.Run(t, siteOf(t, store))
		})
	}
}

func siteOf(t *testing.T, store peers.Store) buckets.Site {
	client := store.Client(t)
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	return buckets.Site{
		Keeper: keeperOf(store.AccessKeyID, store.SecretAccessKey, http.DefaultTransport),
		Store:  keyhatch.Store{Kind: keyhatch.S3Store, Endpoint: store.Endpoint, Region: store.Region},
		Make: func(t *testing.T, bucket string) {
			_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket})
			must(t, err)
		},
		Has: func(t *testing.T, bucket string) bool {
			_, err := client.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: &bucket})
			return err == nil
		},
		Put: func(t *testing.T, bucket, key, text string) {
			_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(text)})
			must(t, err)
		},
		Remove: func(t *testing.T, bucket, key string) {
			_, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
			must(t, err)
		},
		Upload: func(t *testing.T, bucket, key string) func() {
			begun, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: &key})
			must(t, err)
			return func() {
				_, err := client.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{Bucket: &bucket, Key: &key, UploadId: begun.UploadId})
				must(t, err)
			}
		},
	}
}

func keeperOf(id, secret string, transport http.RoundTripper) *s3buckets.Keeper {
	return s3buckets.New(func(context.Context, keyhatch.Store) (keyhatch.KeyPair, error) {
		return keyhatch.KeyPair{AccessKeyID: id, SecretAccessKey: keyhatch.Secret(secret)}, nil
	}, transport)
}
