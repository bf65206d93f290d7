package keyhatch

import "time"

// Provider is the cloud in which a credential is good.
type Provider string

// AWS is Amazon's cloud, and by a store's endpoint every S3-compatible one.
const AWS Provider = "AWS"

// CredentialKind says what a credential is.
type CredentialKind string

// KeysCredential is a long-lived key pair.
const KeysCredential CredentialKind = "credential"

// Credential is a named upstream authority: what lets us act on an object store.
// It never holds the secret.
type Credential struct {
	ID          string
	Workspace   string // empty: of the installation, for its stores
	Name        string // unique in its workspace, or in the installation
	Provider    Provider
	Kind        CredentialKind
	AccessKeyID string
	CreatedAt   time.Time
	UpdatedAt   time.Time // when its secret was last set
}

// KeyPair is a key of an object store with its secret. It exists in memory only.
type KeyPair struct {
	AccessKeyID     string
	SecretAccessKey Secret
}
