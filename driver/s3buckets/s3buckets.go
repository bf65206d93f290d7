package s3buckets

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/bounded"
)

// Authority opens what acts for us on stores.
type Authority func(context.Context, keyhatch.Store) (keyhatch.KeyPair, error)

// Keeper implements driver.BucketKeeper for stores that speak S3.
type Keeper struct {
	authority Authority
	transport http.RoundTripper
}

// maxAnswer is how much is read of an answer: a page of a list has a thousand keys of
// 1,024 bytes at most, and what is written around them.
const maxAnswer = 16 << 20

// New makes a keeper. transport makes the connections; it decides to what addresses
// (S10).
func New(authority Authority, transport http.RoundTripper) *Keeper {
	return &Keeper{authority, bounded.Transport{RoundTripper: transport, Most: maxAnswer}}
}

// client speaks to a store as what acts for us there. It asks everything once: what
// failed is asked again by a job.
func (k *Keeper) client(ctx context.Context, s keyhatch.Store) (*s3.Client, error) {
	keys, err := k.authority(ctx, s)
	if err != nil {
		return nil, err
	}
	return s3.New(s3.Options{
		Region: s.Region, BaseEndpoint: &s.Endpoint, UsePathStyle: true, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey.Reveal(), ""),
		HTTPClient: &http.Client{
			Transport:     k.transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	}), nil
}

// Answers lists the account's buckets, of which it wants to know nothing.
func (k *Keeper) Answers(ctx context.Context, s keyhatch.Store) error {
	client, err := k.client(ctx, s)
	if err != nil {
		return err
	}
	_, err = client.ListBuckets(ctx, &s3.ListBucketsInput{})
	return failure(err)
}

// Absent asks for the bucket. The proof is the time of the answer, which is the store's.
func (k *Keeper) Absent(ctx context.Context, s keyhatch.Store, name, _ string) (proof string, err error) {
	client, err := k.client(ctx, s)
	if err != nil {
		return "", err
	}
	// Not a HEAD: to that nobody says why it is refused.
	_, err = client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &name, MaxKeys: aws.Int32(1)})
	var said smithy.APIError
	switch _, at := answered(err); {
	case err == nil:
		return "", keyhatch.BucketExists()
	case !errors.As(err, &said):
		return "", failure(err)
	case said.ErrorCode() == "NoSuchBucket":
		return at.UTC().Format(time.RFC3339), nil
	case slices.Contains(ofOthers, said.ErrorCode()):
		return "", keyhatch.BucketExists().Because(errors.New("the store says " + said.ErrorCode()))
	}
	return "", failure(err)
}

// ofOthers are the codes of buckets that are somebody else's, or in another region.
var ofOthers = []string{"AccessDenied", "AllAccessDisabled", "PermanentRedirect", "TemporaryRedirect"}

// Create makes it in the store's region.
func (k *Keeper) Create(ctx context.Context, s keyhatch.Store, name, _ string) error {
	client, err := k.client(ctx, s)
	if err != nil {
		return err
	}
	in := &s3.CreateBucketInput{Bucket: &name}
	if ofAWS(s.Endpoint) && s.Region != "us-east-1" { // elsewhere the endpoint tells the region
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(s.Region)}
	}
	if _, err := client.CreateBucket(ctx, in); err != nil {
		return failure(err)
	}
	switch empty, err := isEmpty(ctx, client, name); {
	case err != nil:
		return err
	case !empty: // the answer was about another's
		return keyhatch.BucketExists()
	}
	return nil
}

func ofAWS(endpoint string) bool {
	u, err := url.Parse(endpoint)
	return err == nil && (strings.HasSuffix(u.Hostname(), ".amazonaws.com") || strings.HasSuffix(u.Hostname(), ".amazonaws.com.cn"))
}

// window is how long after a name was seen to be free a bucket that was made then is
// ours. The call that makes it has less time.
const window = 30 * time.Second

// Made looks for it among the account's buckets.
func (k *Keeper) Made(ctx context.Context, s keyhatch.Store, name, proof string) (bool, error) {
	free, err := time.Parse(time.RFC3339, proof)
	if err != nil {
		return false, nil
	}
	client, err := k.client(ctx, s)
	if err != nil {
		return false, err
	}
	made, ours, err := madeAt(ctx, client, name)
	if err != nil || !ours || made.Before(free.Add(-time.Second)) || made.After(free.Add(window)) {
		return false, err
	}
	return isEmpty(ctx, client, name)
}

