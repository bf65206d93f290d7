package api

import "time"

// AccessKey is a long-lived S3 key of a workspace, for what cannot use leases.
type AccessKey struct {
	ID         string       `json:"id" example:"objkey_0mz3k8q2a7c4f9d"`
	Workspace  string       `json:"workspace"`
	Store      string       `json:"store"`
	Name       string       `json:"name" doc:"Unique in the workspace" example:"backup"`
	Owner      string       `json:"owner" doc:"The user whose it is: what that user does not decide over any more is closed to it"`
	Rights     KeyRights    `json:"rights"`
	Networks   []string     `json:"networks,omitempty" nullable:"false" doc:"From which alone it works: those of the token that it was made with"`
	State      string       `json:"state" enum:"pending,configured,failed" doc:"Whether the store has it as it is to be"`
	Reason     string       `json:"reason,omitempty" doc:"Why it failed"`
	Attempts   int          `json:"attempts,omitempty" doc:"Of one that its store keeps: how often bringing it there has failed since it was changed last"`
	LastError  string       `json:"last_error,omitempty" doc:"Why that failed the last time"`
	Pairs      []IssuedPair `json:"pairs" nullable:"false" doc:"What was issued and works, the newest first"`
	CreatedAt  time.Time    `json:"created_at"`
	ExpiresAt  *time.Time   `json:"expires_at,omitempty"`
	LastUsedAt *time.Time   `json:"last_used_at,omitempty" doc:"Written once a minute at most"`
}

// KeyRights are what an access key opens. All and lists add up.
type KeyRights struct {
	SeeAll   bool     `json:"see_all,omitempty" doc:"It lists the names of all buckets that the workspace has on the store"`
	ReadAll  bool     `json:"read_all,omitempty" doc:"It reads in all of them, also in later ones"`
	WriteAll bool     `json:"write_all,omitempty" doc:"It writes in all of them, also in later ones; to write is not to read"`
	Read     []string `json:"read,omitempty" nullable:"false" maxItems:"1000" doc:"Buckets in which it reads, by name or id; answers have ids"`
	Write    []string `json:"write,omitempty" nullable:"false" maxItems:"1000" doc:"Buckets in which it writes"`
}

// IssuedPair is an access key id with a secret, which was shown when it was issued.
type IssuedPair struct {
	AccessKeyID string     `json:"access_key_id" example:"KHAKX4ZDQP2M7J6TRWVB"`
	IssuedAt    time.Time  `json:"issued_at"`
	EndsAt      *time.Time `json:"ends_at,omitempty" doc:"Of one that was replaced"`
}

// NewAccessKey makes an access key. It has no pair before one is issued.
type NewAccessKey struct {
	Store     string     `json:"store" doc:"Id or name"`
	Name      string     `json:"name" maxLength:"128"`
	Rights    KeyRights  `json:"rights"`
	ExpiresAt *time.Time `json:"expires_at,omitempty" doc:"Default: never, or when your token ends, if that is confined"`
}

// AccessKeyChange changes what it names of an access key.
type AccessKeyChange struct {
	Name         *string    `json:"name,omitempty" maxLength:"128"`
	Rights       *KeyRights `json:"rights,omitempty" doc:"All of them, instead of those before"`
	ExpiresAt    *time.Time `json:"expires_at,omitempty"`
	NeverExpires bool       `json:"never_expires,omitempty"`
}

// IssueRequest asks for another pair of an access key.
type IssueRequest struct {
	GraceSeconds *int `json:"grace_seconds,omitempty" doc:"How long the pair before works on: 0 to 604800. Default: it ends at once"`
}

// IssuedKey is an access key with its new pair, whose secret is shown this once.
type IssuedKey struct {
	AccessKey
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	Endpoint        string `json:"endpoint" doc:"URL of the S3 API" example:"http://127.0.0.1:8751"`
	Region          string `json:"region" doc:"For signing" example:"us-east-1"`
}
