package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// s3get and s3put are programs for scripts: clients that find their keys where SDKs
// do, in the environment or at a container endpoint that it names.
func s3get() { os.Exit(scriptClient(getObject)) }
func s3put() { os.Exit(scriptClient(putObject)) }

func scriptClient(do func(ctx context.Context, c *s3.Client, bucket, key string) error) int {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "give it an address: s3://bucket/key")
		return 2
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(os.Args[1], "s3://"), "/")
	if err := do(context.Background(), s3FromEnvironment(), bucket, key); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func s3FromEnvironment() *s3.Client {
	var source aws.CredentialsProvider = credentials.NewStaticCredentialsProvider(
		os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN"))
	if address := os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI"); address != "" {
		source = endpointcreds.New(address, func(o *endpointcreds.Options) {
			o.AuthorizationToken = os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")
		})
	}
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(os.Getenv("AWS_ENDPOINT_URL_S3")), Region: os.Getenv("AWS_REGION"), UsePathStyle: true,
		Credentials: aws.NewCredentialsCache(source), RetryMaxAttempts: 1,
	})
}

func getObject(ctx context.Context, c *s3.Client, bucket, key string) error {
	out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return err
	}
	_, err = io.Copy(os.Stdout, out.Body)
	return errors.Join(err, out.Body.Close())
}

func putObject(ctx context.Context, c *s3.Client, bucket, key string) error {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(text)})
	return err
}
