package drivertest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch"
)

// Visit is a lease being used in a world.
type Visit struct {
	context.Context
	*World
	Ask   Ask
	Lent  Lent
	Wrote map[Place]string
	seen  bytes.Buffer // every answer that was sent to the lease
}

// Body is what a get must bring, when that is known.
func (v *Visit) Body(p Place) (string, bool) {
	if body, ok := v.Wrote[p]; ok {
		return body, true
	}
	body, ok := v.Bodies[p]
	return body, ok
}

// longEnough is the life of a lease that no row waits for.
const longEnough = 15 * time.Minute

// borrow takes the lease.
func (v *Visit) borrow(t Terms) (err error) {
	v.Ask = v.asked(t)
	asked := time.Now()
	if v.Lent, err = v.Site.Lend(v, v.Ask); err != nil {
		return err
	}
	// A store that counts whole seconds may round one up.
	if most := asked.Add(v.Ask.Life + 2*time.Second); v.Lent.ExpiresAt.After(most) || !v.Lent.ExpiresAt.After(asked) {
		return Wrong("asked for %s, got a lease until %s", v.Ask.Life, v.Lent.ExpiresAt)
	}
	if v.Lent.AccessKeyID == "" || v.Lent.SecretAccessKey == "" || v.Lent.SessionToken == "" || v.Lent.Endpoint == "" || v.Lent.Region == "" {
		return Wrong("the lease is not whole: %+v", v.Lent.Credentials) // secrets do not print
	}
	return nil
}

func (v *Visit) asked(t Terms) Ask {
	a := Ask{Access: t.Access, Bucket: v.Site.Bucket, Life: max(longEnough, v.Site.Capabilities.MinLife)}
	if t.Short {
		a.Life = v.Site.shortLife()
	}
	if t.Whole {
		a.Prefixes = append(a.Prefixes, "")
	}
	for _, p := range t.prefixes {
		a.Prefixes = append(a.Prefixes, keyhatch.Prefix(v.At(p).Key))
	}
	for i := len(a.Prefixes); t.Most && i < v.Site.Capabilities.MaxPrefixes; i++ {
		a.Prefixes = append(a.Prefixes, keyhatch.Prefix(v.At(fmt.Sprintf("more-%d/", i)).Key))
	}
	return a
}

// Client is one of the lease.
func (v *Visit) Client() *s3.Client { return v.clientWith(v.Lent.Credentials) }

func (v *Visit) clientWith(c keyhatch.Credentials) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: &c.Endpoint, Region: c.Region, UsePathStyle: true, Retryer: aws.NopRetryer{}, HTTPClient: v.http(),
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal()),
	})
}

// http keeps every answer.
func (v *Visit) http() *http.Client {
	return &http.Client{
		Transport:     v,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// RoundTrip implements http.RoundTripper. It asks again while the store says that
// it is too busy, if it can: a row is about something else.
func (v *Visit) RoundTrip(r *http.Request) (*http.Response, error) {
	for try := 1; ; try++ {
		answer, err := v.sendOnce(r)
		if err != nil || !isBusy(answer) || try == 50 || r.Body != nil && r.GetBody == nil {
			return answer, err
		}
		time.Sleep(100 * time.Millisecond)
		if r.GetBody != nil {
			if r.Body, err = r.GetBody(); err != nil {
				return nil, err
			}
		}
	}
}

// isBusy tells a SlowDown. The body of every answer is in memory.
func isBusy(answer *http.Response) bool {
	if answer.StatusCode != http.StatusServiceUnavailable {
		return false
	}
	text, _ := io.ReadAll(answer.Body)
	answer.Body = io.NopCloser(bytes.NewReader(text))
	return bytes.Contains(text, []byte("<Code>SlowDown</Code>"))
}

func (v *Visit) sendOnce(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	if err := answer.Body.Close(); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	fmt.Fprint(&v.seen, answer.Header)
	v.seen.Write(body)
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

// leaks are what the answers held and must not.
func (v *Visit) leaks() []string {
	var out []string
	for _, text := range v.outside(v.Ask) {
		if strings.Contains(v.seen.String(), text) {
			out = append(out, text)
		}
	}
	return out
}
