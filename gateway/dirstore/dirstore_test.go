package dirstore

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

const (
	bucket    = "data"
	ownFolder = ".keyhatch" // of package tree
)

var ctx = context.Background()

// site is a store on a folder, with a client that talks to it over HTTP.
type site struct {
	*testing.T
	dir    string
	store  *Store
	client *s3.Client
}

func newSite(t *testing.T) *site { return openSite(t, t.TempDir()) }

func openSite(t *testing.T, dir string) *site {
	t.Helper()
	store, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	server := httptest.NewServer(store.Handler())
	t.Cleanup(server.Close)
	return &site{t, dir, store, newClient(server.URL)}
}

func newClient(url string) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(url),
		Region:       "us-east-1",
		UsePathStyle: true,
		Retryer:      aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "any", SecretAccessKey: "any"}, nil
		}),
	})
}

// restart closes the store and opens its folder again.
func (s *site) restart() *site {
	s.Helper()
	if err := s.store.Close(); err != nil {
		s.Fatal(err)
	}
	return openSite(s.T, s.dir)
}

// ask sends a request past the client, as the gateway would: the key is what the
// decoded path holds. header is pairs of names and values.
func (s *site) ask(method, bucket, key string, query url.Values, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", strings.NewReader(body))
	r.URL.Path, r.URL.RawQuery = "/"+bucket, query.Encode()
	if key != "" {
		r.URL.Path += "/" + key
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.store.Handler().ServeHTTP(w, r)
	return w
}

func (s *site) path(elem ...string) string {
	return filepath.Join(append([]string{s.dir}, elem...)...)
}

// file puts a file into the bucket's folder, as a person would.
func (s *site) file(key, body string) {
	s.Helper()
	path := s.path(bucket, key)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(body), 0o666); err != nil {
		s.Fatal(err)
	}
}

func (s *site) tryPut(key, body string, meta ...string) error {
	in := &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: strings.NewReader(body), Metadata: map[string]string{}}
	for i := 0; i < len(meta); i += 2 {
		in.Metadata[meta[i]] = meta[i+1]
	}
	_, err := s.client.PutObject(ctx, in)
	return err
}

func (s *site) put(key, body string, meta ...string) {
	s.Helper()
	if err := s.tryPut(key, body, meta...); err != nil {
		s.Fatalf("put %q: %v", key, err)
	}
}

func (s *site) tryGet(key string) (string, *s3.GetObjectOutput, error) {
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &key})
	if err != nil {
		return "", nil, err
	}
	defer out.Body.Close()
	b, err := io.ReadAll(out.Body)
	return string(b), out, err
}

func (s *site) get(key string) (string, *s3.GetObjectOutput) {
	s.Helper()
	body, out, err := s.tryGet(key)
	if err != nil {
		s.Fatalf("get %q: %v", key, err)
	}
	return body, out
}

func (s *site) head(key string) *s3.HeadObjectOutput {
	s.Helper()
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: &key})
	if err != nil {
		s.Fatalf("head %q: %v", key, err)
	}
	return out
}

func (s *site) delete(key string) {
	s.Helper()
	if _, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: &key}); err != nil {
		s.Fatalf("delete %q: %v", key, err)
	}
}

// keys lists the bucket, all of it.
func (s *site) keys() []string {
	s.Helper()
	var keys []string
	for _, o := range s.objects() {
		keys = append(keys, *o.Key)
	}
	return keys
}

func (s *site) objects() []types.Object {
	s.Helper()
	var all []types.Object
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			s.Fatal(err)
		}
		all = append(all, page.Contents...)
	}
	return all
}

func (s *site) wantKeys(want ...string) {
	s.Helper()
	if got := s.keys(); !slices.Equal(got, want) {
		s.Errorf("keys are %q, want %q", got, want)
	}
}

// wantCode checks that err is an S3 error with this code and returns its message.
func (s *site) wantCode(err error, code string) string {
	s.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code {
		s.Fatalf("error is %v, want code %s", err, code)
	}
	return e.ErrorMessage()
}

// wantClean checks that nothing is left of bodies that were not published.
func (s *site) wantClean() {
	s.Helper()
	if entries, _ := os.ReadDir(s.path(ownFolder, "tmp")); len(entries) != 0 {
		s.Errorf("%d temporary files are left", len(entries))
	}
}

func md5Tag(body string) string { return fmt.Sprintf(`"%x"`, md5.Sum([]byte(body))) }

func filler(n int) string { return string(bytes.Repeat([]byte("0123456789abcdef"), n/16+1)[:n]) }
