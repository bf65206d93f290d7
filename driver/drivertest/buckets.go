package drivertest

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// bucketRows are about buckets themselves, which no lease opens, not even one to
// all that is in one.
var bucketRows = []row{
	{name: "list buckets", lease: writing("a/"), try: listBuckets, want: either},
	{name: "head another bucket", lease: writing("a/"), try: headBucket(other), want: refused},
	{name: "head a bucket that does not exist", lease: writing("a/"), try: headBucket(stranger), want: refused},
	{name: "create a bucket", lease: writing("a/"), try: createBucket(stranger), want: refused},
	{name: "create a bucket that exists", lease: writing("a/"), try: createBucket(other), want: refused},
	{name: "create a bucket with a lease to a whole bucket", lease: wholly(writing()), try: createBucket(stranger), want: refused},
	{name: "delete the bucket", lease: writing("a/"), try: deleteBucket(own), want: refused},
	{name: "delete the bucket with a lease to all of it", lease: wholly(writing()), try: deleteBucket(own), want: refused},
	{name: "delete another bucket", lease: writing("a/"), try: deleteBucket(other), want: refused},
	{name: "read the bucket policy", lease: writing("a/"), try: readPolicy, want: refused},
	{name: "write the bucket policy", lease: writing("a/"), try: writePolicy, want: refused},
	{name: "write the bucket policy with a lease to the whole bucket", lease: wholly(writing()), try: writePolicy, want: refused},
	{name: "delete the bucket policy", lease: writing("a/"), try: deletePolicy, want: refused},
	{name: "write the bucket's ACL", lease: wholly(writing()), try: writeBucketACL, want: refused},
	{name: "write the bucket's CORS rules", lease: wholly(writing()), try: writeCORS, want: refused},
	{name: "write the bucket's lifecycle", lease: wholly(writing()), try: writeLifecycle, want: refused},
	{name: "write the bucket's versioning", lease: wholly(writing()), try: writeVersioning, want: refused},
}

func wholly(t terms) terms {
	t.whole = true
	return t
}

// A bucketOf is one of the buckets of a world.
type bucketOf func(*visit) string

func own(v *visit) string      { return v.site.Bucket }
func other(v *visit) string    { return v.site.Other }
func stranger(v *visit) string { return v.world.stranger }

// listBuckets may be allowed when it names only buckets in which something of
// the lease is open.
func listBuckets(v *visit) error {
	out, err := v.client().ListBuckets(v, &s3.ListBucketsInput{})
	if err != nil {
		return err
	}
	for _, b := range out.Buckets {
		if name := aws.ToString(b.Name); name != v.site.Bucket {
			return wrong("the list names the bucket %s", name)
		}
	}
	return nil
}

func headBucket(which bucketOf) attempt {
	return func(v *visit) error {
		_, err := v.client().HeadBucket(v, &s3.HeadBucketInput{Bucket: aws.String(which(v))})
		return err
	}
}

func createBucket(which bucketOf) attempt {
	return func(v *visit) error {
		_, err := v.client().CreateBucket(v, &s3.CreateBucketInput{Bucket: aws.String(which(v))})
		return err
	}
}

func deleteBucket(which bucketOf) attempt {
	return func(v *visit) error {
		_, err := v.client().DeleteBucket(v, &s3.DeleteBucketInput{Bucket: aws.String(which(v))})
		return err
	}
}

func readPolicy(v *visit) error {
	_, err := v.client().GetBucketPolicy(v, &s3.GetBucketPolicyInput{Bucket: &v.site.Bucket})
	return err
}

func writePolicy(v *visit) error {
	return v.unchanged("the policy", v.policy, func(c *s3.Client) error {
		policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::%s/*"}]}`, v.site.Bucket)
		_, err := c.PutBucketPolicy(v, &s3.PutBucketPolicyInput{Bucket: &v.site.Bucket, Policy: &policy})
		return err
	})
}

func deletePolicy(v *visit) error {
	return v.unchanged("the policy", v.policy, func(c *s3.Client) error {
		_, err := c.DeleteBucketPolicy(v, &s3.DeleteBucketPolicyInput{Bucket: &v.site.Bucket})
		return err
	})
}

func (v *visit) policy(ctx context.Context) (string, error) {
	out, err := v.site.Store.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &v.site.Bucket})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.Policy), nil
}

func writeBucketACL(v *visit) error {
	return v.unchanged("the ACL", func(ctx context.Context) (string, error) {
		out, err := v.site.Store.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: &v.site.Bucket})
		if err != nil {
			return "", err
		}
		return fmt.Sprint(len(out.Grants)), nil
	}, func(c *s3.Client) error {
		_, err := c.PutBucketAcl(v, &s3.PutBucketAclInput{Bucket: &v.site.Bucket, ACL: types.BucketCannedACLPublicReadWrite})
		return err
	})
}

func writeCORS(v *visit) error {
	return v.unchanged("the CORS rules", func(ctx context.Context) (string, error) {
		out, err := v.site.Store.GetBucketCors(ctx, &s3.GetBucketCorsInput{Bucket: &v.site.Bucket})
		if err != nil {
			return "", err
		}
		return fmt.Sprint(len(out.CORSRules)), nil
	}, func(c *s3.Client) error {
		_, err := c.PutBucketCors(v, &s3.PutBucketCorsInput{Bucket: &v.site.Bucket, CORSConfiguration: &types.CORSConfiguration{
			CORSRules: []types.CORSRule{{AllowedMethods: []string{"GET"}, AllowedOrigins: []string{"*"}}},
		}})
		return err
	})
}

func writeLifecycle(v *visit) error {
	return v.unchanged("the lifecycle", func(ctx context.Context) (string, error) {
		out, err := v.site.Store.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &v.site.Bucket})
		if err != nil {
			return "", err
		}
		return fmt.Sprint(len(out.Rules)), nil
	}, func(c *s3.Client) error {
		_, err := c.PutBucketLifecycleConfiguration(v, &s3.PutBucketLifecycleConfigurationInput{
			Bucket: &v.site.Bucket, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{{
				ID: aws.String("all"), Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("")},
				Expiration: &types.LifecycleExpiration{Days: aws.Int32(1)},
			}}},
		})
		return err
	})
}

func writeVersioning(v *visit) error {
	return v.unchanged("the versioning", func(ctx context.Context) (string, error) {
		out, err := v.site.Store.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &v.site.Bucket})
		if err != nil {
			return "", err
		}
		return string(out.Status), nil
	}, func(c *s3.Client) error {
		_, err := c.PutBucketVersioning(v, &s3.PutBucketVersioningInput{
			Bucket: &v.site.Bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
		})
		return err
	})
}

// unchanged does something to the bucket and looks at the truth behind. Where
// that cannot be read, it must not be readable afterwards either.
func (v *visit) unchanged(what string, behind func(context.Context) (string, error), do func(*s3.Client) error) error {
	before, err := behind(v)
	statusBefore, codeBefore := refusal(err)
	done := do(v.client())
	after, err := behind(v)
	if status, code := refusal(err); before != after || status != statusBefore || code != codeBefore {
		return wrong("%s behind the lease was %q %d %s, is %q %d %s", what, before, statusBefore, codeBefore, after, status, code)
	}
	return done
}
