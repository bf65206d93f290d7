package api

import "time"

// Store is an object store that keys are handed out for.
type Store struct {
	ID           string    `json:"id" example:"store_0mz3k8q2a7c4f9d"`
	Workspace    string    `json:"workspace,omitempty" doc:"Without it, the store serves every workspace"`
	Teamspace    string    `json:"teamspace,omitempty" doc:"Of the workspace, whose locations alone it serves, and who sees which sees it; without it, it serves all of the workspace"`
	OneBucket    bool      `json:"one_bucket,omitempty" doc:"It was made with a storage setting, for its bucket: it takes no other, and goes with it"`
	Name         string    `json:"name" doc:"Unique in the installation" example:"local"`
	Kind         string    `json:"kind" enum:"directory,s3"`
	Path         string    `json:"path,omitempty" doc:"Of a directory store; shown to installation admins"`
	Endpoint     string    `json:"endpoint,omitempty" doc:"Of an S3 store; shown to who manages the store" example:"https://s3.eu-central-1.amazonaws.com"`
	Region       string    `json:"region,omitempty" doc:"Of an S3 store" example:"eu-central-1"`
	Credential   string    `json:"credential,omitempty" doc:"Id of the credential that acts on an S3 store; shown to who manages the store"`
	Lends        string    `json:"lends" enum:"own,sts" doc:"Where its leases come from: own is Keyhatch's S3 endpoint, sts the store's own token service"`
	Console      string    `json:"console,omitempty" doc:"URL of the store's own console; shown to who manages the store" example:"https://console.example/browser/{bucket}/{prefix}"`
	Proof        *Proof    `json:"proof,omitempty" doc:"Whether the store confines its sessions, as it was last tried; shown to who manages the store"`
	Keys         string    `json:"keys" enum:"own,iam,rgw,none" doc:"Whose access keys work on it: Keyhatch's S3 endpoint's, users of its IAM, users of Ceph's RGW, or none"`
	KeysEndpoint string    `json:"keys_endpoint,omitempty" doc:"Where they are kept, when that is not AWS's IAM or the endpoint; shown to who manages the store"`
	CreatedAt    time.Time `json:"created_at"`
}

// Proof is what was found when it was tried whether a store confines the sessions that its
// token service mints.
type Proof struct {
	// The outcome is without the checks of networks, which what is lent for everywhere does
	// not need.
	Verification
	Networks   string     `json:"networks" enum:"passed,failed,skipped,warning" doc:"The worst of the checks whether the store holds sessions for networks to those, without which no location that has networks is lent; skipped: not tried"`
	At         time.Time  `json:"at"`
	By         string     `json:"by" doc:"Id of the user"`
	Bucket     string     `json:"bucket" doc:"In which it was tried"`
	AcceptedBy string     `json:"accepted_by,omitempty" doc:"Who has the store lend although it did not pass"`
	AcceptedAt *time.Time `json:"accepted_at,omitempty"`
}

// StoreTrial says how a store is tried.
type StoreTrial struct {
	Bucket      string `json:"bucket,omitempty" maxLength:"128" doc:"Id or name of one of the store's, in which objects are put, below a prefix of their own, and removed. Default: the first; where they are of several workspaces it must be said"`
	OtherBucket string `json:"other_bucket,omitempty" maxLength:"128" doc:"Another one, of which nothing is open. Default: the next of the same workspace; without one, that it was not tried is a weakness"`
	Wait        bool   `json:"wait,omitempty" doc:"Wait for the end of a session too: until then the proof says when that is"`
}

// StoreAcceptance has a store lend although it did not pass.
type StoreAcceptance struct {
	Name    string     `json:"name" maxLength:"128" doc:"The store's name once more"`
	ProofAt *time.Time `json:"proof_at,omitempty" doc:"The at of the proof that you have looked at: another one is not accepted. Default: whichever there is"`
}

