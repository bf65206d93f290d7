// Package tour shows what Keyhatch does, to the user of "keyhatch dev": it does the main
// job once, as any user's program would.
package tour

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/client"
)

// Tour goes over the real API and the real S3 endpoint, with the AWS SDK, and needs the
// sample data.
type Tour struct {
	API   string // its address
	Token keyhatch.Secret
	Out   io.Writer // for what came of each step

	rows []row
}

// The sample data that it shows.
const (
	sampleBucket   = "demo"
	sampleLocation = "s3://demo/alpha/"
)

type row struct {
	ok           bool
	step, result string
}

// readyTimeout bounds how long the listeners may take to answer.
const readyTimeout = 10 * time.Second

// Run does every step, prints what came of it, and lends a lease for the user to play
// with. The error says that something did not go as it must.
func (t *Tour) Run(ctx context.Context) (toPaste api.Lent, err error) {
	c := client.New(t.API, t.Token.Reveal())
	wait, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if _, err := c.CurrentToken(wait); err != nil {
		return api.Lent{}, fmt.Errorf("the API does not answer: %w", err)
	}
	lease, err := c.CreateLease(ctx, api.LeaseRequest{Location: sampleLocation, Access: "read"})
	if err != nil {
		return api.Lent{}, fmt.Errorf("borrow a lease: %w", err)
	}
	t.did("borrow a read lease on "+sampleLocation, fmt.Sprintf("%s, until %s", lease.ID, lease.ExpiresAt.Local().Format("15:04")))
	if err := t.use(ctx, lease); err != nil {
		return api.Lent{}, err
	}
	if err := t.end(ctx, c, lease); err != nil {
		return api.Lent{}, err
	}
	if toPaste, err = c.CreateLease(ctx, api.LeaseRequest{Location: sampleLocation, Access: "write"}); err != nil {
		return api.Lent{}, fmt.Errorf("borrow a lease: %w", err)
	}
	return toPaste, t.print()
}

// use tries what the lease opens, and what it must not.
func (t *Tour) use(ctx context.Context, lease api.Lent) error {
	bucket := s3Client(lease)
	list, err := bucket.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(sampleBucket), Prefix: aws.String("alpha/")})
	if err != nil {
		return fmt.Errorf("list %s: %w", sampleLocation, err)
	}
	t.did("list "+sampleLocation, fmt.Sprintf("%d objects", len(list.Contents)))
	text, err := get(ctx, bucket, "alpha/README.txt")
	if err != nil {
		return fmt.Errorf("read %s: %w", sampleLocation, err)
	}
	t.did("read "+sampleLocation+"README.txt", fmt.Sprintf("%d bytes", len(text)))

	_, err = get(ctx, bucket, "beta/README.txt")
	t.mustRefuse("read s3://demo/beta/README.txt", err)
	_, err = bucket.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(sampleBucket), Key: aws.String("alpha/new.txt"), Body: strings.NewReader("new"),
	})
	t.mustRefuse("write s3://demo/alpha/new.txt", err)
	_, err = get(ctx, bucket, "alpha-evil/README.txt")
	t.mustRefuse("read s3://demo/alpha-evil/README.txt", err)
	_, err = bucket.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(sampleBucket)})
	t.mustRefuse("list the bucket's root, s3://demo/", err)

	tampered := lease
	tampered.SessionToken = flip(tampered.SessionToken)
	_, err = get(ctx, s3Client(tampered), "alpha/README.txt")
	t.mustRefuse("read with a tampered session token", err)
	return nil
}

// end revokes the lease and a token, and looks at what was recorded.
func (t *Tour) end(ctx context.Context, c *client.Client, lease api.Lent) error {
	made, err := c.CreateToken(ctx, api.NewToken{Name: "tour"})
	if err != nil {
		return fmt.Errorf("make a token: %w", err)
	}
	if err := c.RevokeToken(ctx, made.ID); err != nil {
		return fmt.Errorf("revoke a token: %w", err)
	}
	_, err = client.New(t.API, made.Secret).CreateLease(ctx, api.LeaseRequest{Location: sampleLocation, Access: "read"})
	t.mustRefuse("borrow with a revoked API token", err)
	if err := c.RevokeLease(ctx, lease.ID); err != nil {
		return fmt.Errorf("revoke the lease: %w", err)
	}
	_, err = get(ctx, s3Client(lease), "alpha/README.txt")
	t.mustRefuse("read after the lease was revoked", err)
	var actions []string
	for e, err := range c.Events(ctx, client.EventFilter{Target: lease.ID}) {
		if err != nil {
			return fmt.Errorf("read the audit record: %w", err)
		}
		actions = append([]string{e.Action}, actions...) // oldest first
	}
	t.rows = append(t.rows, row{
		strings.Join(actions, " ") == "lease.lend lease.revoke", "the lease is on record", strings.Join(actions, ", "),
	})
	return nil
}

func (t *Tour) did(step, result string) { t.rows = append(t.rows, row{true, step, result}) }

// mustRefuse notes a step that has to fail with AccessDenied, or at the API with
// a refused token.
func (t *Tour) mustRefuse(step string, err error) {
	came := row{step: step, result: "was let through"}
	var refusal smithy.APIError
	var problem *api.Problem
	switch {
	case errors.As(err, &refusal):
		came.ok, came.result = refusal.ErrorCode() == "AccessDenied", "refused: "+refusal.ErrorCode()
	case errors.As(err, &problem):
		came.ok, came.result = problem.Code == "token_invalid", "refused: "+problem.Code
	case err != nil:
		came.result = err.Error()
	}
	t.rows = append(t.rows, came)
}

func (t *Tour) print() error {
	w := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
	wrong := 0
	for _, r := range t.rows {
		mark := "✓"
		if !r.ok {
			mark, wrong = "✗ WRONG", wrong+1
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\n", mark, r.step, ask.Printable(r.result))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d steps did not go as they must", wrong, len(t.rows))
	}
	return nil
}

func s3Client(l api.Lent) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(l.Endpoint), Region: l.Region, UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(l.AccessKeyID, l.SecretAccessKey, l.SessionToken),
	})
}

func get(ctx context.Context, c *s3.Client, key string) ([]byte, error) {
	out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(sampleBucket), Key: aws.String(key)})
	if err != nil {
		return nil, err
	}
	defer out.Body.Close()
	return io.ReadAll(out.Body)
}

// flip changes one character in the middle of a token.
func flip(token string) string {
	b := []byte(token)
	if i := len(b) / 2; b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return string(b)
}
