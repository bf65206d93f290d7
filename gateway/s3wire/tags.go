package s3wire

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Tag is one of an object's tags.
type Tag struct{ Key, Value string }

// TagsHeader holds the tags that an upload brings along.
const TagsHeader = "X-Amz-Tagging"

// What tags may be. Lengths are in characters.
//
// Source: Amazon S3 User Guide, "Categorizing your objects using tags"; the
// characters are those that every service of AWS allows.
const (
	maxTags     = 10
	maxTagKey   = 128
	maxTagValue = 256
)

var tagText = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// CheckTags refuses what an object's tags cannot be.
func CheckTags(tags []Tag) error {
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case t.Key == "" || utf8.RuneCountInString(t.Key) > maxTagKey || utf8.RuneCountInString(t.Value) > maxTagValue:
			return invalidTag("The key of a tag has 1 to 128 characters, its value at most 256.")
		case !utf8.ValidString(t.Key) || !utf8.ValidString(t.Value) || !tagText.MatchString(t.Key) || !tagText.MatchString(t.Value) || strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
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

func invalidTag(message string) *Error {
	return Refuse(http.StatusBadRequest, "InvalidTag", message)
}

var errTagsHeader = Refuse(http.StatusBadRequest, "InvalidArgument", "The header x-amz-tagging must be encoded as URL query parameters, and be there once.")

// HeaderTags reads and checks the tags that come with an object.
func HeaderTags(h http.Header) ([]Tag, error) {
	values := h.Values(TagsHeader)
	if len(values) > 1 {
		return nil, errTagsHeader
	}
	tags, err := ParseTags(h.Get(TagsHeader))
	if err != nil {
		return nil, err
	}
	return tags, CheckTags(tags)
}

// ParseTags reads tags in the form of a query. It does not check them: what was kept
// may be from a time of other limits.
func ParseTags(text string) ([]Tag, error) {
	var tags []Tag
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
		tags = append(tags, Tag{key, value})
	}
	return tags, nil
}

// FormatTags writes them in the form that ParseTags reads.
func FormatTags(tags []Tag) string {
	var pairs []string
	for _, t := range tags {
		pairs = append(pairs, url.QueryEscape(t.Key)+"="+url.QueryEscape(t.Value))
	}
	return strings.Join(pairs, "&")
}
