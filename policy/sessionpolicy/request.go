package sessionpolicy

import (
	"net/url"
	"slices"
)

// Request is a request to our S3 endpoint as far as session policies look at it.
type Request struct {
	Operation string // S3's name
	Bucket    string
	Key       string // of the object, or of one of a batch
	Versioned bool   // names a version of the object
	// Prefix and Delimiter are the parameters of a list, nil when not sent.
	Prefix, Delimiter *string
	// Tags: it brings tags for the object along.
	Tags bool
	// Compares: it is done only if the object that is there is the expected one.
	Compares bool
	// Source is what a copy reads, nil for none. With SourceTags the copy takes the
	// tags along that the source may have.
	Source     *Object
	SourceTags bool
}

// NewRequest reads what policies look at from the query and the header of a
// request. source is what a copy reads, else empty.
func NewRequest(operation, bucket, key string, source Object, query url.Values, header map[string][]string) Request {
	r := Request{
		Operation: operation, Bucket: bucket, Key: key, Versioned: query.Has("versionId"), Tags: header["X-Amz-Tagging"] != nil,
		Prefix: parameter(query, "prefix"), Delimiter: parameter(query, "delimiter"),
	}
	if source.Bucket != "" {
		r.Source = &source
		r.SourceTags = operation == "CopyObject" && !slices.Equal(header["X-Amz-Tagging-Directive"], []string{"REPLACE"})
	}
	// Of what tells something of the object that is there, "it must not exist" is
	// what every upload may ask.
	r.Compares = header["If-Match"] != nil || header["If-None-Match"] != nil && !slices.Equal(header["If-None-Match"], []string{"*"})
	return r
}

func parameter(query url.Values, name string) *string {
	if !query.Has(name) {
		return nil
	}
	value := query.Get(name)
	return &value
}

// Object is an object, maybe in one version.
type Object struct {
	Bucket, Key string
	Versioned   bool
}

// permissions are those that an operation takes of what its path names.
type permissions struct {
	actions   []string
	versioned []string // besides, when it names a version
	lists     bool     // with the condition keys of a list
	onBucket  bool     // of the bucket itself, not of an object in it
}

// operationPermissions is every operation of our S3 endpoint. A request with a
// version takes what one without does, too: the version "null" is the object.
//
// Source: Amazon S3 User Guide, "Required permissions for Amazon S3 API
// operations".
var operationPermissions = map[string]permissions{
	"ListBuckets":             {actions: []string{"s3:ListAllMyBuckets"}},
	"GetBucketLocation":       {actions: []string{"s3:GetBucketLocation"}, onBucket: true},
	"HeadBucket":              {actions: []string{"s3:ListBucket"}, lists: true, onBucket: true},
	"ListObjects":             {actions: []string{"s3:ListBucket"}, lists: true, onBucket: true},
	"ListObjectsV2":           {actions: []string{"s3:ListBucket"}, lists: true, onBucket: true},
	"ListObjectVersions":      {actions: []string{"s3:ListBucketVersions"}, lists: true, onBucket: true},
	"ListMultipartUploads":    {actions: []string{"s3:ListBucketMultipartUploads"}, onBucket: true},
	"ListParts":               {actions: []string{"s3:ListMultipartUploadParts"}},
	"GetObject":               {actions: []string{"s3:GetObject"}, versioned: []string{"s3:GetObjectVersion"}},
	"HeadObject":              {actions: []string{"s3:GetObject"}, versioned: []string{"s3:GetObjectVersion"}},
	"GetObjectTagging":        {actions: []string{"s3:GetObjectTagging"}, versioned: []string{"s3:GetObjectVersionTagging"}},
	"GetObjectAttributes":     {actions: []string{"s3:GetObject", "s3:GetObjectAttributes"}, versioned: []string{"s3:GetObjectVersion", "s3:GetObjectVersionAttributes"}},
	"PutObject":               {actions: []string{"s3:PutObject"}},
	"CopyObject":              {actions: []string{"s3:PutObject"}},
	"CreateMultipartUpload":   {actions: []string{"s3:PutObject"}},
	"UploadPart":              {actions: []string{"s3:PutObject"}},
	"UploadPartCopy":          {actions: []string{"s3:PutObject"}},
	"CompleteMultipartUpload": {actions: []string{"s3:PutObject"}},
	"AbortMultipartUpload":    {actions: []string{"s3:AbortMultipartUpload"}},
	"PutObjectTagging":        {actions: []string{"s3:PutObjectTagging"}, versioned: []string{"s3:PutObjectVersionTagging"}},
	"DeleteObjectTagging":     {actions: []string{"s3:DeleteObjectTagging"}, versioned: []string{"s3:DeleteObjectVersionTagging"}},
	"DeleteObject":            {actions: []string{"s3:DeleteObject"}, versioned: []string{"s3:DeleteObjectVersion"}},
	"DeleteObjects":           {}, // each key is asked about by itself, as a DeleteObject
}

// asks are the permissions that the request takes; all of them. known is false for
// an operation that is not in the table, which no policy allows.
func (r Request) asks() (asks []Ask, known bool) {
	p, known := operationPermissions[r.Operation]
	on := func(bucket, key string, actions ...string) {
		for _, action := range actions {
			asks = append(asks, Ask{Action: action, Bucket: bucket, Key: key, Lists: p.lists, Prefix: r.Prefix, Delimiter: r.Delimiter})
		}
	}
	on(r.Bucket, r.Key, p.actions...)
	if r.Versioned {
		on(r.Bucket, r.Key, p.versioned...)
	}
	if r.Tags || r.SourceTags {
		on(r.Bucket, r.Key, "s3:PutObjectTagging")
	}
	if r.Compares && r.Key != "" {
		on(r.Bucket, r.Key, "s3:GetObject")
	}
	if s := r.Source; s != nil {
		on(s.Bucket, s.Key, "s3:GetObject")
		if s.Versioned {
			on(s.Bucket, s.Key, "s3:GetObjectVersion")
		}
		if r.SourceTags {
			on(s.Bucket, s.Key, "s3:GetObjectTagging")
		}
		if r.SourceTags && s.Versioned {
			on(s.Bucket, s.Key, "s3:GetObjectVersionTagging")
		}
	}
	return asks, known
}

// Operations are the operations that session policies know of, sorted.
func Operations() []string {
	var names []string
	for name := range operationPermissions {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
