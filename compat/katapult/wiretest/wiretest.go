package wiretest

// The paths of calls as the format's documentation has them, below /core/v1/: words that
// name an argument stand for any segment.
const (
	Account     = "organizations/organization/object_storage/object_storage_cluster"
	NewKeys     = Account + "/access_keys"
	NewBuckets  = Account + "/buckets"
	Keys        = "organizations/organization/object_storage/access_keys"
	Key         = "object_storage/access_keys/access_key"
	GenerateKey = Key + "/generate_credentials"
	Bucket      = "object_storage/object_storage_cluster/buckets/bucket"
	Trash       = "trash_objects/trash_object"
)

// OneAccessKey is an answer about a key.
type OneAccessKey struct {
	Key AccessKey `json:"object_storage_access_key"`
}

// AccessKey is one in an answer. What may be null is a pointer.
type AccessKey struct {
	ID, Name, Region, State string
	SeeAll                  bool     `json:"all_buckets_read"`
	ReadAll                 bool     `json:"all_objects_read"`
	WriteAll                bool     `json:"all_objects_write"`
	Read                    []string `json:"read_buckets"`
	Write                   []string `json:"write_buckets"`
	Server                  *string  `json:"server_url"`
	AccessKeyID             *string  `json:"s3_access_key_id"`
	Secret                  *string  `json:"s3_secret_access_key"`
}

// AccessKeyList is a page of keys.
type AccessKeyList struct {
	Keys       []AccessKey `json:"object_storage_access_keys"`
	Pagination struct {
		CurrentPage int  `json:"current_page"`
		TotalPages  *int `json:"total_pages"`
		Total       *int
	}
}

// OneBucket is an answer about a bucket.
type OneBucket struct {
	Bucket BucketAnswer `json:"object_storage_bucket"`
}

// BucketAnswer is a bucket in an answer.
type BucketAnswer struct {
	Name, State string
	Label       *string
	Objects     *int64 `json:"object_count"`
	Size        *int64
	Site        bool    `json:"serve_static_site"`
	Index       *string `json:"static_site_index"`
	Error       *string `json:"static_site_error"`
	URL         string  `json:"public_url"`
	ACL         *ACL    `json:"access_control_list"`
}

// ACL says who reads and writes a bucket.
type ACL struct {
	PublicRead   bool     `json:"public_read"`
	PublicList   bool     `json:"public_list"`
	AllKeysRead  bool     `json:"all_keys_read"`
	AllKeysWrite bool     `json:"all_keys_write"`
	Read         []string `json:"read_key_ids"`
	Write        []string `json:"write_key_ids"`
}
