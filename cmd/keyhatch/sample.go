package main

import (
	"context"
	"embed"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/places"
)

// The sample of `keyhatch dev`: two locations beside each other, and a folder
// whose name begins like one of them.
const (
	sampleWorkspace = "demo"
	sampleStore     = "local"
	sampleBucket    = "demo"
	sampleLocation  = "s3://demo/alpha/"
)

//go:embed sample
var sampleFiles embed.FS

// seed makes the sample, by the use cases that any admin would use.
func (d devCommand) seed(ctx context.Context, in *instance, token keyhatch.Secret) error {
	folder := filepath.Join(in.config.DirectoryRoots[0], sampleStore)
	if err := copySample(filepath.Join(folder, sampleBucket)); err != nil {
		return err
	}
	admin, err := in.broker.People.Authenticate(ctx, token)
	if err != nil {
		return err
	}
	if _, err := in.broker.People.CreateWorkspace(ctx, admin, sampleWorkspace); err != nil {
		return err
	}
	_, err = in.broker.Places.CreateStore(ctx, admin, places.NewStore{Name: sampleStore, Kind: keyhatch.DirectoryStore, Path: folder})
	if err != nil {
		return err
	}
	_, err = in.broker.Buckets.Register(ctx, admin, buckets.Existing{Store: sampleStore, Name: sampleBucket})
	if err != nil {
		return err
	}
	for _, name := range []string{"alpha", "beta"} {
		l, err := in.broker.Places.CreateLocation(ctx, admin, places.NewLocation{
			URL: keyhatch.S3URL{Bucket: sampleBucket, Prefix: keyhatch.Prefix(name + "/")}.String(), Name: name,
		})
		if err != nil {
			return err
		}
		_, err = in.broker.Places.GiveGrant(ctx, admin, places.NewGrant{
			Location: l.ID, Subject: keyhatch.SubjectUser, Name: devAdmin, Access: keyhatch.Write,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// copySample writes the sample's objects, as anybody would put files there.
func copySample(to string) error {
	sample, err := fs.Sub(sampleFiles, "sample")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	return os.CopyFS(to, sample)
}
