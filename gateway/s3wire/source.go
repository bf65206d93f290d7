package s3wire

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/keyhatch/keyhatch"
)

// NullVersion is the version that an object has where there are none.
const NullVersion = "null"

// IsOpaque tells whether a text is in the alphabet of ids that are handed out and
// taken back unread.
func IsOpaque(s string) bool {
	return s != "" && len(s) <= 1024 && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' && c != '.' && c != '~'
	}) && strings.Trim(s, ".") != ""
}

// SourceHeader names what a copy reads.
const SourceHeader = "X-Amz-Copy-Source"

// Source is the object that a copy reads, in a version if it names one.
type Source struct{ Bucket, Key, Version string }

var errCopySource = Refuse(http.StatusBadRequest, "InvalidArgument", "The copy source must be /bucket/key, percent-encoded, maybe with ?versionId= behind it, which a key that is copied cannot hold.")

// ofVersion stands in x-amz-copy-source between a key and a version. Some stores
// look for it when they have decoded all of that, versitygw always, RGW in the copy
// of a part: a key with it in it would name another object, in a version that we
// have not seen.
const ofVersion = "?versionId="

// ParseSource reads x-amz-copy-source: an optional slash, bucket, slash, key,
// percent-encoded, maybe with a version behind it.
func ParseSource(header string) (Source, error) {
	path, version, versioned := strings.Cut(header, ofVersion)
	if strings.Contains(path, "?") || versioned && !IsOpaque(version) {
		return Source{}, errCopySource
	}
	path, err := url.PathUnescape(path)
	if err != nil || strings.Contains(path, ofVersion) {
		return Source{}, errCopySource
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if keyhatch.CheckBucketName(bucket) != nil || keyhatch.CheckKey(key) != nil {
		return Source{}, errCopySource
	}
	return Source{bucket, key, version}, nil
}

// Header is what ParseSource reads the source from: everything is escaped that some
// store could read in another way.
func (s Source) Header() string {
	header := "/" + s.Bucket + "/" + strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(s.Key))
	if s.Version != "" {
		header += ofVersion + s.Version
	}
	return header
}
