package conformance

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch/internal/devserver"
)

// goSDK is Amazon's SDK for Go, called as a program would.
type goSDK struct {
	t      *testing.T
	bucket string
}

func newGoSDK(t *testing.T, bucket string) client {
	t.Helper()
	return goSDK{t, bucket}
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
	transport.Proxy = nil // the server is on this machine
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

func (c goSDK) refusal(_ operation, codes ...string) *regexp.Regexp {
	return regexp.MustCompile(`StatusCode: ` + anyOf(statuses(codes)) + `, .*api error ` + anyOf(codes) + `: `)
}
