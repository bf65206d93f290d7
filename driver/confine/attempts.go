package confine

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
)

// attempt is one thing that is tried with a session for the folder in/.
type attempt struct {
	name     string
	works    bool           // it must; else it must not
	reads    bool           // it is tried with the session that opens the folder to read
	other    bool           // it is about another bucket
	from     []netip.Prefix // it is tried with a session that reads, and is for these networks
	also     []int          // statuses with which a store refuses it, beside 401 and 403
	weakness string         // what it means when it works, where that is the store's nature
	do       func(context.Context, *trial) error
}

// attempts are all, in their order: what is deleted was put before.
var attempts = []attempt{
	{name: "put_inside", works: true, do: puts("in/new")},
	{name: "get_inside", works: true, do: gets("in/new")},
	{name: "list_inside", works: true, do: lists("in/")},
	{name: "multipart_inside", works: true, do: uploads("in/parts")},
	{name: "delete_inside", works: true, do: deletes("in/new")},

	{name: "get_sibling", do: gets("inside/secret")},
	{name: "put_sibling", do: puts("inside/new")},
	{name: "get_without_slash", do: gets("in")},
	{name: "list_without_slash", do: lists("in")},
	{name: "get_outside", do: gets("out/secret")},
	{name: "put_outside", do: puts("out/new")},
	{name: "delete_outside", do: deletes("out/secret")},
	{name: "multipart_outside", do: begins("out/parts")},
	{name: "copy_from_outside", do: copies("out/secret", "in/stolen")},
	{name: "list_what_holds_it", do: lists("")},
	{name: "list_bucket_root", do: func(ctx context.Context, t *trial) error {
		_, err := t.tried.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &t.Bucket})
		return err
	}},
	{name: "traversal", also: noKey, do: gets("in/../out/secret")},
	{name: "encoded_traversal", do: encodedTraversal},
	{name: "batch_delete_by_traversal", also: noKey, do: batchDeletes("in/../out/secret", "out/secret")},
	{name: "batch_delete_by_dot", also: noKey, do: batchDeletes("in/.", "in")},
	{name: "batch_delete_by_two_dots", also: noKey, do: batchDeletes("in/kept/..", "in")},

	{name: "get_with_read", reads: true, works: true, do: gets("in/spare")},
	{name: "list_with_read", reads: true, works: true, do: lists("in/")},
	{name: "from_here", from: everywhere, works: true, do: gets("in/spare")},
	{name: "from_elsewhere", from: nowhere, do: gets("in/spare")},
	{
		name: "from_forged_address", from: nowhere, do: forges,
		weakness: "who says in a header that it comes from elsewhere is believed: lend what is for networks through a proxy that takes such headers away, or to those who may have it everywhere",
	},
	{name: "put_with_read", reads: true, do: puts("in/kept")},
	{name: "multipart_with_read", reads: true, do: begins("in/parts")},
	{name: "batch_delete_with_read", reads: true, do: batchDeletes("in/spare", "in/spare")},
	{name: "delete_with_read", reads: true, do: deletes("in/spare")},

	{name: "get_in_other_bucket", other: true, do: func(ctx context.Context, t *trial) error {
		return get(ctx, t.tried, t.Other, t.base+"in/secret")
	}},
	{name: "put_in_other_bucket", other: true, do: func(ctx context.Context, t *trial) error {
		return put(ctx, t.tried, t.Other, t.base+"in/new")
	}},
	{name: "list_other_bucket", other: true, do: func(ctx context.Context, t *trial) error {
		_, err := t.tried.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &t.Other})
		return err
	}},

	{
		name: "altered_token", do: altersToken,
		weakness: "whoever changes a session token gets beyond what it opens, up to all that the store lends with: lend sessions of this store to those alone who may have all of that",
	},
	{
		name: "published", also: []int{http.StatusBadRequest}, do: publishes, // AWS, where a bucket has no ACLs
		weakness: "who may write an object can open it to everybody: block public access for the store's buckets",
	},
	{name: driver.WorksStill, works: true, do: gets("in/kept")},
}

// Networks in which everybody is, and nobody.
//
// Source: RFC 5737, section 3; RFC 3849.
var (
	everywhere = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	nowhere    = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
)

// forges asks as who says that it comes from one of the networks where nobody is: a store
// that believes it holds nobody to networks.
func forges(ctx context.Context, t *trial) error {
	forged := http.Header{"X-Forwarded-For": {"192.0.2.1"}, "X-Real-Ip": {"192.0.2.1"}, "Forwarded": {"for=192.0.2.1"}}
	key := t.base + "in/spare"
	out, err := t.tried.GetObject(ctx, &s3.GetObjectInput{Bucket: &t.Bucket, Key: &key}, s3.WithAPIOptions(func(stack *middleware.Stack) error {
		for name, values := range forged {
			if err := smithyhttp.SetHeaderValue(name, values[0])(stack); err != nil {
				return err
			}
		}
		return nil
	}))
	if err != nil {
		return err
	}
	return out.Body.Close()
}

