package awssts_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver/drivertest"
	"github.com/keyhatch/keyhatch/policy"
)

var (
	sampleFolders = []keyhatch.Prefix{"", "a/", "a/b/", "ab/", "b/", "a b/", "a+b/", "ä/"}
	sampleKeys    = []string{"x", "a.txt", "a/x", "a/b/x", "a/bc", "ab/x", "abc/x", "b/x", "a b/x", "a+b/x", "ä/x", "A/x"}
)

// TestS2_StoresDecideAlike: of 500 random questions about random sets, each real store
// decides as the set does.
func TestS2_StoresDecideAlike(t *testing.T) {
	const questions, perSet = 500, 20
	for _, tc := range realStores {
		t.Run(tc.name, func(t *testing.T) {
			s := tc.open(t)
			buckets := []string{s.Bucket(t), s.Bucket(t)}
			for _, bucket := range buckets {
				for _, key := range sampleKeys {
					s.put(t, bucket, key)
				}
			}
			r := rand.New(rand.NewPCG(3, 4))
			open := 0
			for range questions / perSet {
				set := drawSample(r, buckets)
				v, err := s.vend(t.Context(), 15*time.Minute, set...)
				if err != nil {
					t.Fatalf("%+v: %v", set, err)
				}
				c := s.client(t, v)
				for range perSet {
					bucket, key := pick(r, buckets), pick(r, sampleKeys)
					what, want, err := tryOne(t.Context(), r.IntN(4), c, set, bucket, key)
					status, _ := drivertest.Refusal(err)
					if want != (err == nil) || !want && status != 403 {
						t.Fatalf("%s %s of bucket %d: %v, want it done: %t; %+v", what, key, slices.Index(buckets, bucket), err, want, set)
					}
					if want {
						open++
					}
				}
			}
			if open < questions/10 || open > questions*9/10 {
				t.Errorf("%d questions of %d were open: too few or too many to tell", open, questions)
			}
		})
	}
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func drawSample(r *rand.Rand, buckets []string) (set policy.Set) {
	for range 1 + r.IntN(4) {
		set = append(set, policy.Open{
			Bucket: pick(r, buckets), Prefix: pick(r, sampleFolders), Access: pick(r, []keyhatch.Access{keyhatch.Read, keyhatch.Write}), WriteOnly: r.IntN(4) == 0,
		})
	}
	for i := range set {
		set[i].WriteOnly = set[i].WriteOnly && set[i].Access == keyhatch.Write
	}
	if r.IntN(3) == 0 {
		locked := pick(r, sampleFolders[1:])
		for i := range set {
			set[i].Locked = []keyhatch.Prefix{locked}
		}
		// What is locked as a whole and opens nothing else would leave nothing to lend.
		set = append(set, policy.Open{Bucket: buckets[0], Prefix: "b/", Access: keyhatch.Read})
	}
	return set
}

// tryOne does one thing, and tells whether the set opens it.
func tryOne(ctx context.Context, what int, c *s3.Client, set policy.Set, bucket, key string) (name string, want bool, err error) {
	switch what {
	case 0:
		_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
		return "get", set.AllowsObject(keyhatch.Read, bucket, key), err
	case 1:
		_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(key)})
		return "put", set.AllowsObject(keyhatch.Write, bucket, key), err
	case 2:
		_, err = c.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &bucket, Key: &key})
		return "tags of", set.AllowsObject(keyhatch.Read, bucket, key), err
	}
	_, err = c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &key})
	return "list", set.AllowsList(keyhatch.Read, bucket, key), err
}
