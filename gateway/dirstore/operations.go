package dirstore

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

// operation is one line of the table.
type operation struct {
	name   string // S3's
	method string
	level  level
	// marker is the query parameter that tells the operation from others of its
	// method and level, with its value where that matters; empty for the plain
	// one, which comes last.
	marker, value string
	copies        bool   // the header x-amz-copy-source is there
	params        string // query parameters that it may have besides
	// serve does it, and returns the document to answer with: nil for none, and
	// sent if the whole answer is on its way. Nothing is written before an error.
	serve func(*Store, http.ResponseWriter, *request) (any, error)
}

// level says what the path names.
type level int

const (
	ofBucket level = iota // /bucket
	ofObject              // /bucket/key
)

const (
	listParams = "prefix delimiter encoding-type "
	getParams  = "partNumber response-content-type response-content-disposition response-content-encoding " +
		"response-content-language response-cache-control response-expires"
)

// operations is everything that is served. Of what is not here, sub-resources
// and parameters included, the answer is that it is not implemented: half of a
// request is never served as if it were the whole.
//
// Source: Amazon S3 API reference, "Actions".
var operations = []operation{
	{name: "GetBucketLocation", method: http.MethodGet, level: ofBucket, marker: "location", serve: (*Store).getBucketLocation},
	{name: "ListMultipartUploads", method: http.MethodGet, level: ofBucket, marker: "uploads", params: listParams + "max-uploads key-marker upload-id-marker", serve: (*Store).listUploads},
	{name: "ListObjectVersions", method: http.MethodGet, level: ofBucket, marker: "versions", params: listParams + "max-keys key-marker version-id-marker", serve: (*Store).listVersions},
	{name: "ListObjectsV2", method: http.MethodGet, level: ofBucket, marker: "list-type", value: "2", params: listParams + "max-keys continuation-token start-after fetch-owner", serve: (*Store).listObjectsV2},
	{name: "ListObjects", method: http.MethodGet, level: ofBucket, params: listParams + "max-keys marker", serve: (*Store).listObjects},
	{name: "HeadBucket", method: http.MethodHead, level: ofBucket, serve: (*Store).headBucket},
	{name: "DeleteObjects", method: http.MethodPost, level: ofBucket, marker: "delete", serve: (*Store).deleteObjects},

	{name: "ListParts", method: http.MethodGet, level: ofObject, marker: "uploadId", params: "max-parts part-number-marker encoding-type", serve: (*Store).listParts},
	{name: "GetObjectTagging", method: http.MethodGet, level: ofObject, marker: "tagging", serve: (*Store).getTags},
	{name: "GetObjectAttributes", method: http.MethodGet, level: ofObject, marker: "attributes", serve: (*Store).getAttributes},
	{name: "GetObject", method: http.MethodGet, level: ofObject, params: getParams, serve: (*Store).getObject},
	{name: "HeadObject", method: http.MethodHead, level: ofObject, params: getParams, serve: (*Store).getObject},
	{name: "UploadPartCopy", method: http.MethodPut, level: ofObject, marker: "uploadId", copies: true, params: "partNumber", serve: (*Store).copyPart},
	{name: "UploadPart", method: http.MethodPut, level: ofObject, marker: "uploadId", params: "partNumber", serve: (*Store).uploadPart},
	{name: "PutObjectTagging", method: http.MethodPut, level: ofObject, marker: "tagging", serve: (*Store).putTags},
	{name: "CopyObject", method: http.MethodPut, level: ofObject, copies: true, serve: (*Store).copyObject},
	{name: "PutObject", method: http.MethodPut, level: ofObject, serve: (*Store).putObject},
	{name: "CreateMultipartUpload", method: http.MethodPost, level: ofObject, marker: "uploads", serve: (*Store).createUpload},
	{name: "CompleteMultipartUpload", method: http.MethodPost, level: ofObject, marker: "uploadId", serve: (*Store).completeUpload},
	{name: "AbortMultipartUpload", method: http.MethodDelete, level: ofObject, marker: "uploadId", serve: (*Store).abortUpload},
	{name: "DeleteObjectTagging", method: http.MethodDelete, level: ofObject, marker: "tagging", serve: (*Store).deleteTags},
	{name: "DeleteObject", method: http.MethodDelete, level: ofObject, serve: (*Store).deleteObject},
}

// ofBucketsOnly are the sub-resources that S3 says no object has.
var ofBucketsOnly = []string{"versions", "versioning", "uploads", "location"}

// request is a request that has an operation.
type request struct {
	*http.Request
	operation
	bucket, key string
	query       url.Values
}

// sent stands for a document that is no XML.
var sent = struct{}{}

func (s *Store) serve(w http.ResponseWriter, r *http.Request) {
	var document any
	found, err := route(r)
	if err == nil {
		document, err = found.serve(s, w, found)
	}
	switch {
	case err != nil:
		s.fail(w, r, found.name, err)
	case document == sent:
	case document != nil:
		writeXML(w, http.StatusOK, document)
	case r.Method == http.MethodDelete:
		w.WriteHeader(http.StatusNoContent)
	default:
		w.WriteHeader(http.StatusOK)
	}
}

// route finds what a request asks for. It returns a request also beside an error.
func route(r *http.Request) (*request, error) {
	out := &request{Request: r}
	rest, rooted := strings.CutPrefix(r.URL.Path, "/")
	out.bucket, out.key, _ = strings.Cut(rest, "/")
	var err error
	if out.query, err = url.ParseQuery(r.URL.RawQuery); err != nil || !rooted {
		return out, errInvalidURI
	}
	at := ofObject
	switch {
	case rest == "": // which buckets there are is the gateway's to tell
		return out, errNotImplemented
	case keyhatch.CheckBucketName(out.bucket) != nil:
		return out, errNoSuchBucket
	case out.key == "":
		at = ofBucket
	}
	copies := r.Header.Get("X-Amz-Copy-Source") != ""
	for _, op := range operations {
		if op.method == r.Method && op.level == at && (copies || !op.copies) &&
			(op.marker == "" || out.query.Has(op.marker) && (op.value == "" || op.value == out.query.Get(op.marker))) {
			out.operation = op
			return out, out.check()
		}
	}
	return out, errNotImplemented
}

// check refuses what the operation would not look at.
func (r *request) check() error {
	for name, values := range r.query {
		if r.level == ofObject && r.method != http.MethodPost && slices.Contains(ofBucketsOnly, name) {
			return errOfBucketsOnly
		}
		if name != r.marker && name != "x-id" && name != "versionId" && !slices.Contains(strings.Fields(r.params), name) {
			return errNotImplemented
		}
		if len(values) != 1 {
			return invalidArgument("A parameter of the query is there more than once.")
		}
	}
	if version := r.query.Get("versionId"); version != "" && version != s3wire.NullVersion || r.level != ofObject && r.query.Has("versionId") {
		return errNoSuchVersion
	}
	if strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") || r.Header.Get("X-Amz-Decoded-Content-Length") != "" {
		return errStillInChunks
	}
	return nil
}
