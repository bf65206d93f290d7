package gateway

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// What is kept with an object is checked here for every store alike: they differ
// in what they would take.

// maxMetadata bounds the names and values of an object's own metadata together.
//
// Source: Amazon S3 User Guide, "Working with object metadata".
const maxMetadata = 2 << 10

const metadataPrefix = "X-Amz-Meta-"

func checkMetadata(h http.Header) error {
	size := 0
	for name, values := range h {
		if !strings.HasPrefix(name, metadataPrefix) {
			continue
		}
		size += len(name) - len(metadataPrefix)
		for _, v := range values {
			size += len(v)
			if !utf8.ValidString(v) {
				return errMetadata
			}
		}
	}
	if size > maxMetadata {
		return errMetadataTooLarge
	}
	return nil
}

// The bounds of an object's tags, in characters.
//
// Source: Amazon S3 User Guide, "Categorizing your objects using tags".
const (
	maxTags     = 10
	maxTagKey   = 128
	maxTagValue = 256
)

// checkTagHeader reads the tags that come with an object.
func checkTagHeader(h http.Header) error {
	values := h.Values("X-Amz-Tagging")
	if len(values) == 0 {
		return nil
	}
	query, err := url.ParseQuery(values[0])
	if err != nil || len(values) > 1 {
		return errTags
	}
	var tags []tag
	for key, values := range query {
		for _, v := range values {
			tags = append(tags, tag{key, v})
		}
	}
	return checkTags(tags)
}

func checkTags(tags []tag) error {
	if len(tags) > maxTags {
		return errTags
	}
	seen := map[string]bool{}
	for _, t := range tags {
		if seen[t.Key] || t.Key == "" || !utf8.ValidString(t.Key+t.Value) ||
			utf8.RuneCountInString(t.Key) > maxTagKey || utf8.RuneCountInString(t.Value) > maxTagValue {
			return errTags
		}
		seen[t.Key] = true
	}
	return nil
}

// checkRange refuses several ranges in one request, which stores answer in many
// ways, none of them S3's.
func checkRange(h http.Header) error {
	if strings.Contains(strings.Join(h.Values("Range"), ","), ",") {
		return errRanges
	}
	return nil
}
