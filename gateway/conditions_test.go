package gateway_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver/drivertest"
	"github.com/keyhatch/keyhatch/gateway"
	"github.com/keyhatch/keyhatch/gateway/upstream"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/internal/peers"
)

// conditional is a way to write an object.
type conditional struct {
	name string
	do   func(*conditioned, ...func(*s3.Options)) error
	// gone tells that there is nothing there when it is done.
	gone bool
	// copies tells that its source can have conditions; whether only that can, onlyCopies.
	copies, onlySource bool
}

var conditionals = []conditional{
	{name: "put", do: func(c *conditioned, o ...func(*s3.Options)) error {
		_, err := c.PutObject(c.ctx, &s3.PutObjectInput{Bucket: &c.bucket, Key: &c.key, Body: strings.NewReader("new")}, o...)
		return err
	}},
	{name: "large put", do: func(c *conditioned, o ...func(*s3.Options)) error {
		_, err := c.PutObject(c.ctx, &s3.PutObjectInput{Bucket: &c.bucket, Key: &c.key, Body: strings.NewReader("new" + strings.Repeat(" ", 200_000))}, o...)
		return err
	}},
	{name: "copy", copies: true, do: func(c *conditioned, o ...func(*s3.Options)) error {
		_, err := c.CopyObject(c.ctx, &s3.CopyObjectInput{Bucket: &c.bucket, Key: &c.key, CopySource: aws.String(c.bucket + "/" + c.source)}, o...)
		return err
	}},
	{name: "copy of a part", copies: true, onlySource: true, do: (*conditioned).copyPart},
	{name: "complete", do: (*conditioned).complete},
	{name: "delete", gone: true, do: func(c *conditioned, o ...func(*s3.Options)) error {
		_, err := c.DeleteObject(c.ctx, &s3.DeleteObjectInput{Bucket: &c.bucket, Key: &c.key}, o...)
		return err
	}},
}

// conditioned is an object with a lease on it, and another one to copy.
type conditioned struct {
	*s3.Client
	t                   *testing.T
	ctx                 context.Context
	bucket, key, source string
}

func (c *conditioned) begin() *string {
	c.t.Helper()
	made, err := c.CreateMultipartUpload(c.ctx, &s3.CreateMultipartUploadInput{Bucket: &c.bucket, Key: &c.key})
	if err != nil {
		c.t.Fatal(err)
	}
	return made.UploadId
}

func (c *conditioned) abort(id *string) {
	c.t.Helper()
	if _, err := c.AbortMultipartUpload(c.ctx, &s3.AbortMultipartUploadInput{Bucket: &c.bucket, Key: &c.key, UploadId: id}); err != nil {
		c.t.Fatal(err)
	}
}

// complete uploads in parts, and leaves no upload open.
func (c *conditioned) complete(o ...func(*s3.Options)) error {
	id := c.begin()
	part, err := c.UploadPart(c.ctx, &s3.UploadPartInput{Bucket: &c.bucket, Key: &c.key, UploadId: id, PartNumber: aws.Int32(1), Body: strings.NewReader("new")})
	if err != nil {
		c.t.Fatal(err)
	}
	_, err = c.CompleteMultipartUpload(c.ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &c.bucket, Key: &c.key, UploadId: id, MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag}}},
	}, o...)
	if err != nil {
		c.abort(id)
	}
	return err
}

// copyPart makes the object from a part that is a copy.
func (c *conditioned) copyPart(o ...func(*s3.Options)) error {
	id := c.begin()
	copied, err := c.UploadPartCopy(c.ctx, &s3.UploadPartCopyInput{
		Bucket: &c.bucket, Key: &c.key, UploadId: id, PartNumber: aws.Int32(1), CopySource: aws.String(c.bucket + "/" + c.source),
	}, o...)
	if err != nil {
		c.abort(id)
		return err
	}
	_, err = c.CompleteMultipartUpload(c.ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &c.bucket, Key: &c.key, UploadId: id, MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: copied.CopyPartResult.ETag}}},
	})
	return err
}

// set makes the object, or takes it away, and returns its ETag.
func (c *conditioned) set(there bool) (etag string) {
	c.t.Helper()
	if !there {
		if _, err := c.DeleteObject(c.ctx, &s3.DeleteObjectInput{Bucket: &c.bucket, Key: &c.key}); err != nil {
			c.t.Fatal(err)
		}
		return ""
	}
	out, err := c.PutObject(c.ctx, &s3.PutObjectInput{Bucket: &c.bucket, Key: &c.key, Body: strings.NewReader("old")})
	if err != nil {
		c.t.Fatal(err)
	}
	return *out.ETag
}

