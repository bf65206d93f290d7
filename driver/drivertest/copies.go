package drivertest

import (
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

var copyRows = []row{
	{name: "copy inside", lease: writing("a/"), try: copyOf("a/in.txt", "a/copy.txt"), want: allowed, changes: []string{"+a/copy.txt"}},
	{name: "copy inside, the source with a slash before it", lease: writing("a/"), try: copyAs(slashed, "a/in.txt", "a/copy.txt"), want: allowed, changes: []string{"+a/copy.txt"}},
	{name: "copy inside, the source with its slashes encoded", lease: writing("a/"), try: copyAs(encoded, "a/in.txt", "a/copy.txt"), want: allowed, changes: []string{"+a/copy.txt"}},
	{name: "copy what does not exist inside", lease: writing("a/"), try: copyOf("a/none.txt", "a/copy.txt"), want: missing, needs: MissingKeys, without: denied},
	{name: "copy source outside", lease: writing("a/"), try: copyOf("b/out.txt", "a/stolen.txt"), want: denied},
	{name: "copy source at the prefix edge: a sibling folder's", lease: writing("a/"), try: copyOf("ab/out.txt", "a/stolen.txt"), want: denied},
	{name: "copy source at the prefix edge: a sibling object", lease: writing("a/"), try: copyOf("a.txt", "a/stolen.txt"), want: denied},
	{name: "copy source in another bucket", lease: writing("a/"), try: copyOf("other:a/in.txt", "a/stolen.txt"), want: denied},
	{name: "copy source outside, with a slash before it", lease: writing("a/"), try: copyAs(slashed, "b/out.txt", "a/stolen.txt"), want: denied},
	{name: "copy source outside, with its slashes encoded", lease: writing("a/"), try: copyAs(encoded, "b/out.txt", "a/stolen.txt"), want: refused},
	{name: "copy source outside, a version of it", lease: writing("a/"), try: copyAs(versioned, "b/out.txt", "a/stolen.txt"), want: refused},
	{name: "copy source by way of ..", lease: writing("a/"), try: copyOf("a/../b/out.txt", "a/stolen.txt"), want: refused},
	{name: "copy source by way of an encoded ..", lease: writing("a/"), try: copyAs(dotted, "a/in.txt", "a/stolen.txt"), want: refused},
	{name: "copy what does not exist outside", lease: writing("a/"), try: copyOf("b/none.txt", "a/stolen.txt"), want: denied},
	{name: "copy target outside", lease: writing("a/"), try: copyOf("a/in.txt", "b/planted.txt"), want: denied},
	{name: "copy target at the prefix edge", lease: writing("a/"), try: copyOf("a/in.txt", "ab/planted.txt"), want: denied},
	{name: "copy target in another bucket", lease: writing("a/"), try: copyOf("a/in.txt", "other:a/planted.txt"), want: denied},
	{name: "copy outside onto itself", lease: writing("a/"), try: copyOf("b/out.txt", "b/out.txt"), want: denied},
	{name: "copy with a read lease", lease: reading("a/"), try: copyOf("a/in.txt", "a/copy.txt"), want: denied},
	{name: "copy onto itself with a read lease", lease: reading("a/"), try: copyOf("a/in.txt", "a/in.txt"), want: denied},

	{name: "copy a part inside", lease: writing("a/"), uploads: []string{"a/big.bin"}, try: copyPart("a/in.txt", "a/big.bin"), want: allowed, changes: []string{"~upload a/big.bin"}},
	{name: "copy a part from outside", lease: writing("a/"), uploads: []string{"a/big.bin"}, try: copyPart("b/out.txt", "a/big.bin"), want: denied},
	{name: "copy a part from the prefix edge", lease: writing("a/"), uploads: []string{"a/big.bin"}, try: copyPart("ab/out.txt", "a/big.bin"), want: denied},
	{name: "copy a part from another bucket", lease: writing("a/"), uploads: []string{"a/big.bin"}, try: copyPart("other:a/in.txt", "a/big.bin"), want: denied},
	{name: "copy a part to outside", lease: writing("a/"), uploads: []string{"b/big.bin"}, try: copyPart("a/in.txt", "b/big.bin"), want: denied},
	{name: "copy a part with a read lease", lease: reading("a/"), uploads: []string{"a/big.bin"}, try: copyPart("a/in.txt", "a/big.bin"), want: denied},
}

// spelling writes a copy source.
type spelling func(place) string

func plain(p place) string     { return p.bucket + "/" + strings.ReplaceAll(escaped(p.key), "%2F", "/") }
func slashed(p place) string   { return "/" + plain(p) }
func encoded(p place) string   { return p.bucket + "%2F" + escaped(p.key) }
func versioned(p place) string { return plain(p) + "?versionId=null" }

// escaped has no plus sign, which stores read in two ways.
func escaped(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// dotted leads from the folder of a key to another prefix.
func dotted(p place) string {
	return strings.TrimSuffix(plain(p), "in.txt") + "%2e%2e/b/out.txt"
}

func copyOf(from, to string) attempt { return copyAs(plain, from, to) }

func copyAs(spelt spelling, from, to string) attempt {
	return func(v *visit) error {
		source, p := v.at(from), v.at(to)
		in := &s3.CopyObjectInput{Bucket: &p.bucket, Key: &p.key, CopySource: aws.String(spelt(source))}
		if source == p {
			in.MetadataDirective, in.Metadata = types.MetadataDirectiveReplace, map[string]string{"colour": "red"}
		}
		_, err := v.client().CopyObject(v, in)
		return err
	}
}

func copyPart(from, to string) attempt {
	return func(v *visit) error {
		p := v.at(to)
		id := v.uploadID(p)
		_, err := v.client().UploadPartCopy(v, &s3.UploadPartCopyInput{
			Bucket: &p.bucket, Key: &p.key, UploadId: &id, PartNumber: aws.Int32(2), CopySource: aws.String(plain(v.at(from))),
		})
		return err
	}
}
