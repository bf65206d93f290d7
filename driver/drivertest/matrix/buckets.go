package matrix

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/keyhatch/keyhatch/driver/drivertest"
)

// bucketRows are about buckets themselves, which no lease opens, not even one to
// all that is in one.
var bucketRows = []drivertest.Row{
	{Name: "list buckets", Lease: drivertest.Writing("a/"), Try: listBuckets, Want: drivertest.Either},
	{Name: "head another bucket", Lease: drivertest.Writing("a/"), Try: headBucket(other), Want: drivertest.Refused},
	{Name: "head a bucket that does not exist", Lease: drivertest.Writing("a/"), Try: headBucket(stranger), Want: drivertest.Refused},
	{Name: "create a bucket", Lease: drivertest.Writing("a/"), Try: createBucket(stranger), Want: drivertest.Refused},
	{Name: "create a bucket that exists", Lease: drivertest.Writing("a/"), Try: createBucket(other), Want: drivertest.Refused},
	{Name: "create a bucket with a lease to a whole bucket", Lease: wholly(drivertest.Writing()), Try: createBucket(stranger), Want: drivertest.Refused},
	{Name: "delete the bucket", Lease: drivertest.Writing("a/"), Try: deleteBucket(own), Want: drivertest.Refused},
	{Name: "delete the bucket with a lease to all of it", Lease: wholly(drivertest.Writing()), Try: deleteBucket(own), Want: drivertest.Refused},
	{Name: "delete another bucket", Lease: drivertest.Writing("a/"), Try: deleteBucket(other), Want: drivertest.Refused},
	{Name: "read the bucket policy", Lease: drivertest.Writing("a/"), Try: readPolicy, Want: drivertest.Refused},
	{Name: "write the bucket policy", Lease: drivertest.Writing("a/"), Try: writePolicy, Want: drivertest.Refused},
	{Name: "write the bucket policy with a lease to the whole bucket", Lease: wholly(drivertest.Writing()), Try: writePolicy, Want: drivertest.Refused},
	{Name: "delete the bucket policy", Lease: drivertest.Writing("a/"), Try: deletePolicy, Want: drivertest.Refused},
	{Name: "write the bucket's ACL", Lease: wholly(drivertest.Writing()), Try: writeBucketACL, Want: drivertest.Refused},
	{Name: "write the bucket's CORS rules", Lease: wholly(drivertest.Writing()), Try: writeCORS, Want: drivertest.Refused},
	{Name: "write the bucket's lifecycle", Lease: wholly(drivertest.Writing()), Try: writeLifecycle, Want: drivertest.Refused},
	{Name: "write the bucket's versioning", Lease: wholly(drivertest.Writing()), Try: writeVersioning, Want: drivertest.Refused},
}

func wholly(t drivertest.Terms) drivertest.Terms {
	t.Whole = true
	return t
}

// A bucketOf is one of the buckets of a world.
type bucketOf func(*drivertest.Visit) string

func own(v *drivertest.Visit) string      { return v.Site.Bucket }
func other(v *drivertest.Visit) string    { return v.Site.Other }
func stranger(v *drivertest.Visit) string { return v.World.Stranger }

// listBuckets may be allowed when it names only buckets in which something of
// the lease is open.
func listBuckets(v *drivertest.Visit) error {
	out, err := v.Client().ListBuckets(v, &s3.ListBucketsInput{})
	if err != nil {
		return err
	}
	for _, b := range out.Buckets {
		if name := aws.ToString(b.Name); name != v.Site.Bucket {
			return drivertest.Wrong("the list names the bucket %s", name)
		}
	}
	return nil
}

func headBucket(which bucketOf) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		_, err := v.Client().HeadBucket(v, &s3.HeadBucketInput{Bucket: aws.String(which(v))})
		return err
	}
}

func createBucket(which bucketOf) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		_, err := v.Client().CreateBucket(v, &s3.CreateBucketInput{Bucket: aws.String(which(v))})
		return err
	}
}

func deleteBucket(which bucketOf) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		_, err := v.Client().DeleteBucket(v, &s3.DeleteBucketInput{Bucket: aws.String(which(v))})
		return err
	}
}

func readPolicy(v *drivertest.Visit) error {
	_, err := v.Client().GetBucketPolicy(v, &s3.GetBucketPolicyInput{Bucket: &v.Site.Bucket})
	return err
}

