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
	if !t.check("vend", func() finding { return t.open(ctx) }) {
		return t.checks, nil
	}
	if t.check("prepare", func() finding { return t.prepare(ctx) }) {
		for _, a := range attempts {
			t.check(a.name, func() finding { return t.judge(ctx, a) })
		}
		t.check("nothing_changed_outside", func() finding { return t.unchanged(ctx) })
	}
	t.cleanUp(context.WithoutCancel(ctx))
	return t.checks, func(ctx context.Context) keyhatch.Check {
		begun := time.Now()
		f := t.expired(ctx)
		return keyhatch.Check{Name: AfterExpiry, Outcome: f.outcome, Took: time.Since(begun), Reason: f.reason}
	}
}

// AfterExpiry is the check that needs the end of a session.
const AfterExpiry = "after_expiry"

// trial is one proof.
type trial struct {
	Config
	base    string // prefix of all that is written
	keeper  *s3.Client
	tried   *s3.Client
	lent    keyhatch.Credentials
	outside []string // keys that are there, and stay
	checks  []keyhatch.Check
}

type finding struct {
	outcome keyhatch.Outcome
	reason  string
}

var passed = finding{keyhatch.Passed, ""}

func failed(reason string) finding { return finding{keyhatch.Failed, reason} }

func (t *trial) check(name string, look func() finding) (goOn bool) {
	begun := time.Now()
	f := look()
	t.checks = append(t.checks, keyhatch.Check{Name: name, Outcome: f.outcome, Took: time.Since(begun), Reason: f.reason})
	return f.outcome != keyhatch.Failed
}

// open has the two sessions.
func (t *trial) open(ctx context.Context) finding {
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
		return failed(ours.Message)
	case err != nil:
		return failed("the store lends nothing")
	}
	t.keeper, t.tried = t.client(keeper), t.client(t.lent)
	return passed
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
func (t *trial) prepare(ctx context.Context) finding {
	t.outside = []string{t.base + "in", t.base + "inside/secret", t.base + "out/secret", t.base + "secret"}
	for _, key := range append(slices.Clone(t.outside), t.base+"in/kept") {
		if err := put(ctx, t.keeper, t.Bucket, key); err != nil {
			return failed("an object cannot be put with a session that opens it: " + why(err))
		}
	}
	if t.Other != "" {
		if err := put(ctx, t.keeper, t.Other, t.base+"in/secret"); err != nil {
			return failed("an object cannot be put into the other bucket with a session that opens it: " + why(err))
		}
	}
	return passed
}

// judge makes an attempt, and looks whether it came out as it must.
func (t *trial) judge(ctx context.Context, a attempt) finding {
	if a.other && t.Other == "" {
		return finding{keyhatch.Skipped, "there is no other bucket to try it with"}
	}
	err := a.do(ctx, t)
	status := statusOf(err)
	switch {
	case a.works && err == nil:
		return passed
	case a.works:
		return failed("it is refused, and must work: " + why(err))
	case err == nil && a.weakness != "":
		return finding{keyhatch.Warning, a.weakness}
	case err == nil:
		return failed("it works, and must not: the store does not confine its sessions")
	case status >= 400 && status < 500:
		return passed
	}
	return failed("it cannot be told: " + why(err))
}

// unchanged looks whether all that was to be out of reach is there as it was, and
// nothing else.
func (t *trial) unchanged(ctx context.Context) finding {
	list, err := t.keeper.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &t.Bucket, Prefix: &t.base})
	if err != nil {
		return failed("it cannot be told: " + why(err))
	}
	var there []string
	for _, o := range list.Contents {
		if key := aws.ToString(o.Key); !strings.HasPrefix(key, t.base+"in/") {
			there = append(there, key)
		}
	}
	slices.Sort(there)
	if !slices.Equal(there, slices.Sorted(slices.Values(t.outside))) {
		return failed("something was put or deleted that the session does not open")
	}
	return passed
}

// expired waits for the end of the session and tries it then.
func (t *trial) expired(ctx context.Context) finding {
	timer := time.NewTimer(time.Until(t.lent.ExpiresAt) + time.Minute) // clocks may be apart
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return finding{keyhatch.Skipped, "there was no time to wait for the end of a session"}
	}
	err := put(ctx, t.tried, t.Bucket, t.base+"in/late")
	switch status := statusOf(err); {
	case err == nil:
		return failed("the session works after its end")
	case status < 400 || status >= 500:
		return failed("it cannot be told: " + why(err))
	}
	return passed
}

// cleanUp removes what was written.
func (t *trial) cleanUp(ctx context.Context) {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	for _, bucket := range []string{t.Bucket, t.Other} {
		if bucket != "" && !t.emptied(ctx, bucket) {
			t.checks = append(t.checks, keyhatch.Check{Name: "clean_up", Outcome: keyhatch.Warning, Reason: "what was written stays below " + t.base})
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
