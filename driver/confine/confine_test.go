package confine_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/awssts"
	"github.com/keyhatch/keyhatch/driver/confine"
	"github.com/keyhatch/keyhatch/internal/peers"
	"github.com/keyhatch/keyhatch/policy"
)

func TestMain(m *testing.M) { os.Exit(peers.Main(m)) }

// vending is how sessions of a real store are had.
func vending(t *testing.T, s peers.Store, role bool) confine.Config {
	t.Helper()
	keys := keyhatch.AWSKeys(s.AccessKeyID, keyhatch.Secret(s.SecretAccessKey))
	keys.Endpoint = s.STS
	as := driver.Acting{Authority: keys}
	if role {
		as = driver.Acting{Authority: keyhatch.Authority{Provider: keyhatch.AWS, Kind: keyhatch.RoleCredential, Principal: s.Role, Endpoint: s.STS}, Base: &keys}
	}
	transport := s.HTTPClient(t).Transport
	l := awssts.New(awssts.Config{Transport: transport})
	return confine.Config{
		Transport: transport, Bucket: s.Bucket(t), Other: s.Bucket(t),
		Vend: func(ctx context.Context, open policy.Set) (keyhatch.Credentials, error) {
			v, err := l.Vend(ctx, driver.VendRequest{
				ID: "vend_probe", Store: keyhatch.Store{Endpoint: s.Endpoint, Region: s.Region}, As: as, User: "probe", Open: open, Life: 15 * time.Minute,
			})
			return v.Credentials, err
		},
	}
}

func outcomes(checks []keyhatch.Check, of keyhatch.Outcome) (names []string) {
	for _, c := range checks {
		if c.Outcome == of {
			names = append(names, c.Name)
		}
	}
	return names
}

// TestRealStores: MinIO and Ceph's RGW confine, with what is known of RGW; and nothing
// of the proof stays there.
func TestRealStores(t *testing.T) {
	for _, tc := range []struct {
		name  string
		store func(testing.TB) peers.Store
		role  bool
		warn  string
	}{
		{"minio", peers.MinIO, false, "from_forged_address"},
		{"rgw", peers.RGW, true, "altered_token published"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := tc.store(t)
			c := vending(t, s, tc.role)
			checks, _ := confine.Prove(t.Context(), c)
			if failed := outcomes(checks, keyhatch.Failed); len(failed) > 0 || len(checks) < 36 {
				t.Errorf("%d checks, failed: %q: %+v", len(checks), failed, checks)
			}
			if got := strings.Join(outcomes(checks, keyhatch.Warning), " "); got != tc.warn {
				t.Errorf("it warns of %q", got)
			}
			for _, bucket := range []string{c.Bucket, c.Other} {
				list, err := s.Client(t).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket})
				if err != nil || len(list.Contents) > 0 {
					t.Errorf("%d objects stay, %v", len(list.Contents), err)
					for _, o := range list.Contents {
						t.Log(*o.Key)
					}
				}
			}
		})
	}
}

// TestStoreThatIgnoresThePolicy: sessions that open whatever their authority does fail
// every attempt that must not work.
func TestStoreThatIgnoresThePolicy(t *testing.T) {
	s := peers.MinIO(t)
	c := vending(t, s, false)
	confined := c.Vend
	c.Vend = func(ctx context.Context, _ policy.Set) (keyhatch.Credentials, error) {
		return confined(ctx, policy.Set{{Bucket: c.Bucket, Access: keyhatch.Write}, {Bucket: c.Other, Access: keyhatch.Write}})
	}
	checks, _ := confine.Prove(t.Context(), c)
	failed := outcomes(checks, keyhatch.Failed)
	for _, name := range []string{
		"get_sibling", "put_sibling", "get_without_slash", "list_without_slash", "get_outside", "put_outside", "delete_outside", "multipart_outside",
		"from_elsewhere", "list_what_holds_it", "list_bucket_root", "get_in_other_bucket", "put_in_other_bucket", "list_other_bucket", "nothing_changed_outside",
	} {
		found := false
		for _, f := range failed {
			found = found || f == name
		}
		if !found {
			t.Errorf("%s did not fail; failed: %q", name, failed)
		}
	}
}

