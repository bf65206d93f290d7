package drivertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// truth is what is behind the lease at a moment, by what the rows call it: each
// object of the world, each upload under way, and which of the buckets exist.
type truth map[string]string

// look reads the truth with the rights to everything. Tags are a question for
// each object, so they are left out where nothing could change them alone.
func (w *World) look(ctx context.Context, tags bool) (truth, error) {
	seen := truth{}
	for _, bucket := range []string{w.Site.Bucket, w.Site.Other} {
		if err := w.lookAtObjects(ctx, bucket, tags, seen); err != nil {
			return nil, fmt.Errorf("look at the objects: %w", err)
		}
		if err := w.lookAtUploads(ctx, bucket, seen); err != nil {
			return nil, fmt.Errorf("look at the uploads: %w", err)
		}
	}
	buckets, err := w.Site.buckets(ctx)
	if err != nil {
		return nil, fmt.Errorf("look at the buckets: %w", err)
	}
	for _, name := range buckets {
		if name == w.Site.Bucket || name == w.Site.Other || name == w.Stranger {
			seen["bucket "+name] = "exists"
		}
	}
	return seen, nil
}

func (w *World) lookAtObjects(ctx context.Context, bucket string, tagged bool, seen truth) error {
	pages := s3.NewListObjectsV2Paginator(w.Site.Store, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &w.base})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, o := range page.Contents {
			key := aws.ToString(o.Key)
			tags := ""
			if tagged {
				if tags, err = w.tags(ctx, bucket, key); err != nil {
					return err
				}
			}
			// The time tells an object from one that was put over it with the
			// same body.
			seen[w.named(Place{bucket, key})] = fmt.Sprint(aws.ToInt64(o.Size), aws.ToString(o.ETag), aws.ToTime(o.LastModified).Format(time.RFC3339Nano), tags)
		}
	}
	return nil
}

func (w *World) tags(ctx context.Context, bucket, key string) (string, error) {
	out, err := w.Site.Store.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return "", fmt.Errorf("tags of %s: %w", key, err)
	}
	var tags []string
	for _, t := range out.TagSet {
		tags = append(tags, aws.ToString(t.Key)+"="+aws.ToString(t.Value))
	}
	slices.Sort(tags)
	return strings.Join(tags, "&"), nil
}

// lookAtUploads looks for uploads, and at the parts of those that the row began
// before: some stores list none by a prefix.
func (w *World) lookAtUploads(ctx context.Context, bucket string, seen truth) error {
	ids := map[Place][]string{}
	for p, u := range w.Uploads {
		if p.Bucket == bucket {
			ids[p] = []string{u.id}
		}
	}
	list, err := w.Site.Store.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &bucket, Prefix: &w.base})
	if err != nil {
		return err
	}
	for _, u := range list.Uploads {
		p, id := Place{bucket, aws.ToString(u.Key)}, aws.ToString(u.UploadId)
		if !slices.Contains(ids[p], id) {
			ids[p] = append(ids[p], id)
		}
	}
	for p, all := range ids {
		for _, id := range all {
			parts, err := w.Site.Store.ListParts(ctx, &s3.ListPartsInput{Bucket: &p.Bucket, Key: &p.Key, UploadId: &id})
			if status, _ := Refusal(err); status == 404 {
				continue // it has ended
			}
			if err != nil {
				return err
			}
			what := ""
			for _, part := range parts.Parts {
				what += fmt.Sprint(aws.ToInt32(part.PartNumber), aws.ToString(part.ETag), " ")
			}
			seen["upload "+w.named(p)] += what + ";"
		}
	}
	return nil
}

// changes tells what is different, sorted: "+a/new.txt", "-a/in.txt",
// "~upload a/big.bin".
func changes(before, after truth) []string {
	var out []string
	for name := range before {
		if _, still := after[name]; !still {
			out = append(out, "-"+name)
		}
	}
	for name, now := range after {
		if was, there := before[name]; !there {
			out = append(out, "+"+name)
		} else if was != now {
			out = append(out, "~"+name)
		}
	}
	slices.Sort(out)
	return out
}
