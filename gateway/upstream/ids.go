package upstream

import (
	"bytes"
	"crypto/subtle"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"

	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

// The ids of uploads and versions are the store's own, and some stores read more
// in them than a name: MinIO a path to anywhere in it, RGW the beginning of a key.
// So none is passed on that the store has not made: on its way out each gets a
// mark that only we can make, for its store and bucket, and on its way in it is
// taken off again.

// idKind keeps the marks of different ids apart.
type idKind string

const (
	uploadID  idKind = "upload"
	versionID idKind = "version"
)

// idParams are the parameters that name ids.
var idParams = map[string]idKind{
	"uploadId": uploadID, "upload-id-marker": uploadID, "versionId": versionID, "version-id-marker": versionID,
}

// idElements are the elements of documents that do.
var idElements = map[string]idKind{
	"UploadId": uploadID, "UploadIdMarker": uploadID, "NextUploadIdMarker": uploadID,
	"VersionId": versionID, "VersionIdMarker": versionID, "NextVersionIdMarker": versionID,
}

const (
	versionHeader = "X-Amz-Version-Id"
	sourceHeader  = "X-Amz-Copy-Source"
	// sourceVersionHeader is the version that a copy was made of.
	sourceVersionHeader = "X-Amz-Copy-Source-Version-Id"
)

// marked is an id as clients get it.
func (s *Store) marked(kind idKind, bucket, id string) string {
	if id == "" || id == s3wire.NullVersion {
		return id
	}
	return id + "." + s.client.authority.Mark(string(kind), s.store.ID, bucket, id)
}

// unmarked is an id as the store made it, of one that a client brings.
func (s *Store) unmarked(kind idKind, bucket, marked string) (string, error) {
	if marked == "" || marked == s3wire.NullVersion && kind == versionID {
		return marked, nil
	}
	dot := strings.LastIndexByte(marked, '.')
	if dot < 0 || subtle.ConstantTimeCompare([]byte(s.marked(kind, bucket, marked[:dot])), []byte(marked)) != 1 {
		return "", missing[kind]
	}
	return marked[:dot], nil
}

// missing is what a client is told of an id that is none of the store's.
var missing = map[idKind]error{
	uploadID:  refusalOf("NoSuchUpload"),
	versionID: refusalOf("NoSuchVersion"),
}

func refusalOf(code string) error {
	for _, r := range refusals {
		if r.code == code {
			return r
		}
	}
	return failed
}

// unmarkQuery takes the marks off the ids of a query.
func (s *Store) unmarkQuery(bucket string, q url.Values) error {
	for name, kind := range idParams {
		for i, marked := range q[name] {
			id, err := s.unmarked(kind, bucket, marked)
			if err != nil {
				return err
			}
			q[name][i] = id
		}
	}
	return nil
}

// unmarkSource takes the mark off the version of a copy's source.
func (s *Store) unmarkSource(h http.Header) error {
	source, marked, versioned := strings.Cut(h.Get(sourceHeader), "?versionId=")
	if !versioned {
		return nil
	}
	id, err := s.unmarked(versionID, bucketOf(source), marked)
	if err != nil {
		return err
	}
	h.Set(sourceHeader, source+"?versionId="+id)
	return nil
}

// bucketOf is the bucket of a path.
func bucketOf(path string) string {
	bucket, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return bucket
}

// markHeaders marks the ids of an answer's header.
func (s *Store) markHeaders(r *http.Request, h http.Header) {
	source, _, _ := strings.Cut(r.Header.Get(sourceHeader), "?")
	for name, bucket := range map[string]string{versionHeader: bucketOf(r.URL.Path), sourceVersionHeader: bucketOf(source)} {
		if id := h.Get(name); id != "" {
			h.Set(name, s.marked(versionID, bucket, id))
		}
	}
}

// markElement is the content of an element with its id marked.
func (s *Store) markElement(kind idKind, bucket string, content []byte) ([]byte, error) {
	id, err := textOf(content)
	if err != nil {
		return nil, errDocument
	}
	var out bytes.Buffer
	err = xml.EscapeText(&out, []byte(s.marked(kind, bucket, id)))
	return out.Bytes(), err
}