// NewStore makes a store.
type NewStore struct {
	Name         string `json:"name" maxLength:"128"`
	Kind         string `json:"kind" enum:"directory,s3"`
	Path         string `json:"path,omitempty" maxLength:"4096" doc:"Of a directory store: absolute, inside one of the configured directory_roots"`
	Endpoint     string `json:"endpoint,omitempty" maxLength:"300" doc:"Of an S3 store: its URL, without a path" example:"https://s3.eu-central-1.amazonaws.com"`
	Region       string `json:"region,omitempty" maxLength:"64" doc:"Of an S3 store: the region that requests are signed for. Default: us-east-1"`
	Credential   string `json:"credential,omitempty" maxLength:"128" doc:"Of an S3 store: id or name of the credential that acts on it"`
	Keys         string `json:"keys,omitempty" enum:"own,iam,rgw,none" doc:"Of an S3 store: whose access keys work on it. Default: own"`
	KeysEndpoint string `json:"keys_endpoint,omitempty" maxLength:"300" doc:"URL of the IAM service, or of RGW's, when it is not AWS's IAM or the endpoint"`
	Lends        string `json:"lends,omitempty" enum:"own,sts" doc:"Of an S3 store: where its leases come from. One that lends sts lends nothing until it is verified. Default: own"`
	Console      string `json:"console,omitempty" maxLength:"500" doc:"Of an S3 store that is not AWS's: URL of its console, in which {bucket} and {prefix} stand for what is to be seen"`
}

// StoreChange changes what it names of a store.
type StoreChange struct {
	Name       *string `json:"name,omitempty" maxLength:"128"`
	Credential *string `json:"credential,omitempty" maxLength:"128" doc:"Of an S3 store: id or name"`
	Lends      *string `json:"lends,omitempty" enum:"own,sts" doc:"Of an S3 store. What was lent before stays what it is"`
	Console    *string `json:"console,omitempty" maxLength:"500" doc:"Of an S3 store; empty: none"`
}

// Location is a named, owned prefix in a bucket.
type Location struct {
	ID              string    `json:"id" example:"loc_0mz3k8q2a7c4f9d"`
	Workspace       string    `json:"workspace"`
	Store           string    `json:"store"`
	Bucket          string    `json:"bucket"`
	Name            string    `json:"name" doc:"Unique in the workspace" example:"alpha"`
	URL             string    `json:"url" example:"s3://demo/alpha/"`
	Teamspace       string    `json:"teamspace,omitempty" doc:"Whose it is; without it, the workspace's. It gives nobody anything: grants do"`
	Default         bool      `json:"default" doc:"Whether it is the one of its teamspace or workspace"`
	Owner           string    `json:"owner" doc:"The user who may grant on it"`
	Locked          bool      `json:"locked" doc:"No writes, whatever the grants say"`
	LockPending     bool      `json:"lock_pending,omitempty" doc:"The store keeps access keys itself, and has not confirmed for all of them that nothing is written here"`
	Release         string    `json:"release" enum:"none,pending,released" doc:"How far publishing it has come; it is locked unless this is none"`
	MaxLeaseSeconds int       `json:"max_lease_seconds" example:"43200"`
	KMSKey          string    `json:"kms_key,omitempty" doc:"ARN of the KMS key that its objects are encrypted with, which sessions of the store may use"`
	Networks        []string  `json:"networks,omitempty" nullable:"false" doc:"From which it is reached; without any, from everywhere" example:"10.1.0.0/16"`
	Terms           string    `json:"terms,omitempty" doc:"The version of the terms of use that have to be accepted before something of it is lent; without it, none have to"`
	SharedSessions  bool      `json:"shared_sessions,omitempty" doc:"A session that the store minted for one user serves others who may have the same: the store's own record then does not tell who did what"`
	CreatedAt       time.Time `json:"created_at"`
}

// NewLocation makes a location.
type NewLocation struct {
	Name            string `json:"name" maxLength:"128"`
	URL             string `json:"url" maxLength:"1200" example:"s3://demo/alpha/"`
	Teamspace       string `json:"teamspace,omitempty" doc:"Id or name. Default: it is the workspace's"`
	Default         bool   `json:"default,omitempty" doc:"Make it the one of its teamspace or workspace, instead of another"`
	Owner           string `json:"owner,omitempty" doc:"Id or name. Default: you"`
	MaxLeaseSeconds *int   `json:"max_lease_seconds,omitempty" doc:"900 to 604800. Default: 43200"`
	KMSKey          string `json:"kms_key,omitempty" maxLength:"200" doc:"ARN of the KMS key that its objects are encrypted with, where sessions of the store have to name it"`
	SharedSessions  bool   `json:"shared_sessions,omitempty" doc:"Let a session that the store minted for one user serve others who may have the same"`

	Networks []string `json:"networks,omitempty" nullable:"false" maxItems:"100" doc:"From which it is reached. Default: from everywhere" example:"10.1.0.0/16"`
}

