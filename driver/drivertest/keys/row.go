package keys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// outcome is how a request must come out.
type outcome string

const (
	allowed outcome = "allowed"
	refused outcome = "refused"
)

func (o outcome) other() outcome {
	if o == allowed {
		return refused
	}
	return allowed
}

// row is one thing that is tried with a key.
type row struct {
	name string
	want outcome
	do   func(*try) error
}

// try is a row on its way: who tries, and where.
type try struct {
	ctx context.Context
	*s3.Client
	http                          http.RoundTripper
	reads, writes, both, unlisted string   // buckets
	fresh                         string   // begins the names of what is made
	opened                        []string // buckets that the key opens
}

// content is what every object holds before.
const content = "0123456789"

// old is an object that is in each bucket, and in the locked folders of both.
const old = "old"

// errRefused is a refusal in a good answer, as those of batch deletes are.
var errRefused = errors.New("refused")

// outcomeOf says how an answer came out. What is no refusal and no success is a fault.
// Only the status counts: who is refused before the body was sent may not get to
// read the code.
func outcomeOf(err error) (outcome, error) {
	var answer interface{ HTTPStatusCode() int }
	switch {
	case err == nil:
		return allowed, nil
	case errors.Is(err, errRefused):
		return refused, nil
	case errors.As(err, &answer) && answer.HTTPStatusCode() == http.StatusForbidden:
		return refused, nil
	}
	return "", err
}

func (t *try) list(bucket string) error { return t.listBelow(bucket, "") }

func (t *try) listBelow(bucket, prefix string) error {
	out, err := t.ListObjectsV2(t.ctx, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	if err == nil && len(out.Contents) == 0 {
		return errors.New("the list is empty")
	}
	return err
}

func (t *try) region(bucket string) error {
	_, err := t.GetBucketLocation(t.ctx, &s3.GetBucketLocationInput{Bucket: &bucket})
	return err
}

func (t *try) get(bucket, key string) error {
	return t.getPart(bucket, key, nil, content)
}

func (t *try) getPart(bucket, key string, part *string, want string) error {
	out, err := t.GetObject(t.ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key, Range: part})
	if err != nil {
		return err
	}
	defer out.Body.Close()
	got, err := io.ReadAll(out.Body)
	if err == nil && string(got) != want {
		return fmt.Errorf("it holds %q, want %q", got, want)
	}
	return err
}

// putThen puts something fresh, which must be allowed, and tries something with it.
func (t *try) putThen(bucket string, do func() error) error {
	if err := t.put(bucket, t.fresh); err != nil {
		return fmt.Errorf("putting it at first: %v", err) // no refusal: it is not what is tried
	}
	return do()
}

// getNew gets what put has put.
func (t *try) getNew(bucket, key string) error { return t.getPart(bucket, key, nil, "new") }

// openToAll tells whether what was put into both, if it was, can be had without a
// signature.
func (t *try) openToAll(put func() error) error {
	if err := put(); err != nil {
		return err
	}
	return t.send(http.MethodGet, aws.ToString(t.Options().BaseEndpoint)+"/"+t.both+"/"+t.fresh)
}

// send sends a request that has no signature but what is in its URL.
func (t *try) send(method, url string) error {
	r, err := http.NewRequestWithContext(t.ctx, method, url, nil)
	if err != nil {
		return err
	}
	answer, err := t.http.RoundTrip(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusForbidden:
		return errRefused
	}
	return fmt.Errorf("the answer is %s", answer.Status)
}

func (t *try) head(bucket, key string) error {
	_, err := t.HeadObject(t.ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
	return err
}

func (t *try) tags(bucket, key string) error {
	_, err := t.GetObjectTagging(t.ctx, &s3.GetObjectTaggingInput{Bucket: &bucket, Key: &key})
	return err
}

func (t *try) put(bucket, key string) error {
	_, err := t.PutObject(t.ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("new")})
	return err
}

