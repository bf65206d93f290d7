package api

import "time"

// ObjectRequest is one request to Keyhatch's S3 endpoint, as it went on record.
type ObjectRequest struct {
	ID        string    `json:"id" example:"req_0mz3k8q2a7c4f9d"`
	At        time.Time `json:"at" doc:"When it was answered"`
	User      string    `json:"user"`
	UserName  string    `json:"user_name,omitempty" doc:"As it is now; nothing when the user is gone"`
	Token     string    `json:"token" doc:"That borrowed the lease, or made the access key"`
	Lease     string    `json:"lease,omitempty" doc:"That signed it"`
	AccessKey string    `json:"access_key,omitempty" doc:"Or the access key"`
	Pair      string    `json:"pair,omitempty" doc:"Access key id of the pair of an access key that signed it, or that the lease was borrowed with" example:"KHAKX4ZDQP2M7J6TRWVB"`
	Operation string    `json:"operation" doc:"S3's name" example:"GetObject"`
	Access    string    `json:"access" enum:"read,write" doc:"What it takes"`
	Bucket    string    `json:"bucket"`
	Key       string    `json:"key" doc:"Of a list, the prefix" example:"alpha/README.txt"`
	Bytes     int64     `json:"bytes" doc:"Of the object or list that went over the wire"`
	Status    int       `json:"status" doc:"HTTP's; 0 while it was under way"`
	Code      string    `json:"code,omitempty" doc:"S3's, of a refusal" example:"AccessDenied"`
	Address   string    `json:"address,omitempty"`
	RequestID string    `json:"request_id"`
}
