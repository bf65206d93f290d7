package gateway

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch"
)

// operation is one line of the table.
type operation struct {
	name   string // S3's
	method string
	level  level
	access keyhatch.Access
	// marker is the query parameter that tells it from others of the same
	// method and level, with its value; empty for the plain one.
	marker, value string
	// params are the query parameters that it may have besides.
	params []string
	// body tells that it carries an object; every other body must be empty.
	body bool
}

// level says what the path names.
type level int

const (
	service level = iota // /
	bucket               // /bucket
	object               // /bucket/key
)

// operations is everything that the endpoint does. Whatever has another method,
// another sub-resource or a parameter that is not listed is refused.
//
// Source: Amazon S3 API reference, "Actions".
var operations = []operation{
	{name: "ListBuckets", method: http.MethodGet, level: service, access: keyhatch.Read},
	{
		name: "ListObjectsV2", method: http.MethodGet, level: bucket, access: keyhatch.Read, marker: "list-type", value: "2",
		params: []string{"prefix", "delimiter", "start-after", "continuation-token", "max-keys", "encoding-type", "fetch-owner"},
	},
	{
		name: "ListObjects", method: http.MethodGet, level: bucket, access: keyhatch.Read,
		params: []string{"prefix", "delimiter", "marker", "max-keys", "encoding-type"},
	},
	{name: "GetObject", method: http.MethodGet, level: object, access: keyhatch.Read},
	{name: "HeadObject", method: http.MethodHead, level: object, access: keyhatch.Read},
	{name: "PutObject", method: http.MethodPut, level: object, access: keyhatch.Write, body: true},
	{name: "DeleteObject", method: http.MethodDelete, level: object, access: keyhatch.Write},
}

// request is a classified request.
type request struct {
	operation
	bucket string
	key    string
	prefix string // of a list
}

// classify finds the operation and what it is about. It acts on the decoded path
// and query, which are what the signature covers (package sigv4).
func classify(r *http.Request) (request, error) {
	var out request
	rest, ok := strings.CutPrefix(r.URL.Path, "/")
	if !ok {
		return out, errInvalidURI
	}
	at := service
	if rest != "" {
		var hasKey bool
		out.bucket, out.key, hasKey = strings.Cut(rest, "/")
		at = bucket
		if hasKey && out.key != "" {
			at = object
		}
	}
	if at != service && keyhatch.CheckBucketName(out.bucket) != nil {
		return out, errBucketName
	}
	if at == object {
		if err := keyhatch.CheckKey(out.key); err != nil {
			return out, errKey
		}
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return out, errInvalidURI
	}
	op, found := find(r.Method, at, query)
	if !found {
		return out, errNotImplemented
	}
	out.operation = op
	out.prefix = query.Get("prefix")
	if out.prefix != "" && keyhatch.CheckKey(out.prefix+"x") != nil { // it may stop inside a segment
		return out, errKey
	}
	return out, checkHeaders(op, r.Header)
}

func find(method string, at level, query url.Values) (operation, bool) {
	for _, op := range operations {
		if op.method != method || op.level != at || op.marker != "" && query.Get(op.marker) != op.value {
			continue
		}
		for name := range query {
			if name != op.marker && !slices.Contains(op.params, name) && !everywhere(name) {
				return operation{}, false
			}
		}
		return op, true
	}
	return operation{}, false
}

// signing are the parameters of a presigned signature and what SDKs put beside
// it. Others that begin alike are refused: presigned, they stand for headers
// that would be refused too.
var signing = []string{
	"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature",
	"X-Amz-Security-Token", "X-Amz-Content-Sha256", "X-Amz-User-Agent", "x-amz-user-agent",
	"X-Amz-Sdk-Checksum-Algorithm", "x-amz-sdk-checksum-algorithm",
}

// everywhere tells which parameters may stand in any request: those of a
// presigned signature, and the operation's name, which SDKs repeat.
func everywhere(name string) bool {
	return name == "x-id" || slices.Contains(signing, name) || strings.HasPrefix(strings.ToLower(name), "x-amz-checksum-")
}

// amzHeaders are the x-amz- headers that are understood, by name or, with a
// dash at the end, by beginning. One that is not understood could mean that an
// object is to be encrypted, locked or given away: it is refused.
var amzHeaders = []string{
	"x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-user-agent",
	"x-amz-decoded-content-length", "x-amz-trailer", "x-amz-sdk-checksum-algorithm", "x-amz-checksum-",
	"x-amz-meta-", "x-amz-acl", "x-amz-storage-class", "x-amz-expected-bucket-owner",
}

func checkHeaders(op operation, h http.Header) error {
	for name, values := range h {
		name = strings.ToLower(name)
		if !strings.HasPrefix(name, "x-amz-") {
			continue
		}
		known := slices.ContainsFunc(amzHeaders, func(k string) bool {
			return k == name || strings.HasSuffix(k, "-") && strings.HasPrefix(name, k)
		})
		switch {
		case name == "x-amz-acl" && (op.name != "PutObject" || !slices.Equal(values, []string{"private"})):
			return errACL
		case name == "x-amz-storage-class" && !slices.Equal(values, []string{"STANDARD"}):
			return errStorageClass
		case !known:
			return errNotImplemented
		}
	}
	return nil
}