func (t *try) delete(bucket, key string) error {
	_, err := t.DeleteObject(t.ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
	return err
}

// deleteMany deletes a batch, of which some keys must be refused, and tells whether
// all were.
func (t *try) deleteMany(bucket string, some []string, keys ...string) error {
	var batch []types.ObjectIdentifier
	for _, key := range keys {
		batch = append(batch, types.ObjectIdentifier{Key: &key})
	}
	out, err := t.DeleteObjects(t.ctx, &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{Objects: batch}})
	if err != nil {
		return err
	}
	var not []string
	for _, e := range out.Errors {
		if code := aws.ToString(e.Code); code != "AccessDenied" {
			return fmt.Errorf("of a key it says %s", code)
		}
		not = append(not, aws.ToString(e.Key))
	}
	switch {
	case len(not) == len(keys):
		return errRefused
	case !slices.Equal(not, some):
		return fmt.Errorf("of the batch %q were refused", not)
	}
	return nil
}

func (t *try) tag(bucket, key string) error {
	_, err := t.PutObjectTagging(t.ctx, &s3.PutObjectTaggingInput{
		Bucket: &bucket, Key: &key, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}},
	})
	return err
}

func (t *try) untag(bucket, key string) error {
	_, err := t.DeleteObjectTagging(t.ctx, &s3.DeleteObjectTaggingInput{Bucket: &bucket, Key: &key})
	return err
}

func (t *try) copy(from, fromKey, to, toKey string) error {
	_, err := t.CopyObject(t.ctx, &s3.CopyObjectInput{Bucket: &to, Key: &toKey, CopySource: aws.String(from + "/" + fromKey)})
	return err
}

func (t *try) begin(bucket, key string) (*string, error) {
	out, err := t.CreateMultipartUpload(t.ctx, &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, err
	}
	return out.UploadId, nil
}

// inParts uploads an object in two parts, the second a copy if there is a source.
func (t *try) inParts(bucket, key, source string) error {
	id, err := t.begin(bucket, key)
	if err != nil {
		return err
	}
	var done []types.CompletedPart
	first, err := t.UploadPart(t.ctx, &s3.UploadPartInput{
		Bucket: &bucket, Key: &key, UploadId: id, PartNumber: aws.Int32(1), Body: bytes.NewReader(make([]byte, 5<<20)),
	})
	if err != nil {
		return err
	}
	done = append(done, types.CompletedPart{PartNumber: aws.Int32(1), ETag: first.ETag, ChecksumCRC32: first.ChecksumCRC32})
	if source != "" {
		second, err := t.UploadPartCopy(t.ctx, &s3.UploadPartCopyInput{
			Bucket: &bucket, Key: &key, UploadId: id, PartNumber: aws.Int32(2), CopySource: &source,
		})
		if err != nil {
			return err
		}
		done = append(done, types.CompletedPart{PartNumber: aws.Int32(2), ETag: second.CopyPartResult.ETag})
	}
	listed, err := t.ListParts(t.ctx, &s3.ListPartsInput{Bucket: &bucket, Key: &key, UploadId: id})
	if err != nil {
		return err
	}
	if len(listed.Parts) != len(done) {
		return fmt.Errorf("%d parts are listed", len(listed.Parts))
	}
	_, err = t.CompleteMultipartUpload(t.ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &bucket, Key: &key, UploadId: id, MultipartUpload: &types.CompletedMultipartUpload{Parts: done},
	})
	return err
}

func (t *try) abort(bucket, key string) error {
	id, err := t.begin(bucket, key)
	if err != nil {
		return err
	}
	_, err = t.AbortMultipartUpload(t.ctx, &s3.AbortMultipartUploadInput{Bucket: &bucket, Key: &key, UploadId: id})
	return err
}

func (t *try) presigned(method, bucket, key string) error {
	p := s3.NewPresignClient(t.Client, s3.WithPresignExpires(time.Minute))
	var signed *v4.PresignedHTTPRequest
	var err error
	if method == http.MethodGet {
		signed, err = p.PresignGetObject(t.ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	} else {
		signed, err = p.PresignPutObject(t.ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key})
	}
	if err != nil {
		return err
	}
	return t.send(method, signed.URL)
}

// listBuckets tells of a bucket that the key does not open as a fault.
func (t *try) listBuckets() error {
	out, err := t.ListBuckets(t.ctx, &s3.ListBucketsInput{})
	if err != nil {
		return err
	}
	for _, b := range out.Buckets {
		if name := aws.ToString(b.Name); !slices.Contains(t.opened, name) {
			return fmt.Errorf("it shows the bucket %s", name)
		}
	}
	return nil
}
