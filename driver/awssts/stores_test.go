package awssts_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/awssts"
	"github.com/keyhatch/keyhatch/driver/drivertest"
	"github.com/keyhatch/keyhatch/driver/drivertest/matrix"
	"github.com/keyhatch/keyhatch/internal/peers"
	"github.com/keyhatch/keyhatch/policy"
)

var _ driver.Vender = (*awssts.Lender)(nil)

func TestMain(m *testing.M) { os.Exit(peers.Main(m)) }

// site is a real store with what acts for us there.
type site struct {
	peers.Store
	store  keyhatch.Store
	as     driver.Acting
	lender *awssts.Lender
}

func keysOf(s peers.Store) keyhatch.Authority {
	a := keyhatch.AWSKeys(s.AccessKeyID, keyhatch.Secret(s.SecretAccessKey))
	a.Endpoint = s.STS
	return a
}

// openMinIO acts with keys: it has no roles. openRGW acts with a role, whose base the
// keys are: it has no sessions for keys.
func openMinIO(t *testing.T) *site {
	t.Helper()
	s := peers.MinIO(t)
	return newSite(t, s, driver.Acting{Authority: keysOf(s)})
}

func openRGW(t *testing.T) *site {
	t.Helper()
	s := peers.RGW(t)
	keys := keysOf(s)
	return newSite(t, s, driver.Acting{
		Authority: keyhatch.Authority{Provider: keyhatch.AWS, Kind: keyhatch.RoleCredential, Principal: s.Role, Endpoint: s.STS}, Base: &keys,
	})
}

func newSite(t *testing.T, s peers.Store, as driver.Acting) *site {
	t.Helper()
	return &site{
		s,
		keyhatch.Store{Name: s.Name, Kind: keyhatch.S3Store, Endpoint: s.Endpoint, Region: s.Region},
		as,
		awssts.New(awssts.Config{Transport: s.HTTPClient(t).Transport, Within: time.Minute}), // a machine that tests may be slow
	}
}

// odd is why prefixes with what means something to IAM are not lent.
const odd = "the store does not know the escapes of IAM's language"

var realStores = []struct {
	name    string
	open    func(*testing.T) *site
	lacks   map[drivertest.Feature]string
	differs map[string]string
}{
	{
		"minio", openMinIO,
		map[drivertest.Feature]string{
			drivertest.OddPrefixes: odd,
			drivertest.UploadLists: "no policy can open the uploads below a prefix", drivertest.ObjectAttributes: "Ceph does not have it, and a store is not asked what it is",
			drivertest.RegionCheck: "MinIO takes every region", drivertest.NoPublicObjects: "MinIO passes over ACLs",
		},
		nil,
	},
	{
		"rgw", openRGW,
		map[drivertest.Feature]string{
			drivertest.OddPrefixes: odd,
			drivertest.UploadLists: "no policy can open the uploads below a prefix", drivertest.ObjectAttributes: "RGW 16 does not have it",
			drivertest.RegionCheck: "RGW takes every region", drivertest.BatchDelete: "RGW 16 refuses it to sessions",
			drivertest.QuietUntagging: "RGW 16 forgets an object's ETag in lists when its tags go",
			drivertest.MissingUploads: "RGW says of an upload that is not there that its completion is in progress, by a 500",
		},
		map[string]string{
			"signed for another service":                           "RGW takes every service",
			"with a tampered session token":                        "RGW 16 does not authenticate its session tokens: see TestTamperedTokensOfRGW",
			"copy a part inside":                                   "RGW 16 does not look at session policies for the source of a part",
			"put an object for everybody":                          "RGW asks no right of who uploads with an ACL: see TestPublicObjectsOfRGW",
			"copy what does not exist outside":                     missing,
			"head what does not exist outside":                     missing,
			"get what does not exist outside":                      missing,
			"get in the prefix in capitals":                        missing,
			"get at the prefix edge: the prefix without its slash": missing,
		},
	},
}

const missing = "RGW tells the sessions of a bucket's owner which keys there are not"

func (s *site) vend(ctx context.Context, life time.Duration, open ...policy.Open) (driver.Vended, error) {
	return s.lender.Vend(ctx, driver.VendRequest{ID: "vend_1", Store: s.store, As: s.as, User: "ann", Client: "test", Open: open, Life: life})
}

func (s *site) client(t *testing.T, v driver.Vended) *s3.Client {
	t.Helper()
	return s.ClientWith(t, aws.Credentials{AccessKeyID: v.AccessKeyID, SecretAccessKey: v.SecretAccessKey.Reveal(), SessionToken: v.SessionToken.Reveal()})
}

// TestConfinement holds the sessions of real stores to the confinement matrix.
func TestConfinement(t *testing.T) {
	for _, tc := range realStores {
		t.Run(tc.name, func(t *testing.T) {
			s := tc.open(t)
			matrix.Run(t, drivertest.Site{
				Store: s.Client(t), Bucket: s.Bucket(t), Other: s.Bucket(t), Lacks: tc.lacks, Differs: tc.differs,
				Capabilities: driver.Capabilities{MinLife: 15 * time.Minute, MaxLife: time.Hour, MaxPrefixes: 10},
				Lend: func(ctx context.Context, ask drivertest.Ask) (drivertest.Lent, error) {
					var open []policy.Open
					for _, p := range ask.Prefixes {
						open = append(open, policy.Open{Bucket: ask.Bucket, Prefix: p, Access: ask.Access})
					}
					life := ask.Life
					if life == 0 {
						life = 15 * time.Minute
					}
					v, err := s.vend(ctx, life, open...)
					return drivertest.Lent{Credentials: v.Credentials}, err
				},
			})
		})
	}
}

func (s *site) put(t *testing.T, bucket, key string) {
	t.Helper()
	if _, err := s.Client(t).PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(key)}); err != nil {
		t.Fatal(err)
	}
}

func (s *site) get(t *testing.T, v driver.Vended, bucket, key string) error {
	t.Helper()
	_, err := s.client(t, v).GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	return err
}

// TestNamesThatStoresTake: whatever a user is called, and when the session is nobody's, a real
// store takes the name. RGW refused every one with a plus.
func TestNamesThatStoresTake(t *testing.T) {
	for _, tc := range realStores {
		t.Run(tc.name, func(t *testing.T) {
			s := tc.open(t)
			for _, r := range []driver.VendRequest{
				{User: "ann+lab@example.org", Client: "job"}, {User: "änn", Client: "a=b, c"}, {Shared: true}, {User: "=keyhatch", Client: "verify"}, {User: "a"},
			} {
				r.ID, r.Store, r.As, r.Life = "vend_0mz3k8q2a7c4f9d", s.store, s.as, 15*time.Minute
				r.Open = policy.Set{{Bucket: "lab", Prefix: "a/", Access: keyhatch.Read}}
				if _, err := s.lender.Vend(t.Context(), r); err != nil {
					t.Errorf("%q, %q: %v", r.User, r.Client, err)
				}
			}
		})
	}
}
