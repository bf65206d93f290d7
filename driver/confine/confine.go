package confine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/bounded"
	"github.com/keyhatch/keyhatch/policy"
)

// Config is what is proven.
type Config struct {
	// Vend mints credentials of the store, as the broker will.
	Vend func(context.Context, policy.Set) (keyhatch.Credentials, error)
	// Transport makes the connections; it decides to what addresses (S10).
	Transport http.RoundTripper
	Bucket    string // in which it is tried
	Other     string // another bucket of the store; empty: what is about one is skipped
}

// Prove tries all that must work and all that must not, and tells how each came out. A
// store of which one Failed does not confine, or does not lend. A Warning is a weakness
// of the store that its operator has to know of. after, nil when there is no session,
// waits for the end of one and tries it then.
func Prove(ctx context.Context, c Config) (checks []keyhatch.Check, after func(context.Context) keyhatch.Check) {
	t := &trial{Config: c, base: "keyhatch-probe-" + strings.ToLower(rand.Text()) + "/"}
	if !t.Check("vend", func() driver.Finding { return t.open(ctx) }) {
		return t.Checks, nil
	}
	if t.Check("prepare", func() driver.Finding { return t.prepare(ctx) }) {
		for _, a := range attempts {
			t.Check(a.name, func() driver.Finding { return t.judge(ctx, a) })
		}
		t.Check("nothing_changed_outside", func() driver.Finding { return t.unchanged(ctx) })
	}
	t.cleanUp(context.WithoutCancel(ctx))
	return t.Checks, func(ctx context.Context) keyhatch.Check {
		var r driver.Report
		r.Check(AfterExpiry, func() driver.Finding { return t.expired(ctx) })
		return r.Checks[0]
	}
}

// AfterExpiry is the check that needs the end of a session.
const AfterExpiry = "after_expiry"

// trial is one proof.
type trial struct {
	Config
	driver.Report
	base    string // prefix of all that is written
	keeper  *s3.Client
	tried   *s3.Client
	lent    keyhatch.Credentials
	outside []string // keys that are there, and stay
}

// open has the two sessions.
func (t *trial) open(ctx context.Context) driver.Finding {
	all := policy.Set{{Bucket: t.Bucket, Prefix: keyhatch.Prefix(t.base), Access: keyhatch.Write}}
	if t.Other != "" {
		all = append(all, policy.Open{Bucket: t.Other, Prefix: keyhatch.Prefix(t.base), Access: keyhatch.Write})
	}
	keeper, err := t.Vend(ctx, all)
	if err == nil {
		t.lent, err = t.Vend(ctx, policy.Set{{Bucket: t.Bucket, Prefix: keyhatch.Prefix(t.base + "in/"), Access: keyhatch.Write}})
	}
	var ours *keyhatch.Error
	switch {
	case errors.As(err, &ours):
		return driver.Failed(ours.Message)
	case err != nil:
		return driver.Failed("the store lends nothing")
	}
	t.keeper, t.tried = t.client(keeper), t.client(t.lent)
	return driver.Passed
}

func (t *trial) client(c keyhatch.Credentials) *s3.Client {
	return s3.New(s3.Options{
		Region: c.Region, BaseEndpoint: &c.Endpoint, UsePathStyle: true, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal()),
		HTTPClient: &http.Client{
			Transport: bounded.Transport{RoundTripper: t.Transport}, Timeout: oneRequest,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	})
}

const (
	oneRequest = 10 * time.Second
)

// prepare puts what must not be reached: beside the folder, before it, and what has its
// name without the slash.
func (t *trial) prepare(ctx context.Context) driver.Finding {
	t.outside = []string{t.base + "in", t.base + "inside/secret", t.base + "out/secret", t.base + "secret"}
	for _, key := range append(slices.Clone(t.outside), t.base+"in/kept") {
		if err := put(ctx, t.keeper, t.Bucket, key); err != nil {
			return driver.Failed("an object cannot be put with a session that opens it: " + why(err))
		}
	}
	if t.Other != "" {
		if err := put(ctx, t.keeper, t.Other, t.base+"in/secret"); err != nil {
			return driver.Failed("an object cannot be put into the other bucket with a session that opens it: " + why(err))
		}
	}
	return driver.Passed
}

