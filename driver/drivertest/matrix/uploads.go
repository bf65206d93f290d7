package matrix

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/keyhatch/keyhatch/driver/drivertest"
)

var uploadRows = []drivertest.Row{
	{Name: "multipart inside", Lease: drivertest.Writing("a/"), Try: uploaded("a/big.bin"), Want: drivertest.Allowed, Changes: []string{"+a/big.bin"}},
	{Name: "multipart inside, given up", Lease: drivertest.Writing("a/"), Try: givenUp("a/big.bin"), Want: drivertest.Allowed},
	{Name: "multipart outside", Lease: drivertest.Writing("a/"), Try: create("b/big.bin"), Want: drivertest.Denied},
	{Name: "multipart at the prefix edge", Lease: drivertest.Writing("a/"), Try: create("ab/big.bin"), Want: drivertest.Denied},
	{Name: "multipart in another bucket", Lease: drivertest.Writing("a/"), Try: create("other:a/big.bin"), Want: drivertest.Denied},
	{Name: "multipart with a read lease", Lease: drivertest.Reading("a/"), Try: create("a/big.bin"), Want: drivertest.Denied},

	{Name: "upload a part inside", Lease: drivertest.Writing("a/"), Uploads: []string{"a/big.bin"}, Try: sendPart("a/big.bin", "a/big.bin"), Want: drivertest.Allowed, Changes: []string{"~upload a/big.bin"}},
	{Name: "list parts inside", Lease: drivertest.Writing("a/"), Uploads: []string{"a/big.bin"}, Try: listParts("a/big.bin"), Want: drivertest.Allowed},
	{Name: "complete inside", Lease: drivertest.Writing("a/"), Uploads: []string{"a/big.bin"}, Try: complete("a/big.bin", "a/big.bin"), Want: drivertest.Allowed, Changes: []string{"+a/big.bin", "-upload a/big.bin"}},
	{Name: "abort inside", Lease: drivertest.Writing("a/"), Uploads: []string{"a/big.bin"}, Try: abort("a/big.bin", "a/big.bin"), Want: drivertest.Allowed, Changes: []string{"-upload a/big.bin"}},

	{Name: "upload a part outside", Lease: drivertest.Writing("a/"), Uploads: []string{"b/big.bin"}, Try: sendPart("b/big.bin", "b/big.bin"), Want: drivertest.Denied},
	{Name: "list parts outside", Lease: drivertest.Writing("a/"), Uploads: []string{"b/big.bin"}, Try: listParts("b/big.bin"), Want: drivertest.Denied},
	{Name: "complete outside", Lease: drivertest.Writing("a/"), Uploads: []string{"b/big.bin"}, Try: complete("b/big.bin", "b/big.bin"), Want: drivertest.Denied},
	{Name: "abort outside", Lease: drivertest.Writing("a/"), Uploads: []string{"b/big.bin"}, Try: abort("b/big.bin", "b/big.bin"), Want: drivertest.Denied},
	{Name: "abort in another bucket", Lease: drivertest.Writing("a/"), Uploads: []string{"other:a/big.bin"}, Try: abort("other:a/big.bin", "other:a/big.bin"), Want: drivertest.Denied},

	// An upload's id is no way to it by another key.
	{Name: "upload a part to an upload outside by a key inside", Lease: drivertest.Writing("a/"), Uploads: []string{"b/big.bin"}, Try: sendPart("b/big.bin", "a/big.bin"), Want: drivertest.Missing},
	{Name: "complete an upload outside by a key inside", Lease: drivertest.Writing("a/"), Uploads: []string{"b/big.bin"}, Try: complete("b/big.bin", "a/big.bin"), Want: drivertest.Missing, Needs: drivertest.MissingUploads, Without: drivertest.Failed},
	// Some stores find that what does not exist is aborted.
	{Name: "abort an upload outside by a key inside", Lease: drivertest.Writing("a/"), Uploads: []string{"b/big.bin"}, Try: abort("b/big.bin", "a/big.bin"), Want: drivertest.Either},
	{Name: "complete an upload inside by a key outside", Lease: drivertest.Writing("a/"), Uploads: []string{"a/big.bin"}, Try: complete("a/big.bin", "b/big.bin"), Want: drivertest.Denied},

	{Name: "upload a part with a read lease", Lease: drivertest.Reading("a/"), Uploads: []string{"a/big.bin"}, Try: sendPart("a/big.bin", "a/big.bin"), Want: drivertest.Denied},
	{Name: "list parts with a read lease", Lease: drivertest.Reading("a/"), Uploads: []string{"a/big.bin"}, Try: listParts("a/big.bin"), Want: drivertest.Denied},
	{Name: "complete with a read lease", Lease: drivertest.Reading("a/"), Uploads: []string{"a/big.bin"}, Try: complete("a/big.bin", "a/big.bin"), Want: drivertest.Denied},
	{Name: "abort with a read lease", Lease: drivertest.Reading("a/"), Uploads: []string{"a/big.bin"}, Try: abort("a/big.bin", "a/big.bin"), Want: drivertest.Denied},

	{Name: "list uploads inside", Lease: drivertest.Writing("a/"), Uploads: []string{"a/big.bin", "ab/HIDDEN.bin"}, Try: listUploads("a/", "a/big.bin"), Want: drivertest.Allowed, Needs: drivertest.UploadLists, Without: drivertest.Either},
	{Name: "list uploads outside", Lease: drivertest.Writing("a/"), Uploads: []string{"b/HIDDEN.bin"}, Try: listUploads("b/"), Want: drivertest.Denied, Needs: drivertest.UploadLists},
	{Name: "list uploads at the prefix edge", Lease: drivertest.Writing("a/"), Uploads: []string{"ab/HIDDEN.bin"}, Try: listUploads("a"), Want: drivertest.Denied, Needs: drivertest.UploadLists},
	{Name: "list all uploads", Lease: drivertest.Writing("a/"), Uploads: []string{"b/HIDDEN.bin"}, Try: listAllUploads, Want: drivertest.Denied, Needs: drivertest.UploadLists},
	{Name: "list uploads with a read lease", Lease: drivertest.Reading("a/"), Uploads: []string{"a/big.bin"}, Try: listUploads("a/"), Want: drivertest.Denied, Needs: drivertest.UploadLists},
}

