package dirstore

import (
	"context"
	"errors"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/gateway/dirstore/tree"
)

// What is done to buckets as a whole, which no S3 request does here.

// Reachable tells whether the tree can be looked at.
func (s *Store) Reachable() error { return s.tree.Reachable() }

// PrepareBucket begins to make a bucket; see tree.Tree, as with those that follow.
func (s *Store) PrepareBucket(name, id string) error { return s.tree.PrepareBucket(name, id) }

// MakeBucket makes what was prepared.
func (s *Store) MakeBucket(name, id string) error { return s.tree.MakeBucket(name, id) }

// BucketMade tells whether it was made.
func (s *Store) BucketMade(name, id string) (bool, error) { return s.tree.BucketMade(name, id) }

// RemoveBucket removes a bucket that is empty.
func (s *Store) RemoveBucket(name string) error { return s.tree.RemoveBucket(name) }

// Usage counts what is in a bucket.
func (s *Store) Usage(ctx context.Context, bucket string) (u keyhatch.BucketUsage, err error) {
	u.Objects, u.Bytes, err = s.tree.Count(ctx, bucket)
	return u, err
}

// Object looks at what a key names, an object or a folder: keyhatch.NotFound if that is
// nothing.
func (s *Store) Object(ctx context.Context, bucket, key string) (d keyhatch.ObjectDetails, err error) {
	d.Key = key
	folder := strings.TrimSuffix(key, "/") + "/"
	switch key {
	case "":
		d.Folder = true
		return d, nil
	case folder:
	default:
		o, err := s.tree.Stat(bucket, key)
		if err == nil {
			d.Size, d.Modified = o.Size, o.Modified().UTC()
			return d, nil
		}
		if !errors.Is(err, tree.ErrNoObject) {
			return d, err
		}
	}
	d.Folder, err = s.tree.IsFolder(ctx, bucket, folder)
	if err == nil && !d.Folder {
		err = keyhatch.NotFoundError(keyhatch.CodeObjectNotFound)
	}
	return d, err
}