// judge makes an attempt, and looks whether it came out as it must.
func (t *trial) judge(ctx context.Context, a attempt) driver.Finding {
	if a.other && t.Other == "" {
		return driver.Found(keyhatch.Skipped, "there is no other bucket to try it with")
	}
	err := a.do(ctx, t)
	status := statusOf(err)
	switch {
	case a.works && err == nil:
		return driver.Passed
	case a.works:
		return driver.Failed("it is refused, and must work: " + why(err))
	case err == nil && a.weakness != "":
		return driver.Found(keyhatch.Warning, a.weakness)
	case err == nil:
		return driver.Failed("it works, and must not: the store does not confine its sessions")
	case status >= 400 && status < 500:
		return driver.Passed
	}
	return driver.Failed("it cannot be told: " + why(err))
}

// unchanged looks whether all that was to be out of reach is there as it was, and
// nothing else.
func (t *trial) unchanged(ctx context.Context) driver.Finding {
	list, err := t.keeper.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &t.Bucket, Prefix: &t.base})
	if err != nil {
		return driver.Failed("it cannot be told: " + why(err))
	}
	var there []string
	for _, o := range list.Contents {
		if key := aws.ToString(o.Key); !strings.HasPrefix(key, t.base+"in/") {
			there = append(there, key)
		}
	}
	slices.Sort(there)
	if !slices.Equal(there, slices.Sorted(slices.Values(t.outside))) {
		return driver.Failed("something was put or deleted that the session does not open")
	}
	return driver.Passed
}

// expired waits for the end of the session and tries it then.
func (t *trial) expired(ctx context.Context) driver.Finding {
	timer := time.NewTimer(time.Until(t.lent.ExpiresAt) + time.Minute) // clocks may be apart
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return driver.Found(keyhatch.Skipped, "there was no time to wait for the end of a session")
	}
	err := put(ctx, t.tried, t.Bucket, t.base+"in/late")
	switch status := statusOf(err); {
	case err == nil:
		return driver.Failed("the session works after its end")
	case status < 400 || status >= 500:
		return driver.Failed("it cannot be told: " + why(err))
	}
	return driver.Passed
}

// cleanUp removes what was written.
func (t *trial) cleanUp(ctx context.Context) {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	for _, bucket := range []string{t.Bucket, t.Other} {
		if bucket != "" && !t.emptied(ctx, bucket) {
			t.Checks = append(t.Checks, keyhatch.Check{Name: "clean_up", Outcome: keyhatch.Warning, Reason: "what was written stays below " + t.base})
			return
		}
	}
}

// emptied deletes what there is until there is nothing: MinIO lists what lies below an
// object's name only when the object is gone.
func (t *trial) emptied(ctx context.Context, bucket string) bool {
	const passes = 5
	for range passes {
		list, err := t.keeper.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &t.base})
		if err != nil {
			return false
		}
		if len(list.Contents) == 0 {
			return true
		}
		for _, o := range list.Contents {
			if _, err := t.keeper.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: o.Key}); err != nil {
				return false
			}
		}
	}
	return false
}

// statusOf is how a store refused; 0: it did not, or was not reached.
func statusOf(err error) int {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

// why tells of a failure by its code: what else a store says is not for showing.
func why(err error) string {
	var said smithy.APIError
	switch {
	case statusOf(err) == 0:
		return "the store does not answer"
	case errors.As(err, &said) && len(said.ErrorCode()) <= 64:
		return fmt.Sprintf("%d %q", statusOf(err), said.ErrorCode())
	}
	return fmt.Sprint(statusOf(err))
}
