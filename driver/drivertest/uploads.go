package drivertest

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

var uploadRows = []row{
	{name: "multipart inside", lease: writing("a/"), try: uploaded("a/big.bin"), want: allowed, changes: []string{"+a/big.bin"}},
	{name: "multipart inside, given up", lease: writing("a/"), try: givenUp("a/big.bin"), want: allowed},
	{name: "multipart outside", lease: writing("a/"), try: create("b/big.bin"), want: denied},
	{name: "multipart at the prefix edge", lease: writing("a/"), try: create("ab/big.bin"), want: denied},
	{name: "multipart in another bucket", lease: writing("a/"), try: create("other:a/big.bin"), want: denied},
	{name: "multipart with a read lease", lease: reading("a/"), try: create("a/big.bin"), want: denied},

	{name: "upload a part inside", lease: writing("a/"), uploads: []string{"a/big.bin"}, try: sendPart("a/big.bin", "a/big.bin"), want: allowed, changes: []string{"~upload a/big.bin"}},
	{name: "list parts inside", lease: writing("a/"), uploads: []string{"a/big.bin"}, try: listParts("a/big.bin"), want: allowed},
	{name: "complete inside", lease: writing("a/"), uploads: []string{"a/big.bin"}, try: complete("a/big.bin", "a/big.bin"), want: allowed, changes: []string{"+a/big.bin", "-upload a/big.bin"}},
	{name: "abort inside", lease: writing("a/"), uploads: []string{"a/big.bin"}, try: abort("a/big.bin", "a/big.bin"), want: allowed, changes: []string{"-upload a/big.bin"}},

	{name: "upload a part outside", lease: writing("a/"), uploads: []string{"b/big.bin"}, try: sendPart("b/big.bin", "b/big.bin"), want: denied},
	{name: "list parts outside", lease: writing("a/"), uploads: []string{"b/big.bin"}, try: listParts("b/big.bin"), want: denied},
	{name: "complete outside", lease: writing("a/"), uploads: []string{"b/big.bin"}, try: complete("b/big.bin", "b/big.bin"), want: denied},
	{name: "abort outside", lease: writing("a/"), uploads: []string{"b/big.bin"}, try: abort("b/big.bin", "b/big.bin"), want: denied},
	{name: "abort in another bucket", lease: writing("a/"), uploads: []string{"other:a/big.bin"}, try: abort("other:a/big.bin", "other:a/big.bin"), want: denied},

	// An upload's id is no way to it by another key.
	{name: "upload a part to an upload outside by a key inside", lease: writing("a/"), uploads: []string{"b/big.bin"}, try: sendPart("b/big.bin", "a/big.bin"), want: missing},
	{name: "complete an upload outside by a key inside", lease: writing("a/"), uploads: []string{"b/big.bin"}, try: complete("b/big.bin", "a/big.bin"), want: missing, needs: MissingUploads, without: failed},
	// Some stores find that what does not exist is aborted.
	{name: "abort an upload outside by a key inside", lease: writing("a/"), uploads: []string{"b/big.bin"}, try: abort("b/big.bin", "a/big.bin"), want: either},
	{name: "complete an upload inside by a key outside", lease: writing("a/"), uploads: []string{"a/big.bin"}, try: complete("a/big.bin", "b/big.bin"), want: denied},

	{name: "upload a part with a read lease", lease: reading("a/"), uploads: []string{"a/big.bin"}, try: sendPart("a/big.bin", "a/big.bin"), want: denied},
	{name: "list parts with a read lease", lease: reading("a/"), uploads: []string{"a/big.bin"}, try: listParts("a/big.bin"), want: denied},
	{name: "complete with a read lease", lease: reading("a/"), uploads: []string{"a/big.bin"}, try: complete("a/big.bin", "a/big.bin"), want: denied},
	{name: "abort with a read lease", lease: reading("a/"), uploads: []string{"a/big.bin"}, try: abort("a/big.bin", "a/big.bin"), want: denied},

	{name: "list uploads inside", lease: writing("a/"), uploads: []string{"a/big.bin", "ab/HIDDEN.bin"}, try: listUploads("a/", "a/big.bin"), want: allowed, needs: UploadLists, without: either},
	{name: "list uploads outside", lease: writing("a/"), uploads: []string{"b/HIDDEN.bin"}, try: listUploads("b/"), want: denied, needs: UploadLists},
	{name: "list uploads at the prefix edge", lease: writing("a/"), uploads: []string{"ab/HIDDEN.bin"}, try: listUploads("a"), want: denied, needs: UploadLists},
	{name: "list all uploads", lease: writing("a/"), uploads: []string{"b/HIDDEN.bin"}, try: listAllUploads, want: denied, needs: UploadLists},
	{name: "list uploads with a read lease", lease: reading("a/"), uploads: []string{"a/big.bin"}, try: listUploads("a/"), want: denied, needs: UploadLists},
}