// noKey is how a store refuses a key that leads elsewhere: as one that it does not take,
// or that nothing has.
var noKey = []int{http.StatusBadRequest, http.StatusNotFound}

func put(ctx context.Context, c *s3.Client, bucket, key string) error {
	_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("keyhatch")})
	return err
}

func get(ctx context.Context, c *s3.Client, bucket, key string) error {
	out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return err
	}
	defer out.Body.Close()
	_, err = io.Copy(io.Discard, out.Body)
	return err
}

func puts(key string) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error { return put(ctx, t.tried, t.Bucket, t.base+key) }
}

func gets(key string) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error { return get(ctx, t.tried, t.Bucket, t.base+key) }
}

func lists(prefix string) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		_, err := t.tried.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &t.Bucket, Prefix: aws.String(t.base + prefix)})
		return err
	}
}

func deletes(key string) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		_, err := t.tried.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &t.Bucket, Key: aws.String(t.base + key)})
		return err
	}
}

func copies(from, to string) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		source := url.PathEscape(t.Bucket + "/" + t.base + from)
		_, err := t.tried.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &t.Bucket, Key: aws.String(t.base + to), CopySource: &source})
		return err
	}
}

// begins begins an upload in parts, which cleanUp ends.
func begins(key string) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		_, err := t.begin(ctx, t.base+key)
		return err
	}
}

func (t *trial) begin(ctx context.Context, key string) (id *string, err error) {
	begun, err := t.tried.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &t.Bucket, Key: &key})
	if err != nil {
		return nil, err
	}
	t.uploads = append(t.uploads, upload{t.Bucket, key, aws.ToString(begun.UploadId)})
	return begun.UploadId, nil
}

// uploads begins an upload in parts and ends it.
func uploads(key string) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		key := t.base + key
		id, err := t.begin(ctx, key)
		if err != nil {
			return err
		}
		_, err = t.tried.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &t.Bucket, Key: &key, UploadId: id})
		return err
	}
}

// batchDeletes deletes a key as one of a batch. That a store says it did is not yet a
// fault: a key that leads elsewhere may be one of its own. What it led to tells.
func batchDeletes(key, watched string) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		_, err := t.tried.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &t.Bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String(t.base + key)}}}})
		if err != nil {
			return err
		}
		switch left := get(ctx, t.keeper, t.Bucket, t.base+watched); {
		case left == nil:
			return errRefused
		case statusOf(left) == http.StatusNotFound:
			return nil
		}
		return errUnknown
	}
}

// errUnknown is that it was not seen how something came out.
var errUnknown = errors.New("not seen")

// errRefused is a refusal that has no status of its own.
var errRefused = &smithyhttp.ResponseError{
	Response: &smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusForbidden}}, Err: errors.New("refused"),
}

// encodedTraversal asks for a key in which the dots and slashes of a way out are
// encoded, so that who decodes it late takes the object outside.
func encodedTraversal(ctx context.Context, t *trial) error {
	for _, key := range []string{"in/%2e%2e/out/secret", "in/..%2fout/secret", "in%2f..%2fout/secret"} {
		if err := get(ctx, t.tried, t.Bucket, t.base+key); !refused(err, noKey...) {
			return err
		}
	}
	return errRefused
}

// altersToken changes the session token in one place after the other.
func altersToken(ctx context.Context, t *trial) error {
	const places = 8
	out := error(errRefused)
	for i := range places {
		token := []byte(t.lent.SessionToken.Reveal())
		if len(token) == 0 {
			return errRefused
		}
		if at := len(token) * (i + 1) / (places + 1); token[at] == 'A' {
			token[at] = 'B'
		} else {
			token[at] = 'A'
		}
		changed := t.lent
		changed.SessionToken = keyhatch.Secret(token)
		err := get(ctx, t.client(changed), t.Bucket, t.base+"out/secret")
		if err == nil {
			return nil
		}
		if !refused(err, http.StatusBadRequest) { // 400: AWS, for what is no token
			out = err
		}
	}
	return out
}

// publishes puts an object that everybody is to read, and reads it as nobody.
func publishes(ctx context.Context, t *trial) error {
	key := t.base + "in/public"
	_, err := t.tried.PutObject(ctx, &s3.PutObjectInput{Bucket: &t.Bucket, Key: &key, ACL: types.ObjectCannedACLPublicRead, Body: strings.NewReader("keyhatch")})
	if err != nil {
		return err
	}
	c := t.lent
	nobody := s3.New(t.client(c).Options(), func(o *s3.Options) { o.Credentials = aws.AnonymousCredentials{} })
	return get(ctx, nobody, t.Bucket, key)
}
