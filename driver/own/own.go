package own

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
)

// Sealer makes session tokens.
type Sealer interface {
	SealSession(keyhatch.Session) (keyhatch.Secret, error)
}

// Lender lends for one S3 endpoint.
type Lender struct {
	sealer   Sealer
	endpoint string
	region   string
}

// New makes a lender for the endpoint of that URL and signing region.
func New(sealer Sealer, endpoint, region string) *Lender {
	return &Lender{sealer: sealer, endpoint: endpoint, region: region}
}

const (
	maxPrefixes = 20
	// maxTokenBytes keeps a signed request's headers below the 8 KiB that many
	// servers and proxies take.
	maxTokenBytes = 6 << 10
)

// Capabilities implements driver.Lender.
func (l *Lender) Capabilities() driver.Capabilities {
	return driver.Capabilities{
		Revocation:  keyhatch.RevokeImmediate,
		MinLife:     0, // what can be sealed for a day can be for a second
		MaxLife:     keyhatch.LongestMaxLeaseLife,
		MaxPrefixes: maxPrefixes,
	}
}

// Lend implements driver.Lender.
func (l *Lender) Lend(_ context.Context, r driver.LendRequest) (driver.Vended, error) {
	lease := r.Lease
	if len(lease.Parts) == 0 {
		return driver.Vended{}, fmt.Errorf("lend %s: it has no parts", lease.ID)
	}
	id, ok := keyhatch.IDPayload(keyhatch.LeaseID, lease.ID)
	if !ok {
		return driver.Vended{}, fmt.Errorf("lend %s: not a lease's id", lease.ID)
	}
	var random [30]byte // 40 characters, as SDKs expect
	rand.Read(random[:])
	secret := keyhatch.Secret(base64.URLEncoding.EncodeToString(random[:]))
	// The access key id names the lease, so that logs of either side can be
	// matched; it is no secret.
	lease.AccessKeyID = keyhatch.LeaseKeys + strings.ToUpper(id)
	token, err := l.sealer.SealSession(keyhatch.Session{Lease: lease, SecretKey: secret})
	if err != nil {
		return driver.Vended{}, err
	}
	if len(token.Reveal()) > maxTokenBytes && len(lease.Policies) > 0 {
		return driver.Vended{}, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodePolicyTooLarge,
			"the session policies, with those of the leases before it, and the prefixes do not fit into one lease: make them shorter").In("policy")
	}
	if len(token.Reveal()) > maxTokenBytes {
		return driver.Vended{}, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidPrefix,
			"so many long prefixes do not fit into one lease: ask for fewer, or for two leases").In("prefixes")
	}
	return driver.Vended{Credentials: keyhatch.Credentials{
		AccessKeyID:     lease.AccessKeyID,
		SecretAccessKey: secret,
		SessionToken:    token,
		Endpoint:        l.endpoint,
		Region:          l.region,
		ExpiresAt:       lease.ExpiresAt,
	}}, nil
}
