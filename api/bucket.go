package api

import "time"

// Bucket is a bucket on a store, owned by one workspace.
type Bucket struct {
	ID        string `json:"id" example:"bucket_0mz3k8q2a7c4f9d"`
	Workspace string `json:"workspace"`
	Store     string `json:"store"`
	Name      string `json:"name" example:"demo"`
	Owner     string `json:"owner,omitempty" doc:"The user who may make access keys for it, as the workspace's admins may"`
	State     string `json:"state" enum:"pending,configured,deleting" doc:"pending: the store has not made it yet; deleting: nor removed it. It opens nothing then"`
	BucketFields
	PresignedSince *time.Time  `json:"presigned_since,omitempty" doc:"Presigned URLs of an earlier time open nothing. Without it, none were revoked"`
	Usage          BucketUsage `json:"usage" doc:"As it was counted last"`
	CreatedAt      time.Time   `json:"created_at"`
}

// BucketFields are what is said of a bucket.
type BucketFields struct {
	Label               string `json:"label,omitempty" maxLength:"255"`
	ServeStaticSite     bool   `json:"serve_static_site" doc:"Kept for who asks: Keyhatch serves no sites"`
	StaticSiteIndex     string `json:"static_site_index,omitempty"`
	StaticSiteError     string `json:"static_site_error,omitempty"`
	AllKeysRead         bool   `json:"all_keys_read" doc:"Each access key of the workspace reads it whose owner decides over it"`
	AllKeysWrite        bool   `json:"all_keys_write" doc:"The same for writing"`
	PublicRead          bool   `json:"public_read" doc:"A grant lets everyone read it who is signed in, never the anonymous"`
	PublicList          bool   `json:"public_list" doc:"The same as public_read: who can read a bucket can list it"`
	MaxPresignedSeconds int    `json:"max_presigned_seconds" doc:"How long a presigned URL may work; 0: none is made"`
	ListWhole           bool   `json:"list_whole" doc:"Leases of Provena's clients list all of it, and so see the names of what lies beside their prefixes"`
}

// BucketUsage is how much is in a bucket.
type BucketUsage struct {
	Objects   int64      `json:"objects"`
	Bytes     int64      `json:"bytes"`
	CountedAt *time.Time `json:"counted_at,omitempty" doc:"Without it, nobody has counted yet"`
}

// NewBucket makes a bucket at its store.
type NewBucket struct {
	Store string `json:"store" doc:"Id or name"`
	Name  string `json:"name" maxLength:"63" doc:"No bucket of the store may have it"`
	BucketChange
	Location bool `json:"location,omitempty" doc:"With a location over all of it, that has the bucket's name or one that begins with it"`
}

// ExistingBucket puts a bucket that is at a store on record.
type ExistingBucket struct {
	Store string `json:"store" doc:"Id or name"`
	Name  string `json:"name" maxLength:"63"`
	Owner string `json:"owner,omitempty" doc:"Id or name of a user, who may make access keys for it. Default: you"`
}

// BucketChange changes what it names of a bucket.
type BucketChange struct {
	Owner               *string `json:"owner,omitempty" doc:"Id or name of a user, who may make access keys for it"`
	Label               *string `json:"label,omitempty" maxLength:"1020" doc:"At most 255 characters"`
	ServeStaticSite     *bool   `json:"serve_static_site,omitempty" doc:"Kept for who asks: Keyhatch serves no sites"`
	StaticSiteIndex     *string `json:"static_site_index,omitempty" maxLength:"1020"`
	StaticSiteError     *string `json:"static_site_error,omitempty" maxLength:"1020"`
	AllKeysRead         *bool   `json:"all_keys_read,omitempty" doc:"Let each access key of the workspace read it whose owner decides over it"`
	AllKeysWrite        *bool   `json:"all_keys_write,omitempty"`
	PublicRead          *bool   `json:"public_read,omitempty" doc:"Give everyone who is signed in a grant to read it, or take that back. Goes with public_list"`
	PublicList          *bool   `json:"public_list,omitempty"`
	MaxPresignedSeconds *int    `json:"max_presigned_seconds,omitempty" doc:"0 to 86400"`
	ListWhole           *bool   `json:"list_whole,omitempty" doc:"Let leases of Provena's clients list all of it: they see the names of what lies beside their prefixes. Another owner has to say it again"`
}

// BucketKeys are the access keys whose lists name a bucket, of those that one may see.
type BucketKeys struct {
	Read  []string `json:"read" doc:"Ids"`
	Write []string `json:"write" doc:"Ids"`
}

// BucketKeysChange says which access keys read and write a bucket. A list that is left out
// stays.
type BucketKeysChange struct {
	Read  *[]string `json:"read,omitempty" maxItems:"1000" doc:"Ids or names"`
	Write *[]string `json:"write,omitempty" maxItems:"1000" doc:"Ids or names"`
}

// ObjectDetails is what is known of an object without opening it.
type ObjectDetails struct {
	Key        string     `json:"key"`
	Folder     bool       `json:"folder" doc:"It is the beginning of other keys, up to a slash"`
	Bytes      *int64     `json:"bytes,omitempty"`
	ModifiedAt *time.Time `json:"modified_at,omitempty"`
}

// StoreAccount is a workspace's standing on a store.
type StoreAccount struct {
	ID            string     `json:"id" example:"objacc_0mz3k8q2a7c4f9d"`
	Workspace     string     `json:"workspace"`
	Store         string     `json:"store"`
	State         string     `json:"state" enum:"pending,provisioned,failed,suspended,trash"`
	Reason        string     `json:"reason,omitempty" doc:"Why it failed"`
	Buckets       int        `json:"buckets" doc:"How many the workspace has there"`
	Bytes         int64      `json:"bytes" doc:"In those of them that were counted"`
	ProvisionedAt *time.Time `json:"provisioned_at,omitempty"`
	KeepUntil     *time.Time `json:"keep_until,omitempty" doc:"When it goes from the trash"`
	CreatedAt     time.Time  `json:"created_at"`
}

// NewStoreAccount asks for an account.
type NewStoreAccount struct {
	Store string `json:"store" maxLength:"128" doc:"Id or name"`
}

// PresignRequest asks for a URL of one object.
type PresignRequest struct {
	Key           string `json:"key" minLength:"1" maxLength:"1024" doc:"Of the object, which need not be there yet" example:"2024/levels.csv"`
	ExpirySeconds *int   `json:"expiry_seconds,omitempty" doc:"From 1 to what the bucket, grant, location and token allow, at most 86400. Default: 3600, or less where a limit is lower"`
}

// RevokedURLs is what became of a bucket's presigned URLs when they were revoked.
type RevokedURLs struct {
	Left      int        `json:"left" doc:"How many work on, since the store's own sessions have signed them: nothing ends these"`
	LeftUntil *time.Time `json:"left_until,omitempty" doc:"When the last of these ends"`
}

// PresignedURL reads one object, with nothing else to show: keep it like a password.
type PresignedURL struct {
	URL       string    `json:"url"`
	Lease     string    `json:"lease" doc:"That it is signed with. Revoking it ends the URL, but for one that the store's own session has signed" example:"lease_0mz3k8q2a7c4f9d"`
	ExpiresAt time.Time `json:"expires_at"`
}
