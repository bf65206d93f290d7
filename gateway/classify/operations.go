package classify

import (
	"net/http"
	"slices"

	"github.com/keyhatch/keyhatch"
)

// Operation is one line of the table.
type Operation struct {
	Name   string // S3's
	Method string
	Level  Level
	Access keyhatch.Access // to what the path names, or to each key in the body
	// marker is the query parameter that tells the operation from others of its
	// method and level, with its value where that matters; empty for the plain
	// one, which comes last.
	marker, value string
	// needs is another parameter without which it is not the operation.
	needs string
	// Copies tells that the header x-amz-copy-source is there; what it names
	// must be open for reading.
	Copies bool
	// params are the query parameters that it may have besides.
	params []string
	// headers are the x-amz- headers that it understands besides those that
	// every operation does.
	headers []string
	// conditions are those that it understands when it writes. One that reads
	// understands all, or nothing is lost with one that it passes over.
	conditions []string
	Brings     Body
}

// Lists tells whether the operation lists keys, which it does below a prefix.
func (o Operation) Lists() bool { return slices.Contains(o.params, "prefix") }

// Level says what the path names.
type Level int

// The levels.
const (
	Service Level = iota // /
	Bucket               // /bucket
	Object               // /bucket/key
)

// Body says what the body is.
type Body int

// The bodies.
const (
	None     Body = iota
	Data          // an object or a part of one: streamed
	Document      // XML: read whole, at most s3wire.MaxDocument
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
	making        = []string{"If-Match", "If-None-Match"}
	inParts       = append([]string{"x-amz-checksum-type", "x-amz-checksum-algorithm"}, storing...)
)

// Operations is everything that the endpoint does. Whatever has another method,
// another sub-resource, or a parameter or header that is not listed is refused.
//
// Source: Amazon S3 API reference, "Actions".
var Operations = []Operation{
	{Name: "ListBuckets", Method: http.MethodGet, Level: Service, Access: keyhatch.Read},

	{Name: "GetBucketLocation", Method: http.MethodGet, Level: Bucket, Access: keyhatch.Read, marker: "location"},
	{
		Name: "ListMultipartUploads", Method: http.MethodGet, Level: Bucket, Access: keyhatch.Write, marker: "uploads",
		params: []string{"prefix", "delimiter", "key-marker", "upload-id-marker", "max-uploads", "encoding-type"},
	},
	{
		Name: "ListObjectVersions", Method: http.MethodGet, Level: Bucket, Access: keyhatch.Read, marker: "versions",
		params: versionParams, headers: []string{"x-amz-optional-object-attributes"},
	},
	{
		Name: "ListObjectsV2", Method: http.MethodGet, Level: Bucket, Access: keyhatch.Read, marker: "list-type", value: "2",
		params:  []string{"prefix", "delimiter", "start-after", "continuation-token", "max-keys", "encoding-type", "fetch-owner"},
		headers: []string{"x-amz-optional-object-attributes"},
	},
	{
		Name: "ListObjects", Method: http.MethodGet, Level: Bucket, Access: keyhatch.Read,
		params:  []string{"prefix", "delimiter", "marker", "max-keys", "encoding-type"},
		headers: []string{"x-amz-optional-object-attributes"},
	},
	{Name: "HeadBucket", Method: http.MethodHead, Level: Bucket, Access: keyhatch.Read},
	{Name: "DeleteObjects", Method: http.MethodPost, Level: Bucket, Access: keyhatch.Write, marker: "delete", Brings: Document},

	{
		Name: "ListParts", Method: http.MethodGet, Level: Object, Access: keyhatch.Write, marker: "uploadId",
		params: []string{"max-parts", "part-number-marker", "encoding-type"},
	},
	{Name: "GetObjectTagging", Method: http.MethodGet, Level: Object, Access: keyhatch.Read, marker: "tagging", params: []string{"versionId"}},
	{
		Name: "GetObjectAttributes", Method: http.MethodGet, Level: Object, Access: keyhatch.Read, marker: "attributes",
		params: []string{"versionId"}, headers: []string{"x-amz-object-attributes", "x-amz-max-parts", "x-amz-part-number-marker"},
	},
	{Name: "GetObject", Method: http.MethodGet, Level: Object, Access: keyhatch.Read, params: getParams, headers: []string{"x-amz-checksum-mode"}},
	{Name: "HeadObject", Method: http.MethodHead, Level: Object, Access: keyhatch.Read, params: getParams, headers: []string{"x-amz-checksum-mode"}},
	{
		Name: "UploadPartCopy", Method: http.MethodPut, Level: Object, Access: keyhatch.Write, marker: "uploadId", needs: "partNumber", Copies: true,
		params: []string{"partNumber"}, headers: append([]string{"x-amz-copy-source-range"}, copying...),
	},
	{
		Name: "UploadPart", Method: http.MethodPut, Level: Object, Access: keyhatch.Write, marker: "uploadId", needs: "partNumber",
		params: []string{"partNumber"}, Brings: Data,
	},
	{Name: "PutObjectTagging", Method: http.MethodPut, Level: Object, Access: keyhatch.Write, marker: "tagging", params: []string{"versionId"}, Brings: Document},
	{Name: "CopyObject", Method: http.MethodPut, Level: Object, Access: keyhatch.Write, Copies: true, headers: copyingObject, conditions: making},
	{Name: "PutObject", Method: http.MethodPut, Level: Object, Access: keyhatch.Write, headers: storing, conditions: making, Brings: Data},
	{
		Name: "CreateMultipartUpload", Method: http.MethodPost, Level: Object, Access: keyhatch.Write, marker: "uploads",
		headers: inParts,
	},
	{
		Name: "CompleteMultipartUpload", Method: http.MethodPost, Level: Object, Access: keyhatch.Write, marker: "uploadId",
		headers: []string{"x-amz-checksum-type", "x-amz-mp-object-size"}, conditions: making, Brings: Document,
	},
	{Name: "AbortMultipartUpload", Method: http.MethodDelete, Level: Object, Access: keyhatch.Write, marker: "uploadId"},
	{Name: "DeleteObjectTagging", Method: http.MethodDelete, Level: Object, Access: keyhatch.Write, marker: "tagging", params: []string{"versionId"}},
	{Name: "DeleteObject", Method: http.MethodDelete, Level: Object, Access: keyhatch.Write, params: []string{"versionId"}, conditions: []string{"If-Match"}},
}

// commonHeaders are the x-amz- headers that any request may have, by name or,
// with a dash at the end, by beginning: they say how it is signed and sent.
var commonHeaders = []string{
	"x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-user-agent",
	"x-amz-decoded-content-length", "x-amz-trailer", "x-amz-sdk-checksum-algorithm", "x-amz-checksum-",
	"x-amz-request-payer",
	"x-amz-api-version", // of the SDK for C++ since 2026, and with it of Arrow
}