// has is what is there: a word, or nothing.
func (c *conditioned) has() string {
	c.t.Helper()
	out, err := c.GetObject(c.ctx, &s3.GetObjectInput{Bucket: &c.bucket, Key: &c.key})
	if codeOf(err) == "NoSuchKey" {
		return ""
	}
	if err != nil {
		c.t.Fatal(err)
	}
	defer out.Body.Close()
	text, err := io.ReadAll(out.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func codeOf(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}

// header adds a header that is signed.
func header(name, value string) func(*s3.Options) {
	return s3.WithAPIOptions(smithyhttp.SetHeaderValue(name, value))
}

const another = `"00000000000000000000000000000000"`

// underConditions is what is asked of each way to write. of is the target's ETag, or
// for the conditions of a source the source's.
var underConditions = []struct {
	name  string
	there bool
	value func(of string, at time.Time) string
	meets bool
}{
	{"If-Match", true, func(of string, _ time.Time) string { return of }, true},
	{"If-Match", true, func(string, time.Time) string { return another }, false},
	{"If-Match", false, func(string, time.Time) string { return another }, false},
	{"If-Match", true, anyTag, true},
	{"If-Match", false, anyTag, false},
	{"If-None-Match", true, anyTag, false},
	{"If-None-Match", false, anyTag, true},
	{sourceIf + "Match", true, func(of string, _ time.Time) string { return of }, true},
	{sourceIf + "Match", true, func(string, time.Time) string { return another }, false},
	{sourceIf + "None-Match", true, func(of string, _ time.Time) string { return of }, false},
	{sourceIf + "None-Match", true, func(string, time.Time) string { return another }, true},
	{sourceIf + "Modified-Since", true, func(_ string, at time.Time) string { return at.Format(http.TimeFormat) }, false},
	{sourceIf + "Modified-Since", true, func(string, time.Time) string { return longAgo }, true},
	{sourceIf + "Unmodified-Since", true, func(string, time.Time) string { return longAgo }, false},
	{sourceIf + "Unmodified-Since", true, func(_ string, at time.Time) string { return at.Format(http.TimeFormat) }, true},
}

func anyTag(string, time.Time) string { return "*" }

const (
	sourceIf = "X-Amz-Copy-Source-If-"
	longAgo  = "Sat, 01 Jan 2000 00:00:00 GMT"
)

// held are the conditions that a store holds, by the way to write. What it does not
// hold is not offered.
var held = map[string]map[string][]string{
	"directory": {
		"put": making, "large put": making, "complete": making, "delete": {"If-Match", "If-Match: *"},
		"copy": slices.Concat(making, ofSource), "copy of a part": ofSource,
	},
	// To delete what is there, if it is there, is what every delete does.
	"minio": {"put": making, "large put": making, "complete": making, "delete": making[2:], "copy": ofSource, "copy of a part": ofSource},
	// Of the source of a part, which RGW passes over, we look at the entity tag ourselves.
	"rgw": {"put": making[1:], "large put": making[1:], "delete": making[2:], "copy of a part": ofSource[:1]},
	// Of its own Last-Modified versitygw says that it was modified since: it compares
	// fractions of a second.
	"versitygw": {
		"put": making[:2], "large put": making[:2], "complete": making[:2], "delete": {"If-Match"},
		"copy": ofSource[:2], "copy of a part": ofSource[:2],
	},
}

var (
	making   = []string{"If-Match", "If-None-Match: *", "If-Match: *"}
	ofSource = []string{sourceIf + "Match", sourceIf + "None-Match", sourceIf + "Modified-Since", sourceIf + "Unmodified-Since"}
)

// onEveryStore runs a test of conditions with a lease on each kind of store.
func onEveryStore(t *testing.T, test func(t *testing.T, kind string, c *conditioned, past *s3.Client)) {
	bucket := "lab-" + strings.ToLower(rand.Text()[:16])
	run := func(name string, open opening) {
		t.Run(name, func(t *testing.T) {
			core := coretest.New(t)
			log := slog.New(slog.DiscardHandler)
			backends := gateway.NewBackends([]string{core.Root}, upstream.NewClient(core.Broker.Credentials, http.DefaultTransport, log), log)
			t.Cleanup(func() { backends.Close() })
			store, past := open(t, core, backends)
			lent, err := serve(t, core, backends, store, bucket).lend(t.Context(), drivertest.Ask{
				Bucket: bucket, Access: keyhatch.Write, Prefixes: []keyhatch.Prefix{"a/"}, Life: time.Hour,
			})
			if err != nil {
				t.Fatal(err)
			}
			keys := lent.Credentials
			c := &conditioned{t: t, ctx: t.Context(), bucket: bucket, key: "a/key", source: "a/source", Client: s3.New(s3.Options{
				BaseEndpoint: &keys.Endpoint, Region: keys.Region, UsePathStyle: true, Retryer: aws.NopRetryer{},
				Credentials: sdk.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey.Reveal(), keys.SessionToken.Reveal()),
			})}
			test(t, name, c, past)
		})
	}
	run("directory", openDirectory)
	for _, p := range peers.All {
		run(p.Name, openPeer(p, bucket))
	}
}

// A write under a condition is done when that is met, refused when it is not, and
// NotImplemented where the store behind would pass over it: MinIO deleted whatever
// If-Match said, and RGW copied whatever the source was.
func TestConditionsOfWrites(t *testing.T) {
	onEveryStore(t, func(t *testing.T, kind string, c *conditioned, past *s3.Client) {
		made, err := c.PutObject(c.ctx, &s3.PutObjectInput{Bucket: &c.bucket, Key: &c.source, Body: strings.NewReader("new")})
		if err != nil {
			t.Fatal(err)
		}
		head, err := c.HeadObject(c.ctx, &s3.HeadObjectInput{Bucket: &c.bucket, Key: &c.source})
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range conditionals {
			for _, u := range underConditions {
				ofSource := strings.HasPrefix(u.name, sourceIf)
				if ofSource && !w.copies || !ofSource && w.onlySource || w.gone && u.name != "If-Match" {
					continue // see TestConditionsThatNobodyKnows
				}
				of := c.set(u.there)
				if ofSource {
					of = *made.ETag
				}
				value, condition := u.value(of, *head.LastModified), u.name
				if value == "*" {
					condition += ": *"
				}
				got, before := codeOf(w.do(c, header(u.name, value))), "old"
				if !u.there {
					before = ""
				}
				codes, want := []string{""}, "new"
				switch {
				case !slices.Contains(held[kind][w.name], condition):
					codes, want = []string{"NotImplemented"}, before
				case !u.meets && w.gone && !u.there: // stores differ in what it is to delete nothing
					codes, want = []string{"", "NoSuchKey", "PreconditionFailed"}, before
				case !u.meets && !u.there:
					codes, want = []string{"NoSuchKey", "PreconditionFailed"}, before
				case !u.meets:
					codes, want = []string{"PreconditionFailed"}, before
				case w.gone:
					want = ""
				}
				if is := c.has(); !slices.Contains(codes, got) || is != want {
					t.Errorf("%s with %s: %s, there before %t: %q, and %q is there; want %q and %q", w.name, u.name, value, u.there, got, is, codes, want)
				}
			}
		}
		c.set(true)
		wantNothingElse(t, past, c.bucket, c.key, c.source)
	})
}

// wantNothingElse wants these objects in a bucket, and no upload.
func wantNothingElse(t *testing.T, past *s3.Client, bucket string, keys ...string) {
	t.Helper()
	list, err := past.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, o := range list.Contents {
		have = append(have, *o.Key)
	}
	uploads, err := past.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(have, keys) || len(uploads.Uploads) > 0 {
		t.Errorf("the bucket has %q and %d open uploads, want %q", have, len(uploads.Uploads), keys)
	}
}

// Of conditions that S3 has not on an operation nobody knows what is meant.
func TestConditionsThatNobodyKnows(t *testing.T) {
	onEveryStore(t, func(t *testing.T, kind string, c *conditioned, past *s3.Client) {
		etag := c.set(true)
		for _, w := range conditionals {
			for _, o := range [][]func(*s3.Options){
				{header("If-None-Match", etag)},
				{header("If-None-Match", "*"), header("If-Match", etag)},
				{header("If-Modified-Since", longAgo)},
				{header("If-Unmodified-Since", longAgo)},
			} {
				if got, is := codeOf(w.do(c, o...)), c.has(); got != "NotImplemented" || is != "old" {
					t.Errorf("%s: %q, and %q is there", w.name, got, is)
				}
			}
		}
		if got := codeOf(conditionals[len(conditionals)-1].do(c, header("If-None-Match", "*"))); got != "NotImplemented" || c.has() != "old" {
			t.Errorf("delete what is not there: %q", got)
		}
	})
}

// Of many who make the same object one does, and of many who replace it.
func TestConditionsUnderContention(t *testing.T) {
	const many = 16
	onEveryStore(t, func(t *testing.T, kind string, c *conditioned, _ *s3.Client) {
		for _, condition := range held[kind]["put"] {
			name, value, _ := strings.Cut(condition, ": ")
			if name+value == "If-Match*" {
				continue // all may
			}
			for round := range 5 {
				c.key = fmt.Sprintf("a/%s-%d", name, round)
				if name == "If-Match" {
					value = c.set(true)
				}
				var wrote sync.Map
				var all sync.WaitGroup
				for n := range many {
					all.Go(func() {
						text := fmt.Sprint("by ", n)
						_, err := c.PutObject(c.ctx, &s3.PutObjectInput{Bucket: &c.bucket, Key: &c.key, Body: strings.NewReader(text)}, header(name, value))
						switch codeOf(err) {
						case "":
							wrote.Store(text, true)
						case "PreconditionFailed", "ConditionalRequestConflict":
						default:
							t.Error(err)
						}
					})
				}
				all.Wait()
				var who []any
				wrote.Range(func(text, _ any) bool { who = append(who, text); return true })
				if len(who) != 1 || who[0] != c.has() {
					t.Errorf("%s: %v have written, and %q is there", condition, who, c.has())
				}
			}
		}
	})
}
