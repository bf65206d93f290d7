package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/gateway"
	"github.com/keyhatch/keyhatch/gateway/upstream"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// policed is an endpoint before a folder, whose leases have session policies.
type policed struct {
	*endpoint
	t    *testing.T
	past *s3.Client // past the endpoint
}

func newPoliced(t *testing.T) *policed {
	t.Helper()
	core := coretest.New(t)
	log := slog.New(slog.DiscardHandler)
	backends := gateway.NewBackends([]string{core.Root}, upstream.NewClient(core.Broker.Credentials, http.DefaultTransport, log), log)
	t.Cleanup(func() { backends.Close() })
	store, past := openDirectory(t, core, backends)
	for _, bucket := range []string{"lab-data", "lab-other"} {
		if err := os.Mkdir(filepath.Join(store.Path, bucket), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return &policed{serve(t, core, backends, store, "lab-data", "lab-other"), t, past}
}

func (p *policed) put(key, tags string) {
	p.t.Helper()
	in := &s3.PutObjectInput{Bucket: aws.String("lab-data"), Key: &key, Body: strings.NewReader(key)}
	if tags != "" {
		in.Tagging = &tags
	}
	if _, err := p.past.PutObject(p.t.Context(), in); err != nil {
		p.t.Fatal(err)
	}
}

// client borrows a lease for writing under "in/" and, with it, one for each policy
// more.
func (p *policed) client(policies ...string) *s3.Client {
	p.t.Helper()
	r := lending.LeaseRequest{Location: "s3://lab-data/", Access: keyhatch.Write, Prefixes: []string{"in"}}
	lent, err := p.lending.Lease(p.t.Context(), p.borrower, r)
	for _, text := range policies {
		if err != nil {
			break
		}
		lent, err = p.lending.Relend(p.t.Context(), lent.Lease, lending.LeaseRequest{Location: "s3://lab-data/in/", Access: keyhatch.Write, Policy: text})
	}
	if err != nil {
		p.t.Fatalf("%s: %v", policies, err)
	}
	c := lent.Credentials
	return s3.New(s3.Options{
		BaseEndpoint: &c.Endpoint, Region: c.Region, UsePathStyle: true, Retryer: aws.NopRetryer{},
		Credentials: sdk.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal()),
	})
}

// allowing is a policy that allows the actions on all of the bucket.
func allowing(actions ...string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["` + strings.Join(actions, `","`) + `"],"Resource":["*"]}}`
}

func code(err error) string {
	if err == nil {
		return ""
	}
	var e smithy.APIError
	if !errors.As(err, &e) {
		return err.Error()
	}
	return e.ErrorCode()
}

// TestPolicyOfEachOperation: an operation is allowed by a policy with what it takes,
// and refused by one that allows all but one of these.
func TestPolicyOfEachOperation(t *testing.T) {
	p := newPoliced(t)
	bucket := aws.String("lab-data")
	var upload *string
	key := func(s string) *string { return aws.String("in/" + s) }
	from := aws.String("lab-data/in/source")
	begin := func() {
		out, err := p.client(allowing("*")).CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key("up")})
		if err != nil {
			t.Fatal(err)
		}
		upload = out.UploadId
	}
	only := func(_ any, err error) error { return err }
	type call func(context.Context, *s3.Client) error
	for _, op := range []struct {
		name   string
		takes  string
		called call
	}{
		{"list buckets", "s3:ListAllMyBuckets", func(ctx context.Context, c *s3.Client) error {
			return only(c.ListBuckets(ctx, &s3.ListBucketsInput{}))
		}},
		{"head bucket", "s3:ListBucket", func(ctx context.Context, c *s3.Client) error {
			return only(c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: bucket}))
		}},
		{"list", "s3:ListBucket", func(ctx context.Context, c *s3.Client) error {
			return only(c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket, Prefix: key("")}))
		}},
		{"list versions", "s3:ListBucketVersions", func(ctx context.Context, c *s3.Client) error {
			return only(c.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: bucket, Prefix: key("")}))
		}},
		{"list uploads", "s3:ListBucketMultipartUploads", func(ctx context.Context, c *s3.Client) error {
			return only(c.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: bucket, Prefix: key("")}))
		}},
		{"get location", "s3:GetBucketLocation", func(ctx context.Context, c *s3.Client) error {
			return only(c.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: bucket}))
		}},
		{"get", "s3:GetObject", func(ctx context.Context, c *s3.Client) error {
			return only(c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key("source")}))
		}},
		{"get a version", "s3:GetObject s3:GetObjectVersion", func(ctx context.Context, c *s3.Client) error {
			return only(c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key("source"), VersionId: aws.String("null")}))
		}},
		{"head", "s3:GetObject", func(ctx context.Context, c *s3.Client) error {
			return only(c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: key("source")}))
		}},
		{"attributes", "s3:GetObject s3:GetObjectAttributes", func(ctx context.Context, c *s3.Client) error {
			return only(c.GetObjectAttributes(ctx, &s3.GetObjectAttributesInput{Bucket: bucket, Key: key("source"), ObjectAttributes: []types.ObjectAttributes{types.ObjectAttributesObjectSize}}))
		}},
		{"get tags", "s3:GetObjectTagging", func(ctx context.Context, c *s3.Client) error {
			return only(c.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: bucket, Key: key("source")}))
		}},
		{"put tags", "s3:PutObjectTagging", func(ctx context.Context, c *s3.Client) error {
			return only(c.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: bucket, Key: key("source"), Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}}))
		}},
		{"delete tags", "s3:DeleteObjectTagging", func(ctx context.Context, c *s3.Client) error {
			return only(c.DeleteObjectTagging(ctx, &s3.DeleteObjectTaggingInput{Bucket: bucket, Key: key("tagged")}))
		}},
		{"put", "s3:PutObject", func(ctx context.Context, c *s3.Client) error {
			return only(c.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key("new"), Body: strings.NewReader("x")}))
		}},
		{"put what is not there", "s3:PutObject", func(ctx context.Context, c *s3.Client) error {
			return only(c.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key("absent"), IfNoneMatch: aws.String("*"), Body: strings.NewReader("x")}))
		}},
		{"put with tags", "s3:PutObject s3:PutObjectTagging", func(ctx context.Context, c *s3.Client) error {
			return only(c.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key("new"), Tagging: aws.String("a=b"), Body: strings.NewReader("x")}))
		}},
		{"put in place of", "s3:PutObject s3:GetObject", func(ctx context.Context, c *s3.Client) error {
			return only(c.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key("fixed"), IfMatch: aws.String(`"` + "ff0eb6b3bc9e6ef7b1b2ef5d5ee3a5a0" + `"`), Body: strings.NewReader("x")}))
		}},
		{"copy", "s3:PutObject s3:GetObject s3:GetObjectTagging s3:PutObjectTagging", func(ctx context.Context, c *s3.Client) error {
			return only(c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: key("copy"), CopySource: from}))
		}},
		{"copy without tags", "s3:PutObject s3:GetObject", func(ctx context.Context, c *s3.Client) error {
			return only(c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: key("copy"), CopySource: from, TaggingDirective: types.TaggingDirectiveReplace}))
		}},
		{"begin an upload", "s3:PutObject", func(ctx context.Context, c *s3.Client) error {
			return only(c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key("up")}))
		}},
		{"upload a part", "s3:PutObject", func(ctx context.Context, c *s3.Client) error {
			return only(c.UploadPart(ctx, &s3.UploadPartInput{Bucket: bucket, Key: key("up"), UploadId: upload, PartNumber: aws.Int32(1), Body: strings.NewReader("x")}))
		}},
		{"copy a part", "s3:PutObject s3:GetObject", func(ctx context.Context, c *s3.Client) error {
			return only(c.UploadPartCopy(ctx, &s3.UploadPartCopyInput{Bucket: bucket, Key: key("up"), UploadId: upload, PartNumber: aws.Int32(2), CopySource: from}))
		}},
		{"list parts", "s3:ListMultipartUploadParts", func(ctx context.Context, c *s3.Client) error {
			return only(c.ListParts(ctx, &s3.ListPartsInput{Bucket: bucket, Key: key("up"), UploadId: upload}))
		}},
		{"abort an upload", "s3:AbortMultipartUpload", func(ctx context.Context, c *s3.Client) error {
			return only(c.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: bucket, Key: key("up"), UploadId: upload}))
		}},
		{"delete", "s3:DeleteObject", func(ctx context.Context, c *s3.Client) error {
			return only(c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: key("tagged")}))
		}},
	} {
		p.put("in/source", "")
		p.put("in/tagged", "a=b")
		begin()
		takes := strings.Fields(op.takes)
		if got := code(op.called(t.Context(), p.client(allowing("s3:Delete*", "s3:Get*", "s3:List*", "s3:Put*", "s3:Abort*")))); got != "" && got != "PreconditionFailed" && got != "NoSuchKey" && op.name != "put in place of" {
			t.Errorf("%s: %s under a policy that allows everything", op.name, got)
		}
		p.put("in/tagged", "a=b")
		begin()
		if got := code(op.called(t.Context(), p.client(allowing(takes...)))); got == "AccessDenied" || got == "Forbidden" {
			t.Errorf("%s: %s under a policy that allows %s", op.name, got, takes)
		}
		for i := range takes {
			rest := append([]string{"s3:GetObjectAcl"}, takes[:i]...)
			if got := code(op.called(t.Context(), p.client(allowing(append(rest, takes[i+1:]...)...)))); got != "AccessDenied" && got != "Forbidden" {
				t.Errorf("%s: %q under a policy without %s", op.name, got, takes[i])
			}
		}
		// A policy of the lease before it counts as much.
		if got := code(op.called(t.Context(), p.client(allowing("s3:GetObjectAcl"), allowing("*")))); got != "AccessDenied" && got != "Forbidden" {
			t.Errorf("%s: %q, although a policy before allows nothing", op.name, got)
		}
	}
}

// TestPolicyHidesClosedBuckets: a bucket in which a session policy leaves nothing is
// not in the list of buckets. All that the lease opens were.
func TestPolicyHidesClosedBuckets(t *testing.T) {
	p := newPoliced(t)
	on := func(effect, action, resource string) string {
		return fmt.Sprintf(`{"Effect":%q,"Action":%q,"Resource":"arn:aws:s3:::%s"}`, effect, action, resource)
	}
	for _, c := range []struct {
		what       string
		statements []string
		want       string
	}{
		{"one that allows all", []string{on("Allow", "s3:*", "*")}, "lab-data"},
		{"one for another bucket", []string{on("Allow", "s3:*", "lab-other*")}, ""},
		{"one beside what the lease opens", []string{on("Allow", "s3:*", "lab-data/out/*")}, ""},
		{"one for one object", []string{on("Allow", "s3:GetObject", "lab-data/in/a")}, "lab-data"},
		{"one for the list", []string{on("Allow", "s3:ListBucket", "lab-data")}, "lab-data"},
		{"one that tells where the bucket is", []string{on("Allow", "s3:GetBucketLocation", "*")}, ""},
		{"one that denies the bucket", []string{on("Allow", "s3:*", "*"), on("Deny", "s3:*", "lab-data"), on("Deny", "s3:*", "lab-data/*")}, ""},
		{"one that denies part of it", []string{on("Allow", "s3:*", "*"), on("Deny", "s3:*", "lab-data/in/a*")}, "lab-data"},
	} {
		statements := append(c.statements, on("Allow", "s3:ListAllMyBuckets", "*"))
		out, err := p.client(`{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}`).ListBuckets(t.Context(), &s3.ListBucketsInput{})
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		var names []string
		for _, b := range out.Buckets {
			names = append(names, *b.Name)
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s: the list has %q, want %q", c.what, got, c.want)
		}
	}
}

// TestPolicyOfABatch: each key of a batch is decided by itself, and a policy opens
// nothing that the lease does not.
func TestPolicyOfABatch(t *testing.T) {
	p := newPoliced(t)
	for _, key := range []string{"in/a/1", "in/a/2", "in/b/1", "out/1"} {
		p.put(key, "")
	}
	c := p.client(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:DeleteObject","Resource":["arn:aws:s3:::lab-data/in/a/*","arn:aws:s3:::lab-data/out/*"]},
		{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::lab-data/in/a/2"}]}`)
	var objects []types.ObjectIdentifier
	for _, key := range []string{"in/a/1", "in/a/2", "in/b/1", "out/1"} {
		objects = append(objects, types.ObjectIdentifier{Key: aws.String(key)})
	}
	objects = append(objects, types.ObjectIdentifier{Key: aws.String("in/a/3"), VersionId: aws.String("null")})
	out, err := c.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: aws.String("lab-data"), Delete: &types.Delete{Objects: objects}})
	if err != nil {
		t.Fatal(err)
	}
	var refused []string
	for _, e := range out.Errors {
		refused = append(refused, *e.Key+" "+*e.Code)
	}
	if got := strings.Join(refused, ", "); len(out.Deleted) != 1 || *out.Deleted[0].Key != "in/a/1" ||
		got != "in/a/2 AccessDenied, in/b/1 AccessDenied, out/1 AccessDenied, in/a/3 AccessDenied" {
		t.Errorf("deleted %v, refused %s", out.Deleted, got)
	}
}

