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

// visit is a lease being used in a world.
type visit struct {
	context.Context
	*world
	ask   Ask
	lent  Lent
	wrote map[place]string
	seen  bytes.Buffer // every answer that was sent to the lease
}

// body is what a get must bring, when that is known.
func (v *visit) body(p place) (string, bool) {
	if body, ok := v.wrote[p]; ok {
		return body, true
	}
	body, ok := v.bodies[p]
	return body, ok
}

// longEnough is the life of a lease that no row waits for.
const longEnough = 15 * time.Minute

// borrow takes the lease.
func (v *visit) borrow(t terms) (err error) {
	v.ask = v.asked(t)
	asked := time.Now()
	if v.lent, err = v.site.Lend(v, v.ask); err != nil {
		return err
	}
	// A store that counts whole seconds may round one up.
	if most := asked.Add(v.ask.Life + 2*time.Second); v.lent.ExpiresAt.After(most) || !v.lent.ExpiresAt.After(asked) {
		return wrong("asked for %s, got a lease until %s", v.ask.Life, v.lent.ExpiresAt)
	}
	if v.lent.AccessKeyID == "" || v.lent.SecretAccessKey == "" || v.lent.SessionToken == "" || v.lent.Endpoint == "" || v.lent.Region == "" {
		return wrong("the lease is not whole: %+v", v.lent.Credentials) // secrets do not print
	}
	return nil
}

func (v *visit) asked(t terms) Ask {
	a := Ask{Access: t.access, Bucket: v.site.Bucket, Life: max(longEnough, v.site.Capabilities.MinLife)}
	if t.short {
		a.Life = v.site.shortLife()
	}
	if t.whole {
		a.Prefixes = append(a.Prefixes, "")
	}
	for _, p := range t.prefixes {
		a.Prefixes = append(a.Prefixes, keyhatch.Prefix(v.at(p).key))
	}
	for i := len(a.Prefixes); t.most && i < v.site.Capabilities.MaxPrefixes; i++ {
		a.Prefixes = append(a.Prefixes, keyhatch.Prefix(v.at(fmt.Sprintf("more-%d/", i)).key))
	}
	return a
}

// client is one of the lease.
func (v *visit) client() *s3.Client { return v.clientWith(v.lent.Credentials) }

func (v *visit) clientWith(c keyhatch.Credentials) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: &c.Endpoint, Region: c.Region, UsePathStyle: true, Retryer: aws.NopRetryer{}, HTTPClient: v.http(),
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal()),
	})
}

// http keeps every answer.
func (v *visit) http() *http.Client {
	return &http.Client{
		Transport:     v,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// RoundTrip implements http.RoundTripper. It asks again while the store says that
// it is too busy, if it can: a row is about something else.
func (v *visit) RoundTrip(r *http.Request) (*http.Response, error) {
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

func (v *visit) sendOnce(r *http.Request) (*http.Response, error) {
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
func (v *visit) leaks() []string {
	var out []string
	for _, text := range v.outside(v.ask) {
		if strings.Contains(v.seen.String(), text) {
			out = append(out, text)
		}
	}
	return out
}

// with does the attempt with other credentials than those of the lease.
func with(change func(*visit, *keyhatch.Credentials) error, try attempt) attempt {
	return func(v *visit) error {
		kept := v.lent
		defer func() { v.lent = kept }()
		if err := change(v, &v.lent.Credentials); err != nil {
			return err
		}
		return try(v)
	}
}

// all does attempts one after the other, until one is refused.
func all(tries ...attempt) attempt {
	return func(v *visit) error {
		for _, try := range tries {
			if err := try(v); err != nil {
				return err
			}
		}
		return nil
	}
}

// first does an attempt that must be allowed before another.
func first(try, then attempt) attempt {
	return func(v *visit) error {
		if err := try(v); err != nil {
			return wrong("what comes before it: %v", err)
		}
		return then(v)
	}
}
