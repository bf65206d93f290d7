package confine_test

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
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
		{"minio", peers.MinIO, false, ""},
		{"rgw", peers.RGW, true, "altered_token published"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := tc.store(t)
			c := vending(t, s, tc.role)
			checks, _ := confine.Prove(t.Context(), c)
			if failed := outcomes(checks, keyhatch.Failed); len(failed) > 0 || len(checks) < 26 {
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
		"list_what_holds_it", "list_bucket_root", "get_in_other_bucket", "put_in_other_bucket", "list_other_bucket", "nothing_changed_outside",
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
