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

// World is the keys of one row. The row names them without what they begin
// with: "a/in.txt" is in the site's Bucket, "other:a/in.txt" in Other. HIDDEN
// stands for a word that no request ever holds.
type World struct {
	Site     Site
	base     string // what all keys begin with; ends with a slash
	hidden   string
	Stranger string // name of a bucket that does not exist

	Bodies  map[Place]string
	Uploads map[Place]upload
}

type Place struct{ Bucket, Key string }

// upload is one that the owner of the store has begun.
type upload struct{ id, PartETag string }

// usual is what lies in every world. Leases are for a/, now and then for c/ too.
var usual = []string{
	"a/in.txt", "a/sub/deep.txt", "c/in.txt",
	"ab/out.txt", "ab/HIDDEN.txt", "a.txt", // begin like a/
	"b/out.txt", "b/HIDDEN.txt",
	"other:a/in.txt", "other:a/HIDDEN.txt",
}

func newWorld(s Site) *World {
	return &World{
		Site: s, base: "m" + Word() + "/", hidden: "hidden" + Word(), Stranger: "stranger-" + Word(),
		Bodies: map[Place]string{}, Uploads: map[Place]upload{},
	}
}

// Word is one that nobody else uses.
func Word() string { return strings.ToLower(rand.Text()[:16]) }

// At finds where a row's key is.
func (w *World) At(name string) Place {
	p := Place{w.Site.Bucket, name}
	if key, ok := strings.CutPrefix(name, "other:"); ok {
		p = Place{w.Site.Other, key}
	}
	p.Key = w.base + strings.ReplaceAll(p.Key, "HIDDEN", w.hidden)
	return p
}

// named is the row's name of a place.
func (w *World) named(p Place) string {
	name := strings.TrimPrefix(p.Key, w.base)
	if p.Bucket == w.Site.Other {
		return "other:" + name
	}
	return name
}

// put seeds objects, each with a body that nothing else holds. They go at once:
// a store that writes to a disk waits for it once instead of for each.
func (w *World) put(ctx context.Context, names ...string) error {
	errs := make([]error, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		p, body := w.At(name), "the body of "+Word()+Word()
		w.Bodies[p] = body
		wg.Go(func() {
			_, err := w.Site.Store.PutObject(ctx, &s3.PutObjectInput{Bucket: &p.Bucket, Key: &p.Key, Body: strings.NewReader(body)})
			if err != nil {
				errs[i] = fmt.Errorf("seed %s: %w", name, err)
			}
		})
	}
	wg.Wait()
	return cmp.Or(errs...) // one says it all
}

// begin seeds uploads that are under way, of one part each.
func (w *World) begin(ctx context.Context, names ...string) error {
	for _, name := range names {
		p := w.At(name)
		made, err := w.Site.Store.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &p.Bucket, Key: &p.Key})
		if err != nil {
			return fmt.Errorf("begin the upload of %s: %w", name, err)
		}
		part, err := w.Site.Store.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: &p.Bucket, Key: &p.Key, UploadId: made.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("the first part"),
		})
		if err != nil {
			return fmt.Errorf("send a part of %s: %w", name, err)
		}
		w.Uploads[p] = upload{aws.ToString(made.UploadId), aws.ToString(part.ETag)}
	}
	return nil
}

// UploadID is what a lease calls the upload that was begun at a place.
func (w *World) UploadID(begun Place) string {
	id := w.Uploads[begun].id
	if w.Site.UploadID == nil || id == "" {
		return id
	}
	return w.Site.UploadID(begun.Bucket, id)
}

// inside tells whether the lease that was asked for opens the place. It shares
// no code with what decides that.
func (a Ask) inside(p Place) bool {
	return p.Bucket == a.Bucket && slices.ContainsFunc(a.Prefixes, func(open keyhatch.Prefix) bool {
		return len(p.Key) >= len(open) && p.Key[:len(open)] == string(open)
	})
}

// outside is what no answer to the lease may hold: the bodies of what it does
// not open, and the names that no request named.
func (w *World) outside(a Ask) []string {
	var out []string
	for p, body := range w.Bodies {
		if !a.inside(p) {
			out = append(out, body)
		}
	}
	if !a.inside(w.At("b/HIDDEN.txt")) {
		out = append(out, w.hidden)
	}
	return out
}
