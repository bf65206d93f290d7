package api

import "time"

// WhoCan is who could read or write a location, or what lies under an address, at a time,
// and with which access keys and presigned URLs.
type WhoCan struct {
	At          time.Time    `json:"at" doc:"The time that was asked about, or that of the question"`
	Access      string       `json:"access" enum:"read,write"`
	URL         string       `json:"url" doc:"What was asked about" example:"s3://demo/alpha/"`
	Location    string       `json:"location,omitempty" doc:"Id of the location that held it then. Without it: none did, and the ways are those into the locations that lay under it" example:"loc_0mz3k8q2a7c4f9d"`
	Name        string       `json:"name,omitempty" doc:"Of the location, then" example:"alpha"`
	Workspace   string       `json:"workspace" doc:"Id"`
	Locked      bool         `json:"locked" doc:"The location was locked: nobody could write"`
	Closed      bool         `json:"closed,omitempty" doc:"The bucket was being made or removed, or the account of the workspace on its store was closed: nobody could do anything"`
	LockedParts []string     `json:"locked_parts,omitempty" nullable:"false" doc:"Locations below what was asked about that were locked: nobody could write there" example:"[\"2024/\"]"`
	Ways        []Way        `json:"ways" nullable:"false" doc:"Everybody who could, in every way; who has several keeps the access until all of them end"`
	Keys        []KeyWay     `json:"access_keys" nullable:"false" doc:"The access keys that opened it"`
	URLs        []URLWay     `json:"presigned_urls,omitempty" nullable:"false" doc:"The presigned URLs of single objects that worked and rest on no grant: who signed them decided over the bucket, or the store's own session signed them"`
	Sessions    []SessionWay `json:"store_sessions,omitempty" nullable:"false" doc:"Sessions that the store itself had minted and that outlived the rights they were lent on: whoever had one could, to its end. Those of users who are among the ways are not told apart"`
	Doubts      []string     `json:"doubts,omitempty" nullable:"false" doc:"What the audit record cannot tell or contradicts itself in. Without it, the answer is certain"`
}

// Way is one way in which a user, or everyone, could.
type Way struct {
	To            string     `json:"to" enum:"user,everyone" doc:"everyone is every active user, never the anonymous"`
	User          string     `json:"user,omitempty" doc:"Id" example:"user_0mz3k8q2a7c4f9d"`
	UserName      string     `json:"user_name,omitempty" doc:"Then"`
	Access        string     `json:"access" enum:"read,write" doc:"What the grant gives: write includes read"`
	Grant         string     `json:"grant" doc:"Id" example:"grant_0mz3k8q2a7c4f9d"`
	Group         string     `json:"group,omitempty" doc:"Id of the group that the grant names and the user was in"`
	GroupName     string     `json:"group_name,omitempty" doc:"Then"`
	Teamspace     string     `json:"teamspace,omitempty" doc:"Id of the teamspace that the grant names and the user was in"`
	TeamspaceName string     `json:"teamspace_name,omitempty" doc:"Then"`
	Prefix        string     `json:"prefix,omitempty" doc:"The part of what was asked about that the grant opens. Without it: all of it" example:"2024/"`
	ExpiresAt     *time.Time `json:"expires_at,omitempty" doc:"When the grant was to end. Without it: until taken back"`
}

// KeyWay is an access key that opened what was asked about. It did so for as long as one of
// its rights and one of the standings of its owner was left.
type KeyWay struct {
	Key       string     `json:"access_key" doc:"Id" example:"objkey_0mz3k8q2a7c4f9d"`
	Name      string     `json:"name" doc:"Then" example:"backup"`
	Owner     string     `json:"owner" doc:"Id of the user whose it was"`
	OwnerName string     `json:"owner_name" doc:"Then"`
	Store     string     `json:"store" doc:"Id"`
	StoreName string     `json:"store_name" doc:"Then" example:"local"`
	Rights    []string   `json:"rights" nullable:"false" enum:"bucket,all,all_keys" doc:"bucket: its list had the bucket; all: it was for all buckets that the workspace had on the store; all_keys: the bucket was open to all keys of the workspace"`
	OwnerAs   []string   `json:"owner_as" nullable:"false" enum:"installation_admin,workspace_admin,bucket_owner" doc:"As what its owner decided over the bucket"`
	Pairs     []string   `json:"pairs" nullable:"false" doc:"The access key ids that worked. With none nobody could use the key, before one was issued" example:"[\"KHAKX4ZDQP2M7J6TRWVB\"]"`
	ExpiresAt *time.Time `json:"expires_at,omitempty" doc:"When the key was to end. Without it: never"`

	Unconfirmed bool `json:"unconfirmed,omitempty" doc:"The key was deleted or opens it no more by record, and the store that keeps it had not confirmed that: what is told is what it was"`
}

// URLWay is a presigned URL with which whoever had it could read an object.
type URLWay struct {
	Lease     string    `json:"lease" doc:"Id of the lease that it was signed with. Revoking that ends it" example:"lease_0mz3k8q2a7c4f9d"`
	Object    string    `json:"object" example:"s3://demo/alpha/README.txt"`
	User      string    `json:"user" doc:"Id of who signed it"`
	UserName  string    `json:"user_name" doc:"Then"`
	IssuedAt  time.Time `json:"issued_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// SessionWay is a session that a store itself had minted, which nothing ends before its time.
type SessionWay struct {
	Lease     string    `json:"lease" doc:"Id of the first lease that it was lent with" example:"lease_0mz3k8q2a7c4f9d"`
	Vend      string    `json:"vend" doc:"Id of the session, in the store's own record where its credential says so" example:"vend_0mz3k8q2a7c4f9d"`
	User      string    `json:"user" doc:"Id of whom it was lent to"`
	UserName  string    `json:"user_name,omitempty" doc:"Then. Without it: the user was gone"`
	Store     string    `json:"store" doc:"Id"`
	StoreName string    `json:"store_name" doc:"Then" example:"archive"`
	Access    string    `json:"access" enum:"read,write" doc:"What it opens: write includes read"`
	Prefixes  []string  `json:"prefixes" nullable:"false" doc:"What it opens of what was asked about and its user has no other way to, at most: a session policy of the lease may open less" example:"[\"s3://demo/alpha/\"]"`
	IssuedAt  time.Time `json:"issued_at"`
	ExpiresAt time.Time `json:"expires_at" doc:"When it ended, or will"`
}
