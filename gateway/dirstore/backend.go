package dirstore

import (
	"context"
	"io"
	"maps"
	"net/http"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/gateway/dirstore/tree"
	"github.com/rclone/gofakes3"
)

// backend is the store as gofakes3 sees it.
type backend struct{ s *Store }

var (
	_ gofakes3.Backend              = backend{}
	_ gofakes3.MultipartBackend     = backend{}
	_ gofakes3.ObjectTaggingBackend = backend{}
)

// ListBuckets names the folders that could be buckets.
func (b backend) ListBuckets(context.Context) ([]gofakes3.BucketInfo, error) {
	buckets, err := b.s.tree.Buckets()
	if err != nil {
		return nil, err
	}
	var out []gofakes3.BucketInfo
	for _, have := range buckets {
		out = append(out, gofakes3.BucketInfo{Name: have.Name, CreationDate: gofakes3.NewContentTime(have.Modified)})
	}
	return out, nil
}

// BucketExists says yes to every name that can be a bucket's: the gateway knows
// which are.
func (b backend) BucketExists(_ context.Context, name string) (bool, error) {
	return keyhatch.CheckBucketName(name) == nil, nil
}

func (b backend) CreateBucket(context.Context, string) error { return answer(errBuckets) }
func (b backend) DeleteBucket(context.Context, string) error { return answer(errBuckets) }

func (b backend) ListBucket(ctx context.Context, bucket string, prefix *gofakes3.Prefix, page gofakes3.ListBucketPage) (*gofakes3.ObjectList, error) {
	if prefix == nil {
		prefix = &gofakes3.Prefix{}
	}
	have, err := b.s.tree.List(ctx, bucket, tree.Query{Prefix: prefix.Prefix, Delimiter: prefix.Delimiter, Marker: page.Marker, Max: int(page.MaxKeys)})
	if err != nil {
		return nil, readAnswer(err, bucket, prefix.Prefix)
	}
	out := &gofakes3.ObjectList{IsTruncated: have.Truncated, NextMarker: have.Next}
	for _, e := range have.Entries {
		out.Add(&gofakes3.Content{
			Key:          e.Key,
			LastModified: gofakes3.NewContentTime(e.Modified),
			ETag:         quoted(e.ETag),
			Size:         e.Size,
			StorageClass: gofakes3.StorageStandard,
		})
	}
	for _, common := range have.Prefixes {
		out.AddPrefix(common)
	}
	return out, nil
}

func (b backend) HeadObject(ctx context.Context, bucket, key string) (*gofakes3.Object, error) {
	r := requestOf(ctx)
	o, done, err := b.look(ctx, bucket, key, r.pins)
	if err != nil {
		return nil, err
	}
	if r.pins && r.pinned == nil {
		r.pinned, r.pinnedID = o, bucket+"/"+key
	} else {
		done()
	}
	return s3Object(key, o.Record), nil
}

func (b backend) GetObject(ctx context.Context, bucket, key string, asked *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	o, done, err := b.look(ctx, bucket, key, true)
	if err != nil {
		return nil, err
	}
	out := s3Object(key, o.Record)
	if asked != nil && asked.FromEnd && asked.End > o.Size {
		asked = &gofakes3.ObjectRangeRequest{FromEnd: true, End: o.Size} // the last n of fewer are all (RFC 9110 §14.1.2)
	}
	if out.Range, err = asked.Range(o.Size); err != nil {
		done()
		return nil, err
	}
	if o.File != nil {
		part := gofakes3.ObjectRange{Length: o.Size}
		if out.Range != nil {
			part = *out.Range
		}
		if _, err := o.File.Seek(part.Start, io.SeekStart); err != nil {
			done()
			return nil, err
		}
		out.Contents = &contents{io.LimitedReader{R: o.File, N: part.Length}, done}
	}
	return out, nil
}

// look finds an object, in the version that this request has pinned if it has.
func (b backend) look(ctx context.Context, bucket, key string, open bool) (o *tree.Object, done func(), err error) {
	if r := requestOf(ctx); r.pinned != nil && r.pinnedID == bucket+"/"+key {
		return r.pinned, func() {}, nil
	}
	if open {
		o, err = b.s.tree.Open(bucket, key)
	} else {
		o, err = b.s.tree.Stat(bucket, key)
	}
	if err != nil {
		return nil, nil, readAnswer(err, bucket, key)
	}
	return o, o.Close, nil
}

