package dirstore

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// What a tag may be. Lengths are in characters.
//
// Source: Amazon S3 User Guide, "Categorizing your objects using tags"; the
// characters are those that every service of AWS allows.
const (
	maxTags     = 10
	maxTagKey   = 128
	maxTagValue = 256
)

var tagText = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// checkTags refuses what an object's tags cannot be.
func checkTags(tags []tag) error {
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case t.Key == "" || utf8.RuneCountInString(t.Key) > maxTagKey || utf8.RuneCountInString(t.Value) > maxTagValue:
			return invalidTag("The key of a tag has 1 to 128 characters, its value at most 256.")
		case !tagText.MatchString(t.Key) || !tagText.MatchString(t.Value) || strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return invalidTag("A tag has letters, digits, spaces and _ . : / = + - @, and does not begin with aws:.")
		case seen[t.Key]:
			return invalidTag("Cannot provide multiple Tags with the same key.")
		}
		seen[t.Key] = true
	}
	if len(tags) > maxTags {
		return invalidTag("Object tags cannot be greater than 10.")
	}
	return nil
}

// parseTags reads tags as the header x-amz-tagging has them, in the form of a
// query. They are kept with the object in this form, too; what is kept may be from
// a time of other limits.
func parseTags(text string) ([]tag, error) {
	var tags []tag
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		k, v, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(k)
		if err != nil {
			return nil, errTagsHeader
		}
		value, err := url.QueryUnescape(v)
		if err != nil {
			return nil, errTagsHeader
		}
		tags = append(tags, tag{key, value})
	}
	return tags, nil
}

var errTagsHeader = invalidArgument("The header x-amz-tagging must be encoded as URL query parameters.")

func formatTags(tags []tag) string {
	var pairs []string
	for _, t := range tags {
		pairs = append(pairs, url.QueryEscape(t.Key)+"="+url.QueryEscape(t.Value))
	}
	return strings.Join(pairs, "&")
}

func (s *Store) getTags(_ http.ResponseWriter, r *request) (any, error) {
	o, err := s.tree.Stat(r.bucket, r.key)
	if err != nil {
		return nil, err
	}
	tags, err := parseTags(o.Header[tagsHeader])
	return tagsDocument{Namespace: s3Namespace, TagSet: &tagSet{tags}}, err
}

func (s *Store) putTags(_ http.ResponseWriter, r *request) (any, error) {
	var asked tagsDocument
	if err := readDocument(r, &asked); err != nil {
		return nil, err
	}
	if asked.TagSet == nil {
		return nil, errMalformedXML
	}
	if err := checkTags(asked.TagSet.Tags); err != nil {
		return nil, err
	}
	return nil, s.tree.SetHeader(r.bucket, r.key, tagsHeader, formatTags(asked.TagSet.Tags))
}

func (s *Store) deleteTags(_ http.ResponseWriter, r *request) (any, error) {
	return nil, s.tree.SetHeader(r.bucket, r.key, tagsHeader, "")
}
