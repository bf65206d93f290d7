package keyhatch

import (
	"net/url"
	"regexp"
	"time"
)

// StoreKind says what sort of object store it is.
type StoreKind string

// The kinds.
const (
	// DirectoryStore is a folder of the server's machine: each bucket is a folder
	// in it, each object a file.
	DirectoryStore StoreKind = "directory"
	// S3Store is a store that speaks S3.
	S3Store StoreKind = "s3"
)

// Lending says where a store's leases come from.
type Lending string

const (
	// LendsOwn: our S3 endpoint enforces the lease and forwards to the store.
	LendsOwn Lending = "own"
	// LendsSTS: the store's own token service mints sessions, which the store confines and
	// which live to their end.
	LendsSTS Lending = "sts"
)

// Store is an object store that we hand out keys for.
type Store struct {
	ID        string
	Workspace string // empty: made by an installation admin, for every workspace
	Teamspace string // of the workspace, whose locations alone it serves; empty: for all of it
	Name      string // unique in the installation
	Kind      StoreKind
	Lends     Lending
	Path      string // of a directory store: absolute, inside a configured root
	// Of an S3 store:
	Endpoint     string // URL without a path
	Region       string // that requests are signed for
	Credential   string // id of the credential that acts for us
	OneBucket    bool   // it was made for one bucket, takes no other, and goes with it
	Keys         KeysOf // whose access keys work on it
	KeysEndpoint string // URL of the service that keeps them; empty: AWS's IAM, or Endpoint
	// Console is the URL of the store's own console, in which {bucket} and {prefix} stand
	// for what is to be seen there; empty: none, or AWS's.
	Console string
	// Proof is what was found when it was last tried whether its sessions are confined;
	// nil: that was not tried.
	Proof     *Proof
	CreatedAt time.Time
}

var ofAWSRegion = regexp.MustCompile(`^https://s3\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$`)

// AWSRegion is the region whose S3 an endpoint is at AWS; empty: of none.
func AWSRegion(endpoint string) string {
	found := ofAWSRegion.FindStringSubmatch(endpoint)
	if found == nil {
		return ""
	}
	return found[1]
}

// ReachedWith tells whether an authority of the provider and kind can act for the store.
// One that lends sessions and keeps nothing else is reached as a role, too.
func (s Store) ReachedWith(p Provider, k CredentialKind) bool {
	role := k == RoleCredential && s.Lends == LendsSTS && s.Keys == KeysNone
	return p == AWS && (k == KeysCredential || role)
}

// InTheClear tells whether whoever is on the way to the store, or to the service that
// keeps its keys, can read and change what passes: it is asked without TLS, and is not on
// this machine.
func (s Store) InTheClear() bool { return inTheClear(s.Endpoint) || inTheClear(s.KeysEndpoint) }

func inTheClear(endpoint string) bool {
	u, err := url.Parse(endpoint)
	return err == nil && u.Scheme == "http" && !IsLoopback(u.Hostname())
}
