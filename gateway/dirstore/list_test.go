package dirstore

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
)

// Both versions of the call, over the wire, page by page.
func TestListOverTheWire(t *testing.T) {
	s := newSite(t)
	for _, key := range []string{"a-b", "a/b", "a/c/d", "a/c/e", "a0", "b/", "b/ü x", "c&<>", "日/本", "z+%2F"} {
		if strings.HasSuffix(key, "/") {
			s.put(key, "")
		} else {
			s.file(key, "x")
		}
	}
	type page struct{ Keys, Prefixes []string }
	for _, c := range []struct {
		prefix, delimiter string
		want              page
	}{
		{"", "", page{Keys: []string{"a-b", "a/b", "a/c/d", "a/c/e", "a0", "b/", "b/ü x", "c&<>", "z+%2F", "日/本"}}},
		{"", "/", page{[]string{"a-b", "a0", "c&<>", "z+%2F"}, []string{"a/", "b/", "日/"}}},
		{"a", "", page{Keys: []string{"a-b", "a/b", "a/c/d", "a/c/e", "a0"}}},
		{"a", "/", page{[]string{"a-b", "a0"}, []string{"a/"}}},
		{"a/", "", page{Keys: []string{"a/b", "a/c/d", "a/c/e"}}},
		{"a/", "/", page{[]string{"a/b"}, []string{"a/c/"}}},
		{"a/c", "", page{Keys: []string{"a/c/d", "a/c/e"}}},
		{"a/c", "/", page{Prefixes: []string{"a/c/"}}},
		{"b/", "", page{Keys: []string{"b/", "b/ü x"}}},
		{"b/", "/", page{Keys: []string{"b/", "b/ü x"}}},
		{"日", "", page{Keys: []string{"日/本"}}},
		{"日", "/", page{Prefixes: []string{"日/"}}},
	} {
		for _, max := range []int{1, 3, 100} {
			var v1, v2 page
			in := s3.ListObjectsInput{Bucket: aws.String(bucket), Prefix: &c.prefix, Delimiter: &c.delimiter, MaxKeys: aws.Int32(int32(max))}
			for {
				out, err := s.client.ListObjects(ctx, &in)
				if err != nil {
					t.Fatal(err)
				}
				for _, o := range out.Contents {
					v1.Keys = append(v1.Keys, *o.Key)
					in.Marker = o.Key
				}
				for _, p := range out.CommonPrefixes {
					v1.Prefixes = append(v1.Prefixes, *p.Prefix)
				}
				if out.NextMarker != nil {
					in.Marker = out.NextMarker
				}
				if !*out.IsTruncated {
					break
				}
			}
			pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: aws.String(bucket), Prefix: &c.prefix, Delimiter: &c.delimiter, MaxKeys: aws.Int32(int32(max))})
			for pages.HasMorePages() {
				out, err := pages.NextPage(ctx)
				if err != nil {
					t.Fatal(err)
				}
				for _, o := range out.Contents {
					v2.Keys = append(v2.Keys, *o.Key)
				}
				for _, p := range out.CommonPrefixes {
					v2.Prefixes = append(v2.Prefixes, *p.Prefix)
				}
			}
			for _, got := range []page{v1, v2} {
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("prefix %q, delimiter %q, max %d (-want +got)\n%s", c.prefix, c.delimiter, max, diff)
				}
			}
		}
	}
	versions, err := s.client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: aws.String(bucket), Prefix: aws.String("a/"), MaxKeys: aws.Int32(2)})
	if err != nil || len(versions.Versions) != 2 || *versions.Versions[0].VersionId != "null" || !*versions.IsTruncated {
		t.Errorf("versions: %v, %v", versions, err)
	}
}