// TestStoreThatIsAway: what cannot be tried is not proven.
func TestStoreThatIsAway(t *testing.T) {
	away := func(*http.Request) (*http.Response, error) { return nil, context.DeadlineExceeded }
	checks, _ := confine.Prove(t.Context(), confine.Config{
		Bucket: "lab", Transport: roundTrip(away),
		Vend: func(context.Context, policy.Set) (keyhatch.Credentials, error) {
			return keyhatch.Credentials{AccessKeyID: "ASIAX", SecretAccessKey: "canary", Endpoint: "https://store.example.com", Region: "lab"}, nil
		},
	})
	if failed := outcomes(checks, keyhatch.Failed); len(failed) != 1 || failed[0] != "prepare" {
		t.Errorf("failed: %q of %+v", failed, checks)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestStoreThatIgnoresActions: one that holds sessions to a folder, and lets who may read
// there write, too, does not pass.
func TestStoreThatIgnoresActions(t *testing.T) {
	c := vending(t, peers.MinIO(t), false)
	confined := c.Vend
	c.Vend = func(ctx context.Context, open policy.Set) (keyhatch.Credentials, error) {
		for i := range open {
			open[i].Access = keyhatch.Write
		}
		return confined(ctx, open)
	}
	checks, _ := confine.Prove(t.Context(), c)
	want := "put_with_read multipart_with_read batch_delete_with_read delete_with_read"
	if got := strings.Join(outcomes(checks, keyhatch.Failed), " "); got != want {
		t.Errorf("failed: %q, want %q", got, want)
	}
}

// answering is a store that answers otherwise than it would.
func answering(t *testing.T, otherwise func(r *http.Request, a *http.Response)) confine.Config {
	c := vending(t, peers.MinIO(t), false)
	store := c.Transport
	c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		a, err := store.RoundTrip(r)
		if err == nil {
			otherwise(r, a)
		}
		return a, err
	})
	return c
}

// TestWithoutAnotherBucket: what cannot be tried is told, and is no pass; the attempts were
// skipped before, and the store passed.
func TestWithoutAnotherBucket(t *testing.T) {
	c := vending(t, peers.MinIO(t), false)
	c.Other = ""
	checks, _ := confine.Prove(t.Context(), c)
	proof := keyhatch.Proof{Checks: checks}
	if got := outcomes(checks, keyhatch.Skipped); strings.Join(got, " ") != "get_in_other_bucket put_in_other_bucket list_other_bucket" {
		t.Errorf("skipped: %q", got)
	}
	if got := outcomes(checks, keyhatch.Warning); proof.Outcome() != keyhatch.Warning || !slices.Contains(got, driver.OtherBucket) {
		t.Errorf("it is %s, with warnings %q", proof.Outcome(), got)
	}
}

// TestWhatIsNoRefusal: who is told to come again, that something is not there or that it
// was asked wrongly was not refused.
func TestWhatIsNoRefusal(t *testing.T) {
	for _, status := range []int{http.StatusBadRequest, http.StatusNotFound, http.StatusRequestTimeout, http.StatusTooManyRequests} {
		c := answering(t, func(_ *http.Request, a *http.Response) {
			if a.StatusCode == http.StatusForbidden {
				a.StatusCode = status
			}
		})
		checks, _ := confine.Prove(t.Context(), c)
		failed := " " + strings.Join(outcomes(checks, keyhatch.Failed), " ") + " "
		for _, name := range []string{"get_sibling", "put_outside", "delete_outside", "copy_from_outside", "list_bucket_root", "get_in_other_bucket", "put_with_read"} {
			if !strings.Contains(failed, " "+name+" ") {
				t.Errorf("%d: %s did not fail; failed: %q", status, name, failed)
			}
		}
		if fails := strings.Contains(failed, " altered_token "); fails == (status == http.StatusBadRequest) { // as AWS says that it is no token
			t.Errorf("%d for an altered token; failed: %q", status, failed)
		}
	}
}