// TestS2_LeaseUnderPolicies: whatever the policies, what goes through is what the
// lease opens and every one of them allows. The model is prefixes of strings.
func TestS2_LeaseUnderPolicies(t *testing.T) {
	p := newPoliced(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	keys := []string{"in/a/k", "in/a/b/k", "in/ab/k", "in/b/k", "in/k", "out/a/k"}
	for _, key := range keys {
		p.put(key, "")
	}
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	type rule struct {
		deny          bool
		action, under string
	}
	through, refused := 0, 0
	for through < 40 || refused < 40 {
		var texts []string
		var rules [][]rule
		for range 1 + r.IntN(2) {
			var of []rule
			var statements []string
			for range 1 + r.IntN(3) {
				rule := rule{r.IntN(4) == 0, pick("Get", "Put", "List", "*"), pick("", "in/", "in/", "in/a/", "in/a", "out/")}
				of = append(of, rule)
				effect, on := "Allow", fmt.Sprintf(`"Resource":["arn:aws:s3:::lab-data/%s*"]`, rule.under)
				if rule.deny {
					effect = "Deny"
				}
				if rule.action != "*" && rule.action != "List" {
					statements = append(statements, fmt.Sprintf(`{"Effect":%q,"Action":"s3:%sObject",%s}`, effect, rule.action, on))
				}
				if rule.action == "*" {
					statements = append(statements, fmt.Sprintf(`{"Effect":%q,"Action":["s3:*"],%s}`, effect, on))
				}
				if rule.action == "*" || rule.action == "List" {
					statements = append(statements, fmt.Sprintf(`{"Effect":%q,"Action":"s3:ListBucket","Resource":"arn:aws:s3:::lab-data","Condition":{"StringLike":{"s3:prefix":"%s*"}}}`, effect, rule.under))
				}
			}
			rules = append(rules, of)
			texts = append(texts, `{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}`)
		}
		allowed := func(action, key string) bool {
			for _, of := range rules {
				yes := false
				for _, rule := range of {
					if (rule.action == "*" || rule.action == action) && strings.HasPrefix(key, rule.under) {
						if rule.deny {
							return false
						}
						yes = true
					}
				}
				if !yes {
					return false
				}
			}
			return strings.HasPrefix(key, "in/")
		}
		c, bucket := p.client(texts...), aws.String("lab-data")
		for _, key := range keys {
			folder := key[:strings.LastIndex(key, "/")+1]
			_, gets := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: &key})
			_, puts := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: strings.NewReader(key)})
			_, lists := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: bucket, Prefix: &folder})
			for _, asked := range []struct {
				action, key string
				err         error
			}{{"Get", key, gets}, {"Put", key, puts}, {"List", folder, lists}} {
				want := map[bool]string{true: "", false: "AccessDenied"}[allowed(asked.action, asked.key)]
				if got := code(asked.err); got != want {
					t.Fatalf("%s %s: %q, want %q under %s", asked.action, asked.key, got, want, texts)
				}
				if want == "" {
					through++
				} else {
					refused++
				}
			}
		}
	}
}
