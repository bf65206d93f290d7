package drivertest

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch"
)

// world is the keys of one row. The row names them without what they begin
// with: "a/in.txt" is in the site's Bucket, "other:a/in.txt" in Other. HIDDEN
// stands for a word that no request ever holds.
type world struct {
	site     Site
	base     string // what all keys begin with; ends with a slash
	hidden   string
	stranger string // name of a bucket that does not exist

	bodies  map[place]string
	uploads map[place]upload
}

type place struct{ bucket, key string }

// upload is one that the owner of the store has begun.
type upload struct{ id, partETag string }

// usual is what lies in every world. Leases are for a/, now and then for c/ too.
var usual = []string{
	"a/in.txt", "a/sub/deep.txt", "c/in.txt",
	"ab/out.txt", "ab/HIDDEN.txt", "a.txt", // begin like a/
	"b/out.txt", "b/HIDDEN.txt",
	"other:a/in.txt", "other:a/HIDDEN.txt",
}

func newWorld(s Site) *world {
	return &world{
		site: s, base: "m" + word() + "/", hidden: "hidden" + word(), stranger: "stranger-" + word(),
		bodies: map[place]string{}, uploads: map[place]upload{},
	}
}

// word is one that nobody else uses.
func word() string { return strings.ToLower(rand.Text()[:16]) }

// at finds where a row's key is.
func (w *world) at(name string) place {
	p := place{w.site.Bucket, name}
	if key, ok := strings.CutPrefix(name, "other:"); ok {
		p = place{w.site.Other, key}
	}
	p.key = w.base + strings.ReplaceAll(p.key, "HIDDEN", w.hidden)
	return p
}

// named is the row's name of a place.
func (w *world) named(p place) string {
	name := strings.TrimPrefix(p.key, w.base)
	if p.bucket == w.site.Other {
		return "other:" + name
	}
	return name
}

// put seeds objects, each with a body that nothing else holds. They go at once:
// a store that writes to a disk waits for it once instead of for each.
func (w *world) put(ctx context.Context, names ...string) error {
	errs := make([]error, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		p, body := w.at(name), "the body of "+word()+word()
		w.bodies[p] = body
		wg.Go(func() {
			_, err := w.site.Store.PutObject(ctx, &s3.PutObjectInput{Bucket: &p.bucket, Key: &p.key, Body: strings.NewReader(body)})
			if err != nil {
				errs[i] = fmt.Errorf("seed %s: %w", name, err)
			}
		})
	}
	wg.Wait()
	return cmp.Or(errs...) // one says it all
}

// begin seeds uploads that are under way, of one part each.
func (w *world) begin(ctx context.Context, names ...string) error {
	for _, name := range names {
		p := w.at(name)
		made, err := w.site.Store.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &p.bucket, Key: &p.key})
		if err != nil {
			return fmt.Errorf("begin the upload of %s: %w", name, err)
		}
		part, err := w.site.Store.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: &p.bucket, Key: &p.key, UploadId: made.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("the first part"),
		})
		if err != nil {
			return fmt.Errorf("send a part of %s: %w", name, err)
		}
		w.uploads[p] = upload{aws.ToString(made.UploadId), aws.ToString(part.ETag)}
	}
	return nil
}

// uploadID is what a lease calls the upload that was begun at a place.
func (w *world) uploadID(begun place) string {
	id := w.uploads[begun].id
	if w.site.UploadID == nil || id == "" {
		return id
	}
	return w.site.UploadID(begun.bucket, id)
}

// inside tells whether the lease that was asked for opens the place. It shares
// no code with what decides that.
func (a Ask) inside(p place) bool {
	return p.bucket == a.Bucket && slices.ContainsFunc(a.Prefixes, func(open keyhatch.Prefix) bool {
		return len(p.key) >= len(open) && p.key[:len(open)] == string(open)
	})
}

// outside is what no answer to the lease may hold: the bodies of what it does
// not open, and the names that no request named.
func (w *world) outside(a Ask) []string {
	var out []string
	for p, body := range w.bodies {
		if !a.inside(p) {
			out = append(out, body)
		}
	}
	if !a.inside(w.at("b/HIDDEN.txt")) {
		out = append(out, w.hidden)
	}
	return out
}
