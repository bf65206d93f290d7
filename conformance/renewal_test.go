package conformance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/api"
	keyhatch "github.com/keyhatch/keyhatch/client"
)

// The leases of these tests are short, so that three of them end, one after the other,
// while a program runs and somebody waits.
const (
	shortLife = 60 * time.Second
	expiries  = 3
	// runFor is how long programs run. Those that renew a lease when it has ended, and
	// not before, are some seconds late each time.
	runFor = expiries*shortLife + 15*time.Second
)

// way is how a program comes by its leases.
type way string

const (
	byProfile     way = "profile"      // credential_process, from keyhatch lease -o profile
	byExec        way = "exec"         // a container endpoint of keyhatch exec
	byContainer   way = "container"    // the server's container endpoint
	byWebIdentity way = "web-identity" // the server's STS wire
	byProvider    way = "provider"     // client/leasecreds
)

// refusal is why a program has not a way, and what it says when it is told to go it.
type refusal struct{ why, says string }

// renewals are the programs, and for each the ways by which it renews its leases. A
// way that a program has not is in none with the reason, and tested as well: it gets
// no lease by it, and says so.
var renewals = []struct {
	program string
	ways    []way
	none    map[way]refusal
	start   func(t *testing.T, u borrower, w way) running
}{
	{program: "boto3", ways: []way{byProfile, byExec, byContainer, byWebIdentity}, start: renewBoto3},
	{program: "aws-s3-sync", ways: []way{byProfile, byExec, byContainer, byWebIdentity}, start: renewSync},
	{
		program: "duckdb", ways: []way{byProfile, byExec, byContainer}, start: renewDuckDB,
		none: map[way]refusal{byWebIdentity: {
			"its SDK, for C++, asks Amazon's STS and no other: AWS_ENDPOINT_URL_STS is nothing to it",
			`^Secret Validation Failure: during .generate. using the following:\s+Credential Chain: 'web_identity'\s*$`,
		}},
	},
	{program: "go-sdk", ways: []way{byProfile, byExec, byContainer, byWebIdentity, byProvider}, start: renewGoSDK},
	{
		program: "rclone", ways: []way{byProfile, byExec, byContainer}, start: renewRclone,
		none: map[way]refusal{byWebIdentity: {
			"its SDK, the first for Go, does not know AWS_ENDPOINT_URL_STS, and takes the S3 endpoint that it is given for an STS",
			`(?s)^WebIdentityErr: failed to retrieve credentials\ncaused by: SerializationError: .*status code: 501,`,
		}},
	},
}

// running is a program that runs.
type running interface {
	// wait waits until it has done what it does for as long as it was to, and fails the
	// test unless all of it went well.
	wait(t *testing.T)
}