// uploaded uploads an object in the one part that may be small.
func uploaded(name string) attempt {
	return func(v *visit) error {
		p := v.at(name)
		made, err := v.client().CreateMultipartUpload(v, &s3.CreateMultipartUploadInput{Bucket: &p.bucket, Key: &p.key})
		if err != nil {
			return err
		}
		part, err := v.client().UploadPart(v, &s3.UploadPartInput{
			Bucket: &p.bucket, Key: &p.key, UploadId: made.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("the only part"),
		})
		if err != nil {
			return err
		}
		_, err = v.client().CompleteMultipartUpload(v, &s3.CompleteMultipartUploadInput{
			Bucket: &p.bucket, Key: &p.key, UploadId: made.UploadId, MultipartUpload: partOne(aws.ToString(part.ETag)),
		})
		if err != nil {
			return err
		}
		v.wrote[p] = "the only part"
		return get(name)(v)
	}
}

func partOne(tag string) *types.CompletedMultipartUpload {
	return &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{ETag: &tag, PartNumber: aws.Int32(1)}}}
}

func create(name string) attempt {
	return func(v *visit) error {
		p := v.at(name)
		_, err := v.client().CreateMultipartUpload(v, &s3.CreateMultipartUploadInput{Bucket: &p.bucket, Key: &p.key})
		return err
	}
}

func givenUp(name string) attempt {
	return func(v *visit) error {
		p := v.at(name)
		made, err := v.client().CreateMultipartUpload(v, &s3.CreateMultipartUploadInput{Bucket: &p.bucket, Key: &p.key})
		if err != nil {
			return err
		}
		_, err = v.client().AbortMultipartUpload(v, &s3.AbortMultipartUploadInput{Bucket: &p.bucket, Key: &p.key, UploadId: made.UploadId})
		return err
	}
}

// sendPart sends a part to one key's upload by another key, or the same.
func sendPart(begun, by string) attempt {
	return func(v *visit) error {
		p, id := v.at(by), v.uploadID(v.at(begun))
		_, err := v.client().UploadPart(v, &s3.UploadPartInput{
			Bucket: &p.bucket, Key: &p.key, UploadId: &id, PartNumber: aws.Int32(2), Body: strings.NewReader("another part"),
		})
		return err
	}
}

func complete(begun, by string) attempt {
	return func(v *visit) error {
		p, id, part := v.at(by), v.uploadID(v.at(begun)), v.uploads[v.at(begun)].partETag
		_, err := v.client().CompleteMultipartUpload(v, &s3.CompleteMultipartUploadInput{
			Bucket: &p.bucket, Key: &p.key, UploadId: &id, MultipartUpload: partOne(part),
		})
		return err
	}
}

func abort(begun, by string) attempt {
	return func(v *visit) error {
		p, id := v.at(by), v.uploadID(v.at(begun))
		_, err := v.client().AbortMultipartUpload(v, &s3.AbortMultipartUploadInput{Bucket: &p.bucket, Key: &p.key, UploadId: &id})
		return err
	}
}

func listParts(name string) attempt {
	return func(v *visit) error {
		p := v.at(name)
		u, id := v.uploads[p], v.uploadID(p)
		out, err := v.client().ListParts(v, &s3.ListPartsInput{Bucket: &p.bucket, Key: &p.key, UploadId: &id})
		if err == nil && (len(out.Parts) != 1 || aws.ToString(out.Parts[0].ETag) != u.partETag) {
			return wrong("the parts are %+v", out.Parts)
		}
		return err
	}
}

func listUploads(prefix string, want ...string) attempt {
	return func(v *visit) error {
		p := v.at(prefix)
		out, err := v.client().ListMultipartUploads(v, &s3.ListMultipartUploadsInput{Bucket: &p.bucket, Prefix: &p.key})
		if err != nil {
			return err
		}
		var got []string
		for _, u := range out.Uploads {
			got = append(got, aws.ToString(u.Key))
		}
		return v.held(got, append([]string(nil), want...))
	}
}

func listAllUploads(v *visit) error {
	_, err := v.client().ListMultipartUploads(v, &s3.ListMultipartUploadsInput{Bucket: &v.site.Bucket})
	return err
}