func writePolicy(v *drivertest.Visit) error {
	return unchanged(v, "the policy", policy, func(c *s3.Client) error {
		policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::%s/*"}]}`, v.Site.Bucket)
		_, err := c.PutBucketPolicy(v, &s3.PutBucketPolicyInput{Bucket: &v.Site.Bucket, Policy: &policy})
		return err
	})
}

func deletePolicy(v *drivertest.Visit) error {
	return unchanged(v, "the policy", policy, func(c *s3.Client) error {
		_, err := c.DeleteBucketPolicy(v, &s3.DeleteBucketPolicyInput{Bucket: &v.Site.Bucket})
		return err
	})
}

func policy(v *drivertest.Visit) (string, error) {
	out, err := v.Site.Store.GetBucketPolicy(v, &s3.GetBucketPolicyInput{Bucket: &v.Site.Bucket})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.Policy), nil
}

func writeBucketACL(v *drivertest.Visit) error {
	return unchanged(v, "the ACL", func(v *drivertest.Visit) (string, error) {
		out, err := v.Site.Store.GetBucketAcl(v, &s3.GetBucketAclInput{Bucket: &v.Site.Bucket})
		if err != nil {
			return "", err
		}
		return fmt.Sprint(len(out.Grants)), nil
	}, func(c *s3.Client) error {
		_, err := c.PutBucketAcl(v, &s3.PutBucketAclInput{Bucket: &v.Site.Bucket, ACL: types.BucketCannedACLPublicReadWrite})
		return err
	})
}

func writeCORS(v *drivertest.Visit) error {
	return unchanged(v, "the CORS rules", func(v *drivertest.Visit) (string, error) {
		out, err := v.Site.Store.GetBucketCors(v, &s3.GetBucketCorsInput{Bucket: &v.Site.Bucket})
		if err != nil {
			return "", err
		}
		return fmt.Sprint(len(out.CORSRules)), nil
	}, func(c *s3.Client) error {
		_, err := c.PutBucketCors(v, &s3.PutBucketCorsInput{Bucket: &v.Site.Bucket, CORSConfiguration: &types.CORSConfiguration{
			CORSRules: []types.CORSRule{{AllowedMethods: []string{"GET"}, AllowedOrigins: []string{"*"}}},
		}})
		return err
	})
}

func writeLifecycle(v *drivertest.Visit) error {
	return unchanged(v, "the lifecycle", func(v *drivertest.Visit) (string, error) {
		out, err := v.Site.Store.GetBucketLifecycleConfiguration(v, &s3.GetBucketLifecycleConfigurationInput{Bucket: &v.Site.Bucket})
		if err != nil {
			return "", err
		}
		return fmt.Sprint(len(out.Rules)), nil
	}, func(c *s3.Client) error {
		_, err := c.PutBucketLifecycleConfiguration(v, &s3.PutBucketLifecycleConfigurationInput{
			Bucket: &v.Site.Bucket, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{{
				ID: aws.String("all"), Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("")},
				Expiration: &types.LifecycleExpiration{Days: aws.Int32(1)},
			}}},
		})
		return err
	})
}

func writeVersioning(v *drivertest.Visit) error {
	return unchanged(v, "the versioning", func(v *drivertest.Visit) (string, error) {
		out, err := v.Site.Store.GetBucketVersioning(v, &s3.GetBucketVersioningInput{Bucket: &v.Site.Bucket})
		if err != nil {
			return "", err
		}
		return string(out.Status), nil
	}, func(c *s3.Client) error {
		_, err := c.PutBucketVersioning(v, &s3.PutBucketVersioningInput{
			Bucket: &v.Site.Bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
		})
		return err
	})
}

// unchanged does something to the bucket and looks at the truth behind. Where
// that cannot be read, it must not be readable afterwards either.
func unchanged(v *drivertest.Visit, what string, behind func(*drivertest.Visit) (string, error), do func(*s3.Client) error) error {
	before, err := behind(v)
	statusBefore, codeBefore := drivertest.Refusal(err)
	done := do(v.Client())
	after, err := behind(v)
	if status, code := drivertest.Refusal(err); before != after || status != statusBefore || code != codeBefore {
		return drivertest.Wrong("%s behind the lease was %q %d %s, is %q %d %s", what, before, statusBefore, codeBefore, after, status, code)
	}
	return done
}
