package keys

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
)

// Site is a store and the driver that keeps keys there.
type Site struct {
	Store keyhatch.Store
	// Transport reaches the store.
	Transport http.RoundTripper
	// New makes the driver of an installation.
	New func(transport http.RoundTripper, cluster string) driver.KeyProvisioner
	// Stranger makes a user at the store that is none of ours, with a pair, named so,
	// and returns what tells what it is and has.
	Stranger func(t *testing.T, name string) (look func() string)
	// TooMuch is how many buckets are too many for a key.
	TooMuch int

	// Of a store that enforces rights; nil of one that does not.
	Admin  *s3.Client // who may do everything
	Client func(keyhatch.KeyPair) *s3.Client
	Bucket func(testing.TB) string // makes a bucket
	// IAM is the URL of what a key's user could change its own rights with.
	IAM string

	// Differs are the rows that come out the other way here, by their names, with the
	// reason.
	Differs map[string]string
	// Lacks are the rows of which the store says that it does no such thing, by their
	// names, with how it says that.
	Lacks map[string]Lack
}

// Lack is how a store refuses what it does not do. Another status is a fault: what is away
// or broken has refused nothing.
type Lack struct {
	Status int // of HTTP
	Reason string
}

// Run holds the site to everything.
func Run(t *testing.T, s Site) {
	t.Helper()
	t.Run("life", s.life)
	if s.Admin == nil {
		t.Log("this store enforces no rights: they were not tried")
		return
	}
	t.Run("rights", s.rights)
}

// RunRights holds a site to what its keys open, as Run does, where no driver keeps them: of
// New only Put and Issue are called.
func RunRights(t *testing.T, s Site) {
	t.Helper()
	g, pair := s.opened(t)
	g.opens(t, pair)
}

const (
	cluster   = "suite"
	neighbour = "suitf" // differs in the last place only
)

func newKey() string { return keyhatch.NewID(keyhatch.KeyID, time.Now()) }

func ids(pairs ...keyhatch.KeyPair) []string {
	var out []string
	for _, p := range pairs {
		out = append(out, p.AccessKeyID)
	}
	slices.Sort(out)
	return out
}
