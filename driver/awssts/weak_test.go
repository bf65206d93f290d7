package awssts_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
)

// TestTamperedTokensOfRGW shows why sessions of Ceph's RGW 16 confine only who leaves
// their token as it is: whoever changes it where the policy stands has all that the role
// has. When this fails the store has been mended, and what docs/vending.md says of it
// has to go.
func TestTamperedTokensOfRGW(t *testing.T) {
	s := openRGW(t)
	bucket := s.Bucket(t)
	s.put(t, bucket, "b/out.txt")
	v, err := s.vend(t.Context(), 15*time.Minute, policy.Open{Bucket: bucket, Prefix: "a/", Access: keyhatch.Read})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.get(t, v, bucket, "b/out.txt"); err == nil {
		t.Fatal("it is open outside with the token as it is")
	}
	token := []byte(v.SessionToken)
	if i := len(token) / 2; token[i] == 'A' {
		token[i] = 'B'
	} else {
		token[i] = 'A'
	}
	v.SessionToken = keyhatch.Secret(token)
	if err := s.get(t, v, bucket, "b/out.txt"); err != nil {
		t.Errorf("it is confined with a changed token too, which is good news: %v", err)
	}
}

// TestPublicObjectsOfRGW: a bucket's public access block keeps writers from opening
// what they write to everybody, which no session policy can.
func TestPublicObjectsOfRGW(t *testing.T) {
	s := openRGW(t)
	bucket, key := s.Bucket(t), "a/x"
	v, err := s.vend(t.Context(), 15*time.Minute, policy.Open{Bucket: bucket, Prefix: "a/", Access: keyhatch.Write})
	if err != nil {
		t.Fatal(err)
	}
	public := func() bool {
		t.Helper()
		if _, err := s.client(t, v).PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, ACL: types.ObjectCannedACLPublicRead, Body: strings.NewReader("x")}); err != nil {
			t.Logf("put: %v", err)
		}
		answer, err := s.HTTPClient(t).Get(s.Endpoint + "/" + bucket + "/" + key)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	}
	if !public() {
		t.Error("RGW does not publish any more: docs/vending.md says that it does")
	}
	if _, err := s.Client(t).PutPublicAccessBlock(t.Context(), &s3.PutPublicAccessBlockInput{Bucket: &bucket, PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
		BlockPublicAcls: aws.Bool(true), IgnorePublicAcls: aws.Bool(true), BlockPublicPolicy: aws.Bool(true), RestrictPublicBuckets: aws.Bool(true),
	}}); err != nil {
		t.Fatal(err)
	}
	if public() {
		t.Error("it is public in spite of the block")
	}
}
