package leasecreds_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/client"
	"github.com/keyhatch/keyhatch/client/leasecreds"
	"github.com/keyhatch/keyhatch/internal/devserver"
)

// The examples run against a server with sample data, "keyhatch dev".
func TestMain(m *testing.M) { os.Exit(devserver.RunBeside(m)) }

// An S3 client that reads what one location holds, for as long as the program runs.
func Example() {
	ctx := context.Background()
	keyhatch := client.New(os.Getenv("KEYHATCH_SERVER"), os.Getenv("KEYHATCH_TOKEN"))
	provider := leasecreds.New(keyhatch, api.LeaseRequest{Location: "s3://demo/alpha/", Access: "read"})
	objects, err := leasecreds.NewS3(ctx, provider)
	if err != nil {
		log.Fatal(err)
	}
	list, err := objects.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("demo"), Prefix: aws.String("alpha/")})
	if err != nil {
		log.Fatal(err)
	}
	for _, item := range list.Contents {
		fmt.Println(*item.Size, *item.Key)
	}
	// Output:
	// 232 alpha/README.txt
	// 185 alpha/levels.csv
	// 284 alpha/map.png
}

// A client that is made in another way gets the place of the lease by an option.
func ExampleConfigure() {
	ctx := context.Background()
	keyhatch := client.New(os.Getenv("KEYHATCH_SERVER"), os.Getenv("KEYHATCH_TOKEN"))
	provider := leasecreds.New(keyhatch, api.LeaseRequest{Location: "s3://demo/alpha/", Access: "read"})
	lease, err := provider.Lease(ctx)
	if err != nil {
		log.Fatal(err)
	}
	config := aws.Config{Credentials: aws.NewCredentialsCache(provider)}
	objects := s3.NewFromConfig(config, leasecreds.Configure(lease))
	answer, err := objects.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("demo"), Key: aws.String("alpha/levels.csv")})
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(text), "bytes")
	// Output:
	// 185 bytes
}