// LocationChange changes what it names of a location.
type LocationChange struct {
	Name            *string `json:"name,omitempty" maxLength:"128"`
	Default         *bool   `json:"default,omitempty" doc:"Make it the one of its teamspace or workspace, instead of another"`
	Owner           *string `json:"owner,omitempty" doc:"Id or name"`
	Locked          *bool   `json:"locked,omitempty"`
	Release         *string `json:"release,omitempty" enum:"none,pending,released" doc:"pending and released lock it, and keep it locked; none leaves the lock as it is"`
	MaxLeaseSeconds *int    `json:"max_lease_seconds,omitempty"`
	KMSKey          *string `json:"kms_key,omitempty" maxLength:"200" doc:"Empty: none. For the workspace's admins"`
	SharedSessions  *bool   `json:"shared_sessions,omitempty" doc:"For the workspace's admins"`

	Networks *[]string `json:"networks,omitempty" maxItems:"100" doc:"Empty: from everywhere. Narrowing them ends what was lent before at our own S3 endpoint"`
}

// Terms are the terms of use of a location.
type Terms struct {
	Location   string     `json:"location" doc:"Its id"`
	Version    string     `json:"version,omitempty" doc:"The same whenever title and text are; without it, the location asks for none"`
	Title      string     `json:"title,omitempty" example:"Terms of use of the alpha data"`
	Text       string     `json:"text,omitempty" doc:"Plain text"`
	SetBy      string     `json:"set_by,omitempty"`
	SetAt      *time.Time `json:"set_at,omitempty"`
	AcceptedAt *time.Time `json:"accepted_at,omitempty" doc:"When you have accepted them; without it, you have not"`
}

// NewTerms sets the terms of use of a location.
type NewTerms struct {
	Title string `json:"title,omitempty" maxLength:"200" doc:"One line. Without title and text none have to be accepted"`
	Text  string `json:"text,omitempty" maxLength:"65536" doc:"Plain text"`
}

// AcceptedTerms says which terms are accepted.
type AcceptedTerms struct {
	Version string `json:"version" maxLength:"64" doc:"The one that was read"`
}

// Acceptance is that a user has accepted the terms that a location has.
type Acceptance struct {
	Location   string    `json:"location"`
	User       string    `json:"user"`
	Version    string    `json:"version"`
	AcceptedAt time.Time `json:"accepted_at"`
}

// Grant lets its subject read or write a location or a prefix inside it.
type Grant struct {
	ID        string     `json:"id" example:"grant_0mz3k8q2a7c4f9d"`
	Workspace string     `json:"workspace"`
	Location  string     `json:"location"`
	URL       string     `json:"url" doc:"What it opens" example:"s3://demo/alpha/"`
	To        string     `json:"to" enum:"user,group,teamspace,everyone" doc:"everyone is every active user, never the anonymous"`
	Subject   string     `json:"subject,omitempty" doc:"The id of the user, group or teamspace"`
	Access    string     `json:"access" enum:"read,write" doc:"write includes read"`
	ExpiresAt *time.Time `json:"expires_at,omitempty" doc:"Without it, until taken back"`
	CreatedBy string     `json:"created_by"`
	CreatedAt time.Time  `json:"created_at"`
}

// NewGrant gives a grant.
type NewGrant struct {
	Location  string     `json:"location" doc:"Id or name"`
	Prefix    string     `json:"prefix,omitempty" maxLength:"1024" doc:"Inside the location. Default: all of it" example:"2024/"`
	To        string     `json:"to" enum:"user,group,teamspace,everyone"`
	Subject   string     `json:"subject,omitempty" doc:"The id or name of the user, group or teamspace"`
	Access    string     `json:"access" enum:"read,write"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// GrantChange changes what it names of a grant.
type GrantChange struct {
	Access    *string    `json:"access,omitempty" enum:"read,write"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	NoExpiry  bool       `json:"no_expiry,omitempty" doc:"Let it stand until taken back"`
}
