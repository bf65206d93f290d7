package dirstore

import (
	"context"
	"io"
	"net/http"

	"github.com/keyhatch/keyhatch"
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
	var out []gofakes3.BucketInfo
	f, err := b.s.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !e.IsDir() || keyhatch.CheckBucketName(e.Name()) != nil {
			continue
		}
		if info, err := b.s.root.Lstat(e.Name()); err == nil {
			out = append(out, gofakes3.BucketInfo{Name: e.Name(), CreationDate: gofakes3.NewContentTime(info.ModTime())})
		}
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
	l := &list{s: b.s, bucket: bucket, prefix: prefix.Prefix, delimiter: prefix.Delimiter, marker: page.Marker, max: int(page.MaxKeys)}
	out, err := l.run(ctx)
	return out, answer(err)
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
	return o.wire(key), nil
}

func (b backend) GetObject(ctx context.Context, bucket, key string, asked *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	o, done, err := b.look(ctx, bucket, key, true)
	if err != nil {
		return nil, err
	}
	out := o.wire(key)
	if asked != nil && asked.FromEnd && asked.End > o.Size {
		asked = &gofakes3.ObjectRangeRequest{FromEnd: true, End: o.Size} // the last n of fewer are all (RFC 9110 §14.1.2)
	}
	if out.Range, err = asked.Range(o.Size); err != nil {
		done()
		return nil, err
	}
	if o.file != nil {
		part := gofakes3.ObjectRange{Length: o.Size}
		if out.Range != nil {
			part = *out.Range
		}
		if _, err := o.file.Seek(part.Start, io.SeekStart); err != nil {
			done()
			return nil, err
		}
		out.Contents = &contents{io.LimitedReader{R: o.file, N: part.Length}, done}
	}
	return out, nil
}

// look finds an object, in the version that this request has pinned if it has.
func (b backend) look(ctx context.Context, bucket, key string, open bool) (o *object, done func(), err error) {
	if r := requestOf(ctx); r.pinned != nil && r.pinnedID == bucket+"/"+key {
		return r.pinned, func() {}, nil
	}
	p, err := locate(bucket, key)
	if err == nil {
		o, err = b.s.find(p, open)
	}
	if err != nil {
		return nil, nil, readAnswer(err, key)
	}
	return o, o.close, nil
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

// wire is the object for gofakes3, without its contents. Without a type of its
// own net/http would guess one from the first bytes.
func (o *object) wire(key string) *gofakes3.Object {
	header := map[string]string{
		"Content-Type":  "binary/octet-stream",
		"Last-Modified": o.modified().UTC().Format(http.TimeFormat),
	}
	for name, value := range o.Header {
		header[name] = value
	}
	return &gofakes3.Object{
		Name:      key,
		Metadata:  header,
		Size:      o.Size,
		Hash:      tagBytes(o.ETag),
		PartSizes: o.Parts,
		Contents:  http.NoBody,
	}
}

func (b backend) PutObject(ctx context.Context, bucket, key string, header map[string]string, body io.Reader, size int64) (gofakes3.PutObjectResult, error) {
	rec, err := b.s.put(ctx, bucket, key, header, body, size)
	return gofakes3.PutObjectResult{ETag: quoted(rec.ETag)}, answer(err)
}

func (b backend) CopyObject(ctx context.Context, fromBucket, fromKey, bucket, key string, header map[string]string) (gofakes3.CopyObjectResult, error) {
	from, err := b.GetObject(ctx, fromBucket, fromKey, nil)
	if err != nil {
		return gofakes3.CopyObjectResult{}, err
	}
	defer from.Contents.Close()
	rec, err := b.s.put(ctx, bucket, key, header, from.Contents, from.Size)
	if err != nil {
		return gofakes3.CopyObjectResult{}, answer(err)
	}
	return gofakes3.CopyObjectResult{ETag: quoted(rec.ETag), LastModified: gofakes3.NewContentTime(rec.modified())}, nil
}

func (b backend) DeleteObject(ctx context.Context, bucket, key string) (gofakes3.ObjectDeleteResult, error) {
	return gofakes3.ObjectDeleteResult{}, answer(b.s.remove(ctx, bucket, key))
}

func (b backend) DeleteMulti(ctx context.Context, bucket string, keys ...string) (gofakes3.MultiDeleteResult, error) {
	var out gofakes3.MultiDeleteResult
	for _, key := range keys {
		if err := answer(b.s.remove(ctx, bucket, key)); err != nil {
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
	return answer(b.s.setTags(ctx, bucket, key, tags))
}
