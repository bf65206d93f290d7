package conformance

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/keyhatch/keyhatch/internal/devserver"
)

// goSDK is Amazon's SDK for Go, called as a program would.
type goSDK struct {
	t       *testing.T
	bucket  string
	syncing map[devserver.Lease]*s3.Client
}

func newGoSDK(t *testing.T, bucket string) client {
	t.Helper()
	return goSDK{t, bucket, map[devserver.Lease]*s3.Client{}}
}

func (c goSDK) client(l devserver.Lease) *s3.Client {
	c.t.Helper()
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(l.Endpoint),
		Region:       l.Region,
		UsePathStyle: true,
		Credentials:  credentials.NewStaticCredentialsProvider(l.AccessKeyID, l.SecretAccessKey, l.SessionToken),
		HTTPClient:   trusting(c.t, l),
		Retryer:      aws.NopRetryer{},
	})
}

// trusting makes an HTTP client that trusts the lease's endpoint.
func trusting(t *testing.T, l devserver.Lease) *http.Client {
	t.Helper()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil              // the server is on this machine
	transport.MaxIdleConnsPerHost = 10 // as with the SDK's own; net/http keeps two
	if l.CAFile != "" {
		pem, err := os.ReadFile(l.CAFile)
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			t.Fatalf("%s holds no certificate", l.CAFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// did is the result of a call. What the SDK says of an error is its output.
func (goSDK) did(l devserver.Lease, call, key string, err error) result {
	r := result{command: "go-sdk " + call + " " + key, err: err}
	if err != nil {
		r.output = l.Redact(err.Error())
	}
	return r
}

func (c goSDK) put(l devserver.Lease, file, key string) result {
	c.t.Helper()
	body, err := os.Open(file)
	if err != nil {
		c.t.Fatal(err)
	}
	defer body.Close()
	_, err = c.client(l).PutObject(c.t.Context(), &s3.PutObjectInput{Bucket: &c.bucket, Key: &key, Body: body})
	return c.did(l, "PutObject", key, err)
}

func (c goSDK) get(l devserver.Lease, key, file string) result {
	c.t.Helper()
	text, err := c.read(l, &s3.GetObjectInput{Bucket: &c.bucket, Key: &key})
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	return c.did(l, "GetObject", key, err)
}

func (c goSDK) getRange(l devserver.Lease, key string, first, length int) ([]byte, result) {
	c.t.Helper()
	part := fmt.Sprintf("bytes=%d-%d", first, first+length-1)
	text, err := c.read(l, &s3.GetObjectInput{Bucket: &c.bucket, Key: &key, Range: &part})
	return text, c.did(l, "GetObject "+part, key, err)
}

func (c goSDK) read(l devserver.Lease, in *s3.GetObjectInput) ([]byte, error) {
	c.t.Helper()
	out, err := c.client(l).GetObject(c.t.Context(), in)
	if err != nil {
		return nil, err
	}
	defer out.Body.Close()
	var text bytes.Buffer
	n, err := io.Copy(&text, out.Body)
	if err == nil && n != aws.ToInt64(out.ContentLength) {
		err = fmt.Errorf("%d bytes came, %d were announced", n, aws.ToInt64(out.ContentLength))
	}
	return text.Bytes(), err
}

// list asks for two objects to a page, so that pages are asked for.
func (c goSDK) list(l devserver.Lease, prefix string) ([]entry, result) {
	c.t.Helper()
	var entries []entry
	pages := s3.NewListObjectsV2Paginator(c.client(l), &s3.ListObjectsV2Input{Bucket: &c.bucket, Prefix: &prefix, MaxKeys: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(c.t.Context())
		if err != nil {
			return nil, c.did(l, "ListObjectsV2", prefix, err)
		}
		for _, object := range page.Contents {
			entries = append(entries, entry{aws.ToString(object.Key), int(aws.ToInt64(object.Size))})
		}
	}
	return entries, c.did(l, "ListObjectsV2", prefix, nil)
}

func (c goSDK) remove(l devserver.Lease, key string) result {
	c.t.Helper()
	_, err := c.client(l).DeleteObject(c.t.Context(), &s3.DeleteObjectInput{Bucket: &c.bucket, Key: &key})
	return c.did(l, "DeleteObject", key, err)
}

// partSize is that of the parts in which large objects go up.
const partSize = 32 << 20

func (c goSDK) also(op operation, l devserver.Lease, args ...string) result {
	c.t.Helper()
	printed := func(signed *v4.PresignedHTTPRequest, err error) result {
		r := c.did(l, string(op), args[0], err)
		if err == nil {
			r.stdout = []byte(signed.URL)
		}
		return r
	}
	signer := s3.NewPresignClient(c.client(l), s3.WithPresignExpires(5*time.Minute))
	switch op {
	case opCopy:
		from := (&url.URL{Path: c.bucket + "/" + args[0]}).EscapedPath()
		_, err := c.client(l).CopyObject(c.t.Context(), &s3.CopyObjectInput{Bucket: &c.bucket, CopySource: &from, Key: &args[1]})
		return c.did(l, "CopyObject", args[0], err)
	case opUp:
		return c.did(l, "parts of", args[1], c.up(l, args[0], args[1]))
	case opSignGet:
		return printed(signer.PresignGetObject(c.t.Context(), &s3.GetObjectInput{Bucket: &c.bucket, Key: &args[0]}))
	case opSignPut:
		return printed(signer.PresignPutObject(c.t.Context(), &s3.PutObjectInput{Bucket: &c.bucket, Key: &args[0]}))
	case opSyncUp:
		return c.did(l, "sync to", args[1], c.sync(op, l, args[0], args[1]))
	case opSyncDown:
		return c.did(l, "sync of", args[0], c.sync(op, l, args[1], args[0]))
	default:
		return c.get(l, args[0], args[1])
	}
}

// up sends a file in parts.
func (c goSDK) up(l devserver.Lease, path, key string) error {
	client, ctx := c.client(l), c.t.Context()
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	upload, err := client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &c.bucket, Key: &key})
	if err != nil {
		return err
	}
	var parts []types.CompletedPart
	for at := int64(0); at < info.Size(); at += partSize {
		number := aws.Int32(int32(len(parts) + 1))
		part, err := client.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: &c.bucket, Key: &key, UploadId: upload.UploadId, PartNumber: number, Body: io.NewSectionReader(file, at, min(partSize, info.Size()-at)),
		})
		if err != nil {
			return err
		}
		parts = append(parts, types.CompletedPart{PartNumber: number, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32})
	}
	_, err = client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &c.bucket, Key: &key, UploadId: upload.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	return err
}

func (c goSDK) refusal(_ operation, codes ...string) *regexp.Regexp {
	return regexp.MustCompile(`StatusCode: ` + anyOf(statuses(codes)) + `, .*api error ` + anyOf(codes) + `: `)
}
