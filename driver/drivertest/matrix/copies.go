package matrix

import (
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/keyhatch/keyhatch/driver/drivertest"
)

var copyRows = []drivertest.Row{
	{Name: "copy inside", Lease: drivertest.Writing("a/"), Try: copyOf("a/in.txt", "a/copy.txt"), Want: drivertest.Allowed, Changes: []string{"+a/copy.txt"}},
	{Name: "copy inside, the source with a slash before it", Lease: drivertest.Writing("a/"), Try: copyAs(slashed, "a/in.txt", "a/copy.txt"), Want: drivertest.Allowed, Changes: []string{"+a/copy.txt"}},
	{Name: "copy inside, the source with its slashes encoded", Lease: drivertest.Writing("a/"), Try: copyAs(encoded, "a/in.txt", "a/copy.txt"), Want: drivertest.Allowed, Changes: []string{"+a/copy.txt"}},
	{Name: "copy what does not exist inside", Lease: drivertest.Writing("a/"), Try: copyOf("a/none.txt", "a/copy.txt"), Want: drivertest.Missing, Needs: drivertest.MissingKeys, Without: drivertest.Denied},
	{Name: "copy source outside", Lease: drivertest.Writing("a/"), Try: copyOf("b/out.txt", "a/stolen.txt"), Want: drivertest.Denied},
	{Name: "copy source at the prefix edge: a sibling folder's", Lease: drivertest.Writing("a/"), Try: copyOf("ab/out.txt", "a/stolen.txt"), Want: drivertest.Denied},
	{Name: "copy source at the prefix edge: a sibling object", Lease: drivertest.Writing("a/"), Try: copyOf("a.txt", "a/stolen.txt"), Want: drivertest.Denied},
	{Name: "copy source in another bucket", Lease: drivertest.Writing("a/"), Try: copyOf("other:a/in.txt", "a/stolen.txt"), Want: drivertest.Denied},
	{Name: "copy source outside, with a slash before it", Lease: drivertest.Writing("a/"), Try: copyAs(slashed, "b/out.txt", "a/stolen.txt"), Want: drivertest.Denied},
	{Name: "copy source outside, with its slashes encoded", Lease: drivertest.Writing("a/"), Try: copyAs(encoded, "b/out.txt", "a/stolen.txt"), Want: drivertest.Refused},
	{Name: "copy source outside, a version of it", Lease: drivertest.Writing("a/"), Try: copyAs(versioned, "b/out.txt", "a/stolen.txt"), Want: drivertest.Refused},
	{Name: "copy source by way of ..", Lease: drivertest.Writing("a/"), Try: copyOf("a/../b/out.txt", "a/stolen.txt"), Want: drivertest.Refused},
	{Name: "copy source by way of an encoded ..", Lease: drivertest.Writing("a/"), Try: copyAs(dotted, "a/in.txt", "a/stolen.txt"), Want: drivertest.Refused},
	{Name: "copy what does not exist outside", Lease: drivertest.Writing("a/"), Try: copyOf("b/none.txt", "a/stolen.txt"), Want: drivertest.Denied},
	{Name: "copy target outside", Lease: drivertest.Writing("a/"), Try: copyOf("a/in.txt", "b/planted.txt"), Want: drivertest.Denied},
	{Name: "copy target at the prefix edge", Lease: drivertest.Writing("a/"), Try: copyOf("a/in.txt", "ab/planted.txt"), Want: drivertest.Denied},
	{Name: "copy target in another bucket", Lease: drivertest.Writing("a/"), Try: copyOf("a/in.txt", "other:a/planted.txt"), Want: drivertest.Denied},
	{Name: "copy outside onto itself", Lease: drivertest.Writing("a/"), Try: copyOf("b/out.txt", "b/out.txt"), Want: drivertest.Denied},
	{Name: "copy with a read lease", Lease: drivertest.Reading("a/"), Try: copyOf("a/in.txt", "a/copy.txt"), Want: drivertest.Denied},
	{Name: "copy onto itself with a read lease", Lease: drivertest.Reading("a/"), Try: copyOf("a/in.txt", "a/in.txt"), Want: drivertest.Denied},

	{Name: "copy a part inside", Lease: drivertest.Writing("a/"), Uploads: []string{"a/big.bin"}, Try: copyPart("a/in.txt", "a/big.bin"), Want: drivertest.Allowed, Changes: []string{"~upload a/big.bin"}},
	{Name: "copy a part from outside", Lease: drivertest.Writing("a/"), Uploads: []string{"a/big.bin"}, Try: copyPart("b/out.txt", "a/big.bin"), Want: drivertest.Denied},
	{Name: "copy a part from the prefix edge", Lease: drivertest.Writing("a/"), Uploads: []string{"a/big.bin"}, Try: copyPart("ab/out.txt", "a/big.bin"), Want: drivertest.Denied},
	{Name: "copy a part from another bucket", Lease: drivertest.Writing("a/"), Uploads: []string{"a/big.bin"}, Try: copyPart("other:a/in.txt", "a/big.bin"), Want: drivertest.Denied},
	{Name: "copy a part to outside", Lease: drivertest.Writing("a/"), Uploads: []string{"b/big.bin"}, Try: copyPart("a/in.txt", "b/big.bin"), Want: drivertest.Denied},
	{Name: "copy a part with a read lease", Lease: drivertest.Reading("a/"), Uploads: []string{"a/big.bin"}, Try: copyPart("a/in.txt", "a/big.bin"), Want: drivertest.Denied},
}

// spelling writes a copy source.
type spelling func(drivertest.Place) string

func plain(p drivertest.Place) string {
	return p.Bucket + "/" + strings.ReplaceAll(escaped(p.Key), "%2F", "/")
}
func slashed(p drivertest.Place) string   { return "/" + plain(p) }
func encoded(p drivertest.Place) string   { return p.Bucket + "%2F" + escaped(p.Key) }
func versioned(p drivertest.Place) string { return plain(p) + "?versionId=null" }

// escaped has no plus sign, which stores read in two ways.
func escaped(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// dotted leads from the folder of a key to another prefix.
func dotted(p drivertest.Place) string {
	return strings.TrimSuffix(plain(p), "in.txt") + "%2e%2e/b/out.txt"
}

func copyOf(from, to string) drivertest.Attempt { return copyAs(plain, from, to) }

func copyAs(spelt spelling, from, to string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		source, p := v.At(from), v.At(to)
		in := &s3.CopyObjectInput{Bucket: &p.Bucket, Key: &p.Key, CopySource: aws.String(spelt(source))}
		if source == p {
			in.MetadataDirective, in.Metadata = types.MetadataDirectiveReplace, map[string]string{"colour": "red"}
		}
		_, err := v.Client().CopyObject(v, in)
		return err
	}
}

func copyPart(from, to string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(to)
		id := v.UploadID(p)
		_, err := v.Client().UploadPartCopy(v, &s3.UploadPartCopyInput{
			Bucket: &p.Bucket, Key: &p.Key, UploadId: &id, PartNumber: aws.Int32(2), CopySource: aws.String(plain(v.At(from))),
		})
		return err
	}
}
