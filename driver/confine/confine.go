package confine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
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
	Other     string // another bucket of the store; empty: what is about one is skipped, which is a weakness
}

// Prove tries all that must work and all that must not, and tells how each came out. A
// store of which one Failed does not confine, or does not lend. A Warning is a weakness
// of the store that its operator has to know of. later is nil when there is no session.
func Prove(ctx context.Context, c Config) (checks []keyhatch.Check, later *driver.Later) {
	t := &trial{Config: c, base: "keyhatch-probe-" + strings.ToLower(rand.Text()) + "/"}
	if !t.Check("vend", func() driver.Finding { return t.open(ctx) }) {
		return t.Checks, nil
	}
	if t.Check("prepare", func() driver.Finding { return t.prepare(ctx) }) {
		if t.Other == "" {
			t.Check(driver.OtherBucket, func() driver.Finding { return driver.Found(keyhatch.Warning, otherUnknown) })
		}
		for _, a := range attempts {
			t.Check(a.name, func() driver.Finding { return t.judge(ctx, a) })
		}
		t.Check("nothing_changed_outside", func() driver.Finding { return t.unchanged(ctx) })
	}
	t.cleanUp(context.WithoutCancel(ctx))
	at := t.lent.ExpiresAt.Add(time.Minute) // clocks may be apart
	return t.Checks, &driver.Later{At: at, Try: func(ctx context.Context) keyhatch.Check {
		var r driver.Report
		r.Check(driver.AfterExpiry, func() driver.Finding { return t.expired(ctx, at) })
		return r.Checks[0]
	}}
}

const otherUnknown = "it was not tried whether sessions reach other buckets, since no other one is known: put another bucket of the store on record, or name one of another workspace, and verify again"

// trial is one proof.
type trial struct {
	Config
	driver.Report
	base    string // prefix of all that is written
	keeper  *s3.Client
	tried   *s3.Client
	reader  *s3.Client // with a session that opens the same folder, to read
	lent    keyhatch.Credentials
	outside []string // keys that are there, and stay
	uploads []upload // that were begun
	kept    []string // buckets that keep versions
}

// open has the sessions.
func (t *trial) open(ctx context.Context) driver.Finding {
	all := policy.Set{{Bucket: t.Bucket, Prefix: keyhatch.Prefix(t.base), Access: keyhatch.Write}}
	if t.Other != "" {
		all = append(all, policy.Open{Bucket: t.Other, Prefix: keyhatch.Prefix(t.base), Access: keyhatch.Write})
	}
	keeper, err := t.Vend(ctx, all)
	folder := policy.Open{Bucket: t.Bucket, Prefix: keyhatch.Prefix(t.base + "in/"), Access: keyhatch.Write}
	if err == nil {
		t.lent, err = t.Vend(ctx, policy.Set{folder})
	}
	var reads keyhatch.Credentials
	if err == nil {
		folder.Access = keyhatch.Read
		reads, err = t.Vend(ctx, policy.Set{folder})
	}
	var fault driver.Fault
	var ours *keyhatch.Error
	switch {
	case errors.As(err, &fault): // it is the operator who reads it
		return driver.Failed(fault.ForOperators())
	case errors.As(err, &ours):
		return driver.Failed(ours.Message)
	case err != nil:
		return driver.Failed("the store lends nothing")
	}
	t.keeper, t.tried, t.reader = t.client(keeper), t.client(t.lent), t.client(reads)
	return driver.Passed
}

// folder is the folder in/, to read, from networks.
func (t *trial) folder(from []netip.Prefix) policy.Open {
	in := keyhatch.Prefix(t.base + "in/")
	return policy.Open{Bucket: t.Bucket, Prefix: in, Access: keyhatch.Read, Confined: []policy.Confined{{Prefix: in, Networks: from}}}
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

const oneRequest = 10 * time.Second

// prepare puts what must not be reached: beside the folder, before it, and what has its
// name without the slash; and in it what is read.
func (t *trial) prepare(ctx context.Context) driver.Finding {
	t.outside = []string{t.base + "in", t.base + "inside/secret", t.base + "out/secret", t.base + "secret"}
	for _, key := range append(slices.Clone(t.outside), t.base+"in/kept", t.base+"in/spare") {
		if err := t.place(ctx, t.Bucket, key); err != nil {
			return driver.Failed("an object cannot be put with a session that opens it: " + why(err))
		}
	}
	if t.Other != "" {
		if err := t.place(ctx, t.Other, t.base+"in/secret"); err != nil {
			return driver.Failed("an object cannot be put into the other bucket with a session that opens it: " + why(err))
		}
	}
	return driver.Passed
}

// place puts an object that is there before anything is tried.
func (t *trial) place(ctx context.Context, bucket, key string) error {
	out, err := t.keeper.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("keyhatch")})
	if err != nil {
		return err
	}
	if v := aws.ToString(out.VersionId); v != "" && v != "null" && !slices.Contains(t.kept, bucket) {
		t.kept = append(t.kept, bucket)
	}
	return nil
}

// judge makes an attempt, and looks whether it came out as it must.
func (t *trial) judge(ctx context.Context, a attempt) driver.Finding {
	if a.other && t.Other == "" {
		return driver.Found(keyhatch.Skipped, "there is no other bucket to try it with")
	}
	if a.reads || a.from != nil {
		tried := t.tried
		t.tried = t.reader
		defer func() { t.tried = tried }()
	}
	if a.from != nil {
		lent, err := t.Vend(ctx, policy.Set{t.folder(a.from)})
		if err != nil {
			return driver.Failed("the store lends nothing that is for networks: " + why(err))
		}
		t.tried = t.client(lent)
	}
	err := a.do(ctx, t)
	switch {
	case a.works && err == nil:
		return driver.Passed
	case a.works:
		return driver.Failed("it is refused, and must work: " + why(err))
	case err == nil && a.weakness != "":
		return driver.Found(keyhatch.Warning, a.weakness)
	case err == nil:
		return driver.Failed("it works, and must not: the store does not confine its sessions")
	case refused(err, a.also...):
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
func (t *trial) expired(ctx context.Context, at time.Time) driver.Finding {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return driver.Found(keyhatch.Skipped, "there was no time to wait for the end of a session")
	}
	err := put(ctx, t.tried, t.Bucket, t.base+"in/late")
	switch {
	case err == nil:
		return driver.Failed("the session works after its end")
	case refused(err) || ended(err):
		return driver.Passed
	}
	return driver.Failed("it cannot be told: " + why(err))
}

// statusOf is how a store refused; 0: it did not, or was not reached.
func statusOf(err error) int {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

// refused tells whether a store said that somebody may not, which is 401 or 403, or what
// else an attempt has for that. Whoever is told to come again later, or that something is
// not there, was not refused.
func refused(err error, also ...int) bool {
	status := statusOf(err)
	return status == http.StatusUnauthorized || status == http.StatusForbidden || slices.Contains(also, status)
}

// ended tells whether a store said, as AWS does with 400, that a session is not one any
// more.
func ended(err error) bool {
	var said smithy.APIError
	return statusOf(err) == http.StatusBadRequest && errors.As(err, &said) && slices.Contains([]string{"ExpiredToken", "InvalidToken"}, said.ErrorCode())
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
