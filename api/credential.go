package api

import "time"

// Credential is a named upstream authority: what lets Keyhatch act on an object
// store. Its secret is never shown.
type Credential struct {
	ID          string    `json:"id" example:"cred_0mz3k8q2a7c4f9d"`
	Workspace   string    `json:"workspace,omitempty" doc:"Without it, it is the installation's"`
	Name        string    `json:"name" example:"archive"`
	Provider    string    `json:"provider" enum:"AWS" doc:"AWS is also every S3-compatible store"`
	Kind        string    `json:"kind" enum:"credential" doc:"credential: a long-lived key pair"`
	AccessKeyID string    `json:"access_key_id"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at" doc:"When its keys were last set"`
}

// NewCredential makes a credential.
type NewCredential struct {
	Name string `json:"name" maxLength:"128"`
	KeyPair
}

// KeyPair is a key of an object store with its secret.
type KeyPair struct {
	AccessKeyID     string `json:"access_key_id" maxLength:"512"`
	SecretAccessKey string `json:"secret_access_key" maxLength:"512"`
}

// CredentialChange changes what it names of a credential.
type CredentialChange struct {
	Name *string  `json:"name,omitempty" maxLength:"128"`
	Keys *KeyPair `json:"keys,omitempty" doc:"Others that act from the next request on"`
}
