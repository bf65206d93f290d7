package awssts_test

import (
	"context"
	"maps"
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

// TestS2_StoresDecideAlike: of 200 random questions about random sets, with what is locked
// or for writing alone in them, each real store decides as the set does.
func TestS2_StoresDecideAlike(t *testing.T) {
	const questions, perSet = 200, 20
	for _, tc := range realStores {
		t.Run(tc.name, func(t *testing.T) {
			s := tc.open(t)
			buckets := []string{s.Bucket(t), s.Bucket(t)}
			for _, bucket := range buckets {
				s.putAll(t, bucket)
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
					o := pick(r, set)
					bucket, key := pick(r, append(slices.Clone(buckets), o.Bucket)), pickBelow(r, o.Prefix)
					what := pick(r, slices.Sorted(maps.Keys(samples)))
					want := set.AllowsObject(samples[what].access, bucket, key)
					if what == "list" {
						want = set.AllowsList(keyhatch.Read, bucket, key)
					}
					err := samples[what].do(t.Context(), c, bucket, key)
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

// pickBelow is a key that is below the prefix as often as not.
func pickBelow(r *rand.Rand, prefix keyhatch.Prefix) string {
	if r.IntN(2) == 0 {
		return pick(r, sampleKeys)
	}
	return pick(r, slices.DeleteFunc(slices.Clone(sampleKeys), func(key string) bool { return !strings.HasPrefix(key, string(prefix)) }))
}

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

// samples are what is tried on a key.
var samples = map[string]struct {
	access keyhatch.Access
	do     func(ctx context.Context, c *s3.Client, bucket, key string) error
}{
	"get": {keyhatch.Read, func(ctx context.Context, c *s3.Client, bucket, key string) error {
		out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
		if err == nil {
			err = out.Body.Close()
		}
		return err
	}},
	"tags of": {keyhatch.Read, func(ctx context.Context, c *s3.Client, bucket, key string) error {
		_, err := c.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &bucket, Key: &key})
		return err
	}},
	"list": {keyhatch.Read, func(ctx context.Context, c *s3.Client, bucket, key string) error {
		_, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &key})
		return err
	}},
	"put": {keyhatch.Write, put},
	// What was deleted is put back, for who asks for it next.
	"delete": {keyhatch.Write, func(ctx context.Context, c *s3.Client, bucket, key string) error {
		if _, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key}); err != nil {
			return err
		}
		return put(ctx, c, bucket, key)
	}},
}

func put(ctx context.Context, c *s3.Client, bucket, key string) error {
	_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(key)})
	return err
}

// putAll puts an object of each of the keys.
func (s *site) putAll(t *testing.T, bucket string) {
	t.Helper()
	for _, key := range sampleKeys {
		s.put(t, bucket, key)
	}
}

// TestS2_StoresDecideByGrants: of 500 random triples of grants, what is asked for on them and
// an object's key, each real store decides as strings say: a grant that lasts begins what is
// asked for, and that the key. What is deleted was never tried before.
func TestS2_StoresDecideByGrants(t *testing.T) {
	const triples, perRequest = 500, 20
	names := slices.Sorted(maps.Keys(samples))
	for _, tc := range realStores {
		t.Run(tc.name, func(t *testing.T) {
			s := tc.open(t)
			bucket := s.Bucket(t)
			s.putAll(t, bucket)
			r, now := rand.New(rand.NewPCG(7, 8)), time.Now()
			open := map[string]int{}
			for tried := 0; tried < triples; {
				grants := make([]keyhatch.Grant, 1+r.IntN(5))
				for i := range grants {
					grants[i] = keyhatch.Grant{
						Bucket: bucket, Prefix: pick(r, sampleFolders), Access: pick(r, []keyhatch.Access{keyhatch.Read, keyhatch.Write}),
						ExpiresAt: now.Add(time.Duration(r.IntN(4)-1) * time.Hour),
					}
				}
				lease := keyhatch.Lease{Access: pick(r, []keyhatch.Access{keyhatch.Read, keyhatch.Write, keyhatch.Write})}
				for range 1 + r.IntN(3) { // what is granted of it, as two leases would be
					prefix := pick(r, append(slices.Clone(sampleFolders), pick(r, grants).Prefix))
					if _, may := policy.BestGrant(grants, lease.Access, prefix, now); may {
						lease.Parts = append(lease.Parts, keyhatch.Part{Bucket: bucket, Prefix: prefix})
					}
				}
				if len(lease.Parts) == 0 { // nothing is lent
					continue
				}
				begins := func(key string) bool {
					return slices.ContainsFunc(lease.Parts, func(p keyhatch.Part) bool {
						granted := slices.ContainsFunc(grants, func(g keyhatch.Grant) bool {
							return now.Before(g.ExpiresAt) && (g.Access == lease.Access || g.Access == keyhatch.Write) && strings.HasPrefix(string(p.Prefix), string(g.Prefix))
						})
						return granted && strings.HasPrefix(key, string(p.Prefix))
					})
				}
				v, err := s.vend(t.Context(), 15*time.Minute, policy.Lent(lease)...)
				if err != nil {
					t.Fatalf("%+v: %v", lease.Parts, err)
				}
				c := s.client(t, v)
				for range perRequest {
					tried++
					what, key := pick(r, names), pickBelow(r, pick(r, lease.Parts).Prefix)
					want := begins(key) && (samples[what].access == keyhatch.Read || lease.Access == keyhatch.Write)
					err := samples[what].do(t.Context(), c, bucket, key)
					if status, _ := drivertest.Refusal(err); want != (err == nil) || !want && status != 403 {
						t.Fatalf("%s %s: %v, want it done: %t; %s of %+v on %+v", what, key, err, want, lease.Access, lease.Parts, grants)
					}
					if want {
						open[what]++
					}
				}
			}
			for _, what := range names {
				if open[what] < triples/50 {
					t.Errorf("%d times it was open to %s: too few to tell", open[what], what)
				}
			}
		})
	}
}