// TestProgramsAcrossExpiries: programs with nothing but their own way to come by
// leases go on while one lease after the other ends. Each has a token of its own, by
// which the server's record tells what they borrowed and asked.
//
// They all run at once, and begin before the tests that run side by side: those do
// not wait for them.
func TestProgramsAcrossExpiries(t *testing.T) {
	p := startShort(t)
	programs := map[string]running{}
	borrowers := map[string]borrower{}
	for _, r := range renewals {
		for _, w := range r.ways {
			name := r.program + "-" + string(w)
			u := newBorrower(t, p, name)
			borrowers[name], programs[name] = u, r.start(t, u, w)
		}
	}
	t.Parallel()
	for _, name := range slices.Sorted(maps.Keys(programs)) {
		t.Run(name, func(t *testing.T) { programs[name].wait(t) })
	}
	requests := requestsByToken(t, p)
	leases := leasesByToken(t, p)
	for name, u := range borrowers {
		if err := crossed(requests[u.token], leases[u.token], strings.HasPrefix(name, "duckdb-")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestProgramsThatCannotRenew: the ways that programs have not are tried too, so that
// it is noticed when they come to have them.
func TestProgramsThatCannotRenew(t *testing.T) {
	t.Parallel()
	p := start(t)
	for _, r := range renewals {
		for w, refused := range r.none {
			t.Run(r.program+"-"+string(w), func(t *testing.T) {
				u := newBorrower(t, p, r.program+"-"+string(w))
				// Of a region that is none, Amazon has no host to which the token could go.
				u.region = "xx-nowhere-1"
				out, err := r.start(t, u, w).(*background).result()
				var exit *exec.ExitError
				switch {
				case err == nil:
					t.Errorf("it works, though %s:\n%s", refused.why, out)
				case !errors.As(err, &exit) || exit.ExitCode() != 1:
					t.Errorf("%v, want status 1:\n%s", err, out)
				case !regexp.MustCompile(refused.says).MatchString(complaint.ReplaceAllString(out, "")):
					t.Errorf("it fails for another reason than that %s:\n%s", refused.why, out)
				}
				if n := len(leasesByToken(t, p)[u.token]); n != 0 {
					t.Errorf("it borrowed %d leases, though %s", n, refused.why)
				}
			})
		}
	}
}

// complaint is what stands before what a program complains of.
var complaint = regexp.MustCompile(`(?s)^.*(_duckdb\.Error: |Failed to cat: )`)

// startShort starts a server of its own whose leases are short.
func startShort(t *testing.T) place {
	t.Helper()
	s := ownDev(t, "--shortest-lease", shortLife.String())
	// Who asks for no life gets the location's longest.
	seconds := int(shortLife.Seconds())
	if _, err := keyhatch.New(s.API, s.Token).UpdateLocation(t.Context(), "alpha", api.LocationChange{MaxLeaseSeconds: &seconds}); err != nil {
		t.Fatal(err)
	}
	bucket, own, _ := strings.Cut(strings.TrimPrefix(s.Location, "s3://"), "/")
	return place{Server: s, bucket: bucket, own: own}
}

func leasesByToken(t *testing.T, p place) map[string]map[string]api.Lease {
	t.Helper()
	all := map[string]map[string]api.Lease{}
	for l, err := range keyhatch.New(p.API, p.Token).Leases(context.WithoutCancel(t.Context()), false) {
		if err != nil {
			t.Fatal(err)
		}
		if all[l.Token] == nil {
			all[l.Token] = map[string]api.Lease{}
		}
		all[l.Token][l.ID] = l
	}
	return all
}

// requestsByToken gives what was asked of the S3 endpoint, oldest first.
func requestsByToken(t *testing.T, p place) map[string][]api.ObjectRequest {
	t.Helper()
	all := map[string][]api.ObjectRequest{}
	for r, err := range keyhatch.New(p.API, p.Token).ObjectRequests(t.Context(), keyhatch.ObjectRequestFilter{Location: p.Location}) {
		if err != nil {
			t.Fatal(err)
		}
		all[r.Token] = append(all[r.Token], r)
	}
	for _, requests := range all {
		slices.Reverse(requests)
	}
	return all
}

// crossed reads from the record that a program went on after the end of leases that
// it had used, and that nothing it asked was refused. One that takes a refusal for the
// sign to renew may have those, and those alone.
func crossed(requests []api.ObjectRequest, leases map[string]api.Lease, byRefusal bool) error {
	var errs []error
	var ends time.Time
	used, ended := map[string]bool{}, -1
	for _, r := range requests {
		switch {
		case r.Status == 0, byRefusal && r.Code == "ExpiredToken":
			continue // 0: under way, its end is another one
		case r.Status/100 != 2:
			errs = append(errs, fmt.Errorf("%s of %s at %v: %d %s", r.Operation, r.Key, r.At, r.Status, r.Code))
		}
		used[r.Lease] = true
		if l, ok := leases[r.Lease]; !ok {
			errs = append(errs, fmt.Errorf("a request with lease %s, which is not its own", r.Lease))
		} else if r.At.After(ends) && l.ExpiresAt.After(ends) {
			ends = l.ExpiresAt
			ended++
		}
	}
	for _, l := range leases {
		if life := l.ExpiresAt.Sub(l.IssuedAt); life != shortLife {
			errs = append(errs, fmt.Errorf("lease %s lasts %v", l.ID, life))
		}
	}
	if len(used) <= expiries || ended < expiries {
		errs = append(errs, fmt.Errorf("it used %d leases of %d, and %d of them ended before it did, want %d (%d requests)", len(used), len(leases), ended, expiries, len(requests)))
	}
	return errors.Join(errs...)
}