// madeAt is when a bucket of our account was made.
func madeAt(ctx context.Context, client *s3.Client, name string) (at time.Time, ours bool, err error) {
	pages := s3.NewListBucketsPaginator(client, &s3.ListBucketsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return at, false, failure(err)
		}
		for _, b := range page.Buckets {
			if aws.ToString(b.Name) == name {
				return aws.ToTime(b.CreationDate), true, nil
			}
		}
	}
	return at, false, nil
}

// isEmpty tells whether there is nothing at all in a bucket. The store knows best of older
// versions; those that have none may not know the question.
func isEmpty(ctx context.Context, client *s3.Client, name string) (bool, error) {
	objects, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &name, MaxKeys: aws.Int32(1)})
	if err != nil || len(objects.Contents) > 0 {
		return false, failure(err)
	}
	uploads, err := client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &name, MaxUploads: aws.Int32(1)})
	if err != nil || len(uploads.Uploads) > 0 {
		return false, failure(err)
	}
	return true, nil
}

// Mark is when the bucket was made, by the store's own list.
func (k *Keeper) Mark(ctx context.Context, s keyhatch.Store, name string) (string, error) {
	client, err := k.client(ctx, s)
	if err != nil {
		return "", err
	}
	return mark(ctx, client, name)
}

// notListed is the mark of a bucket that is in no list of the account's: another account's,
// or none.
const notListed = "not listed"

func mark(ctx context.Context, client *s3.Client, name string) (string, error) {
	switch made, ours, err := madeAt(ctx, client, name); {
	case err != nil:
		return "", err
	case !ours:
		return notListed, nil
	default:
		return made.UTC().Format(time.RFC3339Nano), nil
	}
}

// Delete removes it. Stores refuse what has objects or versions in it, and forget
// unfinished uploads: those are looked for here. S3 takes no condition along with the
// request, so the mark is compared right before it: between these two requests somebody
// else may delete the bucket and make an empty one of its name with the same credential,
// which then goes.
func (k *Keeper) Delete(ctx context.Context, s keyhatch.Store, name, of string) error {
	client, err := k.client(ctx, s)
	if err != nil {
		return err
	}
	empty, err := isEmpty(ctx, client, name)
	switch {
	case isGone(err):
		return nil
	case err != nil:
		return err
	case !empty:
		return keyhatch.BucketNotEmpty()
	}
	now, err := mark(ctx, client, name)
	switch {
	case err != nil:
		return err
	case now != of:
		return driver.ErrOtherBucket
	}
	_, err = client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &name})
	if err = failure(err); isGone(err) {
		return nil
	}
	return err
}

// Usage lists all of it.
func (k *Keeper) Usage(ctx context.Context, s keyhatch.Store, name string) (u keyhatch.BucketUsage, err error) {
	client, err := k.client(ctx, s)
	if err != nil {
		return u, err
	}
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return u, failure(err)
		}
		u.Objects += int64(len(page.Contents))
		for _, o := range page.Contents {
			u.Bytes += aws.ToInt64(o.Size)
		}
	}
	return u, nil
}

// Object asks for the object, and then for keys below it.
func (k *Keeper) Object(ctx context.Context, s keyhatch.Store, name, key string) (keyhatch.ObjectDetails, error) {
	d := keyhatch.ObjectDetails{Key: key}
	client, err := k.client(ctx, s)
	if err != nil {
		return d, err
	}
	folder := strings.TrimSuffix(key, "/") + "/"
	if key == "" {
		d.Folder = true
		return d, nil
	}
	if key != folder {
		head, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &name, Key: &key})
		if err == nil {
			d.Size, d.Modified = aws.ToInt64(head.ContentLength), aws.ToTime(head.LastModified).UTC()
			return d, nil
		}
		if status, _ := answered(err); status != http.StatusNotFound {
			return d, failure(err)
		}
	}
	below, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &name, Prefix: &folder, MaxKeys: aws.Int32(1)})
	if err != nil {
		return d, failure(err)
	}
	if len(below.Contents) == 0 {
		return d, keyhatch.NotFoundError(keyhatch.CodeObjectNotFound)
	}
	d.Folder = true
	return d, nil
}
