package gateway

import (
	"net/http"
	"slices"

	"github.com/keyhatch/keyhatch"
)

// operation is one line of the table.
type operation struct {
	name   string // S3's
	method string
	level  level
	access keyhatch.Access // to what the path names, or to each key in the body
	// marker is the query parameter that tells the operation from others of its
	// method and level, with its value where that matters; empty for the plain
	// one, which comes last.
	marker, value string
	// needs is another parameter without which it is not the operation.
	needs string
	// copies tells that the header x-amz-copy-source is there; what it names
	// must be open for reading.
	copies bool
	// params are the query parameters that it may have besides.
	params []string
	// headers are the x-amz- headers that it understands besides those that
	// every operation does.
	headers []string
	body    bodyKind
}

// lists tells whether the operation lists keys, which it does below a prefix.
func (o operation) lists() bool { return slices.Contains(o.params, "prefix") }

// level says what the path names.
type level int

const (
	service level = iota // /
	bucket               // /bucket
	object               // /bucket/key
)

// bodyKind says what the body is.
type bodyKind int

const (
	noBody   bodyKind = iota
	data              // an object or a part of one: streamed
	document          // XML: read whole, at most s3wire.MaxDocument
)

var (
	responseParams = []string{
		"response-content-type", "response-content-disposition", "response-content-encoding",
		"response-content-language", "response-cache-control", "response-expires",
	}
	versionParams = []string{"prefix", "delimiter", "key-marker", "version-id-marker", "max-keys", "encoding-type"}
	getParams     = append([]string{"partNumber", "versionId"}, responseParams...)

	storing = []string{"x-amz-tagging", "x-amz-meta-", "x-amz-acl", "x-amz-storage-class"}
	copying = []string{
		"x-amz-copy-source", "x-amz-copy-source-if-match", "x-amz-copy-source-if-none-match",
		"x-amz-copy-source-if-modified-since", "x-amz-copy-source-if-unmodified-since",
	}
	copyingObject = append(append([]string{"x-amz-metadata-directive", "x-amz-tagging-directive"}, copying...), storing...)
	inParts       = append([]string{"x-amz-checksum-type", "x-amz-checksum-algorithm"}, storing...)
)

// operations is everything that the endpoint does. Whatever has another method,
// another sub-resource, or a parameter or header that is not listed is refused.
//
// Source: Amazon S3 API reference, "Actions".
var operations = []operation{
	{name: "ListBuckets", method: http.MethodGet, level: service, access: keyhatch.Read},

	{name: "GetBucketLocation", method: http.MethodGet, level: bucket, access: keyhatch.Read, marker: "location"},
	{
		name: "ListMultipartUploads", method: http.MethodGet, level: bucket, access: keyhatch.Write, marker: "uploads",
		params: []string{"prefix", "delimiter", "key-marker", "upload-id-marker", "max-uploads", "encoding-type"},
	},
	{
		name: "ListObjectVersions", method: http.MethodGet, level: bucket, access: keyhatch.Read, marker: "versions",
		params: versionParams, headers: []string{"x-amz-optional-object-attributes"},
	},
	{
		name: "ListObjectsV2", method: http.MethodGet, level: bucket, access: keyhatch.Read, marker: "list-type", value: "2",
		params:  []string{"prefix", "delimiter", "start-after", "continuation-token", "max-keys", "encoding-type", "fetch-owner"},
		headers: []string{"x-amz-optional-object-attributes"},
	},
	{
		name: "ListObjects", method: http.MethodGet, level: bucket, access: keyhatch.Read,
		params:  []string{"prefix", "delimiter", "marker", "max-keys", "encoding-type"},
		headers: []string{"x-amz-optional-object-attributes"},
	},
	{name: "HeadBucket", method: http.MethodHead, level: bucket, access: keyhatch.Read},
	{name: "DeleteObjects", method: http.MethodPost, level: bucket, access: keyhatch.Write, marker: "delete", body: document},

	{
		name: "ListParts", method: http.MethodGet, level: object, access: keyhatch.Write, marker: "uploadId",
		params: []string{"max-parts", "part-number-marker", "encoding-type"},
	},
	{name: "GetObjectTagging", method: http.MethodGet, level: object, access: keyhatch.Read, marker: "tagging", params: []string{"versionId"}},
	{
		name: "GetObjectAttributes", method: http.MethodGet, level: object, access: keyhatch.Read, marker: "attributes",
		params: []string{"versionId"}, headers: []string{"x-amz-object-attributes", "x-amz-max-parts", "x-amz-part-number-marker"},
	},
	{name: "GetObject", method: http.MethodGet, level: object, access: keyhatch.Read, params: getParams, headers: []string{"x-amz-checksum-mode"}},
	{name: "HeadObject", method: http.MethodHead, level: object, access: keyhatch.Read, params: getParams, headers: []string{"x-amz-checksum-mode"}},
	{
		name: "UploadPartCopy", method: http.MethodPut, level: object, access: keyhatch.Write, marker: "uploadId", needs: "partNumber", copies: true,
		params: []string{"partNumber"}, headers: append([]string{"x-amz-copy-source-range"}, copying...),
	},
	{
		name: "UploadPart", method: http.MethodPut, level: object, access: keyhatch.Write, marker: "uploadId", needs: "partNumber",
		params: []string{"partNumber"}, body: data,
	},
	{name: "PutObjectTagging", method: http.MethodPut, level: object, access: keyhatch.Write, marker: "tagging", params: []string{"versionId"}, body: document},
	{name: "CopyObject", method: http.MethodPut, level: object, access: keyhatch.Write, copies: true, headers: copyingObject},
	{name: "PutObject", method: http.MethodPut, level: object, access: keyhatch.Write, headers: storing, body: data},
	{
		name: "CreateMultipartUpload", method: http.MethodPost, level: object, access: keyhatch.Write, marker: "uploads",
		headers: inParts,
	},
	{
		name: "CompleteMultipartUpload", method: http.MethodPost, level: object, access: keyhatch.Write, marker: "uploadId",
		headers: []string{"x-amz-checksum-type", "x-amz-mp-object-size"}, body: document,
	},
	{name: "AbortMultipartUpload", method: http.MethodDelete, level: object, access: keyhatch.Write, marker: "uploadId"},
	{name: "DeleteObjectTagging", method: http.MethodDelete, level: object, access: keyhatch.Write, marker: "tagging", params: []string{"versionId"}},
	{name: "DeleteObject", method: http.MethodDelete, level: object, access: keyhatch.Write, params: []string{"versionId"}},
}

// commonHeaders are the x-amz- headers that any request may have, by name or,
// with a dash at the end, by beginning: they say how it is signed and sent.
var commonHeaders = []string{
	"x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-user-agent",
	"x-amz-decoded-content-length", "x-amz-trailer", "x-amz-sdk-checksum-algorithm", "x-amz-checksum-",
	"x-amz-request-payer",
	"x-amz-api-version", // of the SDK for C++ since 2026, and with it of Arrow
}
