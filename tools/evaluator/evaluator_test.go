package evaluator

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
	"github.com/keyhatch/keyhatch/policy/sessionpolicy"
	iam "github.com/versity/versitygw/iamapi/policy"
	"github.com/versity/versitygw/iamapi/types"
)

var (
	buckets  = []string{"demo", "demo2", "demo.x"}
	prefixes = []keyhatch.Prefix{"", "a/", "a/b/", "ab/", "a/b/c/", "b/", "ä/", `q"/`, "a b/", "A/", "$/"}
	keys     = []string{
		"x", "a", "a/", "a/x", "ab", "ab/x", "abc/x", "a/b", "a/b/x", "a/b/", "a/bc", "a/bc/x", "a/b/c/x", "b/x", "ba/x", "ä/x", "ä", `q"/x`, "q/x",
		"a b/x", "a%20b/x", "A/x", "$/x", "x/a/x", "a//x", "a/../b/x", "a/*", "*", "a?x",
	}
	reads  = []string{"s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:GetObjectVersionTagging"}
	writes = []string{"s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObjectTagging", "s3:DeleteObjectTagging"}
	others = []string{"s3:PutObjectAcl", "s3:GetObjectAcl", "s3:DeleteObjectVersion", "s3:PutObjectRetention", "s3:BypassGovernanceRetention"}
)

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// drawSet makes a set in which nothing is open inside of what is locked: no policy can
// say that.
func drawSet(r *rand.Rand) policy.Set {
	var set policy.Set
	for range 1 + r.IntN(6) {
		set = append(set, policy.Open{
			Bucket: pick(r, buckets), Prefix: pick(r, prefixes), Access: pick(r, []keyhatch.Access{keyhatch.Read, keyhatch.Write}), WriteOnly: r.IntN(4) == 0,
		})
	}
	if r.IntN(3) == 0 { // a location that is locked is so for every prefix in it
		locked := pick(r, prefixes[1:])
		for i := range set {
			set[i].Locked = []keyhatch.Prefix{locked}
		}
	}
	return set
}

// TestS2_AnotherEvaluatorDecidesAlike: of 100,000 random questions about random sets,
// the session policy is decided as the set is, by code that is not ours.
func TestS2_AnotherEvaluatorDecidesAlike(t *testing.T) {
	const questions, perSet = 100_000, 50
	r := rand.New(rand.NewPCG(1, 2))
	open := 0
	for range questions / perSet {
		set := drawSet(r)
		text, err := sessionpolicy.Dialect{Partition: "aws"}.Write(set, nil, nil)
		if err != nil {
			t.Fatalf("%+v: %v", set, err)
		}
		documents := []types.PolicyEntry{{PolicyDocument: text}}
		for range perSet {
			bucket, key, want := pick(r, slices.Concat(buckets, buckets, []string{"dem", "demo-2"})), pick(r, keys), false
			ask := iam.RequestContext{Resource: "arn:aws:s3:::" + bucket + "/" + key}
			switch r.IntN(10) {
			case 0:
				ask.Action = pick(r, others)
			case 1, 2:
				ask.Action, ask.Resource = pick(r, []string{"s3:ListBucket", "s3:ListBucketVersions"}), "arn:aws:s3:::"+bucket
				ask.Condition = map[string][]string{"s3:prefix": {key}}
				want = set.AllowsList(keyhatch.Read, bucket, key)
			case 3, 4, 5:
				ask.Action = pick(r, reads)
				want = set.AllowsObject(keyhatch.Read, bucket, key)
			default:
				ask.Action = pick(r, writes)
				want = set.AllowsObject(keyhatch.Write, bucket, key)
			}
			if got := iam.EvaluateIdentityPolicies(documents, ask) == iam.DecisionAllow; got != want {
				t.Fatalf("%s of %s, prefix %s: %t, want %t; %+v gives %s", ask.Action, ask.Resource, ask.Condition, got, want, set, text)
			}
			if want {
				open++
			}
		}
	}
	if open < questions/20 || open > questions*19/20 {
		t.Errorf("%d questions of %d were open: too few or too many to tell", open, questions)
	}
}
