package keyhatch

import "time"

// ObjectRequest is one request to our S3 endpoint as it went on record: who
// touched what. A batch delete has one for each key, a copy one more for what it
// read.
type ObjectRequest struct {
	ID        string
	At        time.Time // when it was answered
	Workspace string
	User      string
	Token     string // that borrowed the lease, or made the access key
	SignedBy  string // id of the lease or the access key
	Pair      string // access key id of the pair that was signed with, or that the lease was borrowed with; empty: a token borrowed that
	Store     string
	Operation string // S3's name
	Access    Access // that it takes
	Bucket    string // name
	Key       string // of a list, the prefix
	Bytes     int64  // of the object or list that went over the wire
	Status    int    // HTTP's; 0 for one that was still under way
	Code      string // S3's, of an error
	Address   string
	RequestID string
}
