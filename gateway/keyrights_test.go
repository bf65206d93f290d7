package gateway_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	bucketcases "github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/driver"
	keysuite "github.com/keyhatch/keyhatch/driver/drivertest/keys"
	"github.com/keyhatch/keyhatch/gateway"
	"github.com/keyhatch/keyhatch/gateway/upstream"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// noSuch is what the endpoint answers to whoever asks.
var noSuch = keysuite.Lack{Status: http.StatusNotImplemented, Reason: "the endpoint does no such thing"}

// TestRightsOfKeys holds the access keys of our own endpoint, with the whole core before a
// directory and over TCP, to what drivers of stores that keep keys are held to.
func TestRightsOfKeys(t *testing.T) {
	t.Parallel()
	core := coretest.New(t)
	log := slog.New(slog.DiscardHandler)
	backends := gateway.NewBackends([]string{core.Root}, upstream.NewClient(core.Broker.Credentials, http.DefaultTransport, log), log)
	t.Cleanup(func() { backends.Close() })
	store, admin := openDirectory(t, core, backends)
	e := serve(t, core, backends, store)
	made := 0
	keysuite.RunRights(t, keysuite.Site{
		Store: store, Transport: http.DefaultTransport, Admin: admin,
		New: func(http.RoundTripper, string) driver.KeyProvisioner {
			return &keysOfOurs{core: core, ids: map[string]string{}}
		},
		Client: func(pair keyhatch.KeyPair) *s3.Client {
			return s3.New(s3.Options{
				BaseEndpoint: aws.String(e.url), Region: region, UsePathStyle: true, Retryer: aws.NopRetryer{},
				Credentials: sdk.NewStaticCredentialsProvider(pair.AccessKeyID, pair.SecretAccessKey.Reveal(), ""),
			})
		},
		Bucket: func(t testing.TB) string {
			t.Helper()
			made++
			name := fmt.Sprint("bucket-of-keys-", made)
			err := os.Mkdir(filepath.Join(store.Path, name), 0o700)
			if err == nil {
				_, err = core.Broker.Buckets.Register(t.Context(), core.Admin, bucketcases.Existing{Workspace: "lab", Store: store.ID, Name: name})
			}
			if err != nil {
				t.Fatal(err)
			}
			return name
		},
		Differs: map[string]string{
			"delete a version": "a directory keeps no versions: the one that is called null is the object itself",
			"list buckets":     "the list is of what the key opens",
		},
		Lacks: map[string]keysuite.Lack{
			"open its own by its list":            noSuch,
			"see who may read its own":            noSuch,
			"open what it puts to all by a grant": noSuch,
			"put what is locked by a way around":  {Status: http.StatusBadRequest, Reason: "no key has dot segments"},
			"make a bucket":                       noSuch,
			"delete a bucket":                     noSuch,
			"open a bucket by its policy":         noSuch,
			"open a bucket by its list":           noSuch,
			"open an object by its list":          noSuch,
			"keep versions":                       noSuch,
		},
	})
}

// keysOfOurs makes access keys of the installation admin's as orders say. The rest of what a
// driver does is not there: our endpoint has nothing that would have to follow, and pairs end as
// others are issued.
type keysOfOurs struct {
	driver.KeyProvisioner
	core   *coretest.Core
	ids    map[string]string // by those that orders name
	locked []string          // locations
}

func (k *keysOfOurs) Put(ctx context.Context, store keyhatch.Store, o driver.KeyOrder) (err error) {
	b, admin := k.core.Broker, k.core.Admin
	var rights accesskeys.Rights
	for _, r := range o.Buckets {
		if r.Read {
			rights.Read = append(rights.Read, r.Bucket)
		}
		if r.Write {
			rights.Write = append(rights.Write, r.Bucket)
		}
	}
	if id := k.ids[o.Key]; id != "" {
		_, err = b.AccessKeys.Update(ctx, admin, "", id, accesskeys.Change{Rights: &rights})
	} else {
		var key keyhatch.AccessKey
		key, err = b.AccessKeys.Create(ctx, admin, accesskeys.NewKey{Workspace: "lab", Store: store.ID, Name: strings.ReplaceAll(o.Key, "_", "-"), Rights: rights})
		k.ids[o.Key] = key.ID
	}
	yes, no := true, false
	for _, id := range k.locked {
		if err == nil {
			_, err = b.Places.UpdateLocation(ctx, admin, "", id, places.LocationChange{Locked: &no})
		}
		if err == nil {
			err = b.Places.DeleteLocation(ctx, admin, "", id)
		}
	}
	k.locked = nil
	for _, r := range o.Buckets {
		for _, prefix := range r.Locked {
			var l keyhatch.Location
			if err == nil {
				l, err = b.Places.CreateLocation(ctx, admin, places.NewLocation{Workspace: "lab", URL: keyhatch.S3URL{Bucket: r.Bucket, Prefix: prefix}.String(), Name: fmt.Sprint("locked-", len(k.locked))})
			}
			if err == nil {
				_, err = b.Places.UpdateLocation(ctx, admin, "", l.ID, places.LocationChange{Locked: &yes})
			}
			k.locked = append(k.locked, l.ID)
		}
	}
	return err
}

func (k *keysOfOurs) Issue(ctx context.Context, _ keyhatch.Store, key string) (keyhatch.KeyPair, error) {
	_, pair, err := k.core.Broker.AccessKeys.Issue(ctx, k.core.Admin, "", k.ids[key], 0)
	return keyhatch.KeyPair{AccessKeyID: pair.AccessKeyID, SecretAccessKey: pair.SecretAccessKey}, err
}