// contents is the body of an answer. The handler takes the reader inside, which
// net/http can send without copying.
type contents struct {
	io.LimitedReader
	done func()
}

func (c *contents) Close() error {
	c.done()
	return nil
}

// s3Object is an object for gofakes3, without its contents. Without a type of its
// own net/http would guess one from the first bytes.
func s3Object(key string, rec tree.Record) *gofakes3.Object {
	header := map[string]string{
		"Content-Type":  "binary/octet-stream",
		"Last-Modified": rec.Modified().UTC().Format(http.TimeFormat),
	}
	maps.Copy(header, rec.Header)
	return &gofakes3.Object{
		Name:      key,
		Metadata:  header,
		Size:      rec.Size,
		Hash:      tagBytes(rec.ETag),
		PartSizes: rec.Parts,
		Contents:  http.NoBody,
	}
}

func (b backend) PutObject(ctx context.Context, bucket, key string, header map[string]string, body io.Reader, size int64) (gofakes3.PutObjectResult, error) {
	rec, err := b.s.tree.Put(bucket, key, keptHeader(header), bodyOf(ctx, body), size, conditions(ctx))
	return gofakes3.PutObjectResult{ETag: quoted(rec.ETag)}, answer(err)
}

func (b backend) CopyObject(ctx context.Context, fromBucket, fromKey, bucket, key string, header map[string]string) (gofakes3.CopyObjectResult, error) {
	from, err := b.GetObject(ctx, fromBucket, fromKey, nil)
	if err != nil {
		return gofakes3.CopyObjectResult{}, err
	}
	defer from.Contents.Close()
	rec, err := b.s.tree.Put(bucket, key, keptHeader(header), bodyOf(ctx, from.Contents), from.Size, conditions(ctx))
	if err != nil {
		return gofakes3.CopyObjectResult{}, answer(err)
	}
	return gofakes3.CopyObjectResult{ETag: quoted(rec.ETag), LastModified: gofakes3.NewContentTime(rec.Modified())}, nil
}

// keptHeader is what stays with an object of the header that gofakes3 hands over.
func keptHeader(header map[string]string) map[string]string {
	kept := maps.Clone(header)
	// The time is the file's, and there is one class of storage.
	delete(kept, "Last-Modified")
	delete(kept, "X-Amz-Storage-Class")
	return kept
}

// conditions holds If-Match and If-None-Match of a request against what is there.
func conditions(ctx context.Context) tree.Check {
	return func(old *tree.Record) error {
		if old == nil {
			return gofakes3.CheckWriteConditions(ctx, false, "")
		}
		return gofakes3.CheckWriteConditions(ctx, true, packTags(old.ETag))
	}
}

func (b backend) DeleteObject(ctx context.Context, bucket, key string) (gofakes3.ObjectDeleteResult, error) {
	remove := b.s.tree.Remove
	if requestOf(ctx).holds == bucket+"/"+key {
		remove = b.s.tree.RemoveLocked
	}
	return gofakes3.ObjectDeleteResult{}, answer(remove(bucket, key))
}

func (b backend) DeleteMulti(ctx context.Context, bucket string, keys ...string) (gofakes3.MultiDeleteResult, error) {
	var out gofakes3.MultiDeleteResult
	for _, key := range keys {
		if err := answer(b.s.tree.Remove(bucket, key)); err != nil {
			failed := gofakes3.ErrorResultFromError(err)
			failed.Key = key
			if failed.Code == gofakes3.ErrInternal {
				b.s.log.Error("directory store: batch delete: " + err.Error())
			}
			out.Error = append(out.Error, failed)
			continue
		}
		out.Deleted = append(out.Deleted, gofakes3.ObjectID{Key: key})
	}
	return out, nil
}

func (b backend) SetObjectTagging(ctx context.Context, bucket, key, tags string) error {
	return readAnswer(b.s.tree.SetHeader(bucket, key, gofakes3.TaggingMetadataKey, tags), bucket, key)
}
