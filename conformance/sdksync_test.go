package conformance

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/keyhatch/keyhatch/internal/devserver"
)

// sync makes a prefix have what a folder has, or the other way round, as a program does
// that uses the SDK: it has no command for it. The syncs with a lease are done with one
// client.
func (c goSDK) sync(op operation, l devserver.Lease, folder, prefix string) error {
	c.t.Helper()
	client := c.syncing[l]
	if client == nil {
		client = c.client(l)
		c.syncing[l] = client
	}
	s := sdkSync{client, c.bucket, folder, prefix}
	there, here := map[string]int{}, map[string]int{}
	for name, object := range listAll(c.t, client, c.bucket, prefix) {
		there[name] = int(aws.ToInt64(object.Size))
	}
	for name, text := range read(c.t, folder) {
		here[name] = len(text)
	}
	if op == opSyncUp {
		return same(c.t.Context(), here, there, s.store, s.remove)
	}
	return same(c.t.Context(), there, here, s.fetch, func(_ context.Context, name string) error { return os.Remove(filepath.Join(folder, name)) })
}

// same moves what the target has not, or with another size, and removes what the source
// has not. Both are sizes by name.
func same(ctx context.Context, source, target map[string]int, move, remove func(ctx context.Context, name string) error) error {
	var all sync.WaitGroup
	free := make(chan struct{}, 8) // so many at a time
	errs := make(chan error, len(source)+len(target))
	start := func(do func(ctx context.Context, name string) error, name string) {
		free <- struct{}{}
		all.Go(func() {
			errs <- do(ctx, name)
			<-free
		})
	}
	for name, size := range source {
		if old, ok := target[name]; !ok || old != size {
			start(move, name)
		}
	}
	for name := range target {
		if _, ok := source[name]; !ok {
			start(remove, name)
		}
	}
	all.Wait()
	close(errs)
	var failed []error
	for err := range errs {
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

type sdkSync struct {
	*s3.Client
	bucket, folder, prefix string
}

func (s sdkSync) store(ctx context.Context, name string) error {
	file, err := os.Open(filepath.Join(s.folder, name))
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = s.PutObject(ctx, &s3.PutObjectInput{Bucket: &s.bucket, Key: aws.String(s.prefix + name), Body: file})
	return err
}

func (s sdkSync) fetch(ctx context.Context, name string) error {
	got, err := s.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: aws.String(s.prefix + name)})
	if err != nil {
		return err
	}
	text, err := io.ReadAll(got.Body)
	path := filepath.Join(s.folder, name)
	return errors.Join(err, got.Body.Close(), os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, text, 0o600))
}

func (s sdkSync) remove(ctx context.Context, name string) error {
	_, err := s.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: aws.String(s.prefix + name)})
	return err
}

// listAll lists what is below a prefix, by names without it.
func listAll(t *testing.T, c *s3.Client, bucket, prefix string) map[string]types.Object {
	t.Helper()
	all := map[string]types.Object{}
	pages := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range page.Contents {
			all[strings.TrimPrefix(aws.ToString(object.Key), prefix)] = object
		}
	}
	return all
}
