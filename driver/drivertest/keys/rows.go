package keys

import (
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Folders of the bucket both that are locked.
const (
	locked = "locked/"
	odd    = "o*d?${x}/ü/" // what policies read as more than itself
)

func allRows() []row {
	return slices.Concat(readRows, writeRows, copyRows, ownRows, lockRows, unlistedRows, bucketRows)
}

// The bucket reads may be read, writes may be written, both may be both, and is
// locked in parts; of unlisted the order says nothing.
var readRows = []row{
	{"list", allowed, func(t *try) error { return t.list(t.reads) }},
	{"list what is written too", allowed, func(t *try) error { return t.list(t.both) }},
	{"list a folder", allowed, func(t *try) error {
		_, err := t.ListObjectsV2(t.ctx, &s3.ListObjectsV2Input{Bucket: &t.reads, Prefix: aws.String("folder/"), Delimiter: aws.String("/")})
		return err
	}},
	{"list versions", allowed, func(t *try) error {
		_, err := t.ListObjectVersions(t.ctx, &s3.ListObjectVersionsInput{Bucket: &t.reads})
		return err
	}},
	{"head the bucket", allowed, func(t *try) error {
		_, err := t.HeadBucket(t.ctx, &s3.HeadBucketInput{Bucket: &t.reads})
		return err
	}},
	{"ask for the region", allowed, func(t *try) error { return t.region(t.reads) }},
	{"get", allowed, func(t *try) error { return t.get(t.reads, old) }},
	{"get what is written too", allowed, func(t *try) error { return t.get(t.both, old) }},
	{"get a range", allowed, func(t *try) error { return t.getPart(t.reads, old, aws.String("bytes=2-4"), content[2:5]) }},
	{"head", allowed, func(t *try) error { return t.head(t.reads, old) }},
	{"get tags", allowed, func(t *try) error { return t.tags(t.reads, old) }},
	{"get presigned", allowed, func(t *try) error { return t.presigned(http.MethodGet, t.reads, old) }},

	{"list what is written only", refused, func(t *try) error { return t.list(t.writes) }},
	{"list versions of what is written only", refused, func(t *try) error {
		_, err := t.ListObjectVersions(t.ctx, &s3.ListObjectVersionsInput{Bucket: &t.writes})
		return err
	}},
	{"get what is written only", refused, func(t *try) error { return t.get(t.writes, old) }},
	{"head what is written only", refused, func(t *try) error { return t.head(t.writes, old) }},
	{"get tags of what is written only", refused, func(t *try) error { return t.tags(t.writes, old) }},
	{"get presigned what is written only", refused, func(t *try) error { return t.presigned(http.MethodGet, t.writes, old) }},
}

var writeRows = []row{
	{"put", allowed, func(t *try) error { return t.put(t.writes, t.fresh) }},
	{"put over", allowed, func(t *try) error { return t.put(t.both, t.fresh+old) }},
	{"put with tags", allowed, func(t *try) error {
		_, err := t.PutObject(t.ctx, &s3.PutObjectInput{Bucket: &t.writes, Key: &t.fresh, Tagging: aws.String("a=b")})
		return err
	}},
	{"put presigned", allowed, func(t *try) error { return t.presigned(http.MethodPut, t.writes, t.fresh) }},
	{"delete", allowed, func(t *try) error { return t.delete(t.writes, t.fresh+old) }},
	{"delete a version", refused, func(t *try) error {
		key := t.fresh + old
		_, err := t.DeleteObject(t.ctx, &s3.DeleteObjectInput{Bucket: &t.both, Key: &key, VersionId: aws.String("null")})
		return err
	}},
	{"delete a batch", allowed, func(t *try) error { return t.deleteMany(t.writes, nil, t.fresh+old, t.fresh+"none") }},
	{"put in parts", allowed, func(t *try) error { return t.inParts(t.writes, t.fresh, "") }},
	{"abort parts", allowed, func(t *try) error { return t.abort(t.writes, t.fresh) }},
	{"list uploads", allowed, func(t *try) error {
		_, err := t.ListMultipartUploads(t.ctx, &s3.ListMultipartUploadsInput{Bucket: &t.writes})
		return err
	}},
	{"tag", allowed, func(t *try) error { return t.tag(t.writes, t.fresh+old) }},
	{"untag", allowed, func(t *try) error { return t.untag(t.writes, t.fresh+old) }},

	{"put what is read only", refused, func(t *try) error { return t.put(t.reads, t.fresh) }},
	{"put over what is read only", refused, func(t *try) error { return t.put(t.reads, old) }},
	{"put presigned what is read only", refused, func(t *try) error { return t.presigned(http.MethodPut, t.reads, t.fresh) }},
	{"delete what is read only", refused, func(t *try) error { return t.delete(t.reads, old) }},
	{"delete a batch of what is read only", refused, func(t *try) error { return t.deleteMany(t.reads, nil, old, "none") }},
	{"put in parts what is read only", refused, func(t *try) error { return t.inParts(t.reads, t.fresh, "") }},
	{"tag what is read only", refused, func(t *try) error { return t.tag(t.reads, old) }},
	{"untag what is read only", refused, func(t *try) error { return t.untag(t.reads, old) }},
}

var copyRows = []row{
	{"copy", allowed, func(t *try) error { return t.copy(t.reads, old, t.both, t.fresh) }},
	{"copy to what is written only", allowed, func(t *try) error { return t.copy(t.reads, old, t.writes, t.fresh) }},
	{"copy a part", allowed, func(t *try) error { return t.inParts(t.writes, t.fresh, t.reads+"/"+old) }},
	{"copy to what is read only", refused, func(t *try) error { return t.copy(t.both, old, t.reads, t.fresh) }},
	{"copy from what is written only", refused, func(t *try) error { return t.copy(t.writes, old, t.both, t.fresh) }},
	{"copy a part from what is written only", refused, func(t *try) error { return t.inParts(t.both, t.fresh, t.writes+"/"+old) }},
	{"copy from what is not listed", refused, func(t *try) error { return t.copy(t.unlisted, old, t.both, t.fresh) }},
}

// ownRows are about what the key itself has put: it is open to it as everything is.
var ownRows = []row{
	{"get its own", allowed, func(t *try) error { return t.putThen(t.both, func() error { return t.getNew(t.both, t.fresh) }) }},
	{"get its own of what is written only", refused, func(t *try) error { return t.putThen(t.writes, func() error { return t.get(t.writes, t.fresh) }) }},
	{"head its own of what is written only", refused, func(t *try) error { return t.putThen(t.writes, func() error { return t.head(t.writes, t.fresh) }) }},
	{"get tags of its own of what is written only", refused, func(t *try) error { return t.putThen(t.writes, func() error { return t.tags(t.writes, t.fresh) }) }},
	{"copy from its own of what is written only", refused, func(t *try) error {
		return t.putThen(t.writes, func() error { return t.copy(t.writes, t.fresh, t.both, t.fresh) })
	}},
	{"open its own by its list", refused, func(t *try) error {
		return t.putThen(t.both, func() error {
			_, err := t.PutObjectAcl(t.ctx, &s3.PutObjectAclInput{Bucket: &t.both, Key: &t.fresh, ACL: types.ObjectCannedACLPublicRead})
			return err
		})
	}},
	{"see who may read its own", refused, func(t *try) error {
		return t.putThen(t.both, func() error {
			_, err := t.GetObjectAcl(t.ctx, &s3.GetObjectAclInput{Bucket: &t.both, Key: &t.fresh})
			return err
		})
	}},
	{"open what it puts to all", refused, func(t *try) error {
		return t.openToAll(func() error {
			_, err := t.PutObject(t.ctx, &s3.PutObjectInput{Bucket: &t.both, Key: &t.fresh, Body: strings.NewReader("new"), ACL: types.ObjectCannedACLPublicRead})
			return err
		})
	}},
	{"open what it puts to all by a grant", refused, func(t *try) error {
		return t.openToAll(func() error {
			_, err := t.PutObject(t.ctx, &s3.PutObjectInput{
				Bucket: &t.both, Key: &t.fresh, Body: strings.NewReader("new"), GrantRead: aws.String(`uri="http://acs.amazonaws.com/groups/global/AllUsers"`),
			})
			return err
		})
	}},
	{"open what it copies to all", refused, func(t *try) error {
		return t.openToAll(func() error {
			_, err := t.CopyObject(t.ctx, &s3.CopyObjectInput{
				Bucket: &t.both, Key: &t.fresh, CopySource: aws.String(t.reads + "/" + old), ACL: types.ObjectCannedACLPublicRead,
			})
			return err
		})
	}},
}

var lockRows = []row{
	{"get what is locked", allowed, func(t *try) error { return t.get(t.both, locked+old) }},
	{"get what is locked with an odd name", allowed, func(t *try) error { return t.get(t.both, odd+old) }},
	{"copy from what is locked", allowed, func(t *try) error { return t.copy(t.both, locked+old, t.both, t.fresh) }},
	{"put beside what is locked", allowed, func(t *try) error { return t.put(t.both, "lockedness") }},
	{"put into a folder that holds what is locked", allowed, func(t *try) error { return t.put(t.both, "a/locked/"+t.fresh) }},
	{"put beside an odd name", allowed, func(t *try) error { return t.put(t.both, "oxdx${x}/ü/"+t.fresh) }},
	{"put beside an odd name, its end", allowed, func(t *try) error { return t.put(t.both, "o*d?${x}/u/"+t.fresh) }},

	{"put what is locked", refused, func(t *try) error { return t.put(t.both, locked+t.fresh) }},
	{"put deep in what is locked", refused, func(t *try) error { return t.put(t.both, locked+"a/b/"+t.fresh) }},
	{"put the marker of what is locked", refused, func(t *try) error {
		_, err := t.PutObject(t.ctx, &s3.PutObjectInput{Bucket: &t.both, Key: aws.String(locked)})
		return err
	}},
	{"put what is locked by a way around", refused, func(t *try) error { return t.put(t.both, "x/../"+locked+t.fresh) }},
	{"put over what is locked", refused, func(t *try) error { return t.put(t.both, locked+old) }},
	{"put what is locked with an odd name", refused, func(t *try) error { return t.put(t.both, odd+t.fresh) }},
	{"put presigned what is locked", refused, func(t *try) error { return t.presigned(http.MethodPut, t.both, locked+t.fresh) }},
	{"delete what is locked", refused, func(t *try) error { return t.delete(t.both, locked+old) }},
	{"delete what is locked with an odd name", refused, func(t *try) error { return t.delete(t.both, odd+old) }},
	{"delete a batch of what is locked", refused, func(t *try) error { return t.deleteMany(t.both, nil, locked+old, odd+old) }},
	{"delete a batch with one that is locked", allowed, func(t *try) error {
		return t.deleteMany(t.both, []string{locked + old}, t.fresh+old, locked+old)
	}},
	{"put in parts what is locked", refused, func(t *try) error { return t.inParts(t.both, locked+t.fresh, "") }},
	{"copy to what is locked", refused, func(t *try) error { return t.copy(t.both, old, t.both, locked+t.fresh) }},
	{"tag what is locked", refused, func(t *try) error { return t.tag(t.both, locked+old) }},
	{"untag what is locked", refused, func(t *try) error { return t.untag(t.both, locked+old) }},
}

var unlistedRows = []row{
	{"list what is not listed", refused, func(t *try) error { return t.list(t.unlisted) }},
	{"head a bucket that is not listed", refused, func(t *try) error {
		_, err := t.HeadBucket(t.ctx, &s3.HeadBucketInput{Bucket: &t.unlisted})
		return err
	}},
	{"get what is not listed", refused, func(t *try) error { return t.get(t.unlisted, old) }},
	{"get presigned what is not listed", refused, func(t *try) error { return t.presigned(http.MethodGet, t.unlisted, old) }},
	{"put what is not listed", refused, func(t *try) error { return t.put(t.unlisted, t.fresh) }},
	{"delete what is not listed", refused, func(t *try) error { return t.delete(t.unlisted, old) }},
	{"put in parts what is not listed", refused, func(t *try) error { return t.inParts(t.unlisted, t.fresh, "") }},
}

// bucketRows are about buckets themselves, which keys never change.
var bucketRows = []row{
	{"list buckets", refused, func(t *try) error { return t.listBuckets() }},
	{"make a bucket", refused, func(t *try) error {
		_, err := t.CreateBucket(t.ctx, &s3.CreateBucketInput{Bucket: aws.String("made-by-a-key")})
		return err
	}},
	{"delete a bucket", refused, func(t *try) error {
		_, err := t.DeleteBucket(t.ctx, &s3.DeleteBucketInput{Bucket: &t.both})
		return err
	}},
	{"open a bucket by its policy", refused, func(t *try) error {
		_, err := t.PutBucketPolicy(t.ctx, &s3.PutBucketPolicyInput{Bucket: &t.both, Policy: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::` + t.both + `/*"}]}`,
		)})
		return err
	}},
	{"open a bucket by its list", refused, func(t *try) error {
		_, err := t.PutBucketAcl(t.ctx, &s3.PutBucketAclInput{Bucket: &t.both, ACL: types.BucketCannedACLPublicRead})
		return err
	}},
	{"open an object by its list", refused, func(t *try) error {
		_, err := t.PutObjectAcl(t.ctx, &s3.PutObjectAclInput{Bucket: &t.both, Key: aws.String(old), ACL: types.ObjectCannedACLPublicRead})
		return err
	}},
	{"keep versions", refused, func(t *try) error {
		_, err := t.PutBucketVersioning(t.ctx, &s3.PutBucketVersioningInput{
			Bucket: &t.both, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusSuspended},
		})
		return err
	}},
}
