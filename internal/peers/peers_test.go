package peers

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// stores is All and the same with TLS.
var stores = append(All[:len(All):len(All)], []Peer{
	{"minio-tls", MinIOTLS},
	{"versitygw-tls", VersityGWTLS},
}...)

func eachStore(t *testing.T, test func(t *testing.T, s Store)) {
	for _, store := range stores {
		t.Run(store.Name, func(t *testing.T) {
			t.Parallel()
			s := store.Start(t)
			if s.Name != store.Name {
				t.Errorf("the store is %q", s.Name)
			}
			test(t, s)
		})
	}
}

// content makes bytes, the same in every run.
func content(size int) []byte {
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(data)
	return data
}

func mustGet(t *testing.T, client *s3.Client, bucket, key string, want []byte) {
	t.Helper()
	object, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	defer object.Body.Close()
	if got, err := io.ReadAll(object.Body); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes came, %v; want the %d that were stored", key, len(got), err, len(want))
	}
}

func TestObjects(t *testing.T) {
	eachStore(t, func(t *testing.T, s Store) {
		client, ctx := s.Client(t), t.Context()
		bucket := s.Bucket(t)
		if other := s.Bucket(t); other == bucket {
			t.Errorf("both buckets are %s", bucket)
		}

		small, key := content(1000), "a/small"
		if _, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(small)}); err != nil {
			t.Fatal(err)
		}
		mustGet(t, client, bucket, key, small)

		large := content(6 << 20)
		putInParts(t, client, bucket, "a/large", large, 5<<20)
		mustGet(t, client, bucket, "a/large", large)

		listed, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: aws.String("a/")})
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, object := range listed.Contents {
			keys = append(keys, *object.Key)
		}
		if got := strings.Join(keys, " "); got != "a/large a/small" {
			t.Errorf("listed are %s", got)
		}

		if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key}); err != nil {
			t.Error(err)
		}
		_, err = client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
		if missing := (*types.NoSuchKey)(nil); !errors.As(err, &missing) {
			t.Errorf("getting what was deleted: %v", err)
		}
	})
}

// putInParts stores an object by a multipart upload.
func putInParts(t *testing.T, client *s3.Client, bucket, key string, data []byte, size int) {
	t.Helper()
	upload, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	var parts []types.CompletedPart
	for number := int32(1); len(data) > 0; number++ {
		n := min(size, len(data))
		part, err := client.UploadPart(t.Context(), &s3.UploadPartInput{
			Bucket: &bucket, Key: &key, UploadId: upload.UploadId, PartNumber: &number, Body: bytes.NewReader(data[:n]),
		})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, types.CompletedPart{PartNumber: &number, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32})
		data = data[n:]
	}
	if _, err := client.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
		Bucket: &bucket, Key: &key, UploadId: upload.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	}); err != nil {
		t.Fatal(err)
	}
}

// Tests that run side by side share a store.
func TestShared(t *testing.T) {
	eachStore(t, func(t *testing.T, s Store) {
		for range 2 {
			for _, again := range stores {
				if again.Name == s.Name && again.Start(t) != s {
					t.Errorf("%s is another store the next time", s.Name)
				}
			}
		}
	})
}

// A role that is assumed with a session policy opens what the policy names.
func TestAssumeRole(t *testing.T) {
	eachStore(t, func(t *testing.T, s Store) {
		if s.STS == "" {
			if strings.HasPrefix(s.Name, "minio") || s.Name == "rgw" {
				t.Error("the store is said to have no STS")
			}
			return
		}
		bucket := s.Bucket(t)
		for _, key := range []string{"in/a", "out/a"} {
			if _, err := s.Client(t).PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("x")}); err != nil {
				t.Fatal(err)
			}
		}
		keys := assumeRole(t, s, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::`+bucket+`/in/*"]}]}`)
		client := s.ClientWith(t, keys)
		mustGet(t, client, bucket, "in/a", []byte("x"))
		// Not a PUT: RGW refuses it before its body has come. The SDK then closes the
		// body that is still being sent, and with it now and then the connection, so
		// that it reads the status of the refusal but not its code.
		_, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: aws.String("out/a")})
		var refused smithy.APIError
		if !errors.As(err, &refused) || refused.ErrorCode() != "AccessDenied" {
			t.Errorf("what the policy does not allow: %v", err)
		}
	})
}

func assumeRole(t *testing.T, s Store, policy string) aws.Credentials {
	t.Helper()
	answer := call(t, s, s.STS, "sts", url.Values{
		"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleArn": {s.Role}, "RoleSessionName": {"test"},
		"DurationSeconds": {"900"}, "Policy": {policy},
	})
	var result struct {
		AccessKeyID     string `xml:"AssumeRoleResult>Credentials>AccessKeyId"`
		SecretAccessKey string `xml:"AssumeRoleResult>Credentials>SecretAccessKey"`
		SessionToken    string `xml:"AssumeRoleResult>Credentials>SessionToken"`
	}
	if err := xml.Unmarshal(answer, &result); err != nil || result.SessionToken == "" {
		t.Fatalf("AssumeRole gave no credentials (%v)", err)
	}
	return aws.Credentials{AccessKeyID: result.AccessKeyID, SecretAccessKey: result.SecretAccessKey, SessionToken: result.SessionToken}
}

// The IAM services answer to the user's keys.
func TestIAM(t *testing.T) {
	eachStore(t, func(t *testing.T, s Store) {
		if s.IAM == "" {
			if !strings.HasPrefix(s.Name, "minio") {
				t.Error("the store is said to have no IAM")
			}
			return
		}
		answer := call(t, s, s.IAM, "iam", url.Values{"Action": {"ListRoles"}, "Version": {"2010-05-08"}})
		if !strings.Contains(string(answer), "ListRolesResponse") {
			t.Errorf("ListRoles is answered with %s", answer)
		}
	})
}

// call makes a request of one of AWS's form-encoded protocols.
func call(t *testing.T, s Store, endpoint, service string, form url.Values) []byte {
	t.Helper()
	body := form.Encode()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	hash := sha256.Sum256([]byte(body))
	keys := aws.Credentials{AccessKeyID: s.AccessKeyID, SecretAccessKey: s.SecretAccessKey}
	if err := v4.NewSigner().SignHTTP(t.Context(), keys, req, hex.EncodeToString(hash[:]), service, s.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := s.HTTPClient(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s: %s (%v)", form.Get("Action"), resp.Status, answer, err)
	}
	return answer
}
