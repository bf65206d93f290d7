package gateway_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Keys that stores write in many ways are listed below their prefix, and told when
// they were deleted: what a store names is held against what it was asked for.
func TestSpecialKeysAreKnownAgain(t *testing.T) {
	folders := []string{"a/it's/", "a/x+y z%25/", "a/ü/", "a/u\u0308/", "a/&amp;/", `a/"<>/`, "a/%2F/", "a/日本/", "a/~!@$^*()_-=[]{}|;:,./"}
	onEveryStore(t, func(t *testing.T, kind string, c *conditioned, _ *s3.Client) {
		var keys []string
		for _, folder := range folders {
			key := folder + strings.TrimSuffix(strings.TrimPrefix(folder, "a/"), "/")
			if _, err := c.PutObject(c.ctx, &s3.PutObjectInput{Bucket: &c.bucket, Key: &key, Body: strings.NewReader("x")}); err != nil {
				t.Fatalf("put %s: %v", key, err)
			}
			keys = append(keys, key)
		}
		for i, folder := range folders {
			for _, encoding := range []types.EncodingType{"", types.EncodingTypeUrl} {
				list, err := c.ListObjectsV2(c.ctx, &s3.ListObjectsV2Input{Bucket: &c.bucket, Prefix: &folder, EncodingType: encoding})
				if err != nil || len(list.Contents) != 1 {
					t.Errorf("list %s, encoding %q: %+v, %v", folder, encoding, list, err)
				}
			}
			versions, err := c.ListObjectVersions(c.ctx, &s3.ListObjectVersionsInput{Bucket: &c.bucket, Prefix: &folders[i]})
			if err != nil || len(versions.Versions) != 1 {
				t.Errorf("list versions of %s: %+v, %v", folder, versions, err)
			}
		}
		list, err := c.ListObjectsV2(c.ctx, &s3.ListObjectsV2Input{Bucket: &c.bucket, Prefix: aws.String("a/"), Delimiter: aws.String("/")})
		if err != nil || len(list.CommonPrefixes) != len(folders) {
			t.Errorf("list of folders: %+v, %v", list, err)
		}
		var objects []types.ObjectIdentifier
		for _, key := range keys {
			objects = append(objects, types.ObjectIdentifier{Key: &key})
		}
		out, err := c.DeleteObjects(c.ctx, &s3.DeleteObjectsInput{Bucket: &c.bucket, Delete: &types.Delete{Objects: objects}})
		if err != nil {
			t.Fatal(err)
		}
		var gone []string
		for _, d := range out.Deleted {
			gone = append(gone, *d.Key)
		}
		slices.Sort(gone)
		slices.Sort(keys)
		if !slices.Equal(gone, keys) || len(out.Errors) > 0 {
			t.Errorf("deleted are %q, %v; want %q", gone, out.Errors, keys)
		}
	})
}