// uploaded uploads an object in the one part that may be small.
func uploaded(name string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(name)
		made, err := v.Client().CreateMultipartUpload(v, &s3.CreateMultipartUploadInput{Bucket: &p.Bucket, Key: &p.Key})
		if err != nil {
			return err
		}
		part, err := v.Client().UploadPart(v, &s3.UploadPartInput{
			Bucket: &p.Bucket, Key: &p.Key, UploadId: made.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("the only part"),
		})
		if err != nil {
			return err
		}
		_, err = v.Client().CompleteMultipartUpload(v, &s3.CompleteMultipartUploadInput{
			Bucket: &p.Bucket, Key: &p.Key, UploadId: made.UploadId, MultipartUpload: partOne(aws.ToString(part.ETag)),
		})
		if err != nil {
			return err
		}
		v.Wrote[p] = "the only part"
		return get(name)(v)
	}
}

func partOne(tag string) *types.CompletedMultipartUpload {
	return &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{ETag: &tag, PartNumber: aws.Int32(1)}}}
}

func create(name string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(name)
		_, err := v.Client().CreateMultipartUpload(v, &s3.CreateMultipartUploadInput{Bucket: &p.Bucket, Key: &p.Key})
		return err
	}
}

func givenUp(name string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(name)
		made, err := v.Client().CreateMultipartUpload(v, &s3.CreateMultipartUploadInput{Bucket: &p.Bucket, Key: &p.Key})
		if err != nil {
			return err
		}
		_, err = v.Client().AbortMultipartUpload(v, &s3.AbortMultipartUploadInput{Bucket: &p.Bucket, Key: &p.Key, UploadId: made.UploadId})
		return err
	}
}

// sendPart sends a part to one key's upload by another key, or the same.
func sendPart(begun, by string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p, id := v.At(by), v.UploadID(v.At(begun))
		_, err := v.Client().UploadPart(v, &s3.UploadPartInput{
			Bucket: &p.Bucket, Key: &p.Key, UploadId: &id, PartNumber: aws.Int32(2), Body: strings.NewReader("another part"),
		})
		return err
	}
}

func complete(begun, by string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p, id, part := v.At(by), v.UploadID(v.At(begun)), v.Uploads[v.At(begun)].PartETag
		_, err := v.Client().CompleteMultipartUpload(v, &s3.CompleteMultipartUploadInput{
			Bucket: &p.Bucket, Key: &p.Key, UploadId: &id, MultipartUpload: partOne(part),
		})
		return err
	}
}

func abort(begun, by string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p, id := v.At(by), v.UploadID(v.At(begun))
		_, err := v.Client().AbortMultipartUpload(v, &s3.AbortMultipartUploadInput{Bucket: &p.Bucket, Key: &p.Key, UploadId: &id})
		return err
	}
}

func listParts(name string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(name)
		u, id := v.Uploads[p], v.UploadID(p)
		out, err := v.Client().ListParts(v, &s3.ListPartsInput{Bucket: &p.Bucket, Key: &p.Key, UploadId: &id})
		if err == nil && (len(out.Parts) != 1 || aws.ToString(out.Parts[0].ETag) != u.PartETag) {
			return drivertest.Wrong("the parts are %+v", out.Parts)
		}
		return err
	}
}

func listUploads(prefix string, want ...string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(prefix)
		out, err := v.Client().ListMultipartUploads(v, &s3.ListMultipartUploadsInput{Bucket: &p.Bucket, Prefix: &p.Key})
		if err != nil {
			return err
		}
		var got []string
		for _, u := range out.Uploads {
			got = append(got, aws.ToString(u.Key))
		}
		return held(v, got, append([]string(nil), want...))
	}
}

func listAllUploads(v *drivertest.Visit) error {
	_, err := v.Client().ListMultipartUploads(v, &s3.ListMultipartUploadsInput{Bucket: &v.Site.Bucket})
	return err
}
