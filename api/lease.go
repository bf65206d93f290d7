package api

import "time"

// LeaseRequest asks for short-lived credentials.
type LeaseRequest struct {
	Location        string   `json:"location" maxLength:"1200" doc:"A location's id or name, or an s3:// address inside one" example:"s3://demo/alpha/"`
	Access          string   `json:"access" enum:"read,write" doc:"read: get and list; write: also put, delete, multipart uploads and tagging"`
	Prefixes        []string `json:"prefixes,omitempty" nullable:"false" maxItems:"100" doc:"Narrow it: s3:// addresses in locations of the same store, or prefixes inside the location. Default: all of the location"`
	Policy          string   `json:"policy,omitempty" doc:"A session policy in IAM's language, as text: the lease opens only what it allows, too. At most 2,048 characters"`
	SessionName     string   `json:"session_name,omitempty" doc:"What you call it, for the record: 2 to 64 of letters, digits and _+=,.@-" example:"nightly-job"`
	DurationSeconds *int     `json:"duration_seconds,omitempty" doc:"At least 900, at most what location, grants, token and store allow. Default: 3600, or less where a limit is lower"`
	MinDuration     *int     `json:"min_duration_seconds,omitempty" doc:"Accept a lease that is shorter than duration_seconds, down to this: where a limit is lower, or the store's session that another lease has still lasts so long. Default: duration_seconds"`
	Console         bool     `json:"console,omitempty" doc:"Also make a URL where people see in a browser what the lease opens, of stores that have one"`
}

// Lease is the record of what was lent, without the secret.
type Lease struct {
	ID          string     `json:"id" example:"lease_0mz3k8q2a7c4f9d"`
	Workspace   string     `json:"workspace"`
	User        string     `json:"user"`
	Token       string     `json:"token" doc:"The token that borrowed it, or that made the access key"`
	Pair        string     `json:"pair,omitempty" doc:"The access key id of the access key's pair that it was borrowed with; it ends with that" example:"KHAKEXAMPLEEXAMPLE22"`
	Store       string     `json:"store" doc:"The store's name"`
	AccessKeyID string     `json:"access_key_id"`
	Vend        string     `json:"vend,omitempty" doc:"Of a store's own session: the id under which it was minted, also in the store's record. Leases that share it have the same keys"`
	Revocation  string     `json:"revocation" enum:"immediate,none" doc:"How soon revoking it takes hold: at once, or never, since a store's own session lives to its end"`
	Access      string     `json:"access" enum:"read,write"`
	Prefixes    []string   `json:"prefixes" nullable:"false" example:"[\"s3://demo/alpha/\"]"`
	Grants      []string   `json:"grants" nullable:"false" doc:"The grant that each prefix rests on; none with an access key"`
	SessionName string     `json:"session_name,omitempty" doc:"What its borrower calls it"`
	Policies    []string   `json:"policies,omitempty" nullable:"false" doc:"Session policies that narrow it, every one of them; its own is the last"`
	Ancestors   []string   `json:"ancestors,omitempty" nullable:"false" doc:"The leases that it was borrowed with; it ends with any of them"`
	IssuedAt    time.Time  `json:"issued_at"`
	ExpiresAt   time.Time  `json:"expires_at"`
	RevokedAt   *time.Time `json:"revoked_at,omitempty"`
}

// Lent is a lease with its credentials, which are shown this once.
type Lent struct {
	ID              string    `json:"id" example:"lease_0mz3k8q2a7c4f9d"`
	AccessKeyID     string    `json:"access_key_id"`
	SecretAccessKey string    `json:"secret_access_key"`
	SessionToken    string    `json:"session_token"`
	ExpiresAt       time.Time `json:"expires_at"`
	Endpoint        string    `json:"endpoint" doc:"URL of the S3 API" example:"http://127.0.0.1:8751"`
	Region          string    `json:"region" doc:"For signing" example:"us-east-1"`
	Workspace       string    `json:"workspace" doc:"Its id. Who asks for the next lease names it: what is implied changes when a user comes into a second workspace" example:"ws_0mz3k8q2a7c4f9d"`
	Store           string    `json:"store" doc:"The store's name" example:"local"`
	Access          string    `json:"access" enum:"read,write"`
	Prefixes        []string  `json:"prefixes" nullable:"false" example:"[\"s3://demo/alpha/\"]"`
	Grants          []string  `json:"grants" nullable:"false" doc:"The grant that each prefix rests on"`
	Revocation      string    `json:"revocation" enum:"immediate,none" doc:"How soon revoking it takes hold: at once, or never, since a store's own session lives to its end"`
	ConsoleURL      string    `json:"console_url,omitempty" doc:"Where people see in a browser what it opens. At AWS whoever has it is logged in: it is as secret as the keys, and has to be used within 15 minutes"`
}

// Event is one line of the audit record.
type Event struct {
	ID        string            `json:"id" example:"event_0mz3k8q2a7c4f9d"`
	Chain     string            `json:"chain" doc:"Of the process that wrote it"`
	Seq       int64             `json:"seq" doc:"Its place in the chain"`
	At        time.Time         `json:"at"`
	Workspace string            `json:"workspace,omitempty"`
	User      string            `json:"user,omitempty" doc:"Who did it"`
	Token     string            `json:"token,omitempty"`
	Address   string            `json:"address,omitempty"`
	RequestID string            `json:"request_id,omitempty"`
	Action    string            `json:"action" example:"lease.lend"`
	Target    string            `json:"target" doc:"What it was done to"`
	Detail    map[string]string `json:"detail,omitempty"`
	Hash      string            `json:"hash" doc:"Over the event and the one before it in its chain"`
}