// TestSessionThatDies: what is refused to a session that nothing is open to any more tells
// nothing of what was open.
func TestSessionThatDies(t *testing.T) {
	dead := false
	c := answering(t, func(r *http.Request, a *http.Response) {
		dead = dead || strings.Contains(r.URL.Path, "inside/") && a.StatusCode == http.StatusForbidden
		if dead && r.Header.Get("X-Amz-Security-Token") != "" {
			a.StatusCode = http.StatusForbidden
		}
	})
	checks, _ := confine.Prove(t.Context(), c)
	failed := outcomes(checks, keyhatch.Failed)
	if !slices.Contains(failed, driver.WorksStill) || slices.Contains(failed, "get_outside") {
		t.Errorf("failed: %q", failed)
	}
}

// TestEndOfASession: it has ended when the store says so, and not when it is busy.
func TestEndOfASession(t *testing.T) {
	for _, tc := range []struct {
		status int
		code   string
		want   keyhatch.Outcome
	}{
		{http.StatusOK, "", keyhatch.Failed},
		{http.StatusForbidden, "InvalidAccessKeyId", keyhatch.Passed},
		{http.StatusUnauthorized, "Unauthorized", keyhatch.Passed},
		{http.StatusBadRequest, "ExpiredToken", keyhatch.Passed},
		{http.StatusBadRequest, "MalformedXML", keyhatch.Failed},
		{http.StatusNotFound, "NoSuchBucket", keyhatch.Failed},
		{http.StatusTooManyRequests, "SlowDown", keyhatch.Failed},
		{http.StatusInternalServerError, "InternalError", keyhatch.Failed},
	} {
		ends := time.Now().Add(-time.Hour)
		_, later := confine.Prove(t.Context(), confine.Config{
			Bucket: "lab",
			Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				body := "<Error><Code>" + tc.code + "</Code></Error>"
				return &http.Response{StatusCode: tc.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
			}),
			Vend: func(context.Context, policy.Set) (keyhatch.Credentials, error) {
				return keyhatch.Credentials{AccessKeyID: "ASIAX", SecretAccessKey: "canary", Endpoint: "https://store.example.com", Region: "lab", ExpiresAt: ends}, nil
			},
		})
		if got := later.Try(t.Context()); got.Outcome != tc.want || got.Name != driver.AfterExpiry || !later.At.After(ends) {
			t.Errorf("%d %s: %+v, tried at %v", tc.status, tc.code, got, later.At)
		}
	}
}

// TestWhatStays: of uploads that were begun nothing does, and of what keeps versions the
// old ones do, which is told and no weakness.
func TestWhatStays(t *testing.T) {
	s := peers.RGW(t) // MinIO does not list uploads by a prefix
	c := vending(t, s, true)
	store := s.Client(t)
	_, err := store.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: &c.Bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		t.Fatal(err)
	}
	wide := c.Vend // so that uploads are begun outside
	c.Vend = func(ctx context.Context, _ policy.Set) (keyhatch.Credentials, error) {
		return wide(ctx, policy.Set{{Bucket: c.Bucket, Access: keyhatch.Write}, {Bucket: c.Other, Access: keyhatch.Write}})
	}
	checks, _ := confine.Prove(t.Context(), c)
	last := checks[len(checks)-1]
	if last.Name != "clean_up" || last.Outcome != keyhatch.Skipped || !strings.Contains(last.Reason, c.Bucket) || strings.Contains(last.Reason, c.Other) {
		t.Errorf("told: %+v", last)
	}
	if !slices.Contains(outcomes(checks, keyhatch.Failed), "multipart_outside") {
		t.Errorf("no upload was begun to stay: %+v", checks)
	}
	uploads, err := store.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &c.Bucket})
	if err != nil || len(uploads.Uploads) > 0 {
		t.Errorf("%d uploads stay, %v", len(uploads.Uploads), err)
	}
}

// TestFaultOfALender: why a store lends nothing is told who has it tried, who can repair it.
func TestFaultOfALender(t *testing.T) {
	t.Parallel()
	checks, after := confine.Prove(t.Context(), confine.Config{Vend: func(context.Context, policy.Set) (keyhatch.Credentials, error) {
		return keyhatch.Credentials{}, keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "the store lends nothing").Because(awssts.UnknownRole)
	}})
	if after != nil || len(checks) != 1 || checks[0].Outcome != keyhatch.Failed || checks[0].Reason != string(awssts.UnknownRole) {
		t.Errorf("%+v", checks)
	}
}
