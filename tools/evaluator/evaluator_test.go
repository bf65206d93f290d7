package evaluator

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

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
	accesses = []keyhatch.Access{keyhatch.Read, keyhatch.Write}
	reads    = []string{"s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:GetObjectVersionTagging"}
	writes   = []string{"s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObjectTagging", "s3:DeleteObjectTagging"}
	others   = []string{"s3:PutObjectAcl", "s3:GetObjectAcl", "s3:DeleteObjectVersion", "s3:PutObjectRetention", "s3:BypassGovernanceRetention"}
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

// TestS2_GrantsRequestsAndKeys: of 100,000 random triples of grants, what is asked for on
// them, and a key, the session policy of the lease decides as strings say: a grant has to
// begin what is asked for, and that the key.
func TestS2_GrantsRequestsAndKeys(t *testing.T) {
	const triples, perRequest = 100_000, 20
	r, now := rand.New(rand.NewPCG(5, 6)), time.Now()
	open, lent := 0, 0
	for range triples / perRequest {
		grants := make([]keyhatch.Grant, 1+r.IntN(5))
		for i := range grants {
			grants[i] = keyhatch.Grant{Bucket: "demo", Prefix: pick(r, prefixes), Access: pick(r, accesses), ExpiresAt: now.Add(time.Duration(r.IntN(4)-1) * time.Hour)}
		}
		granted := func(access keyhatch.Access, prefix keyhatch.Prefix) bool {
			return slices.ContainsFunc(grants, func(g keyhatch.Grant) bool {
				return now.Before(g.ExpiresAt) && (g.Access == access || g.Access == keyhatch.Write) && strings.HasPrefix(string(prefix), string(g.Prefix))
			})
		}
		lease, wanted := keyhatch.Lease{Access: pick(r, accesses)}, map[keyhatch.Prefix]bool{}
		for range 1 + r.IntN(3) { // what is granted of it, as two leases would be
			prefix := pick(r, append(slices.Clone(prefixes[:3]), pick(r, grants).Prefix, pick(r, grants).Prefix+"b/"))
			_, may := policy.BestGrant(grants, lease.Access, prefix, now)
			if may != granted(lease.Access, prefix) {
				t.Fatalf("%s on %q is granted: %t; %+v", lease.Access, prefix, may, grants)
			}
			if may {
				wanted[prefix] = true
				lease.Parts = append(lease.Parts, keyhatch.Part{Bucket: "demo", Prefix: prefix})
			}
		}
		text, err := sessionpolicy.Dialect{Partition: "aws"}.Write(policy.Lent(lease), nil, nil)
		if err != nil {
			t.Fatalf("%+v: %v", lease.Parts, err)
		}
		lent += len(lease.Parts)
		for range perRequest {
			key, access := pick(r, keys), pick(r, accesses)
			if len(lease.Parts) > 0 && r.IntN(2) == 0 {
				key = string(pick(r, lease.Parts).Prefix) + "x"
			}
			want := lease.Access == access || lease.Access == keyhatch.Write
			want = want && slices.ContainsFunc(slices.Collect(maps.Keys(wanted)), func(p keyhatch.Prefix) bool {
				return strings.HasPrefix(key, string(p))
			})
			action := pick(r, map[keyhatch.Access][]string{keyhatch.Read: reads, keyhatch.Write: writes}[access])
			got := iam.EvaluateIdentityPolicies([]types.PolicyEntry{{PolicyDocument: text}}, iam.RequestContext{Action: action, Resource: "arn:aws:s3:::demo/" + key})
			if (got == iam.DecisionAllow) != want || policy.Lent(lease).AllowsObject(access, "demo", key) != want {
				t.Fatalf("%s of %q: %v, want it open: %t; %+v gives %s", action, key, got, want, lease.Parts, text)
			}
			if want {
				open++
			}
		}
	}
	if open < triples/20 || lent < triples/perRequest/2 {
		t.Errorf("%d triples of %d were open, for %d prefixes: too few to tell", open, triples, lent)
	}
}
