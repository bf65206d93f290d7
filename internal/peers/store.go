package peers

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Store is a running object store, and the keys of a user of it who may make
// buckets and do everything in them.
type Store struct {
	Name            string // "minio", "rgw", "versitygw", with "-tls" if it is
	Endpoint        string // URL of the S3 service, without a path
	Region          string
	AccessKeyID     string
	SecretAccessKey string

	// STS is the URL of the security token service, empty if the store has none.
	STS string
	// Role is the ARN of a role that the user may assume, and that may do
	// everything with S3. MinIO has no roles, and takes any ARN for the user's own
	// rights. Empty without STS.
	Role string
	// IAM is the URL of a service that speaks AWS's IAM protocol, in which the
	// user may do everything. Empty if the store has none.
	IAM string
	// Admin is the URL below which the store has its own API for administrators,
	// in which the user may do everything. Empty if the store has none.
	Admin string
	// Keeper is a pair with which access keys may be kept at the store, if it has
	// anything for that, as docs/access-keys.md says: it reads what they put, and may do
	// everything in the buckets of all.
	Keeper [2]string
	// CAFile is a file of PEM certificates to trust, empty without TLS.
	CAFile string
}

// Peer is a kind of store.
type Peer struct {
	Name  string
	Start func(testing.TB) Store
}

// All lists the stores, for tests that must hold on each of them. Those with TLS
// are not among them: they are the same stores again.
var All = []Peer{
	{"minio", MinIO},
	{"rgw", RGW},
	{"versitygw", VersityGW},
}

// Client makes an S3 client with the user's keys. It does not retry: a retry
// would hide a fault.
func (s Store) Client(t testing.TB) *s3.Client {
	t.Helper()
	client, err := s.client()
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// ClientWith makes an S3 client with other keys.
func (s Store) ClientWith(t testing.TB, keys aws.Credentials) *s3.Client {
	t.Helper()
	client := s.Client(t)
	return s3.New(client.Options(), func(o *s3.Options) {
		o.Credentials = credentials.StaticCredentialsProvider{Value: keys}
	})
}

func (s Store) client() (*s3.Client, error) {
	transport, err := s.transport()
	if err != nil {
		return nil, err
	}
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(s.Endpoint),
		Region:       s.Region,
		UsePathStyle: true,
		Credentials:  credentials.NewStaticCredentialsProvider(s.AccessKeyID, s.SecretAccessKey, ""),
		HTTPClient:   &http.Client{Transport: transport},
		Retryer:      aws.NopRetryer{},
	}), nil
}

// HTTPClient makes an HTTP client that trusts the store's certificate.
func (s Store) HTTPClient(t testing.TB) *http.Client {
	t.Helper()
	transport, err := s.transport()
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Transport: transport}
}

func (s Store) transport() (*http.Transport, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil // the store is on this machine
	if s.CAFile != "" {
		pem, err := os.ReadFile(s.CAFile)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", s.CAFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	return transport, nil
}

// Bucket makes a bucket that no other test has, and returns its name. It is not
// removed: the store's state goes as a whole.
func (s Store) Bucket(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	name := "test-" + strings.ToLower(rand.Text()[:16])
	if _, err := s.Client(t).CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(name)}); err != nil {
		t.Fatalf("making a bucket in %s: %v", s.Name, err)
	}
	return name
}

// RoleOf makes a role like Role whose sessions last as long as that, at a store that has
// roles.
func (s Store) RoleOf(t testing.TB, longest time.Duration) string {
	t.Helper()
	c := iam.New(iam.Options{Region: s.Region, BaseEndpoint: &s.IAM, Credentials: credentials.NewStaticCredentialsProvider(s.AccessKeyID, s.SecretAccessKey, "")})
	name := aws.String("long-" + strings.ToLower(rand.Text()))
	made, err := c.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: name, MaxSessionDuration: aws.Int32(int32(longest.Seconds())),
		AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":["sts:AssumeRole"]}]}`),
	})
	if err == nil {
		_, err = c.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
			RoleName: name, PolicyName: name, PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":["arn:aws:s3:::*"]}]}`),
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(made.Role.Arn)
}
